from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from model_exporter.stats.distances import (
    js_distance,
    ks_distance,
    observations,
    occupied_bins,
    psi,
    wasserstein_ratio,
)

ONE = np.array([0, 3])
ORDINAL = np.array([True, True, True])
POSITIONS = np.array([0.0, 1.0, 3.0])
SD = np.array([2.0])


def _counts(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def _all_four(baseline: NDArray[np.int64], window: NDArray[np.int64]) -> list[float]:
    """All four distances of one feature with three ordinal bins."""
    return [
        *psi(baseline, window, ONE),
        *js_distance(baseline, window, ONE),
        *ks_distance(baseline, window, ONE, ORDINAL),
        *wasserstein_ratio(baseline, window, ONE, ORDINAL, POSITIONS, SD),
    ]


def test_equal_shares_are_at_no_distance() -> None:
    """Counts in the same proportions give 0, exactly but for PSI, whose smoothing sees the different row numbers."""
    of_psi, *others = _all_four(_counts(100, 300, 600), _counts(10, 30, 60))
    assert others == [0.0, 0.0, 0.0]
    assert 0 < of_psi < 1e-3


@pytest.mark.parametrize(
    ("baseline", "window"), [((0, 0, 0), (1, 2, 3)), ((1, 2, 3), (0, 0, 0)), ((0, 0, 0), (0, 0, 0))]
)
def test_without_rows_on_a_side_there_is_no_distance(baseline: tuple[int, ...], window: tuple[int, ...]) -> None:
    """No rows is not no drift: every distance is NaN, and nothing warns."""
    assert np.isnan(_all_four(_counts(*baseline), _counts(*window))).all()


def test_without_features_there_are_no_distances() -> None:
    """A model without binned features has empty arrays."""
    none, starts, floats = _counts(), np.array([0]), np.zeros(0)
    flags = np.zeros(0, np.bool_)
    assert len(psi(none, none, starts)) == 0
    assert len(js_distance(none, none, starts)) == 0
    assert len(ks_distance(none, none, starts, flags)) == 0
    assert len(wasserstein_ratio(none, none, starts, flags, floats, floats)) == 0
    assert len(observations(none, starts)) == 0


def test_features_without_bins_do_not_disturb_their_neighbours() -> None:
    """An empty segment at the start, in the middle or at the end is NaN with 0 observations; the others are right."""
    starts = np.array([0, 0, 3, 3, 6, 6])
    baseline, window = _counts(5, 3, 2, 1, 1, 8), _counts(2, 3, 5, 4, 4, 2)
    flags, positions, sd = np.tile(ORDINAL, 2), np.tile(POSITIONS, 2), np.full(5, 2.0)
    for values in (
        psi(baseline, window, starts),
        js_distance(baseline, window, starts),
        ks_distance(baseline, window, starts, flags),
        wasserstein_ratio(baseline, window, starts, flags, positions, sd),
    ):
        assert np.isnan(values).tolist() == [True, False, True, False, True]
    alone = _all_four(baseline[3:], window[3:])
    assert psi(baseline, window, starts)[3] == alone[0]
    assert wasserstein_ratio(baseline, window, starts, flags, positions, sd)[3] == alone[3]
    assert observations(window, starts).tolist() == [0, 10, 0, 10, 0]


def test_psi_smooths_by_half_a_row_over_the_occupied_bins() -> None:
    """The value is that of the formula with B = 2, since the third bin is empty on both sides."""
    p, q = np.array([4.5, 7.5]) / 12, np.array([9.5, 1.5]) / 11
    expected = float(np.sum((p - q) * np.log(p / q)))
    assert psi(_counts(9, 1, 0), _counts(4, 7, 0), ONE)[0] == pytest.approx(expected, rel=1e-14)
    assert psi(_counts(9, 1), _counts(4, 7), np.array([0, 2]))[0] == pytest.approx(expected, rel=1e-14)
    assert occupied_bins(_counts(9, 1, 0), _counts(4, 7, 0), ONE).tolist() == [2]


def test_psi_is_finite_where_a_bin_is_empty_on_one_side() -> None:
    """A new category does not make the index infinite."""
    assert 0 < psi(_counts(100, 0, 0), _counts(0, 0, 100), ONE)[0] < 12


def test_the_mean_of_psi_without_drift_is_that_of_its_null_law() -> None:
    """Over 2,000 draws from the baseline's law the mean is (1/n + 1/m)(B - 1) within 3 % (Yurdakul 2018)."""
    rng = np.random.default_rng(7)
    n, m, runs, shares = 1_000, 10_000, 2_000, [0.05, 0.1, 0.15, 0.2, 0.2, 0.15, 0.1, 0.05]
    starts = np.arange(runs + 1) * len(shares)
    drawn = psi(rng.multinomial(m, shares, runs).ravel(), rng.multinomial(n, shares, runs).ravel(), starts)
    assert drawn.mean() == pytest.approx((1 / n + 1 / m) * (len(shares) - 1), rel=0.03)


def test_js_distance_keeps_its_digits_for_shares_that_are_close() -> None:
    """Where p and q differ in the ninth digit the distance is right to 1e-9, judged in 60-digit arithmetic.

    The textbook form, which scipy 1.17 computes, has nothing but rounding error left there.
    """
    baseline, window = _counts(500_000_000, 500_000_000), _counts(500_000_001, 499_999_999)
    with localcontext() as context:
        context.prec = 60
        p, q = [[Decimal(int(c)) / 10**9 for c in counts] for counts in (window, baseline)]
        parts = [
            p_k * (2 * p_k / (p_k + q_k)).ln() + q_k * (2 * q_k / (p_k + q_k)).ln()
            for p_k, q_k in zip(p, q, strict=True)
        ]
        exact = float((sum(parts, Decimal(0)) / 2).sqrt())
    assert js_distance(baseline, window, np.array([0, 2]))[0] == pytest.approx(exact, rel=1e-9)


def test_js_distance_ends_at_the_root_of_ln_2() -> None:
    """Distributions without a common bin are at the largest distance there is."""
    assert js_distance(_counts(7, 0, 0), _counts(0, 1, 5), ONE)[0] == pytest.approx(np.sqrt(np.log(2)), rel=1e-15)


def test_ks_distance_is_over_the_ordinal_bins_alone() -> None:
    """Missing values change neither the shares nor the distance, wherever their bin stands."""
    plain = ks_distance(_counts(5, 3, 2), _counts(2, 3, 5), ONE, ORDINAL)[0]
    starts = np.array([0, 5])
    flags = np.array([False, True, True, True, False])
    assert plain == pytest.approx(0.3, rel=1e-15)
    assert ks_distance(_counts(0, 5, 3, 2, 90), _counts(70, 2, 3, 5, 0), starts, flags)[0] == plain


def test_a_feature_without_ordinal_bins_has_no_ordered_distance() -> None:
    """Categories lie on no scale: KS and Wasserstein are NaN while PSI is a number."""
    flags = np.zeros(3, np.bool_)
    assert np.isnan(ks_distance(_counts(5, 3, 2), _counts(2, 3, 5), ONE, flags)).all()
    assert np.isnan(wasserstein_ratio(_counts(5, 3, 2), _counts(2, 3, 5), ONE, flags, POSITIONS, SD)).all()
    assert np.isfinite(psi(_counts(5, 3, 2), _counts(2, 3, 5), ONE)).all()


@pytest.mark.parametrize("sd", [0.0, np.nan, np.inf])
def test_wasserstein_ratio_needs_a_scale(sd: float) -> None:
    """Without a finite spread in the baseline there is nothing to measure the distance in."""
    assert np.isnan(wasserstein_ratio(_counts(5, 3, 2), _counts(2, 3, 5), ONE, ORDINAL, POSITIONS, np.array([sd])))[0]


def test_wasserstein_ratio_spans_the_whole_range_of_floats() -> None:
    """Positions at both ends of the floats' range do not overflow."""
    ends = np.array([-1.7e308, 0.0, 1.7e308])
    ratio = wasserstein_ratio(_counts(9, 0, 0), _counts(0, 0, 9), ONE, ORDINAL, ends, np.array([1.7e308]))
    assert ratio[0] == pytest.approx(2.0, rel=1e-12)


def test_a_mean_shift_of_half_a_deviation_reads_as_half() -> None:
    """On fifty bins of a normal feature the Wasserstein ratio is the shift, and PSI about its square."""
    rng = np.random.default_rng(3)
    edges = np.linspace(-3, 3, 51)
    before, after = (
        np.histogram(np.clip(x, -3, 3), edges)[0] for x in (rng.normal(0, 1, 10**6), rng.normal(0.5, 1, 10**6))
    )
    starts, flags = np.array([0, 50]), np.ones(50, np.bool_)
    ratio = wasserstein_ratio(before, after, starts, flags, (edges[1:] + edges[:-1]) / 2, np.array([1.0]))
    assert ratio[0] == pytest.approx(0.5, abs=0.01)
    assert psi(before, after, starts)[0] == pytest.approx(0.25, abs=0.01)


def test_ragged_features_agree_with_scipy() -> None:
    """All four distances of 300 ragged features with large counts equal scipy's on the same binned data to 1e-9."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(2, 56, 300)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    baseline, window = rng.integers(0, 2_000, starts[-1]), rng.integers(0, 300, starts[-1])
    flags = np.ones(starts[-1], np.bool_)
    positions = np.concatenate([np.sort(rng.normal(1e3, 50, size)) for size in sizes])
    sd = rng.uniform(0.1, 100, 300)
    js, ks = js_distance(baseline, window, starts), ks_distance(baseline, window, starts, flags)
    ratio = wasserstein_ratio(baseline, window, starts, flags, positions, sd)
    for feature, (begin, end) in enumerate(pairwise(starts)):
        b, w, x = baseline[begin:end], window[begin:end], positions[begin:end]
        assert js[feature] == pytest.approx(jensenshannon(w / w.sum(), b / b.sum()), abs=1e-9)
        raw = ks_2samp(np.repeat(x, w), np.repeat(x, b), method="asymp").statistic
        assert ks[feature] == pytest.approx(raw, abs=1e-9)
        assert ratio[feature] == pytest.approx(wasserstein_distance(x, x, w, b) / sd[feature], rel=1e-9, abs=1e-9)
