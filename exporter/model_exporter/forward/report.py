"""What is counted and told of requests that are passed on."""

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, Literal, get_args

from model_exporter.forward.answers import Later, Never, Taken
from model_exporter.forward.outbox import Outbox, Parcel
from model_exporter.ports import Signal
from model_exporter.telemetry import Telemetry

log = logging.getLogger(__name__)

OutcomeName = Literal["delivered", "partial", "refused", "unconvertible", "too_old", "queue_full", "cut_off", "error"]
OUTCOMES: Final[tuple[OutcomeName, ...]] = get_args(OutcomeName)
"""Values of the label `outcome` of `model_exporter_forwarded_requests_total`."""
REASONS: Final = ("status", "timeout", "connection")
"""Values of the label `reason` of `model_exporter_forward_failures_total`."""
_LINE_SECONDS: Final = 60.0
"""Losses are told at most once in this time."""


class Report:
    """Counts everything, and logs what an operator has to know: once when it begins, then once a minute. Any thread.

    `clock` is in seconds from any moment on, and never goes back.
    """

    def __init__(self, telemetry: Telemetry, clock: Callable[[], float] = time.monotonic) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._lock = threading.Lock()
        self._failing_since: float | None = None
        self._untold: Counter[str] = Counter()
        self._line_due = -math.inf

    def begin(self, signals: Iterable[Signal]) -> None:
        """Let the counters of what is passed on exist: `increase` cannot see the first sample of a new series."""
        count = self._telemetry.count
        for signal in signals:
            for outcome in OUTCOMES:
                count("model_exporter_forwarded_requests_total", signal.value, outcome, amount=0)
                count("model_exporter_forwarded_bytes_total", signal.value, outcome, amount=0)
            count("model_exporter_forward_rejected_records_total", signal.value, amount=0)
        for reason in REASONS:
            count("model_exporter_forward_failures_total", reason, amount=0)

    def done(self, parcel: Parcel, end: Taken | Never) -> None:
        """Tell how a parcel ended."""
        if isinstance(end, Never):
            self.lost(parcel.signal, len(parcel.body), end.outcome, end.message)
            return
        self._telemetry.set("model_exporter_forward_last_success_timestamp_seconds", value=time.time())
        self._recover()
        self._count(parcel.signal, len(parcel.body), "partial" if end.rejected else "delivered")
        if end.rejected:
            self._telemetry.count(
                "model_exporter_forward_rejected_records_total", parcel.signal.value, amount=end.rejected
            )
        if end.rejected or end.message:
            self._tell("partial", end.message)

    def lost(self, signal: Signal, size: int, outcome: str, message: str) -> None:
        """Tell of a request of `size` bytes that the target does not get."""
        self._count(signal, size, outcome)
        self._tell(outcome, message)

    def failed(self, answer: Later) -> None:
        """Tell of an attempt that failed and is made again."""
        self._telemetry.count("model_exporter_forward_failures_total", answer.reason)
        with self._lock:
            if self._failing_since is not None:
                return
            self._failing_since = self._clock()
        log.warning("requests cannot be passed on now; they are tried again", extra={"reason": answer.message})

    def held(self, outbox: Outbox) -> None:
        """Show how full the outbox is."""
        gauge = self._telemetry.set
        gauge("model_exporter_forward_queue_bytes", value=outbox.held)
        gauge("model_exporter_forward_queue_requests", value=outbox.waiting)
        gauge("model_exporter_forward_queue_capacity_bytes", value=outbox.capacity)

    def _count(self, signal: Signal, size: int, outcome: str) -> None:
        count = self._telemetry.count
        count("model_exporter_forwarded_requests_total", signal.value, outcome)
        count("model_exporter_forwarded_bytes_total", signal.value, outcome, amount=size)

    def _recover(self) -> None:
        with self._lock:
            since, self._failing_since = self._failing_since, None
        if since is not None:
            log.info("requests are passed on again", extra={"after_seconds": round(self._clock() - since, 1)})

    def _tell(self, outcome: str, message: str) -> None:
        now = self._clock()
        with self._lock:
            self._untold[outcome] += 1
            if now < self._line_due:
                return
            told, self._untold = self._untold, Counter()
            self._line_due = now + _LINE_SECONDS
        log.warning("requests were not passed on in full", extra={**told, "last": f"{outcome}: {message}"})
