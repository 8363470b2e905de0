"""Business indicators, from batches and outcomes to what is told."""

from collections.abc import Sequence
from dataclasses import replace
from math import isnan

import numpy as np
import pytest

from batches import T0, batch_of
from model_exporter.batch import Awaited, Joined, Outcome, Scalar
from model_exporter.config.settings import Drift, DriftLevel, Learn, ModelKind, ModelSettings, OutcomeSettings, Settings
from model_exporter.indicators import Form, Indicator, parse
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.snapshot import IndicatorSnapshot, IndicatorWindow, ModelSnapshot

LATER = T0 + 3600
APPROVAL = Indicator("approval", Form.RATIO, parse("prediction == approve"))
AMOUNT = Indicator("amount", Form.MEAN, parse("feature.amount"))
MARGIN = Indicator("margin", Form.SUM, parse("feature.amount - 50"))
LOSS = Indicator("loss", Form.SUM, parse("value.loss * (prediction == approve)"))
LOST = Indicator("lost", Form.RATIO, parse("value.loss"), parse("feature.amount"))
FRAUD = Indicator("fraud", Form.RATIO, parse("outcome == fraud"))


class World:
    """A fleet with one model and its indicators."""

    def __init__(self, *indicators: Indicator, expected: bool = True, learn: Learn | None = None) -> None:
        self.model = ModelSettings(
            kind=ModelKind.CLASSIFICATION,
            outcome=OutcomeSettings(expected=expected),
            business=indicators,
            learn=learn or Learn(),
        )
        settings = Settings(models={"m": self.model})
        self.fleet = Fleet(settings, learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)
        self.made = 0
        self.now = T0

    def predict(
        self, amounts: Sequence[object], predicted: Sequence[Scalar], errors: Sequence[str] = ()
    ) -> list[Awaited]:
        """Predictions with ids."""
        ids = [f"p{self.made + row}" for row in range(len(amounts))]
        self.made += len(ids)
        batch = batch_of({"amount": amounts}, {"prediction": predicted}, ids=ids, errors=errors)
        return self.fleet.predict("m", batch, T0)

    def realise(
        self,
        awaited: Sequence[Awaited],
        outcomes: Sequence[Outcome],
        *,
        corrects: Sequence[Outcome] | None = None,
        rate: float = 1.0,
    ) -> None:
        """Their outcomes."""
        earlier: Sequence[Outcome | None] = corrects or [None] * len(awaited)
        rows = zip(awaited, outcomes, earlier, strict=True)
        self.fleet.realise([Joined("m", one, told, before, rate) for one, told, before in rows], T0)

    def snapshot(self) -> ModelSnapshot:
        """The model when all truth has had time to arrive."""
        self.fleet.advance(LATER)
        (model,) = self.fleet.snapshot(LATER).models
        return model

    def told(self) -> dict[str, IndicatorSnapshot]:
        """What the indicators tell, by name."""
        truth = self.snapshot().truth
        assert truth
        (told,) = truth.performance
        return {one.name: one for one in told.business}


def outcome_of(value: Scalar = None, **values: float) -> Outcome:
    """An outcome with business values."""
    return Outcome("m", "p", None, value, tuple(values.items()))


def day(told: IndicatorSnapshot) -> IndicatorWindow:
    """What the window of a day tells."""
    (found,) = (window for window in told.windows if window.name == "1d")
    return found


def test_what_predictions_tell_is_counted_as_they_come() -> None:
    """A share with Wilson's bounds, a mean with bounds, a sum without, against a plain recount, without outcomes."""
    world = World(APPROVAL, AMOUNT, MARGIN, expected=False)
    amounts = np.random.default_rng(1).gamma(2, 30, 400)
    assert world.predict(amounts.tolist(), ["approve", "deny", "deny", "deny"] * 100) == []
    told = world.told()
    approval, amount, margin = (told[name] for name in ("approval", "amount", "margin"))
    assert (approval.value, approval.events, day(approval).value) == (100, 400, 0.25)
    assert (day(approval).lower, day(approval).upper) == pytest.approx((0.2101, 0.2946), abs=1e-4)
    assert day(amount).value == pytest.approx(amounts.mean())
    reach = 1.96 * amounts.std() / 20
    assert day(amount).upper - day(amount).value == pytest.approx(reach, rel=0.01)
    assert day(margin).value == pytest.approx((amounts - 50).sum())
    assert isnan(day(margin).lower)
    assert margin.value == pytest.approx(np.maximum(amounts - 50, 0).sum())
    assert margin.negative_value == pytest.approx(np.maximum(50 - amounts, 0).sum())


def test_what_outcomes_tell_is_counted_when_they_come() -> None:
    """Fields of the prediction, the outcome and its values stand in one expression; values alone are enough."""
    world = World(LOSS, LOST, FRAUD)
    awaited = world.predict([100.0] * 200, ["approve", "deny"] * 100)
    told = [outcome_of("fraud" if row < 50 else "ok", loss=10.0) for row in range(100)]
    world.realise(awaited, told + [outcome_of(loss=20.0)] * 100)
    found = world.told()
    assert found["loss"].value == 50 * 10 + 50 * 20
    assert day(found["lost"]).value == pytest.approx(0.15)
    assert (found["fraud"].value, found["fraud"].events, day(found["fraud"]).value) == (50, 100, 0.5)


