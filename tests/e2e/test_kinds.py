"""Each kind of model with a configuration of ten lines: predictions and outcomes over HTTP, and what is then told."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from sklearn import metrics

from e2e.exporters import Exporter, Page, run_exporter

SECONDS: Final = 90.0
"""In which performance shows: the outcomes' delay, a slot of 15 s, and a snapshot."""
ROWS: Final = 600
Record = dict[str, object]


def send(exporter: Exporter, path: str, model: str, records: list[Record]) -> None:
    """POST records of one model, numbered as their ids, as JSON lines; all of them are taken."""
    told = [{"model": model, "version": "1", "id": f"p{place}", **record} for place, record in enumerate(records)]
    if path == "/v1/outcomes":
        told = [{key: value for key, value in record.items() if key != "version"} for record in told]
    status, body = exporter.post(path, told, lines=True)
    assert status == 200, body


def tell(
    folder: Path, config: str, predictions: list[Record], outcomes: list[Record], ready: Callable[[Page], bool]
) -> Page:
    """The page of model `m` when it is ready."""
    with run_exporter(folder, config) as exporter:
        send(exporter, "/v1/predictions", "m", predictions)
        send(exporter, "/v1/outcomes", "m", outcomes)
        return exporter.wait_for(
            lambda page: page.has("model_performance_outcomes", window="1h") and ready(page),
            what="the model to tell",
            seconds=SECONDS,
        )


def performance(page: Page, **labels: str) -> float:
    """A metric over the window of an hour, which lies within its bounds."""
    names = {"window": "1h", **labels}
    value = page.total("model_performance", **names)
    assert page.total("model_performance_lower", **names) <= value <= page.total("model_performance_upper", **names)
    return value


def all_met(page: Page) -> bool:
    """Whether all outcomes are in the window."""
    return page.total("model_performance_outcomes", window="1h") == ROWS


def told_metrics(page: Page) -> set[str]:
    """Names of the metrics of the window of an hour."""
    return {labels["metric"] for labels, _ in page.samples("model_performance", window="1h")}


CLASSIFICATION = """
models:
  m:
    kind: classification
    outcome: {positive: fraud}
    segments: {region: feature.region, channel: segment.channel}
    business:
      approval_rate: {ratio: prediction == ok}
      loss: {sum: value.loss}
      loss_ratio: {ratio: {of: value.loss, to: feature.amount}}
"""


@pytest.mark.slow
def test_a_classifier_tells_performance_fairness_and_business(tmp_path: Path) -> None:
    """A gap of .2 between regions alarms and none between channels does; indicators agree with a recount."""
    random = np.random.default_rng(1)
    rows = 4 * ROWS
    regions = np.where(random.random(rows) < 0.5, "north", "south")
    channels = np.where(random.random(rows) < 0.5, "app", "web")
    flagged = random.random(rows) < np.where(regions == "north", 0.5, 0.3)
    fraud = random.random(rows) < 0.3
    amounts = random.gamma(2, 50, rows).round(2)
    losses = np.where(fraud & ~flagged, amounts, 0.0)
    words = ("ok", "fraud")
    predictions: list[Record] = [
        {
            "features": {"region": region, "amount": amount},
            "segments": {"channel": channel},
            "prediction": words[int(called)],
        }
        for region, amount, channel, called in zip(
            regions.tolist(), amounts.tolist(), channels.tolist(), flagged.tolist(), strict=True
        )
    ]
    outcomes: list[Record] = [
        {"outcome": words[int(is_fraud)], "values": {"loss": loss}}
        for is_fraud, loss in zip(fraud.tolist(), losses.tolist(), strict=True)
    ]
    page = tell(
        tmp_path,
        CLASSIFICATION,
        predictions,
        outcomes,
        lambda page: (
            page.total("model_performance_outcomes", window="1h") == rows
            and page.has("model_fairness_detected", segment="region", metric="accuracy")
        ),
    )
    assert {"accuracy", "precision", "recall", "f1"} <= told_metrics(page)
    assert performance(page, metric="accuracy") == pytest.approx(float((flagged == fraud).mean()))
    assert page.total("model_threshold", signal="fairness_gap") == 0.05
    north = regions == "north"
    names = {"segment": "region", "metric": "selection_rate"}
    gap = page.total("model_fairness_gap", group="north", other="south", window="1h", **names)
    assert gap == pytest.approx(flagged[north].mean() - flagged[~north].mean())
    assert page.total("model_fairness_gap_lower", window="1h", **names) > 0.1
    assert page.total("model_fairness_detected", **names) == 1
    assert page.total("model_fairness_alarm", group="north", other="south", **names) == pytest.approx(gap)
    assert page.has("model_segment_worst", **names)
    assert page.total("model_fairness_detected", segment="channel") == 0
    assert not page.has("model_fairness_alarm", segment="channel")
    assert page.total("model_segment_predictions_total", segment="region", group="north") == north.sum()
    assert page.total("model_segment_positives_total", segment="region", group="north") == flagged[north].sum()
    missed = page.total(
        "model_segment_confusion_total", segment="region", group="north", actual="positive", predicted="negative"
    )
    assert missed == (fraud & ~flagged & north).sum()
    assert page.total("model_business_value_total", kpi="approval_rate") == (~flagged).sum()
    assert page.total("model_business_events_total", kpi="approval_rate") == rows
    approved = page.total("model_business_kpi", kpi="approval_rate", window="1h")
    assert approved == pytest.approx((~flagged).mean())
    assert page.total("model_business_kpi_lower", kpi="approval_rate", window="1h") < approved
    assert page.total("model_business_value_total", kpi="loss") == pytest.approx(losses.sum())
    assert page.total("model_business_negative_total", kpi="loss", term="value") == 0
    ratio = page.total("model_business_kpi", kpi="loss_ratio", window="1h")
    assert ratio == pytest.approx(losses.sum() / amounts.sum())
    assert page.total("model_business_kpi_upper", kpi="loss_ratio", window="1h") > ratio


