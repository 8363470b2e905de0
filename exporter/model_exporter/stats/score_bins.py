"""Curves and calibration from sums by score bin.

A score falls in the bins of `model_exporter.stats.bins.ordinal_bins`, the first and the last without a bound. With
pos_b and neg_b the positives and negatives in bin b, P and N their totals, an area under a curve is known up to the
order of the rows within bins; each comes with the exact bracket of what the rows themselves can give.
"""

from typing import Final, NamedTuple

import numpy as np

from model_exporter.stats.bins import ordinal_bins
from model_exporter.stats.intervals import CONFIDENCE, Interval, clipped, logit_interval, normal_quantile, wilson
from model_exporter.stats.measure import MIN_EACH_CLASS, MIN_MEAN_ROWS, Measure
from model_exporter.stats.tally import Entries, Flags, Floats, Indices, cleared, effective_rows

CALIBRATION_BINS: Final = 10
"""Neighbouring score bins are joined to this many for the calibration error: each bin's noise adds to it."""


class Area(NamedTuple):
    """Area under a curve: from bins, and the least and the most that the rows in them can give."""

    value: float
    least: float
    most: float


class ScoreBins:
    """The part of a tally that says where the scores of positives and of negatives lie.

    Args:
        edges: float64[K-1], ascending: the inner edges of K bins.
    """

    def __init__(self, edges: Floats) -> None:
        self._edges = edges
        self.bins: Final = len(edges) + 1
        self.width: Final = 3 * self.bins + 2

    def enter(
        self,
        entries: Entries,
        offset: Indices | int,
        scores: Floats,
        *,
        positive: Flags,
        weights: Floats,
        rows: Indices | None = None,
    ) -> None:
        """Put the finite ones of `scores`, float64[m], in the columns from `offset` on.

        Args:
            entries: to put them in.
            offset: of the first column; one for all, or int64[m].
            scores: one a row; or m of them, and the row of each in `rows`.
            positive: bool[m].
            weights: float64[m].
            rows: int64[m]; None where there is one score a row.
        """
        scored = np.isfinite(scores)
        bins = offset + ordinal_bins(scores, self._edges)
        entries.add(bins + np.where(positive, 0, self.bins), weights, scored, rows)
        entries.add(bins + 2 * self.bins, weights * np.clip(scores, 0.0, 1.0), scored, rows)
        entries.add(offset + np.where(positive, 3 * self.bins, 3 * self.bins + 1), weights * weights, scored, rows)

    def positives(self, sums: Floats) -> Floats:
        """Weight of the positives in each bin, float64[K]."""
        return cleared(sums[: self.bins])

    def negatives(self, sums: Floats) -> Floats:
        """Weight of the negatives in each bin, float64[K]."""
        return cleared(sums[self.bins : 2 * self.bins])

    def roc_auc(self, sums: Floats, label: str = "") -> Measure | None:
        """Area under the ROC curve, with DeLong's interval widened by the bracket; None below 20 rows of a class."""
        positives, negatives = self.positives(sums), self.negatives(sums)
        n_positive, n_negative = self.effective(sums)
        if min(n_positive, n_negative) < MIN_EACH_CLASS:
            return None
        area = roc_area(positives, negatives)
        error = delong_error(positives, negatives, n_positive, n_negative)
        interval = _area_interval(area.value, error, min(n_positive, n_negative))
        lower, upper = _widened(interval, area)
        return Measure("roc_auc", area.value, lower, upper, n_positive + n_negative, label)

    def pr_auc(self, sums: Floats, label: str = "") -> Measure | None:
        """Average precision, with the logit interval widened by the bracket; None below 20 rows of a class.

        The interval is that of K. Boyd, K. H. Eng, C. D. Page, Area under the precision-recall curve: point estimates
        and confidence intervals, ECML (2013): the error is that of a share among the positives.
        """
        positives, negatives = self.positives(sums), self.negatives(sums)
        n_positive, n_negative = self.effective(sums)
        if min(n_positive, n_negative) < MIN_EACH_CLASS:
            return None
        area = precision_recall_area(positives, negatives, sums[3 * self.bins] / positives.sum())
        error = (max(area.value * (1 - area.value), 0.0) / n_positive) ** 0.5
        lower, upper = _widened(_area_interval(area.value, error, n_positive), area)
        return Measure("pr_auc", area.value, lower, upper, n_positive + n_negative, label)

    def calibration_error(self, sums: Floats) -> Measure | None:
        """Expected calibration error: 0 to 1; None below 100 rows.

        ECE = sum_b (n_b / n) |mean score_b - share of positives_b| over ten groups of neighbouring bins. Noise alone
        makes it up to sum_b (n_b / n) s_b sqrt(2 / pi) too large, with s_b the standard error of a group's share, so
        the lower bound is lower by that; bounds hold whatever the errors within groups are, and are wide for it.

        Source: M. P. Naeini, G. F. Cooper, M. Hauskrecht, Obtaining well calibrated probabilities using Bayesian
        binning, AAAI (2015).
        """
        positives, negatives = self.positives(sums), self.negatives(sums)
        weight = float((positives + negatives).sum())
        squares = float(sums[3 * self.bins :].sum())
        n = effective_rows(weight, squares)
        if n < MIN_MEAN_ROWS:
            return None
        groups = min(CALIBRATION_BINS, self.bins)
        starts = np.arange(groups) * self.bins // groups
        rows = np.add.reduceat(positives + negatives, starts)
        held = rows > 0
        rows = rows[held]
        share = np.add.reduceat(positives, starts)[held] / rows
        score = np.add.reduceat(sums[2 * self.bins : 3 * self.bins], starts)[held] / rows
        error = float(rows @ np.abs(score - share)) / weight
        # A group of one kind may still hold the other: its error is that of the share after one row of each.
        likely = (share * rows * n / weight + 1) / (rows * n / weight + 2)
        errors = rows / weight * np.sqrt(likely * (1 - likely) / (rows * n / weight))
        reach = normal_quantile(CONFIDENCE) * float(np.sqrt(errors @ errors))
        excess = float(errors.sum()) * (2 / np.pi) ** 0.5
        lower, upper = clipped(Interval(error - excess - reach, error + reach), 0.0, 1.0)
        return Measure("calibration_error", error, lower, upper, n)

    def effective(self, sums: Floats) -> tuple[float, float]:
        """Effective rows of positives and of negatives."""
        positive, negative = sums[3 * self.bins :]
        return (
            effective_rows(float(self.positives(sums).sum()), float(positive)),
            effective_rows(float(self.negatives(sums).sum()), float(negative)),
        )


