"""Distances of a window that know their size: what chance explains, and whether there is more.

All functions take ragged flat counts as `model_exporter.stats.distances` does, and give one value a feature, NaN where
the window or the baseline has no rows. They judge one window by itself. An alarm that looks at every window belongs to
`model_exporter.stats.evidence`, whose guarantee holds however often it is looked at.
"""

from dataclasses import replace
from statistics import NormalDist
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.distances import Counts, observations, occupied_bins, psi
from model_exporter.stats.features import Flags, FlatBins, Floats, Indices, totals
from model_exporter.stats.noncentral import noncentral_chi2_quantile
from model_exporter.stats.scores import location_and_scale

_Number = TypeVar("_Number", np.int64, np.float64)

TAIL: Final = 0.008
"""Chance that a threshold is crossed without drift: 1 %, less what the approximations may be off by."""

_NUMERIC_TAILS: Final = {"psi": 0.0013, "bins": 0.0021, "missing": 0.0014, "location": 0.0017, "scale": 0.0015}
_CATEGORY_TAILS: Final = {"psi": 0.0024, "bins": 0.0042, "missing": 0.0014}
"""How `TAIL` is shared among the parts of the score: what is most often the change gets most."""
_DISPLAY_PSI: Final = 0.1
"""PSI that a window must be large enough to show, to be coloured at all."""
_DISPLAY_ROWS: Final = 100


def psi_null(baseline: Counts, window: Counts, starts: Counts) -> Floats:
    """Mean of PSI without drift: (1/n + 1/m)(B - 1) over the B bins occupied on either side, nats, float64[F].

    PSI less this is the de-biased PSI. It estimates the PSI of the populations, and may be below 0.

    Source: B. Yurdakul, Statistical Properties of Population Stability Index, Western Michigan University 2018.

    >>> psi_null(np.array([500, 500]), np.array([100, 100]), np.array([0, 2])).round(4).tolist()
    [0.006]
    """
    return _noise(baseline, window, starts) * _degrees(baseline, window, starts)


def psi_threshold(
    baseline: Counts, window: Counts, starts: Counts, *, tail: float = TAIL, tolerance: Floats | float = 0.0
) -> Floats:
    """PSI that chance exceeds with probability `tail` while the populations' PSI is `tolerance`, nats, float64[F].

    The tolerance is one for all features or float64[F]. The threshold is c q, where c = 1/n + 1/m and q is
    the upper quantile of noncentral chi-squared with B-1 degrees of freedom and noncentrality tolerance/c. Holds for
    windows from 50 rows up and baselines from 500 up: with few rows in many bins PSI stays below it more often, never
    less.

    Source: C. Potgieter, C. van Zyl, W. Schutte, F. Lombard, The population resemblance statistic, arXiv 2307.11878.

    >>> counts = np.array([500, 500])
    >>> psi_threshold(counts, counts, np.array([0, 2]), tail=0.01).round(4).tolist()
    [0.0133]
    """
    noise = _noise(baseline, window, starts)
    known = np.isfinite(noise)
    noncentrality = np.where(known, tolerance / np.where(known, noise, 1.0), 0.0)
    return noise * noncentral_chi2_quantile(_degrees(baseline, window, starts), noncentrality, tail)


def is_confident(baseline: Counts, window: Counts, starts: Counts) -> Flags:
    """Whether a window is large enough to be coloured, bool[F].

    At least 100 rows, and 2 (B - 1) / 0.1: then the mean of PSI without drift is at most half of the customary 0.1.
    """
    n = observations(window, starts)
    return (n >= _DISPLAY_ROWS) & (n >= 2 * _degrees(baseline, window, starts) / _DISPLAY_PSI)


