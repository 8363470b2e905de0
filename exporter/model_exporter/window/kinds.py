"""What kind of model it is that outcomes tell of, and which names its metrics need."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self, TypeGuard

import numpy as np

from model_exporter.baseline.model import Baseline, FeatureBaseline
from model_exporter.baseline.naming import SCORE
from model_exporter.batch import Facts, Outcome, Role, Scalar, class_of
from model_exporter.config.settings import ModelKind, ModelSettings
from model_exporter.config.templates import POSITIVE
from model_exporter.stats.score_edges import edges_from_bins, uniform_edges
from model_exporter.window.facts import RANKS, relevant_items
from model_exporter.window.scoring import (
    ClassScorer,
    ForecastScorer,
    NumberScorer,
    Pair,
    RankScorer,
    Scorer,
    called,
    score_of,
)
from model_exporter.window.snapshot import Fault

MAX_CLASSES: Final = 20
"""Classes with a row of their own in the confusion matrix; the others share `_other`."""
MAX_HORIZONS: Final = 20

_PREDICTION: Final = "prediction"

_NUMBERS: Final = (ModelKind.REGRESSION, ModelKind.FORECASTING)
_BINARY: Final = frozenset({"0", "1"})


@dataclass(frozen=True)
class Plan:
    """How the pairs of one model version are scored.

    Attributes:
        kind: of model, as configured or as its pairs look.
        classes: ascending; of a classifier.
        positive: the class that is told from all others, None for none.
        horizons: ascending; of forecasts.
        origin: about the mean of the outcomes.
        scale: about their standard deviation, > 0.
        edges: inner edges of the score's bins, None for equal lengths.
    """

    kind: ModelKind
    classes: tuple[str, ...] = ()
    positive: str | None = None
    horizons: tuple[str, ...] = ()
    origin: float = 0.0
    scale: float = 1.0
    edges: tuple[float, ...] | None = None

    @classmethod
    def first(cls, settings: ModelSettings, baseline: Baseline | None, pair: Pair) -> Self:
        """The plan for what begins with `pair`."""
        kind = settings.kind or _looks_like(pair.facts, pair.outcome)
        plan = cls(kind)
        outputs = {f.name: f for f in baseline.features if f.role is Role.OUTPUT} if baseline else {}
        prediction, score = outputs.get(_PREDICTION), outputs.get(SCORE)
        if kind is ModelKind.CLASSIFICATION:
            names = {name for word in _categories(prediction) if (name := class_of(word))}
            configured = settings.outcome.positive
            plan = replace(plan, edges=_score_edges(score), positive=configured and class_of(configured))
            return plan.with_classes(names)
        if kind in _NUMBERS:
            summary = prediction.numeric if prediction else None
            if summary and summary.sd > 0:
                return replace(plan, origin=summary.mean, scale=summary.sd)
            return replace(plan, origin=float(pair.outcome.value)) if _is_number(pair.outcome.value) else plan
        return plan

    @property
    def tells(self) -> str | None:
        """The class that is told from all others: the configured one, or true where there is only true and false."""
        is_binary = POSITIVE in self.classes and _BINARY.issuperset(self.classes)
        return self.positive or (POSITIVE if is_binary else None)

    def grown(self, pairs: Sequence[Pair]) -> Self:
        """The same with the names that `pairs` add."""
        if self.kind is ModelKind.CLASSIFICATION:
            told = {class_of(pair.outcome.value) for pair in pairs} | {called(pair.facts) for pair in pairs}
            return self.with_classes({name for name in told if name is not None})
        if self.kind is ModelKind.FORECASTING:
            new = {pair.facts.horizon for pair in pairs if pair.facts.horizon} - {*self.horizons}
            room = MAX_HORIZONS - len(self.horizons)
            return replace(self, horizons=tuple(sorted({*self.horizons, *sorted(new)[:room]})))
        return self

    def scorer(self) -> Scorer:
        """What scores pairs by this plan."""
        match self.kind:
            case ModelKind.CLASSIFICATION:
                edges = uniform_edges() if self.edges is None else np.array(self.edges)
                return ClassScorer(self.classes, self.tells, edges)
            case ModelKind.REGRESSION:
                return NumberScorer(self.origin, self.scale)
            case ModelKind.FORECASTING:
                return ForecastScorer(self.horizons, self.origin, self.scale)
            case _:
                return RankScorer()

    def fault(self, facts: Facts, outcome: Outcome) -> Fault | None:
        """Why the pair cannot be scored; None when it can."""
        ranks = self.kind in RANKS
        if outcome.value is None and not (ranks and outcome.items):
            return Fault.NO_VALUE
        if ranks:
            usable, answered = relevant_items(outcome) is not None, bool(facts.items)
        elif self.kind in _NUMBERS:
            usable, answered = _is_number(outcome.value), _is_number(facts.predicted)
        else:
            usable = class_of(outcome.value) is not None
            answered = called(facts) is not None or score_of(facts) is not None
        if not usable:
            return Fault.TYPE
        return None if answered else Fault.NO_OUTPUT

    def with_classes(self, names: set[str]) -> Self:
        """The same with the classes `names`, as far as there is room; true and false go together."""
        wanted = names - {*self.classes}
        if self.positive:
            wanted |= {self.positive} - {*self.classes}
        elif names & _BINARY and _BINARY.issuperset(names | {*self.classes}):
            wanted |= _BINARY - {*self.classes}
        room = MAX_CLASSES - len(self.classes)
        chosen = sorted(wanted, key=lambda name: (name != self.positive, name))[:room]
        return replace(self, classes=tuple(sorted({*self.classes, *chosen})))


def _looks_like(facts: Facts, outcome: Outcome) -> ModelKind:
    """The kind of a model whose configuration tells none, by its first pair."""
    if facts.items and (outcome.items or relevant_items(outcome) is not None):
        return ModelKind.RANKING
    if facts.horizon is not None or facts.naive is not None:
        return ModelKind.FORECASTING
    score = score_of(facts)
    if called(facts) is None and score is not None and not 0 <= score <= 1:
        return ModelKind.REGRESSION  # no class is predicted so, whatever its outcome says
    if not _is_number(outcome.value) or not _is_number(facts.predicted) or facts.probabilities:
        return ModelKind.CLASSIFICATION
    two = {class_of(outcome.value), class_of(facts.predicted)}
    scored = facts.score is not None and 0 <= facts.score <= 1 and facts.score != facts.predicted
    return ModelKind.CLASSIFICATION if two <= _BINARY or scored else ModelKind.REGRESSION


def _is_number(value: Scalar) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _categories(feature: FeatureBaseline | None) -> Sequence[str]:
    """The categories or truth values that a feature's bins are of."""
    if feature is None or feature.numeric:
        return ()
    return [name for name in (*feature.bins, *sorted(feature.known)) if not name.startswith("_")]


def _score_edges(feature: FeatureBaseline | None) -> tuple[float, ...] | None:
    """Quantiles of the baseline's scores; None when it has none."""
    if feature is None or len(feature.edges) < 2:  # noqa: PLR2004  # one edge bounds no bin
        return None
    counts = np.array(feature.counts[1 : len(feature.edges)], np.float64)  # without the open ends
    if not counts.any():
        return None
    return tuple(edges_from_bins(np.array(feature.edges), counts).tolist())
