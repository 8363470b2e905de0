"""Performance without outcomes: what the calibration of a labelled reference says of the scores of now.

Cells are (predicted class, score bin). The reference tells for each cell the share p_c of its H_c labelled rows in
which the event came true: that the row is positive (of two classes), or that the prediction is right (of more). The
n_c rows of now are taken to hold n_c p_c of them, from which follow the expected TP, FP and FN and every metric of
them. It rests on one assumption, **that P(event | cell) is unchanged**: a change of inputs is seen, a change of what
the inputs mean is not, and shows only as estimate minus realised once outcomes arrive.

The variance of a metric g is, with the weights g_c = dg/d(n_c p_c),

    sum_c g_c^2 [n_c^2 p_c (1 - p_c) / (H_c + 1)  +  n_c p_c (1 - p_c)]

the first term for the calibration, the second for the labels that the rows of now will draw; so the band is for the
realised value, not for its mean. Without the first term, as bands from sampling alone have it, 95 % bands over 50,000
rows from 1,000 labels cover the realised value in 32 % of cases.

>>> rng = np.random.default_rng(0)
>>> scores = rng.random(20_000)
>>> actual, predicted = (rng.random(20_000) < scores).astype(np.int64), (scores > 0.5).astype(np.int64)
>>> estimator = Estimator(["no", "yes"], reference_edges(scores), positive=1)
>>> labelled = estimator.labelled(actual, predicted, scores)
>>> now = rng.random(1000) ** 1.2
>>> estimate = estimator.estimate(labelled, estimator.traffic((now > 0.5).astype(np.int64), now))
>>> [(one.metric, round(one.value, 2)) for one in estimate.measures if one.metric in {"accuracy", "roc_auc"}]
[('accuracy', 0.77), ('roc_auc', 0.85)]

Sources: J. Bialek et al., Estimating model performance under covariate shift without labels, arXiv 2401.08348 (2024),
for the idea; the calibration term is the variance of a Beta posterior.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.bins import ordinal_bins
from model_exporter.stats.intervals import CONFIDENCE, Interval, clipped, normal_quantile
from model_exporter.stats.measure import MIN_EACH_CLASS, MIN_RATE_ROWS, MIN_RELEVANT, Measure
from model_exporter.stats.tally import Floats, Indices, cleared, weights_of

MIN_REFERENCE: Final = 200.0
"""Reference labels that the rows of now must rest on, 1 / sum(w_c^2 / H_c) with their shares w_c by cell."""
MIN_LABELS: Final = 20.0
"""Labels of a cell below which its calibration is not known."""
MAX_UNKNOWN: Final = 0.05
"""Share of the rows of now that may lie in such cells; and in an end bin, before it counts as extrapolation."""
MAX_END_GROWTH: Final = 5.0
"""An end bin that holds so many times its share of the reference holds rows that the reference hardly knew."""
_SHARES: Final = (0.005, 0.02, *np.arange(0.05, 0.96, 0.05).tolist(), 0.98, 0.995)

NO_SCORES: Final = "no_scores"
FEW_ROWS: Final = "few_rows"
FEW_LABELS: Final = "few_labels"
EXTRAPOLATION: Final = "extrapolation"
REASONS: Final = (NO_SCORES, FEW_ROWS, FEW_LABELS, EXTRAPOLATION)


class Estimate(NamedTuple):
    """What is expected of the rows of now.

    Attributes:
        measures: expected metrics with their bands; none where the estimate is withdrawn.
        withdrawn: why there are none, one of `REASONS`; empty otherwise.
        reference: labels that the estimate rests on, 1 / sum(w_c^2 / H_c); 0 without any.
        unknown: share of rows in cells with too few labels, 0 to 1.
    """

    measures: tuple[Measure, ...]
    withdrawn: str
    reference: float
    unknown: float


@dataclass(frozen=True, slots=True)
class _Cells:
    """Expectations by cell: float64[C, K] each, in the order of predicted class and score bin."""

    rows: Floats
    share: Floats
    labels: Floats

    def band(self, metric: str, value: float, weights: Floats, n: float, label: str = "") -> Measure:
        noise = self.share * (1 - self.share)
        variance = float((weights**2 * noise * (self.rows**2 / (self.labels + 1) + self.rows)).sum())
        reach = normal_quantile(CONFIDENCE) * variance**0.5
        interval = clipped(Interval(value - reach, value + reach), 0.0, 1.0)
        return Measure(metric, value, *interval, n, label)


class Estimator:
    """Expected performance of a classifier from its scores.

    `labelled` and `traffic` make sums that add up over rows, windows and replicas; `estimate` reads them. Labelled rows
    come from a baseline with outcomes, or from live rows that have theirs.

    Args:
        classes: names of the classes; rows with a code beyond, or a negative one, are left out.
        edges: ascending inner edges of the score bins, from `reference_edges` of the reference's scores; frozen.
        positive: code of the positive class, the scores being its; None for several classes, with the scores of the
            predicted one.
    """

    def __init__(self, classes: Sequence[str], edges: Floats, *, positive: int | None = None) -> None:
        self._classes, self._edges, self._positive = tuple(classes), edges, positive
        self._shape = (len(self._classes), len(edges) + 1)
        self._size = self._shape[0] * self._shape[1]

    @property
    def labelled_width(self) -> int:
        """Length of the sums of labelled rows."""
        return 2 * self._size

    @property
    def traffic_width(self) -> int:
        """Length of the sums of rows without outcomes."""
        return self._size + 1

    def labelled(self, actual: Indices, predicted: Indices, scores: Floats, weights: Floats | None = None) -> Floats:
        """Sums of rows with outcomes: weight by cell, then weight of those with the event; float64[labelled_width]."""
        weights = weights_of(weights, len(scores))
        kept = self._usable(predicted, scores) & (actual >= 0)
        cells = self._cells(predicted[kept], scores[kept])
        event = actual[kept] == (predicted[kept] if self._positive is None else self._positive)
        rows = np.bincount(cells, weights[kept], self._size)
        return np.concatenate([rows, np.bincount(cells[event], weights[kept][event], self._size)])

    def traffic(self, predicted: Indices, scores: Floats, weights: Floats | None = None) -> Floats:
        """Sums of rows without outcomes: weight by cell, then weight without score; float64[traffic_width]."""
        weights = weights_of(weights, len(scores))
        sums: Floats = np.bincount(self.cells(predicted, scores), weights, self._size + 1).astype(
            np.float64, copy=False
        )
        return sums

    def cells(self, predicted: Indices, scores: Floats) -> Indices:
        """Which of the sums of `traffic` each row adds to, int64[n]."""
        cells = self._cells(np.clip(predicted, 0, len(self._classes) - 1), scores)
        return np.where(self._usable(predicted, scores), cells, self._size)

    def estimate(self, labelled: Floats, traffic: Floats) -> Estimate:
        """What the reference of sums `labelled` lets expect of the rows of sums `traffic`.

        Withdrawn, with the reason, when fewer than 30 rows or less than 95 % of them have a score (`few_rows`,
        `no_scores`), when they rest on fewer than 200 labels (`few_labels`), and when they lie where the reference has
        few or none (`extrapolation`).
        """
        rows = cleared(traffic[: self._size]).reshape(self._shape)
        labels = cleared(labelled[: self._size]).reshape(self._shape)
        events = cleared(labelled[self._size :]).reshape(self._shape)
        n, unscored = float(rows.sum()), float(traffic[self._size])
        if n < MIN_RATE_ROWS:
            return Estimate((), NO_SCORES if unscored > n else FEW_ROWS, 0.0, 0.0)
        shares = rows / n
        unknown = float(shares[labels < MIN_LABELS].sum())
        held = (shares > 0) & (labels > 0)
        spread = float((shares[held] ** 2 / labels[held]).sum())
        reference = 1 / spread if spread > 0 else 0.0
        withdrawn = ""
        if unscored > MAX_UNKNOWN * (n + unscored):
            withdrawn = NO_SCORES
        elif unknown > MAX_UNKNOWN or self._beyond(shares, labels):
            withdrawn = EXTRAPOLATION
        elif reference < MIN_REFERENCE:
            withdrawn = FEW_LABELS
        if withdrawn:
            return Estimate((), withdrawn, reference, unknown)
        # A cell without labels takes the share of its class; one label's worth of it goes to the others as well.
        of_class = np.divide(
            events.sum(axis=1), labels.sum(axis=1), out=np.full(len(self._classes), 0.5), where=labels.any(1)
        )
        cells = _Cells(rows, (events + of_class[:, None]) / (labels + 1), labels)
        found = self._several(cells) if self._positive is None else self._binary(cells, self._positive)
        return Estimate(tuple(found), "", reference, unknown)

    def _usable(self, predicted: Indices, scores: Floats) -> NDArray[np.bool_]:
        return (predicted >= 0) & (predicted < len(self._classes)) & np.isfinite(scores)

    def _cells(self, predicted: Indices, scores: Floats) -> Indices:
        return predicted * self._shape[1] + ordinal_bins(scores, self._edges)

    def _beyond(self, shares: Floats, labels: Floats) -> bool:
        """Whether an end of the scores holds far more than it did in the reference.

        Within a bin the law of the scores is taken to be the reference's; in an open end that holds a lot, it is not.
        """
        now, before = shares.sum(axis=0), labels.sum(axis=0) / max(float(labels.sum()), 1.0)
        known = np.flatnonzero(before > 0)
        return (
            any(now[at] > max(MAX_UNKNOWN, MAX_END_GROWTH * before[at]) for at in (known[0], known[-1]))
            if len(known)
            else True
        )

    def _binary(self, cells: _Cells, positive: int) -> list[Measure]:
        n, called = float(cells.rows.sum()), float(cells.rows[positive].sum())
        expected = cells.rows * cells.share
        true, positives = float(expected[positive].sum()), float(expected.sum())
        is_called = np.zeros(self._shape)
        is_called[positive] = 1.0
        right = true + (n - called) - (positives - true)
        found = [cells.band("accuracy", right / n, (2 * is_called - 1) / n, n)]
        if called >= MIN_RATE_ROWS:
            found.append(cells.band("precision", true / called, is_called / called, called))
        if positives >= MIN_RATE_ROWS:
            recall = true / positives
            found.append(cells.band("recall", recall, (is_called - recall) / positives, positives))
        if called + positives - true >= MIN_RELEVANT:
            f1 = 2 * true / (called + positives)
            weights = (2 * is_called - f1) / (called + positives)
            found.append(cells.band("f1", f1, weights, called + positives - true))
        if min(positives, n - positives) >= MIN_EACH_CLASS:
            found.append(_area(cells, expected))
        return found

    def _several(self, cells: _Cells) -> list[Measure]:
        n = float(cells.rows.sum())
        expected = cells.rows * cells.share
        found = [cells.band("accuracy", float(expected.sum()) / n, np.full(self._shape, 1 / n), n)]
        for code, name in enumerate(self._classes):
            called = float(cells.rows[code].sum())
            if called >= MIN_RATE_ROWS:
                weights = np.zeros(self._shape)
                weights[code] = 1 / called
                found.append(cells.band("precision", float(expected[code].sum()) / called, weights, called, name))
        return found


def _area(cells: _Cells, expected: Floats) -> Measure:
    """Expected area under the ROC curve; classes do not matter for it, only the scores."""
    positives, negatives = expected.sum(axis=0), (cells.rows - expected).sum(axis=0)
    all_positive, all_negative = float(positives.sum()), float(negatives.sum())
    below = (np.cumsum(negatives) - negatives / 2) / all_negative
    above = 1 - (np.cumsum(positives) - positives / 2) / all_positive
    area = float(positives @ below) / all_positive
    weights = (below - area) / all_positive - (above - area) / all_negative
    return cells.band("roc_auc", area, np.broadcast_to(weights, cells.rows.shape), all_positive + all_negative)


def reference_edges(scores: Floats) -> Floats:
    """Inner edges for an `Estimator`, ascending: quantiles of the reference's finite `scores`, float64[n] with n > 0.

    Shares of 5 % inside, less in the tails, so that the ends say when rows move beyond; each bin with enough labels.

    >>> reference_edges(np.arange(100.0)).tolist()
    [19.0, 39.0, 59.0, 79.0]
    """
    ordered = np.sort(scores)
    kept: list[float] = []
    done, rows = 0, len(ordered)
    for share in _SHARES:
        edge = ordered[max(int(np.ceil(share * rows - 1e-9)), 1) - 1]
        reached = int(np.searchsorted(ordered, edge, side="right"))
        if reached - done >= MIN_LABELS and rows - reached >= MIN_LABELS:
            kept.append(float(edge))
            done = reached
    return np.array(kept)
