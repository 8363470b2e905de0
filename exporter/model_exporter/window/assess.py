"""One feature's cells against its baseline: which bin each falls in, and what is wrong with the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.binning import category_index
from model_exporter.baseline.coerce import coerce_boolean, coerce_categorical, coerce_numeric
from model_exporter.baseline.model import UNSEEN, FeatureBaseline, FeatureType
from model_exporter.batch import Column, Kind
from model_exporter.config.settings import FeatureSettings
from model_exporter.stats.bins import ordinal_bins
from model_exporter.stats.pairs import NO_LEVEL, Levels
from model_exporter.window.scales import Scale
from model_exporter.window.snapshot import QUALITY

_Judgement = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_] | None, Levels | None]
"""Quality, bins, cells of a wrong type (or a mask of none) and levels as in an `Assessment`."""
_EMPTY: Final = np.zeros(0, np.int64)
_MISSING: Final = QUALITY.index("missing")
_TYPE: Final = QUALITY.index("type")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a column's cells amount to.

    `quality` is int64[len(QUALITY)], `bins` int64[bins of the feature], `absent` the cells whose record lacked the key,
    `bad_type` bool[n] which cells are of a wrong type (None when none is), `levels` uint8[n] the level of each cell, of
    a feature that is watched in pairs.
    """

    quality: NDArray[np.int64]
    bins: NDArray[np.int64]
    absent: int
    bad_type: NDArray[np.bool_] | None = None
    levels: Levels | None = None


class Judged(Enum):
    """What decides how a cell counts."""

    BY_SCALE = "its number"
    BY_NAME = "its text"
    BY_KIND = "its kind"


class Names:
    """What the texts of a categorical feature mean.

    Args:
        feature: its baseline, None while there is none.
        settings: what the configuration says of it.
    """

    def __init__(self, feature: FeatureBaseline | None, settings: FeatureSettings) -> None:
        self._missing = settings.missing
        self._listed = settings.categories
        self.missing_bin = len(feature.bins) - 1 if feature else 0
        self._unseen = feature.bins.index(UNSEEN) if feature else 0
        self._bin_of = category_index(feature) if feature else {}
        self._bin_of |= dict.fromkeys(self._missing, self.missing_bin)

    def bins_of_codes(self, words: Sequence[str]) -> list[int]:
        """The bin of a cell without text, and of each of `words`."""
        bin_of, unseen = self._bin_of.get, self._unseen
        return [self.missing_bin, *[bin_of(word, unseen) for word in words]]

    @property
    def is_configured(self) -> bool:
        """Whether the configuration says anything of them."""
        return bool(self._missing) or self._listed is not None

    def bins_of(self, words: Sequence[str]) -> list[int]:
        """The bin of each of `words`."""
        bin_of, unseen = self._bin_of.get, self._unseen
        return [bin_of(word, unseen) for word in words]

    def stands_for_missing(self, words: Sequence[str]) -> NDArray[np.bool_]:
        """Which of `words` are no category, but a missing value."""
        return np.array([word in self._missing for word in words], np.bool_)

    def is_not_listed(self, words: Sequence[str]) -> NDArray[np.bool_]:
        """Which of `words` are categories that the configuration does not list."""
        if self._listed is None:
            return np.zeros(len(words), np.bool_)
        known = self._listed | self._missing
        return np.array([word not in known for word in words], np.bool_)


