"""Joint tables of pairs of numeric features, by which a change of their dependence is told."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from model_exporter.baseline.binning import bin_cells
from model_exporter.baseline.model import FeatureBaseline, FeatureType, PairTable
from model_exporter.batch import Column
from model_exporter.stats.pairs import NO_LEVEL, choose_pairs, count_pairs, quintile_levels
from model_exporter.stats.pairs import Levels as FlatLevels

MIN_ROWS: Final = 1_000
"""Baseline rows from which on pairs are tabulated: forty in each cell of two independent features."""
MAX_PAIRS: Final = 300
"""Pairs of a model. Within it they are ten times as many as features, which is every pair of up to 21; otherwise those
with the strongest rank correlation."""


def feature_levels(feature: FeatureBaseline) -> FlatLevels:
    """Level of each bin of a numeric `feature`, uint8[bins]: its fifth of the baseline's rows, or `NO_LEVEL`."""
    counts = np.array(feature.counts, np.int64)
    on_scale = np.arange(len(counts)) < len(counts) - 1  # the last bin is `_missing`
    return quintile_levels(counts, np.array([0, len(counts)]), on_scale)


def pair_tables(
    features: Sequence[FeatureBaseline], columns: Sequence[Column], missing: Mapping[str, frozenset[str]]
) -> tuple[PairTable, ...]:
    """Tables of the pairs to watch; none when there are fewer than `MIN_ROWS` rows.

    Args:
        features: baselines of the columns.
        columns: the baseline's rows.
        missing: texts that stand for a missing value, by name.
    """
    numeric = [place for place, feature in enumerate(features) if feature.type is FeatureType.NUMERIC]
    rows = len(columns[0].kinds)
    if len(numeric) < 2 or rows < MIN_ROWS:  # noqa: PLR2004  # a pair
        return ()
    levels = np.full((rows, len(numeric)), NO_LEVEL, np.uint8)
    for place, index in enumerate(numeric):
        feature, column = features[index], columns[index]
        bins = bin_cells(feature, column, missing.get(feature.name, frozenset()))
        levels[:, place] = feature_levels(feature)[bins]
    pairs = choose_pairs(levels, outputs=np.zeros(len(numeric), np.bool_), all_of=0, at_most=MAX_PAIRS)
    tables = count_pairs(levels, pairs)
    return tuple(
        PairTable(numeric[first], numeric[second], tuple(counts))
        for (first, second), counts in zip(pairs.tolist(), tables.tolist(), strict=True)
    )
