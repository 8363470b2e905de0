"""The changes that a feature's evidence bets on, and what each bet pays for a prediction in each bin.

A bet on an alternative law q against the baseline p multiplies its stake by a factor L_k for a prediction in bin k.
Its mean is at most 1 as long as the traffic is within the allowance, so the stake grows only when it is not.

With g = q/p - 1, s = sqrt(sum p g^2) and h = g/s (mean 0 and standard deviation 1 under p) the factor is
L_k = 1 + lambda (h_k - delta). Its mean under the law P of the traffic is at most 1 if the mean of h under P is at most
delta, and that mean is at most the square root of the chi-squared divergence of P from p (Cauchy and Schwarz). So
delta = sqrt(tolerance) + z/sqrt(m) + z^2 max(h)/(6 m) allows for every change of divergence up to the tolerance and for
the error of a baseline of m rows, z standard deviations in the bet's own direction (the last term is for skewness).
lambda maximises the growth sum_k q_k log L_k; without delta that gives L = q/p. Stored is log(0.999 L + 0.001): the
thousandth held back keeps one prediction from ruining a stake.

Sources: J. Shin, A. Ramdas, A. Rinaldo, E-detectors, New England J. Stat. Data Sci. 2 (2024); M. Larsson, A. Ramdas,
J. Ruf, The numeraire e-variable and reverse information projection, arXiv 2402.18810 (the growth-optimal bet).
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np

from model_exporter.stats.features import Flags, Floats, Indices
from model_exporter.stats.normal import normal_score, normal_share

MEAN_TILTS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, -0.1, -0.2, -0.4, -0.8, -1.6)
"""Shifts of the mean in normal-score space, standard deviations."""
SCALE_TILTS: Final = (1.12, 1.3, 1.7, 0.88, 0.75, 0.6)
"""Standard deviations in normal-score space."""
NUMERIC_ODDS: Final = (2.0, 6.0)
"""By how much the odds of one bin of a number change."""
CATEGORY_ODDS: Final = (1.3, 2.0, 5.0, 0.7, 0.35)
"""By how much the odds of one category change."""
QUALITY_ODDS: Final = (1.5, 2.5, 6.0, 20.0)
"""By how much the odds of a missing, unseen or out-of-range value grow."""
MISSING_FALLS: Final = (0.3, 0.05)
"""By how much the odds of a missing value fall."""

_HELD_BACK: Final = 0.001
_NEWTON_STEPS: Final = 60
_SOLVED: Final = 1e-9
"""Relative width of a step at which the search for lambda ends."""


class Label(IntEnum):
    """What kind of change a bet is on."""

    UP = 0
    DOWN = 1
    WIDER = 2
    NARROWER = 3
    BIN = 4
    MISSING = 5
    OTHER = 6


TILT_LABELS: Final = (
    *(Label.UP if shift > 0 else Label.DOWN for shift in MEAN_TILTS),
    *(Label.WIDER if scale > 1 else Label.NARROWER for scale in SCALE_TILTS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What does not count as a change.

    Attributes:
        tolerance: chi-squared divergence from the baseline that does not matter, >= 0. A mean shift of d standard
            deviations has about d squared.
        wave: divergence of the traffic from the baseline that comes every day, >= 0: one for all features or
            float64[F]. Where it exceeds the tolerance it takes its place.
        z: standard deviations of the baseline's own error that are allowed for, >= 0.
        quality_ratio: a missing, unseen or out-of-range share may grow or shrink by this factor (>= 1), unless the
            tolerance allows for less;
        quality_margin: or by this much, whichever is more.
        unseen_floor: share of unseen categories that never matters, >= 0.
    """

    tolerance: float = 0.01
    wave: Floats | float = 0.0
    z: float = 3.0
    quality_ratio: float = 1.5
    quality_margin: float = 0.002
    unseen_floor: float = 0.001

    @property
    def divergence(self) -> Floats:
        """What is allowed in all: the larger of tolerance and wave, float64[] or float64[F]."""
        return np.maximum(self.tolerance, self.wave)

    def of(self, features: Indices) -> "Allowance":
        """That of each of `features`, intp[N]: a wave by feature becomes float64[N]."""
        return replace(self, wave=self.wave[features]) if isinstance(self.wave, np.ndarray) else self


