"""Which predictions wait for their outcomes, and what a model does with these."""

from collections.abc import Sequence

import numpy as np
import pytest

from batches import T0, batch_of
from model_exporter.batch import Awaited, Facts, Joined, Origin, Outcome
from model_exporter.config.settings import Limits, ModelKind, ModelSettings, OutcomeSettings, Settings
from model_exporter.join import Lost, Unmatched
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.snapshot import DUPLICATE, LOST, UNMATCHED, Fault, PerformanceSnapshot, TruthSnapshot


def fleet_of(*, limits: Limits | None = None, expected: bool = True, positive: str | None = None) -> Fleet:
    """A fleet whose model `m` is a classifier."""
    outcome = OutcomeSettings(expected=expected, positive=positive)
    model = ModelSettings(kind=ModelKind.CLASSIFICATION, outcome=outcome)
    settings = Settings(models={"m": model}, limits=limits or Limits())
    return Fleet(settings, learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)


def predict(
    fleet: Fleet,
    ids: Sequence[str],
    *,
    version: str = "1",
    times: Sequence[float] | None = None,
    now: float = T0,
    origin: Origin = Origin.LOG,
    errors: Sequence[str | None] | None = None,
) -> list[Awaited]:
    """Predictions of the class true, one an id."""
    batch = batch_of(
        {"x": [1.0] * len(ids)},
        {"prediction": [True] * len(ids)},
        ids=ids,
        version=version,
        times=times,
        origin=origin,
        errors=errors,
    )
    return fleet.predict("m", batch, now)


def realise(fleet: Fleet, awaited: Sequence[Awaited], *, now: float = T0) -> None:
    """The outcome true for all of them."""
    fleet.realise(
        [Joined("m", one, Outcome("m", one.prediction_id, None, value=True), None, 1.0) for one in awaited], now
    )


def truth(fleet: Fleet, now: float = T0) -> TruthSnapshot:
    """What the model tells of its outcomes."""
    fleet.advance(now)
    (model,) = fleet.snapshot(now).models
    assert model.truth
    return model.truth


def performance(fleet: Fleet, now: float = T0) -> PerformanceSnapshot:
    """That of the only version."""
    (told,) = truth(fleet, now).performance
    return told


def test_new_predictions_with_an_id_wait() -> None:
    """One without an id cannot be found, one told again waits already, and a failed one has no outcome."""
    awaited = predict(fleet_of(), ["a", "", "b", "a", "c"], errors=[None, None, None, None, "timeout"])
    assert [one.prediction_id for one in awaited][:2] == ["a", "b"]
    assert len(awaited) == 2
    assert Facts.decode(awaited[0].facts) == Facts(predicted=True)


def test_spans_do_not_wait() -> None:
    """A span carries no prediction that an outcome could be compared with."""
    assert predict(fleet_of(), ["a"], origin=Origin.SPAN) == []


def test_a_model_without_outcomes_keeps_nothing() -> None:
    """It joins from its first outcome on; until then nobody pays."""
    fleet = fleet_of(expected=False)
    assert predict(fleet, ["a"]) == []
    assert fleet.waits() == {}
    fleet.begin_joining("m", T0)
    assert [one.prediction_id for one in predict(fleet, ["b"])] == ["b"]
    assert fleet.waits() == {"m": 7 * 86_400.0}


@pytest.mark.parametrize(
    ("time", "made_at"),
    [(T0 - 30, T0 - 30), (T0 + 30, T0), (T0 + 7200, T0), (T0 - 86_400, T0), (float("nan"), T0)],
)
def test_a_wrong_clock_does_not_bend_a_cohort(time: float, made_at: float) -> None:
    """A prediction is made when it says, but never later than now, nor long before it came."""
    (awaited,) = predict(fleet_of(), ["a"], times=[time])
    assert awaited.made_at == made_at


def test_predictions_without_an_id_count_against_the_coverage() -> None:
    """Their truth is never known, and those with an id may be others than they."""
    fleet = fleet_of()
    realise(fleet, predict(fleet, ["a", "", "b", ""]))
    (hour, *_) = performance(fleet, T0 + 60).windows
    assert (hour.predicted, hour.labelled, hour.coverage, hour.provisional) == (4, 2, 0.5, True)


def test_no_outcomes_yet_is_neither_good_nor_provisional() -> None:
    """Without outcomes the coverage is 0 and there is no measure."""
    fleet = fleet_of()
    predict(fleet, ["a"])
    (hour, *_) = performance(fleet).windows
    assert (hour.coverage, hour.labelled, hour.measures) == (0, 0, ())


