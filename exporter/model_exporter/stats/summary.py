"""Moments and fences of numbers in ascending order, right up to the ends of the floats' range."""

import sys

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.bins import observed_quantile

_LARGEST = sys.float_info.max


def mean_and_sd(ordered: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation (with n-1; 0 for equal values) of finite values, at least one.

    The values are scaled by a power of two first, which is exact and keeps sums and squares from overflowing. A
    deviation beyond the largest float is cut to it.

    >>> mean_and_sd(np.array([1.0, 2.0, 3.0]))
    (2.0, 1.0)
    >>> mean_and_sd(np.array([1e308, 1.5e308]))
    (1.25e+308, 3.535533905932738e+307)
    """
    low, high = float(ordered[0]), float(ordered[-1])
    if low == high:
        return low, 0.0
    scaled, exponent = _scaled(ordered)
    mean, sd = _unscaled(np.array([scaled.mean(), scaled.std(ddof=1)]), exponent)
    return float(np.clip(mean, low, high)), float(min(sd, _LARGEST))


def outlier_fences(ordered: NDArray[np.float64]) -> tuple[float, float]:
    """The lowest and the highest number that is not an outlier, from at least one finite value.

    Three interquartile ranges beyond the quartiles (J. W. Tukey's outer fences, Exploratory Data Analysis, 1977).
    When more than half of the values are equal that range is 0, and three times the span from the 0.5 % to the
    99.5 % quantile beyond these quantiles takes its place; when that is 0 too, the fences are the smallest and the
    largest value. Always finite.

    >>> outlier_fences(np.arange(1.0, 101.0))
    (-125.0, 225.0)
    >>> outlier_fences(np.array([0.0] * 90 + [1.0] * 10))
    (-3.0, 4.0)
    >>> outlier_fences(np.array([0.0] * 999 + [1.0]))
    (0.0, 1.0)
    """
    for share in (0.25, 0.005):
        low, high = observed_quantile(ordered, share), observed_quantile(ordered, 1 - share)
        if low < high:
            reach = 3 * (high - low)
            return max(low - reach, -_LARGEST), min(high + reach, _LARGEST)
    return float(ordered[0]), float(ordered[-1])


def group_means(ordered: NDArray[np.float64], bounds: NDArray[np.intp]) -> NDArray[np.float64]:
    """Means of `ordered[bounds[i]:bounds[i+1]]`, none of them empty; they do not fall.

    >>> group_means(np.array([1.0, 2.0, 6.0]), np.array([0, 1, 3])).tolist()
    [1.0, 4.0]
    """
    scaled, exponent = _scaled(ordered)
    means = _unscaled(np.add.reduceat(scaled, bounds[:-1]) / np.diff(bounds), exponent)
    # Rounding may carry a mean of equal values past them.
    return np.clip(means, ordered[bounds[:-1]], ordered[bounds[1:] - 1])


def _scaled(ordered: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Values within -1 to 1 and the exponent of the power of two that they were divided by."""
    _, exponent = np.frexp(max(abs(ordered[0]), abs(ordered[-1])))
    return np.ldexp(ordered, -exponent), int(exponent)


def _unscaled(values: NDArray[np.float64], exponent: int) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # rounding can carry a value past the largest float; the callers cut it
        return np.ldexp(values, exponent)
