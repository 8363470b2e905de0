"""A small state from traffic to a Prometheus that answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from e2e.programs import require
from model_exporter.demo.processes import fetch
from timelapse import server
from timelapse.states import DRIFTING, STATES, State

RULES = """
groups:
  - name: g
    rules:
      - record: model:predictions:increase5m
        expr: sum by (model) (increase(model_predictions_total[5m]))
      - record: model:change:timestamp_seconds
        expr: max by (model, change) (model_change_timestamp_seconds)
      - alert: Busy
        expr: model:predictions:increase5m > 1300
        for: 2m
"""
SMALL = State("small", [model for model in DRIFTING.models if model.name in {"fraud-check", "churn-risk"}], 0, 900, 0)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of rules and of what is kept."""
    return tmp_path_factory.mktemp("timelapse")


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """Of a Prometheus that holds a quarter of an hour of two models."""
    require("promtool")
    require("prometheus")
    (folder / "alerts.yml").write_text(RULES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STATES, "small", SMALL)
        with server.running("small", rules=folder, cache=folder / "kept") as address:
            yield int(address.rpartition(":")[2])


def ask(port: int, question: str) -> dict[str, float]:
    """What an instant query finds now, by all labels but those of the target."""
    status, body = fetch(port, f"/api/v1/query?query={quote(question)}")
    assert status == 200, body
    return {
        " ".join(value for _, value in sorted(one["metric"].items())): float(one["value"][1])
        for one in json.loads(body)["data"]["result"]
    }


def test_raw_series_are_there_until_now(port: int) -> None:
    """Both exporters are up, and each model has grown within the last minutes."""
    assert ask(port, "count(up == 1)") == {"": 2.0}
    grown = ask(port, "sum by (model) (increase(model_predictions_total[5m]))")
    assert set(grown) == {"churn-risk", "fraud-check"}
    assert all(value > 300 for value in grown.values())


def test_histograms_and_the_exporters_own_series_are_there(port: int) -> None:
    """What dashboards read and rules do not."""
    for name in (
        "model_feature_bin_observations_total",
        "model_prediction_duration_seconds_bucket",
        "model_exporter_scrape_duration_seconds",
        "process_resident_memory_bytes",
        "model_exporter_request_bytes_total",
        'model_exporter_requests_total{outcome="success",signal="predictions"}',
    ):
        assert ask(port, f"max({name}) > bool 0") == {"": 1.0}, name


def test_recorded_series_and_alerts_are_there(port: int) -> None:
    """What rules made of the raw ones, at the moments at which they made it."""
    assert set(ask(port, "model:predictions:increase5m")) == {
        "model:predictions:increase5m churn-risk",
        "model:predictions:increase5m fraud-check",
    }
    assert set(ask(port, 'ALERTS{alertstate="firing"}')) == {"ALERTS Busy firing fraud-check"}


def test_moments_have_moved_to_now(port: int) -> None:
    """A pipeline that ran in the simulated morning ran a quarter of an hour ago, in raw and in recorded series."""
    for name in ("model_change_timestamp_seconds", "model:change:timestamp_seconds"):
        (age,) = ask(port, f'time() - max({name}{{model="churn-risk",change="pipeline"}})').values()
        assert 0 <= age < 1800


@pytest.mark.usefixtures("port")
def test_what_was_built_is_kept(folder: Path) -> None:
    """Another server of the same state need not simulate again, and one with other rules only evaluates those."""
    assert sorted(path.name.rpartition("-")[0] for path in (folder / "kept").glob("*.npz")) == [
        "small",
        "small-scraped",
    ]
