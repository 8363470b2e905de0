"""By how much predictions that depend on each other make counts vary more than independent ones would.

Real predictions come in crowds: a campaign, a batch job, a slow wave. The counts of a stretch of n predictions then
vary phi times as much as those of n independent ones, and evidence that took them for independent would alarm on
nothing. phi is measured from a time-ordered baseline. With scores h of mean 0 and variance 1 under the baseline,
S_b the sum of the scores over b slots in a row and n_b the predictions in them,

    V_b = sum S_b^2 / sum n_b        over all (overlapping) stretches of b slots,
    phi = max over b = 1, 4, 16, ..., 1024 and over the scores of V_b, and at least 1.

For slots of n predictions with correlation r within a slot and a^k r between slots that are k apart, V_b tends to
1 + (n-1) r + 2 n r a / (1-a). It grows with n: V_b weighs slots by their predictions, so that busy hours count for what
they are, and `rho` says how phi grows where there are more predictions a slot than there were in the baseline.

A baseline of less than `LONG` slots cannot measure the longest stretches. Where its slots are likely to depend on
each other, V_b is continued to them as it is for slots whose correlation falls by the same factor a from each to the
next: V_b = 1 + (V_1 - 1) (1 + 2 sum_{k<b} (1 - k/b) a^k), with the a that fits the longest stretches measured. Without
that a slow movement seen for half an hour would pass for a quarter of what it is.

Overlapping stretches have a third less error than separate ones. Source: P. D. Welch, On the relationship between batch
means, overlapping batch means and spectral estimation, Winter Simulation Conference 1987.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

LENGTHS: Final = (1, 4, 16, 64, 256, 1024)
"""Slots of a stretch whose variance is measured: from 15 s to four hours."""
MIN_STRETCHES: Final = 20
"""Separate stretches that a variance is measured from, at least."""
LONG: Final = LENGTHS[-1] * MIN_STRETCHES
"""Slots from which on all lengths are measured: three and a half days."""
RHO: Final = 0.001
"""Correlation of predictions within a slot where nothing is known of it: two quiet slots differ by 0.03 sd."""

_SURE: Final = 3.0
"""Standard errors that make dependence certain."""
_LIKELY: Final = 1.0
"""Standard errors of two things at once, the variance of slots and what neighbours share, that make it likely: without
dependence one score in forty has both."""
_LASTS: Final = 0.1
"""Share of the slots that a movement is taken to last, at most: of slower ones too little was seen."""
_CORRECTIONS: Final = 10
"""Rounds of correcting for the mean that was subtracted."""
_HALVINGS: Final = 30


@dataclass(frozen=True, slots=True)
class Dependence:
    """How predictions depend on each other.

    Attributes:
        phi: variance of the baseline's counts over that of independent predictions, >= 1.
        rho: by how much phi grows with each prediction more in a slot, >= 0: a slot of n predictions has about
            1 + n rho. Where dependence is not certain it is at most `RHO`, because noise must not be extrapolated.
    """

    phi: float
    rho: float


def dependence(sums: Floats, rows: Counts, squares: Floats, *, group: Indices | None = None) -> Dependence | None:
    """Dependence of the predictions of T slots.

    Args:
        sums: float64[H, T], the sum of each of H scores over a slot's predictions; slots in the order of time.
        rows: int64[T], predictions of each slot, at least one.
        squares: float64[H], sum of each squared score over all predictions.
        group: intp[T], which slots share a mean, as those of the same hour of the day do. What lies between the means
            is no dependence, and is taken away; None for a single mean.

    Returns:
        None where it cannot be measured: fewer than `MIN_STRETCHES` slots, or scores that do not vary.
    """
    slots = len(rows)
    if slots < MIN_STRETCHES or not len(sums):
        return None
    belongs = np.zeros(slots, np.intp) if group is None else np.unique(group, return_inverse=True)[1]
    predictions = float(rows.sum())
    by_group = np.bincount(belongs, rows)
    means = np.array([np.bincount(belongs, row) for row in sums]) / by_group
    variance = (squares - (by_group * means**2).sum(axis=1)) / predictions
    varies = variance > 1e-9 * np.maximum(squares / predictions, 1e-300)  # below that it is rounding
    if not varies.any():
        return None
    gaps = (sums - rows * means[:, belongs])[varies] / np.sqrt(variance[varies, None])
    phi, sure, measured = 1.0, False, {}
    for length, lost in _lengths(belongs):
        found, error = _inflation(gaps, rows, length)
        measured[length] = found
        found, error = found / (1 - lost), error / (1 - lost)
        phi = max(phi, float(found.max()))
        sure = sure or bool((found - 1 > _SURE * error).any())
    if len(measured) > 1 and slots < LONG:
        phi = max(phi, _continued(gaps, rows, measured, slots / (1 + int(belongs.max()))))
    rho = (phi - 1) / (float((rows.astype(np.float64) ** 2).sum()) / predictions)
    return Dependence(phi, rho if sure else min(rho, RHO))


def _lengths(group: Indices) -> list[tuple[int, float]]:
    """Lengths to measure, each with the share of its variance that subtracting the measured means took away.

    A mean over s slots follows them: of a stretch of b of these slots it takes b/s. A stretch that is longer than a
    group's slots stand together takes part in other means as well and loses no more.
    """
    slots = len(group)
    together = slots / (1 + int(np.count_nonzero(np.diff(group))))
    shared = slots / (1 + int(group.max()))
    lengths = [length for length in LENGTHS if length * MIN_STRETCHES <= slots]
    # Where more than half is lost there is nothing to correct.
    return [(length, lost) for length in lengths if (lost := min(length, together) / shared) <= 1 / 2]


def _inflation(gaps: Floats, rows: Counts, length: int) -> tuple[Floats, Floats]:
    """V_b of each score and its standard error, float64[H] each."""
    until = np.concatenate([np.zeros((len(gaps), 1)), np.cumsum(gaps, axis=1)], axis=1)
    seen = np.concatenate([[0.0], np.cumsum(rows, dtype=np.float64)])
    squares, predictions = (until[:, length:] - until[:, :-length]) ** 2, seen[length:] - seen[:-length]
    found = squares.sum(axis=1) / predictions.sum()
    # Separate stretches are about independent, so their spread tells the error (cautiously, for overlapping ones).
    apart, of_apart = squares[:, ::length], predictions[::length]
    errors = apart - found[:, None] * of_apart
    return found, np.sqrt((errors**2).sum(axis=1)) / of_apart.sum()


def _continued(gaps: Floats, rows: Counts, measured: dict[int, Floats], shared: float) -> float:
    """V_b of the longest stretch, continued from those `measured`; 1 where slots seem not to depend on each other.

    The means over `shared` slots that were subtracted took b V / shared from V_b, with V that of the longest stretch:
    it is given back.
    """
    slots, n = len(rows), rows.astype(np.float64)
    variance, length = measured[1], max(measured)
    neighbours = (gaps[:, 1:] * gaps[:, :-1]).sum(axis=1) / np.sqrt(n[1:] * n[:-1]).sum()
    likely = (variance - 1 > _LIKELY * np.sqrt(2 / slots)) & (neighbours > _LIKELY * variance / np.sqrt(slots))
    longest = 1.0
    for of_one, of_length in zip(variance[likely].tolist(), measured[length][likely].tolist(), strict=True):
        inflation = max(of_one, of_length)
        for _ in range(_CORRECTIONS):
            lost = min(inflation / shared, of_one)  # where more than half is lost there is nothing to correct
            excess = of_one + lost - 1
            persistence = _persistence((of_length + length * lost - 1) / excess, length, 1 - 1 / (_LASTS * shared))
            inflation = 1 + excess * _summed(persistence, LENGTHS[-1])
        longest = max(longest, inflation)
    return longest


def _persistence(ratio: float, length: int, most: float) -> float:
    """The a between 0 and `most` with (V_b - 1) / (V_1 - 1) = `ratio` for b = `length`, or the nearest."""
    low, high = 0.0, max(most, 0.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _summed(middle, length) < ratio else (low, middle)
    return low


def _summed(a: float, length: int) -> float:
    """1 + 2 sum_{k<b} (1 - k/b) a^k for b = `length` and 0 <= a < 1."""
    return 1 + 2 * a / (1 - a) - 2 * a * (1 - a**length) / (length * (1 - a) ** 2)
