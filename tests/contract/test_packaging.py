import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from email.parser import HeaderParser
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder

from model_exporter import __version__
from wheels import build_wheel, copy_tree, unpack

_ROOT = Path(__file__).parents[2]
_PACK = ["alertmanager", "rules"]
_INFO = f"model_exporter-{__version__}.dist-info"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree with nothing compiled: `test_build_extension` is about that."""
    return build_wheel(_ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs."""
    return unpack(wheel, tmp_path_factory.mktemp("site"))


def _python(unpacked: Path, code: str) -> "subprocess.CompletedProcess[str]":
    """Run `code` far from this tree, where only the wheel's content and the installed dependencies can be imported."""
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    script = f"import sys; sys.path[:0] = {[str(unpacked), *dependencies]!r}; {code}"
    # -S leaves out site-packages with the editable install's path entry.
    command = [sys.executable, "-S", "-c", script]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, cwd=unpacked.parent, env=environment, capture_output=True, text=True, check=False)


def _files(folder: Path) -> Iterator[str]:
    return (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_wheel_holds_the_package_and_nothing_else(unpacked: Path) -> None:
    """No tests, no tools, and no top-level module called exporter."""
    assert {path.name for path in unpacked.iterdir()} == {"model_exporter", _INFO}


def test_the_wheel_holds_every_module_and_the_pack(unpacked: Path) -> None:
    """Each file of the package that was written is installed, and what it renders from travels within it."""
    package = _ROOT / "exporter" / "model_exporter"
    written = {path for path in _files(package) if "__pycache__" not in path and not path.endswith((".so", ".c"))}
    packed = {f"pack/files/{folder}/{path}" for folder in _PACK for path in _files(_ROOT / folder)}
    tests = {path for path in packed if path.startswith("pack/files/rules/tests/")}
    assert set(_files(unpacked / "model_exporter")) == written | packed - tests


def test_the_package_is_typed(unpacked: Path) -> None:
    """py.typed tells type checkers to trust its annotations (PEP 561)."""
    assert (unpacked / "model_exporter" / "py.typed").is_file()


def test_the_version_is_written_once(unpacked: Path) -> None:
    """The wheel's metadata and the package agree."""
    metadata = HeaderParser().parsestr((unpacked / _INFO / "METADATA").read_text("utf-8"))
    assert (metadata["Name"], metadata["Version"]) == ("model_exporter", __version__)


def test_the_licence_travels_along(unpacked: Path) -> None:
    """The wheel has the text of the licence that its metadata names."""
    metadata = HeaderParser().parsestr((unpacked / _INFO / "METADATA").read_text("utf-8"))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert (unpacked / _INFO / "licenses" / "LICENSE").read_text("utf-8") == (_ROOT / "LICENSE").read_text("utf-8")


def test_the_wheel_installs_the_command(unpacked: Path) -> None:
    """The console script `model_exporter` leads to the command line."""
    scripts = ConfigParser()
    scripts.read(unpacked / _INFO / "entry_points.txt", "utf-8")
    assert dict(scripts["console_scripts"]) == {"model_exporter": "model_exporter.cli:main"}


def test_the_wheel_runs(unpacked: Path) -> None:
    """The package works from where it was installed."""
    code = "import model_exporter.cli as c; print(c.__file__); sys.exit(c.run(['--version']))"
    done = _python(unpacked, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        str(unpacked / "model_exporter" / "cli" / "__init__.py"),
        f"model_exporter, version {__version__}",
    ]


def test_the_wheel_writes_the_rules(unpacked: Path, tmp_path: Path) -> None:
    """`pack rules` finds the files within the wheel, in both profiles."""
    for profile in ("small", "full"):
        target = tmp_path / profile
        arguments = ["pack", "rules", "--profile", profile, "-o", str(target)]
        done = _python(unpacked, f"import model_exporter.cli as c; sys.exit(c.run({arguments!r}))")
        assert done.returncode == 0, done.stderr
        assert {path.name for path in target.iterdir()} == {path.name for path in (_ROOT / "rules").glob("*.yml")}
    replaced = {path.name for path in (_ROOT / "rules" / "full").iterdir()}
    differing = {
        path.name for path in target.iterdir() if path.read_text() != (tmp_path / "small" / path.name).read_text()
    }
    assert differing == replaced


def test_the_wheel_checks_the_pack(unpacked: Path) -> None:
    """`pack check` finds rules, runbooks, the example of owners and templates within the wheel."""
    done = _python(unpacked, "import model_exporter.cli as c; sys.exit(c.run(['pack', 'check']))")
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(_ROOT) not in done.stdout


def test_an_editable_install_is_a_path(tmp_path: Path) -> None:
    """A checkout is installed by the path of its source root; the pack's files are found at the root of the tree."""
    tree = copy_tree(tmp_path / "tree")
    with zipfile.ZipFile(build_wheel(tree, tmp_path, version="editable")) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".pth"))
        assert archive.read(path).decode().strip() == str(tree / "exporter")
        assert not [name for name in archive.namelist() if name.startswith("model_exporter/")]


@pytest.mark.parametrize("module", ["exporter", "exporter.model_exporter", "tests"])
def test_the_wheel_brings_no_other_module(unpacked: Path, module: str) -> None:
    """`import exporter` would load second copies of every module; only the repository's root allows it."""
    done = _python(unpacked, f"import {module}")
    assert f"ModuleNotFoundError: No module named '{module.split('.', maxsplit=1)[0]}'" in done.stderr


def test_the_source_distribution_builds_the_same_wheel(tmp_path: Path, wheel: Path) -> None:
    """Nothing that the build needs is left out of the source distribution."""
    (source,) = SdistBuilder(str(_ROOT)).build(directory=str(tmp_path), versions=["standard"])
    subprocess.run(["tar", "-xzf", source, "-C", str(tmp_path)], check=True)
    folder = tmp_path / f"model_exporter-{__version__}"
    rebuilt = build_wheel(folder, tmp_path / "wheel")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(rebuilt) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
