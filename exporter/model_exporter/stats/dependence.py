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
RHO: Final = 0.001
"""Correlation of predictions within a slot where nothing is known of it: two quiet slots differ by 0.03 sd."""

_SURE: Final = 3.0
"""Standard errors that make dependence certain."""


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
    phi, sure = 1.0, False
    for length, lost in _lengths(belongs):
        found, error = _inflation(gaps, rows, length)
        found, error = found / (1 - lost), error / (1 - lost)
        phi = max(phi, float(found.max()))
        sure = sure or bool((found - 1 > _SURE * error).any())
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