def test_the_version_of_predictions_that_name_none_is_found_again() -> None:
    """What waits carries the name under which the version is kept."""
    fleet = fleet_of()
    awaited = predict(fleet, ["a"], version="")
    realise(fleet, awaited)
    assert performance(fleet).version == awaited[0].version == "unknown"


def test_truth_brings_a_version_back_when_there_is_room() -> None:
    """After a restart, or after its silence, the outcomes of a version are still measured."""
    fleet = fleet_of()
    awaited = predict(fleet, ["a"])
    fleet.advance(T0 + 2 * 86_400)
    realise(fleet, awaited, now=T0 + 2 * 86_400)
    assert performance(fleet, T0 + 2 * 86_400).joined == 1


def test_truth_for_a_version_without_room_is_counted() -> None:
    """It drives no version out that still predicts; the others' truth is measured."""
    fleet = fleet_of(limits=Limits(versions_per_model=1))
    old, new = predict(fleet, ["a"], version="1"), predict(fleet, ["b"], version="2", now=T0 + 1)
    realise(fleet, [*old, *new], now=T0 + 2)
    told = truth(fleet, T0 + 2)
    assert dict(told.unmatched)[Fault.NO_VERSION.value] == 1
    assert [(one.version, one.joined) for one in told.performance] == [("2", 1)]


def test_performance_stays_within_the_budget_of_series() -> None:
    """Without room for its series nothing of a version's performance is shown, and the limit's hit is counted."""
    free = fleet_of()
    realise(free, predict(free, ["a"]))
    needed = free.usage()["series"]
    telemetry = Telemetry()
    model = ModelSettings(kind=ModelKind.CLASSIFICATION, outcome=OutcomeSettings(expected=True))
    settings = Settings(models={"m": model}, limits=Limits(series=needed - 1))
    tight = Fleet(settings, learned={}, recorder=telemetry, notify=lambda _: None, now=T0)
    realise(tight, predict(tight, ["a"]))
    assert truth(tight).performance == ()
    assert tight.usage()["series"] <= needed - 1
    assert telemetry.read().counters["model_exporter_limit_hits_total", ("series",)] == 1


def test_what_is_told_takes_no_more_series_than_reserved() -> None:
    """As many samples as exposition writes for a version are at most what counts against the limit."""
    fleet = fleet_of()
    before = fleet.usage()["series"]
    awaited = predict(fleet, [f"p{i}" for i in range(400)])
    random = np.random.default_rng(1)
    joined = [
        Joined(
            "m",
            one._replace(facts=Facts(bool(called), float(random.uniform())).encode()),
            Outcome("m", one.prediction_id, None, bool(actual)),
            None,
            1.0,
        )
        for one, called, actual in zip(
            awaited, random.uniform(size=400) < 0.5, random.uniform(size=400) < 0.5, strict=True
        )
    ]
    fleet.realise(joined, T0)
    told = performance(fleet, T0 + 300)
    measures = sum(3 * len(window.measures) for window in told.windows)
    assert len(told.windows[0].measures) > 8
    assert len(told.counters) + measures + len(told.delay.buckets) + 14 <= fleet.usage()["series"] - before


def test_forgetting_a_version_gives_its_series_back() -> None:
    """Once no outcome can come any more nothing of it counts against the limit."""
    fleet = fleet_of()
    before = fleet.usage()["series"]
    realise(fleet, predict(fleet, ["a"]))
    assert truth(fleet, T0 + 7 * 86_400 + 1).performance == ()
    assert fleet.usage()["series"] <= before + 10  # the features that the schema knows now


def test_another_positive_class_begins_anew() -> None:
    """Sums by the old meaning of outcomes are not added to those by the new one."""
    fleet = fleet_of()
    realise(fleet, predict(fleet, ["a"]))
    model = ModelSettings(kind=ModelKind.CLASSIFICATION, outcome=OutcomeSettings(expected=True, positive="fraud"))
    fleet.reconfigure(Settings(models={"m": model}), T0 + 1)
    assert truth(fleet, T0 + 1).performance == ()


def test_reasons_are_those_of_the_stores() -> None:
    """Each reason that a store or the window may give begins at 0, because `increase` cannot see a first sample."""
    assert {*UNMATCHED, DUPLICATE} == {one.value for one in Unmatched} | {one.value for one in Fault}
    assert {*LOST} == {one.value for one in Lost}
    told = truth(fleet_of())
    assert dict(told.unmatched) == dict.fromkeys(UNMATCHED, 0)
    assert dict(told.lost) == dict.fromkeys(LOST, 0)
