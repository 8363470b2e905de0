"""Quantiles of noncentral chi-squared against scipy."""

import numpy as np
import pytest
from scipy.stats import chi2, ncx2

from model_exporter.stats.noncentral import noncentral_chi2_quantile

DEGREES, NONCENTRALITY = np.meshgrid([1, 2, 3, 5, 9, 16, 30, 60], [0.1, 0.5, 1.0, 2.0, 5.0, 20.0, 100.0, 1000.0, 1e4])


@pytest.mark.parametrize(("tail", "error"), [(0.3, 0.012), (0.05, 0.01), (0.01, 0.01), (0.005, 0.016), (0.0005, 0.04)])
def test_quantiles_are_near_those_of_scipy(tail: float, error: float) -> None:
    """The relative error is what the docstring says, over degrees from 1 to 60 and any noncentrality."""
    ours = noncentral_chi2_quantile(DEGREES, NONCENTRALITY, tail)
    assert ours == pytest.approx(ncx2.isf(tail, DEGREES, NONCENTRALITY), rel=error)


def test_without_noncentrality_it_is_chi_squared() -> None:
    """The central quantile is exact."""
    degrees = np.arange(1, 80)
    ours = noncentral_chi2_quantile(degrees, np.zeros(79), 0.001)
    assert ours == pytest.approx(chi2.isf(0.001, degrees), rel=1e-9)


def test_no_degrees_of_freedom_leave_nothing_to_chance() -> None:
    """A feature with one bin has a threshold of 0."""
    assert noncentral_chi2_quantile(np.array([0]), np.array([3.0]), 0.01).tolist() == [0.0]


def test_no_features_have_no_quantiles() -> None:
    """An empty layout is fine."""
    assert not len(noncentral_chi2_quantile(np.zeros(0, np.int64), np.zeros(0), 0.01))
