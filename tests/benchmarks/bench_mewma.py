"""The chart of operational signals, measured: `python tests/benchmarks/bench_mewma.py` writes MEWMA.md beside it.

Six signals with autocorrelation .6 and noise of a t law with 8 degrees of freedom; fixed seeds. The correlations make
the three changes as hard as they are for a chart that knows them by heart: see `CORRELATION`.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.mewma import MEMORY, SignalBaseline, fresh_signals, judge, learn_signals, watch
from model_exporter.stats.tails import chi2_quantile

Values = NDArray[np.float64]

SIGNALS: Final = 6
CORRELATION: Final = np.eye(SIGNALS)
for first, second, rho in ((0, 1, -0.1), (2, 3, -0.5), (4, 5, -0.5)):
    CORRELATION[first, second] = CORRELATION[second, first] = rho
CHANGES: Final = {
    "A: +2/-2 sd in two": np.array([2.0, -2.0, 0, 0, 0, 0]),
    "B: +1.5/+1.5 against their correlation": np.array([0, 0, 1.5, 1.5, 0, 0]),
    "C: all six by 1 sd": np.ones(SIGNALS),
}
CASES: Final = ((60, 0, 0.6), (200, 0, 0.6), (200, 0.05, 0.6), (1000, 0, 0.6), (200, 0, 0.9), (1000, 0, 0.9))
"""Slots learned from, share of them contaminated, autocorrelation."""
TAIL: Final = 1e-3
FITS: Final = 60
TESTS: Final = 25


def slots(rng: np.random.Generator, number: int, *, a1: float = 0.6, warm: int = 100) -> Values:
    """Consecutive slots of the signals, each with variance 1."""
    noise = rng.standard_t(8, (number + warm, SIGNALS)) / np.sqrt(8 / 6) @ np.linalg.cholesky(CORRELATION).T
    values = np.zeros_like(noise)
    for t in range(1, number + warm):
        values[t] = a1 * values[t - 1] + np.sqrt(1 - a1**2) * noise[t]
    kept: Values = values[warm:]
    return kept


def contaminated(rng: np.random.Generator, values: Values, share: float) -> Values:
    """A share of the slots with half of their signals 6 deviations off, up or down."""
    values = values.copy()
    bad = rng.choice(len(values), int(share * len(values)), replace=False)
    values[bad] += 6 * rng.choice([-1, 1], (len(bad), SIGNALS)) * (rng.random((len(bad), SIGNALS)) < 0.5)
    return values


def learned(values: Values) -> SignalBaseline:
    """What the chart learns of `values`."""
    baseline = learn_signals(values, tail=TAIL)
    assert baseline is not None
    return baseline


def t2_of(baseline: SignalBaseline, values: Values) -> Values:
    """T2 slot by slot."""
    smoothed, figures = baseline.centre, []
    for slot in values:
        smoothed = smoothed + MEMORY * (slot - smoothed)
        figures.append(judge(baseline, smoothed).t2)
    return np.array(figures)


def figures_of(
    rng: np.random.Generator, history: int, share: float, *, a1: float = 0.6
) -> tuple[float, float, list[str]]:
    """False alarm rate a slot, that of the limit for independent slots, and power after 5 and 20 slots by change."""
    rates, naive, found = [], [], {name: np.zeros((2, 2)) for name in CHANGES}
    independent = MEMORY / (2 - MEMORY) * chi2_quantile(SIGNALS, TAIL)
    for _ in range(FITS):
        baseline = learned(contaminated(rng, slots(rng, history, a1=a1), share))
        quiet = t2_of(baseline, slots(rng, 2000, a1=a1))[100:]
        rates.append(np.mean(quiet > baseline.limit))
        naive.append(np.mean(quiet > independent))
        calibrated = np.quantile(quiet, 1 - TAIL)
        for name, change in CHANGES.items():
            for _ in range(TESTS):
                values = slots(rng, 60, a1=a1)
                values[40:] += change
                after = t2_of(baseline, values)[40:]
                for column, until in enumerate((5, 20)):
                    found[name][:, column] += [(after[:until] > at).any() for at in (baseline.limit, calibrated)]
    power = [
        f"{own[0]:.2f}/{own[1]:.2f} ({same[0]:.2f}/{same[1]:.2f})"
        for own, same in (figures / FITS / TESTS for figures in found.values())
    ]
    return float(np.mean(rates)), float(np.mean(naive)), power


def rival_figures(rng: np.random.Generator, history: int, share: float) -> list[tuple[str, list[str]]]:
    """Power at a false alarm rate of exactly the nominal one for charts that look at one signal, or at one slot."""
    found = {name: {change: np.zeros(2) for change in CHANGES} for name in RIVALS}
    for _ in range(FITS):
        values = contaminated(rng, slots(rng, history), share)
        centre, scale = values.mean(axis=0), values.std(axis=0)
        precision = np.linalg.inv(np.cov(((values - centre) / scale).T))
        quiet = (slots(rng, 2000) - centre) / scale
        for name, rival in RIVALS.items():
            limit = np.quantile(rival(quiet, precision)[100:], 1 - TAIL)
            for change, by in CHANGES.items():
                for _ in range(TESTS):
                    tested = slots(rng, 60)
                    tested[40:] += by
                    after = rival((tested - centre) / scale, precision)[40:]
                    found[name][change] += [(after[:until] > limit).any() for until in (5, 20)]
    return [
        (name, ["{:.2f}/{:.2f}".format(*(figures / FITS / TESTS)) for figures in by_change.values()])
        for name, by_change in found.items()
    ]


def smoothed(z: Values) -> Values:
    """Exponential means."""
    means = np.zeros_like(z)
    for t in range(1, len(z)):
        means[t] = means[t - 1] + MEMORY * (z[t] - means[t - 1])
    return means


RIVALS: Final[dict[str, Callable[[Values, Values], Values]]] = {
    "max abs z": lambda z, _: np.abs(z).max(axis=1),
    "max abs z of the EWMA": lambda z, _: np.abs(smoothed(z)).max(axis=1),
    "Mahalanobis, plain covariance": lambda z, precision: ((z @ precision) * z).sum(axis=1),
}


def cost() -> str:
    """Processor time of a slot, and of learning."""
    rng = np.random.default_rng(23)
    history = slots(rng, 5760)
    started = time.process_time()
    for _ in range(20):
        learned(history)
    lesson = (time.process_time() - started) / 20
    state = fresh_signals(SIGNALS)
    started = time.process_time()
    for slot in history:
        state, _ = watch(state, slot)
    every = (time.process_time() - started) / len(history)
    return (
        f"A slot costs {1e6 * every:.0f} us with its share of learning; a lesson of 5,760 slots {1e3 * lesson:.1f} ms."
    )


REPORT: Final = """# The chart of operational signals

