"""What a restart finds again of performance, and what it lets go."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from msgspec.structs import replace as edit

from batches import T0, batch_of
from model_exporter.batch import Awaited, Joined, Outcome
from model_exporter.config.settings import (
    Limits,
    ModelKind,
    ModelSettings,
    OutcomeSettings,
    Segment,
    SegmentSource,
    Settings,
)
from model_exporter.journal.frame import pack, unpack
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.kept import KeptVersion
from model_exporter.window.kept_performance import KeptPerformance
from model_exporter.window.notices import Notice, PerformanceDropped
from model_exporter.window.snapshot import PerformanceSnapshot, SegmentSnapshot

LATER = T0 + 3600
REGION = Segment("region", SegmentSource.FEATURE, "region")
AGE = Segment("age", SegmentSource.FEATURE, "age", (30.0,))
MODEL = ModelSettings(
    kind=ModelKind.CLASSIFICATION,
    outcome=OutcomeSettings(expected=True, positive="1"),
    segments=(REGION, AGE),
)
ROWS = 450


class Run:
    """A fleet with one model."""

    def __init__(self, model: ModelSettings = MODEL, *, groups: int = 3, series: int = 100_000) -> None:
        self.notices: list[Notice] = []
        limits = Limits(groups_per_segment=groups, series=series)
        self.telemetry = Telemetry()
        self.fleet = Fleet(
            Settings(models={"m": model}, limits=limits),
            learned={},
            recorder=self.telemetry,
            notify=self.notices.append,
            now=T0,
        )

    def predict(self, version: str, seed: int, regions: tuple[str, ...]) -> list[Awaited]:
        """Predictions of random classes for random people."""
        random = np.random.default_rng(seed)
        inputs = {"region": random.choice(regions, ROWS).tolist(), "age": random.uniform(18, 50, ROWS).tolist()}
        answers = random.integers(0, 2, ROWS).astype(bool).tolist()
        ids = [f"{seed}-{row}" for row in range(ROWS)]
        return self.fleet.predict("m", batch_of(inputs, {"prediction": answers}, ids=ids, version=version), T0)

    def realise(self, awaited: list[Awaited], *, now: float = T0 + 30) -> None:
        """Outcomes of which half are true."""
        outcomes = [Outcome("m", one.prediction_id, None, value=i % 2 == 0) for i, one in enumerate(awaited)]
        pairs = zip(awaited, outcomes, strict=True)
        self.fleet.realise([Joined("m", one, outcome, None, 1.0) for one, outcome in pairs], now)

    def restore(self, kept: tuple[KeptVersion, ...]) -> None:
        """Go on from `kept`, by way of its bytes."""
        self.fleet.restore(unpack(pack(kept)), admit=lambda _: True, now=T0 + 60)

    def told(self) -> dict[str, PerformanceSnapshot]:
        """Performance by version, when all truth has had time to arrive."""
        self.fleet.advance(LATER)
        (model,) = self.fleet.snapshot(LATER).models
        assert model.truth
        return {one.version: one for one in model.truth.performance}

    @property
    def dropped(self) -> list[str]:
        """Versions whose performance began anew, as told."""
        return [notice.version for notice in self.notices if isinstance(notice, PerformanceDropped)]


def stopped() -> Run:
    """A run with two versions whose groups came in another order."""
    run = Run()
    for version, seed, regions in (("1", 1, ("north", "south")), ("2", 2, ("east", "west", "south"))):
        run.realise(run.predict(version, seed, regions))
    return run


def told_by(segments: tuple[SegmentSnapshot, ...]) -> set[object]:
    """Measures and gaps of the day by segment, whatever the order of groups."""
    return {
        (segment.name, told)
        for segment in segments
        for window in segment.windows
        if window.name == "1d"
        for told in (*window.measures, *window.gaps)
    }


def selected(told: PerformanceSnapshot) -> dict[str, float]:
    """Predictions of the day by region."""
    (region, _) = told.segments
    (day,) = (window for window in region.windows if window.name == "1d")
    return {measure.label: measure.count for measure in day.measures if measure.metric == "selection_rate"}


def test_windows_and_groups_are_as_they_were() -> None:
    """Those of two versions, whose groups came in another order, by way of the checkpoint's bytes."""
    before, after = stopped(), Run()
    after.restore(before.fleet.checkpoint())
    shown = after.told()
    for version, told in before.told().items():
        assert shown[version].windows == told.windows
        assert told_by(shown[version].segments) == told_by(told.segments)
        assert shown[version].lag == told.lag
    assert len(told_by(shown["2"].segments)) > 20
    assert after.dropped == []


