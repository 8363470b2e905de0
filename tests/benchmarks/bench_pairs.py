"""Evidence on pairs of features, measured: `python tests/benchmarks/bench_pairs.py` writes PAIRS.md beside it.

All traffic is normal with the correlations stated, ten features and 45 pairs, slots of 15 s, and fixed seeds. Delays
count predictions from the change to the alarm of all pairs together.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.pair_bets import PAIR_ALLOWANCE, PairBets, build_pair_bets
from model_exporter.stats.pair_evidence import PairEvidence
from model_exporter.stats.pairs import Levels, PairBaseline, PairTally, choose_pairs, count_pairs
from model_exporter.window import alarm_shares

FEATURES = 10
PAIRS = np.column_stack(np.triu_indices(FEATURES, 1))
SLOT = 15.0
YEAR = 31_536_000.0
CHANGES = ((0.0, 0.3), (0.0, 0.5), (0.6, 0.3))
RUNS = 100
MARGIN_RUNS = 40
WARM_SLOTS = 100
ROWS_A_SLOT = 25

Values = NDArray[np.float64]
Change = Callable[[Values], Values]


class Traffic:
    """Rows of normal features, and their levels by the quintiles of a baseline."""

    def __init__(self, rng: np.random.Generator, correlation: Values, baseline_rows: int) -> None:
        self._rng = rng
        rows = self.rows(correlation, baseline_rows)
        self._cuts = np.quantile(rows, [0.2, 0.4, 0.6, 0.8], axis=0)
        self.baseline = PairBaseline(np.zeros(0, np.uint8), PAIRS, count_pairs(self.levels(rows), PAIRS))

    def rows(self, correlation: Values, number: int) -> Values:
        """Rows with a correlation matrix."""
        return self._rng.standard_normal((number, len(correlation))) @ np.linalg.cholesky(correlation).T

    def levels(self, rows: Values) -> Levels:
        """Levels of rows."""
        levels: Levels = (rows[:, :, None] > self._cuts.T[None]).sum(axis=2).astype(np.uint8)
        return levels

    def slots(self, rows: Values, size: int) -> list[NDArray[np.int64]]:
        """Counts of consecutive slots of `size` rows."""
        levels = self.levels(rows)
        return [count_pairs(part, PAIRS) for part in np.split(levels, range(size, len(levels), size))]


def one_pair(rho: float) -> Values:
    """Correlations of 0, but for the first pair's."""
    correlation = np.eye(FEATURES)
    correlation[0, 1] = correlation[1, 0] = rho
    return correlation


def delay(traffic: Traffic, bets: PairBets, before: Values, after: Values, *, years: float, change: Change) -> float:
    """Predictions until the alarm, infinity if there is none within 10,000; NaN if it came before the change."""
    evidence = PairEvidence(bets, patience_seconds=years * YEAR)
    for counts in traffic.slots(traffic.rows(before, WARM_SLOTS * ROWS_A_SLOT), ROWS_A_SLOT):
        evidence.update(counts, start=0.0, seconds=SLOT)
    if evidence.verdict().detected:
        return np.nan
    changed = change(traffic.rows(after, 400 * ROWS_A_SLOT))
    for number, part in enumerate(np.split(changed, 400), start=1):
        evidence.update(count_pairs(traffic.levels(part), PAIRS), start=0.0, seconds=SLOT)
        if evidence.verdict().detected:
            return float(number * ROWS_A_SLOT)
    return np.inf


def delays(before: float, after: float, *, rows: int, allowance: Allowance, years: float) -> str:
    """Mean and 95 % quantile of the delay."""
    rng = np.random.default_rng(11)
    taken = []
    for _ in range(RUNS):
        traffic = Traffic(rng, one_pair(before), rows)
        bets = build_pair_bets(traffic.baseline, allowance=allowance)
        taken.append(delay(traffic, bets, one_pair(before), one_pair(after), years=years, change=lambda x: x))
    if not np.isfinite(taken).all():
        return f"{np.isfinite(taken).mean():.0%} found"
    return f"{np.mean(taken):.0f} / {np.quantile(taken, 0.95):.0f}"


def report_delays() -> list[str]:
    """The delays by change, baseline and tolerance."""
    lines = ["| patience, tolerance, baseline | 0 to .3 | 0 to .5 | .6 to .3 |", "|---|---|---|---|"]
    usual = PAIR_ALLOWANCE.tolerance
    cases = [
        (1.0, 0.0, 10_000),
        (1.0, 0.0, 100_000),
        (1.0, usual, 10_000),
        (1.0, usual, 100_000),
        (1 / alarm_shares.PAIRS, usual, 10_000),
        (1.0, 0.0025, 10_000),
    ]
    for years, tolerance, rows in cases:
        figures = [delays(*c, rows=rows, allowance=Allowance(tolerance=tolerance), years=years) for c in CHANGES]
        lines.append(f"| {years:.0f} y, {tolerance}, {rows:,} rows | {' | '.join(figures)} |")
        progress(lines[-1])
    return lines


