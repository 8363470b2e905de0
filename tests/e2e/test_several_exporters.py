"""Several exporters that share the requests count what one would have counted."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import numpy as np
import pytest

from baselines import baseline, column
from e2e.exporters import Exporter, Page, run_exporter
from model_exporter.baseline.file import write_baseline

ROWS = 50
REQUESTS = 24
COUNTRIES = ("DE", "FR", "IT")
CONFIG = """
models:
  fraud:
    kind: classification
    baseline: {baseline}
    outcome: {{positive: "yes", wait: 1h}}
    segments: {{country: feature.country}}
"""
Sums = dict[tuple[str, frozenset[tuple[str, str]]], float]


def request(number: int) -> tuple[list[Mapping[str, object]], list[Mapping[str, object]]]:
    """Predictions with something missing, something out of range, something new and some errors; their outcomes."""
    random = np.random.default_rng(number)
    predictions: list[Mapping[str, object]] = []
    outcomes: list[Mapping[str, object]] = []
    for row in range(ROWS):
        name = f"{number}-{row}"
        features = {
            "amount": None if row % 11 == 0 else float(random.normal(0, 3)),
            "country": "XX" if row % 13 == 0 else str(random.choice(COUNTRIES)),
        }
        told: dict[str, object] = {
            "model": "fraud",
            "version": "1",
            "id": name,
            "prediction": "yes" if row % 3 else "no",
            "score": 0.5,
        }
        told |= {"latency_ms": 3.0 + row, "features": features}
        predictions.append(told | ({"error": "timeout"} if row % 17 == 0 else {}))
        outcomes.append({"model": "fraud", "id": name, "outcome": "yes" if row % 2 else "no"})
    return predictions, outcomes


def send(exporter: Exporter, number: int) -> None:
    """A request, and its outcomes to the same exporter."""
    for path, lines in zip(("/v1/predictions", "/v1/outcomes"), request(number), strict=True):
        status, text = exporter.post(path, list(lines), lines=True)
        assert status == 200, text


def counters(page: Page) -> Sums:
    """All that counts something about models: counters and histograms, by name and labels."""
    found: Sums = {}
    for line in page.text.splitlines():
        name = line.partition("{")[0]
        if not name.startswith("model_") or name.startswith("model_exporter_"):
            continue
        if name.endswith(("_total", "_bucket", "_count", "_sum")):
            for labels, value in page.samples(name):
                found[name, frozenset(labels.items())] = value
    return found


@pytest.fixture(scope="module")
def exporters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Exporter, tuple[Exporter, Exporter]]]:
    """One exporter, and two; all with the same baseline and a folder of their own."""
    folder = tmp_path_factory.mktemp("several")
    random = np.random.default_rng(1)
    columns = (
        column(random.normal(size=2000).tolist(), "amount"),
        column(random.choice(COUNTRIES, 2000).tolist(), "country"),
    )
    write_baseline(baseline(*columns), folder / "baseline.json")
    config = CONFIG.format(baseline=folder / "baseline.json")
    with ExitStack() as stack:
        one, first, second = (
            stack.enter_context(run_exporter(folder / name, config, name=name)) for name in ("one", "first", "second")
        )
        yield one, (first, second)


def test_counters_of_two_exporters_are_those_of_one(
    exporters: tuple[Exporter, tuple[Exporter, Exporter]],
) -> None:
    """For the same requests, spread over two, every counter and every bucket adds up, series by series."""
    one, several = exporters
    for number in range(REQUESTS):
        send(one, number)
        send(several[number % 2], number)
    alone = counters(one.settled())
    summed: Sums = {}
    for exporter in several:
        for key, value in counters(exporter.settled()).items():
            summed[key] = summed.get(key, 0.0) + value
    seen = {name for name, _ in alone}
    expected = {
        "predictions",
        "prediction_errors",
        "feature_bin_observations",
        "feature_missing",
        "outcomes",
        "confusion",
    }
    assert seen >= {f"model_{name}_total" for name in expected}
    delays = {key for key in alone if key[0].startswith("model_outcome_delay_seconds")}  # of the clock
    assert alone.keys() == summed.keys()
    assert {key: summed[key] for key in alone.keys() - delays} == pytest.approx(
        {key: alone[key] for key in alone.keys() - delays}
    )
    assert sum(alone[key] for key in alone if key[0] == "model_predictions_total") == ROWS * REQUESTS
