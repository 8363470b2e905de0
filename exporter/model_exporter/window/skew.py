"""What is made of the times that records tell: a wrong clock must not bend a window."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FUTURE_SECONDS: Final = 60.0
"""A record this far ahead of the exporter's clock has a wrong clock."""
PAST_SECONDS: Final = 600.0
"""A record this far behind was delayed, or has a wrong clock."""


def skewed_rows(times: NDArray[np.float64], now: float) -> tuple[int, int]:
    """How many of `times`, float64[n] unix seconds or NaN, are too far ahead of `now`, and too far behind."""
    # Comparisons with NaN, a record without a time, are False.
    ahead, behind = times > now + FUTURE_SECONDS, times < now - PAST_SECONDS
    return int(np.count_nonzero(ahead)), int(np.count_nonzero(behind))


def made_at(times: NDArray[np.float64], now: float) -> NDArray[np.float64]:
    """When predictions were made: when their records say, never later than `now`, and `now` where that cannot be right.

    >>> made_at(np.array([995.0, 1030.0, 9000.0, 5.0, np.nan]), 1000.0).tolist()
    [995.0, 1000.0, 1000.0, 1000.0, 1000.0]
    """
    credible = times >= now - PAST_SECONDS
    return np.where(credible, np.fmin(times, now), now)