@pytest.mark.slow
def test_a_regression_tells_errors_and_coverage(tmp_path: Path) -> None:
    """Errors as scikit-learn has them, and the coverage of the intervals that are sent."""
    random = np.random.default_rng(2)
    actual = random.normal(100, 20, ROWS)
    predicted = actual + random.normal(1, 5, ROWS)
    predictions: list[Record] = [
        {"features": {"x": 1.0}, "prediction": number, "lower": number - 8, "upper": number + 8}
        for number in predicted.tolist()
    ]
    page = tell(
        tmp_path,
        "models: {m: {kind: regression, outcome: {}}}",
        predictions,
        [{"outcome": number} for number in actual.tolist()],
        all_met,
    )
    assert performance(page, metric="mae") == pytest.approx(metrics.mean_absolute_error(actual, predicted))
    assert performance(page, metric="coverage") == pytest.approx((np.abs(actual - predicted) <= 8).mean())
    assert {"rmse", "bias", "r2"} <= told_metrics(page)


@pytest.mark.slow
def test_a_forecast_tells_errors_by_horizon(tmp_path: Path) -> None:
    """Percentage errors, scaled errors against the naive forecast, over all and for each horizon."""
    random = np.random.default_rng(3)
    actual = random.gamma(20, 5, ROWS)
    days = np.tile([1, 7], ROWS // 2)
    predicted = actual + random.normal(0, 4 * np.sqrt(days))
    naive = actual + random.normal(0, 15, ROWS)
    predictions: list[Record] = [
        {"prediction": number, "horizon": f"{day}d", "naive": last}
        for number, day, last in zip(predicted.tolist(), days.tolist(), naive.tolist(), strict=True)
    ]
    page = tell(
        tmp_path,
        "models: {m: {kind: forecasting, outcome: {}}}",
        predictions,
        [{"outcome": number} for number in actual.tolist()],
        all_met,
    )
    mape = metrics.mean_absolute_percentage_error(actual, predicted)
    assert performance(page, metric="mape", of="") == pytest.approx(mape)
    scaled = np.abs(predicted - actual).mean() / np.abs(naive - actual).mean()
    assert performance(page, metric="mase", of="") == pytest.approx(scaled)
    week = days == 7
    far = metrics.mean_absolute_percentage_error(actual[week], predicted[week])
    assert performance(page, metric="mape", of="7d") == pytest.approx(far)
    assert {"smape", "bias"} <= told_metrics(page)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ranking", "recommendation"])
def test_lists_of_items_tell_their_order_and_their_variety(tmp_path: Path, kind: str) -> None:
    """Gains as scikit-learn has them, hits, and how much of the catalogue is offered, which needs no outcome."""
    random = np.random.default_rng(4)
    lists = [random.permutation(40)[:10].tolist() for _ in range(ROWS)]
    relevant = [random.choice(40, 3, replace=False).tolist() for _ in range(ROWS)]
    page = tell(
        tmp_path,
        f"models: {{m: {{kind: {kind}, catalogue: 80, outcome: {{}}}}}}",
        [{"prediction": [f"i{item}" for item in items]} for items in lists],
        [{"outcome": [f"i{item}" for item in items]} for items in relevant],
        all_met,
    )
    hits = [bool({*items} & {*wanted}) for items, wanted in zip(lists, relevant, strict=True)]
    assert performance(page, metric="hit_rate", of="10") == pytest.approx(float(np.mean(hits)))
    ranks = [next((1 / (rank + 1) for rank, item in enumerate(items) if item in wanted), 0.0)
             for items, wanted in zip(lists, relevant, strict=True)]  # fmt: skip
    assert performance(page, metric="mrr", of="") == pytest.approx(float(np.mean(ranks)))
    assert {"ndcg", "map"} <= told_metrics(page)
    assert performance(page, metric="distinct_items", of="") == pytest.approx(40, rel=0.05)
    assert performance(page, metric="catalogue_coverage", of="") == pytest.approx(0.5, rel=0.05)


def test_predictions_alone_tell_of_groups_indicators_and_items(tmp_path: Path) -> None:
    """Without `outcome` nothing waits, and traffic by group, decisions and the variety of lists are told at once."""
    config = """
models:
  m: {kind: classification, segments: {region: feature.region}, business: {approved: {ratio: prediction}}}
  r: {kind: recommendation}
"""
    records: list[Record] = [
        {"features": {"region": "north" if row % 4 else "south"}, "prediction": bool(row % 2)} for row in range(400)
    ]
    with run_exporter(tmp_path, config) as exporter:
        send(exporter, "/v1/predictions", "m", records)
        send(exporter, "/v1/predictions", "r", [{"prediction": [f"i{row % 20}"]} for row in range(100)])
        page = exporter.settled()
    assert page.total("model_segment_predictions_total", group="north") == 300
    assert page.total("model_business_kpi", kpi="approved", window="1h") == 0.5
    assert page.total("model_performance", model="r", metric="distinct_items", window="1h") == pytest.approx(
        20, rel=0.05
    )
    assert page.total("model_pending_predictions") == 0


@pytest.mark.slow
def test_a_gap_of_a_tenth_is_found_at_the_size_that_power_predicts(tmp_path: Path) -> None:
    """With 15.7 p (1 - p) / g^2 = 353 rows of each group: in about 16 of 20 models, and in about 1 of 20 without a gap.

    The alarm, which may be looked at at all times, is on for none of those without.
    """
    random = np.random.default_rng(6)
    gaps = {f"gap{place}": 0.1 for place in range(20)} | {f"none{place}": 0.0 for place in range(20)}
    models = "".join(f"  {name}: {{kind: classification, segments: {{g: feature.g}}}}\n" for name in gaps)
    with run_exporter(tmp_path, f"models:\n{models}") as exporter:
        for name, gap in gaps.items():
            groups = np.tile([0, 1], 353)
            called = random.random(706) < 0.3 + gap * groups
            records: list[Record] = [
                {"features": {"g": "ab"[group]}, "prediction": yes}
                for group, yes in zip(groups.tolist(), called.tolist(), strict=True)
            ]
            send(exporter, "/v1/predictions", name, records)
        page = exporter.wait_for(
            lambda page: len(page.samples("model_fairness_detected", metric="selection_rate")) == len(gaps),
            what="all groups to be compared",
            seconds=SECONDS,
        )
    found = {
        labels["model"]
        for labels, lower in page.samples("model_fairness_gap_lower", metric="selection_rate", window="1h")
        if lower > 0
    }
    assert 12 <= sum(name.startswith("gap") for name in found) <= 19
    assert sum(name.startswith("none") for name in found) <= 4
    on = {labels["model"] for labels, _ in page.samples("model_fairness_alarm")}
    assert not any(name.startswith("none") for name in on)


@pytest.mark.slow
def test_an_indicator_that_moves_is_told(tmp_path: Path) -> None:
    """Approvals of a half are learned and are then no alarm; a third is one soon, at both levels."""
    config = """
models:
  m: {kind: classification, learn: {rows: 1000, stable_for: 1s}, business: {approved: {ratio: prediction == yes}}}
"""

    def batch(every: int) -> list[Record]:
        return [{"id": "", "prediction": "no" if row % every else "yes"} for row in range(3000)]

    def is_on(page: Page) -> list[float]:
        return [value for _, value in page.samples("model_business_detected", kpi="approved")]

    def send_until(exporter: Exporter, every: int, *, told: list[float]) -> None:
        """Send a batch every few seconds until the alarms are as they should be; they are never otherwise before."""
        deadline = time.monotonic() + SECONDS
        before = is_on(exporter.page())
        while (now := is_on(exporter.page())) != told:
            assert now in (before, [0, 1])
            assert time.monotonic() < deadline
            send(exporter, "/v1/predictions", "m", batch(every))
            time.sleep(3)

    with run_exporter(tmp_path, config) as exporter:
        send_until(exporter, 2, told=[0, 0])
        send_until(exporter, 3, told=[1, 1])
