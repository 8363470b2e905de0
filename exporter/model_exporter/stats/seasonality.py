"""Whether the hours of a day (or of a week) have laws of their own."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.tails import chi2_quantile

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

FALSE_SEASON: Final = 0.01
"""Chance to see seasons where there are none. They do no harm there but for smaller baselines."""

_ROUNDING: Final = 1e-12
"""Variance of a score that is constant but for rounding, and tells nothing."""


def seasons_differ(
    table: Counts, expected: Floats, scores: Floats, *, degrees: int, phi: float, tail: float = FALSE_SEASON
) -> bool:
    """Whether the seasons' counts differ from what is expected without (or with coarser) seasons.

    Compared are, with x the counts, E the expected ones and n_s the predictions of season s,

        the whole:     sum_sk (x_sk - E_sk)^2 / E_sk,             chi-squared with `degrees` (B-1) degrees of freedom,
        each score h:  sum_s (sum_k h_k (x_sk - E_sk))^2 / n_s,   in units of its variance, with `degrees`.

    The first sees any difference; the others see a wave of the mean, or of the spread, ten times as well.

    Args:
        table: int64[S, B], counts by season and bin.
        expected: float64[S, B].
        scores: float64[H, B].
        degrees: seasons that are free to differ, such as S - 1.
        phi: variance of counts over that of independent predictions, by which the statistics are divided.
        tail: chance of a false yes.

    >>> table = np.array([[600, 400], [400, 600]])
    >>> seasons_differ(table, np.full((2, 2), 500.0), np.array([[1.0, -1.0]]), degrees=1, phi=1.0)
    True
    >>> seasons_differ(table, np.full((2, 2), 500.0), np.array([[1.0, -1.0]]), degrees=1, phi=20.0)
    False
    """
    rows, occupied = table.sum(axis=1), int(np.count_nonzero(table.sum(axis=0)))
    if degrees < 1 or occupied < 2:  # noqa: PLR2004  # one bin cannot differ
        return False
    share = tail / (1 + len(scores))
    gaps = table - expected
    whole = np.divide(gaps**2, expected, out=np.zeros_like(gaps), where=expected > 0).sum()
    if whole / phi > _limit(degrees * (occupied - 1), share):
        return True
    p = table.sum(axis=0) / rows.sum()
    variance = scores**2 @ p - (scores @ p) ** 2
    by_score = np.divide(
        (gaps @ scores.T) ** 2, rows[:, None], out=np.zeros((len(table), len(scores))), where=rows[:, None] > 0
    ).sum(axis=0)
    units = np.where(variance > _ROUNDING, variance, np.inf)
    return bool((by_score / units / phi > _limit(degrees, share)).any())


@lru_cache(maxsize=1024)
def _limit(degrees: int, tail: float) -> float:
    """What chi-squared exceeds by chance. The features of a model ask for the same few values."""
    return chi2_quantile(degrees, tail)
