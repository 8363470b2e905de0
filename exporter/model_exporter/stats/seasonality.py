"""Whether the hours of a day (or of a week) have laws of their own, and how far these are from their mean."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.tails import chi2_quantile

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

FALSE_SEASON: Final = 0.01
"""Chance to see seasons where there are none. They do no harm there but for smaller baselines."""

FALSE_WAVE: Final = 0.01
"""Chance that the whole law of an hour adds to a wave where there is none."""
LONGEST_HOURS: Final = 6.0
"""Hours of a group up to which it is known how much it flattens a daily wave: beyond, the wave could be any."""

_RARE: Final = 0.005
"""Share of a bin below which it is put together with the other rare ones, or left out if they all are rarer still: one
burst of a rare value is no wave."""
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


def wave_height(table: Counts, scores: Floats, hours: Floats, *, phi: float) -> float:
    """The largest chi-squared divergence of an hour's law from that of all rows, >= 0; d^2 for a mean that moves by d.

    With the shares x_sk / n_s of hour s and p_k of all rows, the gap g_k between them has the divergence
    sum_k g_k^2 / p_k, of which noise makes phi (1/n_s - 1/N) for each degree of freedom. It is looked at twice:

        what the scores see:  v' C^-1 v with v_h = sum_k h_k g_k and C the scores' covariance, less its noise;
        the whole law:        less what noise exceeds in `FALSE_WAVE` of all tables.

    The scores have few degrees of freedom, so little noise that must be taken away. Of the whole law only what is
    certain counts, or twenty bins of noise would look like a wave. The larger of both, of the largest hour, is the
    wave.

    Its error. A baseline of a day has seen each hour once, so whatever moved within the day, be it the hour or chance
    that lasted as long, is in the hour's law and counts as wave: the most cautious reading. What dependence within
    the hour adds to the noise is in phi, which therefore has to be measured within the hours. The largest of many
    hours is too large rather than too small: without a wave by about 2 phi log(S) / n, with one by the error of the
    luckiest of the hours next to its top and its bottom. In the mean of a group of w hours a sine is flatter, at worst
    (a group border at the top) by sin(y)/y with y = pi w / 12; the wave is made higher by the square of that.

    Args:
        table: int64[S, B], counts by hour (or group of hours) and bin; hours without rows tell nothing.
        scores: float64[H, B].
        hours: float64[S], hours from the first to the last of each group; more than `LONGEST_HOURS` count as that.
        phi: variance of counts within the hours over that of independent predictions.

    >>> table = np.array([[600, 400], [400, 600]])
    >>> round(wave_height(table, np.array([[1.0, -1.0]]), np.ones(2), phi=1.0), 3)  # 0.04 - 1/2000, times 1.023
    0.04
    """
    table, hours = table[table.sum(axis=1) > 0], hours[table.sum(axis=1) > 0]
    rows = table.sum(axis=1)
    if len(rows) < 2 or np.count_nonzero(table.sum(axis=0)) < 2:  # noqa: PLR2004  # one hour, or one bin, cannot differ
        return 0.0
    p = table.sum(axis=0) / rows.sum()
    gaps = table / rows[:, None] - p
    noise = phi * (1 / rows - 1 / rows.sum())
    common = p >= _RARE
    pooled = np.column_stack([gaps[:, common], gaps[:, ~common].sum(axis=1)])
    shares = np.append(p[common], p[~common].sum())
    kept = shares >= _RARE
    degrees = int(np.count_nonzero(kept)) - 1
    whole = (pooled[:, kept] ** 2 / shares[kept]).sum(axis=1)
    heights = whole - noise * (_limit(degrees, FALSE_WAVE / len(rows)) if degrees > 0 else np.inf)
    variances, axes = np.linalg.eigh((scores * p) @ scores.T - np.outer(scores @ p, scores @ p))
    real = variances > _ROUNDING
    seen = ((gaps @ scores.T @ axes[:, real]) ** 2 / variances[real]).sum(axis=1)
    angle = np.pi * np.minimum(hours, LONGEST_HOURS) / 12
    heights = np.maximum(heights, seen - noise * np.count_nonzero(real)) * (angle / np.sin(angle)) ** 2
    return max(float(heights.max()), 0.0)


@lru_cache(maxsize=1024)
def _limit(degrees: int, tail: float) -> float:
    """What chi-squared exceeds by chance. The features of a model ask for the same few values."""
    return chi2_quantile(degrees, tail)
