"""A shared store whose database fails."""

import pytest

from joining import MODEL, T0, MemoryDatabase, awaited, outcome, told
from model_exporter.join import Lost, StorageError, StoreLimits
from model_exporter.join.sampling import Share
from model_exporter.join.shared import SharedStore

LIMITS = StoreLimits(predictions=1000, size=1 << 40, outcomes=1000)


def test_predictions_wait_for_the_database_and_outcomes_are_refused() -> None:
    """Nothing that was promised is lost, and predictions join once it is back."""
    database = MemoryDatabase()
    with SharedStore(database, LIMITS) as store:
        database.broken = True
        assert store.wait_for(MODEL, [awaited("p1")], T0) == []
        with pytest.raises(StorageError):
            store.tell([(MODEL, outcome("p1"))], T0 + 2)
        database.broken = False
        assert [told(p) for p in store.tell([(MODEL, outcome("p1"))], T0 + 4)] == [("p1", "yes", None)]


def test_a_broken_database_is_asked_once_a_second() -> None:
    """The writer does not wait for it at every call."""
    database = MemoryDatabase()
    with SharedStore(database, LIMITS) as store:
        database.broken = True
        for tenth in range(20):
            store.wait_for(MODEL, [awaited(f"p{tenth}")], T0 + tenth / 10)
        assert database.asked == 2


def test_the_buffer_has_a_bound() -> None:
    """What does not fit is counted as lost."""
    database = MemoryDatabase()
    with SharedStore(database, LIMITS) as store:
        database.broken = True
        for part in range(6):
            store.wait_for(MODEL, [awaited(f"p{part}-{n}") for n in range(10_000)], T0)
        assert +store.expire(T0, {}).lost == {(MODEL, Lost.STORAGE_FAILURE): 10_000}


def test_pairs_made_before_a_failure_are_told_by_the_next_call() -> None:
    """The second of three chunks fails; the pairs of the first are the caller's all the same, once."""
    database = MemoryDatabase()
    with SharedStore(database, LIMITS) as store:
        names = [f"p{n}" for n in range(1200)]
        store.wait_for(MODEL, [awaited(name) for name in names], T0)
        outcomes = [(MODEL, outcome(name)) for name in names]
        database.fails_after = 3
        with pytest.raises(StorageError):
            store.tell(outcomes, T0)
        assert sorted(told(p)[0] for p in store.tell(outcomes, T0 + 2)) == sorted(names)


def test_an_entry_that_another_replica_changed_is_looked_at_again() -> None:
    """And given up only when that happens again and again."""
    database = MemoryDatabase()
    with SharedStore(database, LIMITS) as store:
        store.wait_for(MODEL, [awaited("p1")], T0)
        database.conflicts = 3
        assert len(store.tell([(MODEL, outcome("p1"))], T0)) == 1
        database.conflicts = 100
        with pytest.raises(StorageError, match="other replicas"):
            store.tell([(MODEL, outcome("p1", "no"))], T0)


def test_what_was_kept_under_a_larger_share_has_the_smallest_since() -> None:
    """A pair stands for as many predictions as its own chance of being kept says, whatever the share is now."""
    database = MemoryDatabase()
    with SharedStore(database, LIMITS) as store:
        store.wait_for(MODEL, [awaited(f"p{n}") for n in range(64)], T0)
        shares = [Share(0.5, T0 + 10), Share(0.25, T0 + 20), Share(0.5, T0 + 30)]
        store._shares = {MODEL: shares}
        store.wait_for(MODEL, [awaited(f"q{n}") for n in range(64)], T0 + 40)
        pairs = store.tell([(MODEL, outcome(f"{kind}{n}")) for kind in "pq" for n in range(64)], T0 + 50)
        assert {(p.prediction.prediction_id[0], p.rate) for p in pairs} == {("p", 0.25), ("q", 0.5)}
