"""Decompression with a limit on what comes out."""

import zlib
from enum import Enum
from typing import Final

from model_exporter import deflate
from model_exporter.errors import DecodeError, TooLargeError

GZIP_MAGIC: Final = b"\x1f\x8b"
_SLICE_BYTES: Final = 64 * 1024
_STEP_BYTES: Final = 1024 * 1024
_MAX_MEMBERS: Final = 4096
"""Parts of one gzip body. Parallel compressors write some; millions of empty ones would only burn CPU."""
_ZLIB_METHOD: Final = 8


class Coding(Enum):
    """How a body is compressed. The value tells zlib what to expect: its `wbits`."""

    IDENTITY = 0
    GZIP = 16 + zlib.MAX_WBITS
    DEFLATE = zlib.MAX_WBITS


def inflate(body: bytes, coding: Coding, *, limit: int) -> bytes:
    """`body` decompressed; at most `limit` bytes, and no more than these and one step are held before it is refused.

    Deflate is a zlib stream (RFC 9110, 8.4.1.2); a raw one, which some old clients send, is taken too.

    Raises:
        TooLargeError: more than `limit` bytes would come out.
        DecodeError: the body is corrupt, cut off, or goes on after its end.
    """
    if coding is Coding.IDENTITY:
        return body
    wbits = coding.value
    if coding is Coding.DEFLATE and not _is_zlib(body):
        wbits = -zlib.MAX_WBITS
    try:
        return _inflate(memoryview(body), wbits, several=coding is Coding.GZIP, limit=limit)
    except (deflate.error, zlib.error) as error:
        raise DecodeError("compression", f"the {coding.name.lower()} body is corrupt: {error}") from error


def _inflate(body: memoryview, wbits: int, *, several: bool, limit: int) -> bytes:
    # Hardly anyone sends deflate, which may have no checksum, and then the checks of zlib are the stricter ones.
    begin = deflate.decompressobj if several else zlib.decompressobj
    stream = begin(wbits)
    chunks: list[bytes] = []
    room = limit
    members = 1
    for start in range(0, len(body), _SLICE_BYTES):
        # In slices: zlib copies the input that it has not consumed yet at every call.
        pending = bytes(body[start : start + _SLICE_BYTES])
        more = True
        while pending or more:
            if stream.eof:
                pending = pending.lstrip(b"\0") if several else pending  # gzip pads with zeros, as for tapes
                if not pending:
                    break
                if not several:
                    raise DecodeError("compression", "the compressed body goes on after its end")
                if members == _MAX_MEMBERS:
                    raise DecodeError("compression", f"the compressed body has more than {_MAX_MEMBERS} members")
                stream = begin(wbits)
                members += 1
            most = min(room + 1, _STEP_BYTES)
            chunk = stream.decompress(pending, most)
            room -= len(chunk)
            if room < 0:
                raise TooLargeError(f"the decompressed body has more than {limit} bytes")
            chunks.append(chunk)
            more = len(chunk) == most
            pending = stream.unused_data if stream.eof else stream.unconsumed_tail
    if not stream.eof:
        raise DecodeError("compression", "the compressed body is cut off")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _is_zlib(body: bytes) -> bool:
    """Whether `body` begins as RFC 1950 says: method 8, and a header divisible by 31."""
    header = int.from_bytes(body[:2])
    return header >> 8 & 0x0F == _ZLIB_METHOD and header % 31 == 0