class ShiftScore:
    """How far a window is beyond chance: more powerful than PSI alone, because it also looks where change is likely.

    The score is the largest of several statistics, each divided by its own threshold, so that more than 1 means "not
    chance" at `TAIL` a window and feature. They are PSI; the location and the scale of a number (two-sample tests of
    the scores of its bins); the share of missing values; and each other bin's share, corrected for their number. PSI
    spreads its power over all directions: a PSI of 0.03 shows it in 1,000 rows and 17 bins in three windows of four,
    the score of a shifted mean in 98 of 100.

    Where a baseline of a few hundred rows holds a part of hundreds of categories only, those it names are not as
    frequent as in it, and the score of large windows is over 1 too often (measured: tests/benchmarks/GAUGES.md).

    Args:
        bins: the baseline.
    """

    def __init__(self, bins: FlatBins) -> None:
        self._unseen = np.flatnonzero(bins.unseen)
        self._bins = bins = replace(bins, counts=self._fold(bins.counts))
        location, scale = _scores(bins)
        self._scores = ((location, _NUMERIC_TAILS["location"]), (scale, _NUMERIC_TAILS["scale"]))
        self._present = np.where(bins.missing, 0.0, 1.0)

    def score(self, window: Counts) -> Floats:
        """The score of a window with counts int64[B], float64[F] >= 0; NaN where either side has no rows.

        Rows of features with a phi over 1 count as 1/phi.
        """
        bins = self._bins
        size = len(bins.rows)
        window = self._fold(window)
        known = (bins.rows > 0) & (totals(bins.owner, window.astype(np.float64), size) > 0)
        shrink = (1 / bins.phi)[bins.owner]
        ours, theirs = window * shrink, bins.counts * shrink
        if not size:
            return np.zeros(0)
        score = np.maximum(self._psi_part(window), self._bin_part(ours, theirs))
        present = totals(bins.owner, ours * self._present, size), totals(bins.owner, theirs * self._present, size)
        usable = bins.numeric & (present[0] > 0) & (present[1] > 0)
        for scores, tail in self._scores:
            statistic = _two_sample(scores, ours * self._present, theirs * self._present, bins.owner, usable)
            score = np.maximum(score, statistic / _two_sided(tail))
        return np.where(known, score, np.nan)

    def _fold(self, counts: NDArray[_Number]) -> NDArray[_Number]:
        """Count unseen categories among those that are too rare for a name.

        Which of the two a rare category is depends on the baseline's size alone; a baseline holds none that is unseen.
        """
        folded = counts.copy()
        folded[self._unseen - 1] += counts[self._unseen]
        folded[self._unseen] = 0
        return folded

    def _psi_part(self, window: Counts) -> Floats:
        bins = self._bins
        baseline = bins.counts.astype(np.int64)
        ratio = np.zeros(len(bins.rows))
        value = psi(baseline, window, bins.starts) / bins.phi
        for mask, tails in ((bins.numeric, _NUMERIC_TAILS), (~bins.numeric, _CATEGORY_TAILS)):
            if mask.any():
                threshold = psi_threshold(baseline, window, bins.starts, tail=tails["psi"])
                np.divide(value, threshold, out=ratio, where=mask & (threshold > 0))
        return ratio

    def _bin_part(self, ours: Floats, theirs: Floats) -> Floats:
        """Largest change of one bin's share: among all rows for missing values, among those with a value for others."""
        bins = self._bins
        size, owner = len(bins.rows), bins.owner
        sizes = []
        for counts in (ours, theirs):
            all_rows, present = totals(owner, counts, size), totals(owner, counts * self._present, size)
            sizes.append(np.where(bins.missing, all_rows[owner], present[owner]))
        z = _signed_root(ours, sizes[0], theirs, sizes[1])
        occupied = totals(owner, np.where((ours > 0) | (theirs > 0), self._present, 0.0), size)
        tail = np.where(bins.numeric, _NUMERIC_TAILS["bins"], _CATEGORY_TAILS["bins"]) / np.maximum(occupied, 1)
        missing = np.where(bins.numeric, _NUMERIC_TAILS["missing"], _CATEGORY_TAILS["missing"])
        limits = np.where(bins.missing, _limits(missing)[owner], _limits(tail)[owner])
        largest: Floats = np.maximum.reduceat(np.abs(z) / limits, bins.starts[:-1])
        return largest


