"""How much, how fast, how often wrong: counts without features."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Words
from model_exporter.window.snapshot import LATENCY_BUCKETS, Histogram

OVERFLOW: Final = "_other"
"""Stands for every name beyond a limit."""

_BOUNDS: Final = np.array(LATENCY_BUCKETS)


class Durations:
    """A latency histogram that grows."""

    def __init__(self) -> None:
        self._buckets = np.zeros(len(LATENCY_BUCKETS) + 1, np.int64)
        self._total = 0.0

    def add(self, seconds: NDArray[np.float64]) -> None:
        """Add float64[n] durations, none of them NaN."""
        self._buckets += np.bincount(np.searchsorted(_BOUNDS, seconds, side="left"), minlength=len(self._buckets))
        self._total += float(seconds.sum())

    def snapshot(self) -> Histogram:
        """A copy that does not change."""
        return Histogram(self._buckets.copy(), self._total)


class BoundedCounts:
    """Counts by name with at most `limit` names; what comes after is counted under `OVERFLOW`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[str] = Counter()
        self.overflowed = 0

    def add(self, names: Words) -> None:
        """Count each row that has a name."""
        for name, rows in rows_of(names):
            self._counts[self._name(name, rows)] += rows

    def snapshot(self) -> tuple[tuple[str, int], ...]:
        """Names with their counts, in the order first seen."""
        return tuple(self._counts.items())

    def _name(self, name: str, rows: int) -> str:
        if name in self._counts or len(self._counts) < self._limit:
            return name
        self.overflowed += rows
        return OVERFLOW


def rows_of(names: Words) -> Iterator[tuple[str, int]]:
    """Each name that some row has, with the number of its rows."""
    counts = np.bincount(names.codes[names.codes >= 0], minlength=len(names.words))
    for name, rows in zip(names.words, counts.tolist(), strict=True):
        if rows:
            yield name, rows
