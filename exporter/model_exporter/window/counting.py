"""The columns of a batch counted together: one matrix of numbers, one of categories, one of kinds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Column, Kind, Words
from model_exporter.stats.pairs import NO_LEVEL, Levels
from model_exporter.window.assess import Assessor, Judged
from model_exporter.window.scales import BAD_TYPE, Ruler
from model_exporter.window.snapshot import QUALITY

_VALUES: Final = QUALITY.index("values")
_MISSING: Final = QUALITY.index("missing")
_TYPE: Final = QUALITY.index("type")
_RANGE: Final = QUALITY.index("range")
_CATEGORY: Final = QUALITY.index("category")
_NONFINITE: Final = QUALITY.index("nonfinite")
_OUTLIERS: Final = QUALITY.index("outliers")

_NO_KINDS: Final = np.zeros(0, np.uint8)

_Counts = NDArray[np.int64]
_Flags = NDArray[np.bool_]
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
        kinds: uint8[C, n] of `Kind`.
        bad_type: masks bool[n] whose union are the rows with a value of a wrong type; maybe more than one a column.
    """

    quality: _Counts
    absent: _Counts
    bins: _Counts
    levels: Levels
    kinds: NDArray[np.uint8]
    bad_type: list[_Flags] = field(default_factory=list)


