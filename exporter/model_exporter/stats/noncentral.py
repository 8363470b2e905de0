"""Quantiles of noncentral chi-squared without scipy."""

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.features import Floats
from model_exporter.stats.tails import chi2_quantile


def noncentral_chi2_quantile(degrees: NDArray[np.int64], noncentrality: Floats, tail: float) -> Floats:
    """About what noncentral chi-squared exceeds with probability `tail`, for each pair; 0 for no degrees of freedom.

    Sankaran's normal form: with r = d + l, X/r to the power h = 1 - 2 r (d + 3 l) / (3 (d + 2 l)^2) is nearly normal.
    It is multiplied by what it gets wrong at l = 0, to the power (d / (d + l))^2, because that error fades as l grows.
    So it is exact for l = 0; otherwise right to 1.6 % for tails from 0.3 to 0.005, to 4 % for one of 0.0005.

    Args:
        degrees: of freedom, d >= 0.
        noncentrality: l >= 0, finite, of the same shape: the sum of squared means.
        tail: 0 < tail < 1.

    Source: M. Sankaran, Approximations to the non-central chi-square distribution, Biometrika 50 (1963).

    >>> noncentral_chi2_quantile(np.array([9, 16]), np.array([0.0, 20.0]), 0.01).round(1).tolist()
    [21.7, 64.5]
    """
    score = -NormalDist().inv_cdf(tail)
    each, place = np.unique(np.maximum(degrees, 1), return_inverse=True)
    d = np.maximum(degrees, 1).astype(np.float64)
    central = np.array([_central(int(count), tail) for count in each.tolist()])[place.reshape(degrees.shape)]
    error = central / _sankaran(d, np.zeros_like(d), score)
    quantile = _sankaran(d, noncentrality, score) * error ** ((d / (d + noncentrality)) ** 2)
    return np.where(degrees > 0, quantile, 0.0)


@lru_cache(maxsize=4096)
def _central(degrees: int, tail: float) -> float:
    return chi2_quantile(degrees, tail)


def _sankaran(degrees: Floats, noncentrality: Floats, score: float) -> Floats:
    r = degrees + noncentrality
    double = degrees + 2 * noncentrality
    h = 1 - 2 * r * (degrees + 3 * noncentrality) / (3 * double**2)
    p = double / r**2
    m = (h - 1) * (1 - 3 * h)
    mean = 1 + h * p * (h - 1 - (2 - h) * m * p / 2)
    sd = h * np.sqrt(2 * p) * (1 + m * p / 2)
    quantile: Floats = r * np.maximum(mean + score * sd, 0.0) ** (1 / h)
    return quantile
