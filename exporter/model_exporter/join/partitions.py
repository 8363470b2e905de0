"""Tables of the embedded store: a few for each stretch of time of a model, so that time passes by dropping tables.

A partition is filled, closed, thinned out when space is short, and dropped as a whole. Its rows are appended, found by
an index that is small enough to stay in the cache, and never moved. What a prediction's outcome was stands beside it,
in a table of its own that is dropped with it.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Awaited
from model_exporter.join.filters import KeyFilter, Probe
from model_exporter.join.matching import threshold_of

SCHEMA_VERSION: Final = 1
SCHEMA: Final = """
create table if not exists partitions (
    number integer primary key,   -- ascending in the order of creation
    generation integer not null,  -- of its tables
    predictions integer not null, -- 1: of predictions, 0: of outcomes without one
    model text not null,
    opened real not null,         -- unix seconds of the first row
    newest real not null,         -- of the last row
    closed integer not null,
    rate real not null,           -- share of the predictions that it holds
    thinned_to real not null,     -- the same, as far as rows are deleted already
    next_row integer not null,
    rows integer not null,
    settled integer not null,     -- rows with an outcome
    early_rate real not null      -- lowest rate of the model while the partition was filled
);
create table if not exists filters (number integer primary key, words blob not null);
create table if not exists rates (model text primary key, rate real not null, since real not null) without rowid;
"""


class Row(NamedTuple):
    """A prediction in its partition."""

    row: int
    has_rows: int | None  # 1: its request has further rows
    outcome: bytes | None
    awaited: Awaited


class EarlyRow(NamedTuple):
    """An outcome that waits."""

    row: int
    outcome: bytes


@dataclass(slots=True)
class Partition:
    """One partition; the fields up to `early_rate` are the columns of its row in `partitions`."""

    number: int
    generation: int
    predictions: bool
    model: str
    opened: float
    newest: float
    closed: bool
    rate: float
    thinned_to: float
    next_row: int
    rows: int
    settled: int
    early_rate: float
    filter: KeyFilter = field(default_factory=lambda: KeyFilter.for_keys(0), repr=False)

    @property
    def name(self) -> str:
        """What the names of its tables end with."""
        return f"{self.number}_{self.generation}"

    @property
    def waiting(self) -> int:
        """Rows that wait for their other half."""
        return self.rows - self.settled

    def columns(self) -> tuple[object, ...]:
        """Its row in `partitions`."""
        return (
            self.number,
            self.generation,
            self.predictions,
            self.model,
            self.opened,
            self.newest,
            self.closed,
            self.rate,
            self.thinned_to,
            self.next_row,
            self.rows,
            self.settled,
            self.early_rate,
        )

    def candidates(self, probe: Probe) -> NDArray[np.int64]:
        """Those hashes of `probe` that it may hold."""
        found = probe.hashes[self.filter.may_hold(probe)]
        return found if self.rate >= 1 else found[found < threshold_of(self.rate)]


class Tables:
    """The statements on the tables of partitions. Each is part of the transaction that the caller has begun."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def load(self) -> list[Partition]:
        """All partitions, oldest first.

        Raises:
            sqlite3.DatabaseError: they cannot be read.
        """
        filters = dict(self._database.execute("select number, words from filters"))
        found = []
        for columns in self._database.execute("select * from partitions order by number").fetchall():
            partition = Partition(*columns)
            if words := filters.get(partition.number):
                partition.filter = KeyFilter.decode(words)
            else:
                self.rebuild_filter(partition, 2 * partition.rows)
            found.append(partition)
        return found

    def create(self, partition: Partition) -> None:
        """Make its tables."""
        run, name = self._database.execute, partition.name
        if partition.predictions:
            run(
                f"create table p{name} (row integer primary key, hash integer not null, id text not null,"
                f" has_rows integer, made_at real not null, version text not null, facts blob not null)"
            )
            run(f"create table s{name} (row integer primary key, outcome blob not null)")
        else:
            run(f"create table p{name} (row integer primary key, hash integer not null, outcome blob not null)")
        run(f"create index h{name} on p{name} (hash)")

    def save(self, partitions: Iterable[Partition]) -> None:
        """Write what changed of `partitions` besides their tables."""
        self._database.executemany(
            "insert or replace into partitions values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [partition.columns() for partition in partitions],
        )

    def close(self, partition: Partition) -> None:
        """Add nothing to it any more."""
        partition.closed = True
        if partition.filter.room >= 2 * partition.rows:
            self.rebuild_filter(partition, partition.rows)
        self._database.execute(
            "insert or replace into filters values (?, ?)", (partition.number, partition.filter.encode())
        )
        self.save([partition])

    def drop(self, partition: Partition) -> None:
        """Forget it with all it holds."""
        self._drop_tables(partition.name, predictions=partition.predictions)
        self._database.execute("delete from filters where number = ?", (partition.number,))
        self._database.execute("delete from partitions where number = ?", (partition.number,))

    def append(self, partition: Partition, hashes: NDArray[np.int64], *columns: Iterable[object]) -> range:
        """Add rows, whose `columns` are those after `hash`; returns their numbers."""
        count = len(hashes)
        if not count:
            return range(0)
        if partition.rows + count > partition.filter.room:
            self.rebuild_filter(partition, 4 * (partition.rows + count))
        partition.filter.add(hashes)
        numbers = range(partition.next_row, partition.next_row + count)
        marks = ", ".join("?" * (2 + len(columns)))
        self._database.executemany(
            f"insert into p{partition.name} values ({marks})",  # noqa: S608  # no text of a sender's
            zip(numbers, hashes.tolist(), *columns, strict=True),
        )
        partition.next_row += count
        partition.rows += count
        return numbers

    def find(self, partition: Partition, hashes: NDArray[np.int64]) -> Iterator[Row]:
        """The predictions under any of `hashes`."""
        name = partition.name
        found = self._database.execute(
            f"select p.row, has_rows, outcome, id, made_at, version, facts from p{name} p"  # noqa: S608  # as above
            f" left join s{name} s on s.row = p.row where hash in (select value from json_each(?)) order by p.row",
            (json.dumps(hashes.tolist()),),
        )
        return (Row(row, has_rows, told, Awaited(*rest)) for row, has_rows, told, *rest in found.fetchall())

    def find_early(self, partition: Partition, hashes: NDArray[np.int64]) -> Iterator[EarlyRow]:
        """The waiting outcomes under any of `hashes`."""
        found = self._database.execute(
            f"select row, outcome from p{partition.name}"  # noqa: S608  # as above
            f" where hash in (select value from json_each(?)) order by row",
            (json.dumps(hashes.tolist()),),
        )
        return map(EarlyRow._make, found.fetchall())

    def settle(self, partition: Partition, outcomes: Iterable[tuple[int, bytes]]) -> None:
        """Put outcomes beside the predictions in their rows, in place of earlier ones."""
        self._database.executemany(f"insert or replace into s{partition.name} values (?, ?)", outcomes)  # noqa: S608  # as above

    def replace_early(self, partition: Partition, row: int, outcome: bytes) -> None:
        """Put another outcome into the row of one that waits."""
        self._database.execute(f"update p{partition.name} set outcome = ? where row = ?", (outcome, row))  # noqa: S608  # as above

    def delete_early(self, partition: Partition, row: int) -> None:
        """Take an outcome out that waits no more."""
        self._database.execute(f"delete from p{partition.name} where row = ?", (row,))  # noqa: S608  # as above
        partition.rows -= 1

    def beyond(self, partition: Partition, rate: float) -> tuple[int, int]:
        """Rows outside of the sample of `rate`, and how many of them have an outcome."""
        if rate >= 1:
            return 0, 0
        name, threshold = partition.name, threshold_of(rate)
        ((rows,),) = self._database.execute(f"select count(*) from p{name} where hash >= ?", (threshold,))  # noqa: S608  # as above
        settled = 0
        if partition.settled:
            ((settled,),) = self._database.execute(
                f"select count(*) from s{name} s join p{name} p on p.row = s.row where hash >= ?",  # noqa: S608  # as above
                (threshold,),
            )
        return rows, settled

    def thin(self, partition: Partition) -> tuple[int, int]:
        """Delete what is outside of the sample of its rate; returns how many rows went, and those with an outcome.

        The rest is written anew: deleting rows here and there would leave every page half full.
        """
        gone, settled = self.beyond(partition, partition.rate)
        self._rewrite(partition, f"hash < {threshold_of(partition.rate)}")
        partition.rows -= gone
        partition.settled -= settled
        partition.thinned_to = partition.rate
        self.save([partition])
        return gone, settled

    def forget_settled(self, partition: Partition) -> int:
        """Delete the predictions that have their outcome; returns how many went."""
        gone = partition.settled
        self._rewrite(partition, f"row not in (select row from s{partition.name})")  # noqa: S608  # as above
        partition.rows -= gone
        partition.settled = 0
        self.save([partition])
        return gone

    def rebuild_filter(self, partition: Partition, room: int) -> None:
        """Make a filter of what the partition holds, with room for that many rows."""
        found = self._database.execute(f"select hash from p{partition.name}").fetchall()  # noqa: S608  # as above
        partition.filter = KeyFilter.for_keys(room)
        partition.filter.add(np.fromiter((key for (key,) in found), np.int64, len(found)))

    def _rewrite(self, partition: Partition, condition: str) -> None:
        old = partition.name
        partition.generation += 1
        new = partition.name
        run = self._database.execute
        self.create(partition)
        run(f"insert into p{new} select * from p{old} where {condition} order by row")  # noqa: S608  # as above
        if partition.predictions:
            run(f"insert into s{new} select * from s{old} where row in (select row from p{new})")  # noqa: S608  # as above
        self._drop_tables(old, predictions=partition.predictions)

    def _drop_tables(self, name: str, *, predictions: bool) -> None:
        self._database.execute(f"drop table p{name}")
        if predictions:
            self._database.execute(f"drop table s{name}")
