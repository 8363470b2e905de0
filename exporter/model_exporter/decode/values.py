"""Single values as senders write them: text, numbers, moments, arrays."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Final, TypeVar

import numpy as np

from model_exporter.batch import Role, column_from_values
from model_exporter.batch.columns import MAX_TEXT

NANOSECONDS: Final = 1_000_000_000
"""In a second. An int, because only int by int is divided without rounding a moment to 256 ns first."""

_NANOSECONDS_FROM: Final = 1e17
_MICROSECONDS_FROM: Final = 1e14
_MILLISECONDS_FROM: Final = 1e11  # as seconds this is the year 5138
_IDENTIFIER_BITS: Final = 128  # an integer as wide as a UUID may be an identifier


_Item = TypeVar("_Item")


class Elements:
    """An array whose elements are only converted when someone looks: most arrays are embeddings, which nobody does."""

    __slots__ = ("_convert", "_items")

    def __init__(self, items: Collection[_Item], convert: Callable[[_Item], object]) -> None:
        self._items = items
        self._convert: Callable[[], Iterator[object]] = lambda: map(convert, items)  # hides the type of the items

    def __iter__(self) -> Iterator[object]:
        return self._convert()

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(list(self))


def is_empty(value: object) -> bool:
    """Whether `value` is null or the empty text, which say that nothing is known."""
    return value is None or value == ""


def text_of(value: object) -> str | None:
    """A name or identifier as text, finite numbers included; None when `value` is anything else.

    Whole floats lose their point, since a JavaScript sender cannot tell 3.0 from 3.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        if not isfinite(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    return str(value) if value.bit_length() <= _IDENTIFIER_BITS else None


def error_of(value: object, limit: int) -> str:
    """An error's type, at most `limit` characters of it; empty for a prediction that did not fail."""
    if is_empty(value) or value is False:
        return ""
    return (text_of(value) or "error")[:limit]


def number_of(value: object) -> float | None:
    """A finite number, also when it was written as text (the Python SDK turns numpy scalars into text), or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def unix_seconds(value: object) -> float | None:
    """A moment in unix seconds, or None when it cannot be read.

    Takes unix time in seconds, and in milli-, micro- or nanoseconds when it is too large for seconds, as number or
    text; or ISO 8601, where a time without an offset is taken as UTC.
    """
    number = number_of(value)
    if number is not None:
        size = abs(number)
        if size > _NANOSECONDS_FROM:
            return number / 1e9
        if size > _MICROSECONDS_FROM:
            return number / 1e6
        return number / 1e3 if size > _MILLISECONDS_FROM else number
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def unix_seconds_of(numbers: Sequence[float]) -> list[float]:
    """`unix_seconds` of each of some finite numbers."""
    array = np.array(numbers, np.float64)
    size = np.abs(array)
    for least, unit in ((_NANOSECONDS_FROM, 1e9), (_MICROSECONDS_FROM, 1e6), (_MILLISECONDS_FROM, 1e3)):
        larger = size > least
        array[larger] /= unit
        size[larger] = 0
    return list(array.tolist())


def plain_text(text: str) -> str:
    """`text` as a column would keep it, with escapes for what UTF-8 cannot carry."""
    return bounded_text(text if text.isascii() else text.encode("utf-8", "backslashreplace").decode())


def bounded_text(text: str) -> str:
    """`text` as a column would keep it, so that an outcome still equals its prediction."""
    if len(text) <= MAX_TEXT:
        return text
    column = column_from_values("", Role.OUTPUT, [text])
    return column.texts.words[0] if column.texts else text
