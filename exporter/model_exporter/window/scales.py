"""What a number means for its feature, worked out once: the line cut into cells within which nothing changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, nextafter
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import FeatureBaseline
from model_exporter.config.settings import FeatureSettings
from model_exporter.stats.bins import ordinal_bins
from model_exporter.stats.distinct import distinct
from model_exporter.stats.pairs import NO_LEVEL, Levels
from model_exporter.stats.plain_kernel import BAD_TYPE, OUT_OF_RANGE, OUTLIER, Ruler

_BOOLEAN_CUTS: Final = (nextafter(0.0, -inf), 0.0, nextafter(1.0, -inf), 1.0)
_FALSE, _TRUE, _MISSING_TRUTH = range(3)


@dataclass(frozen=True, slots=True)
class Scale:
    """The cells of one feature that takes numbers. Cell i holds cuts[i-1] < x <= cuts[i]; the ends are open.

    Attributes:
        cuts: float64[k], ascending.
        bins: intp[k+1], the bin of each cell; empty for a feature without a baseline.
        missing_bin: that of a cell without a usable number.
        flags: uint8[k+1], of `BAD_TYPE`, numbers that the feature cannot have, `OUT_OF_RANGE` of the configuration, and
            `OUTLIER`, outside of the baseline's fences.
        levels: uint8[k+1], by which pairs are counted; empty for a feature that is in none.
    """

    cuts: NDArray[np.float64]
    bins: NDArray[np.intp]
    missing_bin: int
    flags: NDArray[np.uint8]
    levels: Levels

    @classmethod
    def of_numbers(cls, feature: FeatureBaseline | None, settings: FeatureSettings, levels: Levels | None) -> Self:
        """That of a numeric feature; `levels` are uint8[bins] as in an `Assessor`.

        >>> scale = Scale.of_numbers(None, FeatureSettings(minimum=0.0, maximum=1.0), None)
        >>> scale.cuts.tolist(), (scale.flags == OUT_OF_RANGE).tolist()
        ([-5e-324, 1.0], [True, False, True])
        """
        edges = np.array(feature.edges if feature else (), np.float64)
        summary = feature.numeric if feature else None
        ranges = [settings.minimum], [settings.maximum]
        fences = ([summary.fence_low], [summary.fence_high]) if summary else ([], [])
        low = [nextafter(bound, -inf) for bound in (*ranges[0], *fences[0]) if bound is not None and not isnan(bound)]
        high = [bound for bound in (*ranges[1], *fences[1]) if bound is not None and not isnan(bound)]
        cuts = distinct(np.concatenate([edges, low, high]))
        # Within a cell all numbers compare alike with every edge and bound, as its upper end does.
        uppers = np.append(cuts, inf)
        bins = ordinal_bins(uppers, edges) if feature else np.zeros(0, np.intp)
        return cls(
            cuts,
            bins,
            missing_bin=len(feature.bins) - 1 if feature else 0,
            flags=_flags(OUT_OF_RANGE, _outside(uppers, settings.minimum, settings.maximum))
            | _flags(OUTLIER, _outside(uppers, *(summary.fence_low, summary.fence_high) if summary else (None, None))),
            levels=np.zeros(0, np.uint8) if levels is None else levels[bins],
        )

    @classmethod
    def of_truths(cls, feature: FeatureBaseline | None) -> Self:
        """That of a boolean feature: 0 and 1 are its only numbers."""
        bins = np.array([_MISSING_TRUTH, _FALSE, _MISSING_TRUTH, _TRUE, _MISSING_TRUTH], np.intp)
        return cls(
            np.array(_BOOLEAN_CUTS),
            bins if feature else bins[:0],
            missing_bin=_MISSING_TRUTH,
            flags=_flags(BAD_TYPE, bins == _MISSING_TRUTH),
            levels=np.zeros(0, np.uint8),
        )


NO_SCALE: Final = Scale(
    cuts=np.zeros(0),
    bins=np.zeros(0, np.intp),
    missing_bin=0,
    flags=np.zeros(1, np.uint8),
    levels=np.zeros(0, np.uint8),
)
"""That of a feature of no known type: its numbers are finite or not."""


def ruler_of(
    scales: Sequence[Scale],
    *,
    starts: Sequence[int | None],
    levels: Sequence[int | None],
    rows: Sequence[int],
    width: int,
) -> Ruler:
    """The scales of features side by side.

    Args:
        scales: theirs.
        starts: where among all bins those of each begin; None for a feature without.
        levels: the row of each in a matrix of levels; None for one without.
        rows: the row of each in a matrix of quality.
        width: the place of cells without a bin.
    """
    size = max((len(scale.cuts) for scale in scales), default=0)
    cuts = np.full((len(scales), size), inf)
    shape = (len(scales), size + 2)
    places = np.full(shape, width, np.int64)
    flags = np.zeros(shape, np.uint8)
    levels_of = np.full(shape, NO_LEVEL, np.uint8)
    for row, (scale, start) in enumerate(zip(scales, starts, strict=True)):
        cells = len(scale.cuts) + 1
        cuts[row, : cells - 1] = scale.cuts
        flags[row, :cells] = scale.flags
        if start is not None and len(scale.bins):
            places[row, :cells] = start + scale.bins
            places[row, -1] = start + scale.missing_bin
        if len(scale.levels):
            levels_of[row, :cells] = scale.levels
    level_rows = np.array([-1 if level is None else level for level in levels], np.int64)
    return Ruler(cuts, places, flags, levels_of, level_rows, np.array(rows, np.int64))


def _flags(flag: int, told: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return told * np.uint8(flag)


def _outside(numbers: NDArray[np.float64], low: float | None, high: float | None) -> NDArray[np.bool_]:
    below = numbers < low if low is not None else np.zeros(len(numbers), np.bool_)
    return below | (numbers > high) if high is not None else below
