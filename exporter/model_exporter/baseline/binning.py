"""Which bin of a feature's baseline each cell falls in."""

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.coerce import coerce_boolean, coerce_categorical, coerce_numeric
from model_exporter.baseline.model import OTHER, UNSEEN, FeatureBaseline, FeatureType
from model_exporter.batch import Column
from model_exporter.stats.bins import ordinal_bins


def category_label(category: str) -> str:
    """Label of the bin of `category`: itself, with one more underscore in front when it begins with one.

    So no category can take the label of a special bin.

    >>> category_label("DE"), category_label("_missing")
    ('DE', '__missing')
    """
    return f"_{category}" if category.startswith("_") else category


def category_index(feature: FeatureBaseline) -> dict[str, int]:
    """Index into `feature.bins` by category, for all categories that the baseline remembers.

    A category that is not in it falls in the bin `_unseen`.

    >>> from model_exporter.batch import Role
    >>> feature = FeatureBaseline(
    ...     "country", Role.INPUT, FeatureType.CATEGORICAL, 9, True,
    ...     bins=("DE", "_other", "_unseen", "_missing"), counts=(6, 2, 1, 0), known=frozenset({"AT"}))
    >>> category_index(feature)
    {'AT': 1, 'DE': 0}
    """
    other = feature.bins.index(OTHER)
    index = dict.fromkeys(feature.known, other)
    index.update((label.removeprefix("_"), place) for place, label in enumerate(feature.bins[:other]))
    return index


def bin_cells(feature: FeatureBaseline, column: Column, missing: frozenset[str] = frozenset()) -> NDArray[np.intp]:
    """Index into `feature.bins` for each cell of `column`, intp[n].

    Args:
        feature: any but an identifier, which has no bins.
        column: the cells.
        missing: texts that stand for a missing value.

    >>> from model_exporter.batch import Role, column_from_values
    >>> bins = ("false", "true", "_missing")
    >>> feature = FeatureBaseline("x", Role.INPUT, FeatureType.BOOLEAN, 2, True, bins, counts=(1, 1, 0))
    >>> bin_cells(feature, column_from_values("x", Role.INPUT, [True, "false", None])).tolist()
    [1, 0, 2]
    """
    bins = np.full(len(column.kinds), len(feature.bins) - 1, np.intp)
    match feature.type:
        case FeatureType.NUMERIC:
            cells = coerce_numeric(column, missing)
            bins[cells.usable] = ordinal_bins(cells.values[cells.usable], np.array(feature.edges))
        case FeatureType.BOOLEAN:
            truths = coerce_boolean(column, missing)
            bins[truths.usable] = truths.values[truths.usable]
        case FeatureType.CATEGORICAL:
            words, *_ = coerce_categorical(column, missing)
            index, unseen = category_index(feature), feature.bins.index(UNSEEN)
            place = np.array([index.get(word, unseen) for word in words.words], np.intp)
            named = words.codes >= 0
            bins[named] = place[words.codes[named]]
        case FeatureType.IDENTIFIER:
            raise ValueError(f"feature {feature.name} is an identifier and has no bins")
    return bins


def count_cells(feature: FeatureBaseline, column: Column, missing: frozenset[str] = frozenset()) -> NDArray[np.int64]:
    """Cells of `column` in each of `feature.bins`, int64[bins], which sum to the cells; empty for an identifier."""
    if feature.type is FeatureType.IDENTIFIER:
        return np.zeros(0, np.int64)
    return np.bincount(bin_cells(feature, column, missing), minlength=len(feature.bins)).astype(np.int64, copy=False)
