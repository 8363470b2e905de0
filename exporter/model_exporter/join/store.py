"""Outcomes kept on disk until they are joined."""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from model_exporter.batch import Outcome
from model_exporter.errors import ModelExporterError

_SCHEMA: Final = """
create table if not exists outcomes (
    model text not null,
    prediction_id text not null,
    received_at real not null,      -- unix seconds, this exporter's clock
    happened_at real,               -- unix seconds, the sender's clock
    value text not null,            -- JSON
    business_values text not null,  -- JSON object: indicator to number
    primary key (model, prediction_id)
) without rowid;
create index if not exists outcomes_by_age on outcomes (received_at);
"""


class StorageError(ModelExporterError):
    """The store cannot be opened or written."""


class OutcomeStore:
    """Outcomes in SQLite, by model and prediction id; a later one for the same prediction replaces the earlier.

    Used by one thread at a time. A file that is no database, or a broken one, is renamed to `*.corrupt` and a new one
    begun: `set_aside` then names it.

    Args:
        path: the database file; it is made when absent.
        limit: how many outcomes are kept; the oldest go first.

    Raises:
        StorageError: the file cannot be opened or made.
    """

    def __init__(self, path: Path, *, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._kept = 0
        self.set_aside: Path | None = None
        try:
            try:
                self._open()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self._database.close()
                self.set_aside = path.with_suffix(".corrupt")
                path.replace(self.set_aside)
                self._open()
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{path}: cannot open the store of outcomes: {error}") from error

    @property
    def kept(self) -> int:
        """Outcomes held now."""
        return self._kept

    def resize(self, limit: int) -> None:
        """Take over a new limit; it holds from the next `keep` on."""
        self._limit = limit

    def keep(self, outcomes: Sequence[tuple[str, Outcome]], now: float) -> int:
        """Keep outcomes with the model each belongs to; returns how many old ones had to go.

        Raises:
            StorageError: the disk refuses; nothing of `outcomes` was kept.
        """
        rows = [
            (model, o.prediction_id, now, o.time, json.dumps(o.value), json.dumps(dict(o.values)))
            for model, o in outcomes
        ]
        try:
            with self._database:
                self._database.executemany("insert or replace into outcomes values (?, ?, ?, ?, ?, ?)", rows)
                # Replacing does not add a row, so the exact number is only asked for when the limit may be hit.
                self._kept += len(rows)
                return self._evict() if self._kept > self._limit else 0
        except sqlite3.Error as error:
            self._kept = self._count()
            raise StorageError(f"{self._path}: cannot keep outcomes: {error}") from error

    def close(self) -> None:
        """Finish writing and let go of the file."""
        self._kept = self._count()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self._database = sqlite3.connect(self._path, isolation_level="DEFERRED", check_same_thread=False)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = normal")
        self._database.executescript(_SCHEMA)
        self._kept = self._count()

    def _evict(self) -> int:
        self._kept = self._count()
        over = max(0, self._kept - self._limit)
        if over:
            self._database.execute(
                "delete from outcomes where (model, prediction_id) in"
                " (select model, prediction_id from outcomes order by received_at limit ?)",
                (over,),
            )
            self._kept -= over
        return over

    def _count(self) -> int:
        (rows,) = self._database.execute("select count(*) from outcomes").fetchone()
        return int(rows)
