"""Cost of what is computed for a window or a slot, and of a baseline: `python tests/benchmarks/bench_slots.py`.

Processor time, medians. Features are numeric with 16 bins, below, above and missing; a slot holds 25 predictions.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.build import build_baseline
from model_exporter.batch import Column, Kind, Role
from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.distances import js_distance, ks_distance, psi, wasserstein_ratio
from model_exporter.stats.features import FeatureBins, flatten
from model_exporter.stats.features import Kind as FeatureKind
from model_exporter.stats.gauges import ShiftScore, psi_threshold
from model_exporter.stats.model_evidence import ModelEvidence
from model_exporter.stats.portfolio import build_tables

BINS: Final = 19
ROWS_A_SLOT: Final = 25
BASELINE_ROWS: Final = 10_000
REPEATS: Final = 25
YEAR: Final = 31_536_000.0
SLOT: Final = 15.0


def median_milliseconds(work: Callable[[], object]) -> float:
    """Median processor time of `work`."""
    work()
    taken = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return 1e3 * sorted(taken)[REPEATS // 2]


def baselines(features: int, rng: np.random.Generator) -> list[FeatureBins]:
    """Features whose baseline rows are spread evenly over their ordinary bins."""
    shares = np.array([0.0, *[1 / 16] * 16, 0.0, 0.0])
    return [FeatureBins(FeatureKind.NUMERIC, rng.multinomial(BASELINE_ROWS, shares)) for _ in range(features)]


def four_distances(bins: Sequence[FeatureBins], window: NDArray[np.int64]) -> Callable[[], object]:
    """The distances of one window."""
    flat = flatten(bins)
    baseline = flat.counts.astype(np.int64)
    ordinal = ~flat.missing
    positions, sd = np.tile(np.arange(float(BINS)), len(bins)), np.ones(len(bins))

    def measure() -> None:
        psi(baseline, window, flat.starts)
        js_distance(baseline, window, flat.starts)
        ks_distance(baseline, window, flat.starts, ordinal)
        wasserstein_ratio(baseline, window, flat.starts, ordinal, positions, sd)

    return measure


def report(features: int) -> None:
    """Print a line about models of so many features."""
    rng = np.random.default_rng(features)
    bins = baselines(features, rng)
    flat = flatten(bins)
    shares = np.array([0.0, *[1 / 16] * 16, 0.0, 0.0])
    slots = [rng.multinomial(ROWS_A_SLOT, shares, size=features).ravel() for _ in range(REPEATS + 1)]
    window = rng.multinomial(1000, shares, size=features).ravel()
    baseline = flat.counts.astype(np.int64)
    score = ShiftScore(flat)
    started = time.process_time()
    tables = build_tables(bins, Allowance(tolerance=0.01, z=3.0))
    built = 1e3 * (time.process_time() - started)
    evidence = ModelEvidence([tables], patience_seconds=YEAR)
    coming = iter(slots)
    figures = (
        median_milliseconds(lambda: evidence.update(next(coming), start=0.0, seconds=SLOT)),
        median_milliseconds(evidence.verdict),
        median_milliseconds(four_distances(bins, window)),
        median_milliseconds(lambda: psi_threshold(baseline, window, flat.starts, tolerance=0.0025)),
        median_milliseconds(lambda: score.score(window)),
        built,
    )
    print(f"{features:>8}", *(f"{figure:>10.2f}" for figure in figures))


def report_building(features: int, rows: int) -> None:
    """Print what building a baseline from rows costs."""
    rng = np.random.default_rng(rows)
    kinds = np.full(rows, Kind.NUMBER, np.uint8)
    columns = [
        Column(f"x{index}", Role.INPUT, kinds, row) for index, row in enumerate(rng.normal(size=(features, rows)))
    ]
    started = time.process_time()
    build_baseline(columns, model="m", created=0.0, source="", span_seconds=None)
    print(f"\nA baseline of {rows:,} rows x {features} features: {time.process_time() - started:.1f} s")


def main() -> None:
    """Measure and print."""
    print("ms for one level, slot or window of a model version; the budget of evidence is 5 ms for 1,000 features\n")
    names = ("features", "evidence", "verdict", "distances", "PSI limit", "shift", "tables")
    print(f"{names[0]:>8}", *(f"{name:>10}" for name in names[1:]))
    for features in (10, 100, 1_000):
        report(features)
    report_building(100, 100_000)


if __name__ == "__main__":
    main()
