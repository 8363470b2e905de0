"""Lines to the pipeline: what becomes of each of them, and what to do when there is no room."""

import logging
from collections.abc import Callable, Generator
from concurrent.futures import TimeoutError as WaitTimeoutError
from typing import Final

from model_exporter.config.settings import LogFiles
from model_exporter.errors import DecodeError, OverloadedError
from model_exporter.ports import Clock, Door, Encoding, IngestThen, Payload, Signal
from model_exporter.telemetry import Telemetry

log = logging.getLogger(__name__)

_SAFE_SECONDS: Final = 30.0
"""How long outcomes may take to be on disk before their lines are read again."""


Task = Callable[[], None]
RunInWriter = Callable[[Task], None]


class Delivery:
    """Hands bodies of lines over, in their order.

    Args:
        ingest: takes them.
        run_in_writer: has the writer run a task; raises OverloadedError when it has stopped.
        telemetry: counts what was refused as a whole.
        clock: unix seconds.
    """

    def __init__(self, *, ingest: IngestThen, run_in_writer: RunInWriter, telemetry: Telemetry, clock: Clock) -> None:
        self._ingest = ingest
        self._run_in_writer = run_in_writer
        self._telemetry = telemetry
        self._clock = clock

    def deliver(
        self, body: bytes, source: LogFiles, context: dict[str, str], then: Callable[[int], Task]
    ) -> Generator[int]:
        """Hand `body` over in parts, mostly one; yields the bytes that need no other attempt after each of them.

        With `then`, called with that number, the writer is told what to do in one step with adding a part.

        Raises:
            OverloadedError: there is no room now; what was yielded is in.
        """
        waiting, done = [body], 0
        while waiting:
            part = waiting.pop()
            task = then(done + len(part))
            try:
                self._put(part, source, context, task)
            except DecodeError as error:
                rest = part.find(b"\n") + 1
                if part.lstrip()[:1] == b"[" and 0 < rest < len(part):
                    # The first line made the others look like the rest of an array.
                    waiting += [part[rest:], part[:rest]]
                    continue
                self._refuse(part, source, error.reason)
                self.pass_by(task)
            done += len(part)
            yield done

    def pass_by(self, task: Task) -> None:
        """Have the writer do what follows lines of which nothing is counted."""
        try:
            self._run_in_writer(task)
        except OverloadedError:
            log.debug("the writer has stopped; what it did not add is read again")

    def _put(self, part: bytes, source: LogFiles, context: dict[str, str], task: Task) -> None:
        if not part.strip():
            self.pass_by(task)
            return
        receipt = self._ingest(
            Payload(Door.FILE, signal_of(source), Encoding.JSON_LINES, part, self._clock(), source.mapping, context),
            then=task,
        )
        if receipt.safe:
            try:
                receipt.safe.result(_SAFE_SECONDS)
            except WaitTimeoutError as error:
                raise OverloadedError("outcomes take too long to be kept") from error

    def _refuse(self, part: bytes, source: LogFiles, reason: str) -> None:
        lines = sum(bool(line.strip()) for line in part.split(b"\n"))
        count = self._telemetry.count
        count("model_exporter_records_total", Door.FILE.value, signal_of(source).value, "rejected", amount=lines)
        count("model_exporter_rejected_records_total", reason, amount=lines)


def signal_of(source: LogFiles) -> Signal:
    """What the lines are: records of any shape where a mapping is named, else predictions."""
    return Signal.RECORDS if source.mapping else Signal.PREDICTIONS
