"""Baselines out of rows, and whether rows agree with each other enough to make a good one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.binning import count_cells
from model_exporter.baseline.features import build_feature
from model_exporter.baseline.model import Baseline, FeatureBaseline, FeatureType
from model_exporter.batch import Column, Role, absent_cells
from model_exporter.errors import BaselineError
from model_exporter.stats.distances import psi
from model_exporter.stats.limits import psi_limit

FALSE_ALARM: Final = 0.001
"""Chance that halves without any difference are called unstable, over all features together."""
TOLERANCE: Final = 0.02
"""PSI between the halves of a stretch that does not matter: a mean shift of 0.14 standard deviations."""

_NO_TYPES: Final[Mapping[str, FeatureType]] = MappingProxyType({})
_NO_DEMANDS: Final[Mapping[str, bool]] = MappingProxyType({})
_NO_TEXTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Stability:
    """Whether two halves of a stretch of rows agree.

    `feature`, `role`, `psi` and `limit` tell of the feature that is farthest over its limit (or nearest to it), PSI
    and limit in nats; with no feature that could be compared the name is empty and both numbers are NaN.
    """

    stable: bool
    feature: str
    role: Role
    psi: float
    limit: float

    def describe(self) -> str:
        """One sentence for people.

        >>> Stability(False, "amount", Role.INPUT, 0.31, 0.05).describe()
        'PSI of input amount between the halves is 0.31, over the limit of 0.05'
        """
        if isnan(self.psi):
            return "no feature could be compared between the halves"
        relation = "within" if self.psi <= self.limit else "over"
        return (
            f"PSI of {self.role.value} {self.feature} between the halves is {self.psi:.3g}, "
            f"{relation} the limit of {self.limit:.3g}"
        )


def build_baseline(
    columns: Sequence[Column],
    *,
    model: str,
    created: float,
    source: str,
    span_seconds: float | None,
    stable: bool = True,
    types: Mapping[str, FeatureType] = _NO_TYPES,
    required: Mapping[str, bool] = _NO_DEMANDS,
    missing: Mapping[str, frozenset[str]] = _NO_TEXTS,
) -> Baseline:
    """Baseline of `model` from `columns`, each with one cell for every row.

    Args:
        columns: features and outputs.
        model: the model's name.
        created: unix seconds.
        source: where the rows came from, for people.
        span_seconds: time from the first row to the last, None when the rows had no time.
        stable: what `stability` said of the rows.
        types: types by name, instead of inferred ones.
        required: whether every record must carry a feature, by name, instead of what the rows say.
        missing: texts that stand for a missing value, by name.

    Raises:
        BaselineError: there is no row, or the columns are not of one length.
    """
    rows = _rows(columns)
    features = tuple(
        build_feature(
            column,
            type_=types.get(column.name),
            required=required.get(column.name),
            missing=missing.get(column.name, frozenset()),
        )
        for column in columns
    )
    return Baseline(model, created, source, rows, span_seconds, stable, features)


def stability(
    first: Sequence[Column],
    second: Sequence[Column],
    *,
    types: Mapping[str, FeatureType] = _NO_TYPES,
    missing: Mapping[str, frozenset[str]] = _NO_TEXTS,
) -> Stability:
    """Whether the newer half of a stretch of rows lies like the older one.

    The older half becomes a baseline and the PSI of the newer half against it is compared with what chance explains
    (`stats.limits.psi_limit`, with `FALSE_ALARM` shared out among the features) plus `TOLERANCE`. A feature that only
    one half has counts as absent from the other.

    Args:
        first: the older half.
        second: the newer half.
        types: as for `build_baseline`.
        missing: as for `build_baseline`.

    Raises:
        BaselineError: a half has no row, or columns that are not of one length.
    """
    older, newer = _aligned(first, second)
    features = [
        build_feature(
            column, type_=types.get(column.name), required=None, missing=missing.get(column.name, frozenset())
        )
        for column in older
    ]
    pairs = [(feature, column) for feature, column in zip(features, newer, strict=True) if feature.bins]
    if not pairs:
        return Stability(stable=True, feature="", role=Role.INPUT, psi=nan, limit=nan)
    starts = np.cumsum([0, *(len(feature.bins) for feature, _ in pairs)], dtype=np.int64)
    before = np.array([count for feature, _ in pairs for count in feature.counts], np.int64)
    after = np.concatenate([_counts(feature, column, missing) for feature, column in pairs])
    shifts = psi(before, after, starts)
    limits = psi_limit(before, after, starts, tail=FALSE_ALARM / len(pairs), tolerance=TOLERANCE)
    worst = int(np.argmax(shifts - limits))
    return Stability(
        stable=bool(shifts[worst] <= limits[worst]),
        feature=pairs[worst][0].name,
        role=pairs[worst][0].role,
        psi=float(shifts[worst]),
        limit=float(limits[worst]),
    )


def _counts(feature: FeatureBaseline, column: Column, missing: Mapping[str, frozenset[str]]) -> NDArray[np.int64]:
    return count_cells(feature, column, missing.get(feature.name, frozenset()))


def _aligned(first: Sequence[Column], second: Sequence[Column]) -> tuple[list[Column], list[Column]]:
    """The columns of both halves in one order; cells of a column that a half lacks are ABSENT."""
    older = {(column.role, column.name): column for column in first}
    newer = {(column.role, column.name): column for column in second}
    rows, later_rows = _rows(first), _rows(second)
    every = older | newer
    return (
        [older.get(key) or absent_cells(column, rows) for key, column in every.items()],
        [newer.get(key) or absent_cells(column, later_rows) for key, column in every.items()],
    )


def _rows(columns: Sequence[Column]) -> int:
    """Rows of `columns`, at least one."""
    lengths = {len(column.kinds) for column in columns}
    if lengths <= {0}:
        raise BaselineError("there are no rows to build a baseline from. Give it at least one row with a feature")
    if len(lengths) > 1:
        raise BaselineError(
            f"the columns have different numbers of rows: {sorted(lengths)}. Give each row every column"
        )
    return lengths.pop()
