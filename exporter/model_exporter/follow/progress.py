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


class _Carrying:
    """A scrape on its way, with positions that are written already and only have to be marked.

    Attributes:
        picture: the one it is of.
        places: up to where it carries the lines of streams.
        draft: the file of all positions as they are when it arrives.
        version: of the positions that the draft was made of.
    """

    def __init__(
        self, progress: "Progress", *, picture: int, places: Mapping[int, Place], draft: int, version: int
    ) -> None:
        self.picture = picture
        self.places = places
        self.draft = draft
        self.version = version
        self._progress = progress

    def sending(self) -> None:
        """See `ports.Showing`."""
        self._progress._mark(self)  # noqa: SLF001  # the two classes are one thing

    def sent(self) -> None:
        """See `ports.Showing`."""
        self._progress._keep(self)  # noqa: SLF001  # the same

    def failed(self) -> None:
        """See `ports.Showing`."""
        self._progress._revert(self)  # noqa: SLF001  # the same


class Progress:
    """The positions of all streams, from when lines are applied until they are kept. Any thread.

    What is marked on disk is always all of this: where streams began, the places that scrapes have carried, and those
    of the scrapes that are being sent. Whoever changes one of them writes a draft of all, and marks that.

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
        self._begun: dict[int, Place] = {}  # since the last `save`
        self._kept: dict[int, Place] = {}
        self._waiting: dict[int, dict[int, Place]] = {}  # by stream, then by the first picture that has the lines
        self._sending: list[_Carrying] = []  # marked, the newest picture last
        self._shown = 0  # the newest picture of which a scrape was sent
        self._version = 0  # of what is marked
        self._failing = False

    def begin(self, stream: int, place: Place) -> None:
        """Take `place` as where a stream begins, or was left by an earlier run; `save` follows."""
        with self._lock:
            if self._begun.get(stream, self._kept.get(stream)) != place:
                self._begun[stream] = place

    def save(self, patterns: frozenset[str]) -> None:
        """Keep at once which globs are followed, and where new streams begin: all of them, or none.

        A restart must know of files of which no scrape has carried anything yet, and must not begin at a later end.
        """
        with self._lock:
            if patterns == self._patterns and not self._begun:
                return
            self._patterns = patterns
            self._kept |= self._begun
            self._begun = {}
            self._mark_all()

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
            for places in (self._begun, self._kept, self._waiting):
                places.pop(stream, None)

    def show(self, picture: int) -> "_Carrying | _Unkept":
        """A scrape of a picture is about to be sent: write what will be kept when it was."""
        with self._lock:
            places = {
                stream: newest
                for stream, waiting in self._waiting.items()
                if (newest := _newest(waiting, picture)) is not None
            }
            positions, version = self._positions(places), self._version
        if not places:
            return _Unkept()
        try:
            draft = self._file.draft(positions)
        except OSError as error:
            self._fail(error)
            return _Unkept()
        return _Carrying(self, picture=picture, places=places, draft=draft, version=version)

    def sync(self) -> None:
        """Make what is kept outlive a power cut; for a thread that may wait for the disk."""
        try:
            self._file.sync()
        except OSError as error:
            self._fail(error)

    def _positions(self, carried: Mapping[int, Place]) -> Positions:
        places = dict(self._kept)
        for scrape in self._sending:
            places |= scrape.places
        return Positions(self._patterns, tuple((places | dict(carried)).values()))

    def _mark(self, scrape: _Carrying) -> None:
        with self._lock:
            if scrape.picture < max([self._shown, *(other.picture for other in self._sending)]):
                self._file.discard(scrape.draft)  # a scrape of a newer picture was faster
                return
            self._sending.append(scrape)
            if scrape.version == self._version:
                self._file.mark(scrape.draft)
                self._version += 1
                return
            self._file.discard(scrape.draft)  # something else was marked since it was written
            if not self._mark_all():
                self._sending.remove(scrape)

    def _mark_all(self) -> bool:
        """Write all positions as they are now, and let these count; False when the disk refuses."""
        try:
            self._file.mark(self._file.draft(self._positions({})))
        except OSError as error:
            self._fail(error)
            return False
        self._version += 1
        return True

    def _revert(self, scrape: _Carrying) -> None:
        with self._lock:
            if scrape in self._sending:
                self._sending.remove(scrape)
                self._mark_all()
            else:
                self._file.discard(scrape.draft)

    def _keep(self, scrape: _Carrying) -> None:
        with self._lock:
            if scrape not in self._sending:
                return  # another one carried as much, or it could not be marked
            self._shown = scrape.picture
            self._sending = [other for other in self._sending if other.picture > scrape.picture]
            for stream in scrape.places.keys() & self._waiting.keys():  # the others were dropped meanwhile
                self._kept[stream] = scrape.places[stream]
                waiting = {since: later for since, later in self._waiting[stream].items() if since > scrape.picture}
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
