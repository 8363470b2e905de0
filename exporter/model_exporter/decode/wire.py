"""Just enough of the protobuf wire format to write a field, and to take one out without understanding the rest.

https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Callable, Iterator
from typing import Final

_VARINT: Final = 0
_FIXED64: Final = 1
_DELIMITED: Final = 2
_FIXED32: Final = 5
_MAX_VARINT_BITS: Final = 63
_MAX_TAG: Final = (1 << 32) - 1
_MORE: Final = 0x80  # the top bit of a varint's byte: another one follows


class WireError(ValueError):
    """The bytes are no protobuf message."""


def without(message: bytes, path: tuple[int, ...], unwanted: Callable[[bytes], bool]) -> tuple[bytes, int]:
    """`message` without the unwanted ones of its parts at `path` (field numbers, outermost first), and their number.

    All other length-delimited fields stay as they are; fields of other types are left out.

    Raises:
        WireError: the bytes on the way there are no message, are cut off, or hold a group (proto3 has none).
    """
    kept: list[bytes] = []
    removed = 0
    for number, content in _delimited_fields(message):
        part = content
        if number == path[0]:
            if len(path) > 1:
                part, count = without(content, path[1:], unwanted)
                removed += count
            elif unwanted(content):
                removed += 1
                continue
        kept.append(delimited(number, part))
    return b"".join(kept), removed


def delimited(number: int, content: bytes) -> bytes:
    """The length-delimited field `number` of a message."""
    return b"".join((_encode_varint(number << 3 | _DELIMITED), _encode_varint(len(content)), content))


def _delimited_fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or tag > _MAX_TAG:
            raise WireError(f"field number {number}")
        start = at
        if kind == _DELIMITED:
            length, start = _varint(message, at)
            at = start + length
        elif kind == _VARINT:
            _, at = _varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise WireError(f"wire type {kind}")
        if at > len(message):
            raise WireError("cut off")
        if kind == _DELIMITED:
            yield number, message[start:at]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where the next thing starts."""
    value = 0
    for shift in range(0, _MAX_VARINT_BITS + 1, 7):
        if at >= len(message):
            raise WireError("cut off")
        byte = message[at]
        at += 1
        value |= (byte & (_MORE - 1)) << shift
        if byte < _MORE:
            return value, at
    raise WireError("a number of more than 64 bits")


def _encode_varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= _MORE:
        encoded.append(value & (_MORE - 1) | _MORE)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
