"""Performance of classifiers, as sums.

>>> tally = BinaryTally(["paid", "fraud"], positive=1, edges=np.array([0.25, 0.5, 0.75]))
>>> codes = np.tile([0, 0, 0, 1], 25)
>>> rows = ClassifiedRows(codes, np.roll(codes, 25), np.where(codes == 1, 0.7, 0.2))
>>> sums = tally.sums(rows) + tally.sums(rows)
>>> [(measure.metric, round(measure.value, 3), measure.count) for measure in tally.measures(sums)][:3]
[('accuracy', 0.5, 200.0), ('precision', 0.0, 50.0), ('recall', 0.0, 50.0)]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from model_exporter.stats.confusion import Confusion, average
from model_exporter.stats.intervals import Interval
from model_exporter.stats.measure import MIN_LOSS_OF_CLASS, Measure
from model_exporter.stats.moments import MeanSums
from model_exporter.stats.score_bins import ScoreBins
from model_exporter.stats.tally import Entries, Flags, Floats, Indices, Tally, weights_of

ONE_VS_REST: Final = 10
"""Up to this number of classes each has score bins of its own, for its areas under curves."""
_SURE: Final = float(np.finfo(np.float64).eps)
"""No probability is taken to be nearer to 0 or 1 in the log loss, as in scikit-learn."""
_STRAY: Final = 0.01
"""Share of scores that may lie outside of 0 to 1 before scores are not taken for probabilities."""
_UNBOUNDED: Final = (0.0, float("inf"))


@dataclass(frozen=True, slots=True)
class ClassifiedRows:
    """Rows of a classifier with their outcomes.

    Codes are places in the tally's classes; a larger code is some other class, a negative one says that there is none.

    Attributes:
        actual: int64[n], codes of what happened; a row without one counts nowhere.
        predicted: int64[n], codes of what was predicted; a row without one counts in what scores tell.
        scores: float64[n], of the positive class (binary) or of the predicted one (more classes); NaN where absent.
        probabilities: float64[n, C], by class, for more than two; rows of NaN where absent.
        same: bool[n], that the prediction is what happened, which codes cannot tell for other classes.
        weights: float64[n], 1 over the rate at which rows were kept, >= 1; None for 1.
    """

    actual: Indices
    predicted: Indices
    scores: Floats | None = None
    probabilities: Floats | None = None
    same: Flags | None = None
    weights: Floats | None = None


class BinaryTally(Tally[ClassifiedRows]):
    """Sums for a model that tells a positive class from the rest.

    `measures` gives accuracy, precision, recall, specificity, f1; with scores roc_auc and pr_auc; with scores that are
    probabilities log_loss, brier and calibration_error. Precision, recall and F1 are of the positive class.

    Args:
        classes: names of the classes, most often two.
        positive: which of them is positive.
        edges: inner edges of the score bins, from `model_exporter.stats.score_edges`; frozen, as sums of other edges
            do not add up.
    """

    def __init__(self, classes: Sequence[str], positive: int, edges: Floats) -> None:
        self._positive = positive
        self._confusion = Confusion(classes)
        self._scores = ScoreBins(edges)
        self._loss_at = self._confusion.width + self._scores.width
        self._brier_at = self._loss_at + MeanSums.width

    @property
    def width(self) -> int:
        """Length of the sums."""
        return self._brier_at + MeanSums.width

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the rows and columns of `confusion`, `_other` last."""
        return self._confusion.classes

    def entries(self, rows: ClassifiedRows) -> Entries:
        """What `rows` add to which sum."""
        entries, weights = Entries(len(rows.actual)), weights_of(rows.weights, len(rows.actual))
        self._confusion.enter(entries, actual=rows.actual, predicted=rows.predicted, weights=weights, same=rows.same)
        if rows.scores is not None:
            scores = np.where(rows.actual >= 0, rows.scores, np.nan)
            positive = rows.actual == self._positive
            self._scores.enter(entries, self._confusion.width, scores, positive=positive, weights=weights)
            probable = (scores >= 0) & (scores <= 1)
            told = np.where(probable, np.where(positive, scores, 1 - scores), 0.5)
            loss = -np.log(np.clip(told, _SURE, 1 - _SURE))
            MeanSums().enter(entries, self._loss_at, loss, weights, probable)
            MeanSums().enter(entries, self._brier_at, (1 - told) ** 2, weights, probable)
        return entries

    def measures(self, sums: Floats) -> list[Measure]:
        """What `sums` say; metrics below their minimum count are left out."""
        confusion, scores = self._confusion, sums[self._confusion.width : self._loss_at]
        at, counted = self._positive, sums[: confusion.width]
        found = [
            confusion.accuracy(counted),
            confusion.precision(counted, at),
            confusion.recall(counted, at),
            confusion.specificity(counted, at),
            confusion.f1(counted, at),
            self._scores.roc_auc(scores),
            self._scores.pr_auc(scores),
        ]
        scored = self._scores.positives(scores).sum() + self._scores.negatives(scores).sum()
        both = min(self._scores.effective(scores)) >= MIN_LOSS_OF_CLASS
        if both and sums[self._loss_at] >= (1 - _STRAY) * scored:
            found += [
                MeanSums().measure("log_loss", sums[self._loss_at : self._brier_at], bounds=_UNBOUNDED),
                MeanSums().measure("brier", sums[self._brier_at :], bounds=(0.0, 1.0)),
                self._scores.calibration_error(scores),
            ]
        return [measure for measure in found if measure is not None]

    def confusion(self, sums: Floats) -> Floats:
        """Weight by actual (rows) and predicted class (columns), float64[C+1, C+1]."""
        return self._confusion.counts(sums[: self._confusion.width])

    def right_and_wrong(self, sums: Floats) -> tuple[float, float]:
        """Weight of the rows that were predicted right, and of the others."""
        return self._confusion.right_and_wrong(sums[: self._confusion.width])

    def scores(self, sums: Floats) -> Floats:
        """Weight of negatives and of positives (rows) by score bin (columns), float64[2, K]."""
        own = sums[self._confusion.width : self._loss_at]
        return np.stack([self._scores.negatives(own), self._scores.positives(own)])


