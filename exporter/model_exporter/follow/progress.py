"""Which lines a scrape has carried: only up to there is a file's position kept.

Counters begin at 0 in each process, and Prometheus knows of them what it scraped. So lines count once, over all
processes, when a line is read again after a sudden death exactly if no scrape has carried it. A position goes through
these stations: read; applied by the writer; in a picture that was published; in a scrape that was sent; kept.
"""

import logging
from collections.abc import Mapping
from threading import Lock
from typing import Final

from model_exporter.follow.place import Place
from model_exporter.follow.positions import Positions, PositionsFile
from model_exporter.ports import Clock
from model_exporter.telemetry import Telemetry

log = logging.getLogger(__name__)

_PICTURES: Final = 8
"""Pictures of which each stream remembers its position. A scrape is of the newest one, or of one a moment older."""


class _Unkept:
    """A scrape that carries nothing that is not kept, or whose positions could not be written."""

    def sending(self) -> None:
        """See `ports.Showing`."""

    def sent(self) -> None:
        """See `ports.Showing`."""

    def failed(self) -> None:
        """See `ports.Showing`."""


class _Kept:
    """A scrape on its way, with positions that are written already and only have to be marked."""

    def __init__(self, progress: "Progress", picture: int, places: Mapping[int, Place], draft: int) -> None:
        self._progress = progress
        self._picture = picture
        self._places = places
        self._draft = draft

    def sending(self) -> None:
        """See `ports.Showing`."""
        self._progress._mark(self._picture, self._draft)  # noqa: SLF001  # the two classes are one thing

    def sent(self) -> None:
        """See `ports.Showing`."""
        self._progress._keep(self._picture, self._places, self._draft)  # noqa: SLF001  # the same

    def failed(self) -> None:
        """See `ports.Showing`."""
        self._progress._revert(self._draft)  # noqa: SLF001  # the same


class Progress:
    """The positions of all streams, from when lines are applied until they are kept. Any thread.

    Args:
        file: where positions are kept.
        telemetry: the exporter's own counters.
        clock: unix seconds.
    """

    def __init__(self, file: PositionsFile, telemetry: Telemetry, clock: Clock) -> None:
        self._file = file
        self._telemetry = telemetry
        self._clock = clock
        self._lock = Lock()
        self._patterns: frozenset[str] = frozenset()
        self._kept: dict[int, Place] = {}
        self._waiting: dict[int, dict[int, Place]] = {}  # by stream, then by the first picture that has the lines
        self._dirty = False
        self._shown = 0
        self._before: dict[int, tuple[int, int]] = {}  # what was marked, and shown, before a draft that is being sent
        self._failing = False

    def begin(self, stream: int, place: Place) -> None:
        """Take `place` as where a stream begins, or was left by an earlier run; `save` follows."""
        with self._lock:
            self._dirty = self._dirty or self._kept.get(stream) != place
            self._kept[stream] = place

    def save(self, patterns: frozenset[str]) -> None:
        """Keep at once which globs are followed, and where new streams begin.

        A restart must know of files of which no scrape has carried anything yet, and must not begin at a later end.
        """
        with self._lock:
            if patterns == self._patterns and not self._dirty:
                return
            self._patterns, self._dirty = patterns, False
            try:
                draft = self._file.draft(self._positions({}))
                self._file.mark(draft)
                self._file.close(draft)
            except OSError as error:
                self._fail(error)

    def note(self, stream: int, place: Place, picture: int) -> None:
        """The writer has added the lines before `place`; pictures from number `picture` on will have them."""
        with self._lock:
            waiting = self._waiting.setdefault(stream, {})
            waiting[picture] = place
            if len(waiting) > _PICTURES:
                del waiting[next(iter(waiting))]

    def drop(self, stream: int) -> None:
        """Forget a stream."""
        with self._lock:
            self._kept.pop(stream, None)
            self._waiting.pop(stream, None)

    def show(self, picture: int) -> "_Kept | _Unkept":
        """A scrape of a picture is about to be sent: write what will be kept when it was."""
        with self._lock:
            places = {
                stream: newest
                for stream, waiting in self._waiting.items()
                if (newest := _newest(waiting, picture)) is not None
            }
            positions = self._positions(places)
        if not places:
            return _Unkept()
        try:
            draft = self._file.draft(positions)
        except OSError as error:
            self._fail(error)
            return _Unkept()
        return _Kept(self, picture, places, draft)

    def sync(self) -> None:
        """Make what is kept outlive a power cut; for a thread that may wait for the disk."""
        try:
            self._file.sync()
        except OSError as error:
            self._fail(error)

    def _positions(self, places: Mapping[int, Place]) -> Positions:
        return Positions(self._patterns, tuple((self._kept | dict(places)).values()))

    def _mark(self, picture: int, draft: int) -> None:
        with self._lock:
            if (picture, draft) > (self._shown, self._file.marked):  # else a scrape of a newer one was faster
                self._before[draft] = self._file.marked, self._shown
                self._shown = picture
                self._file.mark(draft)

    def _revert(self, draft: int) -> None:
        with self._lock:
            if self._file.marked == draft and draft in self._before:
                before, self._shown = self._before[draft]
                self._file.mark(before)
            self._before.pop(draft, None)
            self._file.discard(draft)

    def _keep(self, picture: int, places: Mapping[int, Place], draft: int) -> None:
        with self._lock:
            if self._before.pop(draft, None) is None:
                self._file.discard(draft)
                return
            self._file.close(draft)
            for stream, place in places.items():
                if stream not in self._waiting:
                    continue  # it was dropped meanwhile
                self._kept[stream] = place
                waiting = {since: later for since, later in self._waiting[stream].items() if since > picture}
                self._waiting[stream] = waiting
                if not waiting:
                    del self._waiting[stream]
        self._failing = False
        self._telemetry.set("model_exporter_file_positions_timestamp_seconds", value=self._clock())

    def _fail(self, error: OSError) -> None:
        self._telemetry.count("model_exporter_storage_failures_total", "positions")
        if not self._failing:
            log.warning(
                "positions of log files cannot be kept on disk; after a sudden stop lines would count twice",
                extra={"error": str(error)},
            )
        self._failing = True


def _newest(waiting: dict[int, Place], picture: int) -> Place | None:
    """The last place that a picture has; pictures come in order."""
    return next((place for since, place in reversed(waiting.items()) if since <= picture), None)
