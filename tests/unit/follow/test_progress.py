from dataclasses import replace
from pathlib import Path

import pytest

from model_exporter.follow.place import Place
from model_exporter.follow.positions import PositionsFile, unpack
from model_exporter.follow.progress import Progress
from model_exporter.telemetry import Telemetry

PLACE = Place("*.log", "/a", (1, 2), 3, 10, 10, b"f", b"h", b"t")


class Kept:
    """Progress, and what a restart would find."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.telemetry = Telemetry()
        self.progress = Progress(PositionsFile(folder), self.telemetry, lambda: 5.0)

    def note(self, offset: int, picture: int) -> None:
        """Lines up to an offset are in pictures from that one on."""
        self.progress.note(1, replace(PLACE, offset=offset), picture)

    @property
    def offsets(self) -> list[int]:
        """What is kept."""
        number = int.from_bytes((self.folder / "positions.mark").read_bytes(), "little")
        path = self.folder / f"positions.{number}"
        return [place.offset for place in unpack(path.read_bytes()).places] if number else []


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Nothing is kept yet."""
    return Kept(tmp_path)


def test_a_position_is_kept_with_the_scrape_that_carries_its_lines(kept: Kept) -> None:
    """Not when they are read, not when they are counted, not when the scrape is written."""
    kept.note(10, 2)
    kept.note(20, 3)
    showing = kept.progress.show(2)
    assert kept.offsets == []
    showing.sending()
    assert kept.offsets == [10]
    showing.sent()
    kept.progress.show(2).sending()
    assert kept.offsets == [10]
    assert kept.telemetry.read().gauges["model_exporter_file_positions_timestamp_seconds", ()] == 5.0


def test_a_scrape_that_did_not_go_out_keeps_nothing(kept: Kept) -> None:
    """Its lines are carried by the next one."""
    kept.note(10, 1)
    showing = kept.progress.show(1)
    showing.sending()
    showing.failed()
    assert kept.offsets == []
    showing = kept.progress.show(1)
    showing.sending()
    showing.sent()
    assert kept.offsets == [10]


def test_of_two_scrapes_the_one_of_the_newer_picture_counts(kept: Kept) -> None:
    """Whichever ends first."""
    kept.note(10, 1)
    kept.note(20, 2)
    newer, older = kept.progress.show(2), kept.progress.show(1)
    newer.sending()
    newer.sent()
    older.sending()
    older.sent()
    assert kept.offsets == [20]


def test_what_waits_for_a_scrape_is_bounded(kept: Kept) -> None:
    """Without scrapes, each stream has a handful of places in memory."""
    for picture in range(1, 10_000):
        kept.note(picture, picture)
    assert len(kept.progress._waiting[1]) <= 8
    showing = kept.progress.show(10_000)
    showing.sending()
    showing.sent()
    assert kept.offsets == [9_999]


def test_a_disk_that_refuses_is_counted_and_stops_nothing(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scrape goes out; its lines would count again after a sudden death."""

    def refuse(*_: object) -> int:
        raise OSError("no space")

    monkeypatch.setattr(PositionsFile, "draft", refuse)
    kept.note(10, 1)
    showing = kept.progress.show(1)
    showing.sending()
    showing.sent()
    kept.progress.save(frozenset({"a"}))
    assert kept.telemetry.read().counters["model_exporter_storage_failures_total", ("positions",)] == 2
