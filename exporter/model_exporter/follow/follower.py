"""Follows files: looks at them again and again, and has what is new read."""

from collections.abc import Callable, Sequence
from typing import Final

from model_exporter.config.settings import LogFiles
from model_exporter.errors import OverloadedError
from model_exporter.follow.content import GzipContent
from model_exporter.follow.delivery import Delivery, RunInWriter
from model_exporter.follow.finder import (
    reason_of,
)
from model_exporter.follow.positions import Positions
from model_exporter.follow.progress import Progress
from model_exporter.follow.reading import SETTLE_SECONDS, ChangedError, Reading
from model_exporter.follow.reports import Reports
from model_exporter.follow.roster import Roster
from model_exporter.follow.stream import Stream
from model_exporter.ports import Clock, IngestThen
from model_exporter.telemetry import Telemetry

POLL_SECONDS: Final = 0.5
"""How often files are looked at that do not change."""
SCAN_SECONDS: Final = 2.0
"""How often globs are matched; a file that vanishes from its name has them matched at once."""
_RETIRE_SECONDS: Final = 600.0
"""A rotated file that nobody writes to for so long is left."""
_REST_SECONDS: Final = 60.0
"""A file that has not changed for so long is looked at when globs are matched, and not in between."""
_OPEN: Final = 256
"""Files that stay open while they change."""


class Follower:
    """The state of all followed files. One thread only, but for `configure`.

    Args:
        kept: positions of an earlier run.
        progress: takes positions, and keeps them once a scrape has carried their lines.
        ingest: takes lines.
        run_in_writer: has the writer run a task after all that was ingested; may raise OverloadedError.
        picture: number of the next picture that the writer takes; called in the writer.
        line_bytes: the longest line that is taken.
        telemetry: the exporter's own counters.
        clock: unix seconds.
        is_stopping: whether to leave off.
    """

    def __init__(
        self,
        *,
        kept: Positions,
        progress: Progress,
        ingest: IngestThen,
        run_in_writer: RunInWriter,
        picture: Callable[[], int],
        line_bytes: int,
        telemetry: Telemetry,
        clock: Clock,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._progress = progress
        self._telemetry = telemetry
        self._clock = clock
        self._is_stopping = is_stopping
        self._reports = Reports(telemetry)
        self._reading = Reading(
            delivery=Delivery(ingest=ingest, run_in_writer=run_in_writer, telemetry=telemetry, clock=clock),
            note=lambda stream, place: progress.note(stream, place, picture()),
            telemetry=telemetry,
            report=self._reports.problem,
            line_bytes=line_bytes,
            is_stopping=is_stopping,
        )
        self._wanted: tuple[tuple[LogFiles, ...], int] = ((), 0)
        self._roster = Roster(kept=kept, progress=progress, reports=self._reports, telemetry=telemetry, now=clock())
        self._scan_due = 0.0

    def configure(self, sources: Sequence[LogFiles], limit: int) -> None:
        """Follow the files of these sources from the next step on, at most `limit` of them. Any thread."""
        self._wanted = tuple(sources), limit

    def step(self) -> float:
        """Look at all files and read what is new; returns the seconds that may pass before the next step."""
        now = self._clock()
        roster = self._roster
        roster.take_over(*self._wanted, now)
        is_due = roster.is_stale or now >= self._scan_due
        if roster.sources and is_due:
            roster.scan(now)
            self._scan_due = now + SCAN_SECONDS
        pause = POLL_SECONDS
        for stream in list(roster.streams):
            if self._is_stopping():
                break
            if not is_due and stream.settled and now - stream.changed_at > _REST_SECONDS:
                continue
            try:
                self._poll(stream, now)
            except OverloadedError as error:
                pause = min(1.0, float(error.retry_after_seconds))
                break  # nor is there room for the others
        self._progress.sync()
        self._tell()
        return 0.0 if pause == POLL_SECONDS and roster.is_stale and roster.sources else pause

    def close(self) -> None:
        """Let all files go."""
        for stream in self._roster.streams:
            stream.close()

    def _poll(self, stream: Stream, now: float) -> None:
        """Read what is new in one file.

        Raises:
            OverloadedError: there is no room for it now.
        """
        status = self._roster.look(stream)
        if status is None:
            self._roster.retire(stream, now)
            return
        if (status.st_size, status.st_mtime_ns) != (stream.size, stream.modified_ns):
            stream.changed_at = now if stream.size >= 0 else min(now, status.st_mtime)
            stream.unread, stream.was_modified_ns = max(0, stream.size - stream.offset), stream.modified_ns
            shrank = status.st_size < stream.size
            stream.size, stream.modified_ns = status.st_size, status.st_mtime_ns
            stream.behind, stream.settled = True, False
            if shrank and not isinstance(stream.content, GzipContent):
                self._roster.begin_anew(stream, now)
                return
            if not stream.first and stream.was_modified_ns >= 0:
                # It was empty. What it was given since may have been moved away from it already.
                self._roster.adopt_skipped(stream.path, stream.source, stream.was_modified_ns)
                self._roster.know(stream)
                self._roster.save()
        if stream.behind:
            self._read(stream, now)
        rest = now - stream.changed_at
        is_left = status.st_nlink == 0 or (not stream.matched and rest >= _RETIRE_SECONDS)
        if not stream.behind and rest >= SETTLE_SECONDS:
            if not stream.settled or is_left:
                self._finish(stream, is_left=is_left)
            if is_left and stream.settled:
                self._roster.retire(stream, now)

    def _read(self, stream: Stream, now: float) -> None:
        try:
            content = stream.open()
            if content.is_compressed and now - stream.changed_at < SETTLE_SECONDS:
                return  # it may be in the making
            self._reading.drain(stream)
        except ChangedError:
            self._roster.begin_anew(stream, now)
            return
        except OSError as error:
            stream.close()
            self._reports.problem(reason_of(error), stream.path, str(error))
            return
        self._reports.is_right(stream.path)
        stream.behind = self._is_stopping()
        if len(self._roster.streams) > _OPEN:
            stream.close()

    def _finish(self, stream: Stream, *, is_left: bool) -> None:
        try:
            self._reading.finish(stream, is_left=is_left)
        except ChangedError:
            stream.behind = True  # the next look tells what became of it
            return
        except OSError as error:
            self._reports.problem(reason_of(error), stream.path, str(error))
        stream.settled = True
        stream.close()

    def _tell(self) -> None:
        files, lag = (
            {source.pattern: 0 for source in self._roster.sources},
            {source.pattern: 0 for source in self._roster.sources},
        )
        for stream in self._roster.streams:
            files[stream.source.pattern] += 1
            lag[stream.source.pattern] += stream.lag
        for pattern, count in files.items():
            self._telemetry.set("model_exporter_followed_files", pattern, value=count)
            self._telemetry.set("model_exporter_file_lag_bytes", pattern, value=lag[pattern])
        self._telemetry.set("model_exporter_limit_usage", "followed_files", value=len(self._roster.streams))
