"""A snapshot and the exporter's own counts as the body of a scrape."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from model_exporter import __version__
from model_exporter.expose.own_series import own_lines
from model_exporter.expose.process import ProcessUsage, read_process
from model_exporter.expose.series import SeriesWriter
from model_exporter.expose.text import Format
from model_exporter.telemetry import TelemetrySnapshot
from model_exporter.window.snapshot import Snapshot

_LEVEL: Final = 1
"""Of gzip. Exposition text shrinks 18 times at level 1 and 20 times at level 9, which takes 20 times as long."""
_GZIP_HEAD: Final = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"  # RFC 1952: deflate, no name, no time, fastest, unknown system


@dataclass(frozen=True, slots=True)
class _Packed:
    """Bytes deflated so that more may follow, with the checksum and the length of what they stand for."""

    deflated: bytes
    checksum: int
    length: int


@dataclass(slots=True)
class _Models:
    """What was written of one snapshot's models."""

    snapshot: Snapshot | None = None
    text: dict[Format, bytes] = field(default_factory=dict)
    packed: dict[Format, _Packed] = field(default_factory=dict)


class Renderer:
    """Writes scrapes. Safe for use by several threads.

    The models' part is written once per snapshot and format, however many scrapes there are; the exporter's own
    numbers are new each time.

    Args:
        version: of the exporter.
        process: reads this process's usage.
    """

    def __init__(
        self, version: str = __version__, *, process: Callable[[], ProcessUsage | None] = read_process
    ) -> None:
        self._version = version
        self._process = process
        self._writer = SeriesWriter()
        self._models = _Models()
        self._lock = Lock()

    def render(self, snapshot: Snapshot | None, telemetry: TelemetrySnapshot, form: Format) -> bytes:
        """Body of a scrape; without a snapshot, the exporter's own series alone."""
        return self._text(snapshot, form) + self._own(snapshot, telemetry, form)

    def render_gzip(self, snapshot: Snapshot | None, telemetry: TelemetrySnapshot, form: Format) -> bytes:
        """Compress what `render` returns, as one gzip member: not every reader takes a sequence of them."""
        own = self._own(snapshot, telemetry, form)
        models = self._packed(snapshot, form)
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        tail = struct.pack("<LL", zlib.crc32(own, models.checksum), (models.length + len(own)) & 0xFFFFFFFF)
        return b"".join((_GZIP_HEAD, models.deflated, deflate.compress(own), deflate.flush(), tail))

    def _own(self, snapshot: Snapshot | None, telemetry: TelemetrySnapshot, form: Format) -> bytes:
        return own_lines(self._version, telemetry, snapshot, self._process()).exposition(form, last=True)

    def _text(self, snapshot: Snapshot | None, form: Format) -> bytes:
        if snapshot is None:
            return b""
        with self._lock:
            return self._text_locked(snapshot, form)

    def _text_locked(self, snapshot: Snapshot, form: Format) -> bytes:
        if self._models.snapshot is not snapshot:
            self._models = _Models(snapshot)
        if form not in self._models.text:
            self._models.text[form] = self._writer.write(snapshot).exposition(form, last=False)
        return self._models.text[form]

    def _packed(self, snapshot: Snapshot | None, form: Format) -> _Packed:
        if snapshot is None:
            return _Packed(b"", 0, 0)
        with self._lock:
            text = self._text_locked(snapshot, form)
            if form not in self._models.packed:
                deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
                # A full flush ends on a whole byte and lets nothing that follows refer back.
                deflated = deflate.compress(text) + deflate.flush(zlib.Z_FULL_FLUSH)
                self._models.packed[form] = _Packed(deflated, zlib.crc32(text), len(text))
            return self._models.packed[form]
