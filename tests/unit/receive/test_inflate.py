import gzip
import random
import tracemalloc
import zlib

import pytest

from model_exporter.errors import DecodeError, TooLargeError
from model_exporter.receive.inflate import Coding, inflate

_MIB = 1024 * 1024
_TEXT = b"the quick brown fox " * 1_000


def _raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


def _incompressible(size: int) -> bytes:
    return random.Random(7).randbytes(size)  # noqa: S311  # nothing secret


@pytest.mark.parametrize(
    ("sent", "coding"),
    [
        (_TEXT, Coding.IDENTITY),
        (gzip.compress(_TEXT, mtime=0), Coding.GZIP),
        (zlib.compress(_TEXT), Coding.DEFLATE),
        (_raw_deflate(_TEXT), Coding.DEFLATE),
        (gzip.compress(_TEXT[:7_000], mtime=0) + gzip.compress(_TEXT[7_000:], mtime=0), Coding.GZIP),
        (gzip.compress(_TEXT, mtime=0) + gzip.compress(b"", mtime=0) + bytes(512), Coding.GZIP),
    ],
    ids=["identity", "gzip", "deflate", "raw deflate", "gzip of two members", "gzip with an empty member and padding"],
)
def test_what_was_compressed_comes_back(sent: bytes, coding: Coding) -> None:
    """OTLP servers take none and gzip ("Protocol Details"); Python's exporter may send deflate, a zlib stream."""
    assert inflate(sent, coding, limit=len(_TEXT)) == _TEXT


@pytest.mark.parametrize("coding", [Coding.GZIP, Coding.DEFLATE])
def test_bodies_of_many_slices_come_back(coding: Coding) -> None:
    """Input beyond one slice and output beyond one step lose nothing."""
    body = _incompressible(300_000) + bytes(3 * _MIB) + _incompressible(300_000)
    sent = gzip.compress(body) if coding is Coding.GZIP else zlib.compress(body)
    assert inflate(sent, coding, limit=len(body)) == body


@pytest.mark.parametrize("coding", [Coding.GZIP, Coding.DEFLATE])
def test_the_limit_is_exact(coding: Coding) -> None:
    """A body of the limit passes, one byte more does not."""
    compress = gzip.compress if coding is Coding.GZIP else zlib.compress
    assert inflate(compress(bytes(1_000)), coding, limit=1_000) == bytes(1_000)
    with pytest.raises(TooLargeError, match="more than 999 bytes"):
        inflate(compress(bytes(1_000)), coding, limit=999)


def test_a_limit_in_the_second_member_holds() -> None:
    """Members do not each have the whole limit."""
    with pytest.raises(TooLargeError):
        inflate(gzip.compress(bytes(600)) * 2, Coding.GZIP, limit=1_000)


def test_a_bomb_costs_no_more_than_its_limit() -> None:
    """300 MiB of zeros in 0.3 MB, the limit 4 MiB: memory stays near the limit."""
    bomb = gzip.compress(bytes(300 * _MIB), compresslevel=1)
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            inflate(bomb, Coding.GZIP, limit=4 * _MIB)
        assert tracemalloc.get_traced_memory()[1] < 7 * _MIB
    finally:
        tracemalloc.stop()


def test_millions_of_empty_members_are_refused() -> None:
    """Empty members cost time and no space, so they have a limit of their own."""
    assert inflate(gzip.compress(b"") * 4_096, Coding.GZIP, limit=10) == b""
    with pytest.raises(DecodeError, match="members") as caught:
        inflate(gzip.compress(b"") * 4_097, Coding.GZIP, limit=10)
    assert caught.value.reason == "compression"


@pytest.mark.parametrize(
    ("sent", "coding", "says"),
    [
        (b"", Coding.GZIP, "cut off"),
        (gzip.compress(_TEXT, mtime=0)[:-1], Coding.GZIP, "cut off"),
        (gzip.compress(_TEXT, mtime=0)[:30], Coding.GZIP, "cut off"),
        (_TEXT, Coding.GZIP, "corrupt"),
        (gzip.compress(_TEXT, mtime=0)[:-8] + bytes(8), Coding.GZIP, "corrupt"),
        (gzip.compress(_TEXT, mtime=0) + b"rubbish" * 2, Coding.GZIP, "corrupt"),
        (zlib.compress(_TEXT), Coding.GZIP, "corrupt"),
        (b"", Coding.DEFLATE, "cut off"),
        (zlib.compress(_TEXT)[:-1], Coding.DEFLATE, "cut off"),
        (zlib.compress(_TEXT) + b"rubbish", Coding.DEFLATE, "after its end"),
        (zlib.compress(_TEXT)[:-4] + bytes(4), Coding.DEFLATE, "corrupt"),
        (b"\xff" * 10, Coding.DEFLATE, "corrupt"),
    ],
)
def test_a_broken_body_is_refused(sent: bytes, coding: Coding, says: str) -> None:
    """Cut off, corrupt, with a wrong checksum or with bytes behind its end: each is told in words."""
    with pytest.raises(DecodeError, match=says) as caught:
        inflate(sent, coding, limit=_MIB)
    assert caught.value.reason == "compression"
