"""The embedded store: SQLite, one file."""

import logging
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from model_exporter.batch import Awaited, Joined, Outcome
from model_exporter.join.matching import dated
from model_exporter.join.meeting import Meeting
from model_exporter.join.room import drop_expired, drop_oldest_outcomes, fullness, make_room, raise_share
from model_exporter.join.shelves import Shelves
from model_exporter.join.store import DEFAULT_WAIT, Account, Lost, StorageError, StoreLimits

log = logging.getLogger(__name__)

PARTITION_ROWS: Final = 65_536
_SMALLEST_PARTITION: Final = 64
_CACHE_KIB: Final = 24 * 1024
_CHECKPOINT_PAGES: Final = 8_000
_STATEMENTS: Final = 1_000
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SqliteStore:
    """Predictions and outcomes in one SQLite file; see `JoinStore`.

    What `tell` has taken survives the death of the process; after a loss of power the last moments may be missing,
    because waiting for the disk at every request would cost more than they are worth. A file that is no database, a
    damaged one and one of another release are renamed to `*.corrupt` and a new one begun; `expire` counts them.

    Args:
        path: the database file; it is made when absent.
        limits: bounds.

    Raises:
        StorageError: the file cannot be opened or made.
    """

    def __init__(self, path: Path, limits: StoreLimits) -> None:
        self._path = path
        self._limits = limits
        self._waits: dict[str, float] = {}
        self._account = Account()
        self._size = 0
        self._is_stale = False
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{path}: cannot open the store of predictions and outcomes: {error}") from error

    @property
    def rows(self) -> int:
        """Predictions remembered, with and without an outcome."""
        return sum(p.rows for p in self._shelves.all() if p.predictions)

    @property
    def early(self) -> int:
        """Outcomes that wait for their prediction."""
        return sum(p.rows for p in self._shelves.all() if not p.predictions)

    @property
    def bytes(self) -> int:
        """Bytes in use in the file; it stays as large as it ever was, and what is free in it is filled first."""
        return self._size

    def pending(self, model: str) -> int:
        """Predictions that wait for their outcome."""
        return sum(p.waiting for p in self._shelves.of(model, predictions=True))

    def outcomes_waiting(self, model: str) -> int:
        """Outcomes that wait for their prediction."""
        return sum(p.rows for p in self._shelves.of(model, predictions=False))

    def rate(self, model: str) -> float:
        """Share of the predictions that are kept now."""
        return self._shelves.share(model).rate

    def resize(self, limits: StoreLimits) -> None:
        """Take over new limits; they hold from the next call on."""
        self._limits = limits

    def wait_for(self, model: str, predictions: Sequence[Awaited], now: float) -> list[Joined]:
        """See `JoinStore`; an id is known again if it is among the last 65,000 predictions of its model, at least."""
        if not predictions:
            return []
        account = Account()
        try:
            with self._transaction():
                joined = self._meeting(model, now, account).keep(dated(predictions, now))
                self._make_room(now, account)
        except StorageError as error:
            log.warning("predictions will not be joined", extra={"error": str(error), "predictions": len(predictions)})
            self._account.lost[model, Lost.STORAGE_FAILURE] += len(predictions)
            return []
        self._account.add(account)
        return joined

    def tell(self, outcomes: Sequence[tuple[str, Outcome]], now: float) -> list[Joined]:
        """See `JoinStore`."""
        by_model: defaultdict[str, list[Outcome]] = defaultdict(list)
        for model, outcome in outcomes:
            by_model[model].append(outcome)
        account = Account()
        joined: list[Joined] = []
        with self._transaction():
            for model, told in by_model.items():
                joined += self._meeting(model, now, account).tell(told)
            drop_oldest_outcomes(self._shelves, account, self._limits.outcomes)
        self._account.add(account)
        return joined

    def expire(self, now: float, waits: Mapping[str, float]) -> Account:
        """See `JoinStore`."""
        self._waits.update(waits)
        account = Account()
        try:
            with self._transaction():
                drop_expired(self._shelves, account, now, self._wait_of)
                self._make_room(now, account)
                drop_oldest_outcomes(self._shelves, account, self._limits.outcomes)
                raise_share(self._shelves, now, fullness(self._shelves, self._limits, self._size), self._wait_of)
        except StorageError as error:
            log.warning("the store of predictions and outcomes cannot make room", extra={"error": str(error)})
        else:
            self._account.add(account)
        counted, self._account = self._account, Account()
        return counted

    def close(self) -> None:
        """Finish writing and let go of the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _meeting(self, model: str, now: float, account: Account) -> Meeting:
        return Meeting(
            self._shelves,
            model,
            account,
            now,
            self._wait_of(model),
            (_capacity(self._limits.predictions), _capacity(self._limits.outcomes)),
        )

    def _make_room(self, now: float, account: Account) -> None:
        make_room(self._shelves, account, now, fullness(self._shelves, self._limits, self._size))

    def _wait_of(self, model: str) -> float:
        return self._waits.get(model, DEFAULT_WAIT)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing of what is done within, on disk and in memory.

        Raises:
            StorageError: nothing, because the disk refuses.
        """
        try:
            if self._is_stale:
                self._reload()
            self._database.execute("begin immediate")
            try:
                yield
                self._shelves.save()
                self._database.execute("commit")
            except BaseException:
                # What is held in memory may be ahead of the file now. It is read again before it is used again.
                self._is_stale = True
                if self._database.in_transaction:
                    self._database.execute("rollback")
                raise
            self._size = self._used_bytes()
        except sqlite3.Error as error:
            self._mend(error)
            raise StorageError(f"{self._path}: {error}") from error

    def _reload(self) -> None:
        try:
            self._shelves = Shelves(self._database)
        except ValueError as error:  # what SQLite can read and this release cannot is as good as damaged
            damage = sqlite3.DatabaseError(str(error))
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage from error
        self._is_stale = False

    def _mend(self, error: sqlite3.Error) -> None:
        """Put a file that turns out to be damaged aside, so that the next call finds a new one."""
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            try:
                self._set_aside()
            except (sqlite3.Error, OSError) as failure:
                log.warning("a damaged store cannot be set aside", extra={"error": str(failure)})

    def _open(self) -> None:
        try:
            self._connect()
        except (sqlite3.OperationalError, sqlite3.ProgrammingError):
            raise
        except sqlite3.DatabaseError:
            self._set_aside()

    def _set_aside(self) -> None:
        self._database.close()
        aside = self._path.with_suffix(".corrupt")
        self._path.replace(aside)
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        self._account.set_aside += 1
        log.warning("the store of predictions and outcomes was set aside", extra={"file": str(aside)})
        self._connect()

    def _connect(self) -> None:
        self._database = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS
        )
        for pragma in (
            "journal_mode = wal",
            "synchronous = normal",
            f"cache_size = -{_CACHE_KIB}",
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        ):
            self._database.execute(f"pragma {pragma}")
        self._reload()
        self._size = self._used_bytes()

    def _used_bytes(self) -> int:
        pages, free, size = (
            self._database.execute(f"pragma {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)


def _capacity(limit: int) -> int:
    """Rows of a partition where `limit` rows may be kept."""
    return max(_SMALLEST_PARTITION, min(PARTITION_ROWS, limit // 32))
