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

    def begin(self, stream: int) -> None:
        """A file is found."""
        self.progress.begin(stream, replace(PLACE, offset=0))

    @property
    def offsets(self) -> list[int]:
        """What is kept, by the number of the stream."""
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


def test_files_that_are_found_while_a_scrape_is_on_its_way_are_kept_with_it(kept: Kept) -> None:
    """The scrape's positions were written before they were found, and are marked after."""
    kept.note(10, 1)
    showing = kept.progress.show(1)
    kept.begin(2)
    kept.progress.save(frozenset())
    assert kept.offsets == [0]
    showing.sending()
    assert sorted(kept.offsets) == [0, 10]
    showing.sent()
    assert sorted(kept.offsets) == [0, 10]


def test_what_a_scrape_carries_stays_kept_when_files_are_found_in_its_last_moment(kept: Kept) -> None:
    """Between the mark and the word that it was sent; until the word that it was not."""
    kept.note(10, 1)
    showing = kept.progress.show(1)
    showing.sending()
    kept.begin(2)
    kept.progress.save(frozenset())
    assert sorted(kept.offsets) == [0, 10]
    showing.failed()
    assert kept.offsets == [0]


def test_files_that_are_found_together_are_kept_together(kept: Kept) -> None:
    """A rotated file and the one that took its name: a restart that knew the second would not look for the first."""
    kept.note(10, 1)
    kept.begin(2)
    showing = kept.progress.show(1)
    kept.begin(3)
    showing.sending()
    assert kept.offsets == [10]
    kept.progress.save(frozenset())
    assert sorted(kept.offsets) == [0, 0, 10]


def test_a_scrape_that_a_newer_one_overtook_takes_nothing_back(kept: Kept) -> None:
    """Neither when it is sent after all, nor when it is not, nor while it is neither."""
    kept.note(10, 1)
    overtaken = [kept.progress.show(1) for _ in range(2)]
    for showing in overtaken:
        showing.sending()
    kept.note(20, 2)
    newer = kept.progress.show(2)
    newer.sending()
    newer.sent()
    kept.begin(2)
    kept.progress.save(frozenset())
    overtaken[0].sent()
    overtaken[1].failed()
    assert sorted(kept.offsets) == [0, 20]


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
