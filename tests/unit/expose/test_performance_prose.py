"""What outcomes say of a version's performance, in a sentence."""

from dataclasses import replace
from math import nan

import pytest

from batches import T0
from model_exporter.config.settings import ModelSettings
from model_exporter.expose.performance_prose import performance_sentence
from model_exporter.window.snapshot import ModelSnapshot, PerformanceDriftSnapshot, ReferenceSnapshot
from truth_snapshots import truth

LEARNED = ReferenceSnapshot(1000, (("accuracy", 0.93),))


def told(reference: ReferenceSnapshot | None, *drift: PerformanceDriftSnapshot, version: str = "1") -> str:
    """The sentence on a version."""
    of_model = truth(["1"], "x")
    performance = tuple(replace(one, drift=drift) for one in of_model.performance)
    model = ModelSnapshot(
        name="m", settings=ModelSettings(), features=(), baseline=None, learning=None, changes=(), sources=(),
        versions=(), upstreams=(), outcomes=0, truth=replace(of_model, performance=performance, reference=reference),
    )  # fmt: skip
    return performance_sentence(model, version)


def quiet(level: str, log_evidence: float = -2.5) -> PerformanceDriftSnapshot:
    """No alarm."""
    return PerformanceDriftSnapshot(level, detected=False, log_evidence=log_evidence, onset=nan, metric="")


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        (ReferenceSnapshot(312, ()), "312 of the 1,000 outcomes are in that it will be compared with."),
        (LEARNED, "No outcome has been compared with the first 1,000 outcomes (accuracy 0.93) yet."),
        (None, ""),
    ],
)
def test_before_there_is_evidence_it_says_what_is_awaited(reference: ReferenceSnapshot | None, sentence: str) -> None:
    """How far the reference is, or that nothing was compared with it; nothing without outcomes."""
    assert told(reference, quiet("page", nan)) == sentence
    assert told(reference, version="2") == ""


def test_without_an_alarm_it_says_the_evidence() -> None:
    """Of each level."""
    assert told(ReferenceSnapshot(None, (("mae", 3.5),)), quiet("page"), quiet("ticket", -1.0)) == (
        "Outcomes are not known to be worse than the objective of mae 3.5. "
        "Log evidence: -2.5 at level page, -1.0 at level ticket; 0 is the alarm."
    )


def test_an_alarm_says_since_when_and_in_what() -> None:
    """By the gravest level."""
    alarm = PerformanceDriftSnapshot("page", detected=True, log_evidence=3.25, onset=T0, metric="accuracy")
    assert told(LEARNED, alarm, quiet("ticket", 5.0)) == (
        "Outcomes are worse than the first 1,000 outcomes (accuracy 0.93), seen in accuracy (level page); those that "
        "arrived from about 2027-01-15T08:00:00Z on. "
        "Log evidence: 3.2 at level page, 5.0 at level ticket; 0 is the alarm."
    )
