"""The reference of the configuration file, generated from the schema."""

from collections.abc import Iterator
from textwrap import fill

from model_exporter.config.schema import Keys, RootKeys
from model_exporter.config.shape import Key, Shape, keys_of

_WIDTH = 100
_INDENT = "    "


def reference() -> str:
    """Every key with its type, default and meaning, as text of at most 100 columns. NAME stands for any name."""
    return "\n".join(_told(path, key) for path, key in all_keys())


def all_keys() -> Iterator[tuple[str, Key]]:
    """Every key of the schema with its whole path, in the schema's order."""
    return _below("", RootKeys)


def _below(path: str, schema: type[Keys]) -> Iterator[tuple[str, Key]]:
    for name, key in keys_of(schema).items():
        place = f"{path}.{name}" if path else name
        yield place, key
        yield from _within(place, key.shape)


def _within(path: str, shape: Shape) -> Iterator[tuple[str, Key]]:
    if shape.entries:
        yield from _within(f"{path}.NAME", shape.entries)
    elif shape.keys:
        yield from _below(path, shape.keys)


def _told(path: str, key: Key) -> str:
    default = f" (default {key.default})" if key.default else ""
    head = fill(f"{path}: {key.shape.words}{default}", _WIDTH, subsequent_indent=_INDENT * 2)
    meaning = fill(key.description, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return f"{head}\n{meaning}"
