"""What the pages on a model's data ask in common, evaluated by promtool over a handful of series."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from e2e.programs import require
from model_exporter.pack.dashboards.features import NAMES, PLACES, now_of_active

pytestmark = pytest.mark.prometheus

CREATED = "model_baseline_created_timestamp_seconds"
ROWS = "model_baseline_bin_observations"
BOUND = "model_baseline_bin_upper_bound"


def binned(
    feature: str, rows: Mapping[str, float], bounds: Mapping[str, float], baseline: str = "new"
) -> dict[str, str]:
    """Series of a feature's bins, each with its values from the start on."""
    labels = f'model="m",feature="{feature}",role="input",baseline="{baseline}"'
    return {
        f'{metric}{{{labels},bin="{name}"}}': f"{value}x20"
        for metric, values in ((ROWS, rows), (BOUND, bounds))
        for name, value in ((name, f"{value:+.17g}+0") for name, value in values.items())
    }


BASELINES = {f'{CREATED}{{model="m",baseline="new"}}': "200+0x20", f'{CREATED}{{model="m",baseline="old"}}': "100+0x20"}


def evaluated(tmp_path: Path, series: Mapping[str, str], expression: str, expected: Mapping[str, float]) -> str:
    """What promtool says of `expression`, whose series should be `expected`; empty when it agrees."""
    chosen = {"model": "m", "feature": "f", "version": ".*"}
    told = re.sub(r"\$([a-z]+)\b", lambda found: chosen[found[1]], expression)
    samples = [{"labels": labels, "value": value} for labels, value in expected.items()]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": told, "eval_time": "10m", "exp_samples": samples}],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}), "utf-8")
    done = subprocess.run(
        [require("promtool"), "test", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


NUMBERS = binned(
    "f",
    dict.fromkeys(("_below", "00", "01", "02", "03", "_above", "_missing"), 5),
    {"_below": -1.25, "00": -0.00123456, "01": 0, "02": 12.34567, "03": 98765.4, "_above": float("inf")},
)
CATEGORIES = binned("f", {"AT": 7, "DE": 9, "__odd": 8, "_other": 3, "_unseen": 2, "_missing": 1}, {})
OLD = binned("f", {"00": 5, "07": 5}, {"00": 500, "07": 700}, baseline="old")


def test_bins_of_numbers_have_their_upper_bounds_as_names(tmp_path: Path) -> None:
    """Four digits, whole numbers whole, 0 among them; a baseline that was replaced has no say."""
    names = {
        "_below": "(below)",
        "00": "up to -0.001235",
        "01": "up to 0",
        "02": "up to 12.35",
        "03": "up to 98765",
        "_above": "(above)",
        "_missing": "(missing)",
    }
    expected = {f'{{bin="{place}", name="{name}"}}': 1.0 for place, name in names.items()}
    assert evaluated(tmp_path, BASELINES | NUMBERS | OLD, NAMES, expected) == ""


def test_categories_have_their_own_names(tmp_path: Path) -> None:
    """One that begins with an underscore is not taken for a special bin."""
    names = {"AT": "AT", "DE": "DE", "__odd": "_odd"} | {
        f"_{name}": f"({name})" for name in ("other", "unseen", "missing")
    }
    expected = {f'{{bin="{place}", name="{name}"}}': 1.0 for place, name in names.items()}
    assert evaluated(tmp_path, BASELINES | CATEGORIES, NAMES, expected) == ""


def test_numbers_stand_in_the_order_of_their_bounds(tmp_path: Path) -> None:
    """What is above all bounds comes after them, and what is missing last."""
    bounds = {
        "_below": -1.25,
        "00": -0.00123456,
        "01": 0,
        "02": 12.34567,
        "03": 98765.4,
        "_above": 1e300,
        "_missing": 3e300,
    }
    expected = {f'{{bin="{name}"}}': value for name, value in bounds.items()}
    assert evaluated(tmp_path, BASELINES | NUMBERS | OLD, PLACES, expected) == ""


def test_the_most_frequent_category_comes_first(tmp_path: Path) -> None:
    """Then the others, and what is no category last."""
    places = {"DE": -9, "__odd": -8, "AT": -7, "_other": 1e300, "_unseen": 2e300, "_missing": 3e300}
    expected = {f'{{bin="{name}"}}': value for name, value in places.items()}
    assert evaluated(tmp_path, BASELINES | CATEGORIES, PLACES, expected) == ""


@pytest.mark.parametrize(
    ("values", "active", "expected"),
    [
        ({"1": 2, "2": 0}, "2", {"{}": 0.0}),
        ({"1": 2}, "2", {}),
        ({"1": 2, "2": 0}, None, {"{}": 2.0}),
        ({}, "2", {}),
    ],
    ids=["the active one decides", "an old one does not stand in for it", "without an active one the worst", "nothing"],
)
def test_the_active_version_tells_the_present(
    tmp_path: Path, values: Mapping[str, int], active: str | None, expected: Mapping[str, float]
) -> None:
    """A version that no longer serves was in something, and is in nothing now."""
    series = {f'model_version:x{{model="m",version="{version}"}}': f"{value}x20" for version, value in values.items()}
    series |= {f'model:active_version{{model="m",version="{active}"}}': "1x20"} if active else {}
    assert evaluated(tmp_path, series, now_of_active('model_version:x{model="$model"}'), expected) == ""


def test_a_chosen_version_is_shown_though_another_is_active(tmp_path: Path) -> None:
    """The reader who asks for a version wants to see what it was in."""
    series = {'model_version:x{model="m",version="1"}': "2x20", 'model:active_version{model="m",version="2"}': "1x20"}
    chosen = now_of_active('model_version:x{model="$model",version=~"$version"}').replace("$version", "1")
    assert evaluated(tmp_path, series, chosen, {"{}": 2.0}) == ""
