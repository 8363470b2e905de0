"""Values as services have them, made into what OTLP can carry: numpy, pandas, dates, enums, whatever nests."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import singledispatch
from math import isnan, nan
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any, Final, TypeVar
from uuid import UUID

MISSING: Final = object()
"""What None, NaT, NA and other words for "nothing is known" become: OTLP has no null that every SDK can send."""

MAX_CHARACTERS: Final = 4096
"""Of a text; the exporter tells longer ones apart by a digest, and shows 128 characters."""
MAX_ELEMENTS: Final = 1000
"""Of an array."""
MAX_VALUES: Final = 4000
"""Of a record, those within arrays and maps included; the exporter reads 2000 features."""
MAX_DEPTH: Final = 16
"""Maps and arrays within each other."""

_INT64: Final = 1 << 63
_Item = TypeVar("_Item")
_ABSENT_TYPES: Final = frozenset({"NAType", "NaTType", "MaskedConstant"})


class UnsendableError(ValueError):
    """A value that no OTLP record can carry. Only strict clients let it out.

    Attributes:
        reason: one of a few words, by which such values are counted.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Converter:
    """Converts the values of one record; what cannot be sent is left out and counted, or raised when `strict`.

    Attributes:
        dropped: how many values were left out, by reason.
        values: how many were converted, about: the size of the record.
    """

    __slots__ = ("_strict", "dropped", "values")

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self.dropped: Counter[str] = Counter()
        self.values = 1

    def value(self, value: object) -> object:
        """`value` as OTLP has it, or `MISSING`."""
        kind = type(value)
        if kind is float or kind is bool:  # most are, and this is the path of each request
            return value
        return self.attempt(lambda: self._plain(value, 0), MISSING)

    def features(self, values: Mapping[Any, object]) -> dict[str, object]:
        """A map of features without those that are missing, NaN included, which is how tables write it."""
        sent: dict[str, object] = {}
        for name, value in self._within(values.items(), MAX_VALUES):
            plain = value if type(value) is float else self.value(value)
            if plain is not MISSING and plain == plain:  # noqa: PLR0124  # only NaN is not equal to itself
                sent[name if type(name) is str and name.isascii() else _text(str(name))] = plain
        return sent

    def attempt(self, make: Callable[[], _Item], otherwise: _Item) -> _Item:
        """What `make` returns, or `otherwise` when it finds something that cannot be sent, which is counted."""
        try:
            return make()
        except UnsendableError as error:
            self._drop(error)
        except Exception as error:  # noqa: BLE001  # a foreign object's own methods may raise anything
            self._drop(UnsendableError("unsendable", repr(error)))
        return otherwise

    def _plain(self, value: object, depth: int) -> object:
        kind = type(value)
        if kind is float or kind is bool:
            return value
        if kind is not str and kind is not int:
            value = _read(value)
            if isinstance(value, dict | list):
                return self._nested(value, depth)
            return value
        return _text(value) if isinstance(value, str) else _whole(value)

    def _nested(self, value: dict[object, object] | list[object], depth: int) -> object:
        if depth >= MAX_DEPTH:
            raise UnsendableError("too_deep", f"more than {MAX_DEPTH} maps and arrays within each other")
        if isinstance(value, list):
            items = (self._plain(item, depth + 1) for item in self._within(value, MAX_ELEMENTS))
            return [nan if item is MISSING else item for item in items]
        pairs = ((str(name), self._plain(item, depth + 1)) for name, item in self._within(value.items(), MAX_VALUES))
        return {_text(name): item for name, item in pairs if item is not MISSING}

    def _within(self, items: Iterable[_Item], limit: int) -> Iterable[_Item]:
        """As many of `items` as a record has room for; the rest is counted."""
        listed = list(items)
        room = max(0, min(limit, MAX_VALUES - self.values))
        self.values += min(len(listed), room)
        if len(listed) > room:
            self._drop(UnsendableError("too_many", f"{len(listed)} values where {room} have room"), len(listed) - room)
        return listed[:room]

    def _drop(self, error: UnsendableError, values: int = 1) -> object:
        if self._strict:
            raise error
        self.dropped[error.reason] += values
        return MISSING


def sequence(values: object) -> list[object]:
    """The elements of an array, a column or any iterable.

    Raises:
        UnsendableError: it is none, or a text.
    """
    listed = values
    for method in ("tolist", "to_list"):
        if hasattr(values, method):
            listed = getattr(values, method)()
            break
    if isinstance(listed, str | bytes | Mapping) or not isinstance(listed, Iterable):
        raise UnsendableError("unsendable", f"expected a value for each row, got {type(values).__name__}")
    return list(listed)


