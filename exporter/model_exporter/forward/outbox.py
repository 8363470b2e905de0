"""Requests that wait to be passed on, bounded by bytes."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from model_exporter.ports import Encoding, Signal

OVERHEAD_BYTES: Final = 1024
"""What a request takes beside its body, rounded up: many empty ones must find an end too."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request on its way.

    Attributes:
        body: as it came, decompressed.
        via: names of the exporters that it came through, with commas between.
        due: when it is given up, in seconds of the clock that never goes back.
    """

    signal: Signal
    encoding: Encoding
    body: bytes
    via: str
    due: float

    @property
    def size(self) -> int:
        """What it takes of the outbox, bytes."""
        return len(self.body) + OVERHEAD_BYTES


class Outbox:
    """Parcels first in, first out. An empty outbox takes any one parcel. Any thread.

    Room is taken before a parcel comes, and given back when it has left for good: what is on its way takes room too.
    """

    def __init__(self, size: int) -> None:
        self._limit = size
        self._lock = threading.Lock()
        self._parcels: deque[Parcel] = deque()
        self._held = 0
        self._called: Callable[[], None] | None = None

    @property
    def held(self) -> int:
        """Bytes taken: by parcels that wait, that are on their way, and that are about to come."""
        return self._held

    @property
    def waiting(self) -> int:
        """Parcels that wait."""
        return len(self._parcels)

    @property
    def capacity(self) -> int:
        """Bytes that may be taken."""
        return self._limit

    def resize(self, size: int) -> None:
        """Take over a new limit; what is over it stays."""
        with self._lock:
            self._limit = size

    def reserve(self, size: int) -> bool:
        """Take `size` bytes for a parcel to come; False when there is no room."""
        with self._lock:
            if self._held and self._held + size > self._limit:
                return False
            self._held += size
            return True

    def release(self, size: int) -> None:
        """Give back what was taken for a parcel."""
        with self._lock:
            self._held -= size

    def put(self, parcel: Parcel) -> None:
        """Add a parcel for which room was taken."""
        with self._lock:
            self._parcels.append(parcel)
            called, self._called = self._called, None
        if called:
            called()

    def put_back(self, parcel: Parcel) -> None:
        """Return a parcel that was taken and did not leave; it is the next one."""
        with self._lock:
            self._parcels.appendleft(parcel)

    def take(self, call: Callable[[], None] | None = None) -> Parcel | None:
        """The next parcel, whose room stays taken; without one, `call` is called, once, when there is."""
        with self._lock:
            if self._parcels:
                return self._parcels.popleft()
            self._called = call
            return None
