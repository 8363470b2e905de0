"""Whether the groups of a segment are treated alike, from batches to what is told."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from batches import T0, batch_of
from model_exporter.batch import Awaited, Joined, Outcome, Scalar
from model_exporter.config.settings import (
    Limits,
    ModelKind,
    ModelSettings,
    Objective,
    OutcomeSettings,
    Segment,
    SegmentSource,
    Settings,
)
from model_exporter.telemetry import Telemetry
from model_exporter.window.delays import Delays
from model_exporter.window.facts import FactsReader
from model_exporter.window.fleet import Fleet
from model_exporter.window.group_performance import GroupPerformance
from model_exporter.window.snapshot import GroupSnapshot, SegmentSnapshot

LATER = T0 + 3600
REGION = Segment("region", SegmentSource.FEATURE, "region")
AGE = Segment("age", SegmentSource.FEATURE, "age", (30.0,))


class World:
    """A fleet with one model and its outcomes."""

    def __init__(
        self,
        kind: ModelKind | None,
        *segments: Segment,
        expected: bool = True,
        objectives: tuple[Objective, ...] = (),
    ) -> None:
        self.telemetry = Telemetry()
        outcome = OutcomeSettings(expected=expected)
        self.model = ModelSettings(kind=kind, outcome=outcome, segments=segments, objectives=objectives)
        self.now = T0
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
        return self.fleet.predict("m", batch_of(inputs, {"prediction": predicted}, ids=ids), self.now)

    def later(self, seconds: float = 15.0) -> None:
        """Let time pass, a slot of it."""
        self.now += seconds

    def realise(self, awaited: Sequence[Awaited], actual: Sequence[Scalar], corrects: Scalar = None) -> None:
        """Their outcomes, which may all replace the same earlier one."""
        earlier = None if corrects is None else Outcome("m", "p", None, corrects)
        joined = [
            Joined("m", one, Outcome("m", one.prediction_id, None, value), earlier, 1.0)
            for one, value in zip(awaited, actual, strict=True)
        ]
        self.fleet.realise(joined, T0)

    def segments(self) -> tuple[SegmentSnapshot, ...]:
        """What groups tell when all truth has had time to arrive, or in a later slot."""
        now = LATER if self.now == T0 else self.now
        self.fleet.advance(now)
        (model,) = self.fleet.snapshot(now).models
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


def test_an_unknown_kind_is_told_by_the_first_outcome() -> None:
    """Until then groups have their traffic alone; then a classifier has rates, and a regression errors."""
    world = World(None, REGION)
    awaited = world.predict(["a"] * 200, [True] * 200)
    (segment,) = world.segments()
    assert segment.windows == ()
    assert segment.groups == (GroupSnapshot("a", 200),)
    world.realise(awaited, [True, False] * 100)
    (segment,) = world.segments()
    assert measures(segment)["accuracy", "a"] == 0.5
    assert groups(segment)["a"].confusion == (100, 0, 100, 0)
    numbers = World(None, REGION)
    numbers.realise(numbers.predict(["a"] * 200, [1.5] * 200), [2.5] * 200)
    (segment,) = numbers.segments()
    assert measures(segment) == {("mae", "a"): 1}


def test_groups_are_counted_without_outcomes() -> None:
    """Traffic and the selection rate need none, and nothing waits for one."""
    world = World(ModelKind.CLASSIFICATION, REGION, expected=False)
    assert world.predict(["a"] * 200 + ["b"] * 100, [True] * 200 + [False] * 100) == []
    (segment,) = world.segments()
    assert {name: (one.predictions, one.positives) for name, one in groups(segment).items()} == {
        "a": (200, 200), "b": (100, 0),
    }  # fmt: skip
    assert measures(segment)["selection_rate", "a"] == 1


def test_a_gap_over_the_objective_alarms_and_names_both_groups() -> None:
    """A gap of .2 is over .05 and names the pair and the group furthest from the rest; one of .2 is not over .3."""
    for objective, expected in (((), True), ((Objective("fairness_gap", 0.3),), False)):
        world = World(ModelKind.CLASSIFICATION, REGION, objectives=objective)
        regions = ["north", "south"] * 2000
        called = [row % 20 < (10 if region == "north" else 6) for row, region in enumerate(regions)]
        world.predict(regions, called)
        (segment,) = world.segments()
        assert dict(segment.detected) == {"selection_rate": expected}
        assert [(one.metric, one.group, one.other, round(one.value, 3)) for one in segment.alarms] == [
            ("selection_rate", "north", "south", 0.2)
        ] * expected
        assert {one.metric for one in segment.worst} == {"selection_rate"} & {"selection_rate" * expected}


def test_another_objective_keeps_what_was_counted() -> None:
    """After a reload with a larger one the alarm ends at the next look, and the groups' counters go on."""
    world = World(ModelKind.CLASSIFICATION, REGION)
    world.predict(["a", "b"] * 2000, [True, False] * 1000 + [True, True] * 1000)
    (segment,) = world.segments()
    assert dict(segment.detected) == {"selection_rate": True}
    larger = replace(world.model, objectives=(Objective("fairness_gap", 0.6),))
    world.fleet.reconfigure(world.settings(larger), LATER)
    world.later(7200.0)
    world.predict(["a"], [True])
    (segment,) = world.segments()
    assert dict(segment.detected) == {"selection_rate": False}
    assert groups(segment)["a"].predictions == 2001


