"""Writes YAML that people read: blocks, comments, quotes only where they are needed."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z/_.][A-Za-z0-9_./@=~+-]*|[0-9]+[a-z][0-9a-z]*")
_NOT_TEXT: Final = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|\.inf|\.nan|\.+|=|~|[0-9_]*e[0-9]+|0[xob].*")


@dataclass(frozen=True, slots=True)
class Commented:
    """An entry of a list with a comment of one line above it."""

    comment: str
    value: object


def yaml_lines(value: object) -> Iterator[str]:
    """The lines of `value`, a mapping or a list of mappings, lists, texts, numbers and booleans, as a block.

    A mapping in a list may come as `Commented`. Any YAML 1.1 or 1.2 reader finds `value` again.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(f"{scalar(key)}:", item)
    elif isinstance(value, list):
        for item in value:
            yield from _item(item)


def scalar(value: object) -> str:
    """`value`, a text, number or boolean, as YAML on one line."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value):
        return value
    if value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, value)) + '"'


def _entry(head: str, item: object) -> Iterator[str]:
    if isinstance(item, Mapping | list) and not item:
        yield f"{head} {'{}' if isinstance(item, Mapping) else '[]'}"
    elif isinstance(item, list) and all(isinstance(each, str) and scalar(each) == each for each in item):
        yield f"{head} [{', '.join(map(scalar, item))}]"
    elif isinstance(item, Mapping | list):
        yield head
        yield from (f"  {line}" for line in yaml_lines(item))
    else:
        yield f"{head} {scalar(item)}"


def _item(item: object) -> Iterator[str]:
    if isinstance(item, Commented):
        yield f"# {item.comment}"
        item = item.value
    lines = list(yaml_lines(item)) if isinstance(item, Mapping | list) and item else [_empty_or_scalar(item)]
    yield f"- {lines[0]}"
    yield from (f"  {line}" for line in lines[1:])


def _empty_or_scalar(item: object) -> str:
    if isinstance(item, Mapping):
        return "{}"
    return "[]" if isinstance(item, list) else scalar(item)


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
