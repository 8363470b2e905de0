"""Counts over rolling windows, in mergeable slots."""

from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from model_exporter.window.snapshot import WINDOWS

SLOT_SECONDS: Final = 15.0
"""Length of the shortest slot. All of a slot's counts enter and leave a window together."""
_RING_SLOTS: Final = {"5m": 20, "1h": 60, "1d": 96}

Counts = NDArray[np.int64]
OnClose = Callable[[float, Counts], None]
_Integer = TypeVar("_Integer", np.int32, np.int64)


class _Ring:
    """The slots of one window: their sum, and the non-empty slots it is made of, oldest first."""

    def __init__(self, span_seconds: float, slots: int, width: int) -> None:
        self.slot_seconds = span_seconds / slots
        self.total = np.zeros(width, np.int64)
        self._slots = slots
        self._filled: deque[tuple[int, NDArray[np.int32]]] = deque()

    def push(self, start: float, counts: Counts) -> None:
        slot = int(start // self.slot_seconds)
        self.total += counts
        if self._filled and self._filled[-1][0] == slot:
            np.add(self._filled[-1][1], counts, out=self._filled[-1][1], casting="unsafe")
        else:
            self._filled.append((slot, counts.astype(np.int32)))

    def evict(self, now: float) -> bool:
        """Drop the slots that have left the window at `now`; True when there were any."""
        oldest = int(now // self.slot_seconds) - self._slots + 1
        evicted = False
        while self._filled and self._filled[0][0] < oldest:
            self.total -= self._filled.popleft()[1]
            evicted = True
        return evicted

    def widen(self, width: int) -> None:
        self.total = _widened(self.total, width)
        self._filled = deque((slot, _widened(counts, width)) for slot, counts in self._filled)


class Rolling:
    """A vector of counts: since the start, and over each window of `WINDOWS`.

    Every batch adds to one open slot, which enters the windows' rings when its time is over. A window thus reaches
    back its length, less at most one of its own slots (15 s, 1 min, 15 min). Time that runs backwards is taken as
    standing still.

    Args:
        width: length of the vector.
        on_close: called with the start and the counts of each slot that is over and holds anything, in order.
    """

    def __init__(self, width: int, *, on_close: OnClose | None = None) -> None:
        self.total = np.zeros(width, np.int64)
        self.revision = 0
        self._on_close = on_close
        self._open = np.zeros(width, np.int64)
        self._open_slot = -1
        self._dirty = False
        self._rings = {name: _Ring(span, _RING_SLOTS[name], width) for name, span in WINDOWS.items()}

    @property
    def width(self) -> int:
        """Length of the vector."""
        return len(self.total)

    def add(self, counts: Counts, now: float) -> None:
        """Add int64[width] `counts` at `now`."""
        self.advance(now)
        self.total += counts
        self._open += counts
        self._dirty = True
        self.revision += 1

    def advance(self, now: float) -> None:
        """Let time pass: close the open slot when it is over and forget what has left the windows."""
        slot = int(now // SLOT_SECONDS)
        if slot <= self._open_slot:
            return
        if self._dirty:
            start = self._open_slot * SLOT_SECONDS
            for ring in self._rings.values():
                ring.push(start, self._open)
            if self._on_close:
                self._on_close(start, self._open)
            self._open[:] = 0
            self._dirty = False
        self._open_slot = slot
        evicted = [ring.evict(now) for ring in self._rings.values()]
        if any(evicted):
            self.revision += 1

    def window(self, name: str) -> Counts:
        """Counts of window `name` as of the last `add` or `advance`; a copy."""
        return self._rings[name].total + self._open

    def widen(self, width: int) -> None:
        """Make room for more counts at the end; they begin at 0."""
        self.total = _widened(self.total, width)
        self._open = _widened(self._open, width)
        for ring in self._rings.values():
            ring.widen(width)
        self.revision += 1


def _widened(counts: NDArray[_Integer], width: int) -> NDArray[_Integer]:
    return np.pad(counts, (0, width - len(counts)))
