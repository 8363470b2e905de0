"""Which keys may be in a partition, by a few bits each: a Bloom filter whose bits of one key share a word.

Source: F. Putze, P. Sanders, J. Singler, "Cache-, hash- and space-efficient Bloom filters", 2007 (blocked filters).
"""

from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

_KEYS_PER_WORD: Final = 4
_BITS: Final = 5
_SMALLEST: Final = 64
_WORD_SHIFT: Final = 30
"""Bits of a hash below it choose bits of a word, those from it on the word; the highest are alike in a sample."""


class KeyFilter:
    """Says of a hash "perhaps" or "no", 16 bits a key. About 3 in 1,000 that were never added are told "perhaps".

    Args:
        words: uint64[2^k].
    """

    def __init__(self, words: NDArray[np.uint64]) -> None:
        self._words = words

    @classmethod
    def for_keys(cls, count: int) -> Self:
        """An empty one with room for `count` keys; more make it say "perhaps" more often."""
        needed = max(_SMALLEST, -(-count // _KEYS_PER_WORD))
        return cls(np.zeros(1 << (needed - 1).bit_length(), np.uint64))

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """The filter that made `encoded`.

        Raises:
            ValueError: none did.
        """
        words = np.frombuffer(encoded, "<u8").copy()
        if len(words) < _SMALLEST or len(words) & (len(words) - 1):
            raise ValueError(f"{len(encoded)} bytes are no filter")
        return cls(words)

    def encode(self) -> bytes:
        """As `decode` takes it."""
        return self._words.astype("<u8").tobytes()

    @property
    def room(self) -> int:
        """Keys that it is made for."""
        return len(self._words) * _KEYS_PER_WORD

    def add(self, hashes: NDArray[np.int64]) -> None:
        """Say "perhaps" of `hashes`, int64[n] >= 0, from now on."""
        probe = Probe(hashes)
        np.bitwise_or.at(self._words, self._places(probe), probe.masks)

    def may_hold(self, probe: "Probe") -> NDArray[np.bool_]:
        """bool[n]: False where a hash was certainly never added."""
        held: NDArray[np.bool_] = (self._words[self._places(probe)] & probe.masks) == probe.masks
        return held

    def _places(self, probe: "Probe") -> NDArray[np.int64]:
        return probe.spots & (len(self._words) - 1)


class Probe:
    """Hashes prepared for being looked up in many filters.

    Args:
        hashes: int64[n] >= 0.
    """

    def __init__(self, hashes: NDArray[np.int64]) -> None:
        self.hashes = hashes
        self.spots = hashes >> _WORD_SHIFT
        self.masks = np.zeros(len(hashes), np.uint64)
        for index in range(_BITS):
            self.masks |= np.uint64(1) << ((hashes >> 6 * index) & 63).astype(np.uint64)
