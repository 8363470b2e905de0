"""Which predictions count as seen."""

import numpy as np

from model_exporter.window.duplicates import RecentKeys


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


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    """At least half of the limit is remembered, never more than the limit and one batch."""
    recent = RecentKeys(1000)
    for start in range(1, 100_001, 100):
        assert all(first_seen(recent, *range(start, start + 100)))
        assert len(recent) <= 1000
    assert not any(first_seen(recent, *range(100_001 - 400, 100_001)))
    assert all(first_seen(recent, *range(1, 101)))
