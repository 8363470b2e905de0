import numpy as np
import pytest

from model_exporter.stats.bins import ordinal_bins
from model_exporter.stats.score_bins import roc_area
from model_exporter.stats.score_edges import class_balanced_edges, edges_from_bins, quantile_edges, uniform_edges


def test_balanced_bins_hold_as_much_of_both_classes_together() -> None:
    """Each of 50 bins holds 2 % of half the positives and half the negatives, however rare positives are."""
    rng = np.random.default_rng(0)
    positive = rng.random(50_000) < 0.03
    scores = rng.normal(size=50_000) + 2 * positive
    edges = class_balanced_edges(scores, positive)
    assert len(edges) == 49
    shares = [np.bincount(ordinal_bins(scores[own], edges), minlength=50) / own.sum() for own in (positive, ~positive)]
    assert (shares[0] + shares[1]) / 2 == pytest.approx(np.full(50, 0.02), abs=0.001)


def test_plain_bins_hold_as_many_rows() -> None:
    """Each of 100 bins holds 1 %."""
    scores = np.random.default_rng(0).exponential(size=10_000)
    edges = quantile_edges(scores)
    assert np.bincount(ordinal_bins(scores, edges)).tolist() == [100] * 100


def test_repeated_scores_make_fewer_bins() -> None:
    """No edge stands twice, and no scores make one bin."""
    assert quantile_edges(np.repeat([0.2, 0.7], 500)).tolist() == [0.2, 0.7]
    assert quantile_edges(np.zeros(0)).tolist() == []
    assert class_balanced_edges(np.array([0.5]), np.array([True])).tolist() == [0.5]


def test_edges_from_bins_are_quantiles_of_what_the_bins_tell() -> None:
    """Rows that lie evenly within bins of a baseline are cut into equal parts; empty bins make no difference."""
    scores = np.random.default_rng(0).beta(2, 5, 200_000)
    coarse = np.linspace(0, 1, 41)
    counts, _ = np.histogram(scores, coarse)
    edges = edges_from_bins(coarse, counts)
    held = np.bincount(ordinal_bins(scores, edges), minlength=100) / len(scores)
    assert np.abs(held - 0.01).max() < 0.004
    assert (np.diff(edges_from_bins(np.arange(5.0), np.array([0, 10, 0, 10]), 4)) > 0).all()


@pytest.mark.parametrize("prevalence", [0.05, 0.3])
def test_balanced_bins_find_areas_better_than_equal_lengths(prevalence: float) -> None:
    """The bracket of 50 balanced bins is at most a fortieth wide, that of equal lengths wider."""
    rng = np.random.default_rng(1)
    positive = rng.random(100_000) < prevalence
    odds = np.log(prevalence / (1 - prevalence)) + 1.8 * (rng.normal(size=100_000) + 1.8 * positive) - 1.62
    scores = 1 / (1 + np.exp(-odds))
    widths = []
    for edges in (class_balanced_edges(scores, positive), uniform_edges(50)):
        bins = ordinal_bins(scores, edges)
        parts = [np.bincount(bins[own], minlength=50).astype(np.float64) for own in (positive, ~positive)]
        area = roc_area(*parts)
        widths.append(area.most - area.least)
    assert widths[0] < 0.025
    assert widths[0] < widths[1]
