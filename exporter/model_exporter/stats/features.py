"""The bins of features, as the statistics see them: what they are, how many rows fell in each, and where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]


class Kind(Enum):
    """How a feature's bins stand."""

    NUMERIC = "numeric"  # below, ordered bins, above, missing
    CATEGORICAL = "categorical"  # categories, other, unseen, missing
    BOOLEAN = "boolean"  # false, true, missing


@dataclass(frozen=True, slots=True)
class FeatureBins:
    """A feature's bins in the baseline.

    Attributes:
        kind: numeric with at least 4 bins, categorical with at least 3, boolean with 3.
        counts: int64[B] baseline rows per bin, >= 0; all may be 0.
        phi: by how much dependence inflates the variance of counts, >= 1: `m / phi` rows count as independent.
        rho: correlation of predictions within a slot, 0 to 1; None where it was not measured.
    """

    kind: Kind
    counts: NDArray[np.int64]
    phi: float = 1.0
    rho: float | None = None


LEAST_BINS: Final = {Kind.NUMERIC: 4, Kind.CATEGORICAL: 3, Kind.BOOLEAN: 3}
"""Bins that a feature has at least; a boolean one has no more."""


@dataclass(frozen=True, slots=True)
class FlatBins:
    """The bins of all features one after another, and what each is: B bins of F features.

    Attributes:
        starts: intp[F+1]; the bins of feature f are flat[starts[f]:starts[f+1]].
        owner: intp[B], the feature of each bin.
        counts: float64[B], baseline rows.
        numeric: bool[F], features whose ordinary bins are ordered.
        ordinary: bool[B], all bins but the four kinds that tell of data quality:
        below: bool[B];
        above: bool[B];
        unseen: bool[B];
        missing: bool[B].
        rows: float64[F], all baseline rows.
        ordinary_rows: float64[F], those with an ordinary value.
        phi: float64[F], as in `FeatureBins`.
    """

    starts: Indices
    owner: Indices
    counts: Floats
    numeric: Flags
    ordinary: Flags
    below: Flags
    above: Flags
    unseen: Flags
    missing: Flags
    rows: Floats
    ordinary_rows: Floats
    phi: Floats


def flatten(features: Sequence[FeatureBins]) -> FlatBins:
    """The bins of `features`, one after another.

    Raises:
        ValueError: a feature has the wrong number of bins for its kind, a negative count or a phi below 1.
    """
    for feature in features:
        size, least = len(feature.counts), LEAST_BINS[feature.kind]
        if size < least or (feature.kind is Kind.BOOLEAN and size != least):
            raise ValueError(f"a {feature.kind.value} feature has at least {least} bins, not {size}")
        if feature.counts.min() < 0 or not feature.phi >= 1:
            raise ValueError("counts are not negative and phi is at least 1")
    sizes = np.array([len(feature.counts) for feature in features], np.intp)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    counts = np.concatenate([np.zeros(0), *(feature.counts for feature in features)]).astype(np.float64)
    numeric = np.array([feature.kind is Kind.NUMERIC for feature in features], np.bool_)
    categorical = np.array([feature.kind is Kind.CATEGORICAL for feature in features], np.bool_)
    below, above, unseen, missing = (np.zeros(len(counts), np.bool_) for _ in range(4))
    missing[starts[1:] - 1] = True
    above[starts[1:][numeric] - 2] = True
    below[starts[:-1][numeric]] = True
    unseen[starts[1:][categorical] - 2] = True
    ordinary = ~(below | above | unseen | missing)
    owner = np.repeat(np.arange(len(features)), sizes)
    return FlatBins(
        starts=starts,
        owner=owner,
        counts=counts,
        numeric=numeric,
        ordinary=ordinary,
        below=below,
        above=above,
        unseen=unseen,
        missing=missing,
        rows=totals(owner, counts, len(features)),
        ordinary_rows=totals(owner, np.where(ordinary, counts, 0.0), len(features)),
        phi=np.array([feature.phi for feature in features], np.float64),
    )


def totals(owner: Indices, values: Floats, size: int) -> Floats:
    """Sum of the `values` of each owner 0 to size-1, float64[size].

    >>> totals(np.array([0, 0, 2]), np.array([1.0, 2.0, 4.0]), 3).tolist()
    [3.0, 0.0, 4.0]
    """
    return np.bincount(owner, values, size).astype(np.float64, copy=False)
