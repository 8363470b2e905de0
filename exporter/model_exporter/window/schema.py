"""The features of a model: which there are, which there should be, and what a batch's columns amount to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Batch, Column, Kind, Role
from model_exporter.config.settings import FeatureSettings
from model_exporter.stats.pairs import Levels
from model_exporter.window.assess import Assessor
from model_exporter.window.counting import FeaturePlace, Plan
from model_exporter.window.layout import Layout
from model_exporter.window.snapshot import QUALITY, VIOLATIONS, FeatureName

_MISSING: Final = QUALITY.index("missing")
_TYPE: Final = QUALITY.index("type")
_DEFAULT: Final = FeatureSettings()
_MAX_PLANS: Final = 8
"""Shapes of batches that a model holds plans for; that of a thousand features takes a quarter of a megabyte."""
_NAME_AND_ROLE: Final = attrgetter("name", "role")
_Shape = tuple[tuple[tuple[str, Role], ...], tuple[bool, ...]]


@dataclass(frozen=True, slots=True)
class FeatureCounts:
    """What the columns of one batch amount to.

    `quality` is int64[features, len(QUALITY)], `violations` int64[len(VIOLATIONS)], and `violating` how many rows have
    any of these. `bins` is int64[B] of the layout (None without one). `cells` is how many values the features that
    belong should have had, `missing` how many of those were absent or null. `levels` is uint8[rows, columns] of the
    layout's pairs (None without any).
    """

    quality: NDArray[np.int64]
    violations: NDArray[np.int64]
    violating: int
    bins: NDArray[np.int64] | None
    missing: int
    cells: int
    levels: Levels | None


class Schema:
    """The features of one model, in the order first seen.

    Before there is a baseline every feature is as good as any other. A baseline (with the configuration) says which
    features belong: those are missing from a record that lacks them, and any other is unexpected.
    """

    def __init__(self, settings: Mapping[str, FeatureSettings]) -> None:
        self._settings = settings
        self._layout: Layout | None = None
        self._index: dict[FeatureName, int] = {}
        self._assessors: list[Assessor] = []
        self._expected: list[bool] = []
        self._counting: dict[_Shape, _Counting] = {}

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, feature: FeatureName) -> bool:
        return feature in self._index

    @property
    def features(self) -> tuple[FeatureName, ...]:
        """Names, by index."""
        return tuple(self._index)

    def compare_with(self, layout: Layout | None, settings: Mapping[str, FeatureSettings]) -> None:
        """Take over a baseline, a configuration, or both."""
        self._layout, self._settings = layout, settings
        for feature in layout.assessors if layout else ():
            self._index.setdefault(feature, len(self._index))
        self._assessors = [self._assessor(feature) for feature in self._index]
        self._expected = [self._belongs(feature) for feature in self._index]
        self._counting.clear()

    def add(self, feature: FeatureName) -> bool:
        """Take in a new feature; True when it does not belong to the schema."""
        self._index[feature] = len(self._index)
        self._assessors.append(self._assessor(feature))
        self._expected.append(self._belongs(feature))
        self._counting.clear()
        return not self._expected[-1]

    def count_known(self, batch: Batch) -> FeatureCounts | None:
        """As `count` for a batch that looks like an earlier one; None for others, whose features may be new."""
        counting = self._counting.get(_shape(batch.columns))
        return counting.count(batch.columns, batch.rows) if counting else None

    def count(self, batch: Batch) -> FeatureCounts:
        """Judge the columns of `batch`, all of them known features, against the baseline."""
        shape = _shape(batch.columns)
        if shape not in self._counting:
            if len(self._counting) >= _MAX_PLANS:
                self._counting.clear()
            self._counting[shape] = self._prepare(batch)
        return self._counting[shape].count(batch.columns, batch.rows)

    def _prepare(self, batch: Batch) -> "_Counting":
        layout = self._layout
        pairs = layout.pairs if layout else None
        named = [FeatureName(column.name, column.role) for column in batch.columns]
        index = np.array([self._index[feature] for feature in named], np.intp)
        places = [
            FeaturePlace(
                self._assessors[self._index[feature]],
                layout.place.get(feature) if layout else None,
                pairs.columns.get(feature) if pairs else None,
            )
            for feature in named
        ]
        here = {*named}
        gone = [place.stop - 1 for feature, place in layout.place.items() if feature not in here] if layout else []
        return _Counting(
            Plan(
                batch.columns,
                places,
                width=layout.width if layout else 0,
                paired=len(pairs.columns) if pairs else 0,
                missing=np.array(gone, np.intp),
            ),
            index=index,
            expected=np.array(self._expected, np.bool_),
            required=np.array([assessor.required for assessor in self._assessors], np.bool_),
            has_bins=layout is not None,
        )

    def _assessor(self, feature: FeatureName) -> Assessor:
        known = self._layout.assessors.get(feature) if self._layout else None
        return known or Assessor(None, self._settings.get(feature.name, _DEFAULT))

    def _belongs(self, feature: FeatureName) -> bool:
        layout = self._layout
        return layout is None or feature in layout.assessors or feature.name in self._settings


class _Counting:
    """Counts batches of one shape.

    Args:
        plan: of the shape.
        index: intp[C], the feature of each column.
        expected: bool[features], those that belong to the schema.
        required: bool[features], those that every record has to carry.
        has_bins: whether there is a layout.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        index: NDArray[np.intp],
        expected: NDArray[np.bool_],
        required: NDArray[np.bool_],
        has_bins: bool,
    ) -> None:
        self._plan = plan
        self._index = index
        self._features = len(expected)
        self._is_whole = np.array_equal(index, np.arange(len(expected)))
        self._has_bins = has_bins
        self._cells = int(np.count_nonzero(expected))
        self._unexpected = np.flatnonzero(~expected[index])
        self._required = np.flatnonzero(required[index])
        gone = expected.copy()
        gone[index] = False
        self._gone = np.flatnonzero(gone)
        self._required_gone = int(np.count_nonzero(required[gone]))

    def count(self, columns: Sequence[Column], rows: int) -> FeatureCounts:
        """Count the `columns` of `rows` rows."""
        found = self._plan.count(columns, rows)
        wrong = found.wrong
        totals = found.quality.sum(axis=0).tolist()
        missing = totals[_MISSING] + rows * len(self._gone)
        unexpected = missing_features = 0
        if self._unexpected.size:
            for position in self._unexpected.tolist():
                wrong |= columns[position].kinds != Kind.ABSENT
            unexpected = rows * len(self._unexpected) - int(found.absent[self._unexpected].sum())
            missing -= int(found.quality[self._unexpected, _MISSING].sum())
            # Other kinds of record need not carry it.
            found.quality[self._unexpected, _MISSING] -= found.absent[self._unexpected]
        all_lack = self._required_gone > 0
        if totals[_MISSING]:  # absent cells are among the missing ones
            lacking = found.absent[self._required]
            missing_features = int(lacking.sum())
            all_lack = all_lack or bool((lacking == rows).any())
            for position in self._required[lacking > 0].tolist():
                wrong |= columns[position].kinds == Kind.ABSENT
        missing_features += self._required_gone * rows
        return FeatureCounts(
            found.quality if self._is_whole else self._spread(found.quality, rows),
            np.array((missing_features, unexpected, totals[_TYPE]), np.int64),
            rows if all_lack else int(np.count_nonzero(wrong)),
            found.bins if self._has_bins else None,
            missing=missing,
            cells=rows * self._cells,
            levels=found.levels.T if len(found.levels) else None,
        )

    def _spread(self, quality: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
        """The quality of all features, out of that of the columns; what has no column is missing in all rows."""
        spread = np.zeros((self._features, len(QUALITY)), np.int64)
        spread[self._gone, _MISSING] = rows
        spread[self._index] = quality
        return spread


def _shape(columns: Sequence[Column]) -> _Shape:
    """What a plan for `columns` depends on."""
    return tuple(map(_NAME_AND_ROLE, columns)), tuple([column.texts is None for column in columns])


def columns_by_room(batch: Batch, schema: Schema, *, room: int) -> tuple[list[Column], list[Column]]:
    """Columns of `batch` that are known or fit among `room` new features, and those that do not."""
    kept: list[Column] = []
    refused: list[Column] = []
    for column in batch.columns:
        if FeatureName(column.name, column.role) in schema:
            kept.append(column)
        elif room > 0:
            kept.append(column)
            room -= 1
        else:
            refused.append(column)
    return kept, refused


assert VIOLATIONS == ("missing_feature", "unexpected_feature", "type")  # noqa: S101  # the order `count` writes
