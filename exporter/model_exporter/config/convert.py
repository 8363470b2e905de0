"""Checks a document against the schema, key by key, so that a mistake is told with its whole path.

msgspec judges single values. It elides mapping keys in the paths of its errors (`$.models[...]`), so the walk over
mappings is ours.
"""

import math
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from typing import Any, Final, TypeVar

import msgspec

from model_exporter.config.document import Node, quoted
from model_exporter.config.durations import Duration, parse_duration
from model_exporter.config.keys import ContradictionError, Keys
from model_exporter.config.shape import Shape, keys_of
from model_exporter.errors import ConfigError

_K = TypeVar("_K", bound=Keys)
_SHOWN: Final = 80
_LONGEST_KEY: Final = 1000  # that of models and features is bounded by limits.name_length as well
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def convert(node: Node, schema: type[_K]) -> _K:
    """The keys of the mapping `node`, checked and with their defaults.

    Raises:
        ConfigError: the first mistake in the order of the file.
    """
    keys = keys_of(schema)
    values: dict[str, Any] = {}  # Any: each value has the type that its key's annotation says
    for name, child in _entries(node).items():
        if name not in keys:
            raise child.mistake("there is no such key", did_you_mean(name, keys) + f"The keys here are {listed(keys)}")
        values[name] = _value(child, keys[name].shape)
    for name, key in keys.items():
        if key.required and name not in values:
            raise node.mistake(f"the key {name} is missing", f"Add `{name}: {key.shape.example}`")
    try:
        return schema(**{keys[name].attribute: value for name, value in values.items()})
    except ContradictionError as error:
        raise node.find(error.key).mistake(error.problem, error.remedy) from error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question that names the known words most like `word`, with a space after it; empty when none is."""
    close = get_close_matches(word, list(known), n=2)
    return f"Did you mean {' or '.join(close)}? " if close else ""


def listed(words: Iterable[str]) -> str:
    """Words with commas between."""
    return ", ".join(words)


def _value(node: Node, shape: Shape) -> object:
    if shape.short is not None and not isinstance(node.value, Mapping):
        return _value(node, shape.short)
    if shape.keys is not None:
        return convert(node, shape.keys)
    if shape.entries is not None:
        return {name: _named(name, child, shape.entries) for name, child in _entries(node).items()}
    if node.value is None:
        raise _nothing(node, shape)
    if shape.items is not None:
        return _list(node, shape, shape.items)
    if shape.base is object:
        return node.plain()
    return _scalar(node, shape)


def _named(name: str, node: Node, shape: Shape) -> object:
    if not 1 <= len(name) <= _LONGEST_KEY or _CONTROL.search(name):
        raise node.mistake(
            f"{quoted(name[:_SHOWN])} cannot be a name",
            f"Write a name of 1 to {_LONGEST_KEY} characters without control characters",
        )
    return _value(node, shape)


def _entries(node: Node) -> Mapping[str, Node]:
    if node.value is None:
        return {}  # `features:` with nothing after it
    if not isinstance(node.value, Mapping):
        raise node.mistake(f"{_show(node)} is not a mapping", "Write keys with values, such as `name: value`")
    return node.value


def _list(node: Node, shape: Shape, item: Shape) -> tuple[object, ...]:
    if not isinstance(node.value, tuple):
        raise node.mistake(f"{_show(node)} is not a list", f"Write, for example, {shape.example}")
    values: list[object] = []
    for child in node.value:
        value = _value(child, item)
        if value in values:
            raise child.mistake(f"{_show(child)} is listed twice", "Keep one of the two")
        values.append(value)
    if shape.filled and not values:
        raise node.mistake("the list is empty", f"Write, for example, {shape.example}, or remove the key")
    return tuple(values)


def _scalar(node: Node, shape: Shape) -> object:
    try:
        if shape.base is Duration:
            return parse_duration(node.value if isinstance(node.value, str) else node.written)
        value = msgspec.convert(node.value, shape.annotation)
    except ValueError as error:  # msgspec's ValidationError is one
        raise _misfit(node, shape) from error
    if isinstance(value, float) and not math.isfinite(value):
        raise _misfit(node, shape)
    return value


def _nothing(node: Node, shape: Shape) -> ConfigError:
    if node.written and shape.base is str:
        return node.mistake(f"YAML reads {node.written} as no value", f'Write it in quotes: "{node.written}"')
    return node.mistake("there is no value", f"Write {shape.words}, or remove it")


def _misfit(node: Node, shape: Shape) -> ConfigError:
    return node.mistake(f"{_show(node)} is not {shape.words}", _remedy(node, shape))


def _remedy(node: Node, shape: Shape) -> str:
    value = node.value
    if shape.base is str and isinstance(value, bool | int | float):
        return f'YAML reads it as another type; write it in quotes: "{node.written}"'
    if shape.base is Duration and isinstance(value, int | float) and not isinstance(value, bool):
        return f"Add a unit, such as {node.written}s"
    if shape.base in {int, float} and isinstance(value, str) and (number := _number(value)) is not None:
        return f"YAML reads it as text; write the plain number {number:.15g}"
    if isinstance(shape.base, type) and issubclass(shape.base, Enum) and isinstance(value, str):
        known = [str(member.value) for member in shape.base]
        return did_you_mean(value, known).strip() or f"Write, for example, {shape.example}"
    return f"Write, for example, {shape.example}" if shape.example else f"Write {shape.words}"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _show(node: Node) -> str:
    """A value as its author will recognise it."""
    if isinstance(node.value, Mapping):
        return "a mapping"
    if isinstance(node.value, str):
        cut = node.value if len(node.value) <= _SHOWN else f"{node.value[:_SHOWN]}..."
        return quoted(cut)
    return "a list" if isinstance(node.value, tuple) else node.written
