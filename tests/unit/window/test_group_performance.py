"""Whether the groups of a segment are treated alike, from batches to what is told."""

from collections.abc import Sequence

import numpy as np
import pytest

from batches import T0, batch_of
from model_exporter.batch import Awaited, Joined, Outcome, Scalar
from model_exporter.config.settings import (
    Limits,
    ModelKind,
    ModelSettings,
    OutcomeSettings,
    Segment,
    SegmentSource,
    Settings,
)
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.snapshot import GroupSnapshot, SegmentSnapshot

LATER = T0 + 3600
REGION = Segment("region", SegmentSource.FEATURE, "region")
AGE = Segment("age", SegmentSource.FEATURE, "age", (30.0,))


class World:
    """A fleet with one model and its outcomes."""

    def __init__(self, kind: ModelKind | None, *segments: Segment, positive: str | None = None) -> None:
        self.telemetry = Telemetry()
        outcome = OutcomeSettings(expected=True, positive=positive)
        self.model = ModelSettings(kind=kind, outcome=outcome, segments=segments)
        self.fleet = Fleet(
            self.settings(self.model), learned={}, recorder=self.telemetry, notify=lambda _: None, now=T0
        )
        self.made = 0

    def settings(self, model: ModelSettings) -> Settings:
        """A configuration with few groups."""
        return Settings(models={"m": model}, limits=Limits(groups_per_segment=3))

    def predict(
        self, regions: Sequence[object], predicted: Sequence[Scalar], ages: Sequence[object] | None = None
    ) -> list[Awaited]:
        """Predictions with ids."""
        ids = [f"p{self.made + row}" for row in range(len(regions))]
        self.made += len(ids)
        inputs = {"region": regions, "age": ages or [40.0] * len(ids)}
        return self.fleet.predict("m", batch_of(inputs, {"prediction": predicted}, ids=ids), T0)

    def realise(self, awaited: Sequence[Awaited], actual: Sequence[Scalar], corrects: Scalar = None) -> None:
        """Their outcomes, which may all replace the same earlier one."""
        earlier = None if corrects is None else Outcome("m", "p", None, corrects)
        joined = [
            Joined("m", one, Outcome("m", one.prediction_id, None, value), earlier, 1.0)
            for one, value in zip(awaited, actual, strict=True)
        ]
        self.fleet.realise(joined, T0)

    def segments(self) -> tuple[SegmentSnapshot, ...]:
        """What groups tell when all truth has had time to arrive."""
        self.fleet.advance(LATER)
        (model,) = self.fleet.snapshot(LATER).models
        assert model.truth
        (told,) = model.truth.performance
        return told.segments


def groups(segment: SegmentSnapshot) -> dict[str, GroupSnapshot]:
    """By name."""
    return {group.group: group for group in segment.groups}


def measures(segment: SegmentSnapshot, window: str = "1d") -> dict[tuple[str, str], float]:
    """By metric and group."""
    (found,) = (one for one in segment.windows if one.name == window)
    return {(measure.metric, measure.label): measure.value for measure in found.measures}


def test_rates_are_those_of_each_group() -> None:
    """Traffic, positives, confusion and rates against a plain recount, and the largest gap with its bounds."""
    random = np.random.default_rng(5)
    world = World(ModelKind.CLASSIFICATION, REGION)
    regions = np.array(["north", "south"])[random.integers(0, 2, 2000)]
    actual = random.uniform(size=2000) < 0.4
    called = random.uniform(size=2000) < np.where(regions == "north", 0.5, 0.3)
    world.realise(world.predict(regions.tolist(), called.tolist()), actual.tolist())
    (segment,) = world.segments()
    told, found = groups(segment), measures(segment)
    assert set(told) == {"north", "south"}
    for name, group in told.items():
        mine = regions == name
        assert group.predictions == mine.sum()
        assert group.positives == called[mine].sum()
        assert group.confusion == (
            (actual & called)[mine].sum(),
            (actual & ~called)[mine].sum(),
            (~actual & called)[mine].sum(),
            (~actual & ~called)[mine].sum(),
        )
        assert found["selection_rate", name] == pytest.approx(called[mine].mean())
        assert found["true_positive_rate", name] == pytest.approx(called[mine & actual].mean())
        assert found["accuracy", name] == pytest.approx((called == actual)[mine].mean())
    (gap,) = (gap for gap in segment.windows[1].gaps if gap.metric == "selection_rate")
    assert (gap.group, gap.other) == ("north", "south")
    assert 0 < gap.lower < gap.value < gap.upper


