"""Work on its way to the writer: bounded, and taken in lots."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, NamedTuple

from model_exporter.decode import Decoded, Decoder
from model_exporter.errors import OverloadedError

JOINED_ROWS: Final = 4096
"""Records of small requests that are added together; more would make a scrape's picture wait."""

JOINED_BYTES: Final = 8 << 20
"""Bytes of them: wide records are added fewer at a time, a thousand of 200 features or 250 of a thousand."""

LINGER_SECONDS: Final = 0.05
"""How long a small request waits for others to be added with it; its sender has its answer already."""

Task = Callable[[], None]


class Probed(NamedTuple):
    """A small request of which `by` is sure that all will be taken. The writer decodes it, with its neighbours."""

    body: bytes
    by: Decoder


class Item(NamedTuple):
    """Records and what follows them, or a task alone, on their way to the writer. A tuple: one is made a request."""

    records: Decoded | Probed | None
    task: Task | None
    rows: int
    size: int  # bytes of the request, or of its columns if these are more
    safe: Future[None] | None = None  # of a request with outcomes: done when these are on disk

    @property
    def is_task(self) -> bool:
        """Whether it holds no records."""
        return self.records is None


class BoundedQueue:
    """Work for the writer, bounded by records and by bytes. An empty queue takes any one request."""

    def __init__(self, *, rows: int, size: int) -> None:
        self._limit_rows = rows
        self._limit_size = size
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._rows = 0
        self._size = 0
        self._closed = False
        self._urgent = False  # a task, or a request whose sender waits, is among the items

    @property
    def rows(self) -> int:
        """Records waiting."""
        return self._rows

    @property
    def capacity(self) -> int:
        """Records that may wait."""
        return self._limit_rows

    def resize(self, *, rows: int, size: int) -> None:
        """Take over new limits."""
        with self._changed:
            self._limit_rows, self._limit_size = rows, size

    def check(self) -> None:
        """Refuse early what `put` would refuse late.

        Raises:
            OverloadedError: it is full or closed.
        """
        if self._closed:
            raise OverloadedError("the exporter is shutting down")
        if self._rows >= self._limit_rows or self._size >= self._limit_size:
            raise OverloadedError(f"{self._rows} records ({self._size} bytes) wait already")

    def put(self, item: Item) -> None:
        """Add an item.

        Raises:
            OverloadedError: it does not fit, or the queue is closed.
        """
        with self._changed:
            if self._closed:
                raise OverloadedError("the exporter is shutting down")
            rows, size, is_task = self._rows + item.rows, self._size + item.size, item.records is None
            if (rows > self._limit_rows or size > self._limit_size) and self._items and not is_task:
                raise OverloadedError(f"{self._rows} records ({self._size} bytes) wait already")
            self._items.append(item)
            self._rows, self._size = rows, size
            if is_task or item.safe is not None:
                self._urgent = True
            if len(self._items) == 1 or self._is_pressing():
                self._changed.notify()

    def take(self, timeout: float, *, linger: bool = True) -> list[Item]:
        """The next items, together at most `JOINED_ROWS` records and `JOINED_BYTES`, or a single item.

        There are none after `timeout` seconds.

        The first item waits up to `LINGER_SECONDS` for others to join it, unless many wait already or time presses, or
        the writer has other work meanwhile (`linger` is false).
        """
        with self._changed:
            if not self._items and not self._closed:
                self._changed.wait(timeout)
            if self._items and linger:
                self._changed.wait_for(self._is_pressing, LINGER_SECONDS)
            self._urgent = False
            taken: list[Item] = []
            rows = size = 0
            while self._items:
                item = self._items[0]
                if taken and (rows + item.rows > JOINED_ROWS or size + item.size > JOINED_BYTES):
                    break
                rows += item.rows
                size += item.size
                taken.append(self._items.popleft())
            self._rows -= rows
            self._size -= size
            return taken

    def close(self) -> None:
        """Take no more; what is there can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_pressing(self) -> bool:
        """Whether the writer should not wait for more."""
        many, much = min(JOINED_ROWS, self._limit_rows // 2), min(JOINED_BYTES, self._limit_size // 2)
        return self._closed or self._urgent or self._rows >= many or self._size >= much

    @property
    def drained(self) -> bool:
        """Closed, and nothing left."""
        return self._closed and not self._items
