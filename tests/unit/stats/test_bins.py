import numpy as np
import pytest
from numpy.typing import NDArray

from model_exporter.stats.bins import MIN_ROWS, TAIL_REFINED, observed_quantile, ordinal_bins, tail_refined_edges


def _inner_counts(ordered: NDArray[np.float64]) -> list[int]:
    """Rows of each bin between the first edge and the last."""
    edges = tail_refined_edges(ordered)
    counts = np.bincount(ordinal_bins(ordered, edges), minlength=len(edges) + 1)
    assert counts[0] == counts[-1] == 0
    return [int(count) for count in counts[1:-1]]


def test_many_distinct_values_get_sixteen_bins_with_narrow_tails() -> None:
    """Of 10,000 distinct values each bin holds exactly the share that its quantiles enclose."""
    shares = np.diff([0, *TAIL_REFINED, 1])
    assert _inner_counts(np.arange(10_000.0)) == (shares * 10_000).round().astype(int).tolist()


def test_sixteen_distinct_values_get_a_bin_each() -> None:
    """Up to sixteen values are told apart; with one more the quantiles decide."""
    assert _inner_counts(np.repeat(np.arange(16.0), 100)) == [100] * 16
    assert len(_inner_counts(np.repeat(np.arange(17.0), 100))) < 17


def test_the_outer_edges_are_the_range() -> None:
    """The first edge is the largest float below the smallest value, the last is the largest value."""
    edges = tail_refined_edges(np.linspace(3, 9, 1_000))
    assert (np.nextafter(edges[0], np.inf), edges[-1]) == (3.0, 9.0)


@pytest.mark.parametrize("rows", [1, 4, 5, 9, 10, 60, 300, 999])
def test_no_bin_holds_fewer_than_five_rows(rows: int) -> None:
    """Small bins join their neighbour; with fewer than five rows in all there is one bin."""
    counts = _inner_counts(np.arange(float(rows)))
    assert sum(counts) == rows
    assert len(counts) == 1 or min(counts) >= MIN_ROWS


def test_a_rare_largest_value_keeps_the_last_edge() -> None:
    """The last bin joins the one below it and still ends at the largest value."""
    edges = tail_refined_edges(np.array([0.0] * 50 + [1.0] * 50 + [2.0]))
    assert edges[1:].tolist() == [0.0, 2.0]


def test_a_value_that_fills_several_quantiles_is_one_edge() -> None:
    """With 70 % zeros the edges still ascend strictly."""
    ordered = np.concatenate([np.zeros(700), np.arange(1.0, 301)])
    edges = tail_refined_edges(ordered)
    assert (np.diff(edges) > 0).all()
    assert _inner_counts(ordered)[0] == 700


def test_a_constant_has_one_bin() -> None:
    """All rows are in the one bin that holds the constant alone."""
    assert _inner_counts(np.full(100, 7.0)) == [100]


@pytest.mark.parametrize("value", [-1.7976931348623157e308, 1.7976931348623157e308, 5e-324, 0.0])
def test_the_ends_of_the_range_of_floats_have_edges(value: float) -> None:
    """The extreme floats are a range like any other, without a warning."""
    edges = tail_refined_edges(np.array([value]))
    assert edges[0] < edges[1] == value


def test_an_upper_edge_belongs_to_its_bin() -> None:
    """A value on an edge is in the bin below the edge, the next float in the one above."""
    edges = np.array([0.0, 1.0, 2.0])
    assert ordinal_bins(np.array([1.0, np.nextafter(1.0, 2.0)]), edges).tolist() == [1, 2]


def test_without_edges_all_numbers_share_a_bin() -> None:
    """No edge leaves one unbounded bin."""
    assert ordinal_bins(np.array([1.0, -9.0]), np.zeros(0)).tolist() == [0, 0]


@pytest.mark.parametrize(("share", "expected"), [(0.1, 1), (0.3, 3), (0.31, 4), (0.5, 5), (1.0, 10), (0.001, 1)])
def test_a_quantile_is_the_first_value_that_reaches_the_share(share: float, expected: float) -> None:
    """Of the numbers 1 to 10, the tenth part is 1, and rounding of the share does not carry it to the next value."""
    assert observed_quantile(np.arange(1.0, 11), share) == expected
