"""exporter/Dockerfile: what it copies is in its context and makes the wheel, and what it tells is true."""

import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import click
import pytest

import stack
from model_exporter import __version__
from model_exporter.cli.serve import serve
from model_exporter.expose import http
from wheels import VARIABLE, build_wheel

ROOT = stack.ROOT
TEXT = (ROOT / "exporter" / "Dockerfile").read_text("utf-8")
IGNORED = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
USER = "65532:65532"


class Instruction(NamedTuple):
    """A line of the Dockerfile, in the stage that it belongs to; empty before the first."""

    stage: str
    name: str
    rest: str


def _instructions() -> Iterator[Instruction]:
    stage = ""
    for line in re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            stage = rest.split(" AS ")[1]
        if name:
            yield Instruction(stage, name, rest)


def _of(stage: str, name: str) -> list[str]:
    """What the instructions of that name say in a stage and in those that it is made from."""
    stages, parent = [stage], stage
    while parent := next((rest.split()[0] for of, told, rest in _instructions() if (of, told) == (parent, "FROM")), ""):
        stages.append(parent)
    return [rest for of, told, rest in _instructions() if told == name and of in stages]


def _copied() -> list[tuple[str, str]]:
    """Sources in the context and targets, of every COPY that is not from another stage."""
    copies = [rest.split() for _, name, rest in _instructions() if name == "COPY" and not rest.startswith("--from")]
    return [(source, target) for *sources, target in copies for source in sources]


def _defaults() -> dict[str, object]:
    """Defaults of the flags of `serve`, by flag."""
    return {option.opts[0]: option.default for option in serve.params if isinstance(option, click.Option)}


def test_the_base_is_pinned() -> None:
    """To a patch release, said once."""
    (python,) = re.findall(r"^ARG PYTHON=(\S+)$", TEXT, re.MULTILINE)
    assert re.fullmatch(r"3\.\d+\.\d+-slim-[a-z]+", python)
    images = {rest.split()[0] for _, name, rest in _instructions() if name == "FROM"}
    stages = {stage for stage, _, _ in _instructions() if stage}
    assert images - stages == {"python:${PYTHON}"}


@pytest.mark.parametrize("stage", ["exporter", "demo"])
def test_an_image_runs_as_nobody_in_particular(stage: str) -> None:
    """As a number that is not root's, with a user of that number; without a compiler's leavings and without pip."""
    assert _of(stage, "USER")[0] == USER
    made = " ".join(_of(stage, "RUN"))
    assert "groupadd --gid 65532" in made
    assert "useradd --uid 65532" in made
    assert "pip --disable-pip-version-check uninstall" in made
    last = [rest for of, name, rest in _instructions() if of == stage and name in {"COPY", "RUN", "ADD"}]
    assert last == [f"--from=build{'-demo' if stage == 'demo' else ''} /opt/model_exporter /opt/model_exporter"]


@pytest.mark.parametrize("stage", ["exporter", "demo"])
def test_the_decoder_is_compiled_and_the_compiler_stays_behind(stage: str) -> None:
    """The stage that builds the wheel has a compiler and must use it; no image is made from that stage."""
    (built,) = (rest for of, name, rest in _instructions() if (of, name) == ("build", "RUN") and "pip wheel" in rest)
    assert f"{VARIABLE}=require" in built
    assert "install --yes --no-install-recommends gcc libc6-dev" in " ".join(_of("build", "RUN"))
    assert "gcc" not in " ".join(_of(stage, "RUN"))


def test_an_image_without_a_target_is_the_exporter() -> None:
    """It is the last stage; the stack names its targets."""
    stages = [stage for stage, name, _ in _instructions() if name == "FROM"]
    assert stages[-1] == "exporter"
    builds = [service["build"] for service in stack.services().values() if "build" in service]
    assert {build["target"] for build in builds} == {"exporter", "demo"} <= set(stages)
    assert {(ROOT / build["context"] / build["dockerfile"]).resolve() for build in builds} == {
        ROOT / "exporter" / "Dockerfile"
    }


