"""Input that would make a careless exporter grow without end: it stays small, counts it, and goes on."""

import time

import pytest

from e2e.exporters import Exporter, Page

MIB = 1024 * 1024
MOST_BYTES = 250 * MIB
"""Resident memory that nothing here may exceed; an idle exporter takes a third of it."""


def _record(model: str, number: int, **features: object) -> dict[str, object]:
    return {"model": model, "version": "1", "id": f"{model[:20]}-{number}", "features": features}


def _post(exporter: Exporter, records: list[dict[str, object]], *, status: int = 200) -> None:
    got, reply = exporter.post("/v1/predictions", records, lines=True)
    assert got == status, reply


def _check(exporter: Exporter, *, seconds: float = 120.0) -> Page:
    """Good data still counts, and memory is bounded."""
    _post(exporter, [_record("good", number, amount=number) for number in range(300)])
    exporter.wait_for(
        lambda page: page.has("model_predictions_total", model="good"), what="good data to count", seconds=seconds
    )
    page = exporter.settled()
    assert page.total("model_predictions_total", model="good") == 300
    assert page.total("model_feature_values_total", model="good", feature="amount") == 300
    assert page.total("process_resident_memory_bytes") < MOST_BYTES
    return page


def test_ten_thousand_features(exporter: Exporter) -> None:
    """The first ones get series, the rest are counted as turned away; records count whole."""
    for first in range(0, 10_000, 500):
        features = {f"f{index}": index for index in range(first, first + 500)}
        _post(exporter, [_record("wide", first + row, **features) for row in range(4)])
    page = _check(exporter)
    assert page.total("model_predictions_total", model="wide") == 80
    assert len(page.samples("model_feature_values_total", model="wide")) <= 500
    assert page.total("model_exporter_limit_hits_total", limit="features_per_model") > 0


@pytest.mark.slow
def test_a_million_categories(exporter: Exporter) -> None:
    """One text feature with a value of its own in each record: every record counts, memory does not follow."""
    rows = 20_000
    for first in range(0, 1_000_000, rows):
        _post(exporter, [_record("ids", number, country=f"value-{number}") for number in range(first, first + rows)])
    page = _check(exporter)
    assert page.total("model_predictions_total", model="ids") == 1_000_000
    assert page.total("model_feature_values_total", model="ids", feature="country") == 1_000_000


def test_a_thousand_models(exporter: Exporter) -> None:
    """Models beyond the limit are refused by count, and those within it stay."""
    _post(exporter, [_record("good", -1, amount=1)])
    _post(exporter, [_record(f"model-{number}", number, amount=1) for number in range(1000)])
    page = exporter.settled()
    assert page.total("model_exporter_models") == 100
    assert page.total("model_exporter_dropped_records_total", reason="model_limit") == 901
    assert page.total("model_predictions_total", model="good") == 1


@pytest.mark.parametrize(
    "name", ["n" * 10_240, 'quo"te', "new\nline", "back\\slash", "tab\tnul\x00", "emoji \N{ROBOT FACE}", " "]
)
def test_odd_model_names(exporter: Exporter, name: str) -> None:
    """The page stays readable, and the record is counted: as a prediction, or as refused with a reason."""
    _post_any(exporter, [_record(name, 1, amount=1), _record("plain", 2, amount=1)])
    page = _check(exporter)
    assert page.total("model_predictions_total", model="plain") == 1
    others = [labels["model"] for labels, _ in page.samples("model_predictions_total")]
    refused = page.samples("model_exporter_rejected_records_total")
    assert len(others) == 3 or sum(value for _, value in refused) == 1
    assert all(len(model) <= 200 for model in others)


def _post_any(exporter: Exporter, records: list[dict[str, object]]) -> None:
    """Post records of which some may be refused."""
    status, reply = exporter.post("/v1/predictions", records, lines=True)
    assert status in {200, 207}, reply


@pytest.mark.parametrize("seconds", [-7200, 7200])
def test_clocks_that_are_off(exporter: Exporter, seconds: float) -> None:
    """Records from two hours ago or ahead count now, and the disagreement is counted."""
    at = time.time() + seconds
    _post(exporter, [_record("late", number, amount=number) | {"timestamp": at} for number in range(200)])
    page = _check(exporter)
    assert page.total("model_predictions_total", model="late") == 200
    assert page.total("model_window_predictions", model="late", window="5m") == 200
    assert page.total("model_exporter_clock_skew_records_total") == 200
    assert page.total("model_last_prediction_timestamp_seconds", model="late") <= time.time()


def test_values_of_every_kind(exporter: Exporter) -> None:
    """A feature that changes its type, nests, and holds numbers too large for a float."""
    values: list[object] = [1, "x", True, None, [1, 2], {"a": {"b": 1}}, 10**400, 1e308, "", "1.5"]
    _post(exporter, [_record("mixed", number, odd=values[number % len(values)], even=1) for number in range(200)])
    page = _check(exporter)
    assert page.total("model_predictions_total", model="mixed") == 200
    assert page.total("model_feature_values_total", model="mixed", feature="even") == 200


def test_garbage_at_every_door(exporter: Exporter) -> None:
    """Bodies that are nothing at all get an answer in the range of client errors."""
    for path in ("/v1/predictions", "/v1/outcomes", "/v1/events", "/v1/logs", "/v1/traces", "/"):
        status, _ = exporter.post(path, "\x00 not records")
        assert 400 <= status < 500, path
    _check(exporter)
