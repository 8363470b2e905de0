"""Versions that went silent while their outcomes are still to come."""

from collections.abc import Sequence

from batches import T0, batch_of
from model_exporter.batch import Awaited, Joined, Outcome
from model_exporter.config.settings import DAY, Limits, ModelKind, ModelSettings, OutcomeSettings, Settings
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.notices import Expired, Notice
from model_exporter.window.snapshot import ModelSnapshot, PerformanceSnapshot

SILENT = T0 + 2 * DAY
"""Later than series of a silent version are dropped, and sooner than its predictions are given up."""
JUDGED = T0 + 4 * DAY
"""When truth that took two days has had time to arrive."""


class World:
    """A fleet whose model `m` is a classifier, as it is configured or not."""

    def __init__(self, *, versions: int = 10, configured: bool = True, now: float = T0) -> None:
        self.notices: list[Notice] = []
        self.telemetry = Telemetry()
        model = ModelSettings(kind=ModelKind.CLASSIFICATION, outcome=OutcomeSettings(expected=True))
        self.settings = Settings(models={"m": model} if configured else {}, limits=Limits(versions_per_model=versions))
        self.fleet = Fleet(self.settings, learned={}, recorder=self.telemetry, notify=self.notices.append, now=now)

    def predict(self, rows: int, *, version: str = "1", now: float = T0) -> list[Awaited]:
        """Predictions of the class true."""
        ids = [f"{version}-{row}" for row in range(rows)]
        batch = batch_of({"x": [1.0] * rows}, {"prediction": [True] * rows}, ids=ids, version=version)
        return self.fleet.predict("m", batch, now)

    def realise(self, awaited: Sequence[Awaited], *, now: float) -> None:
        """The outcome true for all of them."""
        outcomes = [Outcome("m", one.prediction_id, None, value=True) for one in awaited]
        self.fleet.realise(
            [Joined("m", one, outcome, None, 1.0) for one, outcome in zip(awaited, outcomes, strict=True)], now
        )

    def model(self, now: float) -> ModelSnapshot:
        """The model at that time."""
        self.fleet.advance(now)
        (model,) = self.fleet.snapshot(now).models
        return model

    def restarted(self, now: float, *, versions: int = 10) -> "World":
        """Another process that goes on from this one's checkpoint."""
        after = World(versions=versions, now=now)
        after.fleet.restore(self.fleet.checkpoint(), admit=lambda _: True, now=now)
        return after

    @property
    def expired(self) -> list[str]:
        """Versions whose series were dropped, as told."""
        return [notice.version for notice in self.notices if isinstance(notice, Expired)]


def performance(model: ModelSnapshot) -> dict[str, PerformanceSnapshot]:
    """By version."""
    assert model.truth
    return {told.version: told for told in model.truth.performance}


def test_late_truth_of_a_silent_version_finds_its_sums() -> None:
    """Its traffic is dropped after a day; its predictions still count as those that the outcomes are a share of."""
    world = World()
    awaited = world.predict(100)
    world.realise(awaited[:40], now=T0 + 60)
    assert world.model(SILENT).versions == ()
    assert world.expired == ["1"]
    world.realise(awaited[40:80], now=SILENT)
    model = world.model(JUDGED)
    assert model.versions == ()
    told = performance(model)["1"]
    week = told.windows[-1]
    assert (told.joined, week.predicted, week.labelled, week.coverage) == (80, 100, 80, 0.8)


def test_nothing_of_it_is_left_when_no_outcome_can_come() -> None:
    """The wait is counted from its newest prediction, and its end is told."""
    world = World()
    world.predict(1)
    assert set(performance(world.model(T0 + 7 * DAY - 1))) == {"1"}
    assert performance(world.model(T0 + 7 * DAY + 1)) == {}
    assert world.expired == ["1", "1"]


def test_a_version_that_predicts_again_goes_on() -> None:
    """With what its outcomes told before its silence."""
    world = World()
    world.realise(world.predict(40), now=T0 + 60)
    world.model(SILENT)
    world.predict(10, now=SILENT)
    model = world.model(SILENT + 15)
    assert [version.predictions for version in model.versions] == [0]  # repeats of ids that are still known
    assert performance(model)["1"].joined == 40


def test_versions_with_traffic_come_first() -> None:
    """One more version than there is room for drives out what is only performance, and that is counted."""
    world = World(versions=2)
    for version, at in (("1", T0), ("2", T0 + 1), ("3", SILENT)):
        world.model(at) if at > T0 else None
        world.predict(1, version=version, now=at)
    assert set(performance(world.model(SILENT + 1))) == {"2", "3"}
    world.predict(1, version="4", now=SILENT + 2)
    model = world.model(SILENT + 3)
    assert {version.version for version in model.versions} == {"3", "4"} == set(performance(model))
    hits = world.telemetry.read().counters["model_exporter_limit_hits_total", ("versions_per_model",)]
    assert hits == 2


def test_it_outlives_a_restart_for_as_long() -> None:
    """Also when the exporter was down while it fell silent: only its performance is there again."""
    world = World()
    awaited = world.predict(100)
    world.realise(awaited[:40], now=T0 + 60)
    for after in (world.restarted(SILENT), world.restarted(T0 + 60).restarted(SILENT).restarted(SILENT + 1)):
        after.realise(awaited[40:80], now=SILENT + 1)
        model = after.model(JUDGED)
        assert model.versions == ()
        week = performance(model)["1"].windows[-1]
        assert (week.predicted, week.labelled) == (100, 80)
        assert performance(after.model(T0 + 7 * DAY + 1)) == {}
    assert performance(world.restarted(T0 + 7 * DAY + 1).model(T0 + 7 * DAY + 1)) == {}


def test_a_model_stays_while_truth_of_it_may_come() -> None:
    """One that is not configured is gone only when no outcome of its predictions can come."""
    world = World(configured=False)
    world.fleet.begin_joining("m", T0)
    world.predict(1)
    assert world.fleet.advance(SILENT) == []
    assert world.fleet.advance(T0 + 7 * DAY + 1) == ["m"]
    assert world.fleet.usage()["series"] == 0
