"""Build hook: compiles the `.pyx` files of the package, which a wheel can also do without.

A wheel gets the modules within it and the tag of its platform; an editable install gets them beside their sources.
Where that fails, the wheel is pure Python and the build says so. `MODEL_EXPORTER_BUILD_EXTENSION` is one of

- `try`, the default;
- `require`: failing to compile fails the build;
- `skip`: a pure wheel, without asking for a compiler.

`CC`, `CFLAGS` and `LDFLAGS` mean what they mean everywhere; flags of the environment come last, so that they win.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VARIABLE: Final = "MODEL_EXPORTER_BUILD_EXTENSION"
WISHES: Final = ("try", "require", "skip")

_SOURCE_ROOT: Final = Path("exporter")
_PACKAGE: Final = "model_exporter"
_SUFFIX: Final = str(sysconfig.get_config_var("EXT_SUFFIX"))
_FLAGS: Final = ("-O3", "-DNDEBUG", "-fwrapv", "-fPIC", "-fvisibility=hidden", "-fstack-protector-strong", "-w")
"""No flags of the interpreter's own build, which may name plug-ins of another compiler; nothing of this machine's
processor, since wheels travel; no debugging information, which would name this directory."""
_SHARED: Final = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared",)
_TOLD_LINES: Final = 10


class ExtensionError(Exception):
    """The modules cannot be compiled here; the message says why."""


class ExtensionBuildHook(BuildHookInterface[Any]):
    """Compiles before the wheel is put together."""

    _scratch: TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile for a wheel of `version`, `standard` or `editable`, and say so in `build_data`.

        Raises:
            ValueError: the variable holds no wish.
            ExtensionError: compiling failed and was required.
        """
        wish = os.environ.get(VARIABLE) or "try"
        if wish not in WISHES:
            raise ValueError(f"{VARIABLE} is {wish!r}, not one of {', '.join(WISHES)}")
        root = Path(self.root)
        if version == "editable":
            _remove_built(root)  # whatever happens next, nothing older than its source stays
        sources = [path.relative_to(root) for path in sorted((root / _SOURCE_ROOT / _PACKAGE).rglob("*.pyx"))]
        if wish == "skip" or not sources:
            return
        self._scratch = TemporaryDirectory(prefix="model_exporter-")
        try:
            built = {_compiled(root, source, Path(self._scratch.name)): source.parent for source in sources}
        except ExtensionError as error:
            self._scratch.cleanup()
            if wish == "require":
                raise
            self.app.display_warning(
                "warning: the compiled decoder could not be built; the pure Python one replaces it, at a multiple of "
                f"the cost. {VARIABLE}=require makes this an error, {VARIABLE}=skip silences it.\n{error}"
            )
            return
        if version == "editable":
            for module, folder in built.items():
                shutil.copy(module, root / folder)
            return
        for module, folder in built.items():
            build_data["force_include"][str(module)] = str(folder.relative_to(_SOURCE_ROOT) / module.name)
        build_data |= {"pure_python": False, "infer_tag": True}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002  # the interface
        """Remove what was compiled, which is where it belongs now."""
        if self._scratch:
            self._scratch.cleanup()

    def clean(self, versions: list[str]) -> None:  # noqa: ARG002  # the interface
        """Remove what editable installs have put beside the sources."""
        _remove_built(Path(self.root))


def _remove_built(root: Path) -> None:
    for path in (root / _SOURCE_ROOT / _PACKAGE).rglob(f"*{_SUFFIX}"):
        path.unlink()


def _compiled(root: Path, source: Path, scratch: Path) -> Path:
    """The module of `source`, a path from `root`, in a folder of its own within `scratch`.

    Names that a compiler may write into its result are the same wherever `root` and `scratch` are.

    Raises:
        ExtensionError: Cython, a compiler or the interpreter's headers are missing, or one of the two failed.
    """
    name = ".".join(source.relative_to(_SOURCE_ROOT).with_suffix("").parts)
    folder = scratch / name
    folder.mkdir()
    written = folder / f"{source.stem}.c"
    headers = sysconfig.get_path("include")
    compiler = _compiler()
    if not (Path(headers) / "Python.h").is_file():
        raise ExtensionError(f"The headers of this Python are missing: no Python.h in {headers}")
    _run([sys.executable, "-P", "-m", "cython", "-3", "--module-name", name, "-o", str(written), str(source)], root)
    module = folder / f"{source.stem}{_SUFFIX}"
    flags = [*_FLAGS, f"-I{headers}", *_from_environment("CFLAGS")]
    _run([*compiler, *_SHARED, *flags, written.name, "-o", module.name, *_from_environment("LDFLAGS")], folder)
    return module


def _compiler() -> list[str]:
    """The words that call the C compiler: those of `CC`, else the first that is there.

    Raises:
        ExtensionError: there is none.
    """
    candidates = list(_candidates())
    for words in candidates:
        if shutil.which(words[0]):
            return words
    raise ExtensionError(f"No C compiler found; looked for {', '.join(words[0] for words in candidates)}")


def _candidates() -> Iterator[list[str]]:
    told = _from_environment("CC")
    if told:
        yield told
        return
    interpreters = shlex.split(str(sysconfig.get_config_var("CC") or ""))
    if interpreters:
        yield interpreters
    yield from (["cc"], ["gcc"], ["clang"])


def _from_environment(variable: str) -> list[str]:
    return shlex.split(os.environ.get(variable, ""))


def _run(command: list[str], folder: Path) -> None:
    """Run a step of the build.

    Raises:
        ExtensionError: it cannot be started or fails, with the last lines that it said.
    """
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise ExtensionError(f"{command[0]} cannot be started: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-_TOLD_LINES:]
        raise ExtensionError("\n".join([f"Failed with {done.returncode}: {shlex.join(command)}", *said]))
