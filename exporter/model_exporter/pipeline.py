"""From a request's bytes to the rolling state: many receiving threads, a bounded queue, one writer."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import Final

from model_exporter.batch import Batch, Origin, Outcome, UpstreamBatch, join_batches
from model_exporter.chores import Chore
from model_exporter.config.settings import Settings
from model_exporter.decode import Decoded, Decoder, under_model
from model_exporter.errors import OverloadedError
from model_exporter.exchanging import Exchanger
from model_exporter.join import StorageError
from model_exporter.joining import Joiner
from model_exporter.pairing import Exchanges
from model_exporter.ports import Clock, Door, Payload, Receipt, Signal
from model_exporter.privacy import conceal
from model_exporter.queueing import BoundedQueue, Item, Probed, Task
from model_exporter.route import MAX_SERVICES, EarlySpans, Router
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.kept import KeptVersion
from model_exporter.window.snapshot import ModelSnapshot, Snapshot

log = logging.getLogger(__name__)

SNAPSHOT_SECONDS: Final = 1.0
"""How often exposition gets a new picture while data comes in."""
SNAPSHOT_SHARE: Final = 0.05
"""At most this share of the writer's time goes into pictures: with many models they are taken less often."""
CHECKPOINT_SHARE: Final = 0.02
"""The same for checkpoints: with hundreds of versions whose outcomes come they are taken less often."""

EARLY_SPANS: Final = 50_000
"""Spans that may wait for the logs of their service."""

CHECKPOINT_SECONDS: Final = 30.0
"""How often evidence and performance are handed over to be kept: a sudden death loses this much, and no verdict."""

_REFUSED_SECONDS: Final = 2
"""When senders of outcomes that could not be kept may come again."""

Keep = Callable[[Sequence[KeptVersion], float], None]
"""Take a checkpoint, the state at a moment, without letting the writer wait."""


