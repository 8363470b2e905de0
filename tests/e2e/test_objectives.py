"""Ownership, thresholds and the counters of objectives through the real doors, before and after a reload."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.exporters import Exporter, Page, post, run_exporter

CONFIG = """
environment: staging
models:
  fraud:
    owner: payments-ml
    learn: {rows: 500, stable_for: 1s}
    slo: {availability: 0.99, latency_seconds: {p50: 0.05, p99: 0.2}}
    thresholds: {psi: {ticket: 0.2, page: 0.5}, label_coverage_ratio: {ticket: 0.6}}
    features:
      amount: {thresholds: {psi: {page: 0.4}, missing_ratio: {ticket: 0}}}
      late: {thresholds: {psi: {page: 1}}}
"""
RELOADED = """
environment: staging
models:
  fraud:
    owner: payments-ml
    learn: {rows: 500, stable_for: 1s}
    slo: {availability: 0.99, latency_seconds: {p99: 0.1}}
    thresholds: {psi: {page: 0.7}}
"""


def predictions(count: int, **other: object) -> list[object]:
    """Sound records of `fraud` with `other` keys."""
    return [
        {"model": "fraud", "version": "1", "features": {"amount": row * 37 % 1000}, **other} for row in range(count)
    ]


def send(exporter: Exporter, *records: object) -> Page:
    """The page that counts `records`, sent as JSON lines."""
    status, body = exporter.post("/v1/predictions", list(records), lines=True)
    assert status == 200, body
    return exporter.settled()


def span(seconds: float) -> dict[str, object]:
    """A trace of one request to model `traced`."""
    end = time.time_ns()
    attributes = [{"key": key, "value": {"stringValue": "traced"}} for key in ("model.name", "service.name")]
    one = {
        "traceId": f"{end:032x}",
        "spanId": f"{end & 0xFFFFFFFFFFFF:016x}",
        "name": "predict",
        "kind": 2,
        "startTimeUnixNano": str(end - int(seconds * 1e9)),
        "endTimeUnixNano": str(end),
        "attributes": attributes,
    }
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": [one]}]}]}


def thresholds(page: Page) -> dict[tuple[str, str], float]:
    """The thresholds of the model by signal and severity, those of the evidence left out."""
    told = page.samples("model_threshold", model="fraud")
    return {
        (labels["signal"], labels["severity"]): value for labels, value in told if labels["signal"] != "drift_evidence"
    }


@pytest.fixture
def exporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exporter]:
    """An exporter with `CONFIG` that may be told to reload."""
    monkeypatch.setenv("MODEL_EXPORTER_WEB_ENABLE_LIFECYCLE", "true")
    with run_exporter(tmp_path, CONFIG) as running:
        yield running


def test_every_model_tells_its_environment(exporter: Exporter) -> None:
    """The configured one before its first prediction, and one that nobody spoke of, without an owner."""
    page = send(exporter, {"model": "stray", "prediction": 1})
    assert page.has("model_ownership_timestamp_seconds", model="fraud", owner="payments-ml", environment="staging")
    assert page.has("model_ownership_timestamp_seconds", model="stray", owner="", tier="", environment="staging")


def test_slow_and_violating_predictions_are_counted_once_each(exporter: Exporter) -> None:
    """What exceeds an objective, and what deviates from the learned schema in whatever ways."""
    page = send(exporter, *predictions(1000, latency_ms=10))
    exporter.wait_for(lambda page: page.has("model_baseline_rows"), what="the baseline")
    names = {"model": "fraud", "version": "1"}
    for objective in ("p50", "p99"):
        assert page.total("model_slow_predictions_total", objective=objective, **names) == 0
    assert page.total("model_violating_predictions_total", **names) == 0

    wrong = {"features": {"amount": "plenty", "surprise": 1, "another": 2}}
    page = send(
        exporter,
        *predictions(1, latency_ms=50),
        *predictions(2, latency_ms=60),
        *predictions(3, latency_ms=900),
        *predictions(4, latency_ms=10, **wrong),
        *predictions(5, features={"surprise": 1}),
    )
    assert page.total("model_slow_predictions_total", objective="p50", **names) == 5
    assert page.total("model_slow_predictions_total", objective="p99", **names) == 3
    assert page.total("model_prediction_duration_seconds_count", **names) == 1010
    assert page.total("model_violating_predictions_total", **names) == 9
    assert page.total("model_schema_violations_total", **names) == 4 * 3 + 5 * 2
    assert page.total("model_predictions_total", **names) == 1015


def test_latencies_of_spans_are_held_to_the_objective(tmp_path: Path) -> None:
    """A service that only traces has an objective too."""
    config = "models: {traced: {slo: {latency_seconds: {p95: 0.1}}}}"
    with run_exporter(tmp_path, config) as exporter:
        for seconds in (0.05, 0.3, 0.4):
            assert exporter.post("/v1/traces", span(seconds))[0] == 200
        page = exporter.wait_for(
            lambda page: page.has("model_prediction_duration_seconds_count", model="traced"), what="the spans to count"
        )
        assert page.total("model_prediction_duration_seconds_count", model="traced") == 3
        assert page.total("model_slow_predictions_total", model="traced", objective="p95") == 2


def test_thresholds_are_told_and_a_reload_changes_them(exporter: Exporter, tmp_path: Path) -> None:
    """Those of the model at once, those of a feature when it appears; slow predictions go on under the new bound."""
    assert thresholds(exporter.page()) == {
        ("availability", "objective"): 0.99,
        ("latency_p50_seconds", "objective"): 0.05,
        ("latency_p99_seconds", "objective"): 0.2,
        ("psi", "page"): 0.5,
        ("psi", "ticket"): 0.2,
        ("label_coverage_ratio", "ticket"): 0.6,
    }
    assert not exporter.page().has("model_feature_threshold")
    page = send(exporter, *predictions(10, latency_ms=150))
    assert {
        (labels["feature"], labels["role"], labels["signal"], labels["severity"]): value
        for labels, value in page.samples("model_feature_threshold", model="fraud")
    } == {("amount", "input", "psi", "page"): 0.4, ("amount", "input", "missing_ratio", "ticket"): 0}
    assert page.total("model_slow_predictions_total", objective="p99") == 0

    (tmp_path / "config.yml").write_text(RELOADED, "utf-8")
    assert post(exporter.ports.web, "/-/reload", b"", "text/plain")[0] == 200
    page = send(exporter, *predictions(2, latency_ms=150))
    assert thresholds(page) == {
        ("availability", "objective"): 0.99,
        ("latency_p99_seconds", "objective"): 0.1,
        ("psi", "page"): 0.7,
    }
    assert not page.has("model_feature_threshold")
    assert (
        page.total("model_slow_predictions_total") == page.total("model_slow_predictions_total", objective="p99") == 2
    )


def test_failed_predictions_are_among_the_predictions(exporter: Exporter) -> None:
    """Errors over predictions is the share that failed."""
    page = send(exporter, *predictions(8), *predictions(2, error="timeout"))
    assert page.total("model_predictions_total", model="fraud") == 10
    assert page.total("model_prediction_errors_total", model="fraud", error_type="timeout") == 2
