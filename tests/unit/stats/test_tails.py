"""Quantiles against scipy, and against closed forms where scipy itself loses digits."""

import math

import pytest
from scipy import stats

from model_exporter.stats.tails import beta_tail, chi2_quantile, f_quantile, gamma_tail

TAILS = (0.5, 0.05, 1e-3, 1e-6)


@pytest.mark.parametrize("degrees", [1, 2, 3, 6, 17, 100, 1000, 10_000])
def test_chi2_quantile_is_scipys(degrees: int) -> None:
    """Upper quantiles of chi-squared agree with scipy to 1e-10, tails of 1e-12 included."""
    for tail in (*TAILS, 1e-9, 1e-12):
        assert chi2_quantile(degrees, tail) == pytest.approx(stats.chi2.isf(tail, degrees), rel=1e-10)


@pytest.mark.parametrize("over", [1, 2, 6, 20, 100])
@pytest.mark.parametrize("under", [1, 2, 5, 54, 194, 994, 10_000])
def test_f_quantile_is_scipys(over: int, under: int) -> None:
    """Upper quantiles of F agree with scipy to 1e-8."""
    for tail in TAILS:
        assert f_quantile(over, under, tail) == pytest.approx(stats.f.isf(tail, over, under), rel=1e-8)


def test_f_quantile_of_one_and_one_degree() -> None:
    """F with 1 and 1 degrees is a squared Cauchy variable, whose far tail is known in closed form."""
    assert f_quantile(1, 1, 1e-9) == pytest.approx(1 / math.tan(math.pi / 2 * 1e-9) ** 2, rel=1e-12)


def test_survival_functions_reach_their_ends() -> None:
    """Nothing is below the smallest value and everything below the largest."""
    assert gamma_tail(2.0, 0.0) == 1.0
    assert (beta_tail(2.0, 3.0, 0.0), beta_tail(2.0, 3.0, 1.0)) == (0.0, 1.0)


@pytest.mark.parametrize("tail", [0.0, 1.0, -0.1, math.nan])
def test_a_tail_is_a_probability(tail: float) -> None:
    """A tail that no quantile belongs to is refused."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        chi2_quantile(3, tail)
    with pytest.raises(ValueError, match="between 0 and 1"):
        f_quantile(3, 9, tail)
