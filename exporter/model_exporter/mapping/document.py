"""A mapping as its author writes it, checked and compiled."""

import re
from collections.abc import Mapping as Map
from difflib import get_close_matches
from typing import Final

from model_exporter.mapping.fields import EVENTS, FIELDS, LOG_ROOTS, MAPS, SCOPES
from model_exporter.mapping.mapping import Condition, Mapping, Source, Sources, word_of
from model_exporter.mapping.path import Path, PathError, parse_path

_KEYS: Final = ("from", "when", "event", "ignore", "fields", "columns")
_SOURCE_KEYS: Final = ("path", "paths", "const", "match", "map")
_REQUIRED: Final = {
    "prediction": ("features", "prediction", "score", "probabilities", "error", "latency_ms"),
    "outcome": ("outcome", "values"),
    "event": ("change",),
}
"""Of these fields a mapping needs one at least, or its records could never count."""


class DocumentError(ValueError):
    """A mistake in a mapping.

    Attributes:
        path: keys to the mistake, outermost first.
        problem: what is wrong.
        remedy: what to write instead.
    """

    def __init__(self, path: tuple[str | int, ...], problem: str, remedy: str) -> None:
        super().__init__(f"{'.'.join(map(str, path))}: {problem}. {remedy}")
        self.path = path
        self.problem = problem
        self.remedy = remedy


def read_mapping(name: str, document: object) -> Mapping:
    """The mapping that `document` describes: what YAML holds under its name.

    Raises:
        DocumentError: the first mistake.
    """
    keys = _map(document, ())
    _check_keys(keys, _KEYS, ())
    event = keys.get("event", "prediction")
    if event not in EVENTS:
        raise DocumentError(("event",), f"{event!r} is no kind of record", f"Write one of {', '.join(EVENTS)}")
    if "fields" not in keys:
        raise DocumentError((), "the key fields is missing", "Add `fields: {model: path.to.the.name}`")
    fields = {
        field: _sources(field, value, ("fields", field)) for field, value in _map(keys["fields"], ("fields",)).items()
    }
    _check_keys(fields, FIELDS, ("fields",), kind="native field")
    if not any(field in fields for field in _REQUIRED[event]):
        raise DocumentError(
            ("fields",), f"nothing here tells of the {event}", f"Add one of {', '.join(_REQUIRED[event])}"
        )
    when = tuple(
        condition
        for index, item in enumerate(_items(keys.get("when", [])))
        for condition in _conditions(item, ("when", index))
    )
    return Mapping(
        name=name,
        event=event,
        when=when,
        ignore=tuple(_path(item, ("ignore", index)) for index, item in enumerate(_items(keys.get("ignore", [])))),
        fields=fields,
        columns=_columns(keys.get("columns", [])),
        scopes=_scopes(keys.get("from"), when),
    )


def _scopes(value: object, when: tuple[Condition, ...]) -> frozenset[str]:
    """Where the records come from: as the document says, or else as its conditions tell."""
    if value is None:
        is_log = any(condition.path.root in LOG_ROOTS for condition in when)
        return frozenset({"records", "logs"} if is_log else {"records"})
    scopes = _items(value)
    for scope in scopes:
        if scope not in SCOPES:
            raise DocumentError(("from",), f"there are no {scope!r}"[:200], f"Write one or more of {', '.join(SCOPES)}")
    if not scopes:
        raise DocumentError(("from",), "the list is empty", f"Write one or more of {', '.join(SCOPES)}")
    if not when and set(scopes) != {"records"}:
        raise DocumentError((), "without conditions it would take every log record, span or call", "Add `when: [...]`")
    return frozenset(map(str, scopes))


def _conditions(item: object, at: tuple[str | int, ...]) -> list[Condition]:
    if not isinstance(item, Map):
        return [Condition(_path(item, at))]
    return [Condition(_path(path, (*at, str(path))), tuple(_items(values))) for path, values in item.items()]


def _sources(field: str, value: object, at: tuple[str | int, ...]) -> Sources:
    """One source; or one for each name, which only fields that are maps can have."""
    if isinstance(value, Map) and field in MAPS and not set(value) & set(_SOURCE_KEYS):
        return {str(name): _source(source, (*at, str(name))) for name, source in value.items()}
    return _source(value, at)


def _source(value: object, at: tuple[str | int, ...]) -> Source:
    if not isinstance(value, Map):
        return Source(tuple(_path(item, at) for item in _items(value)))
    _check_keys(value, _SOURCE_KEYS, at)
    told = [*_items(value.get("path", [])), *_items(value.get("paths", []))]
    if not told and "const" not in value:
        raise DocumentError(at, "neither a path nor a constant", "Add `path: ...` or `const: ...`")
    translation = value.get("map", {})
    if not isinstance(translation, Map):
        raise DocumentError((*at, "map"), f"expected a mapping, got {translation!r}"[:200], "Write `map: {ok: fine}`")
    return Source(
        tuple(_path(item, (*at, "path")) for item in told),
        constant=value.get("const"),
        pattern=_pattern(value["match"], (*at, "match")) if "match" in value else None,
        translation={word_of(key): word for key, word in translation.items()},
    )


def _pattern(value: object, at: tuple[str | int, ...]) -> re.Pattern[str]:
    try:
        pattern = re.compile(str(value))
    except re.error as error:
        raise DocumentError(at, f"{value!r} is no regular expression: {error}", "Mend it") from error
    if pattern.groups != 1:
        raise DocumentError(at, f"{value!r} has {pattern.groups} groups", "Write one group, around what is wanted")
    return pattern


def _path(value: object, at: tuple[str | int, ...]) -> Path:
    if not isinstance(value, str):
        raise DocumentError(at, f"{value!r} is no path", "Write a path as `body.model`")
    try:
        return parse_path(value)
    except PathError as error:
        raise DocumentError(at, f"{value!r} is no path: {error}", "See `model_exporter mapping --help`") from error


def _columns(value: object) -> tuple[str, ...]:
    names = _items(value)
    if not all(isinstance(name, str) and name for name in names):
        raise DocumentError(("columns",), "the names of columns are text", "Write `columns: [age, income]`")
    if len(set(map(str, names))) != len(names):
        raise DocumentError(("columns",), "two columns have one name", "Give each its own")
    return tuple(map(str, names))


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _map(value: object, at: tuple[str | int, ...]) -> dict[str, object]:
    if not isinstance(value, Map):
        raise DocumentError(at, f"expected a mapping, got {value!r}"[:200], "Write `key: value` lines")
    return {str(key): item for key, item in value.items()}


def _check_keys(found: Map[str, object], known: tuple[str, ...], at: tuple[str | int, ...], kind: str = "key") -> None:
    for key in found:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"Did you mean {close[0]}? " if close else ""
            raise DocumentError((*at, key), f"there is no {kind} {key!r}", f"{hint}There are {', '.join(known)}")
