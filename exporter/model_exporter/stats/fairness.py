"""Whether groups of a segment are treated alike: rates and errors by group, and the gaps between them.

A gap of g between two groups with rate p is found with 80 % power by a 95 % interval from n = 15.7 p (1 - p) / g^2 rows
of each group's denominator on: 330 rows for p = .3 and g = .1, and for the true positive rate 330 positives.

Gaps have bounds of two kinds. Intervals (`gaps`) are for one look at a window: Newcombe's for rates, at a confidence
shared out among the comparisons of one metric. Alarms (`alarms`, `apart`) may be looked at after every slot: they are
about all rows since a fixed start and rest on confidence sequences.

>>> tally = GroupRates(["north", "south"], positive=1)
>>> groups, predicted = np.tile([0, 1], 400), np.tile([1, 0, 1, 1], 200)
>>> sums = tally.predicted(groups, predicted)
>>> gap = tally.gaps(sums)[0]
>>> gap.metric, gap.group, gap.other, round(gap.value, 2), round(gap.lower, 2), round(gap.upper, 2)
('selection_rate', 'north', 'south', 0.5, 0.45, 0.55)
>>> [(alarm.metric, round(alarm.least, 2)) for alarm in tally.alarms(sums, tolerance=0.1)]
[('selection_rate', 0.41)]
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from model_exporter.stats.intervals import Interval, Moments, clipped, difference, mean_interval, wilson
from model_exporter.stats.measure import MIN_MEAN_ROWS, MIN_RATE_ROWS, Measure
from model_exporter.stats.moments import bounded
from model_exporter.stats.sequences import gap_at_least, mean_sequence, share_sequence
from model_exporter.stats.tally import Floats, Indices, cleared, effective_rows, weights_of

REST: Final = "_rest"
"""All other groups taken together, also those that are not shown."""
MIN_GROUP: Final = 100
"""Effective rows below which a group is not shown at all: it would tell of few people, and badly."""
ALPHA: Final = 0.05
"""Chance that some interval of a metric's gaps, or some sequence of its alarms, misses the truth."""
_RATE_COLUMNS: Final = 11
_ERROR_COLUMNS: Final = 5


@dataclass(frozen=True, slots=True)
class Gap:
    """How much more one group has of a metric than another.

    Attributes:
        metric: a rate or the mean absolute error.
        group: its name.
        other: the name of the other one; `REST` for all others.
        value: of the group less that of the other.
        lower: lower end of the interval.
        upper: upper end.
        count: effective rows of the smaller side.
    """

    metric: str
    group: str
    other: str
    value: float
    lower: float
    upper: float
    count: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """How large a gap is at least, whenever one looks.

    Attributes:
        metric: as of a `Gap`.
        group: the group that has more of it.
        other: the one that has less; `REST` for all others: then the group is first, whichever has more.
        value: of the group less that of the other.
        least: how large the gap is at least, without its sign; not positive where there may be none.
    """

    metric: str
    group: str
    other: str
    value: float
    least: float


class _Side(NamedTuple):
    name: str
    value: float
    n: float
    interval: Callable[[float], Interval]  # by confidence
    sequence: Callable[[float], Interval]  # by alpha


