"""exporter/build_extension.py: a wheel with the compiled modules where that can be, and one that works where it cannot.

Most cases are about a module of one line in a copy of the tree, which is compiled in a second or two.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder

from model_exporter import __version__
from otlp_messages import logs_request, prediction
from wheels import ROOT, VARIABLE, build_wheel, copy_tree, unpack

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
PURE = f"model_exporter-{__version__}-py3-none-any.whl"
DECODE = Path("exporter", "model_exporter", "decode")
UV = ROOT / ".venv" / "bin" / "uv"
QUICKLY = "-O0"
PROBE = "def answer():\n    return 6 * 7\n"
needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))) and not os.environ.get("CI"), reason="no C compiler is installed"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of this tree in which the only module to compile is `decode/_probe.pyx`."""
    root = copy_tree(tmp_path / "tree")
    for source in root.rglob("*.pyx"):
        source.unlink()
    (root / DECODE / "_probe.pyx").write_text(PROBE, "utf-8")
    return root


def _compiled(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(f"*{SUFFIX}")]


def _import(site: Path, code: str) -> "subprocess.CompletedProcess[str]":
    """Run `code` where only the wheel in `site` and the dependencies can be imported, and no editable install."""
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    script = f"import sys; sys.path[:0] = {[str(site), *dependencies]!r}; {code}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, "-S", "-c", script], cwd=site, env=environment, capture_output=True, text=True, check=False
    )


@needs_compiler
def test_a_compiled_wheel_is_of_its_platform(tree: Path, tmp_path: Path) -> None:
    """Its tag says so, it holds the module and its source but no C, and the module can be imported.

    The tree is as it was.
    """
    before = sorted(tree.rglob("*"))
    wheel = build_wheel(tree, tmp_path, extension="require", CFLAGS=QUICKLY)
    assert sorted(tree.rglob("*")) == before
    assert wheel.name.startswith(f"model_exporter-{__version__}-cp{sys.version_info.major}{sys.version_info.minor}-")
    assert "none-any" not in wheel.name
    site = unpack(wheel, tmp_path / "site")
    assert "Root-Is-Purelib: false" in (site / f"model_exporter-{__version__}.dist-info" / "WHEEL").read_text("utf-8")
    assert {path.name for path in (site / "model_exporter" / "decode").glob("_probe*")} == {
        "_probe.pyx",
        f"_probe{SUFFIX}",
    }
    done = _import(site, "from model_exporter.decode import _probe; print(_probe.answer())")
    assert done.stdout == "42\n", done.stderr


@needs_compiler
def test_a_source_distribution_makes_the_same_wheel(tree: Path, tmp_path: Path) -> None:
    """Byte for byte, wherever it is unpacked: it carries the source, and nothing that was compiled names a folder."""
    for name in (f"_probe{SUFFIX}", "_probe.c"):
        (tree / DECODE / name).write_text("stale", "utf-8")
    (source,) = SdistBuilder(str(tree)).build(directory=str(tmp_path), versions=["standard"])
    subprocess.run(["tar", "-xzf", source, "-C", str(tmp_path)], check=True)
    unpacked = tmp_path / f"model_exporter-{__version__}"
    assert {path.name for path in (unpacked / DECODE).glob("_probe*")} == {"_probe.pyx"}
    contents = []
    for place, root in enumerate((tree, unpacked)):
        wheel = build_wheel(root, tmp_path / str(place), extension="require", CFLAGS=QUICKLY)
        with zipfile.ZipFile(wheel) as archive:
            contents.append({name: archive.read(name) for name in archive.namelist()})
    assert contents[0] == contents[1]


def test_a_wheel_without_the_extension_is_pure(tree: Path, tmp_path: Path) -> None:
    """`skip` asks for no compiler, and takes nothing along that an editable install has left."""
    (tree / DECODE / f"_probe{SUFFIX}").write_text("stale", "utf-8")
    wheel = build_wheel(tree, tmp_path, extension="skip", CC="false")
    assert wheel.name == PURE
    assert not _compiled(unpack(wheel, tmp_path / "site"))


