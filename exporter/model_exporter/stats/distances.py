"""How far a window's bin counts are from the baseline's, for all features at once.

All functions take ragged flat arrays. With F features and B bins in all, `baseline` and `window` are int64[B] counts
and `starts` is int64[F+1], from 0 to B: the bins of feature f are `flat[starts[f]:starts[f+1]]`. They return one value
a feature, float64[F], NaN where the distance is not defined because either side has no rows. No minimum sample is
asked for: a caller who shows the values applies one.

In the formulas n and m are the rows of a feature in the window and in the baseline, w_k and b_k its counts in bin k,
p_k = w_k / n and q_k = b_k / m its shares.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_Summand = TypeVar("_Summand", np.int64, np.float64)


def observations(window: Counts, starts: Counts) -> Counts:
    """Rows in the bins of each feature, int64[F].

    >>> observations(np.array([1, 2, 3, 4]), np.array([0, 3, 4])).tolist()
    [6, 4]
    """
    return _sums(window, starts)


def occupied_bins(baseline: Counts, window: Counts, starts: Counts) -> Counts:
    """Bins of each feature that hold a row of the baseline or of the window, int64[F].

    >>> occupied_bins(np.array([1, 0, 0]), np.array([4, 2, 0]), np.array([0, 3])).tolist()
    [2]
    """
    return _sums(((baseline > 0) | (window > 0)).astype(np.int64), starts)


def psi(baseline: Counts, window: Counts, starts: Counts) -> Floats:
    """Population stability index: >= 0, unbounded, nats, float64[F].

    PSI = sum_k (p_k - q_k) ln(p_k / q_k), the symmetrised Kullback-Leibler divergence, with the smoothed shares
    p_k = (w_k + 1/2) / (n + B/2) and q_k = (b_k + 1/2) / (m + B/2). B counts the bins that are occupied on either
    side; a bin that is empty on both says nothing of a difference and is left out.

    Without drift PSI is distributed as (1/n + 1/m) times chi-squared with B-1 degrees of freedom, so its mean is
    (1/n + 1/m)(B - 1) and not 0: see `model_exporter.stats.limits`. A mean shift of d standard deviations has a PSI
    of about d squared.

    Sources: B. Yurdakul, Statistical Properties of Population Stability Index, Western Michigan University 2018 (the
    null law); the 1/2 is the posterior mean under the Jeffreys prior of a multinomial (H. Jeffreys 1946), which unlike
    a small constant in empty bins keeps the mean right from about 300 rows on.

    >>> psi(np.array([50, 50]), np.array([50, 50]), np.array([0, 2])).round(4).tolist()
    [0.0]
    >>> psi(np.array([500, 500, 0]), np.array([600, 400, 0]), np.array([0, 3])).round(4).tolist()
    [0.0405]
    >>> psi(np.array([500, 500]), np.array([0, 0]), np.array([0, 2])).tolist()
    [nan]
    """
    n, m = _sums(window, starts), _sums(baseline, starts)
    return np.where((n > 0) & (m > 0), _sums(psi_terms(baseline, window, starts), starts), np.nan)


def psi_terms(baseline: Counts, window: Counts, starts: Counts) -> Floats:
    """What each bin adds to its feature's PSI: >= 0, float64[B]; 0 for a bin that is empty on both sides.

    (p_k - q_k) ln(p_k / q_k) with the smoothed shares of `psi`, so that a feature's terms sum to its PSI; NaN for a
    feature without any row.

    >>> psi_terms(np.array([500, 300, 200]), np.array([600, 300, 100]), np.array([0, 3])).round(3).tolist()
    [0.018, 0.0, 0.069]
    """
    sizes = np.diff(starts)
    half = occupied_bins(baseline, window, starts) / 2
    with np.errstate(divide="ignore", invalid="ignore"):  # a feature without any row divides by 0
        p = (window + 0.5) / np.repeat(_sums(window, starts) + half, sizes)
        q = (baseline + 0.5) / np.repeat(_sums(baseline, starts) + half, sizes)
        return np.where((baseline > 0) | (window > 0), (p - q) * np.log(p / q), 0.0)


def js_distance(baseline: Counts, window: Counts, starts: Counts) -> Floats:
    """Jensen-Shannon distance: 0 to sqrt(ln 2) = 0.8326, float64[F].

    The square root of JS = KL(p || r)/2 + KL(q || r)/2 with r = (p + q)/2, in nats, from unsmoothed shares; the same
    as `scipy.spatial.distance.jensenshannon`. A metric. Without drift about sqrt((1/n + 1/m) chi2_{B-1} / 8).

    With u_k = (p_k - q_k) / (p_k + q_k) a bin's part of JS is (p_k + q_k)/4 times
    (1 + u) ln(1 + u) + (1 - u) ln(1 - u), which, unlike the textbook form, loses no digits when p and q are close.

    Source: D. M. Endres and J. E. Schindelin, A new metric for probability distributions, IEEE Trans. Inf. Theory
    49 (2003).

    >>> js_distance(np.array([500, 500, 9, 0]), np.array([600, 400, 0, 7]), np.array([0, 2, 4])).round(4).tolist()
    [0.0711, 0.8326]
    """
    n, m = _sums(window, starts), _sums(baseline, starts)
    p, q = _shares(window, n, starts), _shares(baseline, m, starts)
    total = p + q
    u = np.divide(p - q, total, out=np.zeros_like(total), where=total != 0)
    terms = total / 4 * (_x_log_x(u) + _x_log_x(-u))
    return np.where((n > 0) & (m > 0), np.sqrt(np.maximum(_sums(terms, starts), 0.0)), np.nan)


def ks_distance(baseline: Counts, window: Counts, starts: Counts, ordinal: Flags) -> Floats:
    """Kolmogorov-Smirnov distance on the bins: 0 to 1, float64[F].

    KS = max_k |P_k - Q_k| with the cumulated shares P and Q. Only bins under the mask `ordinal`, bool[B], take part:
    those that lie on a scale. Shares are over these bins, so missing values do not count; NaN for a feature without
    such bins. At most the distance of the raw values, which bins cannot see within themselves.

    Source: N. Smirnov, Table for estimating the goodness of fit of empirical distributions, Ann. Math. Statist. 19
    (1948).

    >>> scale = np.array([True, True, True, False])
    >>> ks_distance(np.array([5, 5, 0, 7]), np.array([0, 5, 5, 0]), np.array([0, 4]), scale).tolist()
    [0.5]
    """
    inner = _starts_within(ordinal, starts)
    gaps = np.abs(_cumulated_gaps(baseline[ordinal], window[ordinal], inner))
    distances = np.full(len(starts) - 1, np.nan)
    filled = inner[1:] > inner[:-1]
    distances[filled] = np.maximum.reduceat(gaps, inner[:-1][filled])
    return distances


def wasserstein_ratio(  # noqa: PLR0917  # four of them describe the bins and go together in every call
    baseline: Counts, window: Counts, starts: Counts, ordinal: Flags, positions: Floats, sd: Floats
) -> Floats:
    """Wasserstein distance in standard deviations of the baseline: >= 0, unbounded, float64[F].

    W1 / sd with W1 = sum_k |P_k - Q_k| (x_{k+1} - x_k): the mean way that the window's rows must travel to lie like
    the baseline's, when all rows of bin k stand at its position x_k. A mean shift of d standard deviations gives d.
    Rows that travel within their bin do not count, and rows in an open end stand at the baseline's minimum or
    maximum, so for values far outside of the baseline's range this is a lower bound.

    Args:
        baseline: counts.
        window: counts.
        starts: where each feature's bins begin.
        ordinal: bool[B], as for `ks_distance`.
        positions: float64[B], the baseline's mean in each ordinal bin; they do not fall within a feature.
        sd: float64[F], standard deviations; the ratio is NaN where it is 0 or not finite.

    Source: L. N. Vaserstein (Wasserstein) 1969; the form on a line: S. S. Vallender, Theory Probab. Appl. 18 (1974).

    >>> flags = np.array([True, True, True])
    >>> x = np.array([-1.0, 0.0, 3.0])
    >>> sd = np.array([0.5])
    >>> wasserstein_ratio(np.array([4, 4, 0]), np.array([4, 0, 4]), np.array([0, 3]), flags, x, sd).tolist()
    [3.0]
    """
    inner = _starts_within(ordinal, starts)
    gaps = np.abs(_cumulated_gaps(baseline[ordinal], window[ordinal], inner))
    # Half of each length, because the whole of the floats' range is too long for a float.
    steps = np.diff(positions[ordinal] / 2, append=0.0)
    steps[inner[1:][inner[1:] > inner[:-1]] - 1] = 0.0  # from a feature's last bin leads no way to the next feature
    half_sd = sd / 2
    usable = (half_sd > 0) & np.isfinite(half_sd) & (inner[1:] > inner[:-1])
    return _quotient(_sums(gaps * steps, inner), half_sd, where=usable)


def _sums(values: NDArray[_Summand], starts: Counts) -> NDArray[_Summand]:
    """Sum of each feature's values; 0 for a feature without bins, for which `reduceat` alone would be wrong."""
    sums = np.zeros(len(starts) - 1, values.dtype)
    filled = starts[1:] > starts[:-1]
    sums[filled] = np.add.reduceat(values, starts[:-1][filled])
    return sums


