"""What the bets pay, against their definition and against scipy."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import beta, norm

from model_exporter.stats.dictionary import (
    MEAN_TILTS,
    SCALE_TILTS,
    Allowance,
    bin_boundaries,
    log_factors,
    odds_bet,
    quality_boundaries,
    share_limits,
    tilted,
)

EXACT = Allowance(tolerance=0.0, z=0.0, quality_ratio=1.0, quality_margin=0.0, unseen_floor=0.0)
P = np.array([[0.005, 0.015, 0.08, 0.2, 0.3, 0.25, 0.1, 0.04, 0.01]])


def payments(logs: np.ndarray) -> np.ndarray:
    """L from log(0.999 L + 0.001)."""
    paid: np.ndarray = (np.exp(logs) - 0.001) / 0.999
    return paid


def test_tilts_move_a_normal() -> None:
    """The alternatives are what a normal cut at the baseline's quantiles becomes when it is shifted or scaled."""
    cuts = norm.ppf(np.cumsum(P[0])[:-1])
    for law, shift in zip(tilted(P)[0], MEAN_TILTS, strict=False):
        assert law == pytest.approx(np.diff(norm.cdf([-np.inf, *cuts, np.inf], loc=shift)), abs=1e-9)
    for law, scale in zip(tilted(P)[0, len(MEAN_TILTS) :], SCALE_TILTS, strict=True):
        assert law == pytest.approx(np.diff(norm.cdf([-np.inf, *cuts, np.inf], scale=scale)), abs=1e-9)


def test_padding_has_no_share_and_pays_nothing() -> None:
    """A feature with fewer bins than its neighbours has the same bets as alone."""
    padded = np.append(P, [[0.0, 0.0]], axis=1)
    rows = np.array([5000.0])
    alone, _ = log_factors(P, tilted(P), rows, Allowance())
    beside, _ = log_factors(padded, tilted(padded), rows, Allowance())
    assert beside[:, :, :9] == pytest.approx(alone, abs=1e-9)
    assert not beside[:, :, 9:].any()


def test_without_allowance_a_bet_pays_the_likelihood_ratio() -> None:
    """Against an exact baseline and no tolerance L is q/p."""
    logs, pays = log_factors(P, tilted(P), np.array([1e15]), EXACT)
    assert pays.all()
    assert payments(logs) == pytest.approx(tilted(P) / P[:, None, :], rel=1e-5)


def test_bets_grow_fastest_under_their_alternative() -> None:
    """Lambda is the maximiser that scipy finds."""
    allowance = Allowance(tolerance=0.0025, z=3.0)
    q = tilted(P)
    logs, pays = log_factors(P, q, np.array([3000.0]), allowance)
    for law, row in zip(q[0][pays[0]], logs[0][pays[0]], strict=True):
        g = law / P[0] - 1
        h = g / np.sqrt(P[0] @ g**2)
        u = h - (0.05 + 3 / np.sqrt(3000) + 9 * h.max() / 18_000)
        limit = -1 / u.min()
        best = minimize_scalar(
            lambda stake, law=law, u=u: -law @ np.log1p(stake * u), bounds=(0, limit), method="bounded"
        )
        assert law @ np.log(payments(row)) == pytest.approx(-best.fun, rel=1e-4)


@pytest.mark.parametrize("tolerance", [0.0, 0.0025, 0.01, 0.1])
def test_no_bet_gains_within_the_tolerance(tolerance: float) -> None:
    """For random laws at the tolerated divergence from the baseline the mean payment of every bet is at most 1."""
    rng = np.random.default_rng(7)
    logs, pays = log_factors(P, tilted(P), np.array([1e6]), Allowance(tolerance=tolerance, z=0.0))
    for _ in range(200):
        change = rng.normal(size=9)
        change -= P[0] @ change
        change *= np.sqrt(tolerance / (P[0] @ change**2))
        law = P[0] * np.maximum(1 + change, 0)
        law /= law.sum()
        if (law - P[0]) ** 2 @ (1 / P[0]) <= tolerance:
            assert (np.exp(logs[pays]) @ law).max() <= 1 + 1e-9


def test_a_change_within_the_allowance_is_not_bet_on() -> None:
    """A shift of 0.1 has divergence 0.01, so with that tolerance it has no bet, nor against 1000 rows at z = 3."""
    _, tolerant = log_factors(P, tilted(P), np.array([1e9]), Allowance(tolerance=0.01))
    assert not tolerant[0, MEAN_TILTS.index(0.1)]
    assert tolerant[0, MEAN_TILTS.index(0.2)]
    _, noisy = log_factors(P, tilted(P), np.array([1000.0]), Allowance(tolerance=0.0))
    assert not noisy[0, MEAN_TILTS.index(-0.1)]


