"""The inputs stay and what they mean changes: seen in outcomes alone, and told by the evidence on performance."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from e2e.exporters import Exporter, Page, run_exporter

CONFIG = """
learn: {rows: 2000, stable_for: 1s}
models:
  loans: {kind: classification, outcome: {wait: 1d}}
"""
ROWS = 1000
SECONDS = 90.0


def send(exporter: Exporter, path: str, records: Sequence[object]) -> None:
    """POST records as JSON lines; all of them are taken."""
    status, body = exporter.post(path, list(records), lines=True)
    assert status == 200, body


def round_of(exporter: Exporter, number: int, *, changed: bool) -> None:
    """Send a thousand predictions and then their outcomes; after the change a quarter of these is the other way."""
    random = np.random.default_rng(number)
    score = random.beta(0.6, 0.6, ROWS)
    actual = (random.random(ROWS) < score) ^ (changed & (random.random(ROWS) < 0.25))
    ids = [f"{number}-{row}" for row in range(ROWS)]
    told = zip(ids, random.normal(size=ROWS).tolist(), score.tolist(), strict=True)
    send(
        exporter,
        "/v1/predictions",
        [
            {"model": "loans", "version": "1", "id": name, "features": {"x": x}, "prediction": s >= 0.5, "score": s}
            for name, x, s in told
        ],
    )
    truths = zip(ids, actual.tolist(), strict=True)
    send(exporter, "/v1/outcomes", [{"model": "loans", "id": name, "outcome": truth} for name, truth in truths])


def accuracy(page: Page, metric: str) -> float:
    """The accuracy that `metric` tells of the last hour."""
    return page.total(metric, metric="accuracy", window="1h")


@pytest.mark.slow
def test_a_change_of_concept_is_told_by_outcomes_alone(tmp_path: Path) -> None:
    """Drift evidence stays quiet, the estimate stays, realised accuracy falls, and the evidence on it pages."""
    with run_exporter(tmp_path, CONFIG) as exporter:
        for number in range(3):
            round_of(exporter, number, changed=False)
        exporter.wait_for(lambda page: page.has("model_baseline_rows"), what="the baseline")
        for number in range(3, 6):
            round_of(exporter, number, changed=False)
        before = exporter.wait_for(
            lambda page: (
                page.has("model_performance_drift_evidence", level="page")
                and page.has("model_drift_evidence", level="page")
                and page.has("model_estimated_performance_error", metric="accuracy", window="1h")
                and page.total("model_performance_outcomes", window="1h") >= 6 * ROWS
            ),
            what="verdicts and estimates before the change",
            seconds=SECONDS,
        )
        assert before.total("model_performance_reference_outcomes") == 1000
        assert before.total("model_performance_drift_detected") == 0
        assert before.total("model_drift_detected") == 0
        assert abs(accuracy(before, "model_estimated_performance_error")) < 0.03
        for number in range(6, 12):
            round_of(exporter, number, changed=True)
        after = exporter.wait_for(
            lambda page: (
                page.total("model_performance_drift_detected", level="page") == 1
                and page.total("model_performance_outcomes", window="1h") >= 12 * ROWS
            ),
            what="the alarm on performance",
            seconds=SECONDS,
        )
    assert after.total("model_drift_detected") == 0
    assert after.total("model_performance_drift_detected", level="ticket") == 1
    assert after.has("model_performance_drift_onset_timestamp_seconds", level="page")
    estimated = accuracy(after, "model_estimated_performance")
    assert estimated == pytest.approx(accuracy(before, "model_estimated_performance"), abs=0.02)
    assert accuracy(after, "model_performance") < accuracy(before, "model_performance") - 0.05
    assert accuracy(after, "model_performance") < accuracy(after, "model_estimated_performance_lower")
    assert accuracy(after, "model_estimated_performance_error") > 0.05
    assert after.total("model_estimated_performance_withdrawn", window="1h") == 0
