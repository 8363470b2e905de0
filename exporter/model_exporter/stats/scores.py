"""What a bin says of location and scale: scores of ordered bins, as if the feature were normal."""

import numpy as np

from model_exporter.stats.features import Floats, Indices, totals
from model_exporter.stats.normal import normal_score


def location_and_scale(p: Floats, starts: Indices) -> tuple[Floats, Floats]:
    """Scores of location and of scale for the bins of F ordered features, float64[B] each.

    With z_k the normal quantile of the middle of bin k's mass, the location score is z standardised under p, and the
    scale score is what z^2 has beyond it, standardised too: both have mean 0 and standard deviation 1 under p and are
    not correlated. Zeros where there is nothing to tell apart: a location needs two bins with mass, a scale three.

    Args:
        p: float64[B] >= 0, flat; the shares of each feature sum to 1.
        starts: intp[F+1]; every feature has a bin.

    >>> location, scale = location_and_scale(np.array([0.25, 0.5, 0.25]), np.array([0, 3]))
    >>> location.round(2).tolist(), scale.round(2).tolist()
    ([-1.41, 0.0, 1.41], [1.0, -1.0, 1.0])
    """
    if not len(p):
        return np.zeros(0), np.zeros(0)
    owner = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    cumulated = np.cumsum(p)
    before = np.concatenate([[0.0], cumulated])[starts[:-1]]
    middle = np.clip(cumulated - before[owner] - p / 2, 0.0, 1.0)
    z = np.where(p > 0, normal_score(middle), 0.0)
    z[~np.isfinite(z)] = 0.0
    location = _standardised(z, p, owner)
    square = location**2
    overlap = totals(owner, p * square * location, len(starts) - 1)
    return location, _standardised(square - overlap[owner] * location, p, owner)


def _standardised(values: Floats, p: Floats, owner: Indices) -> Floats:
    size = int(owner[-1]) + 1
    centred = values - totals(owner, p * values, size)[owner]
    variance = totals(owner, p * centred**2, size)[owner]
    # Below this the spread is rounding.
    spread = variance > 1e-12  # noqa: PLR2004  # of values of the order of 1
    return np.where(spread & (p > 0), centred / np.sqrt(np.where(spread, variance, 1.0)), 0.0)
