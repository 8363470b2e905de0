"""The baseline of one feature, out of all of its cells."""

from typing import Final

import numpy as np

from model_exporter.baseline.binning import count_cells
from model_exporter.baseline.categories import CategoryCounts, category_bins
from model_exporter.baseline.coerce import coerce_categorical, coerce_numeric
from model_exporter.baseline.infer import infer_type, is_identifier
from model_exporter.baseline.model import ABOVE, BELOW, MISSING, FeatureBaseline, FeatureType, NumericSummary
from model_exporter.batch import Column, Kind
from model_exporter.stats.bins import tail_refined_edges
from model_exporter.stats.summary import group_means, mean_and_sd, outlier_fences

REQUIRED_ROWS: Final = 100
"""Rows from which on a feature that no row lacked counts as required."""


def build_feature(
    column: Column, *, type_: FeatureType | None, required: bool | None, missing: frozenset[str]
) -> FeatureBaseline:
    """Baseline of one feature.

    Args:
        column: its cells in all baseline rows.
        type_: its type; None to infer it.
        required: whether every record must carry it; None to infer it.
        missing: texts that stand for a missing value.

    Returns:
        a baseline whose counts sum to the rows. A feature that is meant to be numeric but holds no number has no edges:
        it becomes categorical, with its texts as categories. One without any usable value has none of these either.
    """
    rows = len(column.kinds)
    if required is None:
        required = rows >= REQUIRED_ROWS and bool((column.kinds != Kind.ABSENT).all())
    match type_ or infer_type(column, missing):
        case FeatureType.NUMERIC:
            numeric = _numeric(column, required=required, missing=missing)
            return numeric or _categorical(column, required=required, missing=missing, may_be_identifier=True)
        case FeatureType.BOOLEAN:
            return _boolean(column, required=required, missing=missing)
        case FeatureType.IDENTIFIER:
            return FeatureBaseline(column.name, column.role, FeatureType.IDENTIFIER, rows, required)
        case FeatureType.CATEGORICAL:
            return _categorical(column, required=required, missing=missing, may_be_identifier=type_ is None)
        case None:
            return _categorical(column, required=required, missing=missing, may_be_identifier=False)


def _numeric(column: Column, *, required: bool, missing: frozenset[str]) -> FeatureBaseline | None:
    """None when there is no number."""
    cells = coerce_numeric(column, missing)
    # Adding 0 turns -0.0 into 0.0, which are equal but would make different digests.
    values = np.sort(cells.values[cells.usable]) + 0.0
    if not len(values):
        return None
    edges = tail_refined_edges(values)
    bounds = np.searchsorted(values, edges, side="right")
    inner = np.diff(bounds).tolist()
    mean, sd = mean_and_sd(values)
    minimum, maximum = float(values[0]), float(values[-1])
    low, high = outlier_fences(values)
    positions = (minimum, *group_means(values, bounds).tolist(), maximum)
    return FeatureBaseline(
        column.name,
        column.role,
        FeatureType.NUMERIC,
        rows=len(column.kinds),
        required=required,
        bins=(BELOW, *(f"{index:02}" for index in range(len(inner))), ABOVE, MISSING),
        counts=(0, *inner, 0, len(column.kinds) - len(values)),
        edges=tuple(edges.tolist()),
        numeric=NumericSummary(mean, sd, minimum, maximum, low, high, positions),
    )


def _boolean(column: Column, *, required: bool, missing: frozenset[str]) -> FeatureBaseline:
    rows, bins = len(column.kinds), ("false", "true", MISSING)
    empty = FeatureBaseline(column.name, column.role, FeatureType.BOOLEAN, rows, required, bins, (0, 0, rows))
    counts = tuple(count_cells(empty, column, missing).tolist())
    return FeatureBaseline(column.name, column.role, FeatureType.BOOLEAN, rows, required, bins, counts)


def _categorical(
    column: Column, *, required: bool, missing: frozenset[str], may_be_identifier: bool
) -> FeatureBaseline:
    rows = len(column.kinds)
    words, *_ = coerce_categorical(column, missing)
    usable = int(np.count_nonzero(words.codes >= 0))
    categories = CategoryCounts.of(words)
    if may_be_identifier and is_identifier(rows=usable, singletons=categories.singletons):
        return FeatureBaseline(column.name, column.role, FeatureType.IDENTIFIER, rows, required)
    bins = category_bins(categories, missing=rows - usable)
    return FeatureBaseline(
        column.name,
        column.role,
        FeatureType.CATEGORICAL,
        rows,
        required,
        bins=bins.bins,
        counts=bins.counts,
        known=bins.known,
    )
