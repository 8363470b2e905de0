import gzip
import zlib

import pytest

from model_exporter import deflate
from model_exporter.expose import packing
from model_exporter.expose.packing import Packer

SMALL = [b"# HELP a A.\n", b"a 1\n"]
LARGE = [b"# HELP b B.\n", b'b{c="d"} 2\n' * 30_000]


def spy(monkeypatch: pytest.MonkeyPatch) -> list[list[bytes]]:
    """The pieces that are compressed from now on."""
    compressed: list[list[bytes]] = []
    deflated = packing._deflated

    def note(text: list[bytes]) -> packing._Piece:
        compressed.append(text)
        return deflated(text)

    monkeypatch.setattr(packing, "_deflated", note)
    return compressed


def test_only_what_changed_is_compressed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large family stays compressed while its small neighbours change."""
    packer = Packer()
    packer.pack([SMALL, LARGE])
    compressed = spy(monkeypatch)
    changed = [SMALL[0], b"a 2\n"]
    packed = packer.pack([changed, list(LARGE)])
    assert compressed == [changed]
    assert gzip.decompress(packed.followed_by(b"end\n")) == b"".join((*changed, *LARGE, b"end\n"))


def test_small_families_share_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is near them is what they compress well with."""
    compressed = spy(monkeypatch)
    Packer().pack([SMALL, SMALL, LARGE, SMALL])
    assert compressed == [SMALL + SMALL, LARGE, SMALL]


def test_checksums_need_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is nothing that puts checksums together they are taken of the text."""
    monkeypatch.setattr(deflate, "crc32_combine", None)
    packed = Packer().pack([SMALL, LARGE]).followed_by(b"end\n")
    assert gzip.decompress(packed) == b"".join((*SMALL, *LARGE, b"end\n"))


def test_it_is_one_member_for_any_reader() -> None:
    """A reader that stops after the first member has read all, and the checksum holds."""
    stream = zlib.decompressobj(deflate.GZIP)
    text = stream.decompress(Packer().pack([SMALL, LARGE, SMALL]).followed_by(b"end\n"))
    assert (stream.eof, stream.unused_data) == (True, b"")
    assert text == b"".join((*SMALL, *LARGE, *SMALL, b"end\n"))