def test_an_alarm_on_errors_is_relative() -> None:
    """Twice the error is far over a twentieth of the mean error, whatever the unit."""
    for unit in (1e-3, 1e6):
        world = World(ModelKind.REGRESSION, REGION)
        errors = np.random.default_rng(1).normal(0, unit, 4000) * np.tile([1, 2], 2000)
        world.realise(world.predict(["a", "b"] * 2000, [0.0] * 4000), errors.tolist())
        (segment,) = world.segments()
        assert [(one.metric, one.group, one.other) for one in segment.alarms] == [("mae", "b", "a")]


def test_an_alarm_stands_until_the_gap_is_within_the_objective() -> None:
    """It ends when enough later predictions have closed the gap."""
    world = World(ModelKind.CLASSIFICATION, REGION)
    world.predict(["a", "b"] * 2000, [True, False] * 1000 + [True, True] * 1000)
    (segment,) = world.segments()
    assert dict(segment.detected) == {"selection_rate": True}
    world.later(7200.0)
    world.predict(["a", "b"] * 9000, [True, True] * 9000)
    (segment,) = world.segments()
    assert segment.windows[1].gaps[0].value > 0
    assert [round(one.value, 3) for one in segment.alarms] == [0.091]
    world.later(7200.0)
    world.predict(["a", "b"] * 10_000, [True, True] * 10_000)
    (segment,) = world.segments()
    assert dict(segment.detected) == {"selection_rate": False}


@pytest.mark.slow
def test_gaps_are_found_at_the_sizes_that_power_predicts() -> None:
    """15.7 p (1 - p) / g^2 = 353 rows of each group, p (1 - p) between .3 and .4: found in about 80 % of 150 runs."""
    random = np.random.default_rng(7)
    found = 0
    for _ in range(150):
        world = World(ModelKind.CLASSIFICATION, REGION)
        regions = ["a", "b"] * 353
        world.predict(regions, (random.random(706) < np.tile([0.3, 0.4], 353)).tolist())
        (segment,) = world.segments()
        found += any(gap.metric == "selection_rate" and gap.lower > 0 for gap in segment.windows[1].gaps)
    assert 0.7 <= found / 150 <= 0.9


@pytest.mark.slow
def test_no_gap_is_claimed_over_250_looks_where_there_is_none() -> None:
    """Of 20 models with three alike groups and 250 looks, at most 3 alarm even without any tolerance.

    With the usual one none does; of 4 with a gap of .1 all do.
    """
    random = np.random.default_rng(8)
    cases = ((0.0, 1e-9, 20, 0, 3), (0.0, 0.05, 4, 0, 0), (0.1, 1e-9, 4, 4, 4))
    for gap, objective, runs, at_least, at_most in cases:
        alarmed = 0
        for _ in range(runs):
            settings = ModelSettings(
                kind=ModelKind.CLASSIFICATION, segments=(REGION,), objectives=(Objective("fairness_gap", objective),)
            )
            reader = FactsReader(settings)
            told = GroupPerformance(settings, reader.segments, limit=3, delays=Delays(), now=T0)
            for look in range(250):
                now = T0 + 15.0 * look
                regions = np.tile(["a", "b", "c"], 20)
                called = (random.random(60) < 0.3 + gap * (regions == "a")).tolist()
                batch = batch_of({"region": regions.tolist()}, {"prediction": called}, times=[now] * 60)
                grouped = reader.segments.groups(batch)
                told.expect(grouped, reader.calls(batch, np.arange(60)))
                told.advance(now + 15.0, is_binary=True)
                (segment,) = told.snapshot(now + 15.0, is_binary=True)
                if dict(segment.detected).get("selection_rate"):
                    alarmed += 1
                    break
        assert at_least <= alarmed <= at_most


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
