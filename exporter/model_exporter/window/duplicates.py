"""Which predictions have been seen before."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_WAYS: Final = 16
"""Keys of one bucket; the oldest of them makes room."""
_FEW: Final = 8
"""Up to so many keys are faster one by one: an array of one costs as much as one of a hundred."""
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
            self.first_seen(keys[keys != 0])

    def has(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mask bool[n] of the keys that are remembered; key 0 never is."""
        found: NDArray[np.bool_] = self._among(keys.view(np.uint64)) & (keys != 0)
        return found

    def first_seen(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mask bool[n] of the rows whose key is new; remembers them. Key 0 is always new and never remembered."""
        hashes = keys.view(np.uint64)
        if len(hashes) <= _FEW:
            return np.array([self._is_new(key) for key in hashes.tolist()], np.bool_)
        order = hashes.argsort(kind="stable")  # rows of a bucket stand together then, and those of a key
        ordered = hashes[order]
        new = ~self._among(ordered)
        new[1:] &= ordered[1:] != ordered[:-1]
        keyed = ordered != 0
        self._remember(ordered[new & keyed])
        fresh = np.empty(len(keys), np.bool_)
        fresh[order] = new | ~keyed
        return fresh

    def _allocate(self, limit: int) -> None:
        self._limit = limit
        bits = max(1, int(np.ceil(np.log2(max(1, limit) * _ROOM / _WAYS))))
        self._shift = np.uint64(64 - bits)
        self._cells = np.zeros((1 << bits, _WAYS), np.uint64)  # 0 is an empty cell
        self._next = np.zeros(1 << bits, np.uint8)  # the cell that a bucket fills next
        self._held = 0

    def _among(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self._cells[hashes >> self._shift] == hashes[:, None]).any(axis=1)
        return found

    def _is_new(self, key: int) -> bool:
        """Whether one key is new; remembers it, unless it is 0."""
        if key == 0:
            return True
        bucket = key >> int(self._shift)
        held = self._cells[bucket].tolist()
        if key in held:
            return False
        cell = int(self._next[bucket])
        self._held += held[cell] == 0
        self._cells[bucket, cell] = key
        self._next[bucket] = (cell + 1) % _WAYS
        return True

    def _remember(self, ordered: NDArray[np.uint64]) -> None:
        """Put distinct keys, in ascending order, into their buckets."""
        if not len(ordered):
            return
        buckets = ordered >> self._shift
        places = np.arange(len(ordered))
        begins = np.ones(len(ordered), np.bool_)
        begins[1:] = buckets[1:] != buckets[:-1]
        within = places - np.maximum.accumulate(np.where(begins, places, 0))
        cells = (self._next[buckets] + within) % _WAYS
        self._held += int(np.count_nonzero(self._cells[buckets, cells] == 0))
        self._cells[buckets, cells] = ordered
        self._next[buckets] = (cells + 1) % _WAYS  # the last assignment to a bucket holds
