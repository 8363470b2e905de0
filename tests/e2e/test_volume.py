"""Many predictions from real clients at once, checked against an independent computation on the same rows."""

import csv
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.exporters import Exporter, Page, run_exporter
from e2e.reference import Expected, expected
from e2e.rows import FEATURES, rows

ROWS = 200_000
SPLIT_ROWS = 20_000
BASELINE_ROWS = 20_000
CLIENTS = ("http", "grpc")
SHIFT = 0.3
SECONDS = 400
EXACT = 1e-9


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A baseline file built by the command line from a CSV file."""
    folder = tmp_path_factory.mktemp("baseline")
    table = folder / "train.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FEATURES)
        writer.writeheader()
        writer.writerows(rows(BASELINE_ROWS, seed=1))
    result = folder / "volume.json"
    command = [sys.executable, "-m", "model_exporter", "baseline", "build", str(table), "-o", str(result)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return result


def _send(*exporters: Exporter, count: int) -> None:
    """Send `count` rows with a client a protocol; each exporter gets every so-manieth of them."""
    parts = len(exporters) * len(CLIENTS)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(
                subprocess.Popen(
                    [
                        sys.executable,
                        str(Path(__file__).parent / "send_rows.py"),
                        protocol,
                        exporter.grpc_endpoint if protocol == "grpc" else exporter.endpoint,
                        "volume",
                        *map(str, (count, 2, SHIFT, part * len(exporters) + place, parts)),
                    ],
                    env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
                )
            )
            for part, protocol in enumerate(CLIENTS)
            for place, exporter in enumerate(exporters)
        ]
        assert [client.wait(SECONDS) for client in clients] == [0] * len(clients)


def _config(baseline: Path) -> str:
    return f"models: {{volume: {{baseline: {baseline}}}}}\n"


def _shown(page: Page, feature: str, window: str) -> Expected:
    def one(metric: str) -> float | None:
        found = page.samples(metric, feature=feature, window=window)
        return found[0][1] if found else None

    bins = page.samples("model_feature_bin_observations_total", feature=feature)
    psi, js_distance = one("model_drift_psi"), one("model_drift_js_distance")
    assert psi is not None
    assert js_distance is not None
    return Expected(
        bins={labels["bin"]: int(value) for labels, value in bins},
        psi=psi,
        js_distance=js_distance,
        ks_distance=one("model_drift_ks_distance"),
        wasserstein_ratio=one("model_drift_wasserstein_ratio"),
    )


def _agree(have: float | None, want: float | None) -> bool:
    if have is None or want is None:
        return have is want
    return abs(have - want) <= EXACT


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_200_000_predictions_are_counted_once_and_measured_exactly(tmp_path: Path, baseline: Path) -> None:
    """20 features over both transports: every bin's count is right, and all four distances to 1e-9."""
    with run_exporter(tmp_path, _config(baseline)) as exporter:
        _send(exporter, count=ROWS)
        page = exporter.settled()
    assert page.total("model_predictions_total", model="volume") == ROWS
    assert page.total("model_duplicate_predictions_total", model="volume") == 0
    wanted = expected(baseline, list(rows(ROWS, seed=2, shift=SHIFT)))
    assert set(wanted) == set(FEATURES)
    for feature, want in wanted.items():
        for window in ("1h", "1d"):
            have = _shown(page, feature, window)
            assert have.bins == want.bins, feature
            for name in ("psi", "js_distance", "ks_distance", "wasserstein_ratio"):
                assert _agree(getattr(have, name), getattr(want, name)), (feature, name)
            assert page.total("model_window_observations", feature=feature, window=window) == ROWS


def test_two_exporters_add_up_to_one(tmp_path: Path, baseline: Path) -> None:
    """A fleet is a sum: the bin counters of two replicas that share a stream equal those of one that gets it all."""
    with ExitStack() as stack:
        one, left, right = (
            stack.enter_context(run_exporter(tmp_path / name, _config(baseline))) for name in ("one", "left", "right")
        )
        _send(one, count=SPLIT_ROWS)
        _send(left, right, count=SPLIT_ROWS)
        whole, *halves = (exporter.settled() for exporter in (one, left, right))
    for name in (
        "model_feature_bin_observations_total",
        "model_feature_values_total",
        "model_feature_missing_total",
        "model_feature_invalid_total",
        "model_predictions_total",
    ):
        found = whole.samples(name)
        assert found
        for labels, value in found:
            assert sum(half.total(name, **labels) for half in halves) == value, (name, labels)
    assert all(half.total("model_predictions_total") == SPLIT_ROWS / 2 for half in halves)
