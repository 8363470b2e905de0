"""What the README says of memory, and the exporter of each model's, is what is measured."""

import gc
import re
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from batches import T0, baseline_of, batch_of
from model_exporter.config.settings import Drift, Limits, ModelSettings, Settings
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format
from model_exporter.telemetry import Telemetry
from model_exporter.window.duplicates import RecentKeys
from model_exporter.window.fleet import Fleet
from model_exporter.window.memory_costs import MODEL_BYTES, PAIR_BYTES, PAIR_VERSION_BYTES, SERIES_BYTES

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
ROWS = 1_200  # pairs of features need a thousand
SENT = 64
STEPS = ((900, 98), (60, 61), (15, 21))
"""Seconds and how often: fills every slot of every window."""


@dataclass(frozen=True)
class Case:
    """Models of so many features and versions; `low` and `high` bound what was estimated over what was measured."""

    name: str
    models: int = 1
    numbers: int = 0
    categories: int = 0
    versions: int = 1
    pairs: bool = False
    low: float = 0.8
    high: float = 1.3


CASES = (
    Case("numbers", numbers=24),
    Case("two versions", numbers=12, versions=2),
    Case("models", models=2, numbers=12),
    Case("pairs", numbers=10, pairs=True),
    Case("categories", categories=24, high=1.7),  # have fewer bins than numbers, and as many series besides
)


def values_of(case: Case) -> Mapping[str, Sequence[object]]:
    """Columns of which any two numeric ones depend on each other."""
    random = np.random.default_rng(7)
    common = random.normal(size=ROWS)
    numbers = {f"number_{i}": (random.normal(size=ROWS) + common).tolist() for i in range(case.numbers)}
    return numbers | {f"category_{i}": random.choice(list("abcde"), ROWS).tolist() for i in range(case.categories)}


def measured(case: Case) -> tuple[int, int]:
    """Bytes that the models take with full windows after scrapes in both formats, and bytes that are estimated."""
    values = values_of(case)
    names = [f"m{number}" for number in range(case.models)]
    model = ModelSettings(baseline=baseline_of(values), drift=Drift(pairs=case.pairs))
    settings = Settings(models=dict.fromkeys(names, model), limits=Limits(recent_ids=100))
    sent = {name: column[:SENT] for name, column in values.items()}
    batches = [batch_of(sent, version=str(version)) for version in range(case.versions)]
    gc.collect()
    tracemalloc.start(1)
    fleet = Fleet(settings, learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)
    renderer = Renderer()
    now = T0
    for seconds, times in STEPS:
        for _ in range(times):
            for name in names:
                for batch in batches:
                    fleet.predict(name, batch, now)
            now += seconds
            fleet.advance(now)
    snapshot = fleet.snapshot(now)
    for form in (Format.TEXT, Format.OPENMETRICS):
        renderer.render(snapshot, Telemetry().read(), form)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken, sum(model.estimated_bytes for model in snapshot.models)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_models_take_what_is_estimated(case: Case) -> None:
    """Estimated memory is that of full windows and both formats of exposition, within the bounds of the case."""
    measured(case)  # what is loaded or cached once for all is not of a model
    taken, estimated = measured(case)
    assert case.low < estimated / taken < case.high, f"{taken} bytes, {estimated} estimated"


def test_the_readme_tells_the_estimate() -> None:
    """The formula of the README has the constants of the code."""
    for number in (SERIES_BYTES, MODEL_BYTES // 1000, PAIR_BYTES / 1000, PAIR_VERSION_BYTES // 1000):
        assert re.search(rf"\b{number:g} ", README.partition("\n## Memory\n")[2].partition("\n## ")[0])


def test_the_readme_tells_what_remembered_ids_take() -> None:
    """The table of limits has the size of the default."""
    mib = RecentKeys(Limits().recent_ids).nbytes / 1024**2
    assert f"| `recent_ids` | 200,000 | {mib:.0f} MiB |" in README
