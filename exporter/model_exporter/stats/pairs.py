"""Which pairs of features are watched together, and how many rows fall in each of their joint cells.

A value counts by its level: its bin of the baseline, joined with others to at most five levels of about a fifth of the
baseline's rows each. A pair's table has 5 by 5 cells, flat: 5 times the first feature's level plus the second's. Rows
in which either value is missing are left out of the pair. Tables of rows add up, whatever the order and split.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats import kernel
from model_exporter.stats.copula import LEVELS
from model_exporter.stats.distinct import distinct

Counts = NDArray[np.int64]
Levels = NDArray[np.uint8]
Flags = NDArray[np.bool_]

CELLS: Final = LEVELS * LEVELS
NO_LEVEL: Final = LEVELS
"""Level of a value that has none: missing, or of a bin that does not lie on a scale."""
ALL_PAIRS: Final = 30
"""Up to this number of features every pair is watched."""
PAIRS_PER_FEATURE: Final = 10
"""Beyond it, this many pairs a feature: those with the strongest rank correlation, and all pairs with an output."""

_ROWS_AT_ONCE: Final = 8192


@dataclass(frozen=True, slots=True)
class PairBaseline:
    """The joint tables of a baseline.

    Attributes:
        levels: uint8[B], level of each bin of the baseline's flat layout: 0 to 4, or `NO_LEVEL`.
        pairs: int64[P, 2], indices of the features of each pair in that layout; the first is the smaller.
        counts: int64[P, 25], baseline rows in each cell.
    """

    levels: Levels
    pairs: Counts
    counts: Counts


class PairTally:
    """Counts of a stream's pairs, in bounded memory and at the cost of a large batch however small the batches are.

    Args:
        pairs: int64[P, 2], as in `PairBaseline`.
        features: columns of the level matrices to come.
        capacity: rows that are held before they are counted.
    """

    def __init__(self, pairs: Counts, features: int, *, capacity: int = 1024) -> None:
        self._pairs = np.ascontiguousarray(pairs)
        self._held = np.empty((features, capacity), np.uint8)
        self._rows = 0
        self._counts = np.zeros((len(pairs), CELLS), np.int64)

    def add(self, levels: Levels) -> None:
        """Take the rows of `levels`, uint8[n, F]."""
        while len(levels) > 0:
            room = self._held.shape[1] - self._rows
            taken = levels[:room]
            self._held[:, self._rows : self._rows + len(taken)] = taken.T
            self._rows += len(taken)
            levels = levels[room:]
            if len(taken) == room:
                self._flush()

    def take(self) -> Counts:
        """Rows in each cell since the last call, int64[P, 25]."""
        self._flush()
        counts, self._counts = self._counts, np.zeros_like(self._counts)
        return counts

    def _flush(self) -> None:
        kernel.count_pairs(self._held[:, : self._rows], self._pairs, self._counts)
        self._rows = 0


def build_pairs(
    bins: NDArray[np.intp], *, counts: Counts, starts: Counts, ordinal: Flags, outputs: Flags
) -> PairBaseline:
    """Joint tables of a baseline's rows.

    Args:
        bins: intp[m, F], index of each value's bin in the flat layout.
        counts: int64[B], baseline rows in each bin.
        starts: int64[F+1], where each feature's bins begin.
        ordinal: bool[B], whether a bin lies on its feature's scale.
        outputs: bool[F], predictions and scores: all pairs with one of them are watched.

    >>> x = np.repeat([0, 1], 5)
    >>> two = build_pairs(
    ...     np.column_stack([x, x + 2]), counts=np.full(4, 5), starts=np.array([0, 2, 4]),
    ...     ordinal=np.full(4, True), outputs=np.array([False, True]))
    >>> two.pairs.tolist(), two.counts.reshape(5, 5)[:2, :2].tolist()
    ([[0, 1]], [[5, 0], [0, 5]])
    """
    levels = quintile_levels(counts, starts, ordinal)
    cells = levels[bins]
    pairs = choose_pairs(cells, outputs=outputs)
    return PairBaseline(levels, pairs, count_pairs(cells, pairs))


def quintile_levels(counts: Counts, starts: Counts, ordinal: Flags) -> Levels:
    """Level of each bin: the fifth of the feature's ordinal baseline rows in which the bin's middle row lies, uint8[B].

    Fifths in which no bin's middle lies are skipped, so that a feature has as many levels as it has use for: five when
    its values are continuous, two when it has two values. An empty bin joins the level beside it. Bins that are not
    ordinal, and all bins of a feature without ordinal rows, have `NO_LEVEL`.

    >>> flags = np.array([True, True, True, True, False])
    >>> quintile_levels(np.array([0, 50, 30, 20, 7]), np.array([0, 5]), flags).tolist()
    [0, 0, 1, 2, 5]
    """
    owner = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    rows = np.where(ordinal, counts, 0)
    running = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(rows, out=running[1:])
    total = (running[starts[1:]] - running[starts[:-1]])[owner]
    doubled_middle = 2 * (running[:-1] - running[starts[:-1]][owner]) + rows
    fifth = np.minimum(doubled_middle * LEVELS // np.maximum(2 * total, 1), LEVELS - 1)
    used = np.zeros((len(starts) - 1, LEVELS + 1), np.int64)
    used[owner[rows > 0], fifth[rows > 0] + 1] = 1
    below = used.cumsum(axis=1)
    level = np.minimum(below[owner, fifth], below[owner, LEVELS] - 1)
    return np.where(ordinal & (total > 0), level, NO_LEVEL).astype(np.uint8)


def choose_pairs(levels: Levels, *, outputs: Flags, all_of: int = ALL_PAIRS, at_most: int | None = None) -> Counts:
    """The pairs to watch, int64[P, 2] in ascending order: see `ALL_PAIRS` and `PAIRS_PER_FEATURE`.

    Args:
        levels: uint8[m, F], baseline rows; a feature with fewer than two levels among them is in no pair.
        outputs: bool[F].
        all_of: number of features up to which every pair is watched.
        at_most: bound on the pairs that are chosen by their correlation.
    """
    present = np.array([len(distinct(column[column != NO_LEVEL])) > 1 for column in levels.T], np.bool_)
    features = np.flatnonzero(present)
    first, second = np.triu_indices(len(features), 1)
    if len(features) > all_of:
        strength = np.abs(_rank_correlations(levels[:, features]))[first, second]
        kept = np.zeros(len(first), np.bool_)
        strongest = np.argsort(-strength, kind="stable")[: PAIRS_PER_FEATURE * len(features)]
        kept[strongest[:at_most]] = True
        is_output = outputs[features]
        kept |= is_output[first] | is_output[second]
        first, second = first[kept], second[kept]
    return np.column_stack([features[first], features[second]]).astype(np.int64)


def count_pairs(levels: Levels, pairs: Counts) -> Counts:
    """Rows in each cell of each pair, int64[P, 25].

    Each level of a feature is a set of rows, a bit a row, and a cell the number of rows in two such sets: about 1 ns a
    row and pair in numpy. One `bincount` over joint codes takes twice that; a product of one-hot matrices up to 1.8
    times less than this for all pairs of 30 features, and 4 to 16 times more than that for 1 in 10 pairs of 300
    (tests/benchmarks/PAIRS.md).

    Args:
        levels: uint8[n, F].
        pairs: int64[P, 2], indices of columns.

    >>> count_pairs(np.array([[0, 1], [0, 1], [5, 1]], np.uint8), np.array([[0, 1]]))[0, :3].tolist()
    [0, 2, 0]
    """
    tables = np.zeros((len(pairs), CELLS), np.int64)
    kernel.count_pairs(np.ascontiguousarray(levels.T), np.ascontiguousarray(pairs), tables)
    return tables


def _rank_correlations(levels: Levels) -> NDArray[np.float64]:
    """Spearman's rank correlation of levels over the rows where both are present, float64[F, F]; 0 where undefined.

    Ranks are taken over each feature's own rows; a pair's correlation is about their means, so that it is exact when
    nothing is missing and otherwise close enough to choose by.
    """
    features = levels.shape[1]
    table = np.stack([(levels == level).sum(axis=0) for level in range(LEVELS)])
    shares = table / np.maximum(table.sum(axis=0), 1)
    ranks = np.cumsum(shares, axis=0) - shares / 2 - 0.5
    ranks = np.vstack([ranks, np.zeros(features)]).astype(np.float32)
    product = np.zeros((features, features))
    squares = np.zeros((features, features))
    for start in range(0, len(levels), _ROWS_AT_ONCE):
        some = levels[start : start + _ROWS_AT_ONCE]
        scores = np.take_along_axis(ranks, some.astype(np.intp), axis=0)
        product += scores.T @ scores
        squares += (scores * scores).T @ (some != NO_LEVEL).astype(np.float32)
    norm = np.sqrt(squares * squares.T)
    return np.divide(product, norm, out=np.zeros_like(product), where=norm > 0)
