import gzip
import os
from pathlib import Path

import pytest

from model_exporter.follow.content import GzipContent, PlainContent, open_content


def test_compressed_content_is_known_by_its_bytes(tmp_path: Path) -> None:
    """Not by its name; members follow each other, and reading may go back."""
    path = tmp_path / "a.log"
    path.write_bytes(gzip.compress(b"x" * 300_000) + gzip.compress(b"y" * 300_000))
    content, _ = open_content(str(path))
    assert isinstance(content, GzipContent)
    assert content.read(299_999, 3) == b"xyy"
    assert content.read(0, 2) == b"xx"
    assert content.read(599_990, 100) == b"y" * 10
    assert content.read(600_000, 1) == b""
    assert content.is_whole
    content.close()


def test_content_of_bytes_that_were_taken_long_ago_is_not_lost(tmp_path: Path) -> None:
    """A few bytes stand for much, and the inflater may hold it when the file has no more of them."""
    path = tmp_path / "a.gz"
    size = 256 * 1024 + 3_000  # a little more than is asked for at once
    path.write_bytes(gzip.compress(bytes(size))[:-8])  # whose end is still being written
    content, _ = open_content(str(path))
    assert isinstance(content, GzipContent)
    assert sum(len(content.read(start, 100_000)) for start in range(0, 400_000, 100_000)) == size
    content.close()


@pytest.mark.parametrize("damage", [lambda packed: packed[:-9], lambda packed: packed[:40] + b"\0" * 40])
def test_damaged_content_ends_where_the_damage_begins(tmp_path: Path, damage: object) -> None:
    """A file that is cut or garbled is not whole, and raises nothing."""
    assert callable(damage)
    path = tmp_path / "a.gz"
    path.write_bytes(damage(gzip.compress(os.urandom(10_000))))
    content, _ = open_content(str(path))
    assert isinstance(content, GzipContent)
    assert len(content.read(0, 20_000)) <= 10_000
    assert not content.is_whole
    content.close()


def test_plain_content_stays_readable_when_it_is_removed(tmp_path: Path) -> None:
    """An open file outlives its name."""
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    content, key = open_content(str(path))
    assert isinstance(content, PlainContent)
    assert key == (path.stat().st_dev, path.stat().st_ino)
    path.unlink()
    assert content.read(1, 10) == b"bc"
    content.close()


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    """A FIFO would have its reader wait for a writer."""
    os.mkfifo(tmp_path / "fifo")
    for name in (".", "fifo", "absent"):
        with pytest.raises(OSError, match=r"no regular file|No such file"):
            open_content(str(tmp_path / name))
