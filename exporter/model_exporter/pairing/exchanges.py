"""Halves that wait for each other, within bounds. Time is an argument, unix seconds."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import AnyStr, Final

from model_exporter.pairing.halves import Exchange, Half, Side

NO_RESPONSE: Final = "no_response"
"""The error of a request whose response did not come."""
_STREAMS: Final = 1_000
"""Streams remembered to answer."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one half.

    Attributes:
        exchange: what is complete with it, if anything.
        repeated: it, or the whole exchange, had come before; nothing was done.
        evicted: what had to make room, alone for ever.
    """

    exchange: Exchange | None = None
    repeated: bool = False
    evicted: tuple[Exchange, ...] = ()


class Exchanges:
    """Brings the halves of calls together. Any thread.

    The oldest half makes room when there is none. The calls that are over are remembered, as many as may
    wait, so that an event that is sent again is not taken for half of another call.

    Args:
        entries: halves that may wait.
        size: bytes they may take.
        wait_seconds: how long each waits.
    """

    def __init__(self, *, entries: int, size: int, wait_seconds: float) -> None:
        self._entries = entries
        self._limit = size
        self._wait = wait_seconds
        self._waiting: OrderedDict[bytes, Half] = OrderedDict()  # by call, in the order of arrival
        self._over: OrderedDict[bytes, None] = OrderedDict()
        self._answering: OrderedDict[str, None] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def size(self) -> int:
        """Bytes that waiting halves take."""
        return self._size

    def resize(self, *, entries: int, size: int, wait_seconds: float) -> None:
        """Take over new bounds."""
        with self._lock:
            self._entries, self._limit, self._wait = entries, size, wait_seconds

    def take(self, half: Half) -> Taken:
        """Take note of a half."""
        if half.side is Side.FEEDBACK:
            return Taken(Exchange({half.side: half}))
        call = half.call
        with self._lock:
            if half.side is Side.RESPONSE:
                _remember(self._answering, half.stream, _STREAMS)
            other = self._waiting.get(call)
            if call in self._over or (other and other.side is half.side):
                return Taken(repeated=True)
            if other is None:
                self._waiting[call] = half
                self._size += half.size
                return Taken(evicted=tuple(self._make_room()))
            self._end(call)
            return Taken(Exchange({half.side: half, other.side: other}))

    def expire(self, now: float) -> list[Exchange]:
        """The halves whose wait is over at `now`, each an exchange of its own."""
        with self._lock:
            over = []
            for half in self._waiting.values():
                if half.arrived + self._wait > now:
                    break
                over.append(half)
            return [self._give_up(half) for half in over]

    def drain(self) -> list[Exchange]:
        """All halves that wait, each an exchange of its own; none of them failed."""
        with self._lock:
            left = list(self._waiting.values())
            self._waiting.clear()
            self._size = 0
            return [Exchange({half.side: half}) for half in left]

    def _make_room(self) -> list[Exchange]:
        evicted = []
        while len(self._waiting) > self._entries or (self._size > self._limit and len(self._waiting) > 1):
            evicted.append(self._give_up(next(iter(self._waiting.values()))))
        return evicted

    def _give_up(self, half: Half) -> Exchange:
        self._end(half.call)
        failed = half.side is Side.REQUEST and half.stream in self._answering
        return Exchange({half.side: half}, NO_RESPONSE if failed else "")

    def _end(self, call: bytes) -> None:
        self._size -= self._waiting.pop(call).size
        _remember(self._over, call, self._entries)


def _remember(known: OrderedDict[AnyStr, None], key: AnyStr, limit: int) -> None:
    known[key] = None
    known.move_to_end(key)
    while len(known) > limit:
        known.popitem(last=False)
