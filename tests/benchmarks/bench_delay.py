"""Delay of the evidence, measured: `python tests/benchmarks/bench_delay.py` writes DELAY.md beside it.

Each run has a baseline of its own, binned as the product bins it, and is one feature of a state whose prior gives it
the hundredth part of a model's patience; the other 99 features do not drift and are left out, as their wealth is
nothing beside the alarm's. Counts of a slot are drawn from a multinomial law, which is exact for independent
predictions. Fixed seeds; two processes.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.shifts import EXACT_ROWS, SHIFTS, Shift
from model_exporter.stats.dependence import RHO
from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.evidence import EvidenceState
from model_exporter.stats.portfolio import build_tables

Values = NDArray[np.float64]
Counts = NDArray[np.int64]

SLOT_SECONDS: Final = 15.0
SLOT_ROWS: Final = 25
YEAR_SECONDS: Final = 365 * 86_400.0
FEATURES: Final = 100
LOG_ARL: Final = float(np.log(FEATURES * YEAR_SECONDS / SLOT_SECONDS * SLOT_ROWS))
"""Log of the predictions between false alarms of one feature."""
RUNS: Final = 300
WARM_ROWS: Final = 12_500
"""Predictions without a change before it comes."""
LONGEST: Final = 100_000
"""Predictions after the change at which a run ends without an alarm."""
BLOCK: Final = 100
"""Slots drawn at a time."""
ABOUT: Final = 1.1
"""What is as soon as the table has it: its means have errors of their own, of 2 to 6 %."""
FINE_SHIFTS: Final = 4
"""Shifts that are measured with fine slots too, the first ones."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A baseline of so many rows, what is allowed for, and the table's mean delays, infinite for "never".

    `slot_rows` predictions come in a slot of `slot_seconds`; `rho` is the correlation that is assumed within it.
    """

    name: str
    rows: int
    tolerance: float
    z: float
    expected: tuple[float, ...] = ()
    patience_seconds: float = YEAR_SECONDS
    rho: float = 0.0
    slot_rows: int = SLOT_ROWS
    slot_seconds: float = SLOT_SECONDS

    @property
    def allowance(self) -> Allowance:
        """With no tolerance there is none for missing values either."""
        if self.tolerance:
            return Allowance(tolerance=self.tolerance, z=self.z)
        return Allowance(tolerance=0.0, z=self.z, quality_margin=0.0, unseen_floor=0.0)


NEVER: Final = np.inf
SETTINGS: Final = (
    Setting("Exact baseline", EXACT_ROWS, 0.0, 0.0, (3889, 676, 189, 53, 528, 1011, 1599, 942, 1053)),
    Setting("100,000 rows, z = 3", 100_000, 0.0, 3.0, (4769, 742, 198, 54, 561, 1126, 1902, 1070, 1190)),
    Setting("10,000 rows, z = 3", 10_000, 0.0, 3.0, (9280, 915, 218, 57, 687, 1492, 2740, 1343, 1559)),
    Setting(
        "10,000 rows, z = 3, tolerance .0025",
        10_000,
        0.0025,
        3.0,
        (135_000, 1633, 278, 66, 1169, 3120, 6859, 2441, 2897),
    ),
    Setting(
        "Exact baseline, tolerance .01",
        EXACT_ROWS,
        0.01,
        0.0,
        (NEVER, 2093, 298, 67, 1421, 3676, 10_800, 3155, 3565),
    ),
    Setting("1,000 rows, z = 3", 1_000, 0.0, 3.0, (265_000, 2254, 310, 70, 1947, 21_800, 44_000, 4274, 45_000)),
)
FINE: Final = Setting(
    "Exact baseline, slots of 3 s with 5 predictions",
    EXACT_ROWS,
    0.0,
    0.0,
    SETTINGS[0].expected[:FINE_SHIFTS],
    slot_rows=5,
    slot_seconds=3.0,
)
SHIPPED: Final = (
    Setting("page", 10_000, 0.01, 3.0, rho=RHO),
    Setting("ticket", 10_000, 0.0025, 3.0, patience_seconds=30 * 86_400.0, rho=RHO),
)


@dataclass(frozen=True, slots=True)
class Delays:
    """Delays of all runs, in predictions.

    Attributes:
        taken: float64[runs], infinite where there was no alarm in time.
        early: runs that are left out, because their alarm came before the change.
    """

    taken: Values
    early: int

    @property
    def mean(self) -> float:
        """Infinite if a run has no alarm."""
        return float(self.taken.mean())

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return float(self.taken.std() / np.sqrt(len(self.taken)))

    @property
    def late(self) -> float:
        """What 95 % of the runs do not exceed."""
        return float(np.quantile(self.taken, 0.95, method="inverted_cdf"))

    def average(self) -> str:
        """Mean and its error, or what is known of them."""
        if np.isfinite(self.mean):
            return f"{self.mean:.0f} +- {self.error:.0f}"
        if not np.isfinite(self.taken).any():
            return f"> {LONGEST:,}"
        return f"{np.isfinite(self.taken).mean():.0%} within {LONGEST:,}"

    def shown(self) -> str:
        """The same and the 95 % quantile."""
        return f"{self.average()} | {f'{self.late:.0f}' if np.isfinite(self.mean) else '-'}"


def measure(shift: Shift, setting: Setting, *, seed: int) -> Delays:
    """Delays of the product's evidence."""
    rng = np.random.default_rng(seed)
    samples = [shift.draw(rng, setting.rows) for _ in range(RUNS)]
    tables = build_tables([sample.bins for sample in samples], setting.allowance, rho=setting.rho)
    evidence = EvidenceState([tables], patience_seconds=setting.patience_seconds, prior=np.full(RUNS, 1 / FEATURES))
    # A baseline of few rows may have merged bins.
    size = max(len(sample.before) for sample in samples)
    real = np.array([np.arange(size) < len(sample.before) for sample in samples])
    before, after = (
        np.array([np.pad(one, (0, size - len(one))) for one in laws])
        for laws in ([sample.before for sample in samples], [sample.after for sample in samples])
    )

    def feed(laws: Values) -> Iterator[Values]:
        for counts in rng.multinomial(setting.slot_rows, laws, (BLOCK, RUNS)):
            evidence.update(counts[real], start=0.0, seconds=setting.slot_seconds)
            yield evidence.wealth

    return _until_alarm(feed, before, after, setting.slot_rows)


