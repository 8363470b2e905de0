"""What outcomes tell of one model version."""

from collections.abc import Sequence
from math import isnan

import numpy as np
import pytest
from sklearn import metrics

from batches import T0
from model_exporter.batch import Awaited, Facts, Joined, Outcome, Scalar
from model_exporter.config.settings import ModelKind, ModelSettings, OutcomeSettings
from model_exporter.window.performance import EARLY_PAIRS, Performance
from model_exporter.window.snapshot import Counter, Fault, PerformanceSnapshot

MADE = T0 - 7200.0
LATER = T0 + 3600.0
"""When cohorts of that age have had time enough for their truth."""


def performance_of(kind: ModelKind | None = None, positive: str | None = None) -> Performance:
    """A state that began long ago."""
    settings = ModelSettings(kind=kind, outcome=OutcomeSettings(positive=positive))
    return Performance("1", settings, None, T0 - 86_400)


def joined(facts: Facts, actual: Scalar, corrects: Scalar = None, *, at: float = MADE, rate: float = 1.0) -> Joined:
    """A prediction with its outcome."""
    earlier = None if corrects is None else Outcome("m", "p", None, corrects)
    return Joined("m", Awaited("p", at, "1", facts.encode()), Outcome("m", "p", None, actual), earlier, rate)


def pairs(predicted: Sequence[Scalar], actual: Sequence[Scalar], scores: Sequence[float] | None = None) -> list[Joined]:
    """One a row."""
    given: Sequence[float | None] = scores or [None] * len(predicted)
    return [joined(Facts(p, s), a) for p, s, a in zip(predicted, given, actual, strict=True)]


def told_by(performance: Performance) -> PerformanceSnapshot:
    """What it tells when the truth of all pairs has had time enough."""
    performance.advance(LATER)
    return performance.snapshot(LATER)


def values(told: PerformanceSnapshot, window: str = "1d") -> dict[tuple[str, str], float]:
    """The measures of a window."""
    (found,) = (one for one in told.windows if one.name == window)
    for measure in found.measures:
        assert measure.lower <= measure.value <= measure.upper
    return {(measure.metric, measure.label): measure.value for measure in found.measures}


def confusion(told: PerformanceSnapshot) -> dict[tuple[str, ...], float]:
    """What is not 0 in the confusion matrix."""
    return {one.labels: one.value for one in told.counters if one.counter is Counter.CONFUSION and one.value}


def test_a_classifier_agrees_with_scikit_learn() -> None:
    """Counts give the very accuracy, precision, recall and F1; log loss and Brier score follow from each score."""
    random = np.random.default_rng(3)
    scores = random.uniform(0.01, 0.99, 800)
    actual = (random.uniform(size=800) < scores).tolist()
    predicted = (scores > 0.4).tolist()
    performance = performance_of()
    performance.realise(pairs(predicted, actual, scores.tolist()), T0)
    found = values(told_by(performance))
    assert found["accuracy", ""] == pytest.approx(metrics.accuracy_score(actual, predicted))
    assert found["precision", ""] == pytest.approx(metrics.precision_score(actual, predicted))
    assert found["recall", ""] == pytest.approx(metrics.recall_score(actual, predicted))
    assert found["f1", ""] == pytest.approx(metrics.f1_score(actual, predicted))
    assert found["log_loss", ""] == pytest.approx(metrics.log_loss(actual, scores))
    assert found["brier", ""] == pytest.approx(metrics.brier_score_loss(actual, scores))
    assert found["roc_auc", ""] == pytest.approx(metrics.roc_auc_score(actual, scores), abs=0.005)


def test_a_regression_agrees_with_scikit_learn() -> None:
    """Sums of errors give the very errors."""
    random = np.random.default_rng(4)
    actual = random.normal(50, 10, 600)
    predicted = actual + random.normal(1, 3, 600)
    performance = performance_of(ModelKind.REGRESSION)
    performance.realise(pairs(predicted.tolist(), actual.tolist()), T0)
    told = told_by(performance)
    found = values(told)
    assert found["mae", ""] == pytest.approx(metrics.mean_absolute_error(actual, predicted))
    assert found["rmse", ""] == pytest.approx(metrics.mean_squared_error(actual, predicted) ** 0.5)
    assert found["r2", ""] == pytest.approx(metrics.r2_score(actual, predicted))
    assert found["bias", ""] == pytest.approx(float((predicted - actual).mean()))
    assert {one.counter: one.value for one in told.counters} == {
        Counter.ABSOLUTE_ERROR: pytest.approx(float(np.abs(predicted - actual).sum())),
        Counter.SQUARED_ERROR: pytest.approx(float(((predicted - actual) ** 2).sum())),
    }


def test_classes_may_turn_up_one_by_one() -> None:
    """A class first seen in a later outcome gets its own row, and what was counted before stays counted."""
    performance = performance_of()
    for predicted, actual in [("a", "a"), ("b", "a"), ("b", "c"), ("a", "a")]:
        performance.realise([joined(Facts(predicted), actual)], T0)
    assert confusion(told_by(performance)) == {("a", "a"): 2, ("a", "b"): 1, ("c", "b"): 1}
    assert performance.snapshot(T0).joined == 4


