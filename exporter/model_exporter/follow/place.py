"""Where the reading of a file stands, told by what the file holds and not by its name alone."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

HEAD_BYTES: Final = 1024
"""Of what was read, the first bytes that tell one content from another."""
FIRST_BYTES: Final = 64
"""Of these, those that even the beginning of a copy has."""
TAIL_BYTES: Final = 256
"""And the last ones, just before the offset."""
_DIGEST: Final = 16

Key = tuple[int, int]
"""Device and inode of a file."""


class Content(Protocol):
    """What a file holds; of a compressed one, what it holds decompressed."""

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on; fewer, or none, at the end.

        Raises:
            OSError: the file cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where a file was read.

    Attributes:
        pattern: the glob that the file was found by.
        path: where it was last seen, links resolved.
        key: its device and inode.
        modified_ns: its time of modification, unix nanoseconds.
        offset: bytes of content that are dealt with; whole lines.
        known: how many of the first bytes `first` is the digest of, at most `FIRST_BYTES`; they need not be dealt with.
        first: that digest.
        head: digest of the first of them, at most `HEAD_BYTES`.
        tail: digest of the last of them, at most `TAIL_BYTES`.
    """

    pattern: str
    path: str
    key: Key
    modified_ns: int
    offset: int
    known: int
    first: bytes
    head: bytes
    tail: bytes

    def is_in(self, content: Content) -> bool:
        """Whether `content` goes on from here: it begins with what was read, as far as the digests tell.

        Raises:
            OSError: it cannot be read.
        """
        head, tail = min(self.offset, HEAD_BYTES), min(self.offset, TAIL_BYTES)
        return (
            digest(content.read(0, self.known)) == self.first
            and digest(content.read(0, head)) == self.head
            and digest(content.read(self.offset - tail, tail)) == self.tail
        )


def digest(content: bytes) -> bytes:
    """A digest that tells contents apart; no secret."""
    return blake2b(content, digest_size=_DIGEST).digest()
