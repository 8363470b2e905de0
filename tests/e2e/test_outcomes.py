"""Predictions and their outcomes, sent apart, and the performance that they tell of, against scikit-learn."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from e2e.exporters import Exporter, Page, run_exporter

ROWS = 3000
CONFIG = """
models:
  fraud: {kind: classification, outcome: {positive: fraud, wait: 1d}}
  price: {kind: regression, outcome: {wait: 1d}}
"""
SECONDS = 90.0
"""In which performance shows: the outcomes' delay, a slot of 15 s, and a snapshot."""


def send(exporter: Exporter, path: str, records: Sequence[Mapping[str, object]]) -> None:
    """POST records as JSON lines; all of them are taken."""
    for start in range(0, len(records), 500):
        status, body = exporter.post(path, list(records[start : start + 500]), lines=True)
        assert status == 200, body


def bounded(page: Page, metric: str, **labels: str) -> float:
    """The metric in the window of an hour; it lies within its bounds, which are there and not equal."""
    names = {"metric": metric, "window": "1h", **labels}
    value = page.total("model_performance", **names)
    lower, upper = page.total("model_performance_lower", **names), page.total("model_performance_upper", **names)
    assert lower <= value <= upper
    assert lower < upper
    return value


def wait_for_performance(exporter: Exporter, model: str, outcomes: int) -> Page:
    """The page when the window of an hour holds that many outcomes."""
    return exporter.wait_for(
        lambda page: (
            page.has("model_performance_outcomes", model=model, window="1h")
            and page.total("model_performance_outcomes", model=model, window="1h") >= outcomes
        ),
        what=f"the performance of {model}",
        seconds=SECONDS,
    )


@pytest.mark.slow
def test_performance_is_that_of_scikit_learn(tmp_path: Path) -> None:
    """Of a classifier and a regression: what is a sum is exact, what is binned is near, and all of it has bounds."""
    random = np.random.default_rng(11)
    scores = np.round(random.beta(0.6, 3, ROWS), 6)
    fraud = random.uniform(size=ROWS) < scores
    flagged = scores > 0.35
    actual = random.normal(100, 20, ROWS)
    predicted = actual + random.normal(2, 6, ROWS)
    words = ("ok", "fraud")
    predictions: list[dict[str, object]] = [
        {"model": "fraud", "version": "1", "id": f"f{i}", "features": {"x": 1.0}, "prediction": words[int(called)],
         "score": score}
        for i, (called, score) in enumerate(zip(flagged.tolist(), scores.tolist(), strict=True))
    ]  # fmt: skip
    predictions += [
        {"model": "price", "version": "1", "id": f"p{i}", "features": {"x": 1.0}, "prediction": number}
        for i, number in enumerate(predicted.tolist())
    ]
    outcomes: list[dict[str, object]] = [
        {"model": "fraud", "id": f"f{i}", "outcome": words[int(is_fraud)]} for i, is_fraud in enumerate(fraud.tolist())
    ]
    outcomes += [{"model": "price", "id": f"p{i}", "outcome": number} for i, number in enumerate(actual.tolist())]
    order = random.permutation(len(outcomes)).tolist()
    with run_exporter(tmp_path, CONFIG) as exporter:
        send(exporter, "/v1/outcomes", [outcomes[i] for i in order[:500]])  # some truths are there first
        send(exporter, "/v1/predictions", predictions)
        send(exporter, "/v1/outcomes", [outcomes[i] for i in order[500:]])
        wait_for_performance(exporter, "fraud", ROWS)
        page = wait_for_performance(exporter, "price", ROWS)
    for name, expected in (
        ("accuracy", metrics.accuracy_score(fraud, flagged)),
        ("precision", metrics.precision_score(fraud, flagged)),
        ("recall", metrics.recall_score(fraud, flagged)),
        ("f1", metrics.f1_score(fraud, flagged)),
        ("log_loss", metrics.log_loss(fraud, scores)),
        ("brier", metrics.brier_score_loss(fraud, scores)),
    ):
        assert bounded(page, name, model="fraud") == pytest.approx(expected), name
    assert bounded(page, "roc_auc", model="fraud") == pytest.approx(metrics.roc_auc_score(fraud, scores), abs=0.015)
    assert bounded(page, "pr_auc", model="fraud") == pytest.approx(
        metrics.average_precision_score(fraud, scores), abs=0.03
    )
    for name, expected in (
        ("mae", metrics.mean_absolute_error(actual, predicted)),
        ("rmse", metrics.mean_squared_error(actual, predicted) ** 0.5),
        ("r2", metrics.r2_score(actual, predicted)),
        ("bias", float((predicted - actual).mean())),
    ):
        assert bounded(page, name, model="price") == pytest.approx(expected), name
    table = metrics.confusion_matrix(fraud, flagged)
    for row, is_ in enumerate(words):
        for column, called in enumerate(words):
            found = page.total("model_confusion_total", model="fraud", actual=is_, predicted=called)
            assert found == table[row, column]
    assert page.total("model_absolute_error_total", model="price") == pytest.approx(np.abs(predicted - actual).sum())
    assert page.total("model_squared_error_total", model="price") == pytest.approx(((predicted - actual) ** 2).sum())
    assert page.total("model_score_bin_total", model="fraud", actual="positive") == fraud.sum()
    for model in ("fraud", "price"):
        assert page.total("model_outcomes_total", model=model) == ROWS
        assert page.total("model_outcomes_joined_total", model=model) == ROWS
        assert page.total("model_outcome_delay_seconds_count", model=model) == ROWS
        assert page.total("model_label_coverage_ratio", model=model, window="1h") == 1
        assert page.total("model_performance_provisional", model=model, window="1h") == 0
        assert page.total("model_pending_predictions", model=model) == 0
        assert page.total("model_outcomes_unmatched_total", model=model) == 0
    assert page.total("model_outcomes_early_total") == 500


