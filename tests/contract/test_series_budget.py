"""What a model version is counted as against the limit of series is never less than what it exposes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

import snapshots
from batches import T0, baseline_of, batch_of
from model_exporter.batch import Call, Joined, ModelCalls, Origin, Outcome
from model_exporter.config.settings import (
    Learn,
    Limits,
    ModelKind,
    ModelSettings,
    Objective,
    OutcomeSettings,
    Segment,
    SegmentSource,
    Settings,
    Threshold,
)
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format
from model_exporter.indicators import Form, Indicator, parse
from model_exporter.telemetry import Telemetry
from model_exporter.window.budget import Budget
from model_exporter.window.fleet import Fleet
from model_exporter.window.model import ModelState, Shared
from model_exporter.window.pair_drift import MAX_NAMED
from model_exporter.window.snapshot import (
    LEVELS,
    SHAPES,
    SIGNALS,
    AnomalySnapshot,
    DriftSnapshot,
    PairDriftSnapshot,
    Snapshot,
    VersionSnapshot,
)

ROWS = 2000
RNG = np.random.default_rng(3)
NUMBERS = {"amount": RNG.normal(size=ROWS).tolist(), "age": RNG.normal(size=ROWS).tolist()}
EVERY_TYPE = {
    **NUMBERS,
    "country": RNG.choice(["DE", "FR", "IT"], ROWS).tolist(),
    "returning": RNG.choice([True, False], ROWS).tolist(),
}
ONE = {"amount": NUMBERS["amount"]}


def snapshot_of(values: Mapping[str, Sequence[object]], *, error_types: int) -> Snapshot:
    """A model with a baseline of `values`, and two versions with latencies and more error types than there is room."""
    model = ModelSettings(
        approved_versions=("1",),
        objectives=(Objective("latency_p50_seconds", 0.2), Objective("latency_p99_seconds", 0.5)),
        thresholds=(Threshold("psi", "page", 0.3), Threshold("psi", "ticket", 0.2)),
        feature_thresholds={"amount": (Threshold("psi", "page", 0.5),)},
    )
    settings = Settings(models={"m": model}, limits=Limits(error_types_per_model=error_types))
    fleet = Fleet(settings, learned={"m": baseline_of(values)}, recorder=Telemetry(), notify=lambda _: None, now=T0)
    for version in ("1", "2"):
        fleet.predict("m", batch_of(values, version=version, latency=[0.1] * ROWS), T0)
        errors = [f"error {i}" for i in range(error_types + 5)]
        fleet.predict("m", batch_of({}, rows=len(errors), version=version, errors=errors), T0)
    fleet.advance(T0 + 30)
    return fleet.snapshot(T0 + 30)


def everything_told(version: VersionSnapshot) -> VersionSnapshot:
    """The version with an alarm of every kind that names everything it can name."""
    assert version.layout
    features = len(version.layout.features)
    drift = tuple(_all_named(level, features) for level in LEVELS)
    named = snapshots.pair_verdict("page", version.layout, named=range(features)).pairs * MAX_NAMED
    pair_drift = tuple(PairDriftSnapshot(level, detected=True, log_evidence=1.0, pairs=named) for level in LEVELS)
    return replace(
        version,
        drift=drift,
        pair_drift=pair_drift if version.layout.baseline.pairs else (),
        anomaly=AnomalySnapshot(1.0, np.full(len(SIGNALS), 0.2)),
    )


def _all_named(level: str, features: int) -> DriftSnapshot:
    return DriftSnapshot(
        level=level,
        detected=True,
        log_evidence=2.0,
        onset=T0,
        feature_detected=np.ones(features, np.bool_),
        feature_log_evidence=np.ones(features),
        feature_onset=np.full(features, T0),
        shares=np.full((features, len(SHAPES)), 1 / len(SHAPES)),
    )


def exposed(snapshot: Snapshot) -> int:
    """Series of versions, of the bins of their baselines, and of thresholds that the configuration alone has."""
    text = Renderer().render(snapshot, Telemetry().read(), Format.TEXT).decode()
    lines = [line for line in text.splitlines() if line.startswith("model_") and not line.startswith("model_exporter_")]
    counted = ("model_baseline_bin_", 'model_threshold{model="m",signal="psi"', "model_feature_threshold")
    return sum('version="' in line or line.startswith(counted) for line in lines)


@pytest.mark.parametrize("error_types", [20, 40])
@pytest.mark.parametrize("values", [EVERY_TYPE, NUMBERS, ONE], ids=["every type", "numbers", "one number"])
def test_versions_that_tell_everything_fit_their_budget(
    values: Mapping[str, Sequence[object]], error_types: int
) -> None:
    """With every alarm on, every distance known and no room for more error types the budget holds, and not by far."""
    snapshot = snapshot_of(values, error_types=error_types)
    (model,) = snapshot.models
    full = tuple(everything_told(version) for version in model.versions)
    assert len(full) == 2
    assert 0.9 * snapshot.series < exposed(replace(snapshot, models=(replace(model, versions=full),)))
    assert snapshot.series >= exposed(replace(snapshot, models=(replace(model, versions=full),)))


def test_thresholds_and_latency_objectives_are_counted_one_by_one() -> None:
    """With features that appear and reloads that change them."""
    told = (Threshold("psi", "page", 0.5), Threshold("missing_ratio", "ticket", 0.1))
    plain, model = Settings(), ModelSettings(thresholds=told[:1], feature_thresholds={"x": told, "late": told})
    fleets = [
        Fleet(settings, learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)
        for settings in (plain, Settings(models={"m": model}))
    ]

    def difference() -> int:
        without, with_thresholds = (fleet.snapshot(T0).series for fleet in fleets)
        return with_thresholds - without

    assert difference() == 1
    for fleet in fleets:
        fleet.predict("m", batch_of({"x": [1.0], "y": [2.0]}), T0)
    assert difference() == 3
    for fleet in fleets:
        fleet.predict("m", batch_of({"x": [1.0], "late": [2.0]}, {"x": [1.0]}, version="2"), T0)
    assert difference() == 7  # an output has the threshold of its name too
    (snapshot,) = (fleet.snapshot(T0) for fleet in fleets[1:])
    lines = Renderer().render(snapshot, Telemetry().read(), Format.TEXT).decode().splitlines()
    assert sum(line.startswith("model_feature_threshold{") for line in lines) == 6
    slow = ModelSettings(objectives=(Objective("latency_p50_seconds", 0.2), Objective("latency_p99_seconds", 0.5)))
    fleets[1].reconfigure(Settings(models={"m": slow}), T0)
    assert difference() == 2 * 2  # objectives, versions
    fleets[1].reconfigure(Settings(models={"m": model}), T0)
    assert difference() == 7
    fleets[1].reconfigure(plain, T0)
    assert difference() == 0


def test_a_closed_model_gives_back_all_it_took() -> None:
    """Its thresholds too, which it has without any version."""
    told = (Threshold("psi", "page", 0.5),)
    settings = ModelSettings(thresholds=told, feature_thresholds={"x": told})
    series = Budget(1000, "series")
    shared = Shared(Limits(), series, Budget(1000, "cells"), notify=lambda _: None, refuse=lambda *_: None)
    model = ModelState("m", settings, baseline=baseline_of({"x": ONE["amount"]}), shared=shared, now=T0)
    batch = batch_of({"x": [1.0]})
    before = series.used
    assert before >= 2
    assert model.predict(batch, np.ones(1, np.bool_), T0) is not None
    assert series.used > before
    model.close()
    assert series.used == 0


def test_groups_indicators_and_items_fit_their_budget() -> None:
    """Three groups that differ in everything, indicators, and lists of items; with outcomes for all."""
    share, amount = Indicator("share", Form.RATIO, parse("prediction")), Indicator("sum", Form.SUM, parse("value.v"))
    model = ModelSettings(
        kind=ModelKind.CLASSIFICATION,
        outcome=OutcomeSettings(expected=True),
        segments=(Segment("g", SegmentSource.FEATURE, "g"),),
        business=(share, amount),
    )
    lists = ModelSettings(kind=ModelKind.RECOMMENDATION, catalogue=50, learn=Learn(rows=100))
    settings = Settings(models={"m": model, "r": lists})
    fleet = Fleet(settings, learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)
    groups, ids = ["a", "b", "c"] * 1000, [f"p{row}" for row in range(3000)]
    called: list[object] = [row % 3 == 0 or row % 5 == 0 for row in range(3000)]
    awaited = fleet.predict("m", batch_of({"g": groups}, {"prediction": called}, ids=ids), T0)
    told = [Outcome("m", one.prediction_id, None, place % 7 == 0, (("v", 2.0),)) for place, one in enumerate(awaited)]
    fleet.realise([Joined("m", one, truth, None, 1.0) for one, truth in zip(awaited, told, strict=True)], T0)
    fleet.predict("r", batch_of({}, rows=200, rankings=[("x", "y")] * 200), T0)
    fleet.advance(T0 + 3600)
    snapshot = fleet.snapshot(T0 + 3600)
    text = Renderer().render(snapshot, Telemetry().read(), Format.TEXT).decode()
    for name in ("fairness_alarm", "segment_worst", "business_kpi_lower"):
        assert f"model_{name}{{" in text
    assert 'metric="novelty"' in text
    assert snapshot.series >= exposed(snapshot)


def test_calls_of_language_models_fit_what_is_reserved() -> None:
    """With every kind of token, a time to the first one, and more reasons to finish than there is room for."""
    fleet = Fleet(Settings(), learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)
    plain = replace(batch_of({}, rows=20, version="1", latency=[0.1] * 20), origin=Origin.SPAN)
    fleet.predict("m", plain, T0)
    before = exposed(fleet.snapshot(T0))
    reserved = fleet.snapshot(T0).series
    calls = ModelCalls.of([Call((1, 1, 1, 1), 0.5, f"reason {i}") for i in range(20)])
    fleet.predict("m", replace(plain, calls=calls), T0)
    fleet.advance(T0)
    after = fleet.snapshot(T0)
    assert exposed(after) - before == after.series - reserved
