"""Levels, the choice of pairs, and their joint tables."""

import numpy as np
import pytest

from model_exporter.stats.pairs import NO_LEVEL, PairTally, build_pairs, choose_pairs, count_pairs, quintile_levels

TAIL_REFINED = (0, 50, 150, 300, 500, *[1000] * 8, 500, 300, 150, 50, 0, 77)
"""Baseline rows of 10,000 numbers by bin: below, the sixteen tail-refined ones, above, missing."""


def levels_of(counts: tuple[int, ...], ordinal: tuple[bool, ...] | None = None) -> list[int]:
    """Levels of one feature; all bins but the last are ordinal unless told otherwise."""
    flags = ordinal or (*[True] * (len(counts) - 1), False)
    levels: list[int] = quintile_levels(np.array(counts), np.array([0, len(counts)]), np.array(flags)).tolist()
    return levels


def random_levels(rows: int, features: int, *, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Levels of independent values, a sixth of them missing."""
    return np.random.default_rng(seed).integers(0, 6, (rows, features)).astype(np.uint8)


def test_tail_refined_bins_become_exact_fifths() -> None:
    """The usual sixteen bins join to five levels of 2,000 rows each; out of range counts as the outermost level."""
    expected = [0] * 6 + [1, 1, 2, 2, 3, 3] + [4] * 6 + [NO_LEVEL]
    levels = levels_of(TAIL_REFINED)
    assert levels == expected
    assert np.bincount(levels, TAIL_REFINED)[:5].tolist() == [2000] * 5


def test_few_values_give_few_levels() -> None:
    """Levels that no baseline row has are skipped, and the first is always 0."""
    assert levels_of((0, 90, 10, 0, 0)) == [0, 0, 1, 1, NO_LEVEL]
    assert levels_of((0, 50, 30, 20, 0, 3)) == [0, 0, 1, 2, 2, NO_LEVEL]


def test_features_without_ordinal_rows_have_no_level() -> None:
    """A feature that was always missing, or that has categories, has no level anywhere."""
    assert levels_of((0, 0, 9)) == [NO_LEVEL] * 3
    assert levels_of((5, 5, 9), (False, False, False)) == [NO_LEVEL] * 3


def test_levels_do_not_depend_on_the_features_before() -> None:
    """Features beside each other in the flat layout get the levels they get alone."""
    two = quintile_levels(np.array([4, 6, 1, 0, 9, 9]), np.array([0, 3, 6]), np.array([True, True, False] * 2))
    assert two.tolist() == [*levels_of((4, 6, 1)), *levels_of((0, 9, 9))]


def test_constant_and_missing_features_are_in_no_pair() -> None:
    """A pair needs two features that vary."""
    levels = np.array([[0, 3, NO_LEVEL, 1], [1, 3, NO_LEVEL, 2]], np.uint8)
    assert choose_pairs(levels, outputs=np.zeros(4, np.bool_)).tolist() == [[0, 3]]
    assert choose_pairs(levels[:1], outputs=np.zeros(4, np.bool_)).tolist() == []


def test_all_pairs_of_thirty_features() -> None:
    """Up to 30 features every pair is watched: 435."""
    assert choose_pairs(random_levels(200, 30), outputs=np.zeros(30, np.bool_)).shape == (435, 2)


def test_many_features_keep_the_strongest_pairs_and_those_with_outputs() -> None:
    """Beyond 30 features ten pairs a feature are kept by rank correlation, and every pair with an output."""
    levels = random_levels(400, 40)
    levels[:, 7] = levels[:, 3]
    levels[:, 9] = np.where(levels[:, 5] < 5, 4 - levels[:, 5], 5)  # the strongest negative correlation
    outputs = np.arange(40) == 39
    pairs = choose_pairs(levels, outputs=outputs).tolist()
    assert {(3, 7), (5, 9)} | {(feature, 39) for feature in range(39)} <= {tuple(pair) for pair in pairs}
    assert 400 <= len(pairs) <= 439
    assert pairs == sorted(pairs)


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (70, 5), (40_000, 3), (2, 80)])
def test_counts_equal_a_count_by_hand(shape: tuple[int, int]) -> None:
    """Each cell holds the rows with both levels; rows in which either is missing are in none."""
    levels = random_levels(*shape)
    pairs = np.column_stack(np.triu_indices(shape[1], 1))
    counts = count_pairs(levels, pairs)
    for (a, b), table in zip(pairs[::100].tolist(), counts[::100], strict=True):
        both = levels[(levels[:, a] < 5) & (levels[:, b] < 5)].astype(np.int64)
        assert table.tolist() == np.bincount(5 * both[:, a] + both[:, b], minlength=25).tolist()


def test_a_baseline_holds_what_its_rows_say() -> None:
    """Joint tables of a baseline are the counts of its rows under its own levels, missing values left out."""
    bins = np.column_stack([[0, 0, 1, 2], [3, 3, 4, 4]])
    built = build_pairs(
        bins,
        counts=np.array([2, 1, 1, 2, 2, 0]),
        starts=np.array([0, 3, 6]),
        ordinal=np.array([True, True, False] * 2),
        outputs=np.zeros(2, np.bool_),
    )
    assert built.levels.tolist() == [0, 1, NO_LEVEL, 0, 1, NO_LEVEL]
    assert built.counts.reshape(5, 5)[:2, :2].tolist() == [[2, 0], [0, 1]]
    assert built.counts.sum() == 3


def test_a_tally_starts_again_when_it_is_taken() -> None:
    """What was taken is not counted again."""
    tally = PairTally(np.array([[0, 1]]), 2, capacity=2)
    tally.add(np.array([[0, 0], [0, 0], [0, 0]], np.uint8))
    assert tally.take().sum() == 3
    assert tally.take().sum() == 0
