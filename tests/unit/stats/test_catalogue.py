import numpy as np
import pytest

from model_exporter.stats.catalogue import catalogue_coverage, catalogue_sums, distinct_items, novelty


def _draw(items: int, rows: int, seed: int = 0) -> list[list[str]]:
    drawn = np.random.default_rng(seed).integers(0, items, (rows, 10))
    return [[str(item) for item in row] for row in drawn]


@pytest.mark.parametrize("items", [10, 300, 3000, 9000])
def test_the_sketch_counts_distinct_items(items: int) -> None:
    """Its interval holds the number of items that occurred, in most of twenty draws."""
    held = 0
    for seed in range(20):
        rankings = [[f"{seed}-{item}" for item in row] for row in _draw(items, 2000, seed)]
        truth = len({item for row in rankings for item in row})
        found = distinct_items(catalogue_sums(rankings))
        assert found is not None
        assert found.value == pytest.approx(truth, rel=0.1)
        held += found.lower <= truth <= found.upper
    assert held >= 16


def test_beyond_the_sketch_nothing_is_said() -> None:
    """With few empty buckets the number of items is not told, and without any row neither."""
    assert distinct_items(catalogue_sums(_draw(100_000, 5000))) is None
    assert distinct_items(catalogue_sums([])) is None
    assert catalogue_coverage(catalogue_sums([]), 10) is None


def test_coverage_is_a_share() -> None:
    """Of a catalogue that is smaller than the estimate it is 1."""
    found = catalogue_coverage(catalogue_sums(_draw(200, 2000)), 100)
    assert found is not None
    assert (found.value, found.lower, found.upper) == (1.0, 1.0, 1.0)


def test_replicas_add_up() -> None:
    """The sketch of two streams is the sum of theirs, and a stream that is taken off leaves none of its items."""
    one, other = _draw(300, 200, 1), _draw(400, 300, 2)
    both = catalogue_sums(one) + catalogue_sums(other)
    np.testing.assert_array_equal(both, catalogue_sums(one + other))
    np.testing.assert_array_equal(both - catalogue_sums(other), catalogue_sums(one))


def test_rare_items_are_new() -> None:
    """Novelty is the mean of -log2 of the share in the baseline, and rises when rare items are recommended."""
    baseline = catalogue_sums([["often"] * 63 + ["seldom"]] * 100)
    often, seldom = (novelty(catalogue_sums([[item]] * 200), baseline) for item in ("often", "seldom"))
    assert often is not None
    assert seldom is not None
    assert seldom.value == pytest.approx(-np.log2(100.5 / (6400 + 2048)))
    assert often.value < 1 < seldom.value
    assert novelty(catalogue_sums([["often"]] * 99), baseline) is None
    assert novelty(baseline, catalogue_sums([])) is None
