"""Which predictions have been seen before."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats import kernel
from model_exporter.stats.plain_kernel import are_among

_WAYS: Final = 16
"""Keys of one bucket; the oldest of them makes room."""
_ROOM: Final = 1.5
"""Cells for each key of the limit, at least: buckets fill unevenly."""


class RecentKeys:
    """The keys of the last predictions, of all models together: as many as `limit`, at least half as many.

    Keys are hashes, whose upper bits choose one of many buckets of 16 cells, and each bucket forgets its oldest key. A
    key is forgotten early when its bucket takes 16 further keys while all buckets together take `limit / 2`: with the
    mean of a bucket below 16 / 3 in that time the Poisson law gives less than one key in 10,000. A retry follows its
    first attempt by seconds, so the memory is sized for minutes of traffic, not for ever; a cell is the eight bytes of
    its key, a sixth of what a set takes.
    """

    def __init__(self, limit: int) -> None:
        self._allocate(limit)

    def __len__(self) -> int:
        return min(self._limit, self._held)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes when it is full."""
        return self._cells.nbytes + self._next.nbytes

    def resize(self, limit: int) -> None:
        """Take over a new limit; with another number of buckets everything is forgotten but what is newest."""
        if limit == self._limit:
            return
        cells, following = self._cells, self._next
        self._allocate(limit)
        for age in range(_WAYS):  # the oldest first
            keys = cells[np.arange(len(cells)), (following + age) % _WAYS]
            self.first_seen(keys[keys != 0].view(np.int64))

    def has(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mask bool[n] of the keys that are remembered; key 0 never is."""
        found: NDArray[np.bool_] = are_among(keys.view(np.uint64), self._cells, self._shift) & (keys != 0)
        return found

    def first_seen(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mask bool[n] of the rows whose key is new; remembers them. Key 0 is always new and never remembered."""
        fresh = np.empty(len(keys), np.uint8)
        self._held += kernel.first_seen(np.ascontiguousarray(keys), self._cells, self._next, self._shift, fresh)
        return fresh.view(np.bool_)

    def _allocate(self, limit: int) -> None:
        self._limit = limit
        bits = max(1, int(np.ceil(np.log2(max(1, limit) * _ROOM / _WAYS))))
        self._shift = 64 - bits
        self._cells = np.zeros((1 << bits, _WAYS), np.uint64)  # 0 is an empty cell
        self._next = np.zeros(1 << bits, np.uint8)  # the cell that a bucket fills next
        self._held = 0
