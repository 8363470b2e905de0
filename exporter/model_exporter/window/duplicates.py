"""Which predictions have been seen before."""

import numpy as np
from numpy.typing import NDArray


class RecentKeys:
    """The keys of the last `limit` to `limit / 2` predictions, of all models together.

    Two generations: when the younger is full it becomes the older, whose keys are forgotten. A retry follows its
    first attempt by seconds, so the memory is sized for minutes of traffic, not for ever.
    """

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._younger: set[int] = set()
        self._older: set[int] = set()

    def __len__(self) -> int:
        return len(self._younger) + len(self._older)

    def resize(self, limit: int) -> None:
        """Take over a new limit."""
        self._half = max(1, limit // 2)

    def has(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mask bool[n] of the keys that are remembered; key 0 never is."""
        listed = keys.tolist()
        return np.fromiter((key in self._younger or key in self._older for key in listed), np.bool_, len(listed))

    def first_seen(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mask bool[n] of the rows whose key is new; remembers them. Key 0 is always new and never remembered."""
        listed = keys.tolist()
        distinct = set(listed)
        distinct.discard(0)
        keyed = np.count_nonzero(keys)
        if len(distinct) == keyed and distinct.isdisjoint(self._younger) and distinct.isdisjoint(self._older):
            self._remember(distinct)
            return np.ones(len(keys), np.bool_)
        fresh = np.ones(len(keys), np.bool_)
        seen = (distinct & self._younger) | (distinct & self._older)
        # Rows are looked at one by one only in a batch that holds a duplicate.
        for row, key in enumerate(listed):
            if key == 0:
                continue
            fresh[row] = key not in seen
            seen.add(key)
        self._remember(distinct)
        return fresh

    def _remember(self, keys: set[int]) -> None:
        self._younger |= keys
        if len(self._younger) >= self._half:
            self._older = self._younger
            self._younger = set()