class _GroupTally(ABC):
    """Sums by group, float64[(G + 1) * columns] flat; rows of no listed group count among the others' rest."""

    def __init__(self, groups: Sequence[str], columns: int, min_group: float) -> None:
        self._groups, self._columns, self._min_group = tuple(groups), columns, min_group

    @property
    def width(self) -> int:
        """Length of the sums."""
        return (len(self._groups) + 1) * self._columns

    def measures(self, sums: Floats) -> list[Measure]:
        """Each metric of each group that is shown, with the group as label."""
        return [
            Measure(metric, side.value, *side.interval(1 - ALPHA), side.n, side.name)
            for metric, vectors in self._vectors(sums).items()
            for side in self._sides(sums, vectors)
        ]

    def gaps(self, sums: Floats) -> list[Gap]:
        """For each metric the largest gap between two groups, and, from three groups on, each against the rest.

        The confidence is 95 % for all pairs of a metric together, and for all groups against the rest.
        """
        found = []
        for metric, vectors in self._vectors(sums).items():
            sides = self._sides(sums, vectors)
            if len(sides) > 1:
                most, fewest = max(sides, key=_value), min(sides, key=_value)
                pairs = len(sides) * (len(sides) - 1) // 2
                found.append(_gap(metric, most, fewest, 1 - ALPHA / pairs))
            if len(self._groups) > 2:  # noqa: PLR2004  # of two groups each is the other's rest
                compared = list(self._against_rest(vectors, sides))
                found += [_gap(metric, side, rest, 1 - ALPHA / len(compared)) for side, rest in compared]
        return found

    def alarms(self, sums: Floats, tolerance: float, standing: Collection[Alarm] = ()) -> list[Alarm]:
        """The pairs of groups whose gap is over `tolerance` >= 0, from the sums of all rows since a fixed start.

        Without a gap over the tolerance, one is claimed at any of all looks at a metric with chance 5 % at most. The
        alarms that were `standing` at the last look end when the gap itself is within the tolerance.
        """
        alpha = ALPHA / max(len(self._groups), 1)
        found = [
            _alarm(metric, one, other, alpha)
            for metric, vectors in self._vectors(sums).items()
            for one, other in combinations(sorted(self._sides(sums, vectors), key=_value, reverse=True), 2)
        ]
        return _over(found, tolerance, standing)

    def apart(self, sums: Floats, tolerance: float, standing: Collection[Alarm] = ()) -> list[Alarm]:
        """The groups that are further from the rest than `tolerance`, which are affected more: the furthest first.

        From the sums of all rows since a fixed start, at every look as `alarms`, with a chance of 5 % of its own.
        """
        alpha = ALPHA / (2 * max(len(self._groups), 1))
        found = [
            _alarm(metric, side, rest, alpha)
            for metric, vectors in self._vectors(sums).items()
            for side, rest in self._against_rest(vectors, self._sides(sums, vectors))
        ]
        return sorted(_over(found, tolerance, standing), key=lambda alarm: -abs(alarm.value))

    def tolerance(self, sums: Floats, share: float) -> float:  # noqa: ARG002  # of errors it depends on them
        """The tolerance that `share` is, in the metrics' unit."""
        return share

    @abstractmethod
    def _vectors(self, sums: Floats) -> Mapping[str, Floats]:
        """By metric, the sums of each group that it is read from: float64[G + 1, m]."""

    @abstractmethod
    def _side(self, name: str, vector: Floats) -> _Side | None:
        """A metric's value from its sums; None below its minimum count."""

    @abstractmethod
    def _sizes(self, sums: Floats) -> Floats:
        """Effective rows of each group, float64[G + 1]."""

    def _sides(self, sums: Floats, vectors: Floats) -> list[_Side]:
        shown = self._sizes(sums) >= self._min_group
        sides = [self._side(name, vectors[at]) for at, name in enumerate(self._groups) if shown[at]]
        return [side for side in sides if side is not None]

    def _against_rest(self, vectors: Floats, sides: Sequence[_Side]) -> Iterator[tuple[_Side, _Side]]:
        total = vectors.sum(axis=0)
        for side in sides:
            rest = self._side(REST, total - vectors[self._groups.index(side.name)])
            if rest is not None:
                yield side, rest

    def _by_group(self, sums: Floats) -> Floats:
        return sums.reshape(len(self._groups) + 1, self._columns)

    def _totals(self, groups: Indices, columns: Indices, values: Floats) -> Floats:
        """Sums of `values` by group and column, flat."""
        own = np.where((groups < 0) | (groups > len(self._groups)), len(self._groups), groups)
        sums: Floats = np.bincount(own * self._columns + columns, values, self.width).astype(np.float64, copy=False)
        return sums


class GroupRates(_GroupTally):
    """Rates of a classifier by group: selection rate, true and false positive rate, precision, accuracy.

    Args:
        groups: their names.
        positive: code of the positive class; None leaves only the accuracy.
        min_group: effective rows below which a group is not shown.
    """

    def __init__(self, groups: Sequence[str], *, positive: int | None, min_group: float = MIN_GROUP) -> None:
        super().__init__(groups, _RATE_COLUMNS, min_group)
        self._positive = positive

    def predicted(self, groups: Indices, predicted: Indices, weights: Floats | None = None) -> Floats:
        """Sums of predictions, with or without outcome, for the selection rate.

        Args:
            groups: int64[n], places of the groups; any other code is of no group.
            predicted: int64[n], codes of the predicted class; a negative one is left out.
            weights: float64[n], as for the other tallies.
        """
        known = predicted >= 0
        groups, predicted, w = groups[known], predicted[known], weights_of(weights, len(groups))[known]
        selected = (predicted == self._positive) * w
        return self._many(groups, {0: w, 1: w * w, 2: selected})

    def realised(self, groups: Indices, actual: Indices, predicted: Indices, weights: Floats | None = None) -> Floats:
        """Sums of predictions with their outcomes, for all other rates; they do not count as `predicted` again.

        Args:
            groups: int64[n], as for `predicted`.
            actual: int64[n], codes of what happened; a negative one is left out.
            predicted: int64[n], codes of the predicted class; a negative one is left out.
            weights: float64[n].
        """
        known = (actual >= 0) & (predicted >= 0)
        w = weights_of(weights, len(groups))[known]
        groups, actual, predicted = groups[known], actual[known], predicted[known]
        is_, called = actual == self._positive, predicted == self._positive
        parts = {3: is_ & called, 4: is_ & ~called, 5: ~is_ & called, 6: ~is_ & ~called, 7: actual == predicted}
        squares = {8: is_, 9: ~is_, 10: called}
        columns = {at: part * w for at, part in parts.items()} | {at: part * w * w for at, part in squares.items()}
        return self._many(groups, columns)

    def _many(self, groups: Indices, columns: Mapping[int, Floats]) -> Floats:
        places = np.repeat(np.array(list(columns)), len(groups))
        return self._totals(np.tile(groups, len(columns)), places, np.concatenate(list(columns.values())))

    def _vectors(self, sums: Floats) -> Mapping[str, Floats]:
        n, n2, selected, true, missed, false, passed, right, is2, not2, called2 = cleared(self._by_group(sums)).T
        accuracy = {"accuracy": np.stack([right, true + missed + false + passed, is2 + not2], axis=1)}
        if self._positive is None:
            return accuracy
        return {
            "selection_rate": np.stack([selected, n, n2], axis=1),
            "true_positive_rate": np.stack([true, true + missed, is2], axis=1),
            "false_positive_rate": np.stack([false, false + passed, not2], axis=1),
            "precision": np.stack([true, true + false, called2], axis=1),
        } | accuracy

    def _side(self, name: str, vector: Floats) -> _Side | None:
        over, under, squares = vector.tolist()
        n = effective_rows(under, squares)
        if n < MIN_RATE_ROWS:
            return None
        share = min(over / under, 1.0)
        return _Side(name, share, n, lambda level: wilson(share, n, level), lambda a: share_sequence(share, n, a))

    def _sizes(self, sums: Floats) -> Floats:
        """Of predictions or of outcomes, whichever are more: a caller may count only one of them."""
        by_group = cleared(self._by_group(sums))
        labelled = zip(by_group[:, 3:7].sum(axis=1), by_group[:, 8:10].sum(axis=1), strict=True)
        sizes = [effective_rows(*one) for one in by_group[:, :2]]
        return np.maximum(sizes, [effective_rows(*one) for one in labelled])