def test_a_tree_without_modules_to_compile_needs_no_compiler(tree: Path, tmp_path: Path) -> None:
    """Even where it is required."""
    (tree / DECODE / "_probe.pyx").unlink()
    assert build_wheel(tree, tmp_path, extension="require", CC="false").name == PURE


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        pytest.param({"CC": "false"}, "Failed with 1: false ", id="fails"),
        pytest.param({"CC": "no-such-compiler"}, "No C compiler found; looked for no-such-compiler", id="absent"),
    ],
)
def test_without_a_compiler_the_wheel_is_pure(
    tree: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], variables: dict[str, str], said: str
) -> None:
    """The build says so once, with the reason, and the package works."""
    wheel = build_wheel(tree, tmp_path, extension="try", **variables)
    warning = capfd.readouterr().err
    assert warning.count("warning:") == 1
    assert said in warning
    assert f"{VARIABLE}=require" in warning
    assert wheel.name == PURE
    site = unpack(wheel, tmp_path / "site")
    done = _import(site, "import model_exporter.app as app; print(app.__file__)")
    assert done.stdout.startswith(str(site)), done.stderr


def test_a_source_that_is_wrong_is_told(tree: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With the words of whatever found it."""
    (tree / DECODE / "_probe.pyx").write_text("def answer(:\n", "utf-8")
    assert build_wheel(tree, tmp_path, extension="try").name == PURE
    assert "_probe.pyx:1:11" in capfd.readouterr().err


def test_a_compiler_can_be_required(tree: Path, tmp_path: Path) -> None:
    """Then the build fails where it fails."""
    with pytest.raises(Exception, match="No C compiler found"):
        build_wheel(tree, tmp_path, extension="require", CC="no-such-compiler")


def test_a_wish_that_nobody_knows_fails(tree: Path, tmp_path: Path) -> None:
    """A slip of the pen does not choose for the builder."""
    with pytest.raises(ValueError, match="'yes', not one of try, require, skip"):
        build_wheel(tree, tmp_path, extension="yes")


@needs_compiler
def test_an_editable_install_compiles_in_place(tree: Path, tmp_path: Path) -> None:
    """Beside the source, and the wheel itself stays a path."""
    wheel = build_wheel(tree, tmp_path, extension="require", version="editable", CFLAGS=QUICKLY)
    assert _compiled(tree) == [f"_probe{SUFFIX}"]
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.startswith("model_exporter/")]


@pytest.mark.parametrize("extension", ["skip", "try"])
def test_an_editable_install_keeps_nothing_older_than_its_source(tree: Path, tmp_path: Path, extension: str) -> None:
    """What was compiled before is removed when it cannot be renewed, or a module would not be what its source says."""
    (tree / DECODE / f"_probe{SUFFIX}").write_text("stale", "utf-8")
    build_wheel(tree, tmp_path, extension=extension, version="editable", CC="no-such-compiler")
    assert _compiled(tree) == []


@needs_compiler
def test_the_compiler_is_handed_the_flags_of_the_environment(tree: Path, tmp_path: Path) -> None:
    """After the build's own, so that they win; those of the linker last."""
    with pytest.raises(Exception, match=r"-O3 .* -fno-such-flag .* --no-such-option"):
        build_wheel(tree, tmp_path, extension="require", CFLAGS="-fno-such-flag", LDFLAGS="--no-such-option")


DECODES = """
import sys
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.ports import Door, Encoding, Payload, Signal
decoder = Decoder(Limits())
decoded = decoder.decode(Payload(Door.OTLP_HTTP, Signal.LOGS, Encoding.PROTOBUF, sys.stdin.buffer.read(), 1.8e9))
print(decoder.is_compiled, decoded.accepted, [column.name for column in decoded.batches[0].columns])
"""


@pytest.mark.parametrize(
    ("extension", "is_compiled"),
    [
        pytest.param("require", True, marks=[pytest.mark.slow, needs_compiler]),
        pytest.param("skip", False),
    ],
)
def test_an_installed_wheel_decodes(tmp_path: Path, extension: str, *, is_compiled: bool) -> None:
    """The one of this tree in a fresh environment, by its compiled modules if it has any."""
    wheel = build_wheel(ROOT, tmp_path, extension=extension)
    environment = tmp_path / "environment"
    subprocess.run([UV, "venv", "--quiet", "--offline", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel], check=True)
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [python, "-c", f"import sys; sys.path += {dependencies!r}\n{DECODES}"],
        input=logs_request(prediction(feature__a=1.5), prediction(feature__a=2)).SerializeToString(),
        capture_output=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        check=False,
    )
    assert done.stdout.decode() == f"{is_compiled} 2 ['a']\n", done.stderr.decode()
