"""What monitors have told of their columns, on disk: they may never tell again."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from model_exporter.files import replace_file
from model_exporter.ports import MonitorSchema
from model_exporter.telemetry import Telemetry

log = logging.getLogger(__name__)

FORMAT_VERSION: Final = 1
"""Raised when a field changes, here and in the type of the file."""

_LEAST_STOP_SECONDS: Final = 1.0
"""The disk gets this long for the last change, however late the stop is."""


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: JSON, so that people can see what their services told."""

    format_version: Literal[1]
    schemas: tuple[MonitorSchema, ...]


class SchemaFile:
    """The schemas of monitors, in one file.

    Args:
        path: the file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set_aside: Path | None = None

    def read(self) -> tuple[MonitorSchema, ...]:
        """What was kept; nothing when there is no file.

        A file that is damaged, of another format version or cannot be read is renamed to `*.corrupt`: `set_aside` then
        names it, and nothing was kept.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=_Wire).schemas
        except FileNotFoundError:
            return ()
        except (ValueError, OSError) as error:  # msgspec's errors are ValueErrors
            self._put_aside(error)
            return ()

    def write(self, schemas: Sequence[MonitorSchema]) -> None:
        """Keep `schemas` instead of the last ones.

        Raises:
            OSError: the disk refuses; the last ones stay.
        """
        replace_file(self.path, msgspec.json.format(msgspec.json.encode(_Wire(FORMAT_VERSION, tuple(schemas)))))

    def _put_aside(self, why: Exception) -> None:
        aside = self.path.with_suffix(".corrupt")
        try:
            self.path.replace(aside)
        except OSError as error:
            log.warning("the schemas of monitors can be neither read nor set aside", extra={"error": f"{why}; {error}"})
        else:
            self.set_aside = aside
            log.warning(
                "the schemas of monitors were set aside; records that bring none are refused until one comes",
                extra={"file": str(aside), "error": str(why)},
            )


class SchemaKeeper:
    """A thread that writes schemas to their file as soon as one was learned.

    Changes while it writes are written together next. A disk that refuses is counted each time and logged once until
    it takes them again.

    Args:
        file: where they go.
        schemas: those to keep, at the moment of the call.
        telemetry: the exporter's own counters.
    """

    def __init__(self, file: SchemaFile, schemas: Callable[[], Sequence[MonitorSchema]], telemetry: Telemetry) -> None:
        self._file = file
        self._schemas = schemas
        self._telemetry = telemetry
        self._condition = threading.Condition()
        self._dirty = False
        self._stopping = False
        self._failing = False
        # A disk that hangs must not keep the process from ending; the file is whole at any moment.
        self._thread = threading.Thread(target=self._run, name="schemas", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def changed(self) -> None:
        """Have the schemas written; returns at once. Safe to call from any thread."""
        with self._condition:
            self._dirty = True
            self._condition.notify()

    def stop(self, grace_seconds: float) -> bool:
        """Write what has changed; False when that was not done in time."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join(max(grace_seconds, _LEAST_STOP_SECONDS))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._dirty or self._stopping)
                dirty, self._dirty = self._dirty, False
            if not dirty:
                return
            self._write()

    def _write(self) -> None:
        try:
            self._file.write(self._schemas())
        except OSError as error:
            self._telemetry.count("model_exporter_schema_write_failures_total")
            if not self._failing:
                log.warning(
                    "the schemas of monitors cannot be kept on disk",
                    extra={"file": str(self._file.path), "error": str(error)},
                )
            self._failing = True
            return
        if self._failing:
            log.info("the schemas of monitors are kept on disk again", extra={"file": str(self._file.path)})
        self._failing = False
