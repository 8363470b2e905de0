"""From predictions and their outcomes to sums, by the kind of model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Final, NamedTuple, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Facts, Outcome, Scalar, class_of
from model_exporter.stats.classification import BinaryTally, ClassifiedRows, MulticlassTally
from model_exporter.stats.forecasting import ForecastRows, ForecastTally
from model_exporter.stats.measure import Measure
from model_exporter.stats.ranking import DEPTHS, RankingTally, ranked_rows
from model_exporter.stats.regression import SIZE, SQUARES, PredictedNumbers, RegressionTally
from model_exporter.stats.score_edges import uniform_edges
from model_exporter.window.facts import relevant_items
from model_exporter.window.snapshot import COHORTS, Counted, Counter

BOUNDED: Final = 3
"""Series of one measure: its value and its two bounds."""
NEGATIVE, POSITIVE = "negative", "positive"
"""Label `actual` of score bins."""

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Pair(NamedTuple):
    """A prediction and its outcome; it stands for `weight` of them."""

    facts: Facts
    outcome: Outcome
    weight: float


class Scorer(Protocol):
    """The sums of one kind of model, and what they say."""

    @property
    def width(self) -> int:
        """How many sums there are."""
        ...

    @property
    def series(self) -> int:
        """How many series they take at most: measures of each window, and counters."""
        ...

    def sums_by(self, pairs: Sequence[Pair], places: Places, number: int) -> Floats:
        """Sums of the pairs of each place, float64[number, width]; pair i goes to `places[i]`."""
        ...

    def measures(self, sums: Floats) -> list[Measure]:
        """What float64[width] `sums` say."""
        ...

    def counts(self, sums: Floats) -> Iterator[Counted]:
        """Those of the sums that are told as counters."""
        ...


@dataclass(slots=True)
class ClassScorer:
    """A classifier.

    Args:
        classes: their names.
        positive: the one that is told from all others; None when no class is special.
        edges: float64[K-1], inner edges of the bins of the positive class's score.
    """

    classes: tuple[str, ...]
    positive: str | None
    edges: Floats
    _codes: dict[str, int] = field(init=False)
    _tally: BinaryTally | MulticlassTally = field(init=False)

    def __post_init__(self) -> None:
        self._codes = {name: code for code, name in enumerate(self.classes)}
        if self.positive is None:
            self._tally = MulticlassTally(self.classes, uniform_edges())
        else:
            self._tally = BinaryTally(self.classes, self._codes[self.positive], self.edges)

    @property
    def width(self) -> int:
        """How many sums there are."""
        return self._tally.width

    @property
    def series(self) -> int:
        """Binary: eleven measures, and score bins of both classes; else four a class and nine; the confusion matrix."""
        size = len(self.classes)
        binary = self.positive is not None
        measures, bins = (11, 2 * (len(self.edges) + 1)) if binary else (9 + 4 * size, 0)
        return len(COHORTS) * BOUNDED * measures + bins + (size + 1) ** 2

    def sums_by(self, pairs: Sequence[Pair], places: Places, number: int) -> Floats:
        """See `Scorer`. A loop over pairs, as facts are objects: about 2 us each."""
        actual = [class_of(pair.outcome.value) for pair in pairs]
        predicted = [called(pair.facts) for pair in pairs]
        rows = ClassifiedRows(
            self._coded(actual),
            self._coded(predicted),
            _numbers([score_of(pair.facts) for pair in pairs]),
            self._probabilities(pairs) if self.positive is None else None,
            np.array([one == other for one, other in zip(actual, predicted, strict=True)], np.bool_),
            _weights(pairs),
        )
        return self._tally.sums_by(rows, places, number)

    def measures(self, sums: Floats) -> list[Measure]:
        """See `Scorer`."""
        return self._tally.measures(sums)

    def counts(self, sums: Floats) -> Iterator[Counted]:
        """See `Scorer`."""
        names = self._tally.classes
        for actual, row in zip(names, self._tally.confusion(sums).tolist(), strict=True):
            for predicted, weight in zip(names, row, strict=True):
                yield Counted(Counter.CONFUSION, (actual, predicted), weight)
        if isinstance(self._tally, BinaryTally):
            bounds = [*map(repr, self.edges.tolist()), "+Inf"]
            for actual, row in zip((NEGATIVE, POSITIVE), self._tally.scores(sums).tolist(), strict=True):
                for bound, weight in zip(bounds, row, strict=True):
                    yield Counted(Counter.SCORE_BIN, (actual, bound), weight)

    def _coded(self, names: Sequence[str | None]) -> Places:
        """The code of each class; the number of classes for others, -1 for none."""
        other = len(self.classes)
        return np.array([-1 if name is None else self._codes.get(name, other) for name in names], np.int64)

    def _probabilities(self, pairs: Sequence[Pair]) -> Floats | None:
        if not any(pair.facts.probabilities for pair in pairs):
            return None
        none: dict[str, float] = {}
        told = [pair.facts.probabilities or none for pair in pairs]
        return np.array([[row.get(name, 0.0 if row else nan) for name in self.classes] for row in told], np.float64)


@dataclass(slots=True)
class NumberScorer:
    """A model that predicts numbers; see `RegressionTally` for `origin` and `scale`."""

    origin: float
    scale: float
    _tally: RegressionTally = field(init=False)

    def __post_init__(self) -> None:
        self._tally = RegressionTally(origin=self.origin, scale=self.scale)

    @property
    def width(self) -> int:
        """How many sums there are."""
        return self._tally.width

    @property
    def series(self) -> int:
        """Five measures, and sums of errors."""
        return len(COHORTS) * BOUNDED * 5 + 2

    def sums_by(self, pairs: Sequence[Pair], places: Places, number: int) -> Floats:
        """See `Scorer`."""
        return self._tally.sums_by(_predicted_numbers(pairs), places, number)

    def measures(self, sums: Floats) -> list[Measure]:
        """See `Scorer`."""
        return self._tally.measures(sums)

    def counts(self, sums: Floats) -> Iterator[Counted]:
        """See `Scorer`."""
        yield Counted(Counter.ABSOLUTE_ERROR, (), float(sums[SIZE + 2]) * self.scale)
        yield Counted(Counter.SQUARED_ERROR, (), float(sums[SQUARES]) * self.scale**2)


@dataclass(slots=True)
class ForecastScorer:
    """A model that forecasts numbers.

    Args:
        horizons: their names, as sent.
        origin: see `RegressionTally`.
        scale: the same.
    """

    horizons: tuple[str, ...]
    origin: float
    scale: float
    _codes: dict[str, int] = field(init=False)
    _tally: ForecastTally = field(init=False)

    def __post_init__(self) -> None:
        self._codes = {name: code for code, name in enumerate(self.horizons)}
        self._tally = ForecastTally(self.horizons, origin=self.origin, scale=self.scale)

    @property
    def width(self) -> int:
        """How many sums there are."""
        return self._tally.width

    @property
    def series(self) -> int:
        """Eight measures over all and for each horizon, and sums of errors."""
        return len(COHORTS) * BOUNDED * 8 * (len(self.horizons) + 2) + 2

    def sums_by(self, pairs: Sequence[Pair], places: Places, number: int) -> Floats:
        """See `Scorer`."""
        other = len(self.horizons)
        rows = ForecastRows(
            _predicted_numbers(pairs),
            np.array([self._codes.get(pair.facts.horizon or "", other) for pair in pairs], np.int64),
            _numbers([pair.facts.naive for pair in pairs]),
        )
        return self._tally.sums_by(rows, places, number)

    def measures(self, sums: Floats) -> list[Measure]:
        """See `Scorer`."""
        return self._tally.measures(sums)

    def counts(self, sums: Floats) -> Iterator[Counted]:
        """See `Scorer`."""
        total = sums.reshape(len(self.horizons) + 1, -1).sum(axis=0)
        yield Counted(Counter.ABSOLUTE_ERROR, (), float(total[SIZE + 2]) * self.scale)
        yield Counted(Counter.SQUARED_ERROR, (), float(total[SQUARES]) * self.scale**2)


@dataclass(slots=True)
class RankScorer:
    """A model that ranks or recommends items."""

    _tally: RankingTally = field(init=False, default_factory=RankingTally)

    @property
    def width(self) -> int:
        """How many sums there are."""
        return self._tally.width

    @property
    def series(self) -> int:
        """Two measures, and two at each depth."""
        return len(COHORTS) * BOUNDED * (2 + 2 * len(DEPTHS))

    def sums_by(self, pairs: Sequence[Pair], places: Places, number: int) -> Floats:
        """See `Scorer`."""
        rankings = [pair.facts.items for pair in pairs]
        relevant = [dict(relevant_items(pair.outcome) or ()) for pair in pairs]
        rows = ranked_rows(rankings, relevant, depth=DEPTHS[-1], weights=_weights(pairs))
        return self._tally.sums_by(rows, places, number)

    def measures(self, sums: Floats) -> list[Measure]:
        """See `Scorer`."""
        return self._tally.measures(sums)

    def counts(self, sums: Floats) -> Iterator[Counted]:  # noqa: ARG002  # none of its sums is one
        """See `Scorer`."""
        yield from ()


def called(facts: Facts) -> str | None:
    """The class that was predicted. A broken number is none, but the score of one."""
    return None if _is_broken(facts.predicted) else class_of(facts.predicted)


def score_of(facts: Facts) -> float | None:
    """The score that goes with the class: the record's, or else a broken number that stands for the prediction."""
    if facts.score is None and _is_broken(facts.predicted):
        return float(facts.predicted)
    return facts.score


def _is_broken(value: Scalar) -> TypeGuard[float]:
    return isinstance(value, float) and not value.is_integer()


def _predicted_numbers(pairs: Sequence[Pair]) -> PredictedNumbers:
    """Rows of numbers; every outcome and prediction is one."""
    return PredictedNumbers(
        np.array([pair.outcome.value for pair in pairs], np.float64),
        np.array([pair.facts.predicted for pair in pairs], np.float64),
        _numbers([pair.facts.lower for pair in pairs]),
        _numbers([pair.facts.upper for pair in pairs]),
        _weights(pairs),
    )


def _numbers(values: Sequence[float | None]) -> Floats:
    """The values, NaN for None."""
    return np.array([nan if value is None else value for value in values], np.float64)


def _weights(pairs: Sequence[Pair]) -> Floats:
    return np.array([pair.weight for pair in pairs], np.float64)
