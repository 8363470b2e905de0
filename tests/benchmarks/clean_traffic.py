"""False alarms in simulated traffic without a change, for `bench_false_alarms.py`.

Everything goes the product's own way: baselines by `build_feature` and, where rows have times, `with_rhythm`; bets as
`window.verdicts` makes them; the verdict of the model with its latch. A feature is a normal variable cut into bins, so
that a common movement of a slot's predictions is a shift of that normal. Of ten features six are numbers, three are
categories and one is boolean; every other one misses 1 % of its values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

from model_exporter.baseline.features import build_feature
from model_exporter.baseline.model import Baseline, FeatureBaseline, FeatureType
from model_exporter.baseline.rhythm import MIN_SLOTS, with_rhythm
from model_exporter.batch import Column, Kind, Role, Words
from model_exporter.config.settings import Drift, DriftLevel, ModelSettings
from model_exporter.stats.bins import ordinal_bins
from model_exporter.stats.model_evidence import ModelEvidence
from model_exporter.window.snapshot import BinLayout
from model_exporter.window.verdicts import Bets

Values = NDArray[np.float64]
Counts = NDArray[np.int64]

SLOT_SECONDS: Final = 15.0
PATIENCE_SLOTS: Final = 100
"""T, in slots: short, so that there is something to count."""
BASELINE_VALUES: Final = 400_000
DISTINCT: Final = 100
"""Values of all features' baselines together, and features with a baseline of their own; the others share theirs."""
PERSISTENCE: Final = 0.9
MOVEMENT: Final = 0.1
"""Of the slots' common shift: its correlation from slot to slot, and its standard deviation."""
CORRELATION: Final = 0.5
MISSING: Final = 0.01
MANY: Final = 1_000
"""Features from which on only tickets are judged."""
STREAMS: Final = {10: (8, 800), 100: (4, 600), MANY: (2, 300)}
"""Streams, each against a baseline of its own, and their slots, by number of features."""
LEVELS: Final = ("page", "ticket")
DEFAULT: Final = Drift()
CATEGORIES: Final = ndtri(np.cumsum([0.35, 0.25, 0.15, 0.1, 0.08]))
"""Where the normal is cut into six categories."""
TRUE_FROM: Final = float(ndtri(0.7))


class Traffic(Enum):
    """How predictions depend on each other."""

    INDEPENDENT = "independent"
    MOVING = "autocorrelated"
    CORRELATED = "correlated features"


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement: n predictions a slot, a model of so many features.

    Attributes:
        tolerance: for both levels, None for the defaults.
        rho: correlation of a slot's predictions that is assumed at least, None for the default where none is measured.
    """

    traffic: Traffic
    rows: int
    size: int
    features: int
    tolerance: float | None = None
    rho: float | None = None

    @property
    def told(self) -> bool:
        """Whether the baseline tells how predictions depend on each other; with too few slots it does not."""
        return self.traffic is not Traffic.MOVING or self.rows / self.size >= MIN_SLOTS

    @property
    def levels(self) -> tuple[str, ...]:
        """With a thousand features, or with a tolerance of its own, only the level that is stricter by default."""
        return LEVELS if self.features < MANY and self.tolerance is None else LEVELS[1:]


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

    def live(self, rng: np.random.Generator, cell: Cell, slots: int) -> Iterator[Counts]:
        """Flat counts of so many slots without a change."""
        shifts = np.zeros((slots, cell.features))
        if cell.traffic is Traffic.MOVING:
            shifts = movement(rng, (slots, cell.features))
        law = self.law(shifts[0])
        for shift in shifts:
            if cell.traffic is Traffic.MOVING:
                law = self.law(shift)
            yield rng.multinomial(cell.size, law)[self._real]

    def evidence(self, cell: Cell) -> dict[str, ModelEvidence]:
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


def drawn_model(rng: np.random.Generator, cell: Cell) -> Model:
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
    if cell.rho is not None:
        described = tuple(replace(one, phi=one.phi or 1.0, rho=max(one.rho or 0.0, cell.rho)) for one in described)
    places = [place % distinct for place in range(cell.features)]
    return Model([made[place] for place in places], [described[place] for place in places], cell.rows, span)


def correlated_model(rng: np.random.Generator, cell: Cell, slots: int) -> tuple[Model, Iterator[Counts]]:
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