def test_errors_are_those_of_each_group() -> None:
    """The mean absolute error of a regression by group, and its sums."""
    world = World(ModelKind.REGRESSION, REGION)
    awaited = world.predict(["a"] * 200 + ["b"] * 200, [1.0] * 400)
    world.realise(awaited, [2.0] * 200 + [4.0] * 200)
    (segment,) = world.segments()
    assert measures(segment) == {("mae", "a"): 1, ("mae", "b"): 3}
    assert [(group.outcomes, group.absolute_error) for group in segment.groups] == [(200, 200), (200, 600)]


def test_segments_do_not_mix() -> None:
    """Each segment has its own sums, also one of ranges; a row without a group is in none of them."""
    world = World(ModelKind.CLASSIFICATION, REGION, AGE)
    regions: list[object] = ["a"] * 150 + [None] * 150
    awaited = world.predict(regions, [True] * 300, [20.0] * 100 + [50.0] * 200)
    world.realise(awaited, [True] * 300)
    region, age = world.segments()
    assert {name: group.predictions for name, group in groups(region).items()} == {"a": 150}
    assert {name: group.predictions for name, group in groups(age).items()} == {"<30": 100, ">=30": 200}
    assert measures(region)["accuracy", "a"] == 1
    assert measures(age)["selection_rate", ">=30"] == 1


def test_windows_follow_corrections_by_group() -> None:
    """What was right by the first outcome and wrong by the last is wrong in the window, and right in the counter."""
    world = World(ModelKind.CLASSIFICATION, REGION)
    awaited = world.predict(["a"] * 200, [True] * 200)
    world.realise(awaited, [True] * 200)
    world.realise(awaited[:50], [False] * 50, corrects=True)
    (segment,) = world.segments()
    assert measures(segment)["accuracy", "a"] == pytest.approx(0.75)
    assert groups(segment)["a"].confusion == (200, 0, 0, 0)


def test_classes_without_a_positive_one_have_their_accuracy() -> None:
    """Two wrong classes are not right because neither is positive."""
    world = World(ModelKind.CLASSIFICATION, REGION)
    awaited = world.predict(["a"] * 200, ["cat", "dog"] * 100)
    world.realise(awaited, ["cat", "cow"] * 100)
    (segment,) = world.segments()
    assert measures(segment) == {("accuracy", "a"): 0.5}
    assert groups(segment)["a"] == GroupSnapshot("a", 200)


def test_small_groups_are_not_shown() -> None:
    """A rate over few people would tell of them; their traffic is counted."""
    world = World(ModelKind.CLASSIFICATION, REGION)
    world.realise(world.predict(["a"] * 99, [True] * 99), [True] * 99)
    (segment,) = world.segments()
    assert measures(segment) == {}
    assert groups(segment)["a"].predictions == 99


def test_groups_beyond_the_limit_share_a_name() -> None:
    """They are counted together, and as hits of the limit."""
    world = World(ModelKind.CLASSIFICATION, REGION)
    world.predict([f"r{row % 5}" for row in range(100)], [True] * 100)
    (segment,) = world.segments()
    assert {name: group.predictions for name, group in groups(segment).items()} == {
        "r0": 20, "r1": 20, "r2": 20, "_other": 40,
    }  # fmt: skip
    assert world.telemetry.read().counters["model_exporter_limit_hits_total", ("groups_per_segment",)] == 40


def test_an_unknown_kind_has_traffic_alone() -> None:
    """Of a model whose kind nobody tells, groups have no rates yet."""
    world = World(None, REGION)
    world.realise(world.predict(["a"] * 200, [True] * 200), [True] * 200)
    (segment,) = world.segments()
    assert segment.windows == ()
    assert segment.groups == (GroupSnapshot("a", 200),)


def test_other_segments_begin_anew() -> None:
    """Facts that wait since before a reload belong to no group of the new segments."""
    world = World(ModelKind.CLASSIFICATION, REGION)
    awaited = world.predict(["a"] * 200, [True] * 200)
    age = ModelSettings(kind=ModelKind.CLASSIFICATION, outcome=world.model.outcome, segments=(AGE,))
    world.fleet.reconfigure(world.settings(age), T0)
    world.realise(awaited, [True] * 200)
    (segment,) = world.segments()
    assert segment.name == "age"
    assert measures(segment) == {}
