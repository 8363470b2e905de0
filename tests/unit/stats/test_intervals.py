import numpy as np
import pytest
from scipy.stats import binomtest, norm

from model_exporter.stats.intervals import (
    Interval,
    Moments,
    clipped,
    difference,
    f1_interval,
    log_interval,
    logit_interval,
    mean_interval,
    newcombe,
    normal_quantile,
    rmse_interval,
    wilson,
)


@pytest.mark.parametrize("n", [1, 7, 30, 1000, 10**7])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.97, 1.0])
def test_a_share_has_wilsons_interval(share: float, n: int) -> None:
    """It is that of scipy, without continuity correction, at three levels."""
    seen = round(share * n)
    for confidence in (0.8, 0.95, 0.999):
        expected = binomtest(seen, n).proportion_ci(confidence, method="wilson")
        assert wilson(seen / n, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_an_interval_holds_its_share() -> None:
    """Rounding does not put 0 of n or n of n outside."""
    for n in (1.0, 3.7, 30.0, 1e9):
        assert wilson(0.0, n).lower == 0.0
        assert wilson(1.0, n).upper == 1.0


@pytest.mark.parametrize(
    ("one", "n_one", "other", "n_other", "expected"),
    [
        (56, 70, 48, 80, (0.0524, 0.3339)),
        (9, 10, 3, 10, (0.1705, 0.8090)),
        (6, 7, 2, 7, (0.0582, 0.8062)),
        (5, 56, 0, 29, (-0.0381, 0.1926)),
        (0, 10, 0, 20, (-0.1611, 0.2775)),
        (0, 10, 0, 10, (-0.2775, 0.2775)),
        (10, 10, 0, 20, (0.6791, 1.0)),
        (10, 10, 0, 10, (0.6075, 1.0)),
    ],
)
def test_a_gap_has_newcombes_interval(
    one: int, n_one: int, other: int, n_other: int, expected: tuple[float, float]
) -> None:
    """The examples of Newcombe's table II, method 10."""
    assert newcombe(one / n_one, n_one, other / n_other, n_other) == pytest.approx(expected, abs=6e-5)


def test_a_gap_turns_with_its_sides() -> None:
    """The interval of b - a is that of a - b with the sign changed."""
    lower, upper = newcombe(0.3, 40, 0.5, 90)
    assert newcombe(0.5, 90, 0.3, 40) == pytest.approx((-upper, -lower))


def test_f1_rises_with_its_share() -> None:
    """The interval of F1 = 2 J / (1 + J) is that of J, carried over."""
    lower, upper = wilson(0.4, 60)
    assert f1_interval(0.4, 60) == pytest.approx((2 * lower / (1 + lower), 2 * upper / (1 + upper)))


def _moments(x: np.ndarray) -> Moments:
    return Moments(len(x), len(x), *(float((x**power).sum()) for power in (1, 2, 3)))


def test_the_mean_of_a_symmetric_law_has_the_normal_interval() -> None:
    """Without skewness it is mean +- z sd / sqrt n."""
    x = np.concatenate([np.arange(50.0), -np.arange(50.0)]) + 7
    reach = norm.ppf(0.975) * x.std(ddof=1) / 10
    assert mean_interval(_moments(x)) == pytest.approx((7 - reach, 7 + reach))


def test_skewness_lengthens_the_interval_of_a_mean() -> None:
    """On the side of the tail, by the term of the Edgeworth expansion and by no more than half of the half-width."""
    x = np.random.default_rng(0).exponential(1.0, 500)
    lower, upper = mean_interval(_moments(x))
    sd, z = x.std(ddof=1), norm.ppf(0.975)
    skewness = ((x - x.mean()) ** 3).mean() / sd**3
    shift = skewness * sd * (1 + 2 * z * z) / (6 * 500)
    reach = z * sd / np.sqrt(500)
    assert (lower, upper) == pytest.approx((x.mean() - reach, x.mean() + reach + shift))
    assert mean_interval(_moments(-x)) == pytest.approx((-upper, -lower))
    lower, upper = mean_interval(_moments(np.append(np.zeros(99), 1e6)))
    assert upper - 1e4 == pytest.approx(1.5 * (1e4 - lower))


def test_equal_numbers_leave_no_doubt_of_their_mean() -> None:
    """Without spread both ends are the mean."""
    assert mean_interval(Moments(100, 100, 300.0, 900.0, 2700.0)) == (3.0, 3.0)


def test_the_error_of_an_rmse_follows_the_kurtosis() -> None:
    """On the log scale the ends are z sqrt((k - 1) / 4n) away, the upper one further by skewness, twice at most."""
    reach = norm.ppf(0.975) * np.sqrt(8 / 4000)
    lower, upper = rmse_interval(2.0, 9.0, 25.0, 1000)
    assert np.log([2 / lower, upper / 2]) == pytest.approx([reach, reach])
    lower, upper = rmse_interval(2.0, 9.0, 1e9, 1000)
    assert np.log([2 / lower, upper / 2]) == pytest.approx([reach, 2 * reach])
    assert rmse_interval(2.0, 1.0, 1.0, 1000) == (2.0, 2.0)


def test_intervals_on_transformed_scales_stay_possible() -> None:
    """A large error leads to the ends of what is possible, never beyond or to NaN."""
    assert log_interval(1.0, 1e9).lower >= 0
    assert np.isfinite(log_interval(1.0, 1e9).upper)
    assert logit_interval(0.5, 1e9) == pytest.approx((0.0, 1.0))
    lower, upper = logit_interval(0.9, 0.01)
    assert np.log(lower / (1 - lower)) == pytest.approx(np.log(9) - norm.ppf(0.975) / 9)
    assert lower < 0.9 < upper


def test_the_difference_of_certain_values_is_certain() -> None:
    """Intervals without width make one without width."""
    assert difference(0.7, Interval(0.7, 0.7), 0.2, Interval(0.2, 0.2)) == pytest.approx((0.5, 0.5))


def test_clipping_keeps_both_ends_within_bounds() -> None:
    """Ends outside are moved to the nearest bound."""
    assert clipped(Interval(-2.0, -1.0), 0.0, 1.0) == (0.0, 0.0)
    assert clipped(Interval(0.5, 3.0), 0.0, 1.0) == (0.5, 1.0)


def test_normal_quantiles_are_scipys() -> None:
    """Two-sided."""
    for confidence in (0.5, 0.95, 0.9999):
        assert normal_quantile(confidence) == pytest.approx(norm.ppf((1 + confidence) / 2))
