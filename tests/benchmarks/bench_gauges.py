"""Gauges that know their size, judged window by window: `python tests/benchmarks/bench_gauges.py` writes GAUGES.md.

Every window is drawn anew, and so is the baseline that it is compared with. The baseline is cut into bins as
`model_exporter.stats.bins` cuts, so the bins of a number hold their shares of it exactly, and what is random is what
lies between the edges; of categories the fifty that are most frequent in that baseline have names. Seeds are fixed; two
processes.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, ks_2samp, norm

from model_exporter.config.settings import Drift
from model_exporter.stats.bins import MIN_ROWS, TAIL_REFINED
from model_exporter.stats.distances import psi
from model_exporter.stats.features import FeatureBins, Kind, flatten
from model_exporter.stats.gauges import ShiftScore, psi_threshold
from model_exporter.window.layout import Layout
from snapshots import baseline, categorical, numeric

WINDOWS = (50, 100, 300, 1000, 10_000, 50_000)
BASELINES = (500, 1000, 10_000, 50_000)
RUNS = 10_000
POWER_RUNS = 2_500
KS_RUNS = 100
RULES = ("shift score > 1", "PSI > its threshold", "PSI > .1", "PSI > .2", "p < .05")
CATEGORIES = 500
NAMED = 50
LARGE = 10_000
TOLERANCE = Drift().ticket.tolerance

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Change = Callable[[Floats], Floats]
"""Of values, or of the shares of a law below its quantiles."""


@dataclass(frozen=True)
class Draw:
    """Baselines int64[R, B] of R features, and the laws float64[R, B] that their windows come from without a change."""

    baseline: Counts
    law: Floats


def uniform_cuts(rng: np.random.Generator, rows: int, *, runs: int, atom: float, missing: float) -> tuple[Draw, Floats]:
    """A continuous number, a share `atom` of whose values is one smallest value, in bins at its baseline's quantiles.

    Returns:
        The draw, and the quantiles float64[R, K] of the continuous law at which the bins of its part end; the last two
        are the baseline's largest value and 1.
    """
    lost = rng.binomial(rows, missing, runs)
    present = rows - lost
    at_atom = rng.binomial(present, atom)
    shares, kept, done = [s for s in (*TAIL_REFINED, 1.0) if s > atom], [], atom
    for share in shares:
        if (share - done) * rows * (1 - missing) >= MIN_ROWS:
            kept.append(share)
            done = share
    kept[-1] = 1.0
    ranks = np.ceil(np.outer(present, kept) - 1e-9).astype(np.int64) - at_atom[:, None]
    inner = np.diff(ranks, prepend=0, axis=1)
    # The m values of a sample cut its law into m + 1 parts that are distributed alike.
    parts = inner.astype(np.float64)
    below = np.zeros(runs)
    if not atom:
        parts[:, 0] -= 1
        below = rng.standard_gamma(1.0, runs)
    parts = rng.standard_gamma(np.concatenate([parts, np.ones((runs, 1))], axis=1))
    cuts = np.cumsum(np.column_stack([below, parts]), axis=1)
    cuts /= cuts[:, -1:]
    first = [np.zeros(runs), at_atom] if atom else [np.zeros(runs)]
    counts = np.column_stack([*first, inner, np.zeros(runs), lost]).astype(np.int64)
    return Draw(counts, law_of(cuts, atom=atom, missing=missing)), cuts


def law_of(cuts: Floats, *, atom: float, missing: float) -> Floats:
    """Shares of all bins when the continuous part has the share cuts[:, k] up to edge k."""
    pieces = np.diff(cuts, prepend=0.0, axis=1) * (1 - atom)
    if atom:  # nothing lies below it, and the first of the cuts stands at the atom
        pieces = np.column_stack([np.zeros(len(cuts)), np.full(len(cuts), atom), pieces[:, 1:]])
    return np.column_stack([pieces * (1 - missing), np.full(len(cuts), missing)])


def fixed(rng: np.random.Generator, rows: int, *, runs: int, shares: tuple[float, ...]) -> Draw:
    """Bins that are there whatever the baseline holds."""
    law = np.array(shares)
    return Draw(rng.multinomial(rows, law, runs), np.tile(law, (runs, 1)))


def zipf(rng: np.random.Generator, rows: int, *, runs: int) -> Draw:
    """Five hundred categories with shares like 1/rank, and one row in a hundred without.

    The bins are the fifty most frequent ones of the baseline by name, others, unseen ones, and missing.
    """
    shares = 0.99 / np.arange(1, CATEGORIES + 1) / np.sum(1 / np.arange(1, CATEGORIES + 1))
    counts = rng.multinomial(rows, [*shares, 0.01], runs)
    baselines, laws = [], []
    for row in counts:
        order = np.argsort(-row[:-1], kind="stable")
        named, others = order[:NAMED], order[NAMED:]
        named, rare = named[row[named] > 0], named[row[named] == 0]
        seen, unseen = others[row[others] > 0], np.concatenate([rare, others[row[others] == 0]])
        pad = np.zeros(NAMED - len(named))
        baselines.append(np.concatenate([row[named], pad, [row[seen].sum(), 0, row[-1]]]))
        laws.append(np.concatenate([shares[named], pad, [shares[seen].sum(), shares[unseen].sum(), 0.01]]))
    return Draw(np.array(baselines).astype(np.int64), np.array(laws))


DrawBaselines = Callable[[np.random.Generator, int, int], Draw]
"""Given a generator, rows and a number of runs."""
DrawChanged = Callable[[np.random.Generator, int, int], tuple[Draw, Floats]]
"""The same, and the laws float64[R, B] that the windows come from after a change."""


@dataclass(frozen=True)
class Feature:
    """A kind of feature, and how its baselines are drawn."""

    name: str
    kind: Kind
    draw: DrawBaselines
    raw: bool = False  # whether its values are tested by Kolmogorov and Smirnov as well


def features() -> list[Feature]:
    """The features whose false alarms are counted."""

    def number(atom: float, missing: float) -> DrawBaselines:
        return lambda rng, rows, runs: uniform_cuts(rng, rows, runs=runs, atom=atom, missing=missing)[0]

    def bins(*shares: float) -> DrawBaselines:
        return lambda rng, rows, runs: fixed(rng, rows, runs=runs, shares=shares)

    return [
        Feature("number, continuous, 1 % missing", Kind.NUMERIC, number(0.0, 0.01), raw=True),
        Feature("number, 70 % of the values 0, 20 % missing", Kind.NUMERIC, number(0.7, 0.2)),
        Feature("truth value, 50 % true, 1 % missing", Kind.BOOLEAN, bins(0.495, 0.495, 0.01)),
        Feature("truth value, 2 % true, .1 % missing", Kind.BOOLEAN, bins(0.979, 0.02, 0.001)),
        Feature("5 categories alike, 1 % missing", Kind.CATEGORICAL, bins(*[0.198] * 5, 0.0, 0.0, 0.01)),
        Feature(
            "4 categories, 90 / 8 / 1.5 / .4 %, .1 % missing",
            Kind.CATEGORICAL,
            bins(0.9, 0.08, 0.015, 0.004, 0.0, 0.0, 0.001),
        ),
        Feature("500 categories by Zipf's law, 1 % missing", Kind.CATEGORICAL, lambda r, m, n: zipf(r, m, runs=n)),
    ]


def fired(kind: Kind, draw: Draw, window: Counts) -> list[float]:
    """Share of the features for which each rule but the last fires, and the chi-squared test in place of the last."""
    runs, width = window.shape
    flat, old, starts = window.ravel(), draw.baseline.ravel(), width * np.arange(runs + 1)
    score = ShiftScore(flatten([FeatureBins(kind, row) for row in draw.baseline])).score(flat)
    value = psi(old, flat, starts)
    threshold = psi_threshold(old, flat, starts, tolerance=TOLERANCE)
    total = window + draw.baseline
    n, m = window.sum(axis=1, keepdims=True), draw.baseline.sum(axis=1, keepdims=True)
    expected = np.where(total > 0, total * n / (n + m), 1.0)
    statistic = ((window - expected) ** 2 / expected * (total > 0)).sum(axis=1) * ((n + m) / m)[:, 0]
    p = chi2.sf(statistic, (total > 0).sum(axis=1) - 1)
    rules = (score > 1, value > threshold, value > 0.1, value > 0.2, p < 0.05)
    return [float(rule.mean()) for rule in rules]


def ks_fired(rng: np.random.Generator, n: int, m: int, *, change: Change = lambda x: x) -> float:
    """Share of runs in which the two-sample KS test of the values themselves gives p < .05."""
    samples = ((rng.standard_normal(m), change(rng.standard_normal(n))) for _ in range(KS_RUNS))
    hits = [bool(ks_2samp(old, new, method="asymp").pvalue < 0.05) for old, new in samples]
    return sum(hits) / KS_RUNS


def row(rates: Floats) -> str:
    """The largest rates over baselines, in a row of a table."""
    return " | ".join(percent(rate) for rate in rates.max(axis=0).tolist())


def percent(share: float) -> str:
    """A share in per cent, two digits below ten."""
    return f"{share:.2%}" if share < 0.1 else f"{share:.0%}"


def report_false_alarms(pool: Executor) -> list[str]:
    """False alarms by feature, rule and window; the largest over the baselines."""
    lines, worst = [], []
    large = [place for place, rows in enumerate(BASELINES) if rows >= LARGE]
    every = features()
    for feature, rates in zip(every, pool.map(false_alarms, range(len(every))), strict=True):
        lines += [f"### {feature.name[0].upper()}{feature.name[1:]}", "", header("rule", WINDOWS)]
        for name, rate in zip(RULES, rates, strict=True):
            lines.append(f"| {name} | {row(rate)} |")
        lines.append(f"| {RULES[0]}, baselines from {LARGE:,} | {row(rates[0, large])} |")
        at = np.unravel_index(rates[0].argmax(), rates[0].shape)
        where = f"windows of {WINDOWS[at[1]]:,}, baselines of {BASELINES[at[0]]:,}"
        told = f"score {rates[0].max():.2%} ({where}), PSI threshold {rates[1].max():.2%}"
        worst.append(f"- {feature.name}: {told}; baselines from {LARGE:,}: score {rates[0, large].max():.2%}")
        lines.append("")
        progress(worst[-1])
    return [*lines, "### Largest of all cells", "", *worst]


def false_alarms(number: int) -> Floats:
    """How often each rule fires without a change in the feature of that number, float64[rules, baselines, windows]."""
    rng, feature = np.random.default_rng(100 + number), features()[number]
    rates = np.zeros((len(RULES), len(BASELINES), len(WINDOWS)))
    for b, rows in enumerate(BASELINES):
        draw = feature.draw(rng, rows, RUNS)
        for w, n in enumerate(WINDOWS):
            rates[:, b, w] = fired(feature.kind, draw, rng.multinomial(n, draw.law))
            if feature.raw:
                rates[-1, b, w] = ks_fired(rng, n, rows)
    return rates


def header(first: str, columns: tuple[int, ...]) -> str:
    """Head of a table."""
    return f"| {first} | {' | '.join(f'n={n:,}' for n in columns)} |\n|---{'|---' * len(columns)}|"


def moved(mean: float = 0.0, sd: float = 1.0) -> Change:
    """Shares of a normal law below its quantiles when the law is moved and stretched."""
    return lambda cuts: norm.cdf((norm.ppf(cuts) - mean) / sd)


def changes() -> list[tuple[str, Kind, DrawChanged, Change | None]]:
    """Weak changes: name, kind, a draw of baselines with the changed laws, and the change of a value for KS."""

    def number(change: Change, after: float = 0.01) -> DrawChanged:
        def draw(rng: np.random.Generator, rows: int, runs: int) -> tuple[Draw, Floats]:
            before, cuts = uniform_cuts(rng, rows, runs=runs, atom=0.0, missing=0.01)
            return before, law_of(change(cuts), atom=0.0, missing=after)

        return draw

    def bins(before: tuple[float, ...], after: tuple[float, ...]) -> DrawChanged:
        def draw(rng: np.random.Generator, rows: int, runs: int) -> tuple[Draw, Floats]:
            return fixed(rng, rows, runs=runs, shares=before), np.tile(np.array(after), (runs, 1))

        return draw

    rest = (0.35, 0.25, 0.2, 0.1)
    old = (*rest, 0.05, 0.02, 0.02, 0.0, 0.01)
    new = (*(share * 0.85 / 0.9 for share in rest), 0.1, 0.02, 0.02, 0.0, 0.01)
    return [
        ("mean +.2 sd", Kind.NUMERIC, number(moved(0.2)), lambda x: x + 0.2),
        ("mean -.25 sd", Kind.NUMERIC, number(moved(-0.25)), lambda x: x - 0.25),
        ("variance x1.35", Kind.NUMERIC, number(moved(sd=1.35**0.5)), lambda x: x * 1.35**0.5),
        ("variance / 1.35", Kind.NUMERIC, number(moved(sd=1.35**-0.5)), lambda x: x / 1.35**0.5),
        ("missing 1 to 3 %", Kind.NUMERIC, number(moved(), 0.03), lambda x: x),
        ("missing 1 to 3.5 %", Kind.NUMERIC, number(moved(), 0.035), lambda x: x),
        ("category 5 to 10 %", Kind.CATEGORICAL, bins(old, new), None),
        ("truth value 20 to 27 %", Kind.BOOLEAN, bins((0.792, 0.198, 0.01), (0.7227, 0.2673, 0.01)), None),
    ]


def population_psi(draw: Draw, law: Floats) -> float:
    """PSI of the laws before and after, mean over the baselines' bins."""
    real = (draw.law > 0) & (law > 0)
    p, q = np.where(real, draw.law, 1.0), np.where(real, law, 1.0)
    return float(((q - p) * np.log(q / p)).sum(axis=1).mean())


