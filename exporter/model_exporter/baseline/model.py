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


class FeatureType(Enum):
    """How a feature's values are compared with its baseline."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    IDENTIFIER = "identifier"  # nearly every value is new: counted and checked for missing values, never binned


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


@dataclass(frozen=True)
class Baseline:
    """Baselines of all features of one model, frozen together.

    Attributes:
        model: the model's name.
        created: unix seconds.
        source: where the rows came from, for people: file names, or `live traffic`.
        rows: baseline rows.
        span_seconds: time from the first row to the last, None when the rows had no time.
        stable: whether the rows' halves agreed with each other (a learned baseline only; a built one is taken as is).
        features: in the order of the source; unique by (role, name).
    """

    model: str
    created: float
    source: str
    rows: int
    span_seconds: float | None
    stable: bool
    features: tuple[FeatureBaseline, ...]

    @cached_property
    def digest(self) -> str:
        """Twelve hex digits that change when the bins or their counts do: the label `baseline`."""
        parts = [
            (f.name, f.role.value, f.type.value, f.bins, f.counts, tuple(map(float.hex, f.edges)), sorted(f.known))
            for f in self.features
        ]
        return sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