def shifted(features: int, by: float, *, scale: float = 1.0) -> Change:
    """A change of the margins of the first `features`."""

    def change(rows: Values) -> Values:
        rows = rows.copy()
        rows[:, :features] = rows[:, :features] * scale + by
        return rows

    return change


def report_margins() -> list[str]:
    """What the evidence makes of margins that move while the dependence stays."""
    cases: list[tuple[str, float, Change]] = [
        ("one feature +.5 sd, pair at 0", 0.0, shifted(1, 0.5)),
        ("one feature +.5 sd, pair at .6", 0.6, shifted(1, 0.5)),
        ("one feature +1 sd, pair at .6", 0.6, shifted(1, 1.0)),
        ("one feature +.5 sd, pair at .9", 0.9, shifted(1, 0.5)),
        ("both features +.5 sd, pair at 0", 0.0, shifted(2, 0.5)),
        ("both features +1 sd, pair at 0", 0.0, shifted(2, 1.0)),
        ("all ten features +.5 sd, pair at .6", 0.6, shifted(FEATURES, 0.5)),
        ("all ten features +1 sd, pair at 0", 0.0, shifted(FEATURES, 1.0)),
        ("both features x1.5, pair at 0", 0.0, shifted(2, 0.0, scale=1.5)),
        ("one feature x1.5, pair at .6 (the law of one given the other changes)", 0.6, shifted(1, 0.0, scale=1.5)),
        ("both features x1.5, pair at .6 (the same)", 0.6, shifted(2, 0.0, scale=1.5)),
    ]
    lines = ["| what moves | alarm within 10,000 predictions | mean delay of those |", "|---|---|---|"]
    for name, rho, change in cases:
        rng = np.random.default_rng(12)
        taken = []
        for _ in range(MARGIN_RUNS):
            traffic = Traffic(rng, one_pair(rho), 10_000)
            bets = build_pair_bets(traffic.baseline)
            taken.append(delay(traffic, bets, one_pair(rho), one_pair(rho), years=1.0, change=change))
        found = [figure for figure in taken if np.isfinite(figure)]
        lines.append(f"| {name} | {len(found) / len(taken):.0%} | {f'{np.mean(found):.0f}' if found else '-'} |")
        progress(lines[-1])
    return lines


