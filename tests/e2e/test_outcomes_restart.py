"""Performance over restarts of a real exporter, against scikit-learn on the same rows."""

import signal
import threading
import time
from collections.abc import Sequence
from http.client import HTTPException
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from e2e.exporters import Exporter, Page, run_exporter

CONFIG = "models: {fraud: {kind: classification, outcome: {positive: fraud, wait: 1d}}}"
WORDS = ("ok", "fraud")
GRACE_SECONDS = 30
KEPT_SECONDS = 30.0 + 15
"""The time between two checkpoints, and the time to write one."""
SHOWN_SECONDS = 90.0
"""In which performance shows: the outcomes' delay, a slot of 15 s, and a snapshot."""


def send_predictions(exporter: Exporter, first: int, scores: Sequence[float]) -> None:
    """Predictions with the ids `p<first>` and so on."""
    records: list[object] = [
        {"model": "fraud", "version": "1", "id": f"p{first + i}", "features": {"x": 1.0}, "score": score,
         "prediction": WORDS[score > 0.5]}
        for i, score in enumerate(scores)
    ]  # fmt: skip
    status, body = exporter.post("/v1/predictions", records, lines=True)
    assert status == 200, body


def send_outcomes(exporter: Exporter, first: int, actual: Sequence[bool]) -> None:
    """What happened to the predictions from `p<first>` on."""
    records: list[object] = [
        {"model": "fraud", "id": f"p{first + i}", "outcome": WORDS[fraud]} for i, fraud in enumerate(actual)
    ]
    status, body = exporter.post("/v1/outcomes", records, lines=True)
    assert status == 200, body


def end(exporter: Exporter, how: signal.Signals) -> None:
    """Let it die."""
    exporter.child.process.send_signal(how)
    assert exporter.child.process.wait(GRACE_SECONDS) == (0 if how is signal.SIGTERM else -how)


def wait_for_window(exporter: Exporter, outcomes: int) -> Page:
    """The page whose window of an hour has so many outcomes."""
    return exporter.wait_for(
        lambda page: (
            page.has("model_performance_outcomes", window="1h")
            and page.total("model_performance_outcomes", window="1h") >= outcomes
        ),
        what=f"{outcomes} outcomes in the window",
        seconds=SHOWN_SECONDS,
    )


def wait_for_checkpoint(exporter: Exporter) -> None:
    """Until all that was acknowledged is in a checkpoint."""
    seen = time.time()
    exporter.wait_for(
        lambda page: (
            page.has("model_exporter_checkpoint_timestamp_seconds")
            and page.total("model_exporter_checkpoint_timestamp_seconds") > seen
        ),
        what="a checkpoint",
        seconds=KEPT_SECONDS,
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_performance_after_a_restart_is_that_of_all_rows(tmp_path: Path, how: signal.Signals) -> None:
    """Predictions and outcomes on both sides of it, and a correction of what was told before; counters begin at 0."""
    random = np.random.default_rng(5)
    scores = np.round(random.uniform(0.01, 0.99, 900), 3)
    actual = random.uniform(size=900) < scores
    first = actual.copy()
    first[:30] = ~first[:30]  # told wrongly at first
    with run_exporter(tmp_path, CONFIG) as exporter:
        send_predictions(exporter, 0, scores[:600].tolist())
        send_outcomes(exporter, 0, first[:400].tolist())
        if how is signal.SIGKILL:
            wait_for_checkpoint(exporter)
        end(exporter, how)
    with run_exporter(tmp_path, CONFIG, name="again") as exporter:
        page = exporter.settled()
        assert page.total("model_outcomes_joined_total") == 0
        assert page.total("model_confusion_total") == 0
        send_predictions(exporter, 600, scores[600:].tolist())
        send_outcomes(exporter, 400, first[400:].tolist())
        send_outcomes(exporter, 0, actual[:30].tolist())
        page = wait_for_window(exporter, 900)
        assert page.total("model_outcomes_joined_total") == 500
        assert page.total("model_outcome_corrections_total") == 30
        assert page.total("model_confusion_total") == 500
        assert page.total("model_performance_outcomes", window="1h") == 900
        assert page.total("model_label_coverage_ratio", window="1h") == 1
    called = scores > 0.5
    for metric, expected in (
        ("accuracy", metrics.accuracy_score(actual, called)),
        ("precision", metrics.precision_score(actual, called)),
        ("recall", metrics.recall_score(actual, called)),
        ("f1", metrics.f1_score(actual, called)),
        ("log_loss", metrics.log_loss(actual, scores)),
        ("brier", metrics.brier_score_loss(actual, scores)),
    ):
        assert page.total("model_performance", metric=metric, window="1h") == pytest.approx(expected), metric


@pytest.mark.slow
def test_no_acknowledged_outcome_is_lost_by_a_sudden_death(tmp_path: Path) -> None:
    """Killed while outcomes come in: after the restart each that was acknowledged is known, and none is taken twice."""
    rows, cut = 20_000, 250
    random = np.random.default_rng(6)
    scores = np.round(random.uniform(0.01, 0.99, rows), 3).tolist()
    actual = (random.uniform(size=rows) < scores).tolist()
    with run_exporter(tmp_path, CONFIG) as exporter:
        for at in range(0, rows, 1000):
            send_predictions(exporter, at, scores[at : at + 1000])
        exporter.settled()
        acknowledged = 0
        killer = threading.Thread(target=exporter.child.process.kill)  # beside the requests, to hit one of them
        for at in count(0, cut):
            if at == 5000:
                killer.start()
            try:
                send_outcomes(exporter, at, actual[at : at + cut])
            except (OSError, HTTPException):
                break
            acknowledged = at + cut
        killer.join()
        assert exporter.child.process.wait(GRACE_SECONDS) == -signal.SIGKILL
    assert 5000 <= acknowledged < rows
    with run_exporter(tmp_path, CONFIG, name="again") as exporter:
        waiting = exporter.settled().total("model_pending_predictions")
        assert rows - acknowledged - cut <= waiting <= rows - acknowledged  # the last request may have been taken
        for at in range(0, rows, 1000):
            send_outcomes(exporter, at, actual[at : at + 1000])
        page = exporter.settled()
        assert page.total("model_outcomes_joined_total") == waiting
        assert page.total("model_outcome_duplicates_total") == rows - waiting
        assert page.total("model_outcome_corrections_total") == 0
        assert page.total("model_outcomes_unmatched_total") == 0
        assert page.total("model_pending_predictions") == 0


def test_outcomes_that_mean_something_else_now_begin_anew(tmp_path: Path) -> None:
    """With another positive class nothing of the last run is in the windows; the log says why."""
    with run_exporter(tmp_path, CONFIG) as exporter:
        send_predictions(exporter, 0, [0.9] * 200)
        send_outcomes(exporter, 0, [True] * 200)
        exporter.settled()
    with run_exporter(tmp_path, CONFIG.replace("positive: fraud", "positive: ok"), name="again") as exporter:
        page = exporter.settled()
        assert not page.has("model_label_coverage_ratio")
        assert "does not fit the settings of now" in exporter.child.tail()
        assert page.total("model_exporter_corrupt_state_total", store="checkpoint") == 0
