"""Which serving stacks the exporter understands, as the tests know: `python -m systems` writes it into the documents.

Each folder of `tests/clients` has a `system.toml` with one or more of:

    [[system]]
    name = "BentoML monitoring"                         # the row's title
    page = "bentoml"                                    # exporter/systems/bentoml.md
    door = "OTLP logs (HTTP, gRPC, `/`)"
    extracted = "features, predictions, version, ids"
    package = "bentoml"                                 # or several; or version = "1.19", when nothing pins it
    how = "real client"                                 # one of `HOW`
    tests = ["tests/e2e/test_bentoml_monitoring.py"]

The version of a package is that of the `requirements.txt` beside it, or of `requirements.lock`.
"""

import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).parents[1]
CLIENTS: Final = ROOT / "tests" / "clients"
PAGES: Final = ROOT / "exporter" / "systems"
README: Final = ROOT / "README.md"
INDEX: Final = PAGES / "README.md"
BEGIN: Final = "<!-- systems -->"
END: Final = "<!-- /systems -->"
HOW: Final = ("real client", "payloads built from its source", "payloads built from its documentation")

_TEXTS: Final = ("name", "page", "door", "extracted", "how")
_KEYS: Final = {*_TEXTS, "package", "version", "tests"}
_HEADER: Final = (
    "| system | version tested | door | what is read | how it is tested |",
    "|---|---|---|---|---|",
)
_INDEX: Final = """# Serving stacks

What each of them needs to be told, what appears of it, and what does not. The table is made from
`tests/clients/*/system.toml` by `make render`.

{table}
"""


class SystemFileError(Exception):
    """A `system.toml` says too little, or something that is not so. The message names the file."""


@dataclass(frozen=True, slots=True)
class System:
    """One row of the matrix. `tests` are paths from the root of the repository."""

    name: str
    page: str
    door: str
    extracted: str
    version: str
    how: str
    tests: tuple[str, ...]

    def row(self, folder: PurePosixPath) -> str:
        """The row of a table in a document that stands in `folder`, a path from the root of the repository."""
        page = _link(f"exporter/systems/{self.page}.md", folder)
        tests = ", ".join(f"[{_title(test)}]({_link(test, folder)})" for test in self.tests)
        return f"| [{self.name}]({page}) | {self.version} | {self.door} | {self.extracted} | {self.how}: {tests} |"


def systems(clients: Path = CLIENTS, lock: Path = ROOT / "requirements.lock") -> list[System]:
    """All of them, by name.

    Raises:
        SystemFileError: a file is incomplete.
    """
    found = [system for file in sorted(clients.glob("*/system.toml")) for system in _read(file, lock)]
    return sorted(found, key=lambda system: system.name.lower())


def table(rows: Iterable[System], folder: PurePosixPath) -> str:
    """The matrix, for a document in `folder`."""
    return "\n".join([*_HEADER, *(system.row(folder) for system in rows)])


def readme(text: str, rows: Iterable[System]) -> str:
    """The README `text` with the matrix between its two marks."""
    before, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"{END}\n")
    if not begin or not end:
        raise SystemFileError(f"README.md needs the lines {BEGIN} and {END}")
    return f"{before}{begin}{table(rows, PurePosixPath())}\n{end}{after}"


def index(rows: Iterable[System]) -> str:
    """The page that leads to the others."""
    return _INDEX.format(table=table(rows, PurePosixPath("exporter/systems")))


def _read(file: Path, lock: Path) -> list[System]:
    where = f"{file.parent.name}/{file.name}"
    entries = tomllib.loads(file.read_text("utf-8")).get("system")
    if not isinstance(entries, list) or not entries:
        raise SystemFileError(f"{where}: it needs at least one [[system]]")
    return [_system(entry, file.parent, lock, where) for entry in entries]


def _system(entry: dict[str, object], folder: Path, lock: Path, where: str) -> System:
    unknown = entry.keys() - _KEYS
    if unknown:
        raise SystemFileError(f"{where}: unknown {', '.join(sorted(unknown))}")
    texts = {key: entry.get(key) for key in _TEXTS}
    for key, value in texts.items():
        if not isinstance(value, str) or not value or "|" in value or "\n" in value:
            raise SystemFileError(f"{where}: {key} must be a text of one line without |")
    if texts["how"] not in HOW:
        raise SystemFileError(f"{where}: how must be one of: {'; '.join(HOW)}")
    tests = entry.get("tests")
    if not isinstance(tests, list) or not tests:
        raise SystemFileError(f"{where}: tests must name at least one file")
    return System(
        name=str(texts["name"]),
        page=str(texts["page"]),
        door=str(texts["door"]),
        extracted=str(texts["extracted"]),
        version=_version(entry, (folder / "requirements.txt", lock), where),
        how=str(texts["how"]),
        tests=tuple(map(str, tests)),
    )


def _version(entry: dict[str, object], files: Iterable[Path], where: str) -> str:
    package, version = entry.get("package"), entry.get("version")
    if isinstance(version, str) and version and package is None:
        return version
    packages = [package] if isinstance(package, str) else package
    if not isinstance(packages, list) or not packages or version is not None:
        raise SystemFileError(f"{where}: it needs either a package or a version")
    texts = [file.read_text("utf-8") for file in files if file.exists()]
    return ", ".join(f"{name} {_pinned(str(name), texts, where)}" for name in packages)


def _pinned(package: str, requirements: Iterable[str], where: str) -> str:
    pattern = re.compile(rf"^{re.escape(package)}(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)
    for text in requirements:
        if found := pattern.search(text):
            return found[1]
    raise SystemFileError(f"{where}: neither its requirements.txt nor requirements.lock pins {package}")


def _title(test: str) -> str:
    return PurePosixPath(test).stem.removeprefix("test_").replace("_", " ")


def _link(path: str, folder: PurePosixPath) -> str:
    return os.path.relpath(path, folder)


def main() -> None:
    """Write the matrix into the README, and the index of the pages."""
    rows = systems()
    README.write_text(readme(README.read_text("utf-8"), rows), "utf-8")
    INDEX.write_text(index(rows), "utf-8")


if __name__ == "__main__":
    main()
