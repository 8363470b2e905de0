"""Verdicts of drift, from batches to snapshots."""

import numpy as np
import pytest

from batches import T0, baseline_of, batch_of
from model_exporter.config.settings import Drift, DriftLevel, FeatureSettings, ModelSettings, Settings
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.snapshot import LEVELS, SHAPES, DriftSnapshot, VersionSnapshot

RNG = np.random.default_rng(5)
BASELINE = baseline_of(
    {
        "amount": RNG.normal(size=20_000).tolist(),
        "age": RNG.normal(size=20_000).tolist(),
        "country": RNG.choice(["DE", "FR", "IT"], 20_000).tolist(),
    }
)


def fleet(settings: Settings | None = None) -> Fleet:
    """A fleet that compares model `m` with the baseline."""
    return Fleet(settings or Settings(), learned={"m": BASELINE}, recorder=Telemetry(), notify=lambda _: None, now=T0)


def feed(target: Fleet, slots: int, *, start: float = T0, rows: int = 100, shift: float = 0.0) -> float:
    """A batch each slot whose `amount` is shifted; returns the time after the last."""
    random = np.random.default_rng(int(start) + slots)
    for slot in range(slots):
        now = start + slot * 15.0
        amounts = random.normal(loc=shift, size=rows).tolist()
        ages = random.normal(size=rows).tolist()
        countries = random.choice(["DE", "FR", "IT"], rows).tolist()
        target.predict("m", batch_of({"amount": amounts, "age": ages, "country": countries}), now)
        target.advance(now)
    return start + slots * 15.0


def version(target: Fleet, now: float) -> VersionSnapshot:
    """The only version as of `now`."""
    target.advance(now)
    return target.snapshot(now).models[0].versions[0]


def level(frozen: VersionSnapshot, name: str) -> DriftSnapshot:
    """The verdict at one level."""
    return frozen.drift[LEVELS.index(name)]


def test_there_is_no_verdict_before_a_slot_is_over() -> None:
    """An open slot is not judged: absence, not zero."""
    target = fleet()
    feed(target, 1)
    assert version(target, T0 + 1).drift == ()
    assert len(version(target, T0 + 16).drift) == len(LEVELS)


def test_a_shift_is_detected_named_and_dated() -> None:
    """Half a standard deviation in one of three features: both levels alarm, name it, tell its shape and its start."""
    target = fleet()
    began = feed(target, 40)
    before = version(target, began)
    assert not any(drift.detected for drift in before.drift)
    now = feed(target, 20, start=began, shift=0.5)
    for name in LEVELS:
        drift = level(version(target, now), name)
        assert drift.detected, name
        assert drift.feature_detected.tolist() == [True, False, False]
        assert drift.log_evidence >= 0
        assert drift.onset == pytest.approx(began, abs=75)
        assert SHAPES[int(np.argmax(drift.shares[0]))] == "up"


def test_an_alarm_ends_when_the_shift_does() -> None:
    """After the traffic is back to normal the alarm clears by itself."""
    target = fleet()
    now = feed(target, 20, shift=0.5)
    assert level(version(target, now), "page").detected
    now = feed(target, 100, start=now)
    assert not level(version(target, now), "page").detected


def test_no_traffic_changes_no_evidence() -> None:
    """An idle hour is neither evidence for drift nor against it."""
    target = fleet()
    now = feed(target, 10)
    before = version(target, now).drift
    after = version(target, now + 3600).drift
    assert [drift.log_evidence for drift in before] == [drift.log_evidence for drift in after]


def test_a_tolerance_is_an_effect_that_does_not_matter() -> None:
    """A shift within the configured tolerance is never told, however much data there is."""
    wide = Drift(page=DriftLevel(86_400.0, 0.5), ticket=DriftLevel(86_400.0, 0.5))
    target = fleet(Settings(drift=wide))
    now = feed(target, 200, rows=400, shift=0.4)
    assert not any(drift.detected for drift in version(target, now).drift)


def test_weights_move_the_budget_between_features() -> None:
    """A feature with a large weight gathers more evidence from the same rows."""
    plain = fleet()
    heavy = fleet(Settings(models={"m": ModelSettings(features={"amount": FeatureSettings(weight=98.0)})}))
    evidence = []
    for target in (plain, heavy):
        now = feed(target, 3, shift=0.3)
        evidence.append(level(version(target, now), "page").feature_log_evidence[0])
    assert evidence[1] == pytest.approx(evidence[0] + np.log(98 / 100 * 3), abs=1e-9)


def test_a_reload_with_the_same_settings_keeps_the_evidence() -> None:
    """Evidence begins anew only when the baseline or what is bet against it changed."""
    target = fleet()
    now = feed(target, 10, shift=0.5)
    before = level(version(target, now), "page").log_evidence
    target.reconfigure(Settings(models={"m": ModelSettings(owner="team")}), now)
    assert level(version(target, now), "page").log_evidence == before
    target.reconfigure(Settings(drift=Drift(page=DriftLevel(1e6, 0.01))), now)
    assert version(target, now).drift == ()
