"""The compiled kernel and the one in numpy count alike, whatever the cells."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from model_exporter.stats import plain_kernel
from model_exporter.stats.pairs import NO_LEVEL
from model_exporter.stats.plain_kernel import Ruler

compiled = pytest.importorskip("model_exporter.stats._kernel")

_AWKWARD = (np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1.0, np.nextafter(1.0, 2), 1.7976931348623157e308)
_KINDS = st.sampled_from([0, 1, 2, 2, 2, 3, 4, 5])
_NUMBERS = st.one_of(st.sampled_from(_AWKWARD), st.floats(width=64), st.integers(-3, 3).map(float))
_ROWS = st.one_of(st.integers(0, 20), st.sampled_from([63, 64, 65, 255, 256, 257, 1023, 1024, 1025]))


@dataclass
class Tables:
    """What is counted into; it holds something already."""

    columns: int
    rows: int
    width: int = 40
    bins: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.bins = np.arange(self.width + 1)
        self.quality = np.full((self.columns, 7), 3)
        self.absent = np.zeros(self.columns, np.int64)
        self.levels = np.full((self.columns, self.rows), NO_LEVEL, np.uint8)
        self.wrong = np.zeros(self.rows, np.uint8)

    def same(self, other: "Tables") -> None:
        """Both hold the same now."""
        for name in ("bins", "quality", "absent", "levels", "wrong"):
            np.testing.assert_array_equal(getattr(self, name), getattr(other, name), name)


def _column(draw: st.DrawFn, dtype: type, rows: int, elements: st.SearchStrategy[float]) -> NDArray[Any]:
    """Cells that need not stand one after another."""
    step = draw(st.sampled_from([1, 1, 2, -1]))
    cells: NDArray[Any] = draw(arrays.arrays(dtype, rows * abs(step), elements=elements))
    return cells[::step]


@settings(max_examples=150, deadline=None)
@given(st.data(), _ROWS, st.integers(0, 4))
def test_kinds(data: st.DataObject, rows: int, columns: int) -> None:
    """Values, missing and nested cells, and rows with one of these."""
    kinds = [data.draw(st.composite(_column)(np.uint8, rows, _KINDS)) for _ in range(columns)]
    found, expected = Tables(columns, rows), Tables(columns, rows)
    told = compiled.count_kinds(kinds, found.quality, found.absent, found.wrong)
    assert told == plain_kernel.count_kinds(kinds, expected.quality, expected.absent, expected.wrong)
    found.same(expected)


@settings(max_examples=300, deadline=None)
@given(st.data(), _ROWS, st.integers(0, 4), st.sampled_from([0, 1, 2, 17, 21, 300]))
def test_numbers(data: st.DataObject, rows: int, columns: int, size: int) -> None:
    """Cells, flags and levels, with cuts that equal values, are padded, are none, or more than a byte can number."""
    draw = data.draw
    cuts = np.full((columns, size), np.inf)
    for row in cuts:
        told = sorted(draw(st.sets(st.sampled_from([-1.0, -5e-324, 0.0, 5e-324, 1.0, 2.0, 1e308, -1e308]))))[:size]
        row[: len(told)] = told
    cells = columns, size + 2
    ruler = Ruler(
        cuts,
        draw(arrays.arrays(np.int64, cells, elements=st.integers(0, 40))),
        draw(arrays.arrays(np.uint8, cells, elements=st.sampled_from([0, 0, 0, *range(8)]))),
        draw(arrays.arrays(np.uint8, cells, elements=st.integers(0, 5))),
        np.array([draw(st.sampled_from([-1, place])) for place in range(columns)], np.int64),
        np.array(draw(st.permutations(range(columns))), np.int64),
    )
    numbers = [draw(st.composite(_column)(np.float64, rows, _NUMBERS)) for _ in range(columns)]
    kinds = [draw(st.composite(_column)(np.uint8, rows, _KINDS)) for _ in range(columns)]
    found, expected = Tables(columns, rows), Tables(columns, rows)
    for module, into in ((compiled, found), (plain_kernel, expected)):
        module.count_numbers(
            numbers, kinds, ruler, bins=into.bins, quality=into.quality, levels=into.levels, wrong=into.wrong
        )
    found.same(expected)


@settings(max_examples=150, deadline=None)
@given(st.data(), _ROWS, st.lists(st.sampled_from([1, 2, 9, 5000]), max_size=4))
def test_codes(data: st.DataObject, rows: int, sizes: list[int]) -> None:
    """Rows with each word, of dictionaries from empty to huge."""
    codes = [data.draw(st.composite(_column)(np.int32, rows, st.integers(-1, size - 2))) for size in sizes]
    places = [[place % 7 for place in range(size)] for size in sizes]
    found, expected = Tables(0, rows), Tables(0, rows)
    starts = [5 * column for column in range(len(sizes))]
    told = compiled.count_codes(codes, places, starts, found.bins, rows)
    assert told == plain_kernel.count_codes(codes, places, starts, expected.bins, rows)
    found.same(expected)


@settings(max_examples=150, deadline=None)
@given(st.data(), _ROWS, st.integers(1, 5))
def test_pairs(data: st.DataObject, rows: int, features: int) -> None:
    """Tables of pairs, over words of rows that are full and those that are not."""
    pairs = np.array(data.draw(st.lists(st.tuples(*[st.integers(0, features - 1)] * 2), max_size=6)), np.int64).reshape(
        -1, 2
    )
    levels = data.draw(arrays.arrays(np.uint8, (features, rows), elements=st.integers(0, 5)))
    found, expected = (np.ones((len(pairs), 25), np.int64) for _ in range(2))
    compiled.count_pairs(levels, pairs, found)
    plain_kernel.count_pairs(levels, pairs, expected)
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), max_size=40), max_size=12))
def test_keys(batches: list[list[int]]) -> None:
    """New keys, and what is remembered afterwards, are as for one key after the other, when buckets forget as well."""
    tables = [(np.zeros((2, 16), np.uint64), np.zeros(2, np.uint8)) for _ in range(2)]
    for batch in batches:
        keys = np.array([(number * 0x9E3779B97F4A7C15 + 2**63) % 2**64 - 2**63 for number in batch], np.int64)
        found, expected = np.full(len(keys), 7, np.uint8), np.full(len(keys), 7, np.uint8)
        filled = compiled.first_seen(keys, *tables[0], 63, found)
        for row in range(len(keys)):
            some = slice(row, row + 1)
            filled -= plain_kernel.first_seen(keys[some], *tables[1], 63, expected[some])
        np.testing.assert_array_equal(found, expected)
        assert filled == 0
        for one, other in zip(*tables, strict=True):
            np.testing.assert_array_equal(one, other)


def test_nothing_is_read_or_written_out_of_bounds() -> None:
    """What does not fit is an error."""
    bins, wrong, quality = np.zeros(3, np.int64), np.zeros(4, np.uint8), np.zeros((1, 7), np.int64)
    codes = np.zeros(4, np.int32)
    for told, places, starts in (([2], [0, 0], [0]), ([-2], [0, 0], [0]), ([0], [0, 3], [0]), ([0], [0, 0], [-1])):
        with pytest.raises(IndexError):
            compiled.count_codes([codes + told[0]], [places], starts, bins, 4)
    for column in (codes, codes.view(np.int64), np.zeros((4, 1), np.int32)):
        with pytest.raises(ValueError, match="a column"):
            compiled.count_codes([column], [[0, 0]], [0], bins, 5)
    with pytest.raises(ValueError, match="a column"):
        compiled.count_kinds([np.zeros(3, np.uint8)], quality, np.zeros(1, np.int64), wrong)
    with pytest.raises(IndexError):
        compiled.count_pairs(np.zeros((2, 4), np.uint8), np.array([[0, 2]]), np.zeros((1, 25), np.int64))
    with pytest.raises(ValueError, match="buckets"):
        compiled.first_seen(
            np.ones(4, np.int64), np.zeros((2, 16), np.uint64), np.zeros(2, np.uint8), 62, np.zeros(4, np.uint8)
        )
