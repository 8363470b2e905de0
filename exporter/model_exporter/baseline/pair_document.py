"""Pairs of features in a baseline file: their part of `model_exporter.baseline.document`."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from model_exporter.baseline.model import Baseline, FeatureBaseline, FeatureType, PairTable
from model_exporter.stats.pairs import CELLS

_Rows = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Pair(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The joint table of two features, each by its role and name."""

    first: str
    second: str
    counts: Annotated[list[_Rows], msgspec.Meta(min_length=CELLS, max_length=CELLS)]


def to_pairs(baseline: Baseline) -> list[Pair]:
    """The tables of `baseline` as parts of a document."""
    keys = [_key(feature) for feature in baseline.features]
    return [Pair(keys[table.first], keys[table.second], list(table.counts)) for table in baseline.pairs]


def from_pairs(pairs: Sequence[Pair], features: Sequence[FeatureBaseline], rows: int) -> tuple[PairTable, ...]:
    """The tables that `pairs` describe, in a baseline of so many `rows`.

    Raises:
        ValueError: they do not fit the features; the message says how.
    """
    numeric = {_key(f): place for place, f in enumerate(features) if f.type is FeatureType.NUMERIC}
    tables: dict[tuple[int, int], PairTable] = {}
    for pair in pairs:
        first, second = numeric.get(pair.first, -1), numeric.get(pair.second, -1)
        if first < 0 or second <= first or (first, second) in tables:
            raise ValueError(f"pairs: {pair.first} and {pair.second} are not two numeric features, in order and once")
        if sum(pair.counts) > rows:
            raise ValueError(f"pairs: {pair.first} and {pair.second} have more than the {rows} rows")
        tables[first, second] = PairTable(first, second, tuple(pair.counts))
    return tuple(tables.values())


def _key(feature: FeatureBaseline) -> str:
    return f"{feature.role.value} {feature.name}"
