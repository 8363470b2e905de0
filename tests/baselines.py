"""Columns and baselines for the tests of the baseline room."""

from collections.abc import Sequence

from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.features import build_feature
from model_exporter.baseline.model import Baseline, FeatureBaseline, FeatureType
from model_exporter.batch import Column, Role, column_from_values

CREATED = 1_763_873_980.1234567
"""A moment whose float needs all of its digits."""


def column(values: Sequence[object], name: str = "x", role: Role = Role.INPUT) -> Column:
    """One column."""
    return column_from_values(name, role, values)


def feature(
    values: Sequence[object], type_: FeatureType | None = None, missing: frozenset[str] = frozenset()
) -> FeatureBaseline:
    """Baseline of the feature `x`."""
    return build_feature(column(values), type_=type_, required=None, missing=missing)


def baseline(*columns: Column, span_seconds: float | None = 90_000.0, stable: bool = True) -> Baseline:
    """Baseline of the model `fraud`."""
    return build_baseline(
        columns, model="fraud", created=CREATED, source="train.csv", span_seconds=span_seconds, stable=stable
    )


def counts(feature: FeatureBaseline) -> dict[str, int]:
    """Rows by bin, without the empty bins."""
    return {bin_: count for bin_, count in zip(feature.bins, feature.counts, strict=True) if count}
