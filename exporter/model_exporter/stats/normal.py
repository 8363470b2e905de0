"""The standard normal law over arrays, without scipy: it would double the memory of the serving process."""

import math
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NORMAL: Final = NormalDist()


def normal_share(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(Z <= x) of a standard normal Z, for each of `x` in its shape; infinities give 0 and 1.

    >>> normal_share(np.array([-np.inf, 0.0, 1.96])).round(3).tolist()
    [0.0, 0.5, 0.975]
    """
    flat = [0.5 * math.erfc(-math.sqrt(0.5) * value) for value in x.ravel().tolist()]
    return np.array(flat, np.float64).reshape(x.shape)


def normal_score(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The x with P(Z <= x) equal to each of `shares`, in their shape; -inf from 0 down and inf from 1 up.

    >>> normal_score(np.array([0.0, 0.5, 0.975, 1.0])).round(2).tolist()
    [-inf, 0.0, 1.96, inf]
    """
    flat = [_score(share) for share in shares.ravel().tolist()]
    return np.array(flat, np.float64).reshape(shares.shape)


def _score(share: float) -> float:
    if share <= 0:
        return -math.inf
    return math.inf if share >= 1 else _NORMAL.inv_cdf(share)