def test_the_context_is_what_is_copied() -> None:
    """Everything else is kept out: no tests, no environments, no state of whoever builds."""
    first, *rest = [line for line in IGNORED if line and not line.startswith("#")]
    assert first == "*"
    assert {line[1:] for line in rest if line.startswith("!")} == {source for source, _ in _copied()}
    assert [line for line in rest if not line.startswith("!")] == ["rules/tests", "**/__pycache__", "**/*.c", "**/*.so"]


def test_the_context_makes_the_wheel(tmp_path: Path) -> None:
    """The one that the whole repository makes, file by file."""
    context = tmp_path / "src"
    for source, target in _copied():
        path = context / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, path, ignore=shutil.ignore_patterns("__pycache__", "*.c", "*.so"))
        else:
            path.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, path)
    shutil.rmtree(context / "rules" / "tests")
    contents = []
    for place, folder in enumerate((ROOT, context)):
        with zipfile.ZipFile(build_wheel(folder, tmp_path / str(place))) as archive:
            contents.append({name: archive.read(name) for name in archive.namelist()})
    assert contents[0] == contents[1]


def test_what_is_installed_is_locked() -> None:
    """Every installation is held to the lock file and builds nothing from sources but the wheel itself."""
    for _, name, rest in _instructions():
        for command in rest.split("&&") if name == "RUN" else ():
            if " install " in command and "pip" in command:
                assert "--constraint requirements.lock" in command
                assert "--only-binary :all:" in command
            if "pip wheel" in command:
                assert "PIP_CONSTRAINT=/src/requirements.lock" in command


def test_the_labels_tell_the_version() -> None:
    """That of the package, which is also the tag that the stack gives it."""
    labels = dict(re.findall(r'(org\.opencontainers\.image\.\w+)="([^"]*)"', "".join(_of("exporter", "LABEL"))))
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    built = {service["image"] for service in stack.services().values() if "build" in service}
    assert built == {f"model_exporter:{__version__}", f"model_exporter-demo:{__version__}"}


def test_the_ports_are_the_exporters() -> None:
    """Those that `serve` listens on by default, and the health check asks the one of the probes."""
    addresses = [str(default) for flag, default in _defaults().items() if flag.endswith("-address")]
    ports = {address.rpartition(":")[2] for address in addresses}
    assert set(_of("exporter", "EXPOSE")[0].split()) == ports
    (check,) = _of("exporter", "HEALTHCHECK")
    web = str(_defaults()["--web.listen-address"]).rpartition(":")[2]
    asked = re.search(r"HTTPConnection\('127\.0\.0\.1', (\d+), .*request\('GET', '([^']+)'\)", check)
    assert asked
    assert asked[1] == web
    assert asked[2] in http._PROBES


def test_the_state_is_in_the_volume() -> None:
    """The storage path of the environment is the volume, and the stack mounts one there."""
    (environment,) = _of("exporter", "ENV")
    path = dict(word.split("=", 1) for word in environment.split())["MODEL_EXPORTER_STORAGE_PATH"]
    assert _of("exporter", "VOLUME") == [f'["{path}"]']
    assert f"--owner exporter --group exporter {path}" in " ".join(_of("exporter", "RUN"))
    service = stack.services()["exporter"]
    assert [mount.target for mount in stack.mounts(service) if mount.named] == [PurePosixPath(path)]
    assert stack.flags(service)["--storage.path"] == path
    assert service["user"] == USER


def test_a_stop_is_the_one_that_the_exporter_knows() -> None:
    """SIGTERM, and whoever stops it waits for longer than the exporter takes at most."""
    assert _of("exporter", "STOPSIGNAL") == ["SIGTERM"]
    grace = stack.services()["exporter"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > int(str(_defaults()["--shutdown.grace"]).removesuffix("s"))
