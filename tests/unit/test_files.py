"""Files that are replaced as a whole."""

from pathlib import Path

import pytest

from model_exporter.files import replace_file


def test_the_new_content_takes_the_old_ones_place(tmp_path: Path) -> None:
    """The content is the new one, and no draft is left beside it."""
    path = tmp_path / "state"
    replace_file(path, b"old and longer")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What the link leads to is replaced, not the link."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "state")
    replace_file(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "state").read_bytes() == b"new"


def test_what_cannot_be_replaced_leaves_no_draft(tmp_path: Path) -> None:
    """A folder in the file's place is an error, and nothing is left behind."""
    (tmp_path / "state" / "inner").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "state", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "state"]