@pytest.mark.parametrize("z", [1.0, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("rows", [2, 20, 500, 100_000])
def test_limits_of_a_share_are_exact_or_wider(z: float, rows: int) -> None:
    """Against Clopper and Pearson's limits from scipy, the share that may be missed is right to 6 %."""
    counts = np.array([c for c in (0, 1, 2, 5, 20, 500, 50_000) if c <= rows / 2], np.float64)
    low, high = share_limits(counts, np.full(len(counts), float(rows)), z)
    exact = beta.ppf(norm.cdf(z), counts + 1, rows - counts)
    assert (high / exact <= 1.12).all() if rows == 2 else (high / exact <= 1.06).all()
    assert (high / exact >= 0.99).all()
    exact_low = beta.ppf(norm.sf(z), counts[1:], rows - counts[1:] + 1)
    assert low[0] == 0
    assert (low[1:] <= exact_low * 1.01 + 1e-4 / rows).all()
    assert (low[1:] >= exact_low * 0.9 - 0.05 / rows).all()


@pytest.mark.parametrize(("counts", "rows"), [(0.0, 0.0), (0.0, 0.5), (3.0, 3.0)])
def test_limits_of_a_share_without_rows_or_with_all_counts(counts: float, rows: float) -> None:
    """No rows say nothing; where all rows count, the share may be 1."""
    low, high = share_limits(np.array([counts]), np.array([rows]), 3.0)
    assert high[0] == 1
    assert 0 <= low[0] < 0.2


def test_odds_bets_break_even_at_the_boundary() -> None:
    """A bet on one bin gains nothing at its boundary, loses before it and gains beyond it."""
    p = np.array([0.0001, 0.01, 0.2, 0.6])
    low, high = bin_boundaries(p, p * 5000, np.full(4, 5000.0), Allowance())
    for factor, boundary, mildest in ((2.0, high, 2.0), (6.0, high, 2.0), (0.35, low, 0.7)):
        inside, outside, pays = odds_bet(p, boundary, factor, mildest)
        for way, sign in ((boundary, 0), ((boundary + p) / 2, -1), (boundary + (boundary - p) / 2, 1)):
            mean = way * np.exp(inside) + (1 - way) * np.exp(outside)
            assert (np.sign(np.round(mean[pays] - 1, 9)) == sign).all()
    assert odds_bet(p, high, 6.0, 2.0)[2].all()


def test_an_empty_bin_has_a_bet() -> None:
    """A value that the baseline never had can be bet on, beyond what a baseline of that size may have missed."""
    rows = np.array([10_000.0])
    p = np.array([0.5 / 10_001])
    _, high = bin_boundaries(p, np.zeros(1), rows, Allowance())
    inside, _, pays = odds_bet(p, high, 5.0, 1.3)
    assert pays[0]
    assert inside[0] > 1
    assert high[0] > 6.6 / 10_000


def test_rare_faults_have_their_own_boundary() -> None:
    """A missing share of 1 % may grow by half of it, of 0.01 % by 0.2 points, and of 30 % by the tolerance."""
    p = np.array([0.01, 0.0001, 0.3])
    m = np.full(3, 1e15)
    low, high = quality_boundaries(p, p * m, m, np.zeros(3, np.bool_), Allowance(tolerance=0.01))
    assert high == pytest.approx([0.015, 0.0021, 0.3 + 0.1 * np.sqrt(0.21)], rel=1e-4)
    assert low == pytest.approx([0.01 / 1.5, 0.0001 - 0.002, 0.3 - 0.1 * np.sqrt(0.21)], rel=1e-4)


def test_unseen_categories_are_expected_of_a_small_baseline() -> None:
    """Without any allowance 300 rows still leave room for 1 % of unseen categories, and a million for 0.1 %."""
    allowance = Allowance(tolerance=0.0, z=0.0, quality_ratio=1.0, quality_margin=0.0, unseen_floor=0.001)
    p, m = np.zeros(2), np.array([300.0, 1e6])
    _, high = quality_boundaries(p, np.zeros(2), m, np.ones(2, np.bool_), allowance)
    assert high == pytest.approx([0.01, 0.001])


def test_a_wave_takes_the_place_of_a_smaller_tolerance() -> None:
    """Each feature is allowed the larger of both, and a choice of features gets theirs."""
    allowance = Allowance(tolerance=0.01, wave=np.array([0.0, 0.04, 0.005]))
    assert allowance.divergence == pytest.approx([0.01, 0.04, 0.01])
    assert allowance.of(np.array([1, 1, 2])).divergence == pytest.approx([0.04, 0.04, 0.01])
    assert Allowance(tolerance=0.01).of(np.array([5])).divergence == pytest.approx(0.01)


def test_bets_with_a_wave_are_those_with_that_tolerance() -> None:
    """A feature's bets on mean and scale and on its bins are those of its own allowance, whatever its neighbours."""
    p, rows = np.repeat(P, 2, axis=0), np.full(2, 5000.0)
    logs, pays = log_factors(p, tilted(p), rows, Allowance(tolerance=0.0025, wave=np.array([0.0, 0.04])))
    for place, tolerance in enumerate((0.0025, 0.04)):
        alone, alone_pays = log_factors(P, tilted(P), rows[:1], Allowance(tolerance=tolerance))
        assert logs[place] == pytest.approx(alone[0])
        assert (pays[place] == alone_pays[0]).all()
    share = np.full(2, 0.2)
    low, high = bin_boundaries(share, share * 5000, rows, Allowance(tolerance=0.0025, wave=np.array([0.0, 0.04])))
    _, wide = bin_boundaries(share, share * 5000, rows, Allowance(tolerance=0.04))
    assert high[1] == pytest.approx(wide[1])
    assert high[1] - high[0] == pytest.approx(low[0] - low[1])


def test_a_wave_of_faults_is_allowed_in_full() -> None:
    """A missing share of 1 % that a wave of 0.09 brings to 4 % every night is within the boundary, ratio or not."""
    p, m = np.full(2, 0.01), np.full(2, 1e15)
    allowance = Allowance(tolerance=0.01, wave=np.array([0.09, 0.0]))
    low, high = quality_boundaries(p, p * m, m, np.zeros(2, np.bool_), allowance)
    assert high == pytest.approx([0.01 + 0.3 * np.sqrt(0.0099), 0.015], rel=1e-4)
    assert low[0] < 0