def _shares(counts: Counts, rows: Counts, starts: Counts) -> Floats:
    """Counts over their feature's rows; 0 without rows."""
    shares: Floats = counts / np.repeat(np.maximum(rows, 1), np.diff(starts))
    return shares


def _quotient(over: Counts | Floats, under: Counts | Floats, *, where: Flags) -> Floats:
    """`over / under`, NaN outside of `where`."""
    quotient = np.full(len(over), np.nan)
    np.divide(over, under, out=quotient, where=where)
    return quotient


def _x_log_x(u: Floats) -> Floats:
    """(1 + u) ln(1 + u) for u >= -1; 0 at -1."""
    logs = np.log1p(u, out=np.zeros_like(u), where=u > -1)
    return (1 + u) * logs


def _starts_within(mask: Flags, starts: Counts) -> Counts:
    """Where each feature's bins begin once only those under `mask` are kept."""
    kept = np.zeros(len(mask) + 1, np.int64)
    np.cumsum(mask, out=kept[1:])
    return kept[starts]


def _cumulated_gaps(baseline: Counts, window: Counts, starts: Counts) -> Floats:
    """P_k - Q_k, float64[B]; NaN where a side has no rows."""
    return _cumulated_shares(window, starts) - _cumulated_shares(baseline, starts)


def _cumulated_shares(counts: Counts, starts: Counts) -> Floats:
    """Cumulated over all features in whole numbers, so that no digit is lost when the features before are taken off."""
    running = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=running[1:])
    sizes = np.diff(starts)
    rows = np.repeat(running[starts[1:]] - running[starts[:-1]], sizes)
    within = running[1:] - np.repeat(running[starts[:-1]], sizes)
    return _quotient(within, rows, where=rows > 0)
