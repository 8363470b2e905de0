"""Whether a stretch of rows agrees with itself, so that a drift within it does not become the baseline.

The stretch is cut into k blocks of consecutive rows. Every run of neighbouring blocks, from a single one to all but
one, is compared with the rest of the stretch, which finds a drift that began, ended or came and went in any part of it:
28 comparisons a feature for 8 blocks. A feature disagrees when some comparison shows both

- evidence: its chi-squared exceeds what chance explains, shared out among all comparisons of all features, and
- an effect that matters: the divergence between the run and the rest, less what noise adds to it, is over a tolerance.

Sources: A. B. Olshen, E. S. Venkatraman, R. Lucito, M. Wigler, Circular binary segmentation, Biostatistics 5 (2004),
for the comparisons; K. Pearson 1900 for the statistic.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.tails import chi2_quantile

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BLOCKS: Final = 8
"""Blocks that a stretch is best cut into: a drift in an eighth of it is found, and 28 comparisons cost little power."""
FALSE_ALARM: Final = 0.005
"""Chance that a stretch of independent rows without drift is said to disagree with itself, over all features. Measured:
0 to 0.008 (tests/benchmarks/STRETCH.md)."""
TOLERANCE: Final = 0.02
"""Divergence that does not matter: a mean shift of 0.14 standard deviations."""
MIN_EXPECTED: Final = 10.0
"""Rows of a bin that a block should hold; neighbouring bins with fewer are taken together. With 5, the usual rule, the
far tail of chi-squared that hundreds of features lead to is twice as heavy as it should be."""


@dataclass(frozen=True, slots=True)
class StretchAgreement:
    """How each of F features agrees with itself over a stretch.

    A feature that cannot be compared (no rows, or all in one bin) has NaN and is stable.

    Attributes:
        stable: bool[F].
        excess: float64[F], log of chi-squared over its limit in the comparison that is most over it; 0 is the limit.
        effect: float64[F], divergence of the run from the rest in that comparison, less noise; may be below 0. Its
            square root is about the mean shift in standard deviations.
        first: int64[F], first block of the run that differs; -1 where not compared.
        last: int64[F], its last block. Which of the two sides drifted, the run or the rest, the counts do not say.
    """

    stable: Flags
    excess: Floats
    effect: Floats
    first: Counts
    last: Counts


def stretch_agreement(
    blocks: Counts,
    starts: Counts,
    *,
    false_alarm: float = FALSE_ALARM,
    tolerance: float = TOLERANCE,
    phi: Floats | float = 1.0,
) -> StretchAgreement:
    """Compare every run of neighbouring blocks with the rest of the stretch, feature by feature.

    For a run with n rows, of which x_k are in bin k, the rest with n' rows and all N rows with shares p_k,

        X2 = (1/n + 1/n')^-1 sum_k (x_k/n - x'_k/n')^2 / p_k,

    which is chi-squared with B-1 degrees of freedom without drift; the divergence is the sum, and its noise
    (1/n + 1/n') (B-1).

    Args:
        blocks: int64[k, B], rows in each bin of the flat layout, block by block in the order of time; k >= 2.
        starts: int64[F+1], where each feature's bins begin.
        false_alarm: chance of any unstable feature in a stretch without drift.
        tolerance: divergence that does not matter.
        phi: variance of counts over that of independent rows, one for all or float64[F]; X2 is divided by it.

    Raises:
        ValueError: there are fewer than two blocks.

    >>> steady = [[900, 100]] * 6
    >>> drifts = np.array([*steady, [800, 200], [800, 200]])
    >>> agreement = stretch_agreement(drifts, np.array([0, 2]))
    >>> agreement.stable.tolist(), agreement.first.tolist(), agreement.last.tolist()
    ([False], [0], [5])
    """
    if len(blocks) < 2:  # noqa: PLR2004  # two things to compare
        raise ValueError("a stretch needs at least two blocks to be compared with itself")
    grouped, owner = _grouped(blocks, starts)
    features = len(starts) - 1
    degrees = np.maximum(np.bincount(owner, minlength=features) - 1, 0)
    until = np.vstack([np.zeros(len(owner), np.int64), np.cumsum(grouped, axis=0)])
    runs = _runs(len(blocks))
    limit = _limits(degrees, false_alarm / max(len(runs) * int(np.count_nonzero(degrees)), 1))
    excess, effect = np.full((2, features), np.nan)
    first, last = np.full((2, features), -1)
    stable = np.ones(features, np.bool_)
    for start, end in runs:
        divergence, noise = _divergence(until[end + 1] - until[start], until[-1], owner, features)
        noise = noise * phi
        over = np.where(degrees > 0, _log(divergence / noise) - _log(limit), np.nan)
        without_noise = divergence - noise * degrees
        stable &= ~((over > 0) & (without_noise > tolerance))
        more = (over > excess) | (np.isnan(excess) & ~np.isnan(over))
        excess, effect = np.where(more, over, excess), np.where(more, without_noise, effect)
        first, last = np.where(more, start, first), np.where(more, end, last)
    return StretchAgreement(stable, excess, effect, first, last)


def _runs(blocks: int) -> list[tuple[int, int]]:
    """First and last block of each run of neighbours; one that ends the stretch is the rest of one that begins it."""
    return [(start, end) for start in range(blocks) for end in range(start, blocks - 1)]


def _grouped(blocks: Counts, starts: Counts) -> tuple[Counts, Counts]:
    """Neighbouring bins joined until each group has rows enough, int64[k, G], and the feature of each group."""
    least = MIN_EXPECTED * len(blocks)
    rows = blocks.sum(axis=0).tolist()
    firsts: list[int] = []
    owners: list[int] = []
    for feature, (begin, end) in enumerate(pairwise(starts.tolist())):
        own = len(firsts)
        held = least
        for place in range(begin, end):
            if held >= least:
                firsts.append(place)
                held = 0
            held += rows[place]
        if held < least and len(firsts) > own + 1:
            firsts.pop()  # what is left over joins the group before
        owners += [feature] * (len(firsts) - own)
    if not firsts:
        return np.zeros((len(blocks), 0), np.int64), np.zeros(0, np.int64)
    # A feature without bins has no group, so the groups follow each other without gaps.
    return np.add.reduceat(blocks, firsts, axis=1), np.array(owners, np.int64)


def _divergence(run: Counts, total: Counts, owner: Counts, features: int) -> tuple[Floats, Floats]:
    """Divergence of a run from the rest and 1/n + 1/n', both float64[F]; NaN where either side has no rows."""
    n, both = np.bincount(owner, run, features), np.bincount(owner, total, features)
    rest = both - n
    with np.errstate(divide="ignore", invalid="ignore"):  # sides without rows become NaN
        gaps = run / n[owner] - (total - run) / rest[owner]
        terms = np.where(total > 0, gaps**2 * both[owner] / total, 0.0)
        noise = 1 / n + 1 / rest
    divergence = np.bincount(owner, terms, features)
    return np.where(np.isfinite(noise), divergence, np.nan), np.where(np.isfinite(noise), noise, np.nan)


def _limits(degrees: Counts, tail: float) -> Floats:
    """Upper quantiles of chi-squared, NaN for no degrees."""
    distinct, places = np.unique(degrees, return_inverse=True)
    quantiles: Floats = np.array([chi2_quantile(d, tail) if d else np.nan for d in distinct.tolist()])[places]
    return quantiles


def _log(values: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(values)
