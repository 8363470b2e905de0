"""A shift through the doors of a running exporter, until its verdict and `model_exporter explain` tell of it."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from e2e.exporters import Exporter, Page, run_exporter
from model_exporter.demo.processes import HOST, fetch

SLOT_SECONDS = 15.0
"""By the wall clock of the exporter. Evidence is judged when a slot is over, so the test waits until one is: the rows
of one request are counted together, in whichever slot is open, and half a slot goes by on average."""
JUDGED_SECONDS = SLOT_SECONDS + 10
LEARNING = "models: {fraud: {learn: {rows: 5000, stable_for: 1s}}}"


def predictions(rows: int, *, seed: int, shift: float = 0.0) -> list[object]:
    """Predictions whose amount is shifted by so many standard deviations, and whose age never is."""
    random = np.random.default_rng(seed)
    columns = zip(random.normal(100 + 20 * shift, 20, rows), random.normal(40, 9, rows), strict=True)
    return [{"model": "fraud", "version": "1", "features": {"amount": x, "age": y}} for x, y in columns]


def explain(exporter: Exporter, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The real command, against the running exporter."""
    command = [sys.executable, "-m", "model_exporter", "explain", f"--address=http://{HOST}:{exporter.ports.web}"]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


@pytest.mark.slow
def test_a_shift_is_detected_exposed_and_explained(tmp_path: Path) -> None:
    """Two thousand predictions half a deviation up: both alarms, the right name, and an answer to why."""
    with run_exporter(tmp_path, LEARNING) as exporter:
        assert exporter.post("/v1/predictions", predictions(5000, seed=1), lines=True)[0] == 200
        exporter.wait_for(lambda page: page.has("model_baseline_rows"), what="the baseline")
        assert "no slot of 15 seconds" in explain(exporter, "fraud").stdout
        sent = time.time()
        assert exporter.post("/v1/predictions", predictions(2000, seed=3, shift=0.5), lines=True)[0] == 200
        page = exporter.wait_for(
            lambda page: page.has("model_drift_detected"), what="a slot to be judged", seconds=JUDGED_SECONDS
        )
        for level in ("page", "ticket"):
            _check_series(page, level, sent=sent)
        _check_explanations(exporter)


def _check_series(page: Page, level: str, *, sent: float) -> None:
    assert page.total("model_drift_detected", level=level) == 1
    assert page.total("model_drift_evidence", level=level) >= page.total("model_threshold", severity=level) == 0
    assert page.total("model_drift_onset_timestamp_seconds", level=level) == pytest.approx(sent, abs=SLOT_SECONDS)
    assert page.total("model_feature_drift_detected", feature="amount", level=level) == 1
    assert page.total("model_feature_drift_detected", feature="age", level=level) == 0
    assert page.total("model_feature_drift_shape_ratio", feature="amount", level=level, shape="up") > 0.5
    psi, limit = (page.total(f"model_drift_{name}", feature="amount", window="5m") for name in ("psi", "psi_threshold"))
    assert psi > limit


def _check_explanations(exporter: Exporter) -> None:
    told = explain(exporter, "fraud", "--width=100")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("fraud, version 1: the page alarm is on\n")
    moved = re.search(r"The mean moved up by about (\d\.\d\d) baseline standard deviations", told.stdout)
    assert moved
    assert float(moved[1]) == pytest.approx(0.5, abs=0.1)
    assert "age (numeric" not in told.stdout
    assert (
        "2,000 predictions of the last 5 minutes against 5,000" in told.stdout.replace("\n", " ") or "█" in told.stdout
    )

    quiet = explain(exporter, "fraud", "--feature=age", "--json")
    answer = json.loads(quiet.stdout)["data"]["explanation"]
    (age,) = answer["features"]
    assert [verdict["detected"] for verdict in age["feature"]["verdicts"]] == [False, False]
    assert abs(age["effect"]["shift"]) < 0.15

    unknown = explain(exporter, "fraud", "--feature=agee")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "Did you mean age?" in unknown.stderr
    status, html = fetch(exporter.ports.web, "/")
    assert (status, 'class="card page"' in html, "<svg" in html) == (200, True, True)


def test_without_an_exporter_the_command_says_so() -> None:
    """Exit code 1 and one line."""
    done = subprocess.run(
        [sys.executable, "-m", "model_exporter", "explain", "fraud", f"--address=http://{HOST}:9"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: nothing answers at http://{HOST}:9 (")
