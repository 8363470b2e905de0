from pathlib import Path

import pytest

from model_exporter.follow.place import Place
from model_exporter.follow.positions import Positions, PositionsFile, pack, unpack

POSITIONS = Positions(frozenset({"*.log"}), (Place("*.log", "/a\udcff", (1, 2), 3, 4, 4, b"f" * 16, b"h", b"t"),))


def test_positions_come_back_as_they_were() -> None:
    """Paths that are no UTF-8 as well."""
    assert unpack(pack(POSITIONS)) == POSITIONS


@pytest.mark.parametrize("packed", [b"", b"x" * 100, pack(POSITIONS)[:-1], pack(POSITIONS).replace(b"*.log", b"*.gol")])
def test_anything_else_is_refused(packed: bytes) -> None:
    """Foreign, cut and changed bytes."""
    with pytest.raises(ValueError, match=r"no positions|checksum"):
        unpack(packed)


def test_only_a_marked_draft_counts(tmp_path: Path) -> None:
    """A process that dies before the mark leaves the positions of before; one that dies after it, the new ones."""
    file = PositionsFile(tmp_path)
    assert file.read() == Positions()
    file.mark(file.draft(POSITIONS))
    file.draft(Positions())
    again = PositionsFile(tmp_path)
    assert again.read() == POSITIONS
    assert again.set_aside is None
    assert [path.name for path in tmp_path.glob("positions.[0-9]*")] == ["positions.1"]


def test_damaged_positions_give_way_to_the_last_that_are_surely_on_disk(tmp_path: Path) -> None:
    """They are set aside."""
    file = PositionsFile(tmp_path)
    file.mark(file.draft(POSITIONS))
    file.sync()
    file.mark(file.draft(Positions()))
    (tmp_path / "positions.2").write_bytes(b"")
    again = PositionsFile(tmp_path)
    assert again.read() == POSITIONS
    assert again.set_aside == tmp_path / "positions.corrupt"


def test_sync_removes_what_went_before(tmp_path: Path) -> None:
    """And leaves the drafts of scrapes that are on their way."""
    file = PositionsFile(tmp_path)
    file.draft(Positions())
    file.mark(file.draft(POSITIONS))
    on_its_way = file.draft(Positions())
    file.sync()
    assert sorted(path.name for path in tmp_path.glob("positions.[0-9]*")) == ["positions.2", "positions.3"]
    file.mark(on_its_way)
    file.sync()
    assert [path.name for path in tmp_path.glob("positions.[0-9]*")] == ["positions.3"]