def false_alarms(
    *, rows: int, size: int, allowance: Allowance, slots: int, patience_slots: int = 1000, common: float = 0.0
) -> str:
    """Rate of alarms times T over four streams without a change; `common` is the sd of a slot's shared shift."""
    rng = np.random.default_rng(13)
    correlation = np.full((FEATURES, FEATURES), 0.3) + 0.7 * np.eye(FEATURES)
    episodes, streams = 0, 4
    for _ in range(streams):
        traffic = Traffic(rng, correlation, rows)
        bets = build_pair_bets(traffic.baseline, allowance=allowance)
        evidence = PairEvidence(bets, patience_seconds=patience_slots * SLOT)
        was = False
        for _ in range(slots // 100):
            values = traffic.rows(correlation, 100 * size)
            values += common * np.repeat(rng.standard_normal(100), size)[:, None]
            for counts in traffic.slots(values, size):
                evidence.update(counts, start=0.0, seconds=SLOT)
                now = evidence.verdict().detected
                episodes += now and not was
                was = now
    return f"{episodes * patience_slots / (streams * slots):.2f}"


def report_false_alarms() -> list[str]:
    """Alarms times T; the bound is 1."""
    lines = ["| baseline, tolerance, z | n=1 | n=25 | n=400 |", "|---|---|---|---|"]
    exact = Allowance(tolerance=0.0, z=0.0)
    cases = [
        (2_000_000, exact),
        (100_000, PAIR_ALLOWANCE),
        (10_000, PAIR_ALLOWANCE),
        (10_000, Allowance(tolerance=0.0)),
        (1_000, PAIR_ALLOWANCE),
        (1_000, Allowance(tolerance=PAIR_ALLOWANCE.tolerance, z=2.0)),
    ]
    for rows, allowance in cases:
        figures = [
            false_alarms(rows=rows, size=size, allowance=allowance, slots=slots)
            for size, slots in ((1, 5000), (25, 5000), (400, 2000))
        ]
        lines.append(f"| {rows:,} rows, {allowance.tolerance}, z={allowance.z:.0f} | {' | '.join(figures)} |")
        progress(lines[-1])
    shared = false_alarms(rows=10_000, size=250, allowance=PAIR_ALLOWANCE, slots=2000, common=0.1)
    lines += ["", f"All features share a shift of .1 sd that is new in every slot of 250, 10,000 rows: {shared}."]
    return lines


def one_hot_counts(levels: Levels, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rejected way of counting: a product of one-hot matrices."""
    one_hot = (levels[:, :, None] == np.arange(5, dtype=np.uint8)).reshape(len(levels), -1).astype(np.float32)
    product = (one_hot.T @ one_hot).reshape(levels.shape[1], 5, -1, 5)
    counts: NDArray[np.int64] = product[pairs[:, 0], :, pairs[:, 1]].reshape(len(pairs), 25).astype(np.int64)
    return counts


def microseconds(work: Callable[[], object]) -> float:
    """Processor time of one call, median of some."""
    work()
    taken = []
    for _ in range(15):
        started = time.process_time_ns()
        calls = 0
        while time.process_time_ns() - started < 10_000_000:
            work()
            calls += 1
        taken.append((time.process_time_ns() - started) / 1000 / calls)
    return float(np.median(taken))


def report_cost() -> list[str]:
    """Processor time of counting, of a slot's update and of building the bets."""
    lines = [
        "| features, pairs | batch | this, us a batch | one-hot product | held back for a slot, us a prediction |",
        "|---|---|---|---|---|",
    ]
    rng = np.random.default_rng(14)
    slow = []
    for features in (10, 30, 100, 300):
        levels = rng.integers(0, 5, (10_000, features)).astype(np.uint8)
        pairs = choose_pairs(levels, outputs=np.arange(features) == 0)
        for size in (1, 64, 512):
            batch = levels[:size]
            chunked = microseconds(partial(count_pairs, batch, pairs))
            product = microseconds(partial(one_hot_counts, batch, pairs))
            tally = PairTally(pairs, features)
            held = microseconds(partial(tally.add, batch)) / size
            lines.append(f"| {features}, {len(pairs):,} | {size} | {chunked:.0f} | {product:.0f} | {held:.2f} |")
        started = time.process_time()
        bets = build_pair_bets(PairBaseline(np.zeros(0, np.uint8), pairs, count_pairs(levels, pairs)))
        built = time.process_time() - started
        evidence = PairEvidence(bets, patience_seconds=YEAR)
        counts = count_pairs(levels[:500], pairs)
        update = microseconds(partial(evidence.update, counts, start=0.0, seconds=SLOT))
        slow.append(f"| {features}, {len(pairs):,} | {update / 1000:.2f} | {built:.2f} |")
        progress(slow[-1])
    return [*lines, "", "| features, pairs | update, ms a slot | bets built, s |", "|---|---|---|", *slow]


def progress(line: str) -> None:
    """Tell what is done; the run takes some minutes."""
    print(line, file=sys.stderr, flush=True)


REPORT = """# Evidence on pairs of features

Written by `python tests/benchmarks/bench_pairs.py`; see there for the set-up.

## Delay

Predictions from a change in one of 45 pairs to the alarm of all of them, mean / 95 % quantile of {runs} runs, {size}
predictions a slot of 15 s. {share:.0f} years are what the exporter gives the pairs, their share of one model-year.

{delays}

## Margins that move alone

Patience one model-year, tolerance {tolerance}, 10,000 baseline rows, {margin_runs} runs.

{margins}

## False alarms times T

At most 1 by the bound. T = 1,000 slots of n predictions, all pairs at .3, four streams of 5,000 slots (2,000 for
n=400). The first row is without any allowance against a baseline that is as good as exact: how tight the bound is.

{alarms}

## Cost

Processor time. `PairTally` holds rows back and counts 1,024 at a time; its column includes that counting.

{cost}
"""


def main() -> None:
    """Measure everything and write the report."""
    text = REPORT.format(
        runs=RUNS,
        size=ROWS_A_SLOT,
        share=1 / alarm_shares.PAIRS,
        delays="\n".join(report_delays()),
        tolerance=PAIR_ALLOWANCE.tolerance,
        margin_runs=MARGIN_RUNS,
        margins="\n".join(report_margins()),
        alarms="\n".join(report_false_alarms()),
        cost="\n".join(report_cost()),
    )
    Path(__file__).with_name("PAIRS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
