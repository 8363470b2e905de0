"""What a number means for its feature, worked out once: the line cut into cells within which nothing changes."""

from dataclasses import dataclass
from math import inf, isnan, nextafter
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import FeatureBaseline
from model_exporter.config.settings import FeatureSettings
from model_exporter.stats.bins import ordinal_bins
from model_exporter.stats.pairs import NO_LEVEL, Levels

BAD_TYPE, OUT_OF_RANGE, OUTLIERS = range(3)
"""Rows of `Ruler.flags`."""

_BOOLEAN_CUTS: Final = (nextafter(0.0, -inf), 0.0, nextafter(1.0, -inf), 1.0)
_FALSE, _TRUE, _MISSING_TRUTH = range(3)
_SMALL: Final = 256
"""Cells that a byte can number."""
_COMPARED_AT_ONCE: Final = 1 << 17
"""Results of comparisons that stay in the processor's cache until they are added up."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The cells of one feature that takes numbers. Cell i holds cuts[i-1] < x <= cuts[i]; the ends are open.

    Attributes:
        cuts: float64[k], ascending.
        bins: intp[k+1], the bin of each cell; empty for a feature without a baseline.
        missing_bin: that of a cell without a usable number.
        bad_type: bool[k+1], numbers that the feature cannot have.
        out_of_range: bool[k+1], outside what the configuration allows.
        outliers: bool[k+1], outside of the baseline's fences.
        levels: uint8[k+1], by which pairs are counted; empty for a feature that is in none.
    """

    cuts: NDArray[np.float64]
    bins: NDArray[np.intp]
    missing_bin: int
    bad_type: NDArray[np.bool_]
    out_of_range: NDArray[np.bool_]
    outliers: NDArray[np.bool_]
    levels: Levels

    @classmethod
    def of_numbers(cls, feature: FeatureBaseline | None, settings: FeatureSettings, levels: Levels | None) -> Self:
        """That of a numeric feature; `levels` are uint8[bins] as in an `Assessor`.

        >>> scale = Scale.of_numbers(None, FeatureSettings(minimum=0.0, maximum=1.0), None)
        >>> scale.cuts.tolist(), scale.out_of_range.tolist()
        ([-5e-324, 1.0], [True, False, True])
        """
        edges = np.array(feature.edges if feature else (), np.float64)
        summary = feature.numeric if feature else None
        ranges = [settings.minimum], [settings.maximum]
        fences = ([summary.fence_low], [summary.fence_high]) if summary else ([], [])
        low = [nextafter(bound, -inf) for bound in (*ranges[0], *fences[0]) if bound is not None and not isnan(bound)]
        high = [bound for bound in (*ranges[1], *fences[1]) if bound is not None and not isnan(bound)]
        cuts = np.unique(np.concatenate([edges, low, high]))
        # Within a cell all numbers compare alike with every edge and bound, as its upper end does.
        uppers = np.append(cuts, inf)
        bins = ordinal_bins(uppers, edges) if feature else np.zeros(0, np.intp)
        return cls(
            cuts,
            bins,
            missing_bin=len(feature.bins) - 1 if feature else 0,
            bad_type=np.zeros(len(uppers), np.bool_),
            out_of_range=_outside(uppers, settings.minimum, settings.maximum),
            outliers=_outside(uppers, *(summary.fence_low, summary.fence_high) if summary else (None, None)),
            levels=np.zeros(0, np.uint8) if levels is None else levels[bins],
        )

    @classmethod
    def of_truths(cls, feature: FeatureBaseline | None) -> Self:
        """That of a boolean feature: 0 and 1 are its only numbers."""
        nothing = np.zeros(len(_BOOLEAN_CUTS) + 1, np.bool_)
        bins = np.array([_MISSING_TRUTH, _FALSE, _MISSING_TRUTH, _TRUE, _MISSING_TRUTH], np.intp)
        return cls(
            np.array(_BOOLEAN_CUTS),
            bins if feature else bins[:0],
            missing_bin=_MISSING_TRUTH,
            bad_type=bins == _MISSING_TRUTH,
            out_of_range=nothing,
            outliers=nothing,
            levels=np.zeros(0, np.uint8),
        )


@dataclass(frozen=True, slots=True)
class Ruler:
    """The scales of F features side by side, each padded to K cuts: K + 2 cells, the last for what is no number.

    Attributes:
        cuts: float64[K, F, 1], padded with infinity.
        first: intp[F, 1], the number of each feature's first cell.
        places: intp[F * (K + 2)], the flat bin of each cell; the number of bins for those that have none.
        flags: bool[3, F, K+2], which cells are `BAD_TYPE`, `OUT_OF_RANGE` and `OUTLIERS`, as in `Scale`.
        levels: uint8[F * (K + 2)].
    """

    cuts: NDArray[np.float64]
    first: NDArray[np.intp]
    places: NDArray[np.intp]
    flags: NDArray[np.bool_]
    levels: Levels

    @classmethod
    def of(cls, scales: list[Scale], starts: list[int | None], width: int) -> Self:
        """The scales of features whose bins begin at `starts` of `width` flat bins; None for a feature without."""
        size = max((len(scale.cuts) for scale in scales), default=0)
        cuts = np.full((size, len(scales), 1), inf)
        shape = (len(scales), size + 2)
        places = np.full(shape, width, np.intp)
        flags = np.zeros((3, *shape), np.bool_)
        levels = np.full(shape, NO_LEVEL, np.uint8)
        for row, (scale, start) in enumerate(zip(scales, starts, strict=True)):
            cells = len(scale.cuts) + 1
            cuts[: cells - 1, row, 0] = scale.cuts
            flags[BAD_TYPE, row, :cells] = scale.bad_type
            flags[OUT_OF_RANGE, row, :cells] = scale.out_of_range
            flags[OUTLIERS, row, :cells] = scale.outliers
            if start is not None and len(scale.bins):
                places[row, :cells] = start + scale.bins
                places[row, -1] = start + scale.missing_bin
            if len(scale.levels):
                levels[row, :cells] = scale.levels
        first = np.arange(len(scales), dtype=np.intp)[:, None] * (size + 2)
        return cls(cuts, first, places.ravel(), flags, levels.ravel())

    @property
    def cells(self) -> int:
        """K + 2."""
        return len(self.cuts) + 2

    def read(self, numbers: NDArray[np.float64], usable: NDArray[np.bool_] | None) -> NDArray[np.intp]:
        """The cell of each of `numbers` float64[F, n], intp[F, n], from 0 to F (K + 2).

        `usable` bool[F, n] are those that are finite; None when all are.
        """
        features, rows = numbers.shape
        cell = np.empty((features, rows), np.uint8 if self.cells <= _SMALL else np.intp)
        step = max(1, _COMPARED_AT_ONCE // max(1, len(self.cuts) * rows))
        for start in range(0, features, step):
            some = slice(start, start + step)
            above = np.greater(numbers[some], self.cuts[:, some])
            np.add.reduce(above.view(np.uint8), axis=0, dtype=cell.dtype, out=cell[some])
        if usable is not None:
            cell[~usable] = self.cells - 1
        return cell + self.first


def _outside(numbers: NDArray[np.float64], low: float | None, high: float | None) -> NDArray[np.bool_]:
    below = numbers < low if low is not None else np.zeros(len(numbers), np.bool_)
    return below | (numbers > high) if high is not None else below
