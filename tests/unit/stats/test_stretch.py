"""A stretch of rows against itself."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, norm

from model_exporter.stats.pairs import Counts
from model_exporter.stats.stretch import BLOCKS, stretch_agreement

SHARES = np.diff([0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995, 1])
CUTS = norm.ppf(np.cumsum(SHARES)[:-1])


def blocks(shifts: list[float], *, rows: int = 10_000, features: int = 1, seed: int = 0) -> Counts:
    """Counts of a normal feature in tail-refined bins; block by block its mean is shifted by standard deviations.

    Further features stay as they are.
    """
    rng = np.random.default_rng(seed)
    each = rows // len(shifts)
    drifting = [rng.multinomial(each, np.diff(norm.cdf(CUTS - shift), prepend=0, append=1)) for shift in shifts]
    steady = rng.multinomial(each, SHARES, (len(shifts), features - 1)).reshape(len(shifts), -1)
    return np.hstack([drifting, steady]).astype(np.int64)


def starts_of(counts: Counts) -> Counts:
    """Every feature has as many bins as there are `SHARES`."""
    return np.arange(0, counts.shape[1] + 1, len(SHARES))


@pytest.mark.parametrize(
    ("shifts", "first", "last"),
    [
        ([0.0] * 6 + [0.5] * 2, 0, 5),  # the last quarter: told as the run of the first six
        ([0.5] * 2 + [0.0] * 6, 0, 1),
        ([0.0] * 3 + [0.5] * 2 + [0.0] * 3, 3, 4),
        ([0.0] * 7 + [1.0], 0, 6),
    ],
)
def test_a_drift_in_any_part_is_found_where_it_is(shifts: list[float], first: int, last: int) -> None:
    """A drift that began, ended, or came and went is found, alone among a hundred features, with its place and size."""
    counts = blocks(shifts, features=100)
    agreement = stretch_agreement(counts, starts_of(counts))
    assert agreement.stable.tolist() == [False, *[True] * 99]
    assert (agreement.first[0], agreement.last[0]) == (first, last)
    assert np.sqrt(agreement.effect[0]) == pytest.approx(max(shifts), rel=0.15)
    assert agreement.excess[0] > 0


def test_no_drift_agrees() -> None:
    """Three hundred features without drift agree with themselves, at 100 rows and at 100,000."""
    for rows in (100, 1000, 100_000):
        counts = blocks([0.0] * BLOCKS, rows=rows, features=300, seed=3)
        assert stretch_agreement(counts, starts_of(counts)).stable.all()


def test_what_does_not_matter_is_no_disagreement() -> None:
    """A drift of a tenth of a standard deviation is evident in a million rows, but does not matter."""
    counts = blocks([0.0] * 6 + [0.1] * 2, rows=1_000_000)
    agreement = stretch_agreement(counts, starts_of(counts))
    assert agreement.excess[0] > 0
    assert agreement.effect[0] == pytest.approx(0.01, rel=0.2)
    assert agreement.stable.all()
    assert not stretch_agreement(counts, starts_of(counts), tolerance=0.001).stable.any()


def test_dependence_asks_for_more_evidence() -> None:
    """What is evidence among independent rows is none when each counts for a fiftieth."""
    counts = blocks([0.0] * 6 + [0.4] * 2)
    assert not stretch_agreement(counts, starts_of(counts)).stable.any()
    assert stretch_agreement(counts, starts_of(counts), phi=50.0).stable.all()
    assert stretch_agreement(counts, starts_of(counts), phi=np.array([50.0])).stable.all()


def test_the_statistic_is_pearsons() -> None:
    """The comparison of two blocks is the chi-squared test of their two-row table."""
    counts = np.array([[300, 200, 500], [350, 250, 400]])
    agreement = stretch_agreement(counts, np.array([0, 3]), false_alarm=0.01)
    x2 = chi2_contingency(counts, correction=False)[0]
    limit = 9.210340371976182  # the upper 1 % quantile of chi-squared with 2 degrees
    assert agreement.excess[0] == pytest.approx(np.log(x2 / limit))
    assert agreement.effect[0] == pytest.approx((x2 - 2) * 2 / 1000)


def test_small_bins_are_joined() -> None:
    """A handful of rows in rare bins is no evidence, however unevenly they lie."""
    counts = np.zeros((8, 6), np.int64)
    counts[:, 0] = 1000
    counts[7, 1:] = 1
    assert stretch_agreement(counts, np.array([0, 6])).stable.all()


def test_features_that_cannot_be_compared_are_stable_without_figures() -> None:
    """No bins, no rows, one bin or rows in one block only: stable, NaN and no place, and nothing for the others."""
    counts = np.zeros((4, 8), np.int64)
    counts[:, 2] = 500
    counts[0, 4:6] = 200
    counts[:, 6:] = [[900, 100], [900, 100], [100, 900], [100, 900]]
    agreement = stretch_agreement(counts, np.array([0, 0, 2, 4, 6, 8]))
    assert agreement.stable.tolist() == [True, True, True, True, False]
    assert np.isnan(agreement.excess[:4]).all()
    assert np.isnan(agreement.effect[:4]).all()
    assert agreement.first.tolist() == [-1, -1, -1, -1, 0]
    assert agreement.last.tolist() == [-1, -1, -1, -1, 1]


def test_a_feature_that_comes_later_disagrees() -> None:
    """A feature that is missing in the first half of the stretch does not agree with itself."""
    counts = np.array([[0, 0, 1000], [0, 0, 1000], [500, 500, 0], [500, 500, 0]])
    assert not stretch_agreement(counts, np.array([0, 3])).stable.any()


def test_two_blocks_are_needed() -> None:
    """One block has nothing to be compared with."""
    with pytest.raises(ValueError, match="two blocks"):
        stretch_agreement(np.array([[5, 5]]), np.array([0, 2]))
