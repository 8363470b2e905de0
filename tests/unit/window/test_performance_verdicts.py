"""Whether performance has become worse, from pairs to the verdict."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from batches import T0
from model_exporter.batch import Facts, Outcome, Scalar
from model_exporter.config.settings import Drift, DriftLevel, ModelKind, ModelSettings, Objective, OutcomeSettings
from model_exporter.window.performance_reference import PerformanceReference
from model_exporter.window.performance_verdicts import PerformanceVerdicts
from model_exporter.window.scoring import Pair
from model_exporter.window.snapshot import LEVELS, ReferenceSnapshot

CLASSES, NUMBERS = ModelKind.CLASSIFICATION, ModelKind.REGRESSION
SETTINGS = ModelSettings(kind=CLASSES)
SLOT_ROWS = 50


def pairs(predicted: Sequence[Scalar], actual: Sequence[Scalar], weight: float = 1.0) -> list[Pair]:
    """One a row."""
    return [Pair(Facts(p), Outcome("m", "p", None, a), weight) for p, a in zip(predicted, actual, strict=True)]


def classified(rows: int, *, wrong: float, seed: int = 1) -> list[Pair]:
    """Pairs of which a share is wrong."""
    is_wrong = np.random.default_rng(seed).random(rows) < wrong
    return pairs([True] * rows, (~is_wrong).tolist())


def feed(verdicts: PerformanceVerdicts, slots: int, *, wrong: float, start: float = T0) -> float:
    """A batch of outcomes in each slot; returns the time after the last."""
    for slot in range(slots):
        verdicts.take(CLASSES, classified(SLOT_ROWS, wrong=wrong, seed=slot))
        verdicts.advance(start + 15 * (slot + 1))
    return start + 15 * slots


def learned(settings: ModelSettings = SETTINGS) -> tuple[PerformanceReference, PerformanceVerdicts]:
    """A reference of 1,000 outcomes, a tenth of them wrong, and the verdicts on a version."""
    reference = PerformanceReference(settings)
    verdicts = PerformanceVerdicts(reference, T0)
    verdicts.take(CLASSES, classified(1000, wrong=0.1))
    return reference, verdicts


def outcomes(reference: PerformanceReference) -> int | None:
    """How many it holds."""
    told = reference.snapshot()
    assert told
    return told.outcomes


def test_the_first_outcomes_are_the_reference_and_later_ones_are_bet_on() -> None:
    """A thousand, told once when they are complete; there is no verdict on the reference itself."""
    told: list[tuple[int, str, float]] = []
    reference = PerformanceReference(SETTINGS, lambda *what: told.append(what))
    verdicts = PerformanceVerdicts(reference, T0)
    verdicts.take(CLASSES, classified(900, wrong=0.1))
    verdicts.advance(T0 + 15)
    assert reference.snapshot() == ReferenceSnapshot(900, ())
    assert (verdicts.snapshot, told) == ((), [])
    verdicts.take(CLASSES, classified(150, wrong=0.1))
    verdicts.advance(T0 + 30)
    assert [drift.level for drift in verdicts.snapshot] == list(LEVELS)
    assert len(told) == 1
    assert told[0][:2] == (1000, "accuracy")
    assert told[0][2] == pytest.approx(0.9, abs=0.03)
    assert reference.snapshot() == ReferenceSnapshot(1000, ((told[0][1:]),))


def test_worse_outcomes_alarm_and_better_ones_do_not() -> None:
    """With an onset about when they came, by the metric that shows it."""
    _, verdicts = learned()
    feed(verdicts, 40, wrong=0.02)
    assert not any(drift.detected for drift in verdicts.snapshot)
    at = feed(verdicts, 100, wrong=0.1, start=T0 + 600)
    assert not any(drift.detected for drift in verdicts.snapshot)
    feed(verdicts, 40, wrong=0.3, start=at)
    for drift in verdicts.snapshot:
        assert drift.detected
        assert drift.log_evidence > 0
        assert drift.metric == "accuracy"
        assert at - 120 < drift.onset < at + 120


def test_a_version_is_compared_with_the_model_s_reference() -> None:
    """A worse version that comes later alarms, and the version before it does not."""
    reference, old = learned()
    new = PerformanceVerdicts(reference, T0)
    feed(old, 30, wrong=0.1)
    feed(new, 30, wrong=0.35)
    assert not old.snapshot[0].detected
    assert new.snapshot[0].detected


def test_an_objective_works_from_the_first_outcome() -> None:
    """There is nothing to learn; exactly met it is no alarm, missed it is one."""
    settings = replace(SETTINGS, objectives=(Objective("performance_accuracy", 0.9), Objective("availability", 0.99)))
    reference = PerformanceReference(settings)
    met, missed = PerformanceVerdicts(reference, T0), PerformanceVerdicts(reference, T0)
    feed(met, 60, wrong=0.1)
    feed(missed, 60, wrong=0.25)
    assert reference.snapshot() == ReferenceSnapshot(None, (("accuracy", 0.9),))
    assert [drift.detected for drift in met.snapshot] == [False, False]
    assert [drift.detected for drift in missed.snapshot] == [True, True]


def test_errors_of_numbers_alarm_when_they_spread_or_shift() -> None:
    """Forecasts and regressions by their signed and absolute errors."""
    random = np.random.default_rng(3)
    for mean, sd, metric in ((0.0, 2.0, "mae"), (1.0, 1.0, "bias")):
        verdicts = PerformanceVerdicts(PerformanceReference(replace(SETTINGS, kind=NUMBERS)), T0)
        verdicts.take(NUMBERS, pairs(random.normal(size=1000).tolist(), [0.0] * 1000))
        for slot in range(40):
            verdicts.take(NUMBERS, pairs(random.normal(mean, sd, 50).tolist(), [0.0] * 50))
            verdicts.advance(T0 + 15 * (slot + 1))
        assert verdicts.snapshot[0].detected
        assert verdicts.snapshot[0].metric == metric


def test_an_outcome_counts_once_whatever_share_was_kept() -> None:
    """Pairs that stand for ten predictions each move the evidence no more than pairs that stand for themselves."""
    evidence = []
    for weight in (1.0, 10.0):
        _, verdicts = learned()
        verdicts.take(CLASSES, [pair._replace(weight=weight) for pair in classified(200, wrong=0.4)])
        verdicts.advance(T0 + 15)
        evidence.append(verdicts.snapshot[0].log_evidence)
    assert evidence[0] == evidence[1]


def test_rankings_and_versions_of_another_kind_are_left_out() -> None:
    """They have no error that could be compared."""
    reference, verdicts = learned()
    verdicts.take(ModelKind.RANKING, classified(100, wrong=1.0))
    verdicts.take(NUMBERS, pairs([1.0] * 100, [2.0] * 100))
    verdicts.advance(T0 + 15)
    assert verdicts.snapshot == ()
    assert outcomes(reference) == 1000


def test_an_alarm_stands_after_a_restart() -> None:
    """Reference and evidence go on where they were, bit by bit."""
    reference, verdicts = learned()
    feed(verdicts, 40, wrong=0.3)
    again = PerformanceReference(SETTINGS)
    assert again.restore(reference.checkpoint())
    restored = PerformanceVerdicts(again, T0 + 1000)
    assert restored.restore(verdicts.checkpoint())
    assert restored.snapshot == verdicts.snapshot
    assert restored.snapshot[0].detected
    for one in (verdicts, restored):
        one.advance(T0 + 1000)
        one.take(CLASSES, classified(100, wrong=0.1))
        one.advance(T0 + 1020)
    assert restored.snapshot == verdicts.snapshot


def test_a_reference_goes_on_learning_after_a_restart() -> None:
    """And an objective needs no more than to know that there are classes."""
    reference = PerformanceReference(SETTINGS)
    PerformanceVerdicts(reference, T0).take(CLASSES, classified(600, wrong=0.1))
    again = PerformanceReference(SETTINGS)
    assert again.restore(reference.checkpoint())
    assert again.snapshot() == ReferenceSnapshot(600, ())
    settings = replace(SETTINGS, objectives=(Objective("performance_accuracy", 0.9),))
    verdicts = PerformanceVerdicts(before := PerformanceReference(settings), T0)
    feed(verdicts, 60, wrong=0.3)
    after = PerformanceReference(settings)
    assert after.restore(before.checkpoint())
    restored = PerformanceVerdicts(after, T0)
    assert restored.restore(verdicts.checkpoint())
    assert restored.snapshot == verdicts.snapshot


@pytest.mark.parametrize("damaged", [b"x", b"reference1", b"reference1\x01abc", b"reference1\x00" + bytes(8)])
def test_a_reference_that_does_not_fit_is_let_go(damaged: bytes) -> None:
    """It is damaged, or of numbers for a model of classes; learning begins anew."""
    reference = PerformanceReference(SETTINGS)
    assert not reference.restore(damaged)
    assert reference.snapshot() is None


def test_evidence_of_other_rules_is_let_go() -> None:
    """Evidence against one reference says nothing against another, and a new tolerance makes other bets."""
    _, verdicts = learned()
    feed(verdicts, 40, wrong=0.3)
    other = PerformanceReference(SETTINGS)
    restored = PerformanceVerdicts(other, T0)
    assert not restored.restore(verdicts.checkpoint())
    restored.take(CLASSES, classified(1000, wrong=0.2, seed=9))
    assert not restored.restore(verdicts.checkpoint())
    assert restored.snapshot == ()


def test_changed_settings_begin_the_evidence_anew() -> None:
    """The reference stays."""
    reference, verdicts = learned()
    at = feed(verdicts, 40, wrong=0.3)
    assert verdicts.snapshot[0].detected
    reference.reconfigure(replace(SETTINGS, drift=Drift(page=DriftLevel(1e9, 0.1))))
    verdicts.take(CLASSES, classified(10, wrong=0.0))
    verdicts.advance(at + 15)
    assert not verdicts.snapshot[0].detected
    assert outcomes(reference) == 1000


def test_a_smaller_reference_may_be_configured() -> None:
    """`outcome.reference` says how many outcomes it takes."""
    reference = PerformanceReference(replace(SETTINGS, outcome=OutcomeSettings(reference=200)))
    PerformanceVerdicts(reference, T0).take(CLASSES, classified(300, wrong=0.1))
    assert reference.bets
    assert outcomes(reference) == 200
