"""Expositions as gzip, in pieces that are kept while the families in them stay what they were."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from model_exporter import deflate

_HEAD: Final = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"  # RFC 1952: deflate, no name, no time, fastest, unknown system
_ALONE_BYTES: Final = 256 * 1024
"""A family of this size is compressed by itself, so that it can be kept when its neighbours change. Smaller ones share
a piece: each piece costs some 5 us, and the beginning of its text is packed less tightly."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text, its bytes deflated so that more may follow, its checksum and its length."""

    text: list[bytes]
    deflated: bytes
    checksum: int
    length: int


class Packer:
    """Compresses one exposition after the other. For one thread at a time."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []

    def pack(self, families: Sequence[list[bytes]]) -> "Packed":
        """Compress the lines of `families`, but for those that the one before had as well."""
        kept = {piece.text[0]: piece for piece in self._pieces}
        pieces = []
        for text in _runs(families):
            known = kept.get(text[0])
            pieces.append(known if known and known.text == text else _deflated(text))
        self._pieces = pieces
        return Packed(pieces)


class Packed:
    """The compressed beginning of an exposition."""

    def __init__(self, pieces: Sequence[_Piece]) -> None:
        self._deflated = [piece.deflated for piece in pieces]
        self._checksum = 0
        for piece in pieces:
            self._checksum = _after(self._checksum, piece)
        self._length = sum(piece.length for piece in pieces)

    def followed_by(self, rest: bytes) -> bytes:
        """The whole as one gzip member, with `rest` after it: not every reader takes a sequence of members."""
        stream = deflate.compressobj(deflate.LEVEL, deflate.DEFLATED, deflate.RAW)
        last = stream.compress(rest) + stream.flush()
        length = (self._length + len(rest)) & 0xFFFFFFFF
        tail = struct.pack("<LL", deflate.crc32(rest, self._checksum), length)
        return b"".join((_HEAD, *self._deflated, last, tail))


def _runs(families: Sequence[list[bytes]]) -> Iterator[list[bytes]]:
    """The lines of the pieces: large families by themselves, small ones together with those that follow."""
    together: list[bytes] = []
    for family in families:
        if sum(map(len, family)) < _ALONE_BYTES:
            together += family
            continue
        if together:
            yield together
            together = []
        yield family
    if together:
        yield together


def _deflated(lines: list[bytes]) -> _Piece:
    text = b"".join(lines)
    stream = deflate.compressobj(deflate.LEVEL, deflate.DEFLATED, deflate.RAW)
    # A full flush ends on a whole byte and lets nothing that follows refer back.
    deflated = stream.compress(text) + stream.flush(deflate.Z_FULL_FLUSH)
    return _Piece(lines, deflated, deflate.crc32(text), len(text))


def _after(checksum: int, piece: _Piece) -> int:
    """The checksum of what `checksum` is of, followed by `piece`."""
    if deflate.crc32_combine:
        return deflate.crc32_combine(checksum, piece.checksum, piece.length)
    for lines in piece.text:
        checksum = deflate.crc32(lines, checksum)
    return checksum