def fields_of(value: object) -> Mapping[object, object] | None:
    """The named fields of a map, a dataclass, a named tuple, a pydantic or attrs object, a pandas row; else None."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for method in ("model_dump", "_asdict", "to_dict"):
        found: Callable[[], object] | None = getattr(value, method, None)
        if callable(found):
            named = found()
            return named if isinstance(named, Mapping) else None
    slots = getattr(type(value), "__attrs_attrs__", None)
    return {slot.name: getattr(value, slot.name) for slot in slots} if slots else None


@singledispatch
def _read(value: object) -> object:
    """`value` as a scalar, a dict, a list, or `MISSING`: by what it can do, for nothing of numpy is imported here."""
    if value is None or type(value).__name__ in _ABSENT_TYPES:
        return MISSING
    named = fields_of(value)
    if named is not None:
        return dict(named)
    unit = getattr(value, "dtype", None)
    kind = getattr(unit, "kind", "")
    if getattr(value, "shape", None) == ():  # a numpy scalar, or an array of no dimensions
        if kind in {"M", "m"}:
            return _moment(value, kind)
        return _again(value)
    if hasattr(value, "tolist"):
        return value.astype("str").tolist() if kind == "M" and hasattr(value, "astype") else value.tolist()
    raise UnsendableError("unsendable", f"{type(value).__name__} is nothing that can be sent")


def _again(value: object) -> object:
    item = value.item() if hasattr(value, "item") else value
    if type(item) is type(value):
        raise UnsendableError("unsendable", f"{type(value).__name__} is nothing that can be sent")
    return item if type(item) in {float, bool} else _scalar(item)


def _scalar(value: object) -> object:
    return _text(value) if type(value) is str else _whole(value) if type(value) is int else _read(value)


def _moment(value: object, kind: str) -> object:
    """A numpy datetime as ISO 8601, a numpy duration in seconds."""
    if str(value) == "NaT":
        return MISSING
    return str(value) if kind == "M" else float(value / type(value)(1, "s"))  # type: ignore[call-arg, operator]


@_read.register
def _(value: str) -> object:
    return _text(str.__str__(value))  # an enum's or numpy's text without what it adds


@_read.register
def _(value: float) -> object:
    return float(value)


@_read.register(int)
@_read.register(Integral)
def _(value: Integral) -> object:
    if getattr(getattr(value, "dtype", None), "kind", "") == "m":  # numpy calls a duration an integer
        return _moment(value, "m")
    return _whole(int(value))


@_read.register
def _(value: Real) -> object:
    return float(value)


@_read.register
def _(value: Decimal) -> object:
    return MISSING if value.is_nan() else float(value)


@_read.register
def _(value: bytes) -> object:
    try:
        return _text(value.decode())
    except UnicodeDecodeError as error:
        raise UnsendableError("unsendable", "bytes that are no text") from error


@_read.register(date)
@_read.register(time)
def _(value: date | time) -> object:
    text = value.isoformat()
    return MISSING if text == "NaT" else text  # pandas' NaT is a datetime


@_read.register
def _(value: timedelta) -> object:
    seconds = value.total_seconds()
    return MISSING if isnan(seconds) else seconds


@_read.register
def _(value: Enum) -> object:
    return _scalar(value.value) if isinstance(value.value, str | int | float) else value.name


@_read.register(UUID)
@_read.register(PurePath)
def _(value: UUID | PurePath) -> object:
    return _text(str(value))


@_read.register
def _(value: Mapping) -> object:  # type: ignore[type-arg]  # singledispatch takes bare classes
    return dict(value)


@_read.register(tuple)
def _(value: tuple[object, ...]) -> object:
    named = fields_of(value)
    return list(value) if named is None else dict(named)


@_read.register(Sequence)
@_read.register(AbstractSet)
def _(value: Iterable[object]) -> object:
    return list(value)


def unix_nanoseconds(moment: object) -> int:
    """A moment given as a datetime (a naive one is local time) or in unix seconds, as nanoseconds.

    Raises:
        UnsendableError: it is neither.
    """
    if isinstance(moment, datetime):
        moment = moment.timestamp()
    if isinstance(moment, Real) and 0 <= float(moment) < 1e10:  # noqa: PLR2004  # seconds until the year 2286
        return int(float(moment) * 1e9)
    raise UnsendableError("bad_time", f"expected a datetime or unix seconds, got {moment!r}")


def seconds(duration: object) -> float:
    """A duration given as a timedelta or in seconds.

    Raises:
        UnsendableError: it is neither, or negative.
    """
    if isinstance(duration, timedelta):
        duration = duration.total_seconds()
    if isinstance(duration, Real) and float(duration) >= 0:
        return float(duration)
    raise UnsendableError("bad_latency", f"expected a timedelta or seconds, got {duration!r}")


def _text(text: str) -> str:
    """`text` with escapes for what UTF-8 cannot carry, and cut to its limit."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS]


def _whole(number: object) -> object:
    """An integer as itself where OTLP has room for it, else as a float."""
    if not isinstance(number, int):
        raise UnsendableError("unsendable", f"{type(number).__name__} is nothing that can be sent")
    if -_INT64 <= number < _INT64:
        return number
    try:
        return float(number)
    except OverflowError as error:
        raise UnsendableError("unsendable", f"an integer of {number.bit_length()} bits") from error
