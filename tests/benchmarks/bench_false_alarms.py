"""False alarms of the evidence, measured: `python tests/benchmarks/bench_false_alarms.py` writes FALSE_ALARMS.md.

Everything goes the product's own way: baselines by `build_feature` and, where their rows have times, `with_rhythm`;
bets as `window.verdicts` makes them; the verdict of the model with its latch. A feature is a normal variable cut into
bins, so that a common movement of a slot's predictions is a shift of that normal. Of ten features six are numbers, three
are categories and one is boolean; every other one misses 1 % of its values. Fixed seeds; two processes.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import Enum
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

from model_exporter.baseline.features import build_feature
from model_exporter.baseline.model import Baseline, FeatureBaseline, FeatureType
from model_exporter.baseline.rhythm import with_rhythm
from model_exporter.batch import Column, Kind, Role, Words
from model_exporter.config.settings import Drift, DriftLevel, ModelSettings
from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.features import FeatureBins
from model_exporter.stats.features import Kind as BinKind
from model_exporter.stats.model_evidence import ModelEvidence
from model_exporter.stats.portfolio import build_tables
from model_exporter.stats.bins import TAIL_REFINED
from model_exporter.stats.tables import Seasons
from model_exporter.window.snapshot import BinLayout
from model_exporter.window.verdicts import Bets

Values = NDArray[np.float64]
Counts = NDArray[np.int64]

SLOT_SECONDS: Final = 15.0
PATIENCE_SLOTS: Final = 200
"""T, in slots: short, so that there is something to count."""
SIZES: Final = (1, 25, 100, 400)
BASELINES: Final = (500, 1_000, 10_000, 100_000)
STREAMS: Final = {10: (4, 1_000), 100: (2, 1_000), 1_000: (1, 800)}
"""Streams, each against a baseline of its own, and their slots, by number of features."""
BASELINE_VALUES: Final = 2_000_000
"""Values of all features' baselines together; where that is too few, features share them in turn."""
PERSISTENCE: Final = 0.9
MOVEMENT: Final = 0.1
"""Of the slots' common shift: its correlation from slot to slot, and its standard deviation."""
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

    def flat(self, counts: Counts) -> Counts:
        """Counts of the bins without padding."""
        return counts[self._real]

    def evidence(self) -> dict[str, ModelEvidence]:
        """Fresh evidence at both levels, with the default tolerances and the patience of the benchmark."""
        seconds = PATIENCE_SLOTS * SLOT_SECONDS
        drift = Drift(DriftLevel(seconds, DEFAULT.page.tolerance), DriftLevel(seconds, DEFAULT.ticket.tolerance))
        bets = Bets(self.layout, ModelSettings(drift=drift))
        return {
            level.name: ModelEvidence(level.tables, patience_seconds=level.patience_seconds, prior=bets.prior)
            for level in bets.levels
        }


def movement(rng: np.random.Generator, shape: tuple[int, int]) -> Values:
    """Common shifts of the predictions of slots, float64[slots, F]: stationary, of first order, each column apart."""
    noise = rng.standard_normal(shape) * MOVEMENT * np.sqrt(1 - PERSISTENCE**2)
    noise[0] /= np.sqrt(1 - PERSISTENCE**2)
    return np.asarray(lfilter([1.0], [1.0, -PERSISTENCE], noise, axis=0))


def drawn_model(rng: np.random.Generator, traffic: Traffic, *, features: int, rows: int, size: int) -> Model:
    """A model with a baseline of independent rows without times, or of moving ones, `size` to a slot, with times."""
    distinct = min(features, BASELINE_VALUES // rows)
    slot = np.arange(rows) // size
    values = rng.standard_normal((distinct, rows))
    if traffic is Traffic.MOVING:
        values += movement(rng, (int(slot[-1]) + 1, distinct)).T[:, slot]
    made = [Feature(number, values[number], rng) for number in range(distinct)]
    described, span = tuple(feature.baseline for feature in made), None
    if traffic is Traffic.MOVING:
        times = slot * SLOT_SECONDS  # no dates, so that no seasons are looked for
        span = float(times[-1])
        described, _ = with_rhythm(described, [feature.column for feature in made], times, {})
    places = [number % distinct for number in range(features)]
    return Model([made[place] for place in places], [described[place] for place in places], rows, span)


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement."""

    traffic: Traffic
    rows: int
    size: int
    features: int

    @property
    def levels(self) -> tuple[str, ...]:
        """With a thousand features only the level that allows for less."""
        return LEVELS if self.features < 1_000 else LEVELS[1:]


def count_episodes(cell: Cell) -> dict[str, int]:
    """Times that the model's alarm began, by level."""
    rng = np.random.default_rng([cell.rows, cell.size, cell.features, len(cell.traffic.value)])
    streams, slots = STREAMS[cell.features]
    found = dict.fromkeys(cell.levels, 0)
    for _ in range(streams):
        model = drawn_model(rng, cell.traffic, features=cell.features, rows=cell.rows, size=cell.size)
        watches = {name: Watch(made) for name, made in model.evidence().items() if name in cell.levels}
        shifts = np.zeros((slots, cell.features))
        if cell.traffic is Traffic.MOVING:
            shifts = movement(rng, (slots, cell.features))
        law = model.law(shifts[0])
        for slot in range(slots):
            if cell.traffic is Traffic.MOVING:
                law = model.law(shifts[slot])
            counts = model.flat(rng.multinomial(cell.size, law))
            for watch in watches.values():
                watch.take(counts)
        for name, watch in watches.items():
            found[name] += watch.episodes
    return found


class Watch:
    """The alarm of one model, counted."""

    def __init__(self, evidence: ModelEvidence) -> None:
        self.episodes = 0
        self._evidence = evidence
        self._on = False
        self._slot = 0

    def take(self, counts: Counts) -> None:
        """Take a slot's counts."""
        self._evidence.update(counts, start=SLOT_SECONDS * self._slot, seconds=SLOT_SECONDS)
        self._slot += 1
        on = self._evidence.verdict().detected
        self.episodes += on and not self._on
        self._on = on
