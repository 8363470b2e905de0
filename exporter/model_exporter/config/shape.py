"""What the keys of the schema hold, read from its annotations: for the checks, the messages and the reference."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from model_exporter.config.durations import EXAMPLES, Duration, format_duration
from model_exporter.config.keys import Keys


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value must be.

    Attributes:
        annotation: the type for msgspec, with its limits.
        base: the same type without limits and without None.
        words: the type in words, such as `a whole number from 1 to 5`.
        keys: for a mapping with known keys.
        entries: for a mapping from names, what each name has.
        items: for a list, what each item is.
        filled: a list must not be empty.
        short: for a mapping, what may stand in its place.
        example: a valid value as YAML; empty when the words say enough.
    """

    annotation: object
    base: object
    words: str
    keys: type[Keys] | None = None
    entries: "Shape | None" = None
    items: "Shape | None" = None
    filled: bool = False
    short: "Shape | None" = None
    example: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping.

    Attributes:
        name: as written in the file.
        attribute: as the schema's type calls it, where the name is a word of Python.
        shape: of its value.
        description: what it means, as sentences.
        default: as YAML; empty when there is none.
        required: it has no default.
    """

    name: str
    attribute: str
    shape: Shape
    description: str
    default: str
    required: bool


@cache
def keys_of(schema: type[Keys]) -> Mapping[str, Key]:
    """The keys of `schema` by name, in its order."""
    return {field.encode_name: _key(field) for field in msgspec.structs.fields(schema)}


def yaml_text(value: object) -> str:
    """`value` as it would be written in the file."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str) and value[:1].isalpha() and ": " not in value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _key(field: msgspec.structs.FieldInfo) -> Key:
    _, metas = _unwrap(field.type)
    shape = _shape(field.type)
    scalar = shape.keys is None and shape.entries is None and shape.items is None
    default = ""
    if scalar and not field.required and field.default not in {None, ""}:
        default = format_duration(field.default) if shape.base is Duration else yaml_text(field.default)
    return Key(
        name=field.encode_name,
        attribute=field.name,
        shape=replace(shape, example=shape.example or default),
        description=next((meta.description for meta in metas if meta.description), ""),
        default=default,
        required=field.required,
    )


def _shape(annotation: object) -> Shape:
    base, metas = _unwrap(annotation)
    example = next((yaml_text(meta.examples[0]) for meta in metas if meta.examples), "")
    arguments = get_args(base)
    if isinstance(base, type) and issubclass(base, Keys):
        return Shape(annotation, base, "a mapping", keys=base)
    mapping = next((member for member in arguments if isinstance(member, type) and issubclass(member, Keys)), None)
    if mapping is not None and get_origin(base) in {Union, UnionType}:
        short = _shape(_union(tuple(member for member in arguments if member is not mapping)))
        words = f"{short.words}, or a mapping"
        return Shape(annotation, base, words, keys=mapping, short=short, example=example or short.example)
    if get_origin(base) is dict:
        return Shape(annotation, base, "a mapping from names", entries=_shape(arguments[1]), example=example)
    if get_origin(base) is tuple:
        items = _shape(arguments[0])
        filled = any(meta.min_length for meta in metas)
        return Shape(annotation, base, f"a list, each {items.words}", items=items, filled=filled, example=example)
    title = next((meta.title for meta in metas if meta.title), None)
    return Shape(annotation, base, title or _words(base, metas), example=example or _example(base))


def _unwrap(annotation: object) -> tuple[object, list[msgspec.Meta]]:
    """The type within `Annotated` and `| None`, and all that was said of it, the outermost first."""
    metas: list[msgspec.Meta] = []
    while True:
        arguments = get_args(annotation)
        if get_origin(annotation) is Annotated:
            metas += reversed(annotation.__metadata__)  # type: ignore[attr-defined]  # what Annotated has
            annotation = arguments[0]
        elif NoneType in arguments:
            annotation = _union(tuple(argument for argument in arguments if argument is not NoneType))
        else:
            return annotation, metas


def _union(arguments: tuple[Any, ...]) -> object:  # Any: the operator `|` on types
    first, *others = arguments
    for other in others:
        first |= other
    return first


def _words(base: object, metas: list[msgspec.Meta]) -> str:
    if base is Duration:
        return f"a duration, such as {EXAMPLES}"
    if isinstance(base, type) and issubclass(base, Enum):
        return "one of " + ", ".join(str(member.value) for member in base)
    if base is bool:
        return "true or false"
    kind = "a whole number" if base is int else "a number" if base is float else "text"
    return f"{kind}{_range(metas)}"


def _range(metas: list[msgspec.Meta]) -> str:
    limits = [
        (word, limit)
        for name, word in (("ge", "of at least"), ("gt", "above"), ("le", "of at most"), ("lt", "below"))
        if (limit := next((value for meta in metas if (value := getattr(meta, name)) is not None), None)) is not None
    ]
    match limits:
        case [("of at least", low), ("of at most", high)]:
            return f" from {low} to {high}"
        case _:
            return "".join(f"{' and' * (place > 0)} {word} {limit:g}" for place, (word, limit) in enumerate(limits))


def _example(base: object) -> str:
    if base is Duration:
        return "1h"
    return yaml_text(next(iter(base))) if isinstance(base, type) and issubclass(base, Enum) else ""
