"""Reading a stream up to its end: blocks of whole lines to the pipeline, and what becomes of odd lines."""

from collections.abc import Callable
from contextlib import closing
from typing import Final

from model_exporter.errors import OverloadedError
from model_exporter.follow.companion import companion
from model_exporter.follow.content import GzipContent
from model_exporter.follow.delivery import Delivery
from model_exporter.follow.finder import Report
from model_exporter.follow.lines import BLOCK_BYTES, Cut, cut, cut_all, is_whole
from model_exporter.follow.place import Place
from model_exporter.follow.stream import Stream
from model_exporter.telemetry import Telemetry

SETTLE_SECONDS: Final = 2.0
"""A file that has not changed for so long is finished, or its writer rests."""
LINE_BYTES: Final = 16 * 1024 * 1024
"""Longer lines are skipped, and so are those longer than `limits.request_bytes`."""


class ChangedError(Exception):
    """The file does not hold any more what was read of it."""


class Reading:
    """Reads streams. One thread only.

    Args:
        delivery: takes the lines.
        note: called in the writer, with the number of a stream and its place, when the lines before that are added.
        telemetry: the exporter's own counters.
        report: takes note of problems.
        line_bytes: the longest line that is taken.
        is_stopping: whether to leave off after a block.
    """

    def __init__(
        self,
        *,
        delivery: Delivery,
        note: Callable[[int, Place], None],
        telemetry: Telemetry,
        report: Report,
        line_bytes: int,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._delivery = delivery
        self._note = note
        self._telemetry = telemetry
        self._report = report
        self._line_bytes = min(line_bytes, LINE_BYTES)
        self._is_stopping = is_stopping

    def drain(self, stream: Stream) -> None:
        """Read what there is up to the size that the file had when it was last looked at.

        Raises:
            ChangedError: its content is not what was read before.
            OverloadedError: there is no room now.
            OSError: it cannot be read.
        """
        content = stream.open()
        end = None if isinstance(content, GzipContent) else stream.size
        size = BLOCK_BYTES
        if (end is not None and end < stream.offset) or not content.still_holds(stream.place):
            raise ChangedError
        if end is not None and end < stream.searched:
            stream.searched = stream.offset
        while not self._is_stopping() and (end is None or stream.searched < end):
            # Lines end where none was searched yet; a block begins with a whole line, if that is not too long.
            is_too_long = stream.searched - stream.offset > self._line_bytes
            start = stream.searched if is_too_long else stream.offset
            block = content.read(start, size)
            if not content.still_holds(stream.place):
                raise ChangedError
            if is_too_long:
                if not block:
                    break
                self._skip(stream, block)
                continue
            part = cut(block)
            if part is not None:
                self._deliver(stream, block, part)
                size = BLOCK_BYTES
                continue
            stream.searched = stream.offset + len(block)
            if len(block) < size:
                break  # the end
            size *= 2

    def finish(self, stream: Stream, *, is_left: bool) -> None:
        """Take a last line without its end from a file that has not changed for long.

        Of a file that may go on, only if the line is a whole JSON object; of one that is left, or compressed, in any
        case.

        Raises:
            ChangedError: its content is not what was read before.
            OverloadedError: there is no room now.
            OSError: it cannot be read.
        """
        content = stream.open()
        if isinstance(content, GzipContent):
            if not content.is_whole:
                self._report("bad_gzip", stream.path, "it is damaged, or not whole")
                return
            is_left = True
        line = content.read(stream.offset, self._line_bytes + 1)
        if not content.still_holds(stream.place):
            raise ChangedError
        if not line or b"\n" in line:
            return
        if len(line) <= self._line_bytes:
            if is_left or is_whole(line):
                self._deliver(stream, line, cut_all(line))
        elif is_left:
            self._pass_by(stream, stream.offset + len(line))

    def _skip(self, stream: Stream, block: bytes) -> None:
        end = block.find(b"\n")
        if end < 0:
            stream.searched += len(block)
            return
        self._pass_by(stream, stream.searched + end + 1)

    def _pass_by(self, stream: Stream, offset: int) -> None:
        """Leave a line out."""
        self._count_skipped("too_long")
        stream.jump(offset)
        place = stream.place
        self._delivery.pass_by(lambda: self._note(stream.number, place))

    def _deliver(self, stream: Stream, block: bytes, part: Cut) -> None:
        """Hand over the lines of `part`, which `block` begins with, and note how far that went."""
        number = stream.number

        def then(done: int) -> Callable[[], None]:
            place = stream.after(_beginning(block, part, done))
            return lambda: self._note(number, place)

        done = 0
        try:
            if part.body:
                with closing(self._delivery.deliver(part.body, stream.source, self._context(stream), then)) as parts:
                    for done in parts:  # noqa: B007  # how far it went
                        pass
            else:
                self._delivery.pass_by(then(0))
        except OverloadedError:
            if done:  # some lines are in
                stream.advance(_beginning(block, part, done))
            raise
        stream.advance(block[: part.size])
        pattern = stream.source.pattern
        self._telemetry.count("model_exporter_file_read_bytes_total", pattern, amount=part.size)
        self._telemetry.count("model_exporter_file_lines_total", pattern, amount=part.lines)
        if part.zeroed:
            self._count_skipped("zero_bytes", part.zeroed)

    def _context(self, stream: Stream) -> dict[str, str]:
        source = stream.source
        context = {"file": stream.name}
        if source.model:
            context["model"] = source.model
        if source.version:
            context["version"] = source.version
        if source.mapping and (text := companion(stream.path)):
            context["schema"] = text
        return context

    def _count_skipped(self, reason: str, lines: int = 1) -> None:
        self._telemetry.count("model_exporter_file_skipped_total", reason, amount=lines)


def _beginning(block: bytes, part: Cut, done: int) -> bytes:
    """What of `block` the first `done` bytes of the body of `part` were."""
    if done == len(part.body):
        return block[: part.size]
    lines = part.body[:done].count(b"\n")
    return b"".join(line + b"\n" for line in block.split(b"\n", lines)[:lines])
