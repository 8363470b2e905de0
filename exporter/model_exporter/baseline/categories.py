"""Bins of a categorical feature: which categories get one, which are remembered, and how many rows are in each."""

from dataclasses import dataclass
from heapq import nsmallest
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.binning import category_label
from model_exporter.baseline.model import MAX_CATEGORIES, MAX_KNOWN_CATEGORIES, MISSING, OTHER, UNSEEN
from model_exporter.batch import Words
from model_exporter.stats.bins import MIN_ROWS

SPECIAL_BINS: Final = (OTHER, UNSEEN, MISSING)


@dataclass(frozen=True, slots=True)
class CategoryCounts:
    """The distinct categories of a feature's rows, and int64 rows of each, at least one."""

    names: tuple[str, ...]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, words: Words) -> "CategoryCounts":
        """Count `words`."""
        rows = np.bincount(words.codes[words.codes >= 0], minlength=len(words.words)).tolist()
        counts: dict[str, int] = {}
        for word, count in zip(words.words, rows, strict=True):
            if count:
                counts[word] = counts.get(word, 0) + count
        return cls(tuple(counts), np.fromiter(counts.values(), np.int64, len(counts)))

    @property
    def singletons(self) -> int:
        """Categories seen exactly once."""
        return int(np.count_nonzero(self.rows == 1))

    def most_frequent(self, limit: int, *, among: NDArray[np.intp]) -> list[int]:
        """Indices of up to `limit` categories out of `among`, most frequent first, equal ones by name."""
        rows = self.rows.tolist()
        return nsmallest(limit, among.tolist(), key=lambda index: (-rows[index], self.names[index]))


@dataclass(frozen=True, slots=True)
class CategoryBins:
    """Labels and counts of a categorical feature's bins, and the categories that share `_other`."""

    bins: tuple[str, ...]
    counts: tuple[int, ...]
    known: frozenset[str]


def category_bins(categories: CategoryCounts, *, missing: int) -> CategoryBins:
    """Bins for `categories`, the most frequent first, then `_other`, `_unseen` and `_missing`.

    Up to 50 categories with at least 5 rows have a bin of their own. Up to 10,000 others are remembered, and a row of
    one of them falls in `_other`; any other category falls in `_unseen`.

    No baseline row is of an unseen category, yet among later rows some will be, and a baseline with 0 there would
    take them for drift. So `_unseen` is given the rows that would have fallen in it had they been left out of the
    baseline, one at a time: those whose category was seen once (and the share of rarer ones that are too many to
    remember). Over n rows their share estimates the chance that the next row is of an unseen category, which is
    I. J. Good's and A. M. Turing's estimate (Biometrika 40, 1953). `_other` has the rest.

    >>> found = CategoryCounts(("DE", "AT", "FR"), np.array([6, 2, 1]))
    >>> bins = category_bins(found, missing=3)
    >>> bins.bins, bins.counts, sorted(bins.known)
    (('DE', '_other', '_unseen', '_missing'), (6, 2, 1, 3), ['AT', 'FR'])
    """
    rows = categories.rows
    own = categories.most_frequent(MAX_CATEGORIES, among=np.flatnonzero(rows >= MIN_ROWS))
    shared = np.ones(len(rows), np.bool_)
    shared[own] = False
    others = np.flatnonzero(shared)
    known = others.tolist()
    if len(others) > MAX_KNOWN_CATEGORIES:
        known = categories.most_frequent(MAX_KNOWN_CATEGORIES, among=others)
    unseen = _left_out(rows[others], rows[known])
    return CategoryBins(
        bins=(*(category_label(categories.names[index]) for index in own), *SPECIAL_BINS),
        counts=(*rows[own].tolist(), int(rows[others].sum()) - unseen, unseen, missing),
        known=frozenset(categories.names[index] for index in known),
    )


def _left_out(others: NDArray[np.int64], known: NDArray[np.int64]) -> int:
    """Rows whose category would not be remembered without that one row.

    Args:
        others: rows of each category without a bin of its own.
        known: rows of those that are remembered, the most frequent ones.
    """
    if len(known) == len(others):
        return int(np.count_nonzero(others == 1))
    # Categories with `rarest` rows are remembered in part, rarer ones not at all. One row less takes a category with
    # up to `rarest` rows among the forgotten, and one with `rarest + 1` rows among those remembered in part.
    rarest = int(known.min())
    remembered = np.count_nonzero(known == rarest) / np.count_nonzero(others == rarest)
    forgotten = int(others[others <= rarest].sum())
    at_the_brink = int(others[others == rarest + 1].sum())
    return forgotten + round(at_the_brink * (1 - remembered))