def test_a_class_never_seen_is_some_other_one_later_on() -> None:
    """After the first pairs the classes are frozen; nothing of a new one is lost."""
    performance = performance_of()
    performance.realise(pairs(["a", "b"] * EARLY_PAIRS, ["a", "b"] * EARLY_PAIRS), T0)
    performance.realise([joined(Facts("a"), "new")], T0)
    assert confusion(told_by(performance))["_other", "a"] == 1


def test_windows_follow_corrections_and_counters_do_not() -> None:
    """A counter cannot take back what it has told: it keeps the first outcome, the window has the last."""
    performance = performance_of(ModelKind.CLASSIFICATION)
    performance.realise(pairs([True] * 100, [True] * 100), T0)
    performance.realise([joined(Facts(predicted=True), actual=False, corrects=True) for _ in range(40)], T0)
    told = told_by(performance)
    assert confusion(told) == {("1", "1"): 100}
    assert values(told)["accuracy", ""] == pytest.approx(0.6)
    assert (told.joined, told.corrections) == (100, 40)
    assert told.windows[1].labelled == 100


def test_corrections_of_what_was_told_before_a_restart_are_only_counted() -> None:
    """The earlier outcome is in no sum here, so taking it off would leave less than nothing."""
    performance = performance_of(ModelKind.CLASSIFICATION)
    performance.realise([joined(Facts(predicted=True), actual=False, corrects=True, at=T0 - 2 * 86_400)], T0)
    told = told_by(performance)
    assert (told.joined, told.corrections) == (0, 1)
    assert confusion(told) == {}


def test_the_same_told_again_changes_nothing() -> None:
    """An outcome that differs from the earlier one in its business values is no correction."""
    performance = performance_of(ModelKind.CLASSIFICATION)
    performance.realise(pairs([True] * 50, [True] * 50), T0)
    performance.realise([joined(Facts(predicted=True), actual=True, corrects=True)], T0)
    told = told_by(performance)
    assert (told.joined, told.corrections) == (50, 0)


def test_what_cannot_be_scored_is_counted_by_reason() -> None:
    """Text for a regression, nothing to compare with, unreadable facts, business values alone; the rest is scored."""
    performance = performance_of(ModelKind.REGRESSION)
    broken = joined(Facts(1.0), 2.0)
    broken = broken._replace(prediction=broken.prediction._replace(facts=b"\xc1"))
    good = [joined(Facts(1.0), 2.0)] * 100
    odd = [joined(Facts(1.0), "high"), joined(Facts(), 2.0), broken, joined(Facts(1.0), None)]
    faults = performance.realise([*odd, *good], T0)
    assert faults == {Fault.TYPE: 1, Fault.NO_OUTPUT: 1, Fault.FORMAT: 1, Fault.NO_VALUE: 1}
    told = told_by(performance)
    assert told.joined == 100
    assert values(told)["mae", ""] == 1


def test_a_sample_stands_for_all() -> None:
    """Pairs that were kept at a rate count as many times as they stand for; their intervals know how few they are."""
    performance = performance_of(ModelKind.CLASSIFICATION)
    performance.expect(np.full(400, MADE), T0)
    performance.realise([joined(Facts(predicted=True), actual=True, rate=0.25) for _ in range(100)], T0)
    told = told_by(performance)
    assert confusion(told) == {("1", "1"): 400}
    assert told.windows[1].coverage == 1
    (accuracy,) = (one for one in told.windows[1].measures if one.metric == "accuracy")
    assert accuracy.count == pytest.approx(100)


def test_delays_are_from_the_prediction_to_the_arrival() -> None:
    """The lag of the windows follows from them once there are enough."""
    performance = performance_of(ModelKind.CLASSIFICATION)
    performance.realise(pairs([True] * 10, [True] * 10), T0)
    assert isnan(performance.snapshot(T0).lag)
    performance.realise(pairs([True] * 30, [True] * 30), T0)
    told = told_by(performance)
    assert 7200 <= told.lag <= 7200 * 2**0.25
    assert told.delay.total_seconds == 40 * 7200


def test_nothing_new_is_the_same_snapshot() -> None:
    """Exposition recognises by its identity what it has written already."""
    performance = performance_of()
    performance.realise(pairs([True] * 50, [True] * 50), T0)
    assert performance.snapshot(T0) is performance.snapshot(T0 + 1)


@pytest.mark.parametrize(
    ("facts", "actual", "metric"),
    [
        (Facts("x"), "y", "accuracy"),
        (Facts(1.0, 0.9), 1.0, "accuracy"),
        (Facts(1.0), 0.0, "accuracy"),
        (Facts(1.5), 2.5, "mae"),
        (Facts(1.5, horizon="1h"), 2.5, "mape"),
        (Facts(items=("a", "b")), "a", "mrr"),
    ],
)
def test_an_unknown_kind_is_what_its_pairs_look_like(facts: Facts, actual: Scalar, metric: str) -> None:
    """Without configuration, text and truth values are classes, other numbers are numbers, lists are rankings."""
    performance = performance_of()
    performance.realise([joined(facts, actual)] * 150, T0)
    assert (metric, "") in values(told_by(performance))