def roc_area(positives: Floats, negatives: Floats) -> Area:
    """Area under the ROC curve, 0 to 1, of positives and negatives by bin, float64[K] >= 0, some of each.

    A = sum_b pos_b (neg_<b + neg_b / 2) / (P N), the chance that a positive scores above a negative, ties counting
    half; what the rows themselves give differs by sum_b pos_b neg_b / (2 P N) at most.

    >>> roc_area(np.array([1.0, 3.0]), np.array([3.0, 1.0]))
    Area(value=0.75, least=0.5625, most=0.9375)
    """
    pairs = float(positives.sum() * negatives.sum())
    below = np.cumsum(negatives) - negatives
    value = float(positives @ (below + negatives / 2)) / pairs
    half = float(positives @ negatives) / (2 * pairs)
    return Area(value, max(value - half, 0.0), min(value + half, 1.0))


def delong_error(positives: Floats, negatives: Floats, n_positive: float, n_negative: float) -> float:
    """Standard error of `roc_area`, with the effective rows of each class, more than one.

    sqrt(S10 / n_positive + S01 / n_negative): S10 is the variance over positives of the share of negatives below them,
    S01 that over negatives of the share of positives above.

    Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44 (1988).

    >>> round(delong_error(np.array([1.0, 3.0]), np.array([3.0, 1.0]), 4, 4), 4)
    0.1768
    """
    all_positive, all_negative = positives.sum(), negatives.sum()
    below = (np.cumsum(negatives) - negatives / 2) / all_negative
    above = 1 - (np.cumsum(positives) - positives / 2) / all_positive
    area = float(positives @ below / all_positive)
    over_positives = float(positives @ (below - area) ** 2 / all_positive) / (n_positive - 1)
    over_negatives = float(negatives @ (above - area) ** 2 / all_negative) / (n_negative - 1)
    return float((over_positives + over_negatives) ** 0.5)


def precision_recall_area(positives: Floats, negatives: Floats, unit: float = 1.0) -> Area:
    """Average precision, 0 to 1, of positives and negatives by bin, float64[K] >= 0, some positives.

    The mean over positives of the precision among all that score as high. Within a bin, positives and negatives are
    taken to alternate evenly; at most all its positives come first, and at least all its negatives.

    Args:
        positives: by bin, from the lowest scores up.
        negatives: the same.
        unit: weight of one row.

    >>> [round(end, 3) for end in precision_recall_area(np.array([10.0, 30.0]), np.array([90.0, 10.0]))]
    [0.669, 0.468, 0.945]
    """
    p, n = positives[::-1], negatives[::-1]
    true, false = np.cumsum(p) - p, np.cumsum(n) - n
    least = _precision_integral(true, false + n, p)
    most = np.minimum(_precision_integral(true + unit, false, p), p)
    # Both rise together: the integral over 0 <= t <= 1 of p (true + t p) / (true + false + t (p + n)).
    called, rise = true + false, np.divide(p + n, p, out=np.ones_like(p), where=p > 0)
    grown = np.log1p(np.divide(rise * p, called, out=np.zeros_like(p), where=called > 0))
    even = p / rise + (true - called / rise) / rise * grown
    even = np.clip(even, least, most)
    total = float(p.sum())
    return Area(float(even.sum()) / total, float(least.sum()) / total, float(most.sum()) / total)


def _precision_integral(true: Floats, false: Floats, p: Floats) -> Floats:
    """The integral of (true + x) / (true + x + false) over 0 <= x <= p."""
    called = true + false
    grown = np.log1p(np.divide(p, called, out=np.zeros_like(p), where=called > 0))
    return p - false * grown


def _area_interval(area: float, error: float, n: float) -> Interval:
    """On the logit scale; Wilson's among `n` rows where every row agrees, which leaves no error to go by."""
    if error <= 0 or not 0 < area < 1:
        return wilson(area, n)
    return logit_interval(area, error)


def _widened(interval: Interval, area: Area) -> Interval:
    lower = interval.lower - (area.value - area.least)
    return clipped(Interval(lower, interval.upper + (area.most - area.value)), 0.0, 1.0)
