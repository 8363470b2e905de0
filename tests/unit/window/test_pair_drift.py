"""Dependence between features, from batches to the verdict on their pairs."""

from collections.abc import Sequence

import numpy as np
import pytest

from batches import T0, baseline_of, batch_of
from model_exporter.baseline.model import Baseline
from model_exporter.baseline.pairs import MAX_PAIRS, MIN_ROWS
from model_exporter.config.settings import Drift, Learn, Settings
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.pair_drift import MAX_NAMED
from model_exporter.window.snapshot import LEVELS, PairDriftSnapshot, VersionSnapshot

NAMES = ("a", "b", "c")


def correlated(rows: int, *, rho: float, seed: int, shift: float = 0.0) -> dict[str, list[float]]:
    """Normal values of three features: `rho` is the correlation of `a` and `b`, and all of `a` is shifted."""
    random = np.random.default_rng(seed)
    a, noise, c = random.normal(size=(3, rows))
    b = rho * a + np.sqrt(1 - rho**2) * noise
    return {"a": (a + shift).tolist(), "b": b.tolist(), "c": c.tolist()}


BASELINE = baseline_of({**correlated(20_000, rho=0.6, seed=1), "country": ["DE", "FR"] * 10_000})


def fleet(baseline: Baseline = BASELINE) -> Fleet:
    """A fleet that compares model `m` with the baseline."""
    return Fleet(Settings(), learned={"m": baseline}, recorder=Telemetry(), notify=lambda _: None, now=T0)


