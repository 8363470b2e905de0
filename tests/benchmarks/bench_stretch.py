"""The self-comparison of a learning stretch, measured: `python tests/benchmarks/bench_stretch.py` writes STRETCH.md.

Normal features in the sixteen tail-refined bins, independent of each other; fixed seeds. Beside it stands the simple
comparison of the older half with the newer one by PSI.
"""

import sys
import time
from pathlib import Path
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.bins import TAIL_REFINED
from model_exporter.stats.distances import psi
from model_exporter.stats.limits import psi_limit
from model_exporter.stats.stretch import FALSE_ALARM, TOLERANCE, stretch_agreement

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

NORMAL: Final = NormalDist()
CUTS: Final = tuple(NORMAL.inv_cdf(share) for share in TAIL_REFINED)
BINS: Final = len(CUTS) + 1
FEATURES: Final = (10, 100, 500)
RUNS: Final = 200
CLEAN_RUNS: Final = {10: 3000, 100: 1000, 500: 400}


def shares(shift: float) -> Values:
    """Probabilities of the bins after a shift of the mean by standard deviations."""
    return np.diff([0.0, *(NORMAL.cdf(cut - shift) for cut in CUTS), 1.0])


def stretch(rng: np.random.Generator, rows: int, shifts: tuple[float, ...], features: int) -> Counts:
    """Counts of blocks; the first feature's mean is shifted block by block."""
    each = rows // len(shifts)
    drifting = [rng.multinomial(each, shares(shift)) for shift in shifts]
    steady = rng.multinomial(each, shares(0.0), (len(shifts), features - 1)).reshape(len(shifts), -1)
    return np.hstack([drifting, steady]).astype(np.int64)


def starts(features: int) -> Counts:
    """Where each feature's bins begin."""
    return np.arange(0, features * BINS + 1, BINS)


def halves_agree(blocks: Counts, features: int) -> NDArray[np.bool_]:
    """The simple comparison: PSI of the newer half against the older, over tolerance and chance."""
    middle = len(blocks) // 2
    older, newer = blocks[:middle].sum(axis=0), blocks[middle:].sum(axis=0)
    limit = psi_limit(older, newer, starts(features), tail=0.001 / features, tolerance=0.02)
    agree: NDArray[np.bool_] = psi(older, newer, starts(features)) <= limit
    return agree


def report_clean() -> list[str]:
    """False alarms of a whole stretch without drift."""
    lines = [f"| rows, blocks | {' | '.join(f'{f} features' for f in FEATURES)} |", "|---|---|---|---|"]
    for rows, blocks in ((400, 8), (1000, 8), (10_000, 4), (10_000, 8), (100_000, 8)):
        figures = []
        for features in FEATURES:
            rng = np.random.default_rng(31)
            wrong = sum(
                not stretch_agreement(stretch(rng, rows, (0.0,) * blocks, features), starts(features)).stable.all()
                for _ in range(CLEAN_RUNS[features])
            )
            figures.append(f"{wrong / CLEAN_RUNS[features]:.4f}")
        lines.append(f"| {rows:,}, {blocks} | {' | '.join(figures)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def report_power() -> list[str]:
    """Share of stretches in which the drifting feature is found, by the blocks that drift."""
    quarter, half, eighth = (0, 0, 0, 0, 0, 0, 1, 1), (0, 0, 0, 0, 1, 1, 1, 1), (0, 0, 0, 1, 0, 0, 0, 0)
    lines = [
        "| rows, features | drifts | .25 sd | .5 sd | 1 sd | halves by PSI, .25 / .5 / 1 sd |",
        "|---|---|---|---|---|---|",
    ]
    cases = [(10_000, f, "last quarter", quarter) for f in FEATURES]
    cases += [(10_000, 100, "last half", half), (10_000, 100, "the fourth eighth", eighth)]
    cases += [(1000, 100, "last quarter", quarter), (3000, 100, "last quarter", quarter)]
    for rows, features, name, where in cases:
        rng = np.random.default_rng(32)
        ours, simple = [], []
        for size in (0.25, 0.5, 1.0):
            blocks = [stretch(rng, rows, tuple(size * on for on in where), features) for _ in range(RUNS)]
            ours.append(np.mean([not stretch_agreement(b, starts(features)).stable[0] for b in blocks]))
            simple.append(np.mean([not halves_agree(b, features)[0] for b in blocks]))
        found = " | ".join(f"{figure:.2f}" for figure in ours)
        lines.append(f"| {rows:,}, {features} | {name} | {found} | {' / '.join(f'{f:.2f}' for f in simple)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def cost() -> str:
    """Processor time of a comparison."""
    blocks = stretch(np.random.default_rng(33), 10_000, (0.0,) * 8, 500)
    started = time.process_time()
    for _ in range(20):
        stretch_agreement(blocks, starts(500))
    return f"500 features in 8 blocks: {50 * (time.process_time() - started):.0f} ms."


REPORT: Final = """# A learning stretch against itself

Written by `python tests/benchmarks/bench_stretch.py`; see there for the set-up. False alarms nominally {nominal},
tolerance {tolerance}.

## Stretches without drift that are said to disagree

{clean}

## Drifts of one feature that are found, 8 blocks

{power}

{cost}
"""


def main() -> None:
    """Measure everything and write the report."""
    text = REPORT.format(
        nominal=FALSE_ALARM,
        tolerance=TOLERANCE,
        clean="\n".join(report_clean()),
        power="\n".join(report_power()),
        cost=cost(),
    )
    Path(__file__).with_name("STRETCH.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
