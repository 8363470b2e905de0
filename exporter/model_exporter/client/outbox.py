"""Records that wait, and the thread that sends them.

The batch processors of the SDK differ by version in what they lose in silence, whether a process can end while they
retry, and what a fork does to them. This one counts every record to its end, waits for nobody in `on_emit`, keeps
what could not be delivered as long as there is room, and is made anew in a forked process.
"""

import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.sdk._logs import LogRecordProcessor

from model_exporter.client.doors import Answer, Door, Fate
from model_exporter.client.notices import Notices
from model_exporter.client.sdk import suppress_instrumentation

BATCH_RECORDS: Final = 512
LINGER_SECONDS: Final = 1.0
"""How long a record waits for others to go with it."""
MAX_BATCH_VALUES: Final = 100_000
VALUES_PER_RECORD: Final = 100
"""The queue has room for so many values a record, on average: memory is bounded by what waits, not by its number."""
EXIT_SECONDS: Final = 5.0
"""How long the end of a process may wait for what is still to be sent."""
FIRST_PAUSE_SECONDS: Final = 0.1
MAX_PAUSE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Stats:
    """What became of the records of one process: `recorded == delivered + waiting + sum(dropped.values())`.

    Attributes:
        recorded: records that were handed in.
        delivered: those that the exporter took.
        waiting: those that wait, or are on their way.
        dropped: those that are lost, by reason: `queue_full`; `refused` by the exporter in whole batches, or `rejected`
            one by one; `unreadable` when they were made; `closed`, when the end came too early or they too late.
        values_dropped: values that were left out of records, by reason.
    """

    recorded: int = 0
    delivered: int = 0
    waiting: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    values_dropped: Mapping[str, int] = field(default_factory=dict)


