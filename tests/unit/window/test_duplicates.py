"""Which predictions count as seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_exporter.window.duplicates import RecentKeys


def key_of(number: int) -> int:
    """A key as hashes are, of either sign; that of 0 is 0."""
    return (number * 0x9E3779B97F4A7C15 + 2**63) % 2**64 - 2**63


def first_seen(recent: RecentKeys, *keys: int) -> list[bool]:
    """The mask as a list."""
    return [bool(fresh) for fresh in recent.first_seen(np.array(keys, np.int64))]


def test_a_key_is_new_once() -> None:
    """The second row with a key is a duplicate, in the same batch or a later one."""
    recent = RecentKeys(100)
    assert first_seen(recent, 1, 2, 1) == [True, True, False]
    assert first_seen(recent, 2, 3) == [False, True]


def test_rows_without_a_key_are_always_new() -> None:
    """Key 0 means that nothing tells one row from another."""
    recent = RecentKeys(100)
    assert first_seen(recent, 0, 0) == [True, True]
    assert first_seen(recent, 0, 5, 0, 5) == [True, True, True, False]


@pytest.mark.parametrize("batch", [1, 5, 100])
def test_the_memory_is_bounded_and_forgets_the_oldest(batch: int) -> None:
    """At least half of the limit is remembered, all but one key in 10,000, and never more than the limit."""
    recent = RecentKeys(1000)
    keys = np.random.default_rng(4).integers(-(2**63), 2**63 - 1, 20_000)
    forgotten = 0
    for start in range(0, len(keys), batch):
        assert recent.first_seen(keys[start : start + batch]).all()
        assert len(recent) <= 1000
        forgotten += int(np.count_nonzero(~recent.has(keys[max(0, start + batch - 500) : start + batch])))
    assert forgotten < len(keys) / batch * 500 * 1e-4
    assert recent.first_seen(keys[:100]).all()


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(0, 300).map(key_of), max_size=40)))
def test_it_is_a_set_until_buckets_are_full(batches: list[list[int]]) -> None:
    """Batches of any size, with repeats and rows without a key, are answered as a set would."""
    recent, model = RecentKeys(200_000), set[int]()
    for batch in batches:
        expected = []
        for key in batch:
            expected.append(key == 0 or key not in model)
            model.add(key)
        assert first_seen(recent, *batch) == expected
    assert len(recent) == len(model - {0})


def test_it_takes_eight_bytes_a_cell_and_little_more() -> None:
    """The default limit, 200,000 predictions, takes 4 MiB."""
    assert RecentKeys(200_000).nbytes <= 4.1 * 1024 * 1024


@pytest.mark.parametrize("limit", [900, 5_000, 100])
def test_a_new_limit_keeps_what_is_newest(limit: int) -> None:
    """What fits the new limit is known after a reload, in whatever order the buckets were filled."""
    recent = RecentKeys(1000)
    keys = np.random.default_rng(5).integers(-(2**63), 2**63 - 1, 3_000)
    for start in range(0, len(keys), 50):
        recent.first_seen(keys[start : start + 50])
    recent.resize(limit)
    assert recent.has(keys[-min(limit, 1000) // 4 :]).all()
