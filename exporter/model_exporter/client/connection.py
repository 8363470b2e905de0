"""What the models of a process share: one queue, one thread, one connection, and what became of their records."""

import atexit
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Any, Final

from model_exporter.client.doors import Door, first_set
from model_exporter.client.notices import Notices, log
from model_exporter.client.outbox import EXIT_SECONDS, Outbox, Stats
from model_exporter.client.records import Body
from model_exporter.client.sdk import Emit, emitter, provider_of

QUEUE_RECORDS: Final = 8192

_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_DOORS: Final = {
    "http": "model_exporter.client.http_door:HttpDoor",
    "http/protobuf": "model_exporter.client.http_door:HttpDoor",
    "grpc": "model_exporter.client.grpc_door:GrpcDoor",
}


@dataclass(slots=True)
class _State:
    """What a client has in one process."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    outbox: Outbox | None = None
    emit: Emit | None = None
    recorded: int = 0  # handed to a provider that was given
    lost: Counter[str] = field(default_factory=Counter)  # before they reached the outbox, by reason
    values_dropped: Counter[str] = field(default_factory=Counter)


class Client:
    """The way to an exporter. A model makes one of its own accord; make one to say where the exporter is.

    Nothing is opened before the first record, and in a forked process everything is opened anew.

    Args:
        endpoint: `http://host:port` of the exporter. Else OTEL_EXPORTER_OTLP_LOGS_ENDPOINT or
            OTEL_EXPORTER_OTLP_ENDPOINT says, else it is the sidecar at 127.0.0.1:4318.
        protocol: `http/protobuf` or `grpc`, which needs `opentelemetry-exporter-otlp-proto-grpc`. Else
            OTEL_EXPORTER_OTLP_PROTOCOL says, else it is HTTP.
        service: the service's name. Else what the application's tracing says, or OTEL_SERVICE_NAME.
        timeout_seconds: of one request. Else OTEL_EXPORTER_OTLP_TIMEOUT says, else it is 10.
        queue_records: how many records may wait while the exporter is away; the next ones are dropped and counted.
        provider: a `LoggerProvider` of the application, whose processors then send, instead of all of the above.
        strict: raise `ValueError` for what cannot be recorded, instead of counting it. For tests.

    Raises:
        ValueError: there is no such protocol.
        ImportError: its package is not installed.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        protocol: str | None = None,
        service: str | None = None,
        timeout_seconds: float | None = None,
        queue_records: int = QUEUE_RECORDS,
        provider: Any = None,  # noqa: ANN401  # the API's class, or whatever the application has in its place
        strict: bool = False,
    ) -> None:
        self.strict = strict
        self._service = service
        self._queue_records = queue_records
        self._provider = provider
        self._open_door = partial(_opener(protocol), endpoint, timeout_seconds)
        self._closed = False
        self._state = _State()
        _OPEN.add(self)

    @property
    def stats(self) -> Stats:
        """What became of the records of this process so far."""
        state = self._state
        with state.lock:
            told = Stats(state.recorded, state.recorded) if state.outbox is None else state.outbox.stats
            return replace(
                told,
                recorded=told.recorded + state.lost.total(),
                dropped=dict(Counter(told.dropped) + state.lost),
                values_dropped=dict(state.values_dropped),
            )

    def flush(self, timeout_seconds: float = 10.0) -> bool:
        """Send what waits; whether all of it came to an end in time, delivered or refused."""
        milliseconds = int(timeout_seconds * 1e3)
        if self._provider is not None:
            return bool(self._provider.force_flush(milliseconds))
        outbox = self._state.outbox
        return outbox is None or outbox.force_flush(milliseconds)

    def close(self, timeout_seconds: float = EXIT_SECONDS) -> None:
        """Send what waits, for at most so long, and take no more. The end of the process does it, too.

        A `LoggerProvider` that was given stays as it is.
        """
        self._closed = True
        _OPEN.discard(self)
        if self._state.outbox is not None:
            self._state.outbox.close(timeout_seconds)

    def record(self, event: str, body: Body, *, time_ns: int | None = None) -> None:
        """Hand in one record. Waits for nothing, apart from opening the queue with the first one."""
        state = self._state
        emit = state.emit or self._start(state)
        if emit is None or self._closed:
            self.count_lost("closed")
            return
        if self._provider is not None:
            with state.lock:
                state.recorded += 1
        emit(event, body, time_ns or time.time_ns())

    def count_lost(self, reason: str) -> None:
        """Count a record that could not be made, or came after the end."""
        with self._state.lock:
            self._state.lost[reason] += 1

    def count_dropped_values(self, reasons: Counter[str]) -> None:
        """Count values that were left out of a record."""
        with self._state.lock:
            self._state.values_dropped.update(reasons)

    def forget(self) -> None:
        """Begin anew, as a process that was just made by a fork must: its parent sends what waited before."""
        self._state = _State()

    def _start(self, state: _State) -> Emit | None:
        """What emits records; None after the end."""
        with state.lock:
            if state.emit is None and not self._closed:
                provider = self._provider
                if provider is None:
                    state.outbox = Outbox(self._open_door, notices=Notices(), records=self._queue_records)
                    provider = provider_of(self._service)
                    provider.add_log_record_processor(state.outbox)
                state.emit = emitter(provider)
            return state.emit


def shared_client() -> Client:
    """The client of all models that were given none."""
    global _shared  # noqa: PLW0603  # three lines of code have no place to build and pass one
    if _shared is None:
        _shared = Client()
    return _shared


def _opener(protocol: str | None) -> Callable[[str | None, float | None], Door]:
    """What opens a door, given an endpoint and the timeout of a request."""
    told = protocol or first_set(_PROTOCOLS) or "http"
    place = _DOORS.get(told)
    if place is None:
        if protocol:
            raise ValueError(f"the protocol {told!r} is none of {', '.join(_DOORS)}")
        log.warning("the environment asks for the protocol %s, which there is not; taking HTTP with protobuf", told)
        place = _DOORS["http"]
    module, name = place.split(":")
    opener: Callable[[str | None, float | None], Door] = getattr(import_module(module), name)
    return opener


def _begin_anew() -> None:
    for client in tuple(_OPEN):
        client.forget()


def _end() -> None:
    for client in tuple(_OPEN):
        client.close()


_OPEN: Final[set[Client]] = set()
"""Clients that have not been closed: the end of the process, and a fork, must reach them."""
_shared: Client | None = None

atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
