"""Ratios of sums and their bounds."""

import numpy as np
import pytest

from model_exporter.stats.ratios import RatioSums, ratio_error, ratio_interval


def sums_of(x: np.ndarray, y: np.ndarray, w: np.ndarray | None = None) -> RatioSums:
    """The sums of rows."""
    w = np.ones(len(x)) if w is None else w
    return RatioSums(*(float((w * part).sum()) for part in (np.ones(len(x)), x, y, x * x, x * y, y * y, w)))


def test_intervals_cover_the_ratio_as_often_as_they_say() -> None:
    """Losses over amounts that they depend on: 95 % intervals from 300 rows cover in 92 to 98 % of 400 runs."""
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        amounts = random.gamma(2.0, 50.0, 300)
        losses = amounts * (random.random(300) < 0.2)
        interval = ratio_interval(sums_of(losses, amounts))
        assert interval
        covered += interval.lower <= 0.2 <= interval.upper
    assert 0.92 <= covered / 400 <= 0.98


def test_the_error_of_a_mean_is_that_of_the_mean() -> None:
    """With 1 below the line; rows that stand for four each tell no more than as many that stand for one."""
    x = np.random.default_rng(2).normal(3, 2, 500)
    expected = x.std(ddof=1) / np.sqrt(500)
    assert ratio_error(sums_of(x, np.ones(500))) == pytest.approx(expected)
    assert ratio_error(sums_of(x, np.ones(500), np.full(500, 4.0))) == pytest.approx(expected)


def test_a_denominator_that_may_be_nothing_has_no_bounds() -> None:
    """Neither amounts around 0 nor one row nor none say how far a ratio may be off."""
    y = np.tile([-1.0, 1.01], 100)
    assert ratio_interval(sums_of(np.ones(200), y)) is None
    assert ratio_interval(sums_of(np.ones(1), np.ones(1))) is None
    assert ratio_interval(sums_of(np.ones(0), np.ones(0))) is None
