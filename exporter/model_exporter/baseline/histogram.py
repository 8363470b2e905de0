"""Small text histograms of baselines."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import MISSING, FeatureBaseline

BLOCKS: Final = " ▁▂▃▄▅▆▇█"
ASCII_BLOCKS: Final = " .:-=+*#@"
_TRIMMED: Final = 0.005
"""Share of the values at either end that a histogram of many distinct numbers leaves out, so that outliers do not
squeeze the rest into one bar."""


def text_histogram(shares: Sequence[float], *, blocks: str = BLOCKS) -> str:
    """One bar for each of `shares`, its height relative to the largest; only a share of 0 has no bar at all.

    >>> text_histogram([0.0, 0.001, 0.2, 0.4])
    ' ▁▄█'
    """
    top = max(shares, default=0.0)
    steps = len(blocks) - 1
    return "".join(blocks[max(round(share / top * steps), 1)] if share else blocks[0] for share in shares)


def bar_shares(feature: FeatureBaseline, width: int) -> list[float]:
    """Shares of a feature's rows for at most `width` bars; missing values left out, empty without other rows.

    Bins have a bar each. But bins of many distinct numbers are made to hold similar numbers of rows and would all look
    alike, so those become `width` stretches of equal length, over which each bin's rows are spread evenly.
    """
    shown = [count for bin_, count in zip(feature.bins, feature.counts, strict=True) if bin_ != MISSING]
    total = sum(shown)
    if not total:
        return []
    if feature.numeric is None:
        return [count / total for count in shown[:width]]
    inner = np.array(shown[1:-1]) / total
    if _is_discrete(feature):
        return [float(share) for share in inner[:width]]
    return _density(np.array([feature.numeric.minimum, *feature.edges[1:]]), inner, width)


def _is_discrete(feature: FeatureBaseline) -> bool:
    """Whether each inner bin holds one value only, which then is its mean and its upper edge."""
    return feature.numeric is not None and feature.numeric.positions[1:-1] == feature.edges[1:]


def _density(edges: NDArray[np.float64], shares: NDArray[np.float64], width: int) -> list[float]:
    """Shares of `width` stretches of equal length, from those between ascending finite `edges`."""
    half = edges / 2  # the whole of the floats' range is too long for a float
    length = half[-1] - half[0]
    if not length:  # less than the smallest float
        return [1.0]
    places, up_to = (half - half[0]) / length, np.concatenate([[0.0], np.cumsum(shares)])
    low, high = np.interp([_TRIMMED, 1 - _TRIMMED], up_to, places)
    bars: list[float] = np.diff(np.interp(np.linspace(low, high, width + 1), places, up_to)).tolist()
    return bars