def measure_oracle(shift: Shift, *, seed: int) -> Delays:
    """Delays of one bet that knows both laws of the bins, in the same slots."""
    rng = np.random.default_rng(seed)
    sample = shift.draw(rng, EXACT_ROWS)
    ratio = np.divide(sample.after, sample.before, out=np.ones_like(sample.after), where=sample.before > 0)
    stake = SLOT_SECONDS / YEAR_SECONDS / FEATURES
    wealth = np.zeros(RUNS)

    def feed(law_: Values) -> Iterator[Values]:
        nonlocal wealth
        for counts in rng.multinomial(SLOT_ROWS, law_, (BLOCK, RUNS)):
            wealth = np.minimum((wealth + stake) * np.exp(np.minimum(counts @ np.log(ratio), 100.0)), 1e100)
            yield wealth

    return _until_alarm(feed, sample.before, sample.after, SLOT_ROWS)


def _until_alarm(feed: Callable[[Values], Iterator[Values]], before: Values, after: Values, slot_rows: int) -> Delays:
    """Let traffic without a change pass, then change it until every run has its alarm.

    Args:
        feed: draws a block of slots from laws and yields each run's wealth after each.
        before: the laws for the warm stretch.
        after: the laws after the change.
        slot_rows: predictions of a slot.
    """
    early = np.zeros(RUNS, np.bool_)
    for _ in range(max(1, WARM_ROWS // slot_rows // BLOCK)):
        for wealth in feed(before):
            early |= wealth >= 1
    taken, rows = np.full(RUNS, np.inf), 0
    while rows < LONGEST and np.isinf(taken).any():
        for wealth in feed(after):
            rows += slot_rows
            taken[(wealth >= 1) & np.isinf(taken)] = rows
    return Delays(taken[~early], int(np.count_nonzero(early)))


def _cell(task: tuple[int, int]) -> Delays:
    """One of all measurements; seeds follow from its place."""
    at, column = task
    seed = 1000 * (at + 1) + column
    if column == len(COLUMNS):
        return measure_oracle(SHIFTS[at], seed=seed)
    return measure(SHIFTS[at], COLUMNS[column], seed=seed)


COLUMNS: Final = (*SETTINGS, FINE, *SHIPPED)


def report_setting(setting: Setting, found: list[Delays], oracles: list[Delays]) -> list[str]:
    """A table of all shifts with one setting."""
    lines = [
        "| shift | mean | 95 % | table | ours / table | ours / bound | ours / oracle |",
        "|---|---|---|---|---|---|---|",
    ]
    for shift, delays, oracle, expected in zip(SHIFTS, found, oracles, setting.expected, strict=False):
        known = np.isfinite(delays.mean)
        table = "never" if np.isinf(expected) else f"{expected:.0f}"
        ratios = [
            f"{delays.mean / expected:.2f}" if known and np.isfinite(expected) else "-",
            f"{delays.mean * shift.divergence / LOG_ARL:.2f}" if known else "-",
            f"{delays.mean / oracle.mean:.2f}" if known else "-",
        ]
        lines.append(f"| {shift.name} | {delays.shown()} | {table} | {' | '.join(ratios)} |")
    return lines


def report_plain(settings: Sequence[Setting], found: Sequence[list[Delays]]) -> list[str]:
    """Mean and 95 % quantile of all shifts, side by side."""
    names = " | ".join(f"{setting.name}, mean | 95 %" for setting in settings)
    lines = [f"| shift | {names} |", "|---|" + "---|---|" * len(settings)]
    for shift, *columns in zip(SHIFTS, *found, strict=True):
        lines.append(f"| {shift.name} | {' | '.join(delays.shown() for delays in columns)} |")
    return lines


REPORT: Final = """# Delay of the evidence

Written by `python tests/benchmarks/bench_delay.py`; see there for the set-up.

A feature drifts at once and for good, in a model of {features} features whose mean time between false alarms T is one
year. Counted are the predictions from the change to the alarm, {slot_rows} of them in every slot of 15 s; the alarm
comes at the end of a slot, and the change at its beginning. Mean and 95 % quantile of {runs} runs, each with a baseline
of its own; +- is the standard error of the mean. The change comes after {warm:,} predictions without one (the steady
state). Numbers are normal, cut into sixteen bins at the baseline's own quantiles, with 1 % of the values missing, but
for the rows on categories and the exponential. {early} runs that alarmed before their change are left out. Where a run
has no alarm within {longest:,} predictions only the share of those that have one is told (100 % is all but one).

- **table**: the mean delay that the design simulated before anything was built. In the first three sections {matched}
  of {compared} means are within 10 % of it or sooner.
- **bound**: log(ARL) over the Kullback-Leibler divergence, with an ARL of {log_arl:.2f} nats for one of the features.
  It is of first order, so that ratios below 1 are possible.
- **oracle**: one bet (the same sum of stakes) that knows the laws of the bins before and after the change, in the same
  slots.

{sections}

## Where the table differs

With a tolerance of .01 missing values are told three times sooner than in the table, because they may grow by half and
not, as that divergence would have it, to twice as many. With 1,000 rows rare categories and missing values are told
later: the limits of a share are exact ones here, which for few counts are wider than z standard deviations;
the product allows for z = 2 below 5,000 rows.

## What slots cost

An alarm waits for its slot to end, half a slot in the mean, and that is all that large shifts are slower by than the
table: it gives 53 predictions for a shift of 1 sd, and even the oracle has {oracle:.0f} in slots of {slot_rows}. The
same evidence with an exact baseline in slots of 3 s with 5 predictions:

{fine}

## As it is shipped

A baseline of 10,000 rows without times, z = 3, the default tolerances of both levels, room for data quality, and
predictions of a slot taken to have a correlation of {rho}. A page's T is a year and its tolerance .01, a ticket's are
30 days and .0025. A shift of .1 sd has a divergence of .01: pages do not tell it by intention.

{shipped}
"""


def main() -> None:
    """Measure everything and write the report."""
    fine_column = COLUMNS.index(FINE)
    every = product(range(len(SHIFTS)), range(len(COLUMNS) + 1))
    tasks = [(at, column) for at, column in every if column != fine_column or at < FINE_SHIFTS]
    with ProcessPoolExecutor(2) as pool:
        found = {}
        for task, delays in zip(tasks, pool.map(_cell, tasks), strict=True):
            found[task] = delays
            name = COLUMNS[task[1]].name if task[1] < len(COLUMNS) else "oracle"
            print(f"{SHIFTS[task[0]].name}, {name}: {delays.shown()}", file=sys.stderr, flush=True)
    columns = [
        [found[at, column] for at in range(len(SHIFTS)) if (at, column) in found] for column in range(len(COLUMNS) + 1)
    ]
    sections = [
        f"## {setting.name}\n\n" + "\n".join(report_setting(setting, delays, columns[-1]))
        for setting, delays in zip(SETTINGS, columns, strict=False)
    ]
    compared = [
        delays.mean / expected
        for setting, measured in zip(SETTINGS[:3], columns, strict=False)
        for delays, expected in zip(measured, setting.expected, strict=True)
    ]
    text = REPORT.format(
        features=FEATURES,
        slot_rows=SLOT_ROWS,
        runs=RUNS,
        warm=WARM_ROWS,
        early=sum(delays.early for column in columns for delays in column),
        log_arl=LOG_ARL,
        longest=LONGEST,
        matched=sum(ratio <= ABOUT for ratio in compared),
        compared=len(compared),
        sections="\n\n".join(sections),
        oracle=columns[-1][3].mean,
        fine="\n".join(report_setting(FINE, columns[fine_column], columns[-1])),
        rho=RHO,
        shipped="\n".join(report_plain(SHIPPED, columns[fine_column + 1 : -1])),
    )
    Path(__file__).with_name("DELAY.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
