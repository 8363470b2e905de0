import numpy as np
import pytest

from model_exporter.stats.confusion import Confusion, average, rate
from model_exporter.stats.intervals import Interval, wilson
from model_exporter.stats.tally import Entries, Floats


def _sums(confusion: Confusion, counts: list[list[int]]) -> Floats:
    table = np.array(counts)
    actual, predicted = (np.repeat(codes.ravel(), table.ravel()) for codes in np.indices(table.shape))
    entries = Entries(len(actual))
    confusion.enter(entries, actual=actual, predicted=predicted, weights=np.ones(len(actual)))
    return entries.total(confusion.width)


def test_rates_have_wilsons_intervals_over_their_denominators() -> None:
    """Recall over what is of a class, precision over what was called it."""
    confusion = Confusion(["a", "b"])
    sums = _sums(confusion, [[40, 10], [20, 130]])
    recall, precision = confusion.recall(sums, 0), confusion.precision(sums, 0)
    assert recall is not None
    assert precision is not None
    assert (recall.value, recall.lower, recall.upper, recall.count) == (0.8, *wilson(0.8, 50), 50.0)
    assert (precision.value, precision.count) == pytest.approx((2 / 3, 60.0))


def test_macro_recall_adds_independent_errors() -> None:
    """Its interval is the root of the summed squares of the classes', over their number."""
    confusion = Confusion(["a", "b"])
    sums = _sums(confusion, [[40, 10], [20, 130]])
    macro = {one.metric: one for one in confusion.macro(sums)}["macro_recall"]
    one, other = wilson(0.8, 50), wilson(130 / 150, 150)
    value = (0.8 + 130 / 150) / 2
    reach = np.hypot(0.8 - one.lower, 130 / 150 - other.lower) / 2
    assert (macro.value, macro.lower) == pytest.approx((value, value - reach))


def test_a_mean_of_dependent_parts_is_as_wide_as_they_are() -> None:
    """Ends are averaged, and clipped."""
    parts = [(0.9, Interval(0.8, 0.98)), (0.7, Interval(0.5, 0.9))]
    found = average("some", parts, 10.0, independent=False)
    assert (found.value, found.lower, found.upper) == pytest.approx((0.8, 0.65, 0.94))


def test_rates_below_thirty_rows_are_not_given() -> None:
    """Nothing is said from 29 rows."""
    assert rate("some", 29.0, 29.0, 29.0) is None
    assert rate("some", 30.0, 30.0, 30.0) is not None


def test_no_rows_make_no_macro_means() -> None:
    """Neither from nothing nor from 29 rows."""
    confusion = Confusion(["a", "b"])
    assert confusion.macro(np.zeros(confusion.width)) == []
    assert confusion.macro(_sums(confusion, [[29, 0], [0, 0]])) == []
