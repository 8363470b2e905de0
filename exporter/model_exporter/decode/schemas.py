"""What monitors have told of their columns, kept between requests because most records do not repeat it."""

import threading
from collections.abc import Callable, Collection, Iterable
from typing import Final

from model_exporter.ports import MonitorSchema

_BYTES: Final = 16 * 1024 * 1024
_COLUMN_BYTES: Final = 200  # what a column takes besides its characters, about

_Place = tuple[str, str]
"""A service and its instance."""


class Schemas:
    """The schemas of monitors, by the service that runs them and the names of their columns. Safe to share by threads.

    BentoML sends a schema with some of its records, at least with the first of each worker
    (`bentoml/_internal/monitoring/otlp.py`). Its monitors share one logger, whose records all go out under the resource
    of the monitor that was made last: of a record without a schema only the columns tell which monitor it is of.

    Args:
        limit: how many are kept; beyond it the one learned first is forgotten.
        kept: those of an earlier run.
        changed: called after one was learned, from the thread that decodes.
        turned_away: called for each that was forgotten, or is too large to be kept.
    """

    def __init__(
        self,
        *,
        limit: int,
        kept: Iterable[MonitorSchema] = (),
        changed: Callable[[], None] = lambda: None,
        turned_away: Callable[[], None] = lambda: None,
    ) -> None:
        self._limit = limit
        self._changed = changed
        self._turned_away = turned_away
        self._room = _BYTES
        self._lock = threading.Lock()
        self._order: dict[MonitorSchema, None] = {}
        self._places: dict[_Place, dict[frozenset[str], MonitorSchema]] = {}
        for schema in kept:
            self._add(schema)

    def learn(self, schema: MonitorSchema) -> None:
        """Keep `schema`, instead of another for the same columns of the same instance."""
        if self._places.get((schema.service, schema.instance), {}).get(schema.names) == schema:
            return
        with self._lock:
            self._add(schema)
        self._changed()

    def find(self, service: str, instance: str, columns: Collection[str]) -> MonitorSchema | None:
        """The schema of a record with `columns`: of these exactly, or the only one that has them all."""
        known = self._places.get((service, instance))
        if not known:
            return None
        names = frozenset(columns)
        exact = known.get(names)
        if exact is not None:
            return exact
        wider = [schema for schema in list(known.values()) if names < schema.names]
        return wider[0] if len(wider) == 1 else None

    def resize(self, limit: int) -> None:
        """Take over a new limit."""
        with self._lock:
            self._limit = limit
            self._make_room(0)

    def kept(self) -> tuple[MonitorSchema, ...]:
        """All of them, in the order they were learned."""
        with self._lock:
            return tuple(self._order)

    def __len__(self) -> int:
        return len(self._order)

    def _add(self, schema: MonitorSchema) -> None:
        size = _size(schema)
        if size > _BYTES // 8:
            self._turned_away()
            return
        known = self._places.get((schema.service, schema.instance), {}).get(schema.names)
        if known is not None:
            self._forget(known)
        self._make_room(1, size)
        self._order[schema] = None
        self._places.setdefault((schema.service, schema.instance), {})[schema.names] = schema
        self._room -= size

    def _make_room(self, more: int, size: int = 0) -> None:
        while self._order and (len(self._order) + more > self._limit or size > self._room):
            self._forget(next(iter(self._order)))
            self._turned_away()

    def _forget(self, schema: MonitorSchema) -> None:
        del self._order[schema]
        place = schema.service, schema.instance
        del self._places[place][schema.names]
        if not self._places[place]:
            del self._places[place]
        self._room += _size(schema)


def _size(schema: MonitorSchema) -> int:
    texts = (schema.service, schema.instance, schema.monitor, schema.version)
    return sum(map(len, texts)) + sum(sum(map(len, column)) + _COLUMN_BYTES for column in schema.columns)
