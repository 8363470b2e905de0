"""What takes long is done elsewhere: what the model does meanwhile, and when it comes back too late."""

from dataclasses import replace

import numpy as np
import pytest

from batches import T0, baseline_of, batch_of
from model_exporter.baseline.model import Baseline, SeasonKind, Seasons
from model_exporter.config.settings import FeatureSettings, Learn, ModelSettings, Settings
from model_exporter.stats.portfolio import SeasonalTables
from model_exporter.telemetry import Telemetry
from model_exporter.window.deferred import Ending, Work
from model_exporter.window.fleet import Fleet
from model_exporter.window.model import AHEAD_SECONDS
from model_exporter.window.notices import BaselineLearned, Notice
from model_exporter.window.snapshot import ModelSnapshot

RNG = np.random.default_rng(11)
LEARN = Learn(rows=1000, stable_for_seconds=5.0)


class Elsewhere:
    """A fleet whose work is done when the test says so."""

    def __init__(self, settings: ModelSettings) -> None:
        self.notices: list[Notice] = []
        self.settings = Settings(learn=LEARN, models={"m": settings})
        self.fleet = Fleet(self.settings, learned={}, recorder=Telemetry(), notify=self.notices.append, now=T0)
        self.works: list[Work] = []
        self.fleet.defer_to(self.works.append)
        self.now = T0

    def flow(self, batches: int) -> None:
        """A batch of 100 rows a second."""
        for _ in range(batches):
            self.fleet.predict("m", batch_of({"amount": RNG.normal(size=100).tolist()}), self.now)
            self.now += 1
            self.fleet.advance(self.now)

    def do_next(self) -> Ending:
        """Do what was deferred first; returns what is to follow."""
        return self.works.pop(0)()

    def configure(self, **changes: object) -> None:
        """Take over changed settings of the model."""
        changed = replace(self.settings.models["m"], **changes)  # type: ignore[arg-type]  # fields by name
        self.settings = replace(self.settings, models={"m": changed})
        self.fleet.reconfigure(self.settings, self.now)

    def model(self) -> ModelSnapshot:
        """The only model."""
        (model,) = self.fleet.snapshot(self.now).models
        return model


@pytest.fixture
def learning() -> Elsewhere:
    """A model that is watched until it has a baseline."""
    return Elsewhere(ModelSettings(learn=LEARN))


@pytest.fixture
def baseline() -> Baseline:
    """Another one."""
    return baseline_of({"amount": RNG.normal(loc=5, size=2000).tolist()})


def test_the_writer_learns_no_baseline_itself(learning: Elsewhere) -> None:
    """The stretch is studied once, then what compares with it is made; between the two steps counting goes on."""
    learning.flow(12)
    assert len(learning.works) == 1
    studied = learning.do_next()
    assert learning.model().learning
    learning.flow(3)
    assert learning.works == []
    studied()
    assert learning.model().baseline is None
    made = learning.do_next()
    assert learning.works == []
    learning.flow(1)
    made()
    model = learning.model()
    assert model.baseline
    assert model.learning is None
    assert model.baseline.rows == 1000
    assert model.versions[0].predictions == 1600
    assert sum(isinstance(notice, BaselineLearned) for notice in learning.notices) == 1
    learning.flow(1)
    assert learning.works == []
    assert learning.model().versions[0].bins.sum() == 100


def test_a_configured_baseline_wins_over_one_that_is_being_learned(learning: Elsewhere, baseline: Baseline) -> None:
    """Whichever is done first."""
    learning.flow(12)
    studied = learning.do_next()
    learning.configure(baseline=baseline)
    studied()
    assert not any(isinstance(notice, BaselineLearned) for notice in learning.notices)
    learning.do_next()()
    assert learning.works == []
    assert learning.model().baseline == baseline


def test_the_newest_wish_counts(learning: Elsewhere, baseline: Baseline) -> None:
    """Of two reloads in a row the first comes too late, also when its work is done last."""
    learning.flow(1)
    learning.configure(baseline=baseline)
    learning.configure(features={"amount": FeatureSettings(maximum=9.0)})
    first, second = learning.works
    second()()
    first()()
    assert learning.model().baseline == baseline
    learning.fleet.predict("m", batch_of({"amount": [10.0]}), learning.now)
    assert learning.model().versions[0].quality[0, 3] == 1  # out of the range that came with the second


def test_a_model_that_is_gone_takes_over_nothing() -> None:
    """Its budgets stay as they were given back."""
    elsewhere = Elsewhere(ModelSettings())
    elsewhere.settings = Settings(learn=LEARN)
    elsewhere.fleet.reconfigure(elsewhere.settings, T0)
    elsewhere.flow(12)
    (work,) = elsewhere.works
    elsewhere.works.clear()
    assert elsewhere.fleet.advance(elsewhere.now + 90_000) == ["m"]
    work()()
    assert elsewhere.works == []
    usage = elsewhere.fleet.usage()
    assert (usage["series"], usage["learning_cells"]) == (0, 0)


def test_a_version_begins_to_be_judged_when_the_bets_are_ready(baseline: Baseline) -> None:
    """The first tables take long; until they are there a slot counts and has no verdict."""
    elsewhere = Elsewhere(ModelSettings(baseline=baseline))
    elsewhere.flow(16)
    assert len(elsewhere.works) == 1
    assert elsewhere.model().versions[0].drift == ()
    assert elsewhere.model().versions[0].bins.sum() == 1600
    elsewhere.do_next()()
    elsewhere.flow(16)
    assert elsewhere.works == []
    assert [level.level for level in elsewhere.model().versions[0].drift] == ["page", "ticket"]


def test_the_tables_of_a_season_are_there_when_it_begins(baseline: Baseline, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slot that is the first of its season finds them built, whatever the hour."""
    elsewhere = Elsewhere(ModelSettings(baseline=_with_two_seasons(baseline)))
    elsewhere.flow(1)
    elsewhere.do_next()()
    elsewhere.now = T0 + _NEXT_SEASON - AHEAD_SECONDS - 2
    elsewhere.flow(1)
    assert elsewhere.works == []
    elsewhere.flow(2)
    assert len(elsewhere.works) == 1
    elsewhere.do_next()()
    monkeypatch.setattr(SeasonalTables, "build", _refuse)
    elsewhere.now = T0 + _NEXT_SEASON
    elsewhere.flow(20)
    assert elsewhere.works == []


_NEXT_SEASON = 4 * 3600.0
"""From `T0`, which is eight in the morning, to noon."""


def _with_two_seasons(baseline: Baseline) -> Baseline:
    """A law for the hours before noon and one for those after, both the same."""
    (feature,) = baseline.features
    half = tuple(count // 2 for count in feature.counts)
    return replace(
        baseline,
        features=(replace(feature, seasons=SeasonKind.HOUR_OF_DAY, season_counts=(half, half)),),
        seasons=(Seasons(SeasonKind.HOUR_OF_DAY, (0,) * 12 + (1,) * 12, (1000, 1000)),),
    )


def _refuse(*_: object) -> None:
    raise AssertionError("the writer builds tables")
