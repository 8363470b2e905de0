"""Checkpoints written beside the work."""

import threading
from pathlib import Path

import pytest

from batches import T0
from kept_versions import kept_version
from model_exporter.journal import CheckpointFile, Checkpoints
from model_exporter.journal.frame import unpack
from model_exporter.telemetry import Telemetry

GRACE_SECONDS = 10.0


class RecordingFile(CheckpointFile):
    """A file in memory on a disk that can be slow or full."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.written: list[str] = []
        self.full = False
        self.busy = threading.Event()
        self.ready = threading.Event()
        self.ready.set()

    def write(self, packed: bytes) -> None:
        """Remember the model of the only version."""
        self.busy.set()
        assert self.ready.wait(GRACE_SECONDS)
        if self.full:
            raise OSError(28, "No space left on device")
        self.written += [kept.model for kept in unpack(packed)]


def test_what_is_kept_is_on_disk_after_stopping(tmp_path: Path) -> None:
    """Stopping writes what waits; time and size are told."""
    file, telemetry = CheckpointFile(tmp_path / "evidence.checkpoint"), Telemetry()
    checkpoints = Checkpoints(file, telemetry)
    checkpoints.start()
    checkpoints.keep([kept_version()], T0)
    assert checkpoints.stop(GRACE_SECONDS)
    assert file.read() == (kept_version(),)
    gauges = telemetry.read().gauges
    assert gauges["model_exporter_checkpoint_timestamp_seconds", ()] == T0
    assert gauges["model_exporter_checkpoint_size_bytes", ()] == file.path.stat().st_size


def test_on_a_slow_disk_the_newest_checkpoint_waits() -> None:
    """While one is written the next ones replace each other, and nobody waits for the disk."""
    file = RecordingFile()
    file.ready.clear()
    checkpoints = Checkpoints(file, Telemetry())
    checkpoints.start()
    checkpoints.keep([kept_version("first")], T0)
    assert file.busy.wait(GRACE_SECONDS)
    for model in ("second", "third", "fourth"):
        checkpoints.keep([kept_version(model)], T0)
    file.ready.set()
    assert checkpoints.stop(GRACE_SECONDS)
    assert file.written == ["first", "fourth"]


def test_a_disk_that_hangs_does_not_keep_the_process() -> None:
    """Stopping gives up after its grace time and says so."""
    file = RecordingFile()
    file.ready.clear()
    checkpoints = Checkpoints(file, Telemetry())
    checkpoints.start()
    checkpoints.keep([kept_version()], T0)
    assert not checkpoints.stop(0.0)
    file.ready.set()
    assert checkpoints.stop(GRACE_SECONDS)


def test_a_full_disk_is_counted_each_time_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The exporter goes on; the timestamp stays that of what is on disk, and the end of the trouble is told."""
    caplog.set_level("INFO")
    file, telemetry = RecordingFile(), Telemetry()
    checkpoints = Checkpoints(file, telemetry)
    checkpoints._write([kept_version("a")], T0)
    file.full = True
    for second in (1, 2, 3):
        checkpoints._write([kept_version("b")], T0 + second)
    read = telemetry.read()
    assert read.counters["model_exporter_checkpoint_failures_total", ()] == 3
    assert read.gauges["model_exporter_checkpoint_timestamp_seconds", ()] == T0
    assert caplog.text.count("cannot be kept on disk") == 1
    file.full = False
    checkpoints._write([kept_version("b")], T0 + 4)
    assert telemetry.read().gauges["model_exporter_checkpoint_timestamp_seconds", ()] == T0 + 4
    assert caplog.text.count("kept on disk again") == 1
    assert file.written == ["a", "b"]


def test_a_folder_that_is_gone_is_a_failure_like_any_other(tmp_path: Path) -> None:
    """What the system says of a real path is counted and does not end the thread."""
    telemetry = Telemetry()
    checkpoints = Checkpoints(CheckpointFile(tmp_path / "gone" / "evidence.checkpoint"), telemetry)
    checkpoints.start()
    checkpoints.keep([kept_version()], T0)
    assert checkpoints.stop(GRACE_SECONDS)
    assert telemetry.read().counters["model_exporter_checkpoint_failures_total", ()] == 1


def test_what_did_not_change_is_not_written_again() -> None:
    """An idle exporter leaves the disk alone; that its evidence is up to date is still told."""
    file, telemetry = RecordingFile(), Telemetry()
    checkpoints = Checkpoints(file, telemetry)
    for second, model in enumerate(("a", "a", "b")):
        checkpoints._write([kept_version(model)], T0 + second)
        assert telemetry.read().gauges["model_exporter_checkpoint_timestamp_seconds", ()] == T0 + second
    assert file.written == ["a", "b"]
