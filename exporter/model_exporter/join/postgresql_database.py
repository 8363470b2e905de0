"""PostgreSQL under the shared store: one table of entries, one of shares."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
from msgspec import DecodeError
from msgspec.msgpack import Decoder, encode

from model_exporter.join.sampling import Share
from model_exporter.join.shared import Change, Counts
from model_exporter.join.store import StorageError

_CONNECT_SECONDS: Final = 2  # the least that libpq takes
_SHARES_OF: Final = Decoder(list[Share])

_SCHEMA: Final = (
    # Two replicas that start at the same time would both try to make the tables.
    "select pg_advisory_xact_lock(4207849485)",
    """
    create table if not exists model_exporter_join (
        model bytea, key bytea, hash bigint not null, state smallint not null, due double precision not null,
        entry bytea not null, primary key (model, key)
    )
    """,
    "create index if not exists model_exporter_join_due on model_exporter_join (model, state, due)",
    "create index if not exists model_exporter_join_hash on model_exporter_join (model, hash)",
    "create table if not exists model_exporter_shares (model bytea primary key, shares bytea not null)",
)
_READ: Final = "select key, entry from model_exporter_join where model = %s and key = any(%s)"
# In the order of the keys, so that two replicas that change the same ones wait for each other and not in a circle.
_LOCK: Final = """
    select 1 from model_exporter_join where model = %s and key = any(%s) order by key for update
"""
_INSERT: Final = """
    insert into model_exporter_join (model, key, hash, state, due, entry)
    select %s, * from unnest(%s::bytea[], %s::bigint[], %s::smallint[], %s::float8[], %s::bytea[]) n order by 2
    on conflict do nothing returning key
"""
_UPDATE: Final = """
    update model_exporter_join t set state = n.state, due = n.due, entry = n.entry
    from unnest(%s::bytea[], %s::smallint[], %s::float8[], %s::bytea[], %s::bytea[]) n (key, state, due, entry, old)
    where t.model = %s and t.key = n.key and t.entry = n.old returning t.key
"""
_TAKE_OVERDUE: Final = """
    delete from model_exporter_join where (model, key) in (
        select model, key from model_exporter_join where model = %s and state = %s and due <= %s
        limit %s for update skip locked
    ) returning entry
"""
_TAKE_BEYOND: Final = """
    delete from model_exporter_join where (model, key) in (
        select model, key from model_exporter_join where model = %s and hash >= %s limit %s for update skip locked
    ) returning entry
"""
_COUNTS: Final = """
    select model, sum((state = 0)::int), sum((state = 1)::int), sum((state = 2)::int)
    from model_exporter_join group by model
"""
_INSERT_SHARES: Final = "insert into model_exporter_shares values (%s, %s) on conflict do nothing"
_UPDATE_SHARES: Final = "update model_exporter_shares set shares = %s where model = %s and shares = %s"


class PostgresqlDatabase:
    """See `shared.Database`. Names are kept as bytes: PostgreSQL's text cannot hold every character.

    Args:
        url: `postgresql://`; it may hold a password and is never repeated.

    Raises:
        ValueError: `url` is none.
    """

    def __init__(self, url: str) -> None:
        try:
            psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise ValueError("this is no address of a PostgreSQL server") from error
        self._url = url
        self._connection: psycopg.Connection | None = None

    def read(self, model: str, keys: Sequence[str]) -> list[bytes | None]:
        """See `shared.Database`."""
        names = [_bytes(key) for key in keys]
        with self._transaction() as run:
            found = {bytes(key): bytes(entry) for key, entry in run.execute(_READ, (_bytes(model), names))}
        return [found.get(name) for name in names]

    def swap(self, model: str, changes: Sequence[Change]) -> set[str]:
        """See `shared.Database`."""
        done: set[bytes] = set()
        fresh = [change for change in changes if change.old is None]
        known = [change for change in changes if change.old is not None]
        name = _bytes(model)
        with self._transaction() as run:
            if fresh:
                keys, hashes, _, entries, states, dues = _columns(fresh)
                done.update(bytes(k) for (k,) in run.execute(_INSERT, (name, keys, hashes, states, dues, entries)))
            if known:
                keys, _, old, entries, states, dues = _columns(known)
                run.execute(_LOCK, (name, keys))
                done.update(bytes(k) for (k,) in run.execute(_UPDATE, (keys, states, dues, entries, old, name)))
        return {change.key for change in changes if _bytes(change.key) not in done}

    def take_overdue(self, model: str, state: int, now: float, limit: int) -> list[bytes]:
        """See `shared.Database`."""
        with self._transaction() as run:
            return [bytes(entry) for (entry,) in run.execute(_TAKE_OVERDUE, (_bytes(model), state, now, limit))]

    def take_beyond(self, model: str, threshold: int, limit: int) -> list[bytes]:
        """See `shared.Database`."""
        with self._transaction() as run:
            return [bytes(entry) for (entry,) in run.execute(_TAKE_BEYOND, (_bytes(model), threshold, limit))]

    def counts(self) -> dict[str, Counts]:
        """See `shared.Database`."""
        with self._transaction() as run:
            return {_text(model): Counts(*counts) for model, *counts in run.execute(_COUNTS)}

    def shares(self) -> dict[str, list[Share]]:
        """See `shared.Database`."""
        with self._transaction() as run:
            rows = run.execute("select model, shares from model_exporter_shares").fetchall()
        return {_text(model): _shares(bytes(shares)) for model, shares in rows}

    def swap_shares(self, model: str, old: list[Share], new: list[Share]) -> None:
        """See `shared.Database`."""
        with self._transaction() as run:
            if old:
                run.execute(_UPDATE_SHARES, (encode(new), _bytes(model), encode(old)))
            else:
                run.execute(_INSERT_SHARES, (_bytes(model), encode(new)))

    def size(self) -> int:
        """See `shared.Database`: the table with its indexes."""
        with self._transaction() as run:
            row = run.execute("select pg_total_relation_size('model_exporter_join')").fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """See `shared.Database`."""
        if self._connection:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor]:
        """A cursor within a transaction; a broken connection is made anew the next time."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
            with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
                yield cursor
        except psycopg.Error as error:
            raise StorageError(f"PostgreSQL: {type(error).__name__}") from error

    def _connect(self) -> psycopg.Connection:
        connection = psycopg.connect(
            self._url, autocommit=True, connect_timeout=_CONNECT_SECONDS, application_name="model_exporter"
        )
        connection.execute("set statement_timeout = 2000")
        connection.execute("set lock_timeout = 1000")
        with connection.transaction():
            for statement in _SCHEMA:
                connection.execute(statement)
        return connection


def _columns(
    changes: Sequence[Change],
) -> tuple[list[bytes], list[int], list[bytes | None], list[bytes], list[int], list[float]]:
    return (
        [_bytes(change.key) for change in changes],
        [change.hash for change in changes],
        [change.old for change in changes],
        [change.new for change in changes],
        [change.state for change in changes],
        [change.due for change in changes],
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(name: bytes) -> str:
    return bytes(name).decode("utf-8", "surrogatepass")


def _shares(told: bytes) -> list[Share]:
    try:
        return _SHARES_OF.decode(told)
    except DecodeError:
        return []
