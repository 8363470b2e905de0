"""A real Prometheus scrapes a running exporter and answers queries about it."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from e2e.exporters import Exporter, run_exporter
from e2e.programs import require
from model_exporter.demo.processes import fetch, free_port, prometheus_command, running, wait_until

pytestmark = pytest.mark.prometheus
README = Path(__file__).parents[2] / "README.md"
CONFIG = """
environment: test
models:
  fraud: {owner: payments-ml, tier: 1, learn: {rows: 1000, stable_for: 1s}}
"""


class Prometheus:
    """A Prometheus process."""

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str) -> object:
        """The `data` of an API reply."""
        status, body = fetch(self._port, path)
        assert status == 200, body
        return json.loads(body)["data"]

    def query(self, expression: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Value by labels of an instant query."""
        data = self.get(f"/api/v1/query?query={quote(expression)}")
        assert isinstance(data, dict)
        return {tuple(sorted(row["metric"].items())): float(row["value"][1]) for row in data["result"]}

    def value(self, expression: str) -> float | None:
        """The one value of a query; None when it has none."""
        values = self.query(expression)
        assert len(values) <= 1, values
        return next(iter(values.values()), None)


@pytest.fixture
def scraped(tmp_path: Path) -> Iterator[tuple[Exporter, Prometheus]]:
    """An exporter, and a Prometheus that scrapes it every second."""
    program = require("prometheus")
    port = free_port()
    with run_exporter(tmp_path, CONFIG) as exporter:
        command = prometheus_command(program, port, tmp_path, targets=[exporter.ports.web], interval="1s")
        with running("prometheus", command, tmp_path) as child:
            prometheus = Prometheus(port)
            wait_until(
                lambda: fetch(port, "/-/ready")[0] == 200 and prometheus.value("up") == 1,
                what="the first scrape",
                seconds=60,
                child=child,
            )
            yield exporter, prometheus


def _send(exporter: Exporter, first: int, rows: int, *, scale: float = 1.0) -> None:
    body = [
        {
            "model": "fraud",
            "version": "1",
            "id": f"p{number}",
            "features": {"amount": scale * (number * 37 % 1000), "country": ("DE", "FR", "IT")[number % 3]},
            "score": (number * 7 % 100) / 100,
        }
        for number in range(first, first + rows)
    ]
    status, reply = exporter.post("/v1/predictions", body, lines=True)
    assert status == 200, reply


def test_prometheus_answers_queries_about_a_model(scraped: tuple[Exporter, Prometheus]) -> None:
    """Counters, drift and ownership arrive as the exporter shows them, through OpenMetrics, without a scrape error."""
    exporter, prometheus = scraped
    _send(exporter, 0, 1500)
    exporter.wait_for(lambda page: page.has("model_baseline_rows", model="fraud"), what="the baseline")
    _send(exporter, 1500, 1000, scale=3.0)
    page = exporter.settled()
    psi = page.total("model_drift_psi", model="fraud", feature="amount", window="5m")
    wait_until(
        lambda: prometheus.value('model_drift_psi{feature="amount",window="5m"}') == psi,
        what="Prometheus to have seen it",
        seconds=30,
    )
    assert psi > 0.25
    assert prometheus.value('sum(model_predictions_total{model="fraud"})') == 2500
    assert prometheus.value('model_ownership_timestamp_seconds{owner="payments-ml",environment="test",tier="1"} > 0')
    assert prometheus.value('sum(model_feature_bin_observations_total{feature="amount"})') == page.total(
        "model_feature_bin_observations_total", feature="amount"
    )
    assert prometheus.value('model_exporter_scrape_duration_seconds{format="openmetrics"} > 0')
    assert prometheus.value("min_over_time(up[5m])") == 1
    data = prometheus.get("/api/v1/targets")
    assert isinstance(data, dict)
    assert [target["lastError"] for target in data["activeTargets"]] == [""]


def test_promtool_has_nothing_to_say_of_the_live_page(exporter: Exporter) -> None:
    """Names, help texts and units are as Prometheus's linter wants them."""
    promtool = require("promtool")
    _send(exporter, 0, 1500)
    text = exporter.settled().text
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_query_of_the_readme_is_the_accuracy_by_the_latest_outcomes(scraped: tuple[Exporter, Prometheus]) -> None:
    """Of three classes: by what the counters gained, not by what they held before."""
    exporter, prometheus = scraped
    (query,) = re.findall(r"```promql\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    # Every cell holds more than it gains, so that `increase` extrapolates all of them alike.
    _send_outcomes(exporter, 0, 600, wrong_of_ten=3)
    _see_outcomes(prometheus, 600)
    _send_outcomes(exporter, 600, 150, wrong_of_ten=5)
    _see_outcomes(prometheus, 750)
    assert prometheus.query(query) == {(("model", "fraud"), ("version", "1")): pytest.approx(0.5)}


def _send_outcomes(exporter: Exporter, first: int, rows: int, *, wrong_of_ten: int) -> None:
    """Predictions and their outcomes, each class as often as the others, of ten in a row some wrong."""
    names = ("approve", "decline", "review")
    predictions, outcomes = [], []
    for number in range(first, first + rows):
        truth = names[number // 10 % 3]
        predicted = names[(number // 10 + 1) % 3] if number % 10 < wrong_of_ten else truth
        predictions.append({"model": "fraud", "version": "1", "id": f"p{number}", "prediction": predicted})
        outcomes.append({"model": "fraud", "id": f"p{number}", "outcome": truth})
    # Outcomes first: nothing configures them, so that predictions wait for theirs only once one was seen.
    for path, body in (("/v1/outcomes", outcomes), ("/v1/predictions", predictions)):
        status, reply = exporter.post(path, body, lines=True)
        assert status == 200, reply


def _see_outcomes(prometheus: Prometheus, outcomes: int) -> None:
    """Wait until Prometheus has seen so many."""
    wait_until(
        lambda: prometheus.value("sum(model_confusion_total)") == outcomes,
        what=f"{outcomes} outcomes in Prometheus",
        seconds=60,
    )
