"""Evidence on performance and estimates of it through the fleet: told, bounded, and found again after a restart."""

from dataclasses import replace

import numpy as np

from batches import T0, batch_of
from model_exporter.batch import Joined, Outcome
from model_exporter.config.settings import ModelKind, ModelSettings, OutcomeSettings, Settings
from model_exporter.expose.performance_verdict_series import write_estimate, write_performance_drift
from model_exporter.expose.text import Format, Lines
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.notices import EvidenceDropped, Notice, PerformanceDropped, PerformanceLearned
from model_exporter.window.snapshot import PerformanceSnapshot, TruthSnapshot

SETTINGS = Settings(
    models={"m": ModelSettings(kind=ModelKind.CLASSIFICATION, outcome=OutcomeSettings(expected=True, reference=1000))}
)


class Run:
    """A fleet with a model `m` that predicts and learns the truth ten seconds later, and what it had to tell."""

    def __init__(self, settings: Settings = SETTINGS, *, now: float = T0) -> None:
        self.notices: list[Notice] = []
        self.fleet = Fleet(settings, learned={}, recorder=Telemetry(), notify=self.notices.append, now=now)
        self.now = now

    def slots(self, number: int, *, turned: float, rows: int = 100) -> None:
        """A hundred predictions in each slot, some of whose outcomes are turned round."""
        for _ in range(number):
            random = np.random.default_rng(int(self.now))
            scores = random.random(rows)
            actual = (random.random(rows) < scores) ^ (random.random(rows) < turned)
            outputs = {"prediction": (scores >= 0.5).tolist(), "score": scores.tolist()}
            ids = [f"{self.now:.0f}-{row}" for row in range(rows)]
            awaited = self.fleet.predict("m", batch_of({}, outputs, ids=ids, times=[self.now] * rows), self.now)
            truths = zip(awaited, actual.tolist(), strict=True)
            joined = [
                Joined("m", one, Outcome("m", one.prediction_id, None, truth), None, 1.0) for one, truth in truths
            ]
            self.fleet.realise(joined, self.now + 10)
            self.now += 15
            self.fleet.advance(self.now)

    @property
    def truth(self) -> TruthSnapshot:
        """What the model tells of its outcomes."""
        (model,) = self.fleet.snapshot(self.now).models
        assert model.truth
        return model.truth

    @property
    def performance(self) -> PerformanceSnapshot:
        """That of its only version."""
        (performance,) = self.truth.performance
        return performance


def changed() -> Run:
    """After a change of concept."""
    run = Run()
    run.slots(20, turned=0.0)
    run.slots(20, turned=0.4)
    return run


def test_a_change_of_concept_alarms_and_the_estimate_stays() -> None:
    """The estimate's band does not hold what is realised any more, and the difference of the two is told."""
    run = Run()
    run.slots(20, turned=0.0)
    before = run.performance
    assert not before.drift[0].detected
    run.slots(20, turned=0.4)
    after = run.performance
    assert after.drift[0].detected
    estimated = {one.metric: one for one in after.estimates[0].measures}["accuracy"]
    stood = {one.metric: one for one in before.estimates[0].measures}["accuracy"]
    realised = {one.metric: one for one in after.windows[0].measures}["accuracy"]
    assert abs(estimated.value - stood.value) < 0.02
    assert realised.value < estimated.lower
    errors = {one.metric: one.value for one in after.estimates[0].errors}
    assert errors["accuracy"] > 0.05


def test_the_operator_hears_once_what_performance_is_compared_with() -> None:
    """How many outcomes, and what they show."""
    run = changed()
    told = [notice for notice in run.notices if isinstance(notice, PerformanceLearned)]
    assert len(told) == 1
    assert (told[0].model, told[0].outcomes, told[0].metric) == ("m", 1000, "accuracy")
    assert run.truth.reference
    assert run.truth.reference.values == (("accuracy", told[0].value),)


def test_verdicts_and_estimates_take_no_more_series_than_reserved() -> None:
    """All measures with their bounds and errors, the reasons, and the verdicts of both levels."""
    without = Run(Settings(models={"m": replace(SETTINGS.models["m"], outcome=OutcomeSettings(expected=True))}))
    without.slots(8, turned=0.0)  # its reference is not complete
    run = Run()
    run.slots(12, turned=0.0)
    lines = Lines()
    for estimate in run.performance.estimates:
        write_estimate(lines, ("m", "1"), estimate)
    estimates = _samples(lines)
    assert run.fleet.usage()["series"] - without.fleet.usage()["series"] == estimates
    lines = Lines()
    for drift in changed().performance.drift:
        write_performance_drift(lines, ("m", "1"), drift)
    assert _samples(lines) == 6


def _samples(lines: Lines) -> int:
    text = lines.exposition(Format.TEXT, last=True).decode()
    return sum(not line.startswith("#") for line in text.splitlines())


def test_an_alarm_on_performance_stands_after_a_restart() -> None:
    """In the first snapshot; and the reference, of performance and of estimates, goes on."""
    run = changed()
    again = Run(now=run.now)
    again.fleet.restore(run.fleet.checkpoint(), admit=lambda _: True, now=run.now)
    assert again.performance.drift == run.performance.drift
    assert again.performance.drift[0].detected
    assert again.truth.reference == run.truth.reference
    again.slots(4, turned=0.0)
    assert again.performance.estimates[0].measures
    assert not [
        notice
        for notice in again.notices
        if isinstance(notice, EvidenceDropped | PerformanceDropped | PerformanceLearned)
    ]


def test_kept_evidence_that_is_damaged_is_let_go() -> None:
    """The operator hears of it, and verdicts begin anew."""
    run = changed()
    kept = [replace(one, performance_drift=(b"x", b"y")) for one in run.fleet.checkpoint()]
    again = Run(now=run.now)
    again.fleet.restore(kept, admit=lambda _: True, now=run.now)
    assert again.performance.drift == ()
    assert PerformanceDropped("m", "1") in again.notices
