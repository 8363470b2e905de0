"""How long truth takes: the delays of outcomes, with a memory that fades."""

from math import exp2, nan
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from model_exporter.config.settings import DAY
from model_exporter.window.kept_sums import KeptDelays, KeptTable
from model_exporter.window.snapshot import DELAY_BUCKETS, Histogram

HALF_LIFE_SECONDS: Final = 7 * DAY
"""After so long an outcome counts half in the quantile: outcomes that come once a week still overlap."""
FADE_SECONDS: Final = 300.0
"""The memory fades in steps of this length, at the same moments in every replica, so that their sums agree."""
MIN_OUTCOMES: Final = 30
"""Outcomes, faded ones counted by their weight, before a quantile of their delays is told."""
SHARE: Final = 0.95
"""The quantile: cohorts older than it have nearly all the truth they will ever get."""

_PER_OCTAVE: Final = 4
_OCTAVES: Final = 26  # from one second to two years
_FADED: Final = 1e-9  # weight that is nothing any more

_BOUNDS: Final = np.array(DELAY_BUCKETS)


class Delays:
    """Delays between predictions and the arrival of their outcomes.

    Counts in buckets a quarter of an octave wide, which halve in weight every `HALF_LIFE_SECONDS`, and counts since
    the start in the buckets of `DELAY_BUCKETS`. Both are sums: those of two replicas add up.
    """

    def __init__(self) -> None:
        self._faded = np.zeros(_PER_OCTAVE * _OCTAVES + 1)
        self._step = 0
        self._buckets = np.zeros(len(DELAY_BUCKETS) + 1, np.int64)
        self._total = 0.0

    def add(self, seconds: NDArray[np.float64], weights: NDArray[np.float64], now: float) -> None:
        """Add float64[n] delays, finite; those below 0, of outcomes told before their prediction, are 0.

        The quantile takes each by its weight, the counts since the start take it once.
        """
        self.advance(now)
        late = np.maximum(seconds, 0.0)
        octaves = np.log2(np.maximum(late, 1.0))
        buckets = np.minimum(np.ceil(_PER_OCTAVE * octaves).astype(np.intp), len(self._faded) - 1)
        self._faded += np.bincount(buckets, weights, len(self._faded))
        self._buckets += np.bincount(np.searchsorted(_BOUNDS, late, side="left"), minlength=len(self._buckets))
        self._total += float(late.sum())

    def advance(self, now: float) -> None:
        """Let what was added fade; time that runs backwards stands still."""
        step = int(now // FADE_SECONDS)
        if step <= self._step:
            return
        if self._step:
            self._faded *= exp2(-(step - self._step) * FADE_SECONDS / HALF_LIFE_SECONDS)
            self._faded[self._faded < _FADED] = 0.0
        self._step = step

    def quantile(self, *, at_most: float) -> float:
        """The `SHARE` quantile of the delays in seconds, NaN while there are fewer than `MIN_OUTCOMES`.

        It is the upper end of a bucket, hence too large by up to 19 %, and stays the same while delays do.
        """
        total = float(self._faded.sum())
        if total < MIN_OUTCOMES:
            return nan
        bucket = int(np.searchsorted(np.cumsum(self._faded), SHARE * total, side="left"))
        return min(exp2(bucket / _PER_OCTAVE), at_most) if bucket < len(self._faded) - 1 else at_most

    def merge(self, other: Self) -> None:
        """Add what `other` holds, as of the later of the two."""
        now = max(self._step, other._step) * FADE_SECONDS
        self.advance(now)
        other.advance(now)
        self._faded += other._faded
        self._buckets += other._buckets
        self._total += other._total

    def checkpoint(self) -> KeptDelays:
        """The memory; counts since the start do not outlive it."""
        return KeptDelays(self._step, KeptTable.of(self._faded[np.newaxis]))

    def restore(self, kept: KeptDelays) -> None:
        """Add the memory that was kept.

        Raises:
            ValueError: it is of other buckets.
        """
        table = kept.faded.table()
        if table.shape != (1, len(self._faded)):
            raise ValueError(f"no memory of delays has the shape {table.shape}")
        other = Delays()
        other._step, other._faded = kept.step, table[0]
        self.merge(other)

    def snapshot(self) -> Histogram:
        """Counts since the start in the buckets of `DELAY_BUCKETS`; a copy."""
        return Histogram(self._buckets.copy(), self._total)
