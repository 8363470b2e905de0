"""The embedded store: its file, its partitions, its bounds."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from joining import MODEL, T0, awaited, outcome, reasons
from model_exporter.join import Account, Lost, SqliteStore, StorageError, StoreLimits, Unmatched

DAY = 86_400.0
LIMITS = StoreLimits(predictions=1000, size=1 << 40, outcomes=1000)


def _tell(store: SqliteStore, *names: str, now: float = T0) -> int:
    return len(store.tell([(MODEL, outcome(name)) for name in names], now))


def _wait(store: SqliteStore, *names: str, now: float = T0) -> int:
    return len(store.wait_for(MODEL, [awaited(name) for name in names], now))


@pytest.mark.parametrize("content", [b"no database at all" * 300, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path, content: bytes) -> None:
    """It is renamed and counted, and a new one begun."""
    path = tmp_path / "join.db"
    path.write_bytes(content)
    with SqliteStore(path, LIMITS) as store:
        assert store.expire(T0, {}).set_aside == 1
        assert _wait(store, "p1") == 0
        assert _tell(store, "p1") == 1
    assert path.with_suffix(".corrupt").read_bytes() == content


def test_a_file_of_another_release_is_set_aside(tmp_path: Path) -> None:
    """Nothing guesses what its tables mean."""
    path = tmp_path / "join.db"
    with sqlite3.connect(path) as other:
        other.execute("pragma user_version = 99")
    other.close()
    with SqliteStore(path, LIMITS) as store:
        assert store.expire(T0, {}).set_aside == 1


def test_damage_found_later_is_set_aside(tmp_path: Path) -> None:
    """The call that finds it fails, so that senders come again; the next one finds an empty store."""
    path = tmp_path / "join.db"
    with SqliteStore(path, LIMITS) as store:
        _wait(store, *(f"p{n}" for n in range(2000)))
    content = bytearray(path.read_bytes())
    content[3 * 4096 :] = b"\x55" * (len(content) - 3 * 4096)
    path.write_bytes(content)
    with SqliteStore(path, LIMITS) as store:
        results = []
        for _ in range(3):
            try:
                results.append(_tell(store, *(f"p{n}" for n in range(2000))))
            except StorageError:
                results.append(-1)
        assert store.expire(T0, {}).set_aside == 1
        assert results[-1] == 0


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    """One clear error."""
    with pytest.raises(StorageError, match="absent"):
        SqliteStore(tmp_path / "absent" / "join.db", LIMITS)


def test_a_full_disk_loses_no_outcome_that_was_taken(tmp_path: Path) -> None:
    """What does not fit is refused as a whole and told again later; predictions are counted as lost; all goes on."""
    with SqliteStore(tmp_path / "join.db", LIMITS) as store:
        _wait(store, "p1", "p2")
        assert _tell(store, "p1", "x") == 1
        store._database.execute("pragma max_page_count = 1")  # never less than there is: not one page more
        names = [f"q{n}" for n in range(900)]
        assert _wait(store, *names) == 0
        with pytest.raises(StorageError, match="full"):
            _tell(store, "p2", *(f"y{n}" for n in range(900)))
        assert store.expire(T0, {}).lost[MODEL, Lost.STORAGE_FAILURE] == 900
        assert (store.pending(MODEL), store.outcomes_waiting(MODEL)) == (1, 1)
        store._database.execute("pragma max_page_count = 1000000")
        assert _tell(store, "p2", "y0") == 1
        assert _wait(store, "x", "y0") == 2


def test_a_read_only_file_refuses_and_reads_on(tmp_path: Path) -> None:
    """Outcomes are refused, predictions counted as lost; nothing else is disturbed."""
    with SqliteStore(tmp_path / "join.db", LIMITS) as store:
        _wait(store, "p1")
        store._database.execute("pragma query_only = on")
        with pytest.raises(StorageError, match="readonly"):
            _tell(store, "p1")
        assert _wait(store, "p2") == 0
        assert +store.expire(T0, {}).lost == {(MODEL, Lost.STORAGE_FAILURE): 1}
        store._database.execute("pragma query_only = off")
        assert _tell(store, "p1") == 1


def test_the_oldest_outcomes_go_first(tmp_path: Path) -> None:
    """No more wait than the limit allows, and each that goes is counted."""
    with SqliteStore(tmp_path / "join.db", LIMITS) as store:
        for first in range(0, 3000, 50):
            _tell(store, *(f"p{n}" for n in range(first, first + 50)), now=T0 + first)
        assert 900 <= store.early <= 1000
        assert reasons(store.expire(T0 + 3000, {}).unmatched) == {Unmatched.LIMIT: 3000 - store.early}
        assert _wait(store, "p2999", "p0", now=T0 + 3000) == 1


def test_predictions_with_an_outcome_make_room_first(tmp_path: Path) -> None:
    """They are forgotten, oldest first, before the sample of those that wait gets smaller."""
    with SqliteStore(tmp_path / "join.db", LIMITS) as store:
        for first in range(0, 3000, 50):
            names = [f"p{n}" for n in range(first, first + 50)]
            _wait(store, *names, now=T0 + first)
            _tell(store, *names, now=T0 + first)
        for _ in range(50):
            account = store.expire(T0 + 3000, {})
            assert not +account.lost
        assert store.rate(MODEL) == 1
        assert store.rows <= 1000
        assert store.tell([(MODEL, outcome("p2999", "no"))], T0 + 3000)[0].corrects is not None


def test_bytes_are_a_bound_as_well(tmp_path: Path) -> None:
    """The sample gets smaller until it fits, by rewriting what is left."""
    limits = StoreLimits(predictions=1_000_000, size=1 << 20, outcomes=1000)
    with SqliteStore(tmp_path / "join.db", limits) as store:
        for first in range(0, 30_000, 500):
            _wait(store, *(f"p{n}" for n in range(first, first + 500)), now=T0 + first)
        for second in range(100):
            store.expire(T0 + 30_000 + second, {})
        assert store.bytes <= limits.size
        assert store.rate(MODEL) < 1
        assert store.rows > 1000


def test_only_the_largest_model_is_sampled(tmp_path: Path) -> None:
    """A flood of one model costs no other its outcomes."""
    with SqliteStore(tmp_path / "join.db", LIMITS) as store:
        store.wait_for("small", [awaited(f"s{n}") for n in range(200)], T0)
        for first in range(0, 4000, 100):
            _wait(store, *(f"p{n}" for n in range(first, first + 100)), now=T0 + first)
        assert (store.rate("small"), store.pending("small")) == (1, 200)
        assert store.rate(MODEL) < 1


def test_pairs_before_and_after_the_sample_shrank_add_up(tmp_path: Path) -> None:
    """The sum of 1/rate over all pairs, whenever they were joined, has the number of predictions as its mean.

    Over 40 sets of ids; a third of the outcomes come while all is kept, the rest after two halvings or more.
    """
    sums = []
    for trial in range(40):
        limits = StoreLimits(predictions=150, size=1 << 40, outcomes=1000)
        with SqliteStore(tmp_path / f"{trial}.db", limits) as store:
            names = [f"t{trial}-{n}" for n in range(450)]
            _wait(store, *names[:150])
            pairs = store.tell([(MODEL, outcome(name)) for name in names[:30]], T0)
            for first in range(150, 450, 50):
                _wait(store, *names[first : first + 50], now=T0 + 1)
            for second in range(40):
                store.expire(T0 + 2 + second, {})
            pairs += store.tell([(MODEL, outcome(name)) for name in names[30:]], T0 + 60)
            assert store.rate(MODEL) <= 1 / 4
            sums.append(sum(1 / pair.rate for pair in pairs))
    error = np.std(sums, ddof=1) / np.sqrt(len(sums))
    assert 0 < error < 30
    assert np.mean(sums) == pytest.approx(450, abs=4 * error)


def test_outcomes_outside_of_the_sample_are_told_from_unknown_ones(tmp_path: Path) -> None:
    """Those within it may still have a prediction to come, and wait for it in vain."""
    with SqliteStore(tmp_path / "join.db", LIMITS) as store:
        store.expire(T0, {MODEL: DAY})
        for first in range(0, 3000, 100):
            _wait(store, *(f"p{n}" for n in range(first, first + 100)))
        rate = store.rate(MODEL)
        assert rate < 1
        _tell(store, *(f"unknown{n}" for n in range(1000)), now=T0 + 1)
        waiting = store.early
        assert waiting == pytest.approx(1000 * rate, abs=5 * np.sqrt(1000 * rate))
        assert reasons(store.expire(T0 + 2, {}).unmatched) == {Unmatched.SAMPLED_OUT: 1000 - waiting}
        account = Account()
        for _ in range(10):
            account.add(store.expire(T0 + 2 * DAY, {}))
        assert reasons(account.unmatched) == {Unmatched.NO_PREDICTION: waiting}


def test_time_is_spent_in_parts(tmp_path: Path) -> None:
    """A year of partitions whose time is over does not hold the writer up: each call drops some of them."""
    with SqliteStore(tmp_path / "join.db", LIMITS) as store:
        store.expire(T0, {MODEL: 100 * DAY})
        for day in range(0, 90, 5):
            _wait(store, f"p{day}", now=T0 + day * DAY)
        before = store.rows
        store.expire(T0 + 365 * DAY, {MODEL: DAY})
        assert 0 < store.rows < before
        for _ in range(5):
            store.expire(T0 + 365 * DAY, {})
        assert (store.rows, store.pending(MODEL)) == (0, 0)


def test_a_clock_that_goes_back_makes_no_more_partitions(tmp_path: Path) -> None:
    """Rows go on into the partition that is open; nothing expires early."""
    with SqliteStore(tmp_path / "join.db", LIMITS) as store:
        for hour in range(30):
            _wait(store, f"p{hour}", now=T0 - 3600 * hour)
        assert len(store._shelves.all()) == 1
        assert not +store.expire(T0, {MODEL: DAY}).lost
        assert _tell(store, *(f"p{hour}" for hour in range(30))) == 30
