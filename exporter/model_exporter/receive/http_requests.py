"""One HTTP request: from its head and body to the pipeline, and to its reply."""

import asyncio
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from model_exporter.errors import DecodeError, TooLargeError
from model_exporter.ports import VIA_HEADER, Clock, Door, Encoding, Ingest, Payload, Receipt, Signal
from model_exporter.receive.bodies import BodyReader, InFlight
from model_exporter.receive.http_replies import accept, refuse
from model_exporter.receive.inflate import GZIP_MAGIC, Coding, inflate
from model_exporter.receive.outcomes import answer_to_error, answer_to_receipt
from model_exporter.receive.reports import Reporter
from model_exporter.receive.routes import (
    Route,
    check_method,
    event_of,
    find_coding,
    find_encoding,
    find_route,
)
from model_exporter.receive.safekeeping import until_safe
from model_exporter.telemetry import Telemetry

INLINE_BYTES: Final = 256 * 1024
"""Bodies up to this size are decoded on the event loop: handing a small one to a thread costs more than decoding it."""
_INLINE_COMPRESSED_BYTES: Final = 64 * 1024
_DECODERS: Final = 2
_BODIES_IN_FLIGHT: Final = 4
"""Bodies of the largest size that all connections together may be sending, or waiting for a decoder with."""
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_UNKNOWN: Final = "unknown"
_SHOWN: Final = 200
"""Characters of a parser's complaint that a reply repeats."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What the head of a request asks for."""

    route: Route
    encoding: Encoding
    coding: Coding
    context: Mapping[str, object]
    via: str

    def coding_of(self, body: bytes) -> Coding:
        """How `body` is compressed. Payload loggers pass bodies on without the header that says so."""
        sniffed = self.route.signal is Signal.EXCHANGES and body.startswith(GZIP_MAGIC)
        return Coding.GZIP if sniffed and self.coding is Coding.IDENTITY else self.coding


class HttpRequests:
    """Handles the requests of all connections of one event loop.

    Args:
        ingest: takes the bodies.
        telemetry: counts requests by outcome, and the bytes of their bodies.
        request_bytes: limit of one body, as sent and again after decompression.
        clock: unix seconds.
        patience_seconds: see `BodyReader`.
    """

    def __init__(
        self, *, ingest: Ingest, telemetry: Telemetry, request_bytes: int, clock: Clock, patience_seconds: float
    ) -> None:
        self._ingest = ingest
        self._telemetry = telemetry
        self._limit = request_bytes
        self._clock = clock
        self._reader = BodyReader(request_bytes, patience_seconds)
        self._in_flight = InFlight(_BODIES_IN_FLIGHT * request_bytes)
        self._decoders = ThreadPoolExecutor(_DECODERS, "http-decoder")
        self._reporter = Reporter()
        self._busy: set[web.RequestHandler] = set()
        self._finishing = False
        self._quiet = asyncio.Event()

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """The reply to `request`, whatever it is. Its connection is closed after it once `finish` was called."""
        connection = request.protocol
        self._busy.add(connection)
        try:
            reply = await self._reply(request)
        finally:
            self._busy.discard(connection)
            if self._finishing and not self._busy:
                self._quiet.set()
        if self._finishing:
            reply.force_close()
        return reply

    def refuse_malformed(self, request: web.BaseRequest, error: BaseException | None) -> web.Response:
        """The reply to bytes that are not HTTP/1.1, such as TLS, or gRPC that was sent to the wrong port."""
        reason = error.message.partition("\n")[0][:_SHOWN] if isinstance(error, HttpProcessingError) else "malformed"
        refusal = DecodeError("http", f"this port speaks HTTP/1.1, and gRPC has another: {reason}")
        answer = answer_to_error(refusal)
        self._telemetry.count("model_exporter_requests_total", Door.OTLP_HTTP.value, _UNKNOWN, answer.outcome)
        self._reporter.refused(answer, refusal, peer=str(request.remote), path="")
        reply = refuse(answer, refusal, None)
        reply.force_close()
        return reply

    async def finish(self, connections: Collection[web.RequestHandler], grace_seconds: float) -> int:
        """Close idle connections now, the others after their reply.

        Returns when no request is left or `grace_seconds` are over: how many requests are left then.
        """
        self._finishing = True
        for connection in connections:
            if connection not in self._busy:
                connection.force_close()
        if self._busy:
            try:
                async with asyncio.timeout(grace_seconds):
                    await self._quiet.wait()
            except TimeoutError:
                return len(self._busy)
        return 0

    def release(self) -> None:
        """Let the threads go, without waiting for them."""
        self._decoders.shutdown(wait=False, cancel_futures=True)

    async def _reply(self, request: web.BaseRequest) -> web.Response:
        door, signal, encoding = Door.OTLP_HTTP, _UNKNOWN, None
        try:
            route = find_route(request.path, request.headers)
            door, signal = route.door, route.signal.value
            check_method(request.method)
            encoding = find_encoding(route, request.headers)
            coding, via = find_coding(request.headers), request.headers.get(VIA_HEADER, "")
            order = _Order(route, encoding, coding, _context(route, request), via)
            receipt = await self._receive(request, order)
            await until_safe(receipt)
            answer = answer_to_receipt(receipt, door)
            reply = accept(answer, route, encoding, receipt)
        except Exception as error:  # noqa: BLE001  # the top of a server: a bug must not cost the others their door
            answer = answer_to_error(error)
            self._reporter.refused(answer, error, peer=str(request.remote), path=request.path)
            reply = refuse(answer, error, encoding)
        self._telemetry.count("model_exporter_requests_total", door.value, signal, answer.outcome)
        return reply

    async def _receive(self, request: web.BaseRequest, order: _Order) -> Receipt:
        with self._in_flight.share() as share:
            sent = await self._reader.read(request, share)
            self._telemetry.count("model_exporter_request_bytes_total", order.route.door.value, amount=len(sent))
            body = self._inflate_small(sent, order.coding_of(sent))
            if body is not None:
                return self._deliver(body, order)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._decoders, self._inflate_and_deliver, sent, order)

    def _inflate_small(self, sent: bytes, coding: Coding) -> bytes | None:
        """`sent` decompressed, or None when that is work for a thread."""
        if coding is Coding.IDENTITY:
            return sent if len(sent) <= INLINE_BYTES else None
        if len(sent) > _INLINE_COMPRESSED_BYTES:
            return None
        try:
            return inflate(sent, coding, limit=min(INLINE_BYTES, self._limit))
        except TooLargeError:
            return None

    def _inflate_and_deliver(self, sent: bytes, order: _Order) -> Receipt:
        return self._deliver(inflate(sent, order.coding_of(sent), limit=self._limit), order)

    def _deliver(self, body: bytes, order: _Order) -> Receipt:
        if not body and order.encoding is not Encoding.PROTOBUF:
            raise DecodeError("body", "the body is empty, which is not JSON")
        route = order.route
        return self._ingest(
            Payload(
                route.door,
                route.signal,
                order.encoding,
                body,
                self._clock(),
                mapping=route.mapping,
                context=order.context,
                via=order.via,
            )
        )


def _context(route: Route, request: web.BaseRequest) -> Mapping[str, object]:
    """What stands beside the body: the attributes of an event, or what the query says of records."""
    if route.signal is Signal.EXCHANGES:
        event = event_of(request.headers)
        return {"event": event} if event else _NOTHING
    return dict(request.query) if route.signal is Signal.RECORDS else _NOTHING