class MulticlassTally(Tally[ClassifiedRows]):
    """Sums for a model of several classes, none of them special.

    `measures` gives accuracy; precision, recall and f1 with the class as label, and macro_precision, macro_recall and
    macro_f1; with probabilities log_loss, brier (the sum over classes, 0 to 2) and, up to ten classes, roc_auc of each
    class against the rest and macro_roc_auc; with scores or probabilities calibration_error of the predicted class's.

    Args:
        classes: their names.
        edges: inner edges of the bins of a probability, as `uniform_edges`.
    """

    def __init__(self, classes: Sequence[str], edges: Floats) -> None:
        self._confusion = Confusion(classes)
        self._bins = ScoreBins(edges)
        self._size = len(classes)
        self._loss_at = self._confusion.width
        self._brier_at = self._loss_at + MeanSums.width
        self._sure_at = self._brier_at + MeanSums.width
        self._rest_at = self._sure_at + self._bins.width

    @property
    def width(self) -> int:
        """Length of the sums."""
        return self._rest_at + (self._size * self._bins.width if self._size <= ONE_VS_REST else 0)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the rows and columns of `confusion`, `_other` last."""
        return self._confusion.classes

    def entries(self, rows: ClassifiedRows) -> Entries:
        """What `rows` add to which sum."""
        entries, weights = Entries(len(rows.actual)), weights_of(rows.weights, len(rows.actual))
        self._confusion.enter(entries, actual=rows.actual, predicted=rows.predicted, weights=weights, same=rows.same)
        sure = np.full(len(rows.actual), np.nan) if rows.scores is None else rows.scores
        if rows.probabilities is not None:
            shares = self._shares(rows.probabilities)
            self._enter_probabilities(entries, rows.actual, shares, weights)
            called = np.clip(rows.predicted, 0, self._size - 1)
            own = np.take_along_axis(shares, called[:, None], axis=1)[:, 0]
            sure = np.where(np.isnan(sure) & (rows.predicted < self._size), own, sure)
        known = (rows.actual >= 0) & (rows.predicted >= 0) & (sure >= 0) & (sure <= 1)
        right = (rows.actual == rows.predicted) & (rows.actual < self._size)
        if rows.same is not None:
            right |= rows.same
        self._bins.enter(entries, self._sure_at, np.where(known, sure, np.nan), positive=right, weights=weights)
        return entries

    def measures(self, sums: Floats) -> list[Measure]:
        """What `sums` say; metrics below their minimum count are left out."""
        confusion, counted = self._confusion, sums[: self._confusion.width]
        found = [confusion.accuracy(counted)]
        for at, name in enumerate(self.classes[:-1]):
            found += [
                confusion.precision(counted, at, name),
                confusion.recall(counted, at, name),
                confusion.f1(counted, at, name),
            ]
        found += confusion.macro(counted)
        found += [
            MeanSums().measure("log_loss", sums[self._loss_at : self._brier_at], bounds=_UNBOUNDED),
            MeanSums().measure("brier", sums[self._brier_at : self._sure_at], bounds=(0.0, 2.0)),
            self._bins.calibration_error(sums[self._sure_at : self._rest_at]),
        ]
        return [measure for measure in found if measure is not None] + self._areas(sums)

    def confusion(self, sums: Floats) -> Floats:
        """Weight by actual (rows) and predicted class (columns), float64[C+1, C+1]."""
        return self._confusion.counts(sums[: self._confusion.width])

    def right_and_wrong(self, sums: Floats) -> tuple[float, float]:
        """Weight of the rows that were predicted right, and of the others."""
        return self._confusion.right_and_wrong(sums[: self._confusion.width])

    def _shares(self, probabilities: Floats) -> Floats:
        """`probabilities`, rows of which sum to 1; a row that holds none is NaN."""
        total = probabilities.sum(axis=1)
        valid = np.isfinite(total) & (total > 0) & (probabilities >= 0).all(axis=1)
        shares: Floats = probabilities / np.where(valid, total, np.nan)[:, None]
        return shares

    def _enter_probabilities(self, entries: Entries, actual: Indices, shares: Floats, weights: Floats) -> None:
        listed = (actual >= 0) & (actual < self._size) & ~np.isnan(shares[:, 0])
        at = np.where(listed, actual, 0)[:, None]
        own = np.where(listed, np.take_along_axis(shares, at, axis=1)[:, 0], 0.5)
        loss = -np.log(np.clip(own, _SURE, 1.0))
        MeanSums().enter(entries, self._loss_at, loss, weights, listed)
        brier = (shares**2).sum(axis=1) - 2 * own + 1
        MeanSums().enter(entries, self._brier_at, brier, weights, listed)
        if self._size <= ONE_VS_REST:
            rows, classes = np.tile(np.arange(len(actual)), self._size), np.repeat(np.arange(self._size), len(actual))
            self._bins.enter(
                entries,
                self._rest_at + classes * self._bins.width,
                np.where(actual >= 0, shares.T, np.nan).ravel(),
                positive=actual[rows] == classes,
                weights=weights[rows],
                rows=rows,
            )

    def _areas(self, sums: Floats) -> list[Measure]:
        if self._size > ONE_VS_REST:
            return []
        width = self._bins.width
        blocks = [sums[self._rest_at + place * width :][:width] for place in range(self._size)]
        found = [self._bins.roc_auc(block, name) for block, name in zip(blocks, self.classes, strict=False)]
        areas = [area for area in found if area is not None]
        if len(areas) < self._size or not areas:
            return areas
        # One score that is low for a class is high for the others: the areas go together.
        parts = [(area.value, Interval(area.lower, area.upper)) for area in areas]
        rows = min(area.count for area in areas)
        return [*areas, average("macro_roc_auc", parts, rows, independent=False)]