def feed(
    target: Fleet, slots: int, *, start: float = T0, rows: int = 100, rho: float = 0.6, shift: float = 0.0
) -> float:
    """A batch each slot; returns the time after the last."""
    for slot in range(slots):
        now = start + slot * 15.0
        values = correlated(rows, rho=rho, seed=int(now) % 2**31, shift=shift)
        target.predict("m", batch_of({**values, "country": ["DE", "FR"] * (rows // 2)}), now)
        target.advance(now)
    return start + slots * 15.0


def version(target: Fleet, now: float) -> VersionSnapshot:
    """The only version as of `now`."""
    target.advance(now)
    return target.snapshot(now).models[0].versions[0]


def pairs_of(drift: PairDriftSnapshot) -> list[Sequence[str]]:
    """Names of the pairs that an alarm names."""
    return [(pair.feature.name, pair.other.name) for pair in drift.pairs]


def test_only_numeric_features_are_paired() -> None:
    """Every two of three numbers have a table with all the rows; a category is in none."""
    features = [feature.name for feature in BASELINE.features]
    assert [(features[t.first], features[t.second]) for t in BASELINE.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(sum(table.counts) == BASELINE.rows for table in BASELINE.pairs)


def test_a_small_baseline_has_no_pairs() -> None:
    """Too few rows for a table give none, no verdict and no error."""
    small = baseline_of({**correlated(MIN_ROWS - 2, rho=0.6, seed=2), "country": ["DE", "FR"] * (MIN_ROWS // 2 - 1)})
    assert small.pairs == ()
    target = fleet(small)
    assert version(target, feed(target, 3)).pair_drift == ()


def test_many_features_have_a_bounded_number_of_pairs_the_strongest() -> None:
    """Beyond the bound the pairs with the strongest correlation are watched."""
    random = np.random.default_rng(3)
    values = random.normal(size=(40, 2000))
    values[39] = values[0] + 0.5 * values[39]
    many = baseline_of({f"f{i}": row.tolist() for i, row in enumerate(values)})
    assert len(many.pairs) == MAX_PAIRS
    assert (0, 39) in {(table.first, table.second) for table in many.pairs}


def test_changed_correlation_is_told_by_the_pair_and_not_by_its_features() -> None:
    """Features that become independent keep their values: the alarm on pairs names them, that on features is off."""
    target = fleet()
    began = feed(target, 40)
    before = version(target, began)
    assert [drift.level for drift in before.pair_drift] == list(LEVELS)
    assert not any(drift.detected or drift.pairs for drift in before.pair_drift)
    after = version(target, feed(target, 15, start=began, rho=0.0))
    assert not any(drift.detected for drift in after.drift)
    for drift in after.pair_drift:
        assert drift.detected
        assert drift.log_evidence >= 0
        assert pairs_of(drift) == [("a", "b")]


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_margins_alone_are_told_by_the_feature_and_not_by_its_pairs(shift: float) -> None:
    """A feature that moves alone is drift of its own; its dependence on others is what it was."""
    plain = baseline_of({**correlated(20_000, rho=0.0, seed=4), "country": ["DE", "FR"] * 10_000})
    target = fleet(plain)
    began = feed(target, 10, rho=0.0)
    after = version(target, feed(target, 60, start=began, rho=0.0, shift=shift))
    assert all(drift.detected for drift in after.drift)
    assert not any(drift.detected for drift in after.pair_drift)


def test_no_traffic_changes_no_evidence() -> None:
    """An idle hour is neither evidence for a change nor against it."""
    target = fleet()
    now = feed(target, 10)
    before, after = version(target, now), version(target, now + 3600)
    assert before.pair_drift == after.pair_drift


def test_the_split_of_a_slot_does_not_matter() -> None:
    """One batch of a slot's rows and a batch for each row earn the same."""
    whole, single = fleet(), fleet()
    values = correlated(200, rho=0.0, seed=5)
    whole.predict("m", batch_of(values), T0)
    for row in range(200):
        single.predict("m", batch_of({name: [values[name][row]] for name in NAMES}), T0)
    assert version(whole, T0 + 15).pair_drift == version(single, T0 + 15).pair_drift


def test_what_cannot_be_paired_gives_no_error_and_no_nan() -> None:
    """Constant, missing and absent features, in the baseline and after it, give a finite verdict or none."""
    rows = 2000
    odd = baseline_of(
        {
            "constant": [1.0] * rows,
            "gone": [1.0] + [None] * (rows - 1),
            "half": [1.0, None] * (rows // 2),
            **correlated(rows, rho=0.3, seed=6),
        }
    )
    target = fleet(odd)
    batches = [
        batch_of({"a": [None] * 50, "b": ["text"] * 50, "c": [float("nan")] * 50}),
        batch_of({"constant": [2.0] * 50, "half": [3.0] * 50}),
        batch_of({"unknown": [1.0] * 50}),
        batch_of({**correlated(50, rho=0.3, seed=7), "constant": [1.0] * 50, "half": [1.0] * 50}),
    ]
    for slot, batch in enumerate(batches):
        target.predict("m", batch, T0 + 15.0 * slot)
    drift = version(target, T0 + 15.0 * len(batches)).pair_drift
    assert len(drift) == len(LEVELS)
    assert all(np.isfinite(level.log_evidence) and not level.detected for level in drift)


def test_an_alarm_names_a_bounded_number_of_pairs() -> None:
    """When all dependence is gone at once, the pairs with the most evidence are named."""
    random = np.random.default_rng(8)
    common = random.normal(size=10_000)
    names = [f"f{i}" for i in range(8)]
    target = fleet(baseline_of({name: (common + random.normal(size=10_000)).tolist() for name in names}))
    for slot in range(20):
        rows = {name: random.normal(scale=2**0.5, size=100).tolist() for name in names}
        target.predict("m", batch_of(rows), T0 + 15.0 * slot)
    for drift in version(target, T0 + 300).pair_drift:
        assert len(drift.pairs) == MAX_NAMED
        evidence = [pair.log_evidence for pair in drift.pairs]
        assert evidence == sorted(evidence, reverse=True)


def test_pairs_can_be_switched_off_and_on() -> None:
    """The configuration says whether dependence is watched; a change of it counts from then on."""
    settings = Settings(drift=Drift(pairs=False))
    target = Fleet(settings, learned={"m": BASELINE}, recorder=Telemetry(), notify=lambda _: None, now=T0)
    now = feed(target, 3)
    assert version(target, now).pair_drift == ()
    target.reconfigure(Settings(), now)
    now = feed(target, 3, start=now)
    assert len(version(target, now).pair_drift) == len(LEVELS)


def test_a_learned_baseline_has_pairs() -> None:
    """What is learned from live traffic watches dependence like what was built from a file."""
    learn = Learn(rows=2000, stable_for_seconds=600.0)
    target = Fleet(Settings(learn=learn), learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)
    now = feed(target, 60)
    assert len(version(target, now + 15).pair_drift) == len(LEVELS)
    now = feed(target, 20, start=now + 15, rho=-0.6)
    assert ("a", "b") in pairs_of(version(target, now).pair_drift[LEVELS.index("page")])