def test_windows_follow_corrections_and_counters_the_first_outcome() -> None:
    """A value told later for the first time is counted; a changed one moves the window alone."""
    world = World(LOSS, FRAUD)
    awaited = world.predict([100.0] * 100, ["approve"] * 100)
    first = [outcome_of("fraud", loss=10.0)] * 50 + [outcome_of("fraud")] * 50
    world.realise(awaited, first)
    world.realise(awaited, [outcome_of("ok", loss=30.0)] * 100, corrects=first)
    found = world.told()
    assert (found["fraud"].value, day(found["fraud"]).value) == (100, 0)
    assert (found["loss"].value, day(found["loss"]).value) == (50 * 10 + 50 * 30, 3000)


def test_a_sample_stands_for_all() -> None:
    """At a rate of a quarter 25 outcomes count as 100, but the bounds know that they are 25."""
    world = World(FRAUD)
    awaited = world.predict([1.0] * 60, ["approve"] * 60)
    world.realise(awaited, [outcome_of("fraud"), outcome_of("ok")] * 30, rate=0.25)
    told = world.told()["fraud"]
    assert (told.value, told.events) == (120, 240)
    assert (day(told).lower, day(told).upper) == pytest.approx((0.3774, 0.6226), abs=1e-4)


def test_nothing_is_told_of_too_few() -> None:
    """A share of 29 rows and a mean of 99 have no window; the counters go on."""
    world = World(APPROVAL, AMOUNT, expected=False)
    world.predict([None] * 29, ["approve"] * 29)
    told = world.told()
    assert (told["approval"].value, told["approval"].windows, told["amount"].windows) == (29, (), ())
    world.predict([1.0] * 99, [None] * 99)
    assert world.told()["amount"].windows == ()


def test_failed_predictions_tell_nothing() -> None:
    """What failed was no decision."""
    world = World(APPROVAL, expected=False)
    world.predict([1.0, 1.0], ["approve", "approve"], errors=["timeout", ""])
    assert world.told()["approval"].events == 1


def test_other_indicators_begin_anew() -> None:
    """What waits since before a reload holds other fields, and is not taken for those that are read now."""
    world = World(LOST)
    awaited = world.predict([100.0] * 100, ["approve"] * 100)
    score = Indicator("lost", Form.RATIO, parse("value.loss"), parse("score"))
    model = ModelSettings(kind=ModelKind.CLASSIFICATION, outcome=world.model.outcome, business=(score, FRAUD))
    world.fleet.reconfigure(Settings(models={"m": model}), T0)
    world.realise(awaited, [outcome_of("ok", loss=10.0)] * 100)
    found = world.told()
    assert (found["lost"].value, found["fraud"].events) == (0, 100)


def test_an_indicator_is_a_signal_among_the_others() -> None:
    """When approvals fall from a half to a quarter after hours of usual traffic, the anomaly names the indicator."""
    world = World(APPROVAL, expected=False)
    random = np.random.default_rng(3)

    def slot(number: int, share: float) -> None:
        rows = int(random.poisson(200))
        batch = batch_of({}, {"prediction": np.where(random.random(rows) < share, "approve", "deny").tolist()})
        world.fleet.predict("m", batch, T0 + 15 * number)
        world.fleet.advance(T0 + 15 * (number + 1))

    for number in range(400):
        slot(number, 0.5)
    usual = world.fleet.snapshot(T0 + 6000).models[0].versions[0].anomaly
    assert usual
    assert usual.evidence < 0
    for number in range(400, 410):
        slot(number, 0.25)
    odd = world.fleet.snapshot(T0 + 6150).models[0].versions[0].anomaly
    assert odd
    assert odd.evidence > 0
    assert odd.signals[-1] == "business:approval"
    assert odd.contributions[-1] < -0.8


def detected(world: World, share: float, *, slots: int) -> list[bool]:
    """Whether the page's alarm is on after each of so many slots of 300 predictions, so many of them approved."""
    random = np.random.default_rng(4)
    found = []
    for _ in range(slots):
        batch = batch_of({}, {"prediction": np.where(random.random(300) < share, "approve", "deny").tolist()})
        world.fleet.predict("m", batch, world.now)
        world.now += 15
        world.fleet.advance(world.now)
        (told,) = world.fleet.snapshot(world.now).models[0].truth.performance  # type: ignore[union-attr]  # it is there
        found += [verdict.detected for verdict in told.business[0].verdicts if verdict.level == "page"]
    return found


def test_a_share_that_moves_is_told_by_its_evidence() -> None:
    """From .5 to .3, which has a divergence of .16: within 2000 predictions of the change, and not before."""
    world = World(APPROVAL, expected=False, learn=Learn(rows=10_000, stable_for_seconds=60.0))
    assert detected(world, 0.5, slots=34) == []
    assert not any(detected(world, 0.5, slots=100))
    assert detected(world, 0.3, slots=7)[-1]
    world.fleet.reconfigure(
        Settings(models={"m": replace(world.model, drift=Drift(page=DriftLevel(1e9, 0.25)))}), world.now
    )
    assert not any(detected(world, 0.3, slots=20))
