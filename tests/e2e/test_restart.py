"""A restart in the middle of an alarm, as whoever is on call sees it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from e2e.exporters import Exporter, Page, run_exporter
from model_exporter.demo.processes import HOST, fetch

GRACE_SECONDS = 30
JUDGED_SECONDS = 15.0 + 10
"""A slot of the wall clock, and the time to judge it."""
KEPT_SECONDS = 30.0 + 10
"""The time between two checkpoints, and the time to write one."""
LEARNING = "models: {fraud: {learn: {rows: 5000, stable_for: 1s}}}"


def predictions(rows: int, *, seed: int, shift: float = 0.0) -> list[object]:
    """Predictions of two correlated numbers; the amount is shifted by so many standard deviations."""
    random = np.random.default_rng(seed)
    amounts = random.normal(0.0, 1.0, rows)
    ages = 0.6 * amounts + random.normal(0.0, 0.8, rows)
    columns = zip(amounts + shift, ages, strict=True)
    return [{"model": "fraud", "version": "1", "features": {"amount": x, "age": y}} for x, y in columns]


def drift(exporter: Exporter) -> Page:
    """Learn a baseline, send what differs from it, wait for the alarm."""
    assert exporter.post("/v1/predictions", predictions(5000, seed=1), lines=True)[0] == 200
    exporter.wait_for(lambda page: page.has("model_baseline_rows"), what="the baseline")
    assert exporter.post("/v1/predictions", predictions(2000, seed=3, shift=0.5), lines=True)[0] == 200
    return exporter.wait_for(
        lambda page: page.has("model_drift_detected") and page.total("model_drift_detected") == 2,
        what="the alarm at both levels",
        seconds=JUDGED_SECONDS,
    )


def verdict(page: Page) -> dict[str, list[float]]:
    """What stays over a restart, by series."""
    names = ("model_drift_detected", "model_drift_onset_timestamp_seconds", "model_feature_drift_detected")
    return {name: [value for _, value in page.samples(name)] for name in names}


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_an_alarm_stands_after_a_restart(tmp_path: Path, end: signal.Signals) -> None:
    """Alarm, onset and names are in the first scrape, and after the first records; counters have begun at 0."""
    with run_exporter(tmp_path, LEARNING) as exporter:
        before = verdict(drift(exporter))
        if end is signal.SIGKILL:
            seen = time.time()
            exporter.wait_for(
                lambda page: (
                    page.has("model_exporter_checkpoint_timestamp_seconds")
                    and page.total("model_exporter_checkpoint_timestamp_seconds") > seen
                ),
                what="a checkpoint with the alarm in it",
                seconds=KEPT_SECONDS,
            )
        exporter.child.process.send_signal(end)
        code = exporter.child.process.wait(GRACE_SECONDS)
        assert code == (0 if end is signal.SIGTERM else -signal.SIGKILL)
    with run_exporter(tmp_path, LEARNING, name="again") as exporter:
        page = exporter.page()
        assert verdict(page) == before
        assert page.total("model_predictions_total") == 0
        assert page.total("model_exporter_corrupt_state_total") == 0
        _check_pages(exporter)
        assert exporter.post("/v1/predictions", predictions(10, seed=5, shift=0.5), lines=True)[0] == 200
        page = exporter.settled()
        assert page.total("model_predictions_total") == 10
        assert verdict(page)["model_drift_detected"] == before["model_drift_detected"]
        assert page.total("model_drift_onset_timestamp_seconds", level="page") == pytest.approx(
            before["model_drift_onset_timestamp_seconds"][0], abs=15.0
        )


def _check_pages(exporter: Exporter) -> None:
    """People are told of an alarm without a single prediction in its windows."""
    assert fetch(exporter.ports.web, "/")[0] == 200
    command = [sys.executable, "-m", "model_exporter", "explain", f"--address=http://{HOST}:{exporter.ports.web}"]
    done = subprocess.run([*command, "fraud"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "amount" in done.stdout


def test_a_damaged_checkpoint_does_not_stop_a_start(tmp_path: Path) -> None:
    """It is set aside and counted, and a stop leaves a good one in its place."""
    storage = tmp_path / "storage"
    storage.mkdir()
    (storage / "evidence.checkpoint").write_bytes(b"half of a checkpoint")
    with run_exporter(tmp_path) as exporter:
        assert exporter.page().total("model_exporter_corrupt_state_total", store="checkpoint") == 1
        assert (storage / "evidence.corrupt").read_bytes() == b"half of a checkpoint"
    with run_exporter(tmp_path, name="again") as exporter:
        assert (storage / "evidence.checkpoint").exists()
        assert exporter.page().total("model_exporter_corrupt_state_total", store="checkpoint") == 0