def test_odd_outcomes_are_counted_and_nothing_else_is_lost(tmp_path: Path) -> None:
    """Unknown, too early, twice, corrected, an hour ahead, of the wrong type, of a class never seen."""
    told = [{"model": "price", "id": f"p{i}", "features": {"x": 1.0}, "prediction": 10.0} for i in range(100)]
    late = {"model": "price", "id": "late", "features": {"x": 1.0}, "prediction": 10.0}
    odd: list[dict[str, object]] = [
        {"model": "price", "id": "nobody", "outcome": 11.0},
        {"model": "price", "id": "late", "outcome": 11.0},
        {"model": "price", "id": "p0", "outcome": 11.0},
        {"model": "price", "id": "p0", "outcome": 11.0},
        {"model": "price", "id": "p1", "outcome": 11.0},
        {"model": "price", "id": "p1", "outcome": 12.0},
        {"model": "price", "id": "p2", "outcome": "expensive"},
        {"model": "price", "id": "p3", "outcome": 11.0, "time": time.time() + 3600},
    ]
    with run_exporter(tmp_path, CONFIG) as exporter:
        send(exporter, "/v1/predictions", told)
        send(exporter, "/v1/outcomes", odd)
        send(exporter, "/v1/predictions", [late])
        send(exporter, "/v1/outcomes", [{"model": "price", "id": f"p{i}", "outcome": 11.0} for i in range(4, 100)])
        send(exporter, "/v1/predictions", [{"model": "fraud", "id": "f", "features": {}, "prediction": "ok"}])
        send(exporter, "/v1/outcomes", [{"model": "fraud", "id": "f", "outcome": "chargeback"}])
        page = exporter.settled()
    assert page.total("model_outcomes_joined_total", model="price") == 100
    assert page.total("model_absolute_error_total", model="price") == 100
    assert page.total("model_outcomes_total", model="price") == len(odd) + 96
    assert page.total("model_pending_outcomes", model="price") == 1
    assert page.total("model_outcomes_early_total", model="price") == 1
    assert page.total("model_outcome_duplicates_total", model="price") == 1
    assert page.total("model_outcome_corrections_total", model="price") == 1
    assert page.total("model_outcomes_unmatched_total", model="price", reason="type") == 1
    assert page.total("model_outcomes_unmatched_total", model="price") == 1
    assert page.total("model_exporter_clock_skew_records_total", direction="future") == 1
    assert page.total("model_confusion_total", model="fraud", actual="chargeback", predicted="ok") == 1


def test_predictions_meet_their_outcomes_across_a_restart(tmp_path: Path) -> None:
    """What waits is on disk: either side may come after the restart, and what was corrected before is a correction."""
    told = [{"model": "price", "id": f"p{i}", "features": {"x": 1.0}, "prediction": 10.0} for i in range(100)]
    with run_exporter(tmp_path, CONFIG) as exporter:
        send(exporter, "/v1/predictions", told)
        send(exporter, "/v1/outcomes", [{"model": "price", "id": "late", "outcome": 11.0}])
        send(exporter, "/v1/outcomes", [{"model": "price", "id": "p0", "outcome": 11.0}])
        exporter.settled()
    with run_exporter(tmp_path, CONFIG, name="again") as exporter:
        assert exporter.settled().total("model_pending_predictions", model="price") == 99
        send(exporter, "/v1/outcomes", [{"model": "price", "id": f"p{i}", "outcome": 12.0} for i in range(100)])
        send(
            exporter, "/v1/predictions", [{"model": "price", "id": "late", "features": {"x": 1.0}, "prediction": 10.0}]
        )
        page = exporter.settled()
    assert page.total("model_outcomes_joined_total", model="price") == 100
    assert page.total("model_outcome_corrections_total", model="price") == 1
    assert page.total("model_outcomes_early_total", model="price") == 1
    assert page.total("model_absolute_error_total", model="price") == 99 * 2 + 1
