"""The effect that explanations tell, against the values that were binned."""

from math import isnan

import numpy as np
import pytest

from baselines import feature
from model_exporter.stats.bins import ordinal_bins
from model_exporter.stats.distances import psi, psi_terms
from model_exporter.stats.effect import NO_MOVE, move

RNG = np.random.default_rng(11)
NORMAL = RNG.normal(50.0, 4.0, 20_000)
X = np.array([-1.0, 0.0, 1.0])


@pytest.mark.parametrize(("shift", "scale"), [(0.1, 1.0), (-0.5, 1.0), (1.0, 1.0), (0.0, 1.3), (0.0, 0.6)])
def test_a_shift_and_a_spread_are_told_as_large_as_they_are(shift: float, scale: float) -> None:
    """On the bins of normal values both come out within 0.03 of what the raw values say."""
    baseline = feature(NORMAL.tolist())
    assert baseline.numeric
    values = 50.0 + 4.0 * (shift + scale * RNG.normal(size=50_000))
    counts = np.bincount(ordinal_bins(values, np.array(baseline.edges)), minlength=len(baseline.bins) - 1)
    told = move(np.array(baseline.counts[:-1]), counts, np.array(baseline.numeric.positions), baseline.numeric.sd)
    assert told.shift == pytest.approx((values.mean() - NORMAL.mean()) / NORMAL.std(), abs=0.03)
    assert told.spread == pytest.approx(values.std() / NORMAL.std(), abs=0.03)


def test_the_error_is_how_far_the_shift_strays_by_chance() -> None:
    """Over many samples without drift the shift varies by its standard error."""
    m = np.array([1000, 2000, 1000])
    shifts, errors = [], []
    for _ in range(2000):
        told = move(RNG.multinomial(4000, m / 4000), RNG.multinomial(500, m / 4000), X, sd=float(np.sqrt(0.5)))
        shifts.append(told.shift)
        errors.append(told.error)
    assert np.std(shifts) == pytest.approx(np.mean(errors), rel=0.06)


@pytest.mark.parametrize(
    ("baseline", "window", "positions", "sd"),
    [
        ([0, 0, 0], [1, 1, 1], X, 1.0),
        ([1, 1, 1], [0, 0, 0], X, 1.0),
        ([1, 1, 1], [1, 1, 1], X, 0.0),
        ([1, 1, 1], [1, 1, 1], X, np.nan),
        ([1, 1, 1], [1, 1, 1], X * 1e300, 1e-300),
    ],
)
def test_what_cannot_be_told_is_not(baseline: list[int], window: list[int], positions: np.ndarray, sd: float) -> None:
    """Without rows, or without a standard deviation, there is no shift: not one of zero."""
    told = move(np.array(baseline), np.array(window), positions, sd)
    assert all(isnan(value) for value in (told.shift, told.error, told.spread))
    assert all(isnan(value) for value in (NO_MOVE.shift, NO_MOVE.error, NO_MOVE.spread))


def test_a_baseline_in_one_bin_has_no_spread_to_compare_with() -> None:
    """The shift is told all the same."""
    told = move(np.array([0, 9, 0]), np.array([0, 5, 4]), X, sd=0.5)
    assert told.shift == pytest.approx(8 / 9)
    assert isnan(told.spread)


def test_the_terms_of_psi_sum_to_it() -> None:
    """Over several features, with empty bins on either side, on both, and a window without rows."""
    starts = np.array([0, 4, 7, 9])
    baseline = np.array([10, 0, 0, 90, 5, 5, 5, 3, 4])
    window = np.array([20, 3, 0, 70, 0, 9, 1, 0, 0])
    terms = psi_terms(baseline, window, starts)
    assert np.add.reduceat(terms, starts[:-1])[:2] == pytest.approx(psi(baseline, window, starts)[:2])
    assert terms[2] == 0
    assert (terms[:7] >= 0).all()
    assert isnan(psi(baseline, window, starts)[2])
