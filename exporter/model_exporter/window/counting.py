"""The columns of a batch counted together: those of numbers, those of categories, and the kinds of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Column, Kind, Words
from model_exporter.stats import kernel, plain_kernel
from model_exporter.stats.pairs import NO_LEVEL, Levels
from model_exporter.window.assess import Assessor, Judged
from model_exporter.window.scales import NO_SCALE, Scale, ruler_of
from model_exporter.window.snapshot import QUALITY

_MISSING: Final = QUALITY.index("missing")
_TYPE: Final = QUALITY.index("type")
_CATEGORY: Final = QUALITY.index("category")
_VALUES: Final = QUALITY.index("values")

_Counts = NDArray[np.int64]
_Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class FeaturePlace:
    """Where a feature's counts go.

    Attributes:
        assessor: what its cells mean.
        bins: its bins among those of the layout; None without any.
        levels: its column in the matrix of levels; None for a feature that is in no pair.
    """

    assessor: Assessor
    bins: slice | None
    levels: int | None


@dataclass(slots=True)
class ColumnCounts:
    """What C columns of n rows amount to.

    Attributes:
        quality: int64[C, len(QUALITY)].
        absent: int64[C], cells whose record lacks the key.
        bins: int64[B] of the layout; a feature without a column has all rows among its missing ones.
        levels: uint8[columns of the layout's pairs, n].
        wrong: uint8[n], 1 for rows with a value of a wrong type.
    """

    quality: _Counts
    absent: _Counts
    bins: _Counts
    levels: Levels
    wrong: NDArray[np.uint8]


class Plan:
    """Counts batches whose columns have the same names, roles and share of text as those that it was made for.

    A column is counted with others like it: those of numbers, and those of no known type, on a `Ruler`, those of
    categories by their dictionaries. Only what mixes text and numbers is left to its `Assessor`; whatever is counted
    together comes out as it would from there.

    Args:
        columns: of such a batch.
        places: of each.
        width: B, bins of the layout.
        paired: columns of the matrix of levels.
        missing: intp[F], the bin `_missing` of every feature of the layout that has no column.
    """

    def __init__(
        self, columns: Sequence[Column], places: Sequence[FeaturePlace], *, width: int, paired: int, missing: _Places
    ) -> None:
        self._places = places
        self._width = width
        self._missing = np.zeros(width + 1, np.int64)  # the last stands for no bin at all
        self._missing[missing] = 1
        self._paired = paired
        numeric: list[int] = []
        self._named: list[int] = []
        self._alone: list[int] = []
        for column, (position, place) in zip(columns, enumerate(places), strict=True):
            match place.assessor.judged:
                case Judged.BY_KIND:
                    numeric.append(position)
                case Judged.BY_SCALE if column.texts is None:
                    numeric.append(position)
                case Judged.BY_NAME if column.texts is not None:
                    self._named.append(position)
                case _:
                    self._alone.append(position)
        starts = [_start(places[position]) for position in self._named]
        self._names = [places[position].assessor.names for position in self._named]
        self._named_starts = [width if start is None else start for start in starts]
        self._numeric = numeric
        on_ruler = [places[position] for position in numeric]
        self._ruler = ruler_of(
            [_scale(place) for place in on_ruler],
            starts=[_start(place) for place in on_ruler],
            levels=[place.levels for place in on_ruler],
            rows=numeric,
            width=width,
        )

    def count(self, columns: Sequence[Column], rows: int) -> ColumnCounts:
        """Count `columns` of `rows` rows."""
        bins = rows * self._missing
        counts = ColumnCounts(
            quality=np.zeros((len(columns), len(QUALITY)), np.int64),
            absent=np.zeros(len(columns), np.int64),
            bins=bins[: self._width],
            levels=np.full((self._paired, rows), NO_LEVEL, np.uint8),
            wrong=np.zeros(rows, np.uint8),
        )
        if not columns or not rows:
            return counts
        kinds = [column.kinds for column in columns]
        silent = kernel.count_kinds(kinds, counts.quality, counts.absent, counts.wrong)
        if self._numeric:
            kernel.count_numbers(
                [columns[position].numbers for position in self._numeric],
                [kinds[position] for position in self._numeric],
                self._ruler,
                bins=bins,
                quality=counts.quality,
                levels=counts.levels,
                wrong=counts.wrong,
            )
        alone = self._count_names(columns, silent, counts, bins) if self._named else []
        for position in (*self._alone, *alone):
            self._count_alone(position, columns[position], counts)
        return counts

    def _count_names(
        self, columns: Sequence[Column], silent: Sequence[int], counts: ColumnCounts, bins: _Counts
    ) -> list[int]:
        """Count categories; returns the columns of which that was not all. `silent` are the cells without a scalar."""
        texts = [_texts(columns[position]) for position in self._named]
        found = kernel.count_codes(
            [words.codes for words in texts],
            [names.bins_of_codes(words.words) for names, words in zip(self._names, texts, strict=True)],
            self._named_starts,
            bins,
            len(counts.wrong),
        )
        alone: list[int] = []
        for position, names, words, rows_of in zip(self._named, self._names, texts, found, strict=True):
            if rows_of[0] != silent[position]:
                alone.append(position)  # numbers or truth values, which are categories as well
            elif names.is_configured:
                rows, quality = np.array(rows_of[1:], np.int64), counts.quality[position]
                missing = rows[names.stands_for_missing(words.words)].sum()
                quality[_MISSING] += missing
                quality[_VALUES] -= missing
                quality[_CATEGORY] = rows[names.is_not_listed(words.words)].sum()
        return alone

    def _count_alone(self, position: int, column: Column, counts: ColumnCounts) -> None:
        place = self._places[position]
        assessment = place.assessor.assess(column)
        counts.quality[position] = assessment.quality
        counts.absent[position] = assessment.absent
        if assessment.bad_type is not None:
            counts.wrong |= assessment.bad_type
        if place.bins is not None:
            counts.bins[place.bins] = assessment.bins
        if assessment.levels is not None:
            counts.levels[place.levels] = assessment.levels


def _scale(place: FeaturePlace) -> Scale:
    return place.assessor.scale if place.assessor.judged is Judged.BY_SCALE else NO_SCALE


def _start(place: FeaturePlace) -> int | None:
    return None if place.bins is None else int(place.bins.start)


def _texts(column: Column) -> Words:
    assert column.texts is not None  # noqa: S101  # a plan is made for columns like these
    return column.texts


assert (plain_kernel.ABSENT, plain_kernel.NULL, plain_kernel.NUMBER, plain_kernel.NESTED) == (  # noqa: S101  # what it is told
    Kind.ABSENT,
    Kind.NULL,
    Kind.NUMBER,
    Kind.NESTED,
)
assert QUALITY == ("values", "missing", "type", "range", "category", "nonfinite", "outliers")  # noqa: S101  # the same
