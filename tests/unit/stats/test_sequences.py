import numpy as np
import pytest

from model_exporter.stats.intervals import Interval, Moments
from model_exporter.stats.sequences import gap_at_least, mean_sequence, sequence_radius, share_sequence


def test_the_radius_is_the_formula() -> None:
    """It is sd sqrt(2 (n r + 1) / (n^2 r) log(sqrt(n r + 1) / alpha)), tuned to 500 rows."""
    alpha, n = 0.05, np.array([10.0, 500.0, 1e6])
    r = (-2 * np.log(alpha) + np.log(1 - 2 * np.log(alpha))) / 500
    expected = 3 * np.sqrt(2 * (n * r + 1) / (n**2 * r) * np.log(np.sqrt(n * r + 1) / alpha))
    assert [sequence_radius(3.0, rows, alpha) for rows in n] == pytest.approx(expected)


def test_no_rows_of_a_kind_are_not_certainty() -> None:
    """A share of 0 or 1 has a sequence with room."""
    assert share_sequence(0.0, 100, 0.05).upper > 0.03
    assert share_sequence(1.0, 100, 0.05).lower < 0.97


def test_a_mean_lies_in_the_middle_of_its_sequence() -> None:
    """With the radius of its standard deviation."""
    x = np.random.default_rng(0).normal(5, 2, 300)
    lower, upper = mean_sequence(Moments(300, 300, x.sum(), (x**2).sum(), (x**3).sum()), 0.02)
    assert (lower + upper) / 2 == pytest.approx(x.mean())
    assert (upper - lower) / 2 == pytest.approx(sequence_radius(x.std(ddof=1), 300, 0.02))


def test_a_gap_is_at_least_what_lies_between() -> None:
    """Whichever side is larger; none is left where they overlap."""
    low, high = Interval(0.1, 0.25), Interval(0.5, 0.75)
    assert gap_at_least(low, high) > 0.2
    assert gap_at_least(high, low) > 0.2
    assert gap_at_least(low, high) == 0.25
    assert gap_at_least(Interval(0.1, 0.5), Interval(0.4, 0.6)) < 0


@pytest.mark.slow
def test_a_sequence_holds_at_every_look() -> None:
    """Looked at every 10 rows up to 5,000, a share's sequence misses the truth in at most 7 % of runs."""
    rng = np.random.default_rng(7)
    at = np.arange(30, 5001, 10)
    missed = 0
    for _ in range(400):
        shares = np.cumsum(rng.random(5000) < 0.3)[at - 1] / at
        ends = [share_sequence(share, n, 0.05) for share, n in zip(shares.tolist(), at.tolist(), strict=True)]
        missed += any(not lower <= 0.3 <= upper for lower, upper in ends)
    assert missed <= 28
