"""The log files of a configuration file, and of the command line."""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from model_exporter.config.convert import did_you_mean, listed
from model_exporter.config.document import Node, quoted
from model_exporter.config.file_schema import FileKeys, Start
from model_exporter.config.settings import LogFiles
from model_exporter.errors import ConfigError

_FLAG: Final = "--logs.file"
_NAMED: Final = re.compile(r"([A-Za-z0-9_.-]{1,100})=(.+)", re.DOTALL)


def log_files(entries: Sequence[FileKeys], node: Node, folder: Path, mappings: Collection[str]) -> Iterator[LogFiles]:
    """The files of `entries`, as they stand at `node`; `folder` is where relative paths begin.

    Raises:
        ConfigError: a path is listed twice, or a mapping does not exist.
    """
    children = node.value if isinstance(node.value, tuple) else ()
    seen: set[str] = set()
    for entry, child in zip(entries, children, strict=True):
        if entry.path in seen:
            raise child.find("path").mistake(f"{quoted(entry.path)} is listed twice", "Keep one of the two")
        seen.add(entry.path)
        if entry.mapping and entry.mapping not in mappings:
            raise child.find("mapping").mistake(*_unknown(entry.mapping, mappings))
        yield LogFiles(
            pattern=entry.path,
            glob=str((folder / entry.path).absolute()),
            mapping=entry.mapping or "",
            model=entry.model or "",
            version=entry.version or "",
            from_end=entry.start is Start.END,
        )


def parse_log_files(texts: Sequence[str], mappings: Collection[str]) -> tuple[LogFiles, ...]:
    """The files of the flag `--logs.file`, each `GLOB` or `MAPPING=GLOB`.

    Raises:
        ConfigError: a mapping does not exist.
    """
    return tuple(_parsed(text, mappings) for text in texts)


def _parsed(text: str, mappings: Collection[str]) -> LogFiles:
    named = _NAMED.fullmatch(text)
    mapping, pattern = named.groups() if named else ("", text)
    if mapping and mapping not in mappings:
        problem, remedy = _unknown(mapping, mappings)
        raise ConfigError(
            file=_FLAG, path="", problem=problem, remedy=f"{remedy}. A path with = in its name begins with ./ or /"
        )
    return LogFiles(pattern=pattern, glob=str(Path(pattern).absolute()), mapping=mapping)


def _unknown(name: str, mappings: Collection[str]) -> tuple[str, str]:
    return f"there is no mapping {quoted(name)}", did_you_mean(name, mappings) + f"There are {listed(mappings)}"
