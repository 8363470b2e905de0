"""Scores of location and scale."""

import numpy as np
import pytest

from model_exporter.stats.scores import location_and_scale

P = np.array([0.1, 0.2, 0.4, 0.2, 0.1, 0.7, 0.2, 0.1])
STARTS = np.array([0, 5, 8])


def test_scores_are_standard_and_uncorrelated() -> None:
    """Under the baseline each feature's scores have mean 0, variance 1 and no correlation."""
    location, scale = location_and_scale(P, STARTS)
    for part in (slice(0, 5), slice(5, 8)):
        p, x, y = P[part], location[part], scale[part]
        assert [p @ x, p @ y, p @ (x * y)] == pytest.approx([0, 0, 0], abs=1e-12)
        assert [p @ x**2, p @ y**2] == pytest.approx([1, 1])


def test_scores_are_ordered() -> None:
    """Location rises with the bin, scale is larger at the ends."""
    location, scale = location_and_scale(P, STARTS)
    assert (np.diff(location[:5]) > 0).all()
    assert scale[0] == pytest.approx(scale[4])
    assert scale[0] > scale[1] > scale[2]


@pytest.mark.parametrize("p", [[1.0], [0.0, 1.0, 0.0], [0.0, 0.0]])
def test_one_bin_tells_nothing_apart(p: list[float]) -> None:
    """A constant feature, or one without rows, has scores of 0."""
    for scores in location_and_scale(np.array(p), np.array([0, len(p)])):
        assert not scores.any()


def test_two_bins_have_a_location_only() -> None:
    """Two bins have no scale."""
    location, scale = location_and_scale(np.array([0.3, 0.7]), np.array([0, 2]))
    assert (location != 0).all()
    assert not scale.any()


def test_no_features_have_no_scores() -> None:
    """An empty layout is fine."""
    assert [len(scores) for scores in location_and_scale(np.zeros(0), np.array([0]))] == [0, 0]