Written by `python tests/benchmarks/bench_mewma.py`; see there for the set-up.

Power within 5 / 20 slots, in brackets at a limit moved until the false alarm rate is the nominal one. FAR is the rate
of false alarms in a slot, nominal {tail}; "naive" with the limit for independent slots.

| history | FAR | naive | {changes} |
|---|---|---|---|---|---|
{rows}

Others at the nominal false alarm rate, N=200 with 5 % contaminated:

| | {changes} |
|---|---|---|---|
{rivals}

{cost}
"""


def main() -> None:
    """Measure everything and write the report."""
    rows = []
    for history, share, a1 in (
        (60, 0, 0.6),
        (200, 0, 0.6),
        (200, 0.05, 0.6),
        (1000, 0, 0.6),
        (200, 0, 0.9),
        (1000, 0, 0.9),
    ):
        far, naive, power = figures_of(np.random.default_rng(21), history, share, a1=a1)
        what = f"N={history}, {share:.0%} contaminated, AR {a1}"
        rows.append(f"| {what} | {far:.4f} | {naive:.2f} | {' | '.join(power)} |")
        print(rows[-1], file=sys.stderr, flush=True)
    rivals = [
        f"| {name} | {' | '.join(power)} |" for name, power in rival_figures(np.random.default_rng(22), 200, 0.05)
    ]
    text = REPORT.format(
        tail=TAIL, changes=" | ".join(CHANGES), rows="\n".join(rows), rivals="\n".join(rivals), cost=cost()
    )
    Path(__file__).with_name("MEWMA.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
