from collections.abc import Sequence

import pytest

from baselines import column, feature
from model_exporter.baseline.binning import bin_cells, category_index, category_label, count_cells
from model_exporter.baseline.model import FeatureType


def _labels(
    values: Sequence[object], baseline_values: Sequence[object], missing: frozenset[str] = frozenset()
) -> list[str]:
    """Bin of each value against the baseline of other values."""
    built = feature(baseline_values)
    return [built.bins[index] for index in bin_cells(built, column(values), missing)]


def test_numbers_fall_in_the_bin_whose_edges_enclose_them() -> None:
    """Below the smallest, between, on the largest, above, and not a number."""
    values: list[object] = [-1, 0, 0.5, 1, 1.5, None, "x", float("inf")]
    expected = ["_below", "00", "01", "01", "_above", "_missing", "_missing", "_missing"]
    assert _labels(values, [0.0] * 50 + [1.0] * 50) == expected


def test_categories_fall_in_their_own_bin_or_a_special_one() -> None:
    """Frequent, remembered, never seen, and missing."""
    values: list[object] = ["DE", "AT", "XX", None, [1], "N/A"]
    expected = ["DE", "_other", "_unseen", "_missing", "_missing", "_missing"]
    assert _labels(values, ["DE"] * 50 + ["AT"], frozenset({"N/A"})) == expected


def test_a_category_with_an_underscore_finds_its_bin() -> None:
    """The label differs from the category, the look-up does not."""
    assert _labels(["_missing", "_x"], ["_missing"] * 9 + ["_x"] * 2) == ["__missing", "_other"]


def test_truth_values_fall_in_two_bins() -> None:
    """False and true, however they are written, and the rest is missing."""
    assert _labels([0, "true", "maybe"], [True, False]) == ["false", "true", "_missing"]


def test_after_an_empty_baseline_everything_is_unseen() -> None:
    """A feature that never had a value has no category that one could know."""
    assert _labels(["a", 1.5, None], [None, None]) == ["_unseen", "_unseen", "_missing"]


def test_an_identifier_has_no_bins() -> None:
    """Its cells are in none: asking for one is a mistake, counting gives nothing."""
    identifier = feature(["a"], FeatureType.IDENTIFIER)
    assert len(count_cells(identifier, column(["a"]))) == 0
    with pytest.raises(ValueError, match="no bins"):
        bin_cells(identifier, column(["a"]))


def test_no_rows_count_nothing() -> None:
    """Every bin is there, from 0."""
    assert count_cells(feature([True, False]), column([])).tolist() == [0, 0, 0]


@pytest.mark.parametrize("category", ["DE", "_x", "__x", "_", "_other", "a_b"])
def test_the_index_knows_categories_by_their_own_name(category: str) -> None:
    """Labels are turned back into the categories that they stand for."""
    built = feature([category] * 9)
    assert category_index(built) == {category: 0}
    assert built.bins[0] == category_label(category)
