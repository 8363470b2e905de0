import numpy as np
import pytest
from scipy.stats import chi2

from model_exporter.stats.distances import psi
from model_exporter.stats.limits import chi2_upper_quantile, psi_limit


@pytest.mark.parametrize("tail", [1e-2, 1e-3, 1e-5, 1e-7, 1e-9])
def test_the_quantile_errs_to_the_cautious_side(tail: float) -> None:
    """It is at most 1 % under scipy's, and over it by at most 26, 13 and 5 % from 1, 3 and 9 degrees on."""
    degrees = np.arange(1.0, 60)
    ratio = chi2_upper_quantile(degrees, tail) / chi2.isf(tail, degrees)
    assert ratio.min() > 0.99
    assert ratio.max() < 1.26
    assert ratio[2:].max() < 1.13
    assert ratio[8:].max() < 1.05


def test_no_degrees_of_freedom_leave_nothing_to_chance() -> None:
    """With a single bin both sides are alike."""
    assert chi2_upper_quantile(np.array([0.0]), 0.001).tolist() == [0.0]


def test_the_limit_is_tolerance_and_noise() -> None:
    """It is tolerance + (1/n + 1/m) times the quantile with one degree less than there are occupied bins."""
    baseline, window = np.array([50, 40, 10, 0]), np.array([10, 10, 5, 0])
    quantile = chi2_upper_quantile(np.array([2.0]), 0.001)[0]
    limit = psi_limit(baseline, window, np.array([0, 4]), tail=0.001, tolerance=0.02)
    assert limit[0] == pytest.approx(0.02 + (1 / 25 + 1 / 100) * quantile)


def test_there_is_no_limit_without_rows() -> None:
    """A side without rows has no limit, as it has no distance."""
    none, some = np.array([0, 0]), np.array([1, 2])
    starts = np.array([0, 2])
    assert np.isnan(psi_limit(none, some, starts, tail=0.001, tolerance=0.02)).all()
    assert np.isnan(psi_limit(some, none, starts, tail=0.001, tolerance=0.02)).all()


def test_chance_alone_rarely_passes_the_limit() -> None:
    """Of 20,000 pairs of draws from one law, the PSI of no more than about one in a hundred exceeds the 1 % limit."""
    rng = np.random.default_rng(13)
    runs, shares = 20_000, [0.02, 0.08, 0.2, 0.4, 0.2, 0.08, 0.02]
    starts = np.arange(runs + 1) * len(shares)
    baseline, window = (rng.multinomial(rows, shares, runs).ravel() for rows in (5_000, 1_000))
    limit = psi_limit(baseline, window, starts, tail=0.01, tolerance=0.0)
    assert 0.008 < np.mean(psi(baseline, window, starts) > limit) < 0.012