class Pipeline:
    """Decodes in the caller's thread, then hands over to one writer thread that owns all rolling state.

    Args:
        decoder: bytes to columns.
        settings: the configuration; of it, what must not be kept as it was sent.
        queue: what waits for the writer.
        router: which model a record belongs to.
        fleet: the rolling state.
        joiner: brings predictions and outcomes together.
        exchanges: requests and responses that wait for each other.
        keep: takes checkpoints.
        telemetry: the exporter's own counters.
        clock: unix seconds.
        on_failure: called from the writer thread when it dies of a bug.
    """

    def __init__(
        self,
        *,
        decoder: Decoder,
        settings: Settings,
        queue: BoundedQueue,
        router: Router,
        fleet: Fleet,
        joiner: Joiner,
        exchanges: Exchanges,
        keep: Keep,
        telemetry: Telemetry,
        clock: Clock,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._decoder = decoder
        self._settings = settings
        self._queue = queue
        self._router = router
        self._fleet = fleet
        self._joiner = joiner
        self._keep = keep
        self._telemetry = telemetry
        self._clock = clock
        self._on_failure = on_failure
        self._exchanger = Exchanger(exchanges, telemetry, self._hand_over)
        self._early = EarlySpans(rows=EARLY_SPANS, services=MAX_SERVICES)
        self._snapshot: Snapshot | None = None
        self._pictures = 0
        self._drawing = False  # some models are in the next picture already
        self._picture = Chore(self._draw_picture, every=SNAPSHOT_SECONDS, share=SNAPSHOT_SHARE, told=self._report_cost)
        self._checkpoint = Chore(self._make_checkpoint, every=CHECKPOINT_SECONDS, share=CHECKPOINT_SHARE)
        self._thread = threading.Thread(target=self._run, name="writer")

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest picture of all models; None before the first."""
        return self._snapshot

    @property
    def next_picture(self) -> int:
        """Number of the next picture that has all that the writer has added by now. For tasks of the writer."""
        return self._pictures + 1 + self._drawing

    def ingest(self, payload: Payload, *, then: Task | None = None) -> Receipt:
        """Decode `payload` and queue its records. Safe to call from any thread; see `ports.Ingest`.

        Sensitive values are concealed before anything can keep them. Only whose rows name no model wait for the writer
        to say which one they belong to, and are concealed then. For `then` see `ports.IngestThen`.
        """
        self._queue.check()
        if payload.signal is Signal.EXCHANGES:
            return self._pair(payload)
        decoder = self._decoder
        probed = decoder.probe(payload)
        if probed is not None:
            return self._queue_probed(payload, decoder, *probed, then)
        return self._hand_over(payload.door, payload.signal, decoder.decode(payload), len(payload.body), then)

    def _queue_probed(self, payload: Payload, by: Decoder, rows: int, ignored: int, then: Task | None) -> Receipt:
        """Queue a small request as it came, so that the writer decodes many of them at once."""
        if rows:
            self._queue.put(Item(Probed(payload.body, by), then, rows, len(payload.body)))
        elif then:
            self._queue.put(Item(None, then, 0, 0))
        count, where = self._telemetry.count, (payload.door.value, payload.signal.value)
        if rows:
            count("model_exporter_records_total", *where, "accepted", amount=rows)
        if ignored:
            count("model_exporter_records_total", *where, "ignored", amount=ignored)
            count("model_exporter_ignored_records_total", "not_a_prediction", amount=ignored)
        return _all_taken(rows)

    def _pair(self, payload: Payload) -> Receipt:
        """Take the half of a call that an event tells of."""
        half = self._decoder.half(payload)
        if half is None:
            return self._hand_over(payload.door, payload.signal, Decoded(ignored={"not_a_prediction": 1}), 0)
        return self._exchanger.take(half, self._decoder)

    def _hand_over(self, door: Door, signal: Signal, decoded: Decoded, size: int, then: Task | None = None) -> Receipt:
        """Queue what was decoded, and count it."""
        decoded = self._conceal(decoded)
        safe: Future[None] | None = Future() if decoded.outcomes else None
        if decoded.accepted:
            self._queue.put(Item(decoded, then, decoded.accepted, max(size, decoded.size), safe))
        elif then:
            self._queue.put(Item(None, then, 0, 0))
        count, where = self._telemetry.count, (door.value, signal.value)
        if decoded.accepted:
            count("model_exporter_records_total", *where, "accepted", amount=decoded.accepted)
        for rejection in decoded.rejections:
            count("model_exporter_records_total", *where, "rejected", amount=rejection.records)
            count("model_exporter_rejected_records_total", rejection.reason, amount=rejection.records)
        for reason, records in (decoded.ignored or {}).items():
            count("model_exporter_records_total", *where, "ignored", amount=records)
            count("model_exporter_ignored_records_total", reason, amount=records)
        for reason, values in (decoded.dropped_values or {}).items():
            count("model_exporter_dropped_values_total", reason, amount=values)
        return Receipt(decoded.accepted, decoded.rejected, decoded.message, safe)

    def reconfigure(self, decoder: Decoder, settings: Settings) -> None:
        """Decode and conceal what comes from now on by another configuration."""
        self._decoder = decoder
        self._settings = settings

    def run_in_writer(self, task: Task) -> None:
        """Have the writer run `task` after what is queued now; returns at once.

        Raises:
            OverloadedError: the exporter is shutting down.
        """
        self._queue.put(Item(None, task, 0, 0))

    def start(self) -> None:
        """Take the first picture and start the writer."""
        self._picture.do_all()
        self._thread.start()

    def stop(self, grace_seconds: float) -> bool:
        """Take no more, write what is queued, take a last picture and checkpoint; False when it took too long."""
        self._exchanger.drain(self._decoder)
        self._queue.close()
        self._thread.join(grace_seconds)
        return not self._thread.is_alive()

    def _conceal(self, decoded: Decoded) -> Decoded:
        models = self._settings.models
        if not any(model.privacy for model in models.values()):
            return decoded
        return replace(
            decoded,
            batches=tuple(
                conceal(batch, models[batch.model].privacy) if batch.model in models else batch
                for batch in decoded.batches
            ),
        )

    def _run(self) -> None:
        try:
            while not self._queue.drained:
                busy = self._picture.under_way or self._checkpoint.under_way
                self._write(self._queue.take(0.0 if busy else self._picture.wait_seconds, linger=not busy))
                self._picture.go_on()
                self._checkpoint.go_on()
            self._count([], self._early.let_all_pass(), self._clock())
            self._picture.do_all()
            self._checkpoint.do_all()
        except BaseException as error:  # the top of a thread: a bug must not leave a deaf exporter behind
            log.exception("the writer failed")
            self._queue.close()
            self._on_failure(error)

    def _write(self, items: Sequence[Item]) -> None:
        started = time.thread_time()
        waiting: list[Item] = []
        for item in items:
            waiting.append(item)
            if item.is_task:
                self._apply_items(waiting)
                waiting = []
        self._apply_items(waiting)
        if items:
            self._telemetry.count("model_exporter_writer_cpu_seconds_total", amount=time.thread_time() - started)

    def _apply_items(self, items: Sequence[Item]) -> None:
        """Add the records of several requests, then let the senders of outcomes know that these are safe, or not."""
        refusal = self._apply(list(self._decoded(items)))
        for item in items:
            if item.safe:
                item.safe.set_exception(refusal) if refusal else item.safe.set_result(None)
            if item.task and not (item.safe and refusal):
                item.task()

    def _decoded(self, items: Iterable[Item]) -> Iterator[Decoded]:
        """What `items` hold; of those that were probed only, neighbours are decoded as one."""
        for decoder, neighbours in groupby((item.records for item in items), _prober):
            if decoder is None:
                yield from (records for records in neighbours if isinstance(records, Decoded))
            else:
                probed = [records.body for records in neighbours if isinstance(records, Probed)]
                yield from map(self._conceal, map(self._check_probed, decoder.decode_probed(probed)))

    def _check_probed(self, decoded: Decoded) -> Decoded:
        """`decoded`, of which nothing can be rejected but by a bug: its senders were told that all was taken."""
        for rejection in decoded.rejections:
            log.error("records that were acknowledged are rejected", extra={"error": rejection.message})
            self._telemetry.count("model_exporter_rejected_records_total", rejection.reason, amount=rejection.records)
        return decoded

    def _apply(self, requests: Sequence[Decoded]) -> OverloadedError | None:
        """Add the records of several requests; returns what their senders are told when outcomes cannot be kept."""
        now = self._clock()
        batches = [batch for decoded in requests for batch in decoded.batches]
        logs = [batch for batch in batches if batch.origin is Origin.LOG]
        for service in {batch.service for batch in logs}:
            self._early.hear_logs(service)
        spans = [batch for batch in batches if batch.origin is Origin.SPAN]
        calls = [calls for decoded in requests for calls in decoded.upstreams]
        # The first outcome of a model lets its predictions wait, also those that come with it.
        outcomes = self._begin_joining(requests, now)
        self._count(logs, self._early.let_pass([*spans, *calls], now), now)
        for event in (event for decoded in requests for event in decoded.events):
            if model := self._route(event.model, "", 1):
                self._fleet.note(model, event, now)
        return self._tell(outcomes, now)

    def _count(self, logs: Sequence[Batch], spans: Sequence[Batch | UpstreamBatch], now: float) -> None:
        """Add many batches at the cost of one: an update costs much the same for any batch.

        Logs go first: they name the model of their service, and what they tell of, spans must not tell again.
        """
        groups: defaultdict[tuple[str, str, Origin], list[Batch]] = defaultdict(list)
        self._fleet.announce(batch for batch in spans if isinstance(batch, Batch))
        for batch in (*logs, *(batch for batch in spans if isinstance(batch, Batch))):
            if model := self._route(batch.model, batch.service, batch.rows):
                if not batch.model:
                    batch = under_model(batch, model)  # noqa: PLW2901  # the same rows
                    batch = conceal(batch, self._settings.model(model).privacy)  # noqa: PLW2901  # the same rows
                groups[model, batch.version, batch.origin].append(batch)
        for (model, _, _), batches in sorted(groups.items(), key=lambda group: group[0][2] is Origin.SPAN):
            awaited = self._fleet.predict(model, join_batches(batches), now)
            self._joiner.wait(model, awaited, now)
        for calls in spans:
            if isinstance(calls, UpstreamBatch) and (model := self._route(calls.model, calls.service, len(calls.keys))):
                self._fleet.call_upstreams(model, calls, now)

    def _begin_joining(self, requests: Sequence[Decoded], now: float) -> list[tuple[str, Outcome]]:
        """The outcomes of several requests with the models they belong to, whose predictions wait for theirs now."""
        routed = [
            (model, outcome)
            for decoded in requests
            for outcome in decoded.outcomes
            if (model := self._route(outcome.model, "", 1)) is not None
        ]
        self._joiner.begin(routed, now)
        return routed

    def _tell(self, outcomes: Sequence[tuple[str, Outcome]], now: float) -> OverloadedError | None:
        """Join outcomes; returns what their senders are told when they cannot be kept."""
        try:
            self._joiner.tell(outcomes, now)
        except StorageError as error:
            log.warning("outcomes are refused", extra={"error": str(error), "outcomes": len(outcomes)})
            self._telemetry.count("model_exporter_storage_failures_total", "outcomes")
            return OverloadedError("the outcomes cannot be kept now", retry_after_seconds=_REFUSED_SECONDS)
        return None

    def _route(self, model: str, service: str, rows: int) -> str | None:
        name = self._router.route(model=model, service=service)
        if name is None:
            self._fleet.refuse_model(model or service, rows)
        return name

    def _make_checkpoint(self) -> Iterator[None]:
        """Hand over what outlives a restart, collected model by model."""
        kept: list[KeptVersion] = []
        for of_model in self._fleet.checkpoints():
            kept += of_model
            yield
        self._keep(kept, self._clock())

    def _draw_picture(self) -> Iterator[None]:
        """Let time pass and publish a picture, model by model; each is as of a moment of its own."""
        self._apply(())  # spans may have waited long enough
        now = self._clock()
        for gone in self._fleet.advancing(now):
            for model in gone:
                self._router.forget(model)
            yield
        self._joiner.advance(now)
        self._exchanger.expire(now, self._decoder)
        yield
        self._drawing = True
        models: list[ModelSnapshot] = []
        for drawn in self._fleet.freezing(now):
            models += [drawn] if drawn else []
            yield
        self._pictures += 1
        self._snapshot = replace(self._fleet.picture_of(models, now), number=self._pictures)
        self._drawing = False
        self._report(now)

    def _report(self, now: float) -> None:
        """Tell what the picture shows of the exporter itself."""
        gauge = self._telemetry.set
        gauge("model_exporter_snapshot_timestamp_seconds", value=now)
        gauge("model_exporter_queue_rows", value=self._queue.rows)
        gauge("model_exporter_queue_capacity_rows", value=self._queue.capacity)
        usage = self._fleet.usage() | self._joiner.usage() | self._exchanger.usage() | self._decoder.usage()
        usage |= {"queue_rows": self._queue.rows}
        gauge("model_exporter_outcomes_kept", value=usage["outcomes"])
        for limit, used in usage.items():
            gauge("model_exporter_limit_usage", limit, value=used)

    def _report_cost(self, seconds: float) -> None:
        self._telemetry.set("model_exporter_snapshot_duration_seconds", value=seconds)


@lru_cache(maxsize=64)
def _all_taken(rows: int) -> Receipt:
    return Receipt(rows, 0)


def _prober(records: Decoded | Probed | None) -> Decoder | None:
    """What probed a request that is not decoded yet."""
    return records.by if isinstance(records, Probed) else None
