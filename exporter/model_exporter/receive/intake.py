"""From the body of an HTTP request to the pipeline and to its reply, whoever read it from the socket."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from model_exporter.errors import DecodeError, SlowError, TooLargeError
from model_exporter.ports import Clock, Door, Encoding, Ingest, Payload, Receipt, Signal
from model_exporter.receive.http_replies import Reply, accept, refuse
from model_exporter.receive.inflate import Coding, inflate
from model_exporter.receive.orders import Order
from model_exporter.receive.outcomes import answer_to_error, answer_to_receipt
from model_exporter.receive.reports import Reporter
from model_exporter.receive.routes import Route
from model_exporter.telemetry import Telemetry

INLINE_BYTES: Final = 256 * 1024
"""Bodies up to this size are decoded on the event loop: handing a small one to a thread costs more than decoding it."""
_INLINE_PREDICTIONS_BYTES: Final = 512 * 1024
"""The same of predictions in JSON, which take twice the bytes of OTLP for the same records, and no more time."""
_INLINE_PIECES: Final = 4096
"""Lines and objects in such a body: with more of them the time goes with their number, not with the bytes."""
_AT_ONCE_BYTES: Final = 1024 * 1024
"""The same of what the compiled scanner of logs takes, in three milliseconds; by a thread it costs a fifth more."""
_INLINE_COMPRESSED_BYTES: Final = 64 * 1024
_DECODERS: Final = 2
_UNKNOWN: Final = "unknown"


class Intake:
    """Takes bodies on one event loop, and on threads of its own those that would hold the loop up.

    Args:
        ingest: takes the bodies.
        telemetry: counts requests by outcome, and the bytes of their bodies.
        request_bytes: limit of one body after decompression.
        clock: unix seconds.
    """

    def __init__(
        self,
        *,
        ingest: Ingest,
        telemetry: Telemetry,
        request_bytes: int,
        clock: Clock,
    ) -> None:
        self._ingest = ingest
        self._telemetry = telemetry
        self._limit = request_bytes
        self._clock = clock
        self._decoders = ThreadPoolExecutor(_DECODERS, "http-decoder")
        self._reporter = Reporter()

    def take_at_once(self, sent: bytes, order: Order) -> Receipt | None:
        """Hand over a body as it was sent; None, and nothing done, when that is work for a thread.

        Raises:
            DecodeError, TooLargeError, OverloadedError, UnknownMappingError: nothing of it was taken.
        """
        self._count_bytes(sent, order)
        body = self._inflate_small(sent, order)
        if body is None:
            return None
        try:
            return self._deliver(body, order, at_once=len(body) > INLINE_BYTES and _is_for_the_scanner(body, order))
        except SlowError:
            return None

    async def take(self, sent: bytes, order: Order) -> Receipt:
        """As `take_at_once`, without holding the loop up.

        Raises:
            DecodeError, TooLargeError, OverloadedError, UnknownMappingError: nothing of it was taken.
        """
        receipt = self.take_at_once(sent, order)
        return await self.take_in_thread(sent, order) if receipt is None else receipt

    async def take_in_thread(self, sent: bytes, order: Order) -> Receipt:
        """Hand over a body that `take_at_once` left alone.

        Raises:
            DecodeError, TooLargeError, OverloadedError, UnknownMappingError: nothing of it was taken.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._decoders, self._inflate_and_deliver, sent, order)

    def accept(self, receipt: Receipt, order: Order) -> Reply:
        """Count a request that was taken, and answer it."""
        answer = answer_to_receipt(receipt, order.route.door)
        self._count(order.route, answer.outcome)
        return accept(answer, order.route, order.encoding, receipt)

    def refuse(
        self, error: Exception, route: Route | None, encoding: Encoding | None, *, peer: str, path: str
    ) -> Reply:
        """Count a request that ended in `error`, tell of it, and answer it."""
        answer = answer_to_error(error)
        self._reporter.refused(answer, error, peer=peer, path=path)
        self._count(route, answer.outcome)
        return refuse(answer, error, encoding)

    def release(self) -> None:
        """Let the threads go, without waiting for them."""
        self._decoders.shutdown(wait=False, cancel_futures=True)

    def _count(self, route: Route | None, outcome: str) -> None:
        door, signal = (route.door, route.signal.value) if route else (Door.OTLP_HTTP, _UNKNOWN)
        self._telemetry.count("model_exporter_requests_total", door.value, signal, outcome)

    def _count_bytes(self, sent: bytes, order: Order) -> None:
        self._telemetry.count("model_exporter_request_bytes_total", order.route.door.value, amount=len(sent))

    def _inflate_small(self, sent: bytes, order: Order) -> bytes | None:
        """`sent` decompressed, or None when that is work for a thread."""
        coding = order.coding_of(sent)
        if coding is Coding.IDENTITY:
            is_taken = len(sent) <= INLINE_BYTES or _is_for_the_scanner(sent, order) or _is_read_soon(sent, order)
            return sent if is_taken else None
        if len(sent) > _INLINE_COMPRESSED_BYTES:
            return None
        try:
            return inflate(sent, coding, limit=min(INLINE_BYTES, self._limit))
        except TooLargeError:
            return None

    def _inflate_and_deliver(self, sent: bytes, order: Order) -> Receipt:
        return self._deliver(inflate(sent, order.coding_of(sent), limit=self._limit), order)

    def _deliver(self, body: bytes, order: Order, *, at_once: bool = False) -> Receipt:
        if not body and order.encoding is not Encoding.PROTOBUF:
            raise DecodeError("body", "the body is empty, which is not JSON")
        return self._ingest(_payload(body, order, self._clock(), at_once=at_once))


def _is_for_the_scanner(body: bytes, order: Order) -> bool:
    """Whether a large body may be one that is read at once, or else, at little cost, found not to be."""
    is_otlp_logs = order.route.signal is Signal.LOGS and order.encoding is Encoding.PROTOBUF
    return is_otlp_logs and len(body) <= _AT_ONCE_BYTES


def _is_read_soon(body: bytes, order: Order) -> bool:
    """Whether a large body holds up the event loop no longer than smaller ones do."""
    return (
        order.route.signal is Signal.PREDICTIONS
        and len(body) <= _INLINE_PREDICTIONS_BYTES
        and body.startswith(b"{")
        and body.count(b"{") + body.count(b"\n") <= _INLINE_PIECES
    )


def _payload(body: bytes, order: Order, now: float, *, at_once: bool = False) -> Payload:
    route = order.route
    return Payload(
        route.door,
        route.signal,
        order.encoding,
        body,
        now,
        mapping=route.mapping,
        context=order.context,
        via=order.via,
        at_once=at_once,
    )
