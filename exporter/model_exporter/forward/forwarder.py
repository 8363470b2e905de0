"""Between the doors and the pipeline: everything is measured, and OTLP requests are passed on as well."""

import logging
import re
import secrets
import threading
import time
from concurrent.futures import Future
from random import Random
from typing import Final

from model_exporter.config.settings import ForwardedSignal, ForwardSettings, WhenFull
from model_exporter.errors import DecodeError, OverloadedError
from model_exporter.forward.backoff import Backoff
from model_exporter.forward.grpc_target import GrpcTarget
from model_exporter.forward.http_target import HttpTarget
from model_exporter.forward.outbox import OVERHEAD_BYTES, Outbox, Parcel
from model_exporter.forward.report import Report
from model_exporter.forward.sender import Sender
from model_exporter.forward.targets import Target
from model_exporter.ports import Door, Ingest, Payload, Receipt, Signal
from model_exporter.telemetry import Telemetry

log = logging.getLogger(__name__)

_OTLP: Final = frozenset({Door.OTLP_GRPC, Door.OTLP_HTTP})
_SIGNALS: Final = {signal: Signal(signal.value) for signal in ForwardedSignal}
_MAX_HOPS: Final = 16
_PATH: Final = re.compile(r"[0-9a-f,]{1,400}")
_HANDOVER_SECONDS: Final = 1.0
"""How long requests that are on their way may take when another target takes over; then it gets them, maybe twice."""
_FULL_SECONDS: Final = 2


class Forwarder:
    """The way to `ingest` that also passes requests on. See `ports.Ingest`; safe to call from any thread.

    A request is passed on when `ingest` has taken it, so that one which its sender is told to send again goes once.
    With outcomes in it, it waits until these are safe.

    Args:
        ingest: measures.
        telemetry: counts what becomes of the requests.
        settings: where they go; without an endpoint, nowhere.
        backoff: waits between attempts.
        chance: makes these waits differ.
    """

    def __init__(
        self,
        ingest: Ingest,
        telemetry: Telemetry,
        settings: ForwardSettings,
        *,
        backoff: Backoff | None = None,
        chance: Random | None = None,
    ) -> None:
        self._ingest = ingest
        self._settings = settings
        self._report = Report(telemetry)
        self._backoff = backoff or Backoff()
        self._chance = chance or Random()  # noqa: S311  # spreads load, guards nothing
        self._name = secrets.token_hex(8)
        self._outbox = Outbox(settings.queue_bytes)
        self._signals: frozenset[Signal] = frozenset()
        self._sender: Sender | None = None
        self._changing = threading.Lock()

    def __call__(self, payload: Payload, /) -> Receipt:
        """Measure `payload`, and pass it on when it is one that is.

        Raises:
            DecodeError: it has been here before.
            OverloadedError: there is no room for it, and senders shall wait for it.
        """
        if payload.via:
            payload = self._check_path(payload)
        if payload.signal not in self._signals or payload.door not in _OTLP:
            return self._ingest(payload)
        size = len(payload.body) + OVERHEAD_BYTES
        has_room = self._outbox.reserve(size)
        if not has_room and self._settings.on_full is WhenFull.REFUSE:
            raise OverloadedError(
                f"{self._outbox.held} bytes wait to be passed on already", retry_after_seconds=_FULL_SECONDS
            )
        try:
            receipt = self._ingest(payload)
        except BaseException:
            if has_room:
                self._outbox.release(size)
            raise
        if not has_room:
            self._report.lost(payload.signal, len(payload.body), "queue_full", "too many requests wait")
        elif receipt.safe is None:
            self._put(payload)
        else:
            receipt.safe.add_done_callback(lambda safe: self._put_if_safe(payload, safe))
        return receipt

    def start(self) -> None:
        """Pass on from now on, if there is an endpoint."""
        with self._changing:
            self._open()

    def reconfigure(self, settings: ForwardSettings) -> None:
        """Take over other settings; a new target also gets what waits for the old one."""
        with self._changing:
            if settings == self._settings:
                return
            if self._sender:
                self._sender.stop(_HANDOVER_SECONDS)
                self._sender = None
            self._settings = settings
            self._outbox.resize(settings.queue_bytes)
            self._open()
            if not settings.endpoint:
                self._give_up()

    def stop(self, grace_seconds: float) -> int:
        """Deliver what waits within `grace_seconds`; how many requests were not delivered."""
        with self._changing:
            if self._sender is None:
                return 0
            self._sender.stop(grace_seconds)
            self._sender, self._signals = None, frozenset()
            return self._give_up()

    def _open(self) -> None:
        settings = self._settings
        self._signals = frozenset(_SIGNALS[signal] for signal in settings.signals) if settings.endpoint else frozenset()
        if not settings.endpoint:
            return
        self._report.begin(self._signals)
        self._report.held(self._outbox)
        self._sender = Sender(
            self._outbox,
            lambda: _open_target(settings, self._name),
            self._report,
            backoff=self._backoff,
            chance=self._chance,
        )
        self._sender.start()
        log.info(
            "passing requests on",
            extra={
                "endpoint": settings.endpoint,
                "signals": ",".join(sorted(signal.value for signal in self._signals)),
                "compression": settings.compression.value,
                "on_full": settings.on_full.value,
            },
        )

    def _give_up(self) -> int:
        """Count what will not be delivered any more."""
        parcels = 0
        while (parcel := self._outbox.take()) is not None:
            self._outbox.release(parcel.size)
            self._report.lost(parcel.signal, len(parcel.body), "cut_off", "nothing is passed on any more")
            parcels += 1
        self._report.held(self._outbox)
        return parcels

    def _put(self, payload: Payload) -> None:
        due = time.monotonic() + self._settings.retry_seconds
        self._outbox.put(Parcel(payload.signal, payload.encoding, payload.body, payload.via, due))

    def _put_if_safe(self, payload: Payload, safe: Future[None]) -> None:
        if safe.cancelled() or safe.exception():
            self._outbox.release(len(payload.body) + OVERHEAD_BYTES)  # its sender sends it again
        else:
            self._put(payload)

    def _check_path(self, payload: Payload) -> Payload:
        """Refuse what has been here before; a path that no exporter has written is let go of."""
        if not _PATH.fullmatch(payload.via):
            return payload._replace(via="")
        names = payload.via.split(",")
        if self._name in names or len(names) >= _MAX_HOPS:
            raise DecodeError("loop", "the request came through this exporter before: it is passed on in a circle")
        return payload


def _open_target(settings: ForwardSettings, name: str) -> Target:
    return (GrpcTarget if settings.endpoint.startswith("grpc") else HttpTarget)(settings, name)
