"""The partitions of the embedded store, and how large a share of each model it keeps."""

import sqlite3
from collections import defaultdict
from typing import Final

from model_exporter.join.filters import KeyFilter
from model_exporter.join.partitions import SCHEMA, SCHEMA_VERSION, Partition, Tables
from model_exporter.join.sampling import Share

SPANS_PER_WAIT: Final = 32
"""Partitions that a model's wait has at least, so that nothing waits longer by more than a 32nd of it."""
SHORTEST_SPAN: Final = 60.0
"""Seconds; a short wait is not worth more partitions than can be dropped."""


class Shelves:
    """What is in the database, as far as it is held in memory: about 2 bytes for a row.

    Args:
        database: in autocommit mode; transactions are the caller's.

    Raises:
        sqlite3.Error: it cannot be read or prepared.
        ValueError: it was written by another release.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.tables = Tables(database)
        self._partitions: dict[int, Partition] = {}
        self._of: defaultdict[tuple[str, bool], list[Partition]] = defaultdict(list)
        self._open: dict[tuple[str, bool], Partition] = {}
        self._shares: dict[str, Share] = {}
        self._touched: dict[int, Partition] = {}
        self._next = 1
        ((version,),) = database.execute("pragma user_version")
        if version not in {0, SCHEMA_VERSION}:
            raise ValueError(f"its layout is {version}, not {SCHEMA_VERSION}")
        if not version:
            database.executescript(f"{SCHEMA}; pragma user_version = {SCHEMA_VERSION};")
        for model, rate, since in database.execute("select * from rates"):
            self._shares[model] = Share(rate, since)
        for partition in self.tables.load():
            self._hold(partition)

    def all(self) -> list[Partition]:
        """Every partition, oldest first."""
        return list(self._partitions.values())

    def of(self, model: str, *, predictions: bool) -> list[Partition]:
        """Those of one model, oldest first: of its predictions, or of the outcomes that wait for one."""
        return self._of.get((model, predictions), [])

    def share(self, model: str) -> Share:
        """What share of a model's predictions is kept now."""
        return self._shares.get(model, Share())

    def shared(self) -> dict[str, Share]:
        """The models that do not keep all."""
        return {model: share for model, share in self._shares.items() if share.rate < 1}

    def open(self, model: str, now: float, wait: float, *, predictions: bool, room: int) -> Partition:
        """The partition that rows of now belong to, unless it has more than `room` rows."""
        share = self.share(model)
        partition = self._open.get((model, predictions))
        if partition and (
            partition.rows > max(0, room)
            or now - partition.opened > max(wait / SPANS_PER_WAIT, SHORTEST_SPAN)
            or partition.rate != share.rate
        ):
            self.close(partition)
            partition = None
        if partition is None:
            before = self.of(model, predictions=predictions)
            lowest = min([share.rate, *(other.rate for other in self.of(model, predictions=True))])
            partition = Partition(
                number=self._next,
                generation=0,
                predictions=predictions,
                model=model,
                opened=now,
                newest=now,
                closed=False,
                rate=share.rate,
                thinned_to=share.rate,
                next_row=1,
                rows=0,
                settled=0,
                early_rate=lowest,
                filter=KeyFilter.for_keys(max((other.rows for other in before[-1:]), default=0)),
            )
            self.tables.create(partition)
            self._hold(partition)
        partition.newest = max(partition.newest, now)
        self.touch(partition)
        return partition

    def close(self, partition: Partition) -> None:
        """Fill it no more."""
        if not partition.closed:
            self.tables.close(partition)
            del self._open[partition.model, partition.predictions]

    def drop(self, partition: Partition) -> None:
        """Forget it with all it holds."""
        self.tables.drop(partition)
        del self._partitions[partition.number]
        self._of[partition.model, partition.predictions].remove(partition)
        self._touched.pop(partition.number, None)
        if not partition.closed:
            del self._open[partition.model, partition.predictions]

    def keep_share(self, model: str, share: Share) -> None:
        """Take over another share; a smaller one is that of what is kept already as well."""
        smaller = share.rate < self.share(model).rate
        self._shares[model] = share
        self._database.execute("insert or replace into rates values (?, ?, ?)", (model, share.rate, share.since))
        for partition in [*self.of(model, predictions=True), *self.of(model, predictions=False)]:
            self.close(partition)
            if smaller:
                partition.rate = min(partition.rate, share.rate)
                partition.early_rate = min(partition.early_rate, share.rate)
                self.touch(partition)

    def touch(self, partition: Partition) -> None:
        """Have it saved at the end of the transaction."""
        self._touched[partition.number] = partition

    def save(self) -> None:
        """Write what the transaction has changed."""
        self.tables.save(self._touched.values())
        self._touched.clear()

    def _hold(self, partition: Partition) -> None:
        self._partitions[partition.number] = partition
        self._of[partition.model, partition.predictions].append(partition)
        if not partition.closed:
            self._open[partition.model, partition.predictions] = partition
        self._next = max(self._next, partition.number + 1)