def report_power(pool: Executor) -> list[str]:
    """Share of windows of 1,000 rows in which a weak change is seen."""
    lines = [f"| change | baseline | PSI of the populations | {' | '.join(RULES)} |", f"|---{'|---' * 7}|"]
    for told in pool.map(power, range(len(changes()))):
        lines += told
        progress("\n".join(told))
    return lines


def power(number: int) -> list[str]:
    """How often each rule sees the change of that number, a row for each baseline."""
    name, kind, draw, value = changes()[number]
    lines = []
    for rows in (10_000, 100_000):
        rng = np.random.default_rng(7)
        before, law = draw(rng, rows, POWER_RUNS)
        shares = fired(kind, before, rng.multinomial(1000, law))
        if value:
            shares[-1] = ks_fired(rng, 1000, rows, change=value)
        told = " | ".join(f"{share:.1%}" for share in shares)
        lines.append(f"| {name} | {rows:,} | {population_psi(before, law):.3f} | {told} |")
    return lines


def report_cost() -> list[str]:
    """Processor time of a window's distances, with the score and of the score alone."""
    lines = ["| features | bins | all distances of a window, ms | of which the score, ms | score of 3 windows, ms |"]
    lines.append("|---|---|---|---|---|")
    rng = np.random.default_rng(8)
    for size in (50, 1000):
        categories = [categorical(f"c{i}", [f"v{j}" for j in range(16)]) for i in range(size // 5)]
        of = baseline("m", [*categories, *(numeric(f"n{i}") for i in range(size - size // 5))])
        layout = Layout(of, {}, tuple(range(size)), tolerance=TOLERANCE)
        bins = flatten(
            [FeatureBins(Kind.NUMERIC if f.numeric else Kind.CATEGORICAL, np.array(f.counts)) for f in of.features]
        )
        score, counts = ShiftScore(bins), rng.integers(0, 200, layout.width)
        alone, whole = milliseconds(partial(score.score, counts)), milliseconds(partial(layout.measure, counts))
        lines.append(f"| {size:,} | {layout.width:,} | {whole:.2f} | {alone:.2f} | {3 * alone:.2f} |")
        progress(lines[-1])
    return lines


def milliseconds(work: Callable[[], object]) -> float:
    """Processor time of one call, the median of thirty."""
    work()
    taken = []
    for _ in range(30):
        started = time.process_time_ns()
        work()
        taken.append((time.process_time_ns() - started) / 1e6)
    return float(np.median(taken))


def progress(line: str) -> None:
    """Tell what is done; the run takes some minutes."""
    print(line, file=sys.stderr, flush=True)


REPORT = """# Gauges that know their size

Written by `PYTHONPATH=tests .venv/bin/python tests/benchmarks/bench_gauges.py`; see there for the set-up.

The rules are judged on one window by itself, each window and each baseline drawn anew. *Shift score* is the metric
`model_drift_shift_score`, more than chance explains when over 1. *PSI > its threshold* compares `model_drift_psi` with
`model_drift_psi_threshold`, which also allows for a divergence of {tolerance} that does not matter. The metrics are
absent below 100 rows; the figures for 50 are those of the functions behind them. *p < .05* is the two-sample
Kolmogorov-Smirnov test of the values of a continuous number, which cannot see missing ones, and the chi-squared test of
the bins for all others.

## A weak change in 1,000 rows

Share of windows in which it is seen, {power_runs:,} windows ({ks_runs} for Kolmogorov-Smirnov).

{power}

## False alarms

Share of windows without a change in which a rule fires: {runs:,} windows in each of {cells} cells ({ks_runs} for
Kolmogorov-Smirnov), so that 1 % has a standard error of {error}, and the largest of many figures looks worse than it
is.
Each figure is the largest over baselines of {baselines} rows. Features of hundreds of categories are beyond both
rules: in a small baseline most categories are not seen at all, and those it names are not as frequent as in it. The
score bears that with baselines from {large:,} rows up, the threshold of PSI does not.

{alarms}

## Cost

Processor time for a window of one version, on cores shared with much else, without what the exposition costs. It is
spent once for each window whose counts have changed since the last snapshot.

{cost}
"""


def main() -> None:
    """Measure everything and write the report."""
    with ProcessPoolExecutor(2) as pool:
        power_rows, alarms = report_power(pool), report_false_alarms(pool)
    text = REPORT.format(
        tolerance=TOLERANCE,
        power_runs=POWER_RUNS,
        ks_runs=KS_RUNS,
        cells=len(WINDOWS) * len(BASELINES) * len(features()),
        runs=RUNS,
        large=LARGE,
        baselines=", ".join(f"{rows:,}" for rows in BASELINES),
        error=f"{np.sqrt(0.01 * 0.99 / RUNS):.2%}",
        power="\n".join(power_rows),
        alarms="\n".join(alarms),
        cost="\n".join(report_cost()),
    )
    Path(__file__).with_name("GAUGES.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