def tilted(p: Floats) -> Floats:
    """The laws after `MEAN_TILTS` and `SCALE_TILTS` of the baseline laws p, float64[N, B] -> float64[N, J, B].

    A law on ordered bins is read as a standard normal cut at its cumulated shares. Shifting or widening that normal
    gives q_k = Phi((e_k - shift) / scale) - Phi((e_{k-1} - shift) / scale) with the cuts e. Bins without a share, which
    pad a row to the common width, stay without one.
    """
    cumulated = np.cumsum(p, axis=1)
    # Rounding may leave the last share with a mass a little off 1; past the last real bin there is none to give away.
    cumulated[cumulated > cumulated[:, -1:] * (1 - 1e-15)] = 1.0
    cuts = normal_score(cumulated)[:, None, :]
    shift = np.array([*MEAN_TILTS, *(0.0 for _ in SCALE_TILTS)])[:, None]
    scale = np.array([*(1.0 for _ in MEAN_TILTS), *SCALE_TILTS])[:, None]
    return np.diff(normal_share((cuts - shift) / scale), axis=2, prepend=0.0)


def log_factors(p: Floats, q: Floats, rows: Floats, allowance: Allowance) -> tuple[Floats, Flags]:
    """What the bets on q against p pay.

    Args:
        p: float64[N, B] baseline laws; a bin of share 0 is padding.
        q: float64[N, J, B] alternatives, 0 in the padding.
        rows: float64[N], the baseline's effective rows m > 0.
        allowance: gives the tolerance and z of delta; its wave is one for all or float64[N].

    Returns:
        float64[N, J, B] of log(0.999 L + 0.001), 0 in the padding and for bets that cannot pay; and bool[N, J], the
        bets that can: those with s > delta.
    """
    real = (p > 0)[:, None, :]
    mass = p[:, None, :]
    g = np.divide(q, mass, out=np.ones_like(q), where=real) - 1
    s = np.sqrt((mass * g**2).sum(axis=2, keepdims=True))
    h = np.divide(g, s, out=np.zeros_like(g), where=s > 0)
    m = rows[:, None, None]
    delta = np.sqrt(allowance.divergence).reshape(-1, 1, 1) + allowance.z / np.sqrt(m)
    delta = delta + allowance.z**2 * np.where(real, h, -np.inf).max(axis=2, keepdims=True, initial=0.0) / (6 * m)
    pays = (s > delta)[:, :, 0]
    u = np.where(real, h - delta, 0.0)[pays]
    stake = _growth_optimal(u, q[pays])
    logs = np.zeros_like(q)
    logs[pays] = np.where(u != 0, np.log((1 - _HELD_BACK) * (1 + stake * u) + _HELD_BACK), 0.0)
    return logs, pays


def _growth_optimal(u: Floats, q: Floats) -> Floats:
    """The lambda >= 0 that maximises sum_k q_k log(1 + lambda u_k) of each row, float64[R, B] twice to float64[R, 1].

    The derivative falls from a positive value at 0 to minus infinity where 1 + lambda u reaches 0, so it has one root;
    Newton's steps that leave the bracket around it are replaced by halving.
    """
    low = np.zeros((len(u), 1))
    high = -1 / np.minimum(u.min(axis=1, keepdims=True, initial=-1e-12), -1e-12)
    stake: Floats = high / 2
    for _ in range(_NEWTON_STEPS):
        ratio = u / (1 + stake * u)
        slope = (q * ratio).sum(axis=1, keepdims=True)
        low, high = np.where(slope > 0, stake, low), np.where(slope > 0, high, stake)
        step = stake + slope / np.maximum((q * ratio**2).sum(axis=1, keepdims=True), 1e-300)
        following = np.where((step > low) & (step < high), step, (low + high) / 2)
        settled = np.abs(following - stake) <= _SOLVED * stake
        stake = following
        if settled.all():
            break
    return stake


def share_limits(counts: Floats, rows: Floats, z: float) -> tuple[Floats, Floats]:
    """Lower and upper limit of a share of which `counts` of `rows` were seen, each as sure as z standard deviations.

    Clopper and Pearson's exact limits in the closed form of Camp, Paulson and Pratt: right to 2 % at z = 3, to 6 % at
    z = 4, and too wide rather than too narrow; 0 for no counts, 1 for all, and 0 to 1 for less than one row. Unlike
    c/m -+ z sqrt(c/m (1 - c/m) / m) they hold for few counts and for none. Effective counts need not be whole.

    Sources: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934); C. R. Blyth, Approximate binomial confidence limits,
    J. Am. Stat. Assoc. 81 (1986).

    >>> low, high = share_limits(np.array([0.0, 50.0]), np.array([100.0, 100.0]), 1.96)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.398], [0.036, 0.602])
    """
    return 1 - _upper_limit(rows - counts, rows, z), _upper_limit(counts, rows, z)


