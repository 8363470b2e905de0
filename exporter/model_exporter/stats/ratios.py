"""The ratio of two sums over the same rows, with its bounds."""

from math import sqrt
from typing import Final, NamedTuple

from model_exporter.stats.intervals import CONFIDENCE, Interval, normal_quantile
from model_exporter.stats.tally import effective_rows

LEAST_DENOMINATOR: Final = 4.0
"""Standard errors that the sum below the line must be away from 0: the delta method takes it for nearly certain."""


class RatioSums(NamedTuple):
    """Sums over rows of weight w with the terms x and y: of w, w x, w y, w x^2, w x y, w y^2 and w^2."""

    weight: float
    of: float
    to: float
    of_of: float
    of_to: float
    to_to: float
    squares: float

    @property
    def rows(self) -> float:
        """Effective number of rows."""
        return effective_rows(self.weight, self.squares)


def ratio_error(sums: RatioSums) -> float | None:
    """Standard error of sum x / sum y among independent rows, by the delta method.

    The error of the mean of x - R y, divided by the mean of y. None from one row, and while the sum of y may be nothing
    (see `LEAST_DENOMINATOR`).

    >>> round(ratio_error(RatioSums(100, 30, 100, 30, 30, 100, 100)), 4)
    0.0461
    """
    n = sums.rows
    if n <= 1 or not sums.to:
        return None
    mean = sums.to / sums.weight
    if abs(mean) <= LEAST_DENOMINATOR * sqrt(max(sums.to_to / sums.weight - mean * mean, 0.0) / (n - 1)):
        return None
    ratio = sums.of / sums.to
    residual = (sums.of_of - 2 * ratio * sums.of_to + ratio * ratio * sums.to_to) / sums.weight
    return sqrt(max(residual, 0.0) / (n - 1)) / abs(mean)


def ratio_interval(sums: RatioSums, confidence: float = CONFIDENCE) -> Interval | None:
    """Interval of sum x / sum y; None where it has no error.

    >>> [round(end, 3) for end in ratio_interval(RatioSums(100, 30, 100, 30, 30, 100, 100))]
    [0.21, 0.39]
    """
    error = ratio_error(sums)
    if error is None:
        return None
    reach = normal_quantile(confidence) * error
    return Interval(sums.of / sums.to - reach, sums.of / sums.to + reach)
