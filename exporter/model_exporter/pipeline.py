"""From a request's bytes to the rolling state: many receiving threads, a bounded queue, one writer."""

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from model_exporter.batch import Batch, Origin, UpstreamBatch, join_batches
from model_exporter.decode import Decoded, Decoder
from model_exporter.errors import OverloadedError
from model_exporter.join import OutcomeStore
from model_exporter.join.store import StorageError
from model_exporter.ports import Clock, Payload, Receipt
from model_exporter.route import MAX_SERVICES, EarlySpans, Router
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.kept import KeptVersion
from model_exporter.window.snapshot import Snapshot

log = logging.getLogger(__name__)

SNAPSHOT_SECONDS: Final = 1.0
"""How often exposition gets a new picture while data comes in."""
SNAPSHOT_SHARE: Final = 0.05
"""At most this share of the writer's time goes into pictures: with many models they are taken less often."""

JOINED_ROWS: Final = 4096
"""Records of small requests that are added together; more would make a scrape's picture wait."""

EARLY_SPANS: Final = 50_000
"""Spans that may wait for the logs of their service."""

CHECKPOINT_SECONDS: Final = 30.0
"""How often the evidence is handed over to be kept: a sudden death loses this much of it, and no verdict."""

LINGER_SECONDS: Final = 0.05
"""How long a small request waits for others to be added with it; its sender has its answer already."""

Task = Callable[[], None]
Keep = Callable[[Sequence[KeptVersion], float], None]
"""Take a checkpoint, the state at a moment, without letting the writer wait."""


@dataclass(frozen=True, slots=True)
class _Item:
    """Decoded records, or a task, on their way to the writer."""

    decoded: Decoded | None
    task: Task | None
    rows: int
    size: int  # bytes of the request


