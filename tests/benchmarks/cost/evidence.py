"""What the evidence of a slot costs a model, with the default levels, by features."""

import time
from typing import Final

import numpy as np

from benchmarks.cost.measure import median
from benchmarks.cost.records import COUNTRIES
from model_exporter.baseline.build import build_baseline
from model_exporter.batch import Column, Kind, Role, column_from_values
from model_exporter.config.settings import ModelSettings
from model_exporter.window.verdicts import Bets, Verdicts
from snapshots import layout

FEATURES: Final = (10, 100, 1000)
SLOT: Final = 15.0
NOW: Final = 1_800_000_000.0
ROWS: Final = 5000
ROWS_A_SLOT: Final = 25
REPEATS: Final = 25


def measure_evidence() -> dict[int, float]:
    """Median processor milliseconds that closing a slot costs all levels together, by number of features."""
    return {features: _milliseconds(features) for features in FEATURES}


def _milliseconds(features: int) -> float:
    rng = np.random.default_rng(features)
    numbers = np.full(ROWS, Kind.NUMBER, np.uint8)
    columns = [
        column_from_values(f"x{index}", Role.INPUT, rng.choice(COUNTRIES, ROWS).tolist())
        if index % 6 == 0
        else Column(f"x{index}", Role.INPUT, numbers, rng.normal(size=ROWS))
        for index in range(features)
    ]
    baseline = build_baseline(columns, model="m", created=NOW, source="", span_seconds=None)
    verdicts = Verdicts(Bets(layout(baseline), ModelSettings()))
    shares = [np.array(feature.counts) / ROWS for feature in baseline.features]
    taken = []
    for number in range(REPEATS):
        slot = np.concatenate([rng.multinomial(ROWS_A_SLOT, share) for share in shares])
        started = time.process_time()
        verdicts.take_slot(NOW + SLOT * number, slot)
        taken.append(1e3 * (time.process_time() - started))
    return median(taken[1:])
