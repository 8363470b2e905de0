"""Baselines out of rows."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.features import build_feature
from model_exporter.baseline.model import Baseline, FeatureType, Seasons
from model_exporter.baseline.pairs import pair_tables
from model_exporter.baseline.rhythm import with_rhythm
from model_exporter.batch import Column
from model_exporter.errors import BaselineError

_NO_TYPES: Final[Mapping[str, FeatureType]] = MappingProxyType({})
_NO_DEMANDS: Final[Mapping[str, bool]] = MappingProxyType({})
_NO_TEXTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({})


def build_baseline(
    columns: Sequence[Column],
    *,
    model: str,
    created: float,
    source: str,
    span_seconds: float | None,
    times: NDArray[np.float64] | None = None,
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
        times: float64[rows], unix seconds of each row, NaN where there is none. With them dependence is measured, and
            seasons are told apart where there are rows enough; see `baseline.rhythm`.
        stable: what `baseline.stability` said of the rows.
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
    seasons: tuple[Seasons, ...] = ()
    if times is not None:
        features, seasons = with_rhythm(features, columns, times, missing)
    pairs = pair_tables(features, columns, missing)
    return Baseline(model, created, source, rows, span_seconds, stable, features, seasons, pairs)


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
