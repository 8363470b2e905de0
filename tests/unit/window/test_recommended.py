"""How much of the catalogue is recommended, and how new that is, from batches to what is told."""

from collections.abc import Sequence

import pytest

from batches import T0, batch_of
from model_exporter.config.settings import Learn, ModelKind, ModelSettings, Settings
from model_exporter.stats.measure import Measure
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet

LISTS = 200


def fleet_of(kind: ModelKind | None, catalogue: int | None = None) -> Fleet:
    """A fleet with one model, for which 200 lists tell what is usual."""
    model = ModelSettings(kind=kind, catalogue=catalogue, learn=Learn(rows=LISTS))
    return Fleet(Settings(models={"m": model}), learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)


def told(fleet: Fleet, now: float) -> dict[tuple[str, str], Measure]:
    """What is told by metric and window."""
    fleet.advance(now)
    (model,) = fleet.snapshot(now).models
    if model.truth is None:
        return {}
    (performance,) = model.truth.performance
    return {(measure.metric, window): measure for window, measure in performance.recommended}


def recommend(fleet: Fleet, rankings: Sequence[tuple[str, ...]], now: float = T0) -> None:
    """Predictions that list items, without ids."""
    fleet.predict("m", batch_of({}, rows=len(rankings), rankings=rankings), now)


def test_items_are_counted_without_outcomes() -> None:
    """60 items of a catalogue of 240, within 5 %; what is older than the window is forgotten."""
    fleet = fleet_of(ModelKind.RECOMMENDATION, catalogue=240)
    recommend(fleet, [(f"item{row % 60}", f"item{(row + 1) % 60}") for row in range(LISTS)])
    found = told(fleet, T0 + 15)
    assert found["distinct_items", "1h"].value == pytest.approx(60, rel=0.05)
    assert found["catalogue_coverage", "1d"].value == pytest.approx(0.25, rel=0.05)
    later = told(fleet, T0 + 7200)
    assert ("distinct_items", "1h") not in later
    assert ("distinct_items", "1d") in later


def test_what_was_rare_is_novel() -> None:
    """Items that the first lists did not hold carry more bits; before there are enough lists nothing is said of it."""
    fleet = fleet_of(ModelKind.RECOMMENDATION)
    usual = [(f"item{row % 20}",) for row in range(LISTS)]
    recommend(fleet, usual[:-1])
    assert ("novelty", "1h") not in told(fleet, T0)
    recommend(fleet, usual[-1:])
    before = told(fleet, T0)["novelty", "1h"]
    recommend(fleet, [(f"new{row % 20}",) for row in range(LISTS)], T0 + 10_000)
    after = told(fleet, T0 + 10_000)["novelty", "1h"]
    assert after.lower > before.upper
    assert after.count == LISTS


def test_models_that_list_no_items_are_not_asked() -> None:
    """A model of unknown kind without lists has none of this."""
    fleet = fleet_of(None)
    fleet.predict("m", batch_of({"x": [1.0]}, {"prediction": ["a"]}), T0)
    assert told(fleet, T0) == {}


def test_a_single_item_is_a_list_of_one() -> None:
    """A recommender that predicts one item recommends it."""
    fleet = fleet_of(ModelKind.RECOMMENDATION)
    fleet.predict("m", batch_of({}, {"prediction": ["a", "b", "a"]}), T0)
    assert told(fleet, T0)["distinct_items", "1h"].value == pytest.approx(2, abs=0.01)
