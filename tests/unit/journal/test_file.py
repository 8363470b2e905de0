"""The file of checkpoints."""

from pathlib import Path

import pytest

from kept_versions import kept_version
from model_exporter.journal.file import CheckpointFile
from model_exporter.journal.frame import pack


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the checkpoint is, if there is one."""
    return tmp_path / "evidence.checkpoint"


def test_what_was_written_is_read(path: Path) -> None:
    """The last checkpoint is there when the file is opened again."""
    CheckpointFile(path).write(pack([kept_version("old")]))
    CheckpointFile(path).write(pack([kept_version()]))
    file = CheckpointFile(path)
    assert file.read() == (kept_version(),)
    assert file.set_aside is None


def test_no_file_is_nothing_kept(path: Path) -> None:
    """The first start of all is not an error."""
    file = CheckpointFile(path)
    assert file.read() == ()
    assert file.set_aside is None


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", pack([kept_version()])[:-1]])
def test_a_foreign_or_damaged_file_is_set_aside(path: Path, content: bytes) -> None:
    """Corrupt state never stops a start: it is renamed, and the next checkpoint has the name to itself."""
    path.write_bytes(content)
    file = CheckpointFile(path)
    assert file.read() == ()
    assert file.set_aside == path.with_suffix(".corrupt")
    assert file.set_aside.read_bytes() == content
    file.write(pack([kept_version()]))
    assert CheckpointFile(path).read() == (kept_version(),)


def test_a_folder_in_its_place_is_set_aside(path: Path) -> None:
    """What cannot be read at all goes the same way."""
    path.mkdir()
    file = CheckpointFile(path)
    assert file.read() == ()
    assert file.set_aside == path.with_suffix(".corrupt")


def test_what_cannot_be_set_aside_does_not_stop_a_start_either(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With something in the way of the renaming there is a log line, and nothing was kept."""
    path.write_bytes(b"damaged")
    (path.with_suffix(".corrupt") / "inner").mkdir(parents=True)
    file = CheckpointFile(path)
    assert file.read() == ()
    assert file.set_aside is None
    assert "neither read nor set aside" in caplog.text