class Outbox(LogRecordProcessor):
    """A bounded queue of records and the thread that empties it, which starts with the first record.

    Args:
        open_door: opens the way out; called in the thread.
        notices: tells people of outages.
        records: how many may wait.
    """

    def __init__(self, open_door: Callable[[], Door], *, notices: Notices, records: int) -> None:
        self._open_door = open_door
        self._notices = notices
        self._room = records
        self._queue: deque[tuple[Any, int]] = deque()  # the SDK's class of records has moved between versions
        self._values = 0
        self._sending = 0  # records of the batch that is on its way
        self._recorded = 0
        self._delivered = 0
        self._dropped: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._wanted = 0  # `_settled` that a flush waits for
        self._deadline: float | None = None  # when closing must be over
        self._thread: threading.Thread | None = None

    @property
    def stats(self) -> Stats:
        """What became of the records so far, values aside."""
        with self._changed:
            waiting = len(self._queue) + self._sending
            return Stats(self._recorded, self._delivered, waiting, +self._dropped)

    def on_emit(self, log_record: Any) -> None:  # noqa: ANN401  # as above
        """Queue a record, or count it as dropped. Waits for nothing but the counters."""
        values: int = getattr(log_record.log_record.body, "values_held", 1)
        with self._changed:
            self._recorded += 1
            if self._deadline is not None:
                self._dropped["closed"] += 1
                return
            used = len(self._queue) + self._sending
            if used >= self._room or self._values + values > self._room * VALUES_PER_RECORD:
                self._dropped["queue_full"] += 1
                return
            if self._thread is None and not self._start():
                self._dropped["closed"] += 1
                return
            self._queue.append((log_record, values))
            self._values += values
            if len(self._queue) in {1, BATCH_RECORDS}:
                self._changed.notify_all()

    emit = on_emit  # its name until version 1.35 of the SDK

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Send what waits; whether all of it has come to an end in time, delivered or refused."""
        with self._changed:
            self._wanted = goal = self._recorded
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= goal, timeout_millis / 1e3)

    def shutdown(self) -> None:
        """End without waiting, for the SDK's interface; `close` gives it time."""
        self.close(0.0)

    def close(self, timeout_seconds: float) -> None:
        """Take no more, send what waits, and count what could not be sent in time as dropped."""
        with self._changed:
            if self._deadline is None:
                self._deadline = time.monotonic() + timeout_seconds
            self._changed.notify_all()
            thread = self._thread
            self._changed.wait_for(lambda: self._settled >= self._recorded, timeout_seconds)
            self._give_up()
        if thread is not None and thread is not threading.current_thread():
            thread.join(min(timeout_seconds, 1.0))  # it may be within a request, which its end will not interrupt

    @property
    def _settled(self) -> int:
        return self._delivered + self._dropped.total()

    def _start(self) -> bool:
        """Start the thread; False when the interpreter is too far gone for that."""
        thread = threading.Thread(target=self._run, name="model_exporter.client", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        _close_with_child(self.close)
        return True

    def _run(self) -> None:
        suppress_instrumentation()
        try:
            door = self._open_door()
        except Exception as error:  # noqa: BLE001  # of the environment, which says too much or what cannot be
            door = _ShutDoor(repr(error))
        while batch := self._take():
            self._deliver(door, batch)
        door.close()

    def _take(self) -> list[Any]:
        """The next batch, once it is full or has waited long enough; empty when there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._deadline is not None)
            self._changed.wait_for(self._is_due, LINGER_SECONDS)
            batch: list[Any] = []
            values = 0
            while self._queue and len(batch) < BATCH_RECORDS and (not batch or values < MAX_BATCH_VALUES):
                record, held = self._queue.popleft()
                batch.append(record)
                values += held
            self._values -= values
            self._sending = len(batch)
            return batch

    def _is_due(self) -> bool:
        return len(self._queue) >= BATCH_RECORDS or self._is_pressed()

    def _is_pressed(self) -> bool:
        """Whether someone waits for what waits."""
        return self._deadline is not None or self._wanted > self._settled

    def _deliver(self, door: Door, batch: Sequence[Any]) -> None:
        """Send until it is delivered, refused, or given up by `close`."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            answer = door.send(batch)
            if answer.fate is not Fate.AGAIN:
                self._notices.heard()
                break
            waiting = self.stats.waiting
            if not waiting:  # `close` has given it up
                return
            self._notices.unheard(answer.why, door.target, waiting)
            if not self._rest(answer.wait_seconds or pause):
                return
            pause = min(2 * pause, MAX_PAUSE_SECONDS)
        if answer.fate is Fate.TOO_LARGE and len(batch) > 1:
            middle = len(batch) // 2
            self._deliver(door, batch[:middle])
            self._deliver(door, batch[middle:])
            return
        self._settle(len(batch), answer)
        if answer.fate is not Fate.DELIVERED or answer.rejected:
            self._notices.lost(answer.rejected or len(batch), answer.why, door.target)

    def _rest(self, seconds: float) -> bool:
        """Wait before the next attempt, until someone presses; False when there is to be none."""
        with self._changed:
            pressed = self._is_pressed()
            self._changed.wait_for(lambda: not self._sending or self._is_pressed() > pressed, seconds)
            return self._sending > 0

    def _settle(self, records: int, answer: Answer) -> None:
        """Count a batch, or the half of one, that has come to its end."""
        with self._changed:
            if self._sending:  # else `close` has counted it already
                self._sending -= records
                rejected = min(answer.rejected, records)
                if answer.fate is Fate.DELIVERED:
                    self._delivered += records - rejected
                    self._dropped["rejected"] += rejected
                else:
                    self._dropped["refused"] += records
            self._changed.notify_all()

    def _give_up(self) -> None:
        self._dropped["closed"] += len(self._queue) + self._sending
        self._queue.clear()
        self._values = self._sending = 0
        self._changed.notify_all()


class _ShutDoor:
    """Refuses everything for one reason."""

    def __init__(self, why: str) -> None:
        self.target = "the exporter"
        self._why = why

    def send(self, batch: Sequence[Any]) -> Answer:
        """See `Door`."""
        del batch
        return Answer(Fate.REFUSED, self._why)

    def close(self) -> None:
        """See `Door`."""


def _close_with_child(close: Callable[[float], None]) -> None:
    """Have a child of `multiprocessing` send what waits: such processes end without what atexit knows."""
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None:
        util.Finalize(None, close, args=(EXIT_SECONDS,), exitpriority=100)