def _scores(bins: FlatBins) -> tuple[Floats, Floats]:
    """Location and scale scores of all bins; values out of range stand with the outermost bin."""
    size = len(bins.rows)
    shares = np.where(bins.ordinary, bins.counts + 0.5, 0.0)
    shares = shares / np.maximum(totals(bins.owner, shares, size), 0.5)[bins.owner]
    scores = []
    for score in location_and_scale(shares, bins.starts):
        spread = np.where(bins.numeric[bins.owner], score, 0.0)
        below, above = np.flatnonzero(bins.below), np.flatnonzero(bins.above)
        spread[below], spread[above] = spread[below + 1], spread[above - 1]
        scores.append(spread)
    return scores[0], scores[1]


def _two_sample(scores: Floats, ours: Floats, theirs: Floats, owner: Indices, usable: Flags) -> Floats:
    """|t| of the difference in mean score between two samples of bin counts, float64[F]; 0 unless `usable`.

    With the pooled variance v and skewness g, t = d / sqrt(v c) with c = 1/n + 1/m. Where the samples differ in size t
    is skewed by k = g (1/n^2 - 1/m^2) / c^1.5, which Cornish and Fisher's t - k (t^2 - 1)/6 takes out; the smaller
    of the two is returned, because k itself is uncertain in small samples.
    """
    size = len(usable)
    n, m = (np.where(usable, totals(owner, part, size), 1.0) for part in (ours, theirs))
    pooled = (ours + theirs) / (n + m)[owner]
    centred = scores - totals(owner, pooled * scores, size)[owner]
    variance = totals(owner, pooled * centred**2, size)
    usable = usable & (variance > 1e-9)  # noqa: PLR2004  # of scores of the order of 1: both samples in one bin
    variance = np.where(usable, variance, 1.0)
    skewness = totals(owner, pooled * centred**3, size) / variance**1.5
    c = 1 / n + 1 / m
    t = (totals(owner, ours * scores, size) / n - totals(owner, theirs * scores, size) / m) / np.sqrt(variance * c)
    corrected = t - skewness * (1 / n**2 - 1 / m**2) / c**1.5 * (t**2 - 1) / 6
    return np.where(usable, np.minimum(np.abs(t), np.abs(corrected)), 0.0)


def _signed_root(x: Floats, n: Floats, c: Floats, m: Floats) -> Floats:
    """Normal deviate of x of n against c of m, float64[B]: the signed root of the deviance of the two-by-two table.

    The counts are first moved half a row towards what is expected (F. Yates, J. R. Stat. Soc. Suppl. 1, 1934), which
    keeps rare bins from crossing a far threshold too often.
    """
    rows = np.maximum(n + m, 1e-9)
    total = x + c
    expected = n * total / rows
    gap = x - expected
    moved = np.sign(gap) * np.maximum(np.abs(gap) - 0.5, 0.0)
    deviance = np.zeros(len(x))
    cells = ((expected, moved), (total - expected, -moved), (n - expected, -moved), (m - total + expected, moved))
    for there, by in cells:
        seen = there + by
        full = (seen > 0) & (there > 0)
        deviance += seen * np.log(np.divide(seen, there, out=np.ones(len(x)), where=full))
    root: Floats = np.sign(gap) * np.sqrt(2 * np.maximum(deviance, 0.0))
    return root


def _noise(baseline: Counts, window: Counts, starts: Counts) -> Floats:
    """1/n + 1/m, NaN where either is 0."""
    n, m = observations(window, starts), observations(baseline, starts)
    known = (n > 0) & (m > 0)
    return np.where(known, 1 / np.maximum(n, 1) + 1 / np.maximum(m, 1), np.nan)


def _degrees(baseline: Counts, window: Counts, starts: Counts) -> Counts:
    return np.maximum(occupied_bins(baseline, window, starts) - 1, 0)


def _limits(tails: Floats) -> Floats:
    """Normal deviates that are exceeded on either side with probability `tails`; few of these differ."""
    distinct, place = np.unique(tails, return_inverse=True)
    return np.array([_two_sided(tail) for tail in distinct.tolist()], np.float64)[place]


def _two_sided(tail: float) -> float:
    return -NormalDist().inv_cdf(tail / 2)
