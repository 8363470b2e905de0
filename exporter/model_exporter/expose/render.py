"""A snapshot and the exporter's own counts as the body of a scrape."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock

from model_exporter import __version__
from model_exporter.expose.own_series import OwnWriter
from model_exporter.expose.packing import Packed, Packer
from model_exporter.expose.process import ProcessUsage, read_process
from model_exporter.expose.series import SeriesWriter
from model_exporter.expose.text import Format, Lines
from model_exporter.telemetry import TelemetrySnapshot
from model_exporter.window.snapshot import Snapshot


@dataclass(slots=True)
class _Models:
    """What was written of one snapshot's models."""

    snapshot: Snapshot
    lines: Lines
    families: dict[Format, list[list[bytes]]] = field(default_factory=dict)
    packed: dict[Format, Packed] = field(default_factory=dict)


class Renderer:
    """Writes scrapes. Safe for use by several threads.

    The models' part is written and compressed once per snapshot, and of that only what has changed since the one
    before, however many scrapes there are; the exporter's own numbers are new each time.

    Args:
        version: of the exporter.
        process: reads this process's usage.
    """

    def __init__(
        self, version: str = __version__, *, process: Callable[[], ProcessUsage | None] = read_process
    ) -> None:
        self._own = OwnWriter(version)
        self._process = process
        self._writer = SeriesWriter()
        self._packer = Packer()
        self._models: _Models | None = None
        self._lock = Lock()

    def render(self, snapshot: Snapshot | None, telemetry: TelemetrySnapshot, form: Format) -> bytes:
        """Body of a scrape; without a snapshot, the exporter's own series alone."""
        own = self._own_text(snapshot, telemetry, form)
        if snapshot is None:
            return own
        with self._lock:
            families = self._families(snapshot, form)
        return b"".join((*chain.from_iterable(families), own))

    def render_gzip(self, snapshot: Snapshot | None, telemetry: TelemetrySnapshot, form: Format) -> bytes:
        """Compress what `render` returns."""
        own = self._own_text(snapshot, telemetry, form)
        return self._packed(snapshot, form).followed_by(own)

    def _own_text(self, snapshot: Snapshot | None, telemetry: TelemetrySnapshot, form: Format) -> bytes:
        return self._own.write(telemetry, snapshot, self._process()).exposition(form, last=True)

    def _written(self, snapshot: Snapshot) -> _Models:
        if self._models is None or self._models.snapshot is not snapshot:
            self._models = _Models(snapshot, self._writer.write(snapshot))
        return self._models

    def _families(self, snapshot: Snapshot, form: Format) -> list[list[bytes]]:
        models = self._written(snapshot)
        if form not in models.families:
            models.families[form] = models.lines.families(form)
        return models.families[form]

    def _packed(self, snapshot: Snapshot | None, form: Format) -> Packed:
        if snapshot is None:
            return Packed(())
        with self._lock:
            models = self._written(snapshot)
            if form not in models.packed:
                models.packed[form] = self._packer.pack(self._families(snapshot, form))
            return models.packed[form]