class GroupErrors(_GroupTally):
    """Mean absolute error by group, as `mae`.

    Args:
        groups: their names.
        scale: about the standard deviation of the outcomes, > 0; matters near the ends of the floats' range.
        min_group: effective rows below which a group is not shown.
    """

    def __init__(self, groups: Sequence[str], *, scale: float = 1.0, min_group: float = MIN_GROUP) -> None:
        super().__init__(groups, _ERROR_COLUMNS, min_group)
        self._scale = scale

    def realised(self, groups: Indices, actual: Floats, predicted: Floats, weights: Floats | None = None) -> Floats:
        """Sums of predictions with their outcomes.

        Args:
            groups: int64[n], places of the groups; any other code is of no group.
            actual: float64[n]; a row in which it or the prediction is not finite is left out.
            predicted: float64[n].
            weights: float64[n].
        """
        known = np.isfinite(actual) & np.isfinite(predicted)
        w = weights_of(weights, len(groups))[known]
        with np.errstate(over="ignore"):  # cut below
            e = bounded(np.abs(predicted[known] / self._scale - actual[known] / self._scale))
        parts = (w, w * w, w * e, w * e * e, w * e * e * e)
        places = np.repeat(np.arange(_ERROR_COLUMNS), len(w))
        return self._totals(np.tile(groups[known], _ERROR_COLUMNS), places, np.concatenate(parts))

    def tolerance(self, sums: Floats, share: float) -> float:
        """`share` of the mean absolute error of all rows; without rows 0."""
        weight, _, errors, *_ = self._by_group(sums).sum(axis=0).tolist()
        return share * errors / weight * self._scale if weight > 0 else 0.0

    def _vectors(self, sums: Floats) -> Mapping[str, Floats]:
        return {"mae": self._by_group(sums)}

    def _side(self, name: str, vector: Floats) -> _Side | None:
        moments = Moments(*vector.tolist())
        if moments.rows < MIN_MEAN_ROWS:
            return None

        def scaled(interval: Interval) -> Interval:
            lower, upper = clipped(interval, 0.0)
            return Interval(lower * self._scale, upper * self._scale)

        return _Side(
            name,
            moments.mean * self._scale,
            moments.rows,
            lambda level: scaled(mean_interval(moments, level)),
            lambda alpha: scaled(mean_sequence(moments, alpha)),
        )

    def _sizes(self, sums: Floats) -> Floats:
        return np.array([effective_rows(*one) for one in self._by_group(sums)[:, :2]])


def _value(side: _Side) -> float:
    return side.value


def _gap(metric: str, one: _Side, other: _Side, confidence: float) -> Gap:
    interval = difference(one.value, one.interval(confidence), other.value, other.interval(confidence))
    return Gap(metric, one.name, other.name, one.value - other.value, *interval, min(one.n, other.n))


def _alarm(metric: str, one: _Side, other: _Side, alpha: float) -> Alarm:
    first, second = one.sequence(alpha), other.sequence(alpha)
    return Alarm(metric, one.name, other.name, one.value - other.value, gap_at_least(first, second))


def _over(found: Sequence[Alarm], tolerance: float, standing: Collection[Alarm]) -> list[Alarm]:
    on = {(alarm.metric, *sorted((alarm.group, alarm.other))) for alarm in standing}
    return [
        one
        for one in found
        if one.least > tolerance or (abs(one.value) > tolerance and (one.metric, *sorted((one.group, one.other))) in on)
    ]
