"""Who was called what: counts of actual by predicted class, and the rates that they give."""

from collections.abc import Sequence
from math import sqrt
from typing import Final

import numpy as np

from model_exporter.stats.intervals import Interval, clipped, f1_interval, f1_of_share, wilson
from model_exporter.stats.measure import MIN_RATE_ROWS, MIN_RELEVANT, Measure
from model_exporter.stats.tally import Entries, Flags, Floats, Indices, cleared, effective_rows

OTHER: Final = "_other"
"""The class of all that are not listed."""


class Confusion:
    """The part of a tally that counts actual by predicted class.

    Codes are places in `classes`; any larger code is `_other`, and a negative one says that there is none.

    Args:
        classes: their names, without `_other`.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes: Final = (*classes, OTHER)
        self._size = len(self.classes)
        self.width: Final = self._size**2 + 3 * self._size + 1

    def enter(
        self, entries: Entries, *, actual: Indices, predicted: Indices, weights: Floats, same: Flags | None = None
    ) -> None:
        """Put the rows with both codes in the first columns; `same` tells which of `_other` are right."""
        size = self._size
        known = (actual >= 0) & (predicted >= 0)
        is_, called = np.minimum(actual, size - 1), np.minimum(predicted, size - 1)
        entries.add(is_ * size + called, weights, known)
        squares, base = weights * weights, size * size
        entries.add(base + is_, squares, known)
        entries.add(base + size + called, squares, known)
        entries.add(base + 2 * size + is_, squares, known & (is_ == called))
        if same is not None:
            entries.add(base + 3 * size, weights, known & same & (is_ == size - 1) & (called == size - 1))

    def counts(self, sums: Floats) -> Floats:
        """Weight by actual (rows) and predicted class (columns), float64[C+1, C+1]; the last of each is `_other`."""
        return cleared(sums[: self._size**2]).reshape(self._size, self._size)

    def right_and_wrong(self, sums: Floats) -> tuple[float, float]:
        """Weight of the rows that were predicted right, and of the others."""
        counts = self.counts(sums)
        right = float(np.trace(counts) - counts[-1, -1] + sums[self.width - 1])
        return right, float(counts.sum()) - right

    def accuracy(self, sums: Floats) -> Measure | None:
        """Share of rows predicted right; None below 30 rows."""
        right, wrong = self.right_and_wrong(sums)
        n = effective_rows(right + wrong, float(self._squares(sums)[0].sum()))
        return rate("accuracy", right, right + wrong, n)

    def precision(self, sums: Floats, at: int, label: str = "") -> Measure | None:
        """Share right of what was called class `at`; None below 30 rows."""
        counts = self.counts(sums)
        called = float(counts[:, at].sum())
        n = effective_rows(called, float(self._squares(sums)[1, at]))
        return rate("precision", float(counts[at, at]), called, n, label)

    def recall(self, sums: Floats, at: int, label: str = "") -> Measure | None:
        """Share found of what is of class `at`; None below 30 rows."""
        counts = self.counts(sums)
        actual = float(counts[at].sum())
        n = effective_rows(actual, float(self._squares(sums)[0, at]))
        return rate("recall", float(counts[at, at]), actual, n, label)

    def specificity(self, sums: Floats, at: int) -> Measure | None:
        """Share of what is not of class `at` that was not called so; None below 30 rows."""
        counts, squares = self.counts(sums), self._squares(sums)[0]
        others = float(counts.sum() - counts[at].sum())
        false = float(counts[:, at].sum() - counts[at, at])
        return rate("specificity", others - false, others, effective_rows(others, float(squares.sum() - squares[at])))

    def f1(self, sums: Floats, at: int, label: str = "") -> Measure | None:
        """Harmonic mean of precision and recall of class `at`; None below 20 rows that are it or were called so."""
        share, n = self._jaccard(sums, at)
        if n < MIN_RELEVANT:
            return None
        return Measure("f1", f1_of_share(share), *f1_interval(share, n), n, label)

    def macro(self, sums: Floats) -> list[Measure]:
        """Unweighted means over the listed classes of precision, recall and F1; none below 30 rows.

        Recall is over the classes that occurred, precision and F1 over those that occurred or were predicted; a class
        that was never predicted has precision 0. A rare class counts as much as another, and its uncertainty too.
        Recalls, and precisions, of different classes are independent, so their intervals add in squares (Zou and Donner
        2008); those of F1 are not, so their ends are averaged, which is wider.
        """
        counts, squares = self.counts(sums)[:, :-1], self._squares(sums)
        total = effective_rows(float(self.counts(sums).sum()), float(squares[0].sum()))
        if total < MIN_RATE_ROWS:
            return []
        right = np.diagonal(counts)
        actual, called = self.counts(sums)[:-1].sum(axis=1), counts.sum(axis=0)
        recall = [_share(right[at], actual[at], squares[0, at]) for at in np.flatnonzero(actual > 0)]
        seen = np.flatnonzero((actual > 0) | (called > 0))
        precision = [_share(right[at], called[at], squares[1, at]) for at in seen]
        f1 = []
        for at in seen:
            share, n = self._jaccard(sums, int(at))
            f1.append((f1_of_share(share), f1_interval(share, n)))
        found = (("macro_precision", precision, True), ("macro_recall", recall, True), ("macro_f1", f1, False))
        return [average(name, parts, total, independent=apart) for name, parts, apart in found if parts]

    def _squares(self, sums: Floats) -> Floats:
        """Sums of w^2 by actual class, by predicted class, and of those predicted right, float64[3, C+1]."""
        squares: Floats = cleared(sums[self._size**2 : self.width - 1]).reshape(3, self._size)
        return squares

    def _jaccard(self, sums: Floats, at: int) -> tuple[float, float]:
        """TP / (TP + FP + FN) of a class, and the effective rows of its denominator; 0 and 0 without any."""
        counts, squares = self.counts(sums), self._squares(sums)
        right = float(counts[at, at])
        either = float(counts[at].sum() + counts[:, at].sum()) - right
        n = effective_rows(either, float(squares[0, at] + squares[1, at] - squares[2, at]))
        return (min(right / either, 1.0), n) if n > 0 else (0.0, 0.0)


def rate(metric: str, over: float, under: float, n: float, label: str = "") -> Measure | None:
    """The share `over / under` among `n` effective rows, with Wilson's interval; None below 30 rows."""
    if n < MIN_RATE_ROWS:
        return None
    share = min(max(float(over / under), 0.0), 1.0)
    return Measure(metric, share, *wilson(share, n), n, label)


def average(
    metric: str, parts: Sequence[tuple[float, Interval]], n: float, *, independent: bool, upper: float = 1.0
) -> Measure:
    """Mean of shares or areas, at least one, from the value and interval of each."""
    size = len(parts)
    value = sum(value for value, _ in parts) / size
    below = [value - interval.lower for value, interval in parts]
    above = [interval.upper - value for value, interval in parts]
    if independent:
        reach = [sqrt(sum(part * part for part in parts)) / size for parts in (below, above)]
    else:
        reach = [sum(parts) / size for parts in (below, above)]
    return Measure(metric, value, *clipped(Interval(value - reach[0], value + reach[1]), 0.0, upper), n)


def _share(over: float, under: float, squares: float) -> tuple[float, Interval]:
    n = effective_rows(float(under), float(squares))
    if n <= 0:
        return 0.0, Interval(0.0, 0.0)
    share = min(float(over / under), 1.0)
    return share, wilson(share, n)
