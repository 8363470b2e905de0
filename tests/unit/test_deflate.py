import gzip
import importlib
import sys
import zlib
from collections.abc import Iterator

import pytest

from model_exporter import deflate


@pytest.fixture(params=["isal", "zlib"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The one that is used: ISA-L, or zlib where there is none."""
    with monkeypatch.context() as patch:
        if request.param == "zlib":
            patch.setitem(sys.modules, "isal", None)
        importlib.reload(deflate)
        yield request.param
    importlib.reload(deflate)


def test_either_library_serves(library: str) -> None:
    """A platform without a wheel of ISA-L has all functions all the same."""
    assert (deflate.error is zlib.error) == (library == "zlib")
    body = b"model_predictions_total 1\n" * 1_000
    packed = deflate.compress(body, deflate.LEVEL, deflate.GZIP)
    assert gzip.decompress(packed) == body
    inflater = deflate.decompressobj(deflate.GZIP)
    assert inflater.decompress(packed + b"next", len(body) + 1) == body
    assert (inflater.eof, inflater.unused_data) == (True, b"next")
    with pytest.raises(deflate.error):
        deflate.decompressobj(deflate.GZIP).decompress(b"no gzip at all")


@pytest.mark.usefixtures("library")
def test_parts_of_a_bare_stream_can_be_put_together() -> None:
    """After a full flush anything may follow, as the exposition does."""
    parts = []
    for text in (b"first " * 100, b"second " * 100):
        packer = deflate.compressobj(deflate.LEVEL, deflate.DEFLATED, deflate.RAW)
        parts.append(packer.compress(text) + packer.flush(deflate.Z_FULL_FLUSH))
    end = deflate.compressobj(deflate.LEVEL, deflate.DEFLATED, deflate.RAW)
    assert zlib.decompress(b"".join(parts) + end.flush(), deflate.RAW) == b"first " * 100 + b"second " * 100
    assert deflate.crc32(b"second", deflate.crc32(b"first ")) == zlib.crc32(b"first second")