def _upper_limit(counts: Floats, rows: Floats, z: float) -> Floats:
    defined = (rows >= 1) & (counts < rows)
    m = np.where(defined, rows, 2.0)
    a = np.where(defined, counts, 1.0) + 1
    b = m + 1 - a
    spread = np.sqrt(np.maximum(9 * a * b * (9 * m + 5 - z**2) + m + 1, 0.0))
    cube = (81 * a * b - 9 * m - 8 - 3 * z * spread) / (81 * a**2 - 9 * a * (2 + z**2) + 1)
    # Close to all counts the form can leave the range of shares, where only 1 is safe.
    odds = np.maximum((a / b) ** 2 * cube**3, 0.0)
    return np.where(defined, 1 / (1 + odds), 1.0)


def bin_boundaries(p: Floats, counts: Floats, rows: Floats, allowance: Allowance) -> tuple[Floats, Floats]:
    """How far the share of an ordinary bin may fall and rise: its limits, and sqrt(tolerance p (1-p)) beyond them.

    All arrays, and the allowance's wave if it is one, are float64[B]; boundaries may lie outside of 0 to 1, where no
    bet is to be had.
    """
    low, high = share_limits(counts, rows, allowance.z)
    room = np.sqrt(allowance.divergence * p * (1 - p))
    return low - room, high + room


def quality_boundaries(
    p: Floats, counts: Floats, rows: Floats, unseen: Flags, allowance: Allowance
) -> tuple[Floats, Floats]:
    """How far the share of a data-quality bin may fall and rise, float64[B] each.

    A tolerance in chi-squared divergence lets a rare fault grow several times, so the room beyond the limits of the
    share is a factor of `quality_ratio` (but no more than the tolerance gives) or `quality_margin`, whichever is more.
    A wave is what happens and not what one puts up with, so what it can do to the share is allowed in full.
    Unseen categories are also allowed the larger of 3/m (a baseline of m rows misses a category of that share once in
    twenty times) and `unseen_floor`.
    """
    low, high = share_limits(counts, rows, allowance.z)
    by_tolerance, by_wave = (np.sqrt(part * p * (1 - p)) for part in (allowance.tolerance, allowance.wave))
    least = np.maximum(by_wave, allowance.quality_margin)
    ratio = allowance.quality_ratio
    rise = np.maximum(np.minimum((ratio - 1) * p, by_tolerance), least)
    fall = np.maximum(np.minimum((1 - 1 / ratio) * p, by_tolerance), least)
    floor = np.where(unseen, np.maximum(3 / rows, allowance.unseen_floor), 0.0)
    return low - fall, np.maximum(high + rise, floor)


def odds_bet(p: Floats, boundary: Floats, factor: float, mildest: float) -> tuple[Floats, Floats, Flags]:
    """What a bet on one bin's odds times `factor` pays, when its share may move from p up to `boundary`.

    The growth-optimal bet that "the share is q" against "at most b" (or at least, when it falls) pays q/b in the bin
    and (1-q)/(1-b) outside of it: two values, whatever the number of bins. q has p's odds times the factor. When the
    boundary leaves no room for the `mildest` factor of the same direction, as for an empty bin, q is moved out with it.

    Args:
        p: float64[B] shares in the baseline.
        boundary: float64[B], above p for a factor over 1 and below it otherwise.
        factor: of the odds, not 1.
        mildest: the factor of this direction that is nearest to 1.

    Returns:
        log(0.999 L + 0.001) in the bin and outside, float64[B] each, and bool[B]: where there is a bet to be had.
    """
    rising = factor > 1
    inside = (boundary > 0) & (boundary < 1)
    b = np.where(inside, boundary, 0.5)
    start = _times_odds(b, 1 / mildest)
    start = np.maximum(p, start) if rising else np.minimum(p, start)
    q = _times_odds(start, factor)
    # The least margin keeps rounding from making a bet of a boundary that q only touches.
    pays = inside & ((q > b * (1 + 1e-9)) if rising else (q < b * (1 - 1e-9)))
    q = np.where(pays, q, b)
    logs = [np.log((1 - _HELD_BACK) * factor_ + _HELD_BACK) for factor_ in (q / b, (1 - q) / (1 - b))]
    return logs[0], logs[1], pays


def _times_odds(share: Floats, factor: float) -> Floats:
    return factor * share / (1 + (factor - 1) * share)
