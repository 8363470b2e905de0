"""Protobuf bytes field by field, as no library writes them, for tests of decoders."""

from collections.abc import Iterable


def varint(value: int, padding: int = 0) -> bytes:
    """An unsigned number, with `padding` bytes more than it needs."""
    parts = []
    while True:
        parts.append(value & 0x7F)
        value >>= 7
        if not value:
            break
    parts.extend([0] * padding)
    return bytes([*(part | 0x80 for part in parts[:-1]), parts[-1]])


def field(number: int, kind: int, content: bytes, padding: int = 0) -> bytes:
    """A field of this wire type; that of a delimited one is given its length, padded as its tag is."""
    size = varint(len(content), padding) if kind == 2 else b""
    return varint(number << 3 | kind, padding) + size + content


def message(fields: Iterable[tuple[int, bytes]]) -> bytes:
    """A message of delimited fields."""
    return b"".join(field(number, 2, content) for number, content in fields)
