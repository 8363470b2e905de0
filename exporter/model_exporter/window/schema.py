"""The features of a model: which there are, which there should be, and what a batch's columns amount to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Batch, Column, Kind
from model_exporter.config.settings import FeatureSettings
from model_exporter.stats.pairs import NO_LEVEL, Levels
from model_exporter.window.assess import Assessor
from model_exporter.window.layout import Layout
from model_exporter.window.snapshot import QUALITY, VIOLATIONS, FeatureName

_MISSING: Final = QUALITY.index("missing")
_TYPE: Final = QUALITY.index("type")
_DEFAULT: Final = FeatureSettings()


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
        self._places: list[slice | None] = []
        self._pair_columns: list[int | None] = []
        self._expected = np.zeros(0, np.bool_)
        self._required = np.zeros(0, np.bool_)

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
        self._describe()

    def add(self, feature: FeatureName) -> bool:
        """Take in a new feature; True when it does not belong to the schema."""
        self._index[feature] = len(self._index)
        self._describe()
        return not self._expected[-1]

    def count(self, batch: Batch) -> FeatureCounts:
        """Judge the columns of `batch`, all of them known features, against the baseline."""
        rows = batch.rows
        quality = np.zeros((len(self._index), len(QUALITY)), np.int64)
        quality[self._expected, _MISSING] = rows
        absent = np.where(self._expected, rows, 0)
        bins = self._all_missing(rows)
        levels = self._no_levels(rows)
        unexpected = 0
        wrong: list[NDArray[np.bool_]] = []
        for column in batch.columns:
            index = self._index[FeatureName(column.name, column.role)]
            assessment = self._assessors[index].assess(column)
            quality[index] = assessment.quality
            absent[index] = assessment.absent
            if not self._expected[index]:
                quality[index, _MISSING] -= assessment.absent  # other kinds of record need not carry it
                unexpected += rows - assessment.absent
                wrong.append(column.kinds != Kind.ABSENT)
            elif assessment.absent and self._required[index]:
                wrong.append(column.kinds == Kind.ABSENT)
            if assessment.bad_type is not None:
                wrong.append(assessment.bad_type)
            place = self._places[index]
            if bins is not None and place is not None:
                bins[place] = assessment.bins
            if levels is not None and assessment.levels is not None:
                levels[:, self._pair_columns[index]] = assessment.levels
        violations = (absent[self._required].sum(), unexpected, quality[:, _TYPE].sum())
        return FeatureCounts(
            quality,
            np.array(violations, np.int64),
            rows if (absent[self._required] == rows).any() else _rows_in_any(wrong),
            bins,
            missing=int(quality[self._expected, _MISSING].sum()),
            cells=rows * int(np.count_nonzero(self._expected)),
            levels=levels,
        )

    def _all_missing(self, rows: int) -> NDArray[np.int64] | None:
        """Bins of `rows` records without any feature: what a batch's columns then overwrite."""
        if self._layout is None:
            return None
        bins = np.zeros(self._layout.width, np.int64)
        bins[self._layout.public.starts[1:] - 1] = rows  # the last bin of each feature is `_missing`
        return bins

    def _no_levels(self, rows: int) -> Levels | None:
        """Levels of `rows` records without any feature."""
        if self._layout is None or self._layout.pairs is None:
            return None
        return np.full((rows, len(self._layout.pairs.columns)), NO_LEVEL, np.uint8)

    def _describe(self) -> None:
        layout = self._layout
        self._assessors = [
            layout.assessors[feature]
            if layout and feature in layout.assessors
            else Assessor(None, self._settings.get(feature.name, _DEFAULT))
            for feature in self._index
        ]
        self._places = [layout.place.get(feature) if layout else None for feature in self._index]
        pairs = layout.pairs if layout else None
        self._pair_columns = [pairs.columns.get(feature) if pairs else None for feature in self._index]
        self._required = np.array([assessor.required for assessor in self._assessors], np.bool_)
        self._expected = np.array(
            [
                layout is None or feature in layout.assessors or feature.name in self._settings
                for feature in self._index
            ],
            np.bool_,
        )


def _rows_in_any(masks: Sequence[NDArray[np.bool_]]) -> int:
    """How many rows at least one of the `masks` bool[rows] holds."""
    return int(np.count_nonzero(np.logical_or.reduce(masks))) if masks else 0


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