def test_counts_of_groups_begin_at_zero() -> None:
    """They are counters; but every group that was known has them from the start on."""
    after = Run()
    after.restore(stopped().fleet.checkpoint())
    (region, age) = after.told()["1"].segments
    assert {group.group: group.predictions for group in region.groups} == {"north": 0, "south": 0}
    assert {group.positives for group in (*region.groups, *age.groups)} == {0.0}


def test_groups_find_their_place_among_others() -> None:
    """Sums are by name: codes of another run mean nothing here."""
    before, after = Run(groups=10), Run(groups=10)
    before.realise(before.predict("1", 1, ("north", "south", "east")))
    after.realise(after.predict("3", 3, ("east", "north")))
    after.restore(before.fleet.checkpoint())
    assert told_by(after.told()["1"].segments) == told_by(before.told()["1"].segments)


def test_groups_of_a_model_whose_kind_its_outcomes_told() -> None:
    """Without a configured kind the plan that was kept says whether groups have rates or errors."""
    model = replace(MODEL, kind=None)
    before, after = Run(model), Run(model)
    before.realise(before.predict("1", 1, ("north", "south")))
    before.realise(before.predict("1", 2, ("north", "south")))
    after.restore(before.fleet.checkpoint())
    assert told_by(after.told()["1"].segments) == told_by(before.told()["1"].segments) != set()
    assert after.dropped == []


def test_groups_without_room_are_added_up() -> None:
    """With a lower limit the last groups share `_other`, and no prediction is lost."""
    before, after = Run(groups=3), Run(groups=2)
    before.realise(before.predict("1", 1, ("north", "south", "east")))
    after.restore(before.fleet.checkpoint())
    had, has = selected(before.told()["1"]), selected(after.told()["1"])
    assert (len(had), len(has)) == (3, 3)
    assert sum(has.values()) == sum(had.values()) == ROWS
    assert "_other" in has


@pytest.mark.parametrize(
    "model",
    [
        replace(MODEL, outcome=replace(MODEL.outcome, positive="0")),
        replace(MODEL, outcome=replace(MODEL.outcome, wait_seconds=86_400.0)),
        replace(MODEL, kind=ModelKind.REGRESSION),
        replace(MODEL, segments=(AGE, REGION)),
    ],
    ids=["positive class", "wait", "kind", "segments"],
)
def test_sums_of_something_else_are_let_go_and_told(model: ModelSettings) -> None:
    """What outcomes or groups meant before is not added to what they mean now; the version itself goes on."""
    after = Run(model)
    after.restore(stopped().fleet.checkpoint())
    assert after.told() == {}
    assert sorted(after.dropped) == ["1", "2"]
    (snapshot,) = after.fleet.snapshot(LATER).models
    assert len(snapshot.versions) == 2


def test_a_run_without_room_for_its_series_lets_it_go() -> None:
    """The limit is hit and told; that is not a matter of what was kept."""
    after = Run(series=200)
    after.restore(stopped().fleet.checkpoint())
    assert after.told() == {}
    assert after.dropped == []
    assert after.telemetry.read().counters["model_exporter_limit_hits_total", ("series",)] > 0


DAMAGES: dict[str, Callable[[KeptPerformance], bytes]] = {
    "a cut": lambda kept: kept.encode()[:-1],
    "something else": lambda _: b"\x00",
    "no plan": lambda kept: edit(kept, plan=None).encode(),
    "no such kind": lambda kept: edit(kept, plan=kept.plan and edit(kept.plan, kind="magic")).encode(),
    "another class": lambda kept: edit(kept, plan=kept.plan and edit(kept.plan, classes=(b"0", b"1", b"2"))).encode(),
    "facts of another release": lambda kept: edit(
        kept, early=tuple(edit(pair, facts=b"?") for pair in kept.early or ())
    ).encode(),
    "other delays": lambda kept: edit(kept, delays=edit(kept.delays, faded=kept.cohorts.sums)).encode(),
    "another number of segments": lambda kept: edit(
        kept, groups=kept.groups and edit(kept.groups, sizes=(3,))
    ).encode(),
    "too many groups": lambda kept: edit(kept, groups=kept.groups and edit(kept.groups, sizes=(1, 2))).encode(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_sums_are_let_go_and_told(damage: str) -> None:
    """They begin anew for that version alone, which then counts as if it had kept nothing."""
    one, two = sorted(stopped().fleet.checkpoint(), key=lambda kept: kept.version)
    damaged = DAMAGES[damage](KeptPerformance.decode(one.sums))
    after = Run()
    after.restore((replace(one, sums=damaged), two))
    assert after.dropped == ["1"]
    assert set(after.told()) == {"2"}
    awaited = after.predict("1", 5, ("north",))
    after.realise(awaited, now=LATER)
    assert after.told()["1"].joined == ROWS
