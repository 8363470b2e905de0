import math
import sys

import numpy as np
import pytest

from model_exporter.stats.summary import group_means, mean_and_sd, outlier_fences

LARGEST = sys.float_info.max


def test_mean_and_deviation_are_the_usual_ones() -> None:
    """They equal numpy's, with n - 1."""
    values = np.sort(np.random.default_rng(1).normal(5, 2, 1_000))
    assert mean_and_sd(values) == pytest.approx((values.mean(), values.std(ddof=1)), rel=1e-14)


@pytest.mark.parametrize("value", [0.1, 0.0, -1e308, LARGEST])
def test_equal_values_do_not_deviate(value: float) -> None:
    """A constant's mean is the constant and its deviation exactly 0, where a sum would round."""
    assert mean_and_sd(np.full(3, value)) == (value, 0.0)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_squares_neither_overflow_nor_vanish(scale: float) -> None:
    """The deviation scales with the values where their squares are beyond the floats."""
    mean, sd = mean_and_sd(np.array([1.0, 2.0, 3.0]) * scale)
    assert (mean, sd) == pytest.approx((2 * scale, scale), rel=1e-12)


def test_a_deviation_beyond_the_floats_is_cut() -> None:
    """Two values at opposite ends have a deviation of 1.4 times the largest float; the largest float stands for it."""
    assert mean_and_sd(np.array([-LARGEST, LARGEST])) == (0.0, LARGEST)


def test_fences_are_three_interquartile_ranges_out() -> None:
    """Tukey's outer fences of 1 to 100, whose quartiles as observed values are 25 and 75."""
    assert outlier_fences(np.arange(1.0, 101)) == (-125, 225)


def test_fences_of_a_mostly_constant_feature_come_from_its_tails() -> None:
    """With 90 % zeros the quartiles say nothing, and the span of the inner 99 % takes their place."""
    assert outlier_fences(np.array([0.0] * 90 + [2.0] * 10)) == (-6, 8)


def test_fences_of_a_constant_are_the_constant() -> None:
    """Then any other value is an outlier."""
    assert outlier_fences(np.full(10, 4.0)) == (4, 4)


def test_fences_are_finite() -> None:
    """A range as wide as the floats has the largest floats as fences."""
    assert outlier_fences(np.array([-LARGEST, LARGEST])) == (-LARGEST, LARGEST)


def test_means_stay_within_their_group() -> None:
    """Three times 0.1 sums to more than 0.3; the mean is 0.1 all the same, so that positions never fall."""
    means = group_means(np.array([0.1, 0.1, 0.1, 0.1]), np.array([0, 3, 4]))
    assert means.tolist() == [0.1, 0.1]


def test_means_of_the_largest_floats_are_finite() -> None:
    """A sum that would overflow is scaled down first."""
    assert math.isfinite(group_means(np.full(3, LARGEST), np.array([0, 3]))[0])