class BoundedQueue:
    """Work for the writer, bounded by records and by bytes. An empty queue takes any one request."""

    def __init__(self, *, rows: int, size: int) -> None:
        self._limit_rows = rows
        self._limit_size = size
        self._items: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._rows = 0
        self._size = 0
        self._closed = False
        self._urgent = False  # a task is among the items

    @property
    def rows(self) -> int:
        """Records waiting."""
        return self._rows

    @property
    def capacity(self) -> int:
        """Records that may wait."""
        return self._limit_rows

    def resize(self, *, rows: int, size: int) -> None:
        """Take over new limits."""
        with self._changed:
            self._limit_rows, self._limit_size = rows, size

    def check(self) -> None:
        """Refuse early what `put` would refuse late.

        Raises:
            OverloadedError: it is full or closed.
        """
        if self._closed:
            raise OverloadedError("the exporter is shutting down")
        if self._rows >= self._limit_rows or self._size >= self._limit_size:
            raise OverloadedError(f"{self._rows} records ({self._size} bytes) wait already")

    def put(self, item: _Item) -> None:
        """Add an item.

        Raises:
            OverloadedError: it does not fit, or the queue is closed.
        """
        with self._changed:
            if self._closed:
                raise OverloadedError("the exporter is shutting down")
            full = self._rows + item.rows > self._limit_rows or self._size + item.size > self._limit_size
            if full and self._items and item.task is None:
                raise OverloadedError(f"{self._rows} records ({self._size} bytes) wait already")
            self._items.append(item)
            self._rows += item.rows
            self._size += item.size
            self._urgent = self._urgent or item.task is not None
            if len(self._items) == 1 or self._is_pressing():
                self._changed.notify()

    def take(self, timeout: float) -> list[_Item]:
        """The next items, together at most `JOINED_ROWS` records or a single item; none after `timeout` seconds.

        The first item waits up to `LINGER_SECONDS` for others to join it, unless many wait already or time presses.
        """
        with self._changed:
            if not self._items and not self._closed:
                self._changed.wait(timeout)
            if self._items:
                self._changed.wait_for(self._is_pressing, LINGER_SECONDS)
            self._urgent = False
            taken: list[_Item] = []
            rows = 0
            while self._items and (not taken or rows + self._items[0].rows <= JOINED_ROWS):
                item = self._items.popleft()
                rows += item.rows
                self._size -= item.size
                taken.append(item)
            self._rows -= rows
            return taken

    def close(self) -> None:
        """Take no more; what is there can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_pressing(self) -> bool:
        """Whether the writer should not wait for more."""
        many = min(JOINED_ROWS, self._limit_rows // 2)
        return self._closed or self._urgent or self._rows >= many or self._size >= self._limit_size // 2

    @property
    def drained(self) -> bool:
        """Closed, and nothing left."""
        return self._closed and not self._items


class Pipeline:
    """Decodes in the caller's thread, then hands over to one writer thread that owns all rolling state.

    Args:
        decoder: bytes to columns.
        queue: what waits for the writer.
        router: which model a record belongs to.
        fleet: the rolling state.
        outcomes: where outcomes wait for the join.
        keep: takes checkpoints.
        telemetry: the exporter's own counters.
        clock: unix seconds.
        on_failure: called from the writer thread when it dies of a bug.
    """

    def __init__(
        self,
        *,
        decoder: Decoder,
        queue: BoundedQueue,
        router: Router,
        fleet: Fleet,
        outcomes: OutcomeStore,
        keep: Keep,
        telemetry: Telemetry,
        clock: Clock,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._decoder = decoder
        self._queue = queue
        self._router = router
        self._fleet = fleet
        self._outcomes = outcomes
        self._keep = keep
        self._telemetry = telemetry
        self._clock = clock
        self._on_failure = on_failure
        self._early = EarlySpans(rows=EARLY_SPANS, services=MAX_SERVICES)
        self._snapshot: Snapshot | None = None
        self._thread = threading.Thread(target=self._run, name="writer")

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest picture of all models; None before the first."""
        return self._snapshot

    def ingest(self, payload: Payload) -> Receipt:
        """Decode `payload` and queue its records. Safe to call from any thread; see `ports.Ingest`."""
        door, signal = payload.door.value, payload.signal.value
        self._queue.check()
        decoded = self._decoder.decode(payload)
        if decoded.accepted:
            self._queue.put(_Item(decoded, None, decoded.accepted, len(payload.body)))
        count = self._telemetry.count
        if decoded.accepted:
            count("model_exporter_records_total", door, signal, "accepted", amount=decoded.accepted)
        for rejection in decoded.rejections:
            count("model_exporter_records_total", door, signal, "rejected", amount=rejection.records)
            count("model_exporter_rejected_records_total", rejection.reason, amount=rejection.records)
        for reason, records in (decoded.ignored or {}).items():
            count("model_exporter_records_total", door, signal, "ignored", amount=records)
            count("model_exporter_ignored_records_total", reason, amount=records)
        for reason, values in (decoded.dropped_values or {}).items():
            count("model_exporter_dropped_values_total", reason, amount=values)
        return Receipt(decoded.accepted, decoded.rejected, decoded.message)

    def use_decoder(self, decoder: Decoder) -> None:
        """Decode what comes from now on with other limits."""
        self._decoder = decoder

    def run_in_writer(self, task: Task) -> None:
        """Have the writer run `task` after what is queued now; returns at once.

        Raises:
            OverloadedError: the exporter is shutting down.
        """
        self._queue.put(_Item(None, task, 0, 0))

    def start(self) -> None:
        """Take the first picture and start the writer."""
        self._take_snapshot()
        self._thread.start()

    def stop(self, grace_seconds: float) -> bool:
        """Take no more, write what is queued, take a last picture and checkpoint; False when it took too long."""
        self._queue.close()
        self._thread.join(grace_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            due = time.monotonic() + SNAPSHOT_SECONDS
            checkpoint_due = time.monotonic() + CHECKPOINT_SECONDS
            while not self._queue.drained:
                self._write(self._queue.take(max(0.0, due - time.monotonic())))
                if time.monotonic() >= due:
                    self._apply(())  # spans may have waited long enough
                    due = time.monotonic() + max(SNAPSHOT_SECONDS, self._take_snapshot() / SNAPSHOT_SHARE)
                if time.monotonic() >= checkpoint_due:
                    self._checkpoint()
                    checkpoint_due = time.monotonic() + CHECKPOINT_SECONDS
            self._count([], self._early.let_all_pass(), self._clock())
            self._take_snapshot()
            self._checkpoint()
        except BaseException as error:  # the top of a thread: a bug must not leave a deaf exporter behind
            log.exception("the writer failed")
            self._queue.close()
            self._on_failure(error)

    def _write(self, items: Sequence[_Item]) -> None:
        started = time.thread_time()
        waiting: list[Decoded] = []
        for item in items:
            if item.decoded:
                waiting.append(item.decoded)
            if item.task:
                self._apply(waiting)
                waiting = []
                item.task()
        self._apply(waiting)
        if items:
            self._telemetry.count("model_exporter_writer_cpu_seconds_total", amount=time.thread_time() - started)

    def _apply(self, requests: Sequence[Decoded]) -> None:
        """Add the records of several requests."""
        now = self._clock()
        batches = [batch for decoded in requests for batch in decoded.batches]
        logs = [batch for batch in batches if batch.origin is Origin.LOG]
        for service in {batch.service for batch in logs}:
            self._early.hear_logs(service)
        spans = [batch for batch in batches if batch.origin is Origin.SPAN]
        calls = [calls for decoded in requests for calls in decoded.upstreams]
        self._count(logs, self._early.let_pass([*spans, *calls], now), now)
        for decoded in requests:
            self._apply_rest(decoded, now)

    def _count(self, logs: Sequence[Batch], spans: Sequence[Batch | UpstreamBatch], now: float) -> None:
        """Add many batches at the cost of one: an update costs much the same for any batch.

        Logs go first: they name the model of their service, and what they tell of, spans must not tell again.
        """
        groups: defaultdict[tuple[str, str, Origin], list[Batch]] = defaultdict(list)
        for batch in (*logs, *(batch for batch in spans if isinstance(batch, Batch))):
            if model := self._route(batch.model, batch.service, batch.rows):
                groups[model, batch.version, batch.origin].append(batch)
        for (model, _, _), batches in sorted(groups.items(), key=lambda group: group[0][2] is Origin.SPAN):
            self._fleet.predict(model, join_batches(batches), now)
        for calls in spans:
            if isinstance(calls, UpstreamBatch) and (model := self._route(calls.model, calls.service, len(calls.keys))):
                self._fleet.call_upstreams(model, calls, now)

    def _apply_rest(self, decoded: Decoded, now: float) -> None:
        for event in decoded.events:
            if model := self._route(event.model, "", 1):
                self._fleet.note(model, event, now)
        if decoded.outcomes:
            self._keep_outcomes(decoded, now)

    def _keep_outcomes(self, decoded: Decoded, now: float) -> None:
        routed = [
            (model, outcome) for outcome in decoded.outcomes if (model := self._route(outcome.model, "", 1)) is not None
        ]
        for model, _ in routed:
            self._fleet.count_outcomes(model, 1, now)
        try:
            evicted = self._outcomes.keep(routed, now)
        except StorageError as error:
            log.warning("outcomes were counted but not kept", extra={"error": str(error), "outcomes": len(routed)})
            self._telemetry.count("model_exporter_outcomes_evicted_total", "storage_failure", amount=len(routed))
            return
        if evicted:
            self._telemetry.count("model_exporter_outcomes_evicted_total", "limit", amount=evicted)

    def _route(self, model: str, service: str, rows: int) -> str | None:
        name = self._router.route(model=model, service=service)
        if name is None:
            self._fleet.refuse_model(model or service, rows)
        return name

    def _checkpoint(self) -> None:
        self._keep(self._fleet.checkpoint(), self._clock())

    def _take_snapshot(self) -> float:
        """Let time pass and publish a picture; returns what it cost, seconds."""
        started = time.thread_time()
        now = self._clock()
        for model in self._fleet.advance(now):
            self._router.forget(model)
        self._snapshot = self._fleet.snapshot(now)
        cost = time.thread_time() - started
        gauge = self._telemetry.set
        gauge("model_exporter_snapshot_timestamp_seconds", value=now)
        gauge("model_exporter_snapshot_duration_seconds", value=cost)
        gauge("model_exporter_queue_rows", value=self._queue.rows)
        gauge("model_exporter_queue_capacity_rows", value=self._queue.capacity)
        gauge("model_exporter_outcomes_kept", value=self._outcomes.kept)
        usage = self._fleet.usage() | {"queue_rows": self._queue.rows, "outcomes": self._outcomes.kept}
        for limit, used in usage.items():
            gauge("model_exporter_limit_usage", limit, value=used)
        return cost
