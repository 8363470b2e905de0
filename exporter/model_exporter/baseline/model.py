"""The fixed comparison distribution of a model: bins and how many baseline rows fell in each."""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from hashlib import sha256
from typing import Final

from model_exporter.batch import Role

MISSING: Final = "_missing"
"""No usable value: absent, null, non-finite, or of a type the feature cannot have."""
BELOW: Final = "_below"
"""A number under the smallest of the baseline."""
ABOVE: Final = "_above"
"""A number over the largest of the baseline."""
OTHER: Final = "_other"
"""A category that the baseline knows but that has no bin of its own."""
UNSEEN: Final = "_unseen"
"""A category that the baseline does not know."""

MAX_CATEGORIES: Final = 50
"""Categories with a bin of their own; the rest of the known ones share `_other`."""
MAX_KNOWN_CATEGORIES: Final = 10_000
"""Category names a baseline remembers, so that `_other` and `_unseen` can be told apart."""

HOUR_SECONDS: Final = 3600.0
MONDAY_HOURS: Final = 72
"""Hours from the Monday before the beginning of unix time, which was a Thursday."""


class FeatureType(Enum):
    """How a feature's values are compared with its baseline."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    IDENTIFIER = "identifier"  # nearly every value is new: counted and checked for missing values, never binned


class SeasonKind(Enum):
    """What a season is a part of."""

    HOUR_OF_DAY = "hour_of_day"
    HOUR_OF_WEEK = "hour_of_week"

    @property
    def hours(self) -> int:
        """Hours of the whole."""
        return 24 if self is SeasonKind.HOUR_OF_DAY else 168


@dataclass(frozen=True, slots=True)
class Seasons:
    """The hours that have a baseline of their own. All hours are UTC, those of a week begin on Monday.

    Attributes:
        kind: what the hours are counted in.
        season_of_hour: the season that each of `kind.hours` belongs to; neighbouring hours with few rows share one.
        rows: baseline rows by season.
    """

    kind: SeasonKind
    season_of_hour: tuple[int, ...]
    rows: tuple[int, ...]

    def at(self, moment: float) -> int:
        """The season at `moment`, unix seconds.

        >>> Seasons(SeasonKind.HOUR_OF_DAY, (0,) * 8 + (1,) * 16, (1000, 5000)).at(1763873980.0)  # 04:59:40
        0
        """
        return self.season_of_hour[int(moment // HOUR_SECONDS + MONDAY_HOURS) % self.kind.hours]


@dataclass(frozen=True, slots=True)
class NumericSummary:
    """What a numeric feature's baseline values were, in the feature's own unit.

    `positions` are the mean values of the ordinal bins (`_below`, 00, 01, ..., `_above`); the two open ends stand
    at `minimum` and `maximum`. `fence_low` and `fence_high` bound what is not an outlier.
    """

    mean: float
    sd: float
    minimum: float
    maximum: float
    fence_low: float
    fence_high: float
    positions: tuple[float, ...]


@dataclass(frozen=True)
class FeatureBaseline:
    """Baseline of one feature or output.

    Attributes:
        name: as sent.
        role: input or output.
        type: how it is binned.
        rows: baseline rows, with missing values.
        required: the baseline (or the configuration) says that every record carries it.
        bins: labels in order. Numeric: `_below`, `00`, `01`, ..., `_above`, `_missing`. Categorical: the categories,
            most frequent first, `_other`, `_unseen`, `_missing`. Boolean: `false`, `true`, `_missing`. Identifier:
            none.
        counts: baseline rows per bin; they sum to `rows`.
        edges: numeric only, ascending upper bounds (inclusive) of all ordinal bins but the last: bin i holds
            edges[i-1] < x <= edges[i]. The first is the largest float below `minimum`, the last is `maximum`.
        known: categorical only, the categories that share `_other`.
        numeric: numeric only.
        phi: variance of counts over that of independent rows, >= 1; None where it was not measured. Against seasons
            where the feature has them, within the hours where it has a wave.
        rho: by how much phi grows with each row more in a slot, >= 0; None with phi.
        wave: the largest chi-squared divergence of an hour's law from that of all rows, >= 0, see
            `stats.seasonality.wave_height`; None where it was not measured, and always without phi.
        seasons: by what its law differs; None for a feature that is the same at all hours.
        season_counts: rows per bin by season, those with a time; empty without seasons.
    """

    name: str
    role: Role
    type: FeatureType
    rows: int
    required: bool
    bins: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    edges: tuple[float, ...] = ()
    known: frozenset[str] = frozenset()
    numeric: NumericSummary | None = None
    phi: float | None = None
    rho: float | None = None
    wave: float | None = None
    seasons: SeasonKind | None = None
    season_counts: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class PairTable:
    """Baseline rows of two numeric features by the levels of both.

    Attributes:
        first: index of a feature in the baseline.
        second: index of another one, larger.
        counts: 25 counts of rows that have both: 5 times the first feature's level plus the second's, see
            `baseline.pairs`.
    """

    first: int
    second: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Baseline:
    """Baselines of all features of one model, frozen together.

    Attributes:
        model: the model's name.
        created: unix seconds.
        source: where the rows came from, for people: file names, or `live traffic`.
        rows: baseline rows.
        span_seconds: time from the first row to the last, None when the rows had no time.
        stable: whether the rows agreed with each other from beginning to end (a learned baseline only; a built one is
            taken as is).
        features: in the order of the source; unique by (role, name).
        seasons: those that features have, each kind once, hours of the day first.
        pairs: joint tables of the pairs of features that are watched for a change of their dependence.
    """

    model: str
    created: float
    source: str
    rows: int
    span_seconds: float | None
    stable: bool
    features: tuple[FeatureBaseline, ...]
    seasons: tuple[Seasons, ...] = ()
    pairs: tuple[PairTable, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Twelve hex digits that change when what is compared with does: the label `baseline`."""
        parts: list[object] = [
            (f.name, f.role.value, f.type.value, f.bins, f.counts, tuple(map(float.hex, f.edges)), sorted(f.known))
            for f in self.features
        ]
        parts += [(f.phi, f.rho, f.seasons and f.seasons.value, f.season_counts) for f in self.features]
        # As a part of its own, so that baselines without a wave keep the digest that they had.
        parts += [(f.role.value, f.name, f.wave) for f in self.features if f.wave is not None]
        parts += [(seasons.kind.value, seasons.season_of_hour, seasons.rows) for seasons in self.seasons]
        parts += [(table.first, table.second, table.counts) for table in self.pairs]
        return sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
