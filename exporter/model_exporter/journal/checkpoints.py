"""Checkpoints written beside the work: whoever makes one does not wait for the disk."""

import logging
import threading
from collections.abc import Sequence
from typing import Final

from model_exporter.journal.file import CheckpointFile
from model_exporter.journal.frame import HEAD, pack
from model_exporter.telemetry import Telemetry
from model_exporter.window.kept import KeptVersion

log = logging.getLogger(__name__)

_LEAST_STOP_SECONDS: Final = 1.0
"""The disk gets this long for the last checkpoint, however late the stop is."""


class Checkpoints:
    """A thread that writes checkpoints to a file.

    One checkpoint waits at most: on a slow disk the newer replaces the older. A disk that refuses is counted each time
    and logged once until it takes one again.

    Args:
        file: where they go.
        telemetry: the exporter's own counters.
    """

    def __init__(self, file: CheckpointFile, telemetry: Telemetry) -> None:
        self._file = file
        self._telemetry = telemetry
        self._changed = threading.Condition()
        self._waiting: tuple[Sequence[KeptVersion], float] | None = None
        self._stopping = False
        self._failing = False
        self._on_disk = b""
        # A disk that hangs must not keep the process from ending; the file is whole at any moment.
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def keep(self, kept: Sequence[KeptVersion], now: float) -> None:
        """Have `kept` written, the state at `now`; returns at once."""
        with self._changed:
            self._waiting = kept, now
            self._changed.notify()

    def stop(self, grace_seconds: float) -> bool:
        """Write what waits; False when that was not done in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(max(grace_seconds, _LEAST_STOP_SECONDS))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                waiting, self._waiting = self._waiting, None
            if waiting is None:
                return
            self._write(*waiting)

    def _write(self, kept: Sequence[KeptVersion], taken_at: float) -> None:
        packed = pack(kept)
        try:
            if packed[:HEAD] != self._on_disk:  # an idle exporter leaves the disk alone
                self._file.write(packed)
        except OSError as error:
            self._telemetry.count("model_exporter_checkpoint_failures_total")
            if not self._failing:
                log.warning(
                    "evidence and performance cannot be kept on disk; trying on",
                    extra={"file": str(self._file.path), "error": str(error)},
                )
            self._failing = True
            return
        if self._failing:
            log.info("evidence and performance are kept on disk again", extra={"file": str(self._file.path)})
        self._failing, self._on_disk = False, packed[:HEAD]
        self._telemetry.set("model_exporter_checkpoint_timestamp_seconds", value=taken_at)
        self._telemetry.set("model_exporter_checkpoint_size_bytes", value=len(packed))
