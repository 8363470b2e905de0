"""How often the drift rules are wrong: `python tests/benchmarks/bench_fleet_drift.py` writes FLEET_DRIFT.md.

Numbers of a normal law in the sixteen tail-refined bins, one row in a hundred missing: seventeen bins. Every window is
drawn anew, and so is the baseline that it is compared with; fixed seeds. The formulas are those of `rules/drift.yml`,
which `tests/contract/test_drift_rules.py` holds to the same results.
"""

import sys
from pathlib import Path
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.config.settings import Drift
from model_exporter.stats.bins import TAIL_REFINED

Floats = NDArray[np.float64]

WINDOWS: Final = (200, 1000, 10_000)
BASELINES: Final = (1000, 10_000, 100_000)
RUNS: Final = 50_000
MISSING: Final = 0.01
TOLERANCE: Final = Drift().ticket.tolerance
SHIFTS: Final = (0.0, TOLERANCE**0.5, 0.1, 0.2, 0.3, 0.5)
"""Standard deviations; a shift of the mean by d of them is a divergence of about the square of d."""
RULES: Final = ("z > 3", "z > 5", "PSI > threshold", "both, z > 5", "PSI > .1", "PSI > .25")
NORMAL: Final = NormalDist()
CUTS: Final = tuple(NORMAL.inv_cdf(share) for share in TAIL_REFINED)


def law(shift: float) -> Floats:
    """Probabilities of the bins after a shift of the mean, float64[B]."""
    values = np.diff([0.0, *(NORMAL.cdf(cut - shift) for cut in CUTS), 1.0])
    return np.append(values * (1 - MISSING), MISSING)


def fired(rng: np.random.Generator, rows: int, of: int, shift: float) -> Floats:
    """Share of the windows in which each of `RULES` fires, float64[6]."""
    window = rng.multinomial(rows, law(shift), RUNS).astype(np.float64)
    baseline = rng.multinomial(of, law(0.0), RUNS).astype(np.float64)
    noise, bins = 1 / rows + 1 / of, ((window > 0) | (baseline > 0)).sum(axis=1)
    log_ratio = np.log((window + 0.5) / (baseline + 0.5))
    psi = ((window + 0.5) * log_ratio).sum(axis=1) / (rows + bins / 2)
    psi -= ((baseline + 0.5) * log_ratio).sum(axis=1) / (of + bins / 2)
    null = noise * (bins - 1)
    threshold = TOLERANCE + null + 2.33 * np.sqrt(2 * noise * null + 4 * noise * TOLERANCE)
    squared = np.maximum(1 - np.sqrt(window * baseline).sum(axis=1) / np.sqrt(rows * of), 0.0)
    ninths = 2 / (9 * (bins - 1))
    z = (np.cbrt(8 * squared / null) - 1 + ninths) / np.sqrt(ninths)
    over = psi > threshold
    return np.array([(z > 3).mean(), (z > 5).mean(), over.mean(), ((z > 5) & over).mean(), *_customary(psi)])


def _customary(psi: Floats) -> list[float]:
    return [float((psi > limit).mean()) for limit in (0.1, 0.25)]


def rows_of(shift: float) -> list[str]:
    """Lines of the table of one shift."""
    rng = np.random.default_rng(5)
    lines = []
    for rows in WINDOWS:
        for of in BASELINES:
            shares = " | ".join(f"{100 * share:.4g}" for share in fired(rng, rows, of, shift))
            lines.append(f"| {rows:,} | {of:,} | {shares} |")
    print(f"{shift:.2f} sd", *lines, sep="\n", file=sys.stderr, flush=True)
    return lines


REPORT: Final = """# False alarms of the drift rules

Written by `PYTHONPATH=tests .venv/bin/python tests/benchmarks/bench_fleet_drift.py`; see there for the set-up.

Share of windows, in %, in which a condition on the recorded series holds: {runs:,} windows in each row, so that a share
of 1 % has a standard error of {error:.2f}. *PSI > threshold* compares `model_feature:drift_psi:1h` with
`model_feature:drift_psi_threshold:1h`, *z* is `model_feature:drift_z:1h`. A tolerance of {tolerance} is a shift of the
mean by {shift:.2f} standard deviations.

These are single looks. A rule looks every two minutes at an hour that has hardly changed, for every feature of a model:
whoever is paged by this many looks is paged by chance, which is why the symptom is for information and the verdicts of
the exporter, whose guarantee holds for all looks together, are what alarms.

{tables}
"""


def main() -> None:
    """Measure everything and write the report."""
    tables = []
    for shift in SHIFTS:
        title = f"## Mean moved by {shift:.2f} standard deviations" if shift else "## No drift"
        title += " (the tolerance)" if shift == TOLERANCE**0.5 else ""
        head = f"| window | baseline | {' | '.join(RULES)} |\n|---{'|---' * (len(RULES) + 1)}|"
        tables.append("\n".join([title, "", head, *rows_of(shift), ""]))
    text = REPORT.format(
        runs=RUNS,
        error=100 * (0.01 * 0.99 / RUNS) ** 0.5,
        tolerance=TOLERANCE,
        shift=TOLERANCE**0.5,
        tables="\n".join(tables).rstrip(),
    )
    Path(__file__).with_name("FLEET_DRIFT.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