class Assessor:
    """Judges the columns of one feature.

    Args:
        feature: its baseline, None while there is none.
        settings: what the configuration says of it, which wins over the baseline.
        levels: uint8[bins] of a numeric feature that is watched in pairs.

    Attributes:
        judged: what decides how a cell counts.
        scale: of a feature that is judged by numbers.
        names: of one that is judged by texts.
    """

    judged: Judged
    scale: Scale
    names: Names

    def __init__(
        self, feature: FeatureBaseline | None, settings: FeatureSettings, *, levels: Levels | None = None
    ) -> None:
        self._feature = feature
        self._levels = levels
        self._settings = settings
        match feature.type if feature else settings.type:
            case FeatureType.NUMERIC:
                self.judged, self._judge = Judged.BY_SCALE, self._numeric
                self.scale = Scale.of_numbers(feature, settings, levels)
            case FeatureType.BOOLEAN:
                self.judged, self._judge = Judged.BY_SCALE, self._boolean
                self.scale = Scale.of_truths(feature)
            case FeatureType.CATEGORICAL:
                self.judged, self._judge = Judged.BY_NAME, self._categorical
                self.names = Names(feature, settings)
            case _:
                self.judged, self._judge = Judged.BY_KIND, self._untyped
        if feature and feature.type is FeatureType.NUMERIC:
            self._edges = np.array(feature.edges)

    @property
    def required(self) -> bool:
        """Whether a record without the feature violates the schema."""
        if self._settings.required is not None:
            return self._settings.required
        return bool(self._feature and self._feature.required)

    def assess(self, column: Column) -> Assessment:
        """Judge the cells of `column`."""
        quality, bins, bad_type, levels = self._judge(column)
        # A column seldom lacks a record, and then `missing` says so first.
        absent = int(np.count_nonzero(column.kinds == Kind.ABSENT)) if quality[_MISSING] else 0
        return Assessment(quality, bins, absent, bad_type if quality[_TYPE] else None, levels)

    def _numeric(self, column: Column) -> _Judgement:
        cells = coerce_numeric(column, self._settings.missing)
        clean = bool(cells.usable.all())
        numbers = cells.values if clean else cells.values[cells.usable]
        summary = self._feature.numeric if self._feature else None
        quality = _quality(
            rows=len(column.kinds),
            missing=0 if clean else _count(cells.missing),
            bad_type=0 if clean else _count(cells.bad_type),
            nonfinite=0 if clean else _count(cells.nonfinite),
            out_of_range=_outside(numbers, self._settings.minimum, self._settings.maximum),
            outliers=_outside(numbers, summary.fence_low, summary.fence_high) if summary else 0,
        )
        if not self._feature:
            return quality, _EMPTY, cells.bad_type, None
        places = ordinal_bins(numbers, self._edges)
        bins = np.bincount(places, minlength=len(self._feature.bins))
        bins[-1] = len(column.kinds) - len(numbers)
        if self._levels is None:
            return quality, bins, cells.bad_type, None
        levels = self._levels[places]
        if not clean:
            levels, usable = np.full(len(column.kinds), NO_LEVEL, np.uint8), levels
            levels[cells.usable] = usable
        return quality, bins, cells.bad_type, levels

    def _categorical(self, column: Column) -> _Judgement:
        words, missing, bad_type = coerce_categorical(column, self._settings.missing)
        used = words.codes[words.codes >= 0]
        quality = _quality(
            rows=len(column.kinds),
            missing=_count(missing),
            bad_type=_count(bad_type),
            unknown_categories=_count(self.names.is_not_listed(words.words)[used]),
        )
        if not self._feature:
            return quality, _EMPTY, bad_type, None
        bins = np.bincount(np.array(self.names.bins_of(words.words), np.intp)[used], minlength=len(self._feature.bins))
        bins[-1] = len(column.kinds) - len(used)
        return quality, bins, bad_type, None

    def _boolean(self, column: Column) -> _Judgement:
        cells = coerce_boolean(column, self._settings.missing)
        quality = _quality(
            rows=len(column.kinds),
            missing=_count(cells.missing),
            bad_type=_count(cells.bad_type),
            nonfinite=_count(cells.nonfinite),
        )
        if not self._feature:
            return quality, _EMPTY, cells.bad_type, None
        usable, true = _count(cells.usable), _count(cells.values)
        return quality, np.array([usable - true, true, len(column.kinds) - usable]), cells.bad_type, None

    def _untyped(self, column: Column) -> _Judgement:
        """Before a type is known, or for an identifier, only what is wrong under any type counts."""
        kinds = column.kinds
        bad_type = kinds == Kind.NESTED
        quality = _quality(
            rows=len(kinds),
            missing=_count((kinds == Kind.ABSENT) | (kinds == Kind.NULL)),
            bad_type=_count(bad_type),
            nonfinite=_count((kinds == Kind.NUMBER) & ~np.isfinite(column.numbers)),
        )
        return quality, _EMPTY, bad_type, None


def _quality(
    *,
    rows: int,
    missing: int,
    bad_type: int,
    nonfinite: int = 0,
    out_of_range: int = 0,
    unknown_categories: int = 0,
    outliers: int = 0,
) -> NDArray[np.int64]:
    """In the order of `QUALITY`."""
    return np.array(
        (rows - missing, missing, bad_type, out_of_range, unknown_categories, nonfinite, outliers), np.int64
    )


def _count(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))


def _outside(numbers: NDArray[np.float64], low: float | None, high: float | None) -> int:
    below = np.count_nonzero(numbers < low) if low is not None else 0
    above = np.count_nonzero(numbers > high) if high is not None else 0
    return int(below + above)
