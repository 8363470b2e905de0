import numpy as np
import pytest

from model_exporter.baseline import categories
from model_exporter.baseline.categories import CategoryBins, CategoryCounts, category_bins
from model_exporter.batch import Words


def _bins(rows: dict[str, int], *, missing: int = 0) -> CategoryBins:
    return category_bins(CategoryCounts(tuple(rows), np.array(list(rows.values()), np.int64)), missing=missing)


def _counts(bins: CategoryBins) -> dict[str, int]:
    return dict(zip(bins.bins, bins.counts, strict=True))


def test_categories_come_by_frequency_and_then_by_name() -> None:
    """The order does not depend on the order of the rows."""
    assert _bins({"b": 7, "c": 9, "a": 7}).bins[:3] == ("c", "a", "b")


def test_rare_categories_share_a_bin() -> None:
    """Fewer than five rows are too few for a bin of one's own, but the category is remembered."""
    bins = _bins({"DE": 90, "AT": 4}, missing=6)
    assert _counts(bins) == {"DE": 90, "_other": 4, "_unseen": 0, "_missing": 6}
    assert bins.known == {"AT"}


def test_only_fifty_categories_have_a_bin() -> None:
    """The fifty most frequent ones do, and the next is remembered."""
    bins = _bins({f"c{index:02}": 100 - index for index in range(52)})
    assert bins.bins[49:] == ("c49", "_other", "_unseen", "_missing")
    assert bins.known == {"c50", "c51"}


def test_a_category_seen_once_stands_for_the_unseen() -> None:
    """Rows of categories seen once are counted in `_unseen` although the category is remembered (Good-Turing)."""
    bins = _bins({"DE": 90, "AT": 2, "FR": 1, "IT": 1})
    assert _counts(bins) == {"DE": 90, "_other": 2, "_unseen": 2, "_missing": 0}
    assert bins.known == {"AT", "FR", "IT"}


def test_a_category_cannot_pose_as_a_special_bin() -> None:
    """Categories with a leading underscore get one more, so labels stay distinct."""
    bins = _bins({"_missing": 9, "__missing": 8, "_": 7}, missing=5)
    assert _counts(bins) == {"__missing": 9, "___missing": 8, "__": 7, "_other": 0, "_unseen": 0, "_missing": 5}


def test_without_categories_there_are_the_special_bins() -> None:
    """A feature that was always missing still has all bins."""
    assert _counts(_bins({}, missing=3)) == {"_other": 0, "_unseen": 0, "_missing": 3}


def test_words_that_no_row_uses_are_no_categories() -> None:
    """A vocabulary may know more words than its rows; equal words in it are one category."""
    found = CategoryCounts.of(Words(np.array([0, 2, 2, -1, 3], np.int32), ("a", "b", "c", "a")))
    assert dict(zip(found.names, found.rows.tolist(), strict=True)) == {"a": 2, "c": 2}


def test_only_so_many_categories_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The most frequent are kept, equal ones by name, and the rows of the forgotten are expected in `_unseen`."""
    monkeypatch.setattr(categories, "MAX_KNOWN_CATEGORIES", 2)
    bins = _bins({"a": 3, "b": 2, "c": 2, "d": 1})
    assert bins.known == {"a", "b"}
    # b, c and d (5 rows) would be forgotten with a row less; of a's class, two rows, one in two is remembered.
    assert _counts(bins) == {"_other": 1, "_unseen": 7, "_missing": 0}


@pytest.mark.parametrize(("categories_", "rows"), [(500, 10_000), (5_000, 20_000), (60_000, 200_000)])
def test_the_share_of_unseen_rows_is_foretold(categories_: int, rows: int) -> None:
    """Of fresh rows from the same law, the share in no remembered category is as the baseline's `_unseen` says.

    Within four standard errors and half a percent; the largest case has more categories than are remembered.
    """
    rng = np.random.default_rng(17)
    law = 1 / np.arange(1, categories_ + 1) ** 0.8
    drawn, fresh = rng.choice(categories_, (2, rows), p=law / law.sum())
    names = tuple(map(str, range(categories_)))
    bins = category_bins(CategoryCounts.of(Words(drawn.astype(np.int32), names)), missing=0)
    foretold = _counts(bins)["_unseen"] / rows
    remembered = np.isin(fresh, [int(name) for name in (*bins.known, *bins.bins[:-3])])
    noise = np.sqrt(foretold * (1 - foretold) * 2 / rows)
    assert abs((1 - remembered.mean()) - foretold) < 4 * noise + 0.005
