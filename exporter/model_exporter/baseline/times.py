"""Columns that hold times."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.coerce import parse_number
from model_exporter.batch import Column, Kind

_UNITS: Final = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""From which size on a number counts nano-, micro- or milliseconds, and how many of these make a second."""
EARLIEST: Final = 1e8
"""Unix seconds of March 1973; a smaller number is hardly a date."""


def read_times(column: Column, *, must: bool) -> NDArray[np.float64] | None:
    """Unix seconds of each cell, float64[n], NaN where there is none; None when the cells are not times.

    Takes ISO 8601 (without an offset: UTC) and unix time in seconds or, where too large for that, in milli-, micro-
    or nanoseconds.

    Args:
        column: the cells; missing ones are passed over.
        must: take any number for a time, also one that is too small for a date, such as seconds since a start.

    >>> from model_exporter.batch import Role, column_from_values
    >>> read_times(column_from_values("t", Role.INPUT, ["2025-11-23T04:59:40Z", 1763873980123]), must=False).tolist()
    [1763873980.0, 1763873980.123]
    """
    seconds = np.where(column.kinds == Kind.NUMBER, column.numbers, np.nan)
    if column.texts is not None:
        moments = np.array([*(_moment(word) for word in column.texts.words), np.nan])
        seconds = np.where(column.kinds == Kind.TEXT, moments[column.texts.codes], seconds)
    given = column.kinds > Kind.NULL
    known = np.isfinite(seconds)
    if not known.any() or (given & ~known).any() or (not must and (seconds[known] < EARLIEST).any()):
        return None
    for threshold, unit in _UNITS:
        seconds = np.where(np.abs(seconds) >= threshold, seconds / unit, seconds)
    return seconds


def _moment(word: str) -> float:
    number = parse_number(word)
    if number is not None:
        return number
    try:
        moment = datetime.fromisoformat(word)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return np.nan
