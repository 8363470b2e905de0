"""How a number's distribution has moved, as far as its bins can tell: the effect in words' units.

Each row stands at the baseline's mean of its bin. Rows that move within their bin are not seen, and rows beyond the
baseline's range stand at its ends, so a shift that is large against the bins comes out too small rather than too large.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Move:
    """How mean and spread of a number moved; NaN where they cannot be told.

    Attributes:
        shift: of the mean, in standard deviations of the baseline.
        error: standard error of `shift` from both sample sizes, taking rows for independent.
        spread: standard deviation over that of the baseline, both from bins; >= 0.
    """

    shift: float
    error: float
    spread: float


NO_MOVE = Move(np.nan, np.nan, np.nan)
"""Of a feature that is no number, or whose sides are not known."""


def move(baseline: Counts, window: Counts, positions: Floats, sd: float) -> Move:
    """How the counts `window` differ from `baseline`, int64[B] each, over bins on a scale.

    With shares p_k and q_k and positions x_k the shift is (sum p_k x_k - sum q_k x_k) / sd. With r = s_w / s_b, the
    ratio of the standard deviations of the binned rows, its standard error is sqrt(r^2 / n + 1 / m).

    Args:
        baseline: rows per bin.
        window: rows per bin.
        positions: float64[B], ascending, the baseline's mean in each bin.
        sd: the baseline's standard deviation.

    Returns:
        all NaN when either side has no rows, `sd` is 0 or not finite, or positions over it leave the range of floats;
        a `spread` of NaN when the baseline's rows are all in one bin, and then the error takes it for 1.

    >>> counts = np.array([100, 200, 100]), np.array([50, 200, 150])
    >>> moved = move(*counts, np.array([-1.0, 0.0, 1.0]), sd=0.5)
    >>> round(moved.shift, 3), round(moved.spread, 3)
    (0.5, 0.935)
    """
    m, n = int(baseline.sum()), int(window.sum())
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        x = positions / sd
    if not (m and n and 0 < sd < np.inf and np.isfinite(x).all()):
        return NO_MOVE
    (mean_before, spread_before), (mean_now, spread_now) = _moments(baseline, x), _moments(window, x)
    spread = spread_now / spread_before if spread_before > 0 else np.nan
    ratio = spread if spread_before > 0 else 1.0
    return Move(mean_now - mean_before, float(np.sqrt(ratio**2 / n + 1 / m)), spread)


def _moments(counts: Counts, x: Floats) -> tuple[float, float]:
    """Mean and standard deviation of rows at `x`."""
    shares = counts / counts.sum()
    mean = float(shares @ x)
    return mean, float(np.sqrt(shares @ (x - mean) ** 2))
