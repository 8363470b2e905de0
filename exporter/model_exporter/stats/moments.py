"""The part of a tally that tells of means: sums of powers of numbers."""

from typing import Final

import numpy as np

from model_exporter.stats.intervals import Interval, Moments, clipped, mean_interval
from model_exporter.stats.measure import MIN_MEAN_ROWS, Measure
from model_exporter.stats.tally import Entries, Flags, Floats

LARGEST: Final = 1e45
"""Numbers beyond count as this, so that no sum of sixth powers overflows."""


class MeanSums:
    """Columns for the mean of one number a row: sums of w, w^2, w x, w x^2, w x^3."""

    width: Final = 5

    def enter(self, entries: Entries, offset: int, numbers: Floats, weights: Floats, where: Flags) -> None:
        """Put `numbers`, float64[n], of the rows `where` says in the columns from `offset` on; NaN is left out."""
        kept = where & ~np.isnan(numbers)
        x, w = bounded(numbers[kept]), weights[kept]
        first = w * x
        second = first * x
        entries.add_columns(kept, offset, (w, w * w, first, second, second * x))

    def measure(
        self, metric: str, sums: Floats, label: str = "", *, bounds: tuple[float, float], scale: float = 1.0
    ) -> Measure | None:
        """The mean times `scale`, which lies within `bounds`; None below 100 rows.

        Args:
            metric: its name.
            sums: float64[5].
            label: of the measure.
            bounds: what the mean can be, before scaling.
            scale: > 0.
        """
        moments = Moments(*sums.tolist())
        if moments.rows < MIN_MEAN_ROWS:
            return None
        lower, upper = clipped(mean_interval(moments), *bounds)
        value = min(max(moments.mean, bounds[0]), bounds[1])
        interval = Interval(min(lower, value) * scale, max(upper, value) * scale)
        return Measure(metric, value * scale, *interval, moments.rows, label)


def bounded(numbers: Floats) -> Floats:
    """`numbers` cut to what sums of sixth powers can hold."""
    return np.clip(numbers, -LARGEST, LARGEST)
