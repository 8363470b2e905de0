import numpy as np
import pytest

from model_exporter.stats.moments import MeanSums
from model_exporter.stats.tally import Entries, effective_rows


def test_entries_add_up_by_column_and_by_place() -> None:
    """Rows with a column for all, a column of their own, several values, or left out."""
    entries = Entries(3)
    entries.add(0, np.array([1.0, 2.0, 4.0]))
    entries.add(np.array([1, 2, 1]), np.array([1.0, 2.0, 4.0]), np.array([True, True, False]))
    entries.add_columns(np.array([False, True, True]), 2, (np.array([8.0, 16.0]), np.array([32.0, 64.0])))
    entries.add(np.array([3, 3]), np.array([128.0, 256.0]), rows=np.array([0, 2]))
    assert entries.total(4).tolist() == [7.0, 1.0, 26.0, 480.0]
    by_place = entries.total_by(np.array([1, 0, 1]), 2, 4)
    assert by_place.tolist() == [[2.0, 0.0, 10.0, 32.0], [5.0, 1.0, 16.0, 448.0]]


def test_moved_entries_stand_in_their_rows_columns() -> None:
    """Each row's columns move by its own offset."""
    entries = Entries(2)
    entries.add(np.array([0, 1]), np.array([1.0, 2.0]))
    assert entries.moved(np.array([2, 0])).total(4).tolist() == [0.0, 2.0, 1.0, 0.0]


def test_no_entries_are_zeros() -> None:
    """Without any column there is nothing, in the shape asked for."""
    assert Entries(0).total(3).tolist() == [0.0, 0.0, 0.0]
    assert Entries(0).total_by(np.zeros(0, np.int64), 2, 3).tolist() == [[0.0] * 3] * 2


def test_effective_rows_fall_with_unequal_weights() -> None:
    """Equal weights count each row once whatever they are; unequal ones count fewer."""
    assert effective_rows(40.0, 160.0) == 10.0
    assert effective_rows(13.0, 103.0) == pytest.approx(169 / 103)
    assert effective_rows(0.0, 0.0) == 0.0
    assert effective_rows(1e-9, 1e-12) == 0.0


def test_a_mean_is_scaled_and_bounded_with_its_interval() -> None:
    """It is that of the kept rows, times the scale; its interval stays within what is possible."""
    rng = np.random.default_rng(0)
    x, weights, where = rng.exponential(0.1, 500), rng.choice([1.0, 3.0], 500), np.arange(500) % 5 > 0
    x[3] = np.nan
    entries = Entries(500)
    MeanSums().enter(entries, 0, x, weights, where)
    sums = entries.total(5)
    found = MeanSums().measure("some", sums, "label", bounds=(0.0, np.inf), scale=10.0)
    assert found is not None
    kept = where & ~np.isnan(x)
    assert found.value == pytest.approx(10 * np.average(x[kept], weights=weights[kept]))
    w = weights[kept]
    assert found.count == pytest.approx(w.sum() ** 2 / (w**2).sum())
    assert found.label == "label"
    tight = MeanSums().measure("some", sums, bounds=(0.0, found.value / 10))
    assert tight is not None
    assert tight.upper == tight.value


def test_a_mean_waits_for_a_hundred_rows() -> None:
    """99 are too few."""
    for rows, shown in ((99, False), (100, True)):
        entries = Entries(rows)
        MeanSums().enter(entries, 0, np.ones(rows), np.ones(rows), np.ones(rows, np.bool_))
        found = MeanSums().measure("some", entries.total(5), bounds=(0.0, np.inf))
        assert (found is not None) == shown