class Plan:
    """Counts batches whose columns have the same names, roles and share of text as those that it was made for.

    A column is counted with others like it: those of numbers on a `Ruler`, those of categories by their dictionaries,
    and those of no known type by their kinds. Only what mixes text and numbers is left to its `Assessor`; whatever is
    counted together comes out as it would from there.

    Args:
        columns: of such a batch.
        places: of each.
        width: B, bins of the layout.
        paired: columns of the matrix of levels.
        missing: intp[F], the bin `_missing` of every feature of the layout.
    """

    def __init__(
        self, columns: Sequence[Column], places: Sequence[FeaturePlace], *, width: int, paired: int, missing: _Places
    ) -> None:
        self._places = places
        self._missing = np.zeros(width, np.int64)
        self._missing[missing] = 1
        self._paired = paired
        numeric: list[int] = []
        named: list[int] = []
        self._untyped: list[int] = []
        self._alone: list[int] = []
        for column, (position, place) in zip(columns, enumerate(places), strict=True):
            match place.assessor.judged:
                case Judged.BY_SCALE if column.texts is None:
                    numeric.append(position)
                case Judged.BY_NAME if column.texts is not None:
                    named.append(position)
                case Judged.BY_KIND:
                    self._untyped.append(position)
                case _:
                    self._alone.append(position)
        self._numeric = np.array(numeric, np.intp)
        self._ruler = Ruler.of(
            [places[position].assessor.scale for position in numeric],
            [_start(places[position]) for position in numeric],
            width,
        )
        levels = [places[position].levels for position in numeric]
        self._levelled = np.array([row for row, column in enumerate(levels) if column is not None], np.intp)
        self._level_columns = np.array([column for column in levels if column is not None], np.intp)
        self._named = named
        starts = [_start(places[position]) for position in named]
        self._named_starts = np.array([width if start is None else start for start in starts], np.intp)

    def count(self, columns: Sequence[Column], rows: int) -> ColumnCounts:
        """Count `columns` of `rows` rows."""
        kinds = np.concatenate([_NO_KINDS, *[column.kinds for column in columns]]).reshape(len(columns), rows)
        counts = ColumnCounts(
            quality=np.zeros((len(columns), len(QUALITY)), np.int64),
            absent=np.zeros(len(columns), np.int64),
            bins=rows * self._missing,
            levels=np.full((self._paired, rows), NO_LEVEL, np.uint8),
            kinds=kinds,
        )
        if kinds.size == 0:
            return counts
        self._count_kinds(counts)
        if self._numeric.size:
            self._count_numbers(columns, counts)
        if self._untyped:
            self._count_untyped(columns, counts)
        alone = self._alone + self._count_names(columns, counts) if self._named else self._alone
        counts.quality[:, _VALUES] = rows - counts.quality[:, _MISSING]
        for position in alone:
            self._count_alone(position, columns[position], counts)
        return counts

    def _count_kinds(self, counts: ColumnCounts) -> None:
        """What the kinds of the cells tell: most batches have none that is missing or nested."""
        kinds, quality = counts.kinds, counts.quality
        if kinds.min() <= Kind.NULL:
            missing = kinds <= Kind.NULL
            quality[:, _MISSING] = np.count_nonzero(missing, axis=1)
            counts.absent += np.count_nonzero(kinds == Kind.ABSENT, axis=1)
        if kinds.max() >= Kind.NESTED:
            nested = kinds == Kind.NESTED
            quality[:, _TYPE] = np.count_nonzero(nested, axis=1)
            counts.bad_type.append(nested.any(axis=0))

    def _count_numbers(self, columns: Sequence[Column], counts: ColumnCounts) -> None:
        ruler, at = self._ruler, self._numeric
        features, rows = len(at), counts.kinds.shape[1]
        numbers = np.concatenate([columns[position].numbers for position in at.tolist()]).reshape(features, rows)
        finite = np.isfinite(numbers)
        usable = None if finite.all() else finite
        cells = ruler.read(numbers, usable)
        flat = np.bincount(cells.ravel(), minlength=features * ruler.cells)
        found = flat.reshape(features, ruler.cells)
        self._add_bins(counts, ruler.places, flat)
        quality = counts.quality
        wrong, quality[at, _RANGE], quality[at, _OUTLIERS] = (found * ruler.flags).sum(axis=2)
        if usable is not None:
            # What is neither finite, missing nor nested is a number that is not finite.
            quality[at, _NONFINITE] = found[:, -1] - quality[at, _MISSING] - quality[at, _TYPE]
        if wrong.any():
            quality[at, _TYPE] += wrong
            counts.bad_type.append(ruler.flags[BAD_TYPE].ravel()[cells].any(axis=0))
        if self._levelled.size:
            levelled = cells if len(self._levelled) == features else cells[self._levelled]
            counts.levels[self._level_columns] = ruler.levels.take(levelled)

    def _count_untyped(self, columns: Sequence[Column], counts: ColumnCounts) -> None:
        at = self._untyped
        numbers = np.concatenate([columns[position].numbers for position in at]).reshape(len(at), -1)
        broken = ~np.isfinite(numbers)
        if broken.any():
            broken &= counts.kinds[at] == Kind.NUMBER
            counts.quality[at, _NONFINITE] = np.count_nonzero(broken, axis=1)

    def _count_names(self, columns: Sequence[Column], counts: ColumnCounts) -> list[int]:
        """Count categories; returns the columns of which that was not all."""
        named = [(position, _texts(columns[position])) for position in self._named]
        sizes = [len(words.words) + 1 for _, words in named]
        *first, end = accumulate(sizes, initial=0)
        # Each column's dictionary follows an entry for code -1, which is no text.
        codes = np.concatenate([words.codes for _, words in named]).reshape(len(named), -1)
        found = np.bincount((codes + (np.array(first)[:, None] + 1)).ravel(), minlength=end)
        no_text = (counts.quality[self._named, _MISSING] + counts.quality[self._named, _TYPE]).tolist()
        destinations: list[int] = []
        alone: list[int] = []
        for (position, words), start, silent in zip(named, first, no_text, strict=True):
            names = self._places[position].assessor.names
            destinations += (names.missing_bin, *names.bins_of(words.words))
            if found[start] != silent:
                alone.append(position)  # numbers or truth values, which are categories as well
            elif names.is_configured:
                rows_of = found[start + 1 : start + 1 + len(words.words)]
                counts.quality[position, _MISSING] += rows_of[names.stands_for_missing(words.words)].sum()
                counts.quality[position, _CATEGORY] = rows_of[names.is_not_listed(words.words)].sum()
        places = np.minimum(np.array(destinations, np.intp) + np.repeat(self._named_starts, sizes), len(counts.bins))
        self._add_bins(counts, places, found)
        return alone

    def _count_alone(self, position: int, column: Column, counts: ColumnCounts) -> None:
        place = self._places[position]
        assessment = place.assessor.assess(column)
        counts.quality[position] = assessment.quality
        counts.absent[position] = assessment.absent
        if assessment.bad_type is not None:
            counts.bad_type.append(assessment.bad_type)
        if place.bins is not None:
            counts.bins[place.bins] = assessment.bins
        if assessment.levels is not None:
            counts.levels[place.levels] = assessment.levels

    def _add_bins(self, counts: ColumnCounts, places: _Places, found: _Counts) -> None:
        """Add the rows `found` in each cell to its place, where the features have no rows yet."""
        width = len(counts.bins)
        counts.bins += np.bincount(places, found, width + 1)[:width].astype(np.int64)


def _start(place: FeaturePlace) -> int | None:
    return None if place.bins is None else int(place.bins.start)


def _texts(column: Column) -> Words:
    assert column.texts is not None  # noqa: S101  # a plan is made for columns like these
    return column.texts
