"""Connections as they are read from the socket: simple requests here, at a tenth of the cost, others by aiohttp."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

from aiohttp import web

from model_exporter.errors import OverloadedError
from model_exporter.ports import Receipt
from model_exporter.receive.bodies import MIN_BYTES_PER_SECOND, InFlight
from model_exporter.receive.finishing import Begun
from model_exporter.receive.http_heads import Head, HeadReader
from model_exporter.receive.http_replies import Reply
from model_exporter.receive.intake import Intake
from model_exporter.receive.outcomes import ClientGoneError
from model_exporter.receive.safekeeping import until_safe

_BUFFER_BYTES: Final = 64 * 1024
_LARGEST_BYTES: Final = 1024 * 1024
"""Room for a body up to this size is made when its head has come; a larger one pays for its own way."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the door waits for a client, in seconds.

    Attributes:
        idle: for the head of a request, on a new connection and between requests.
        body: for a body, beside the time that its size allows.
    """

    idle: float = 75.0
    body: float = 30.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What all connections of a door share. One event loop only.

    Attributes:
        intake: takes the bodies.
        in_flight: what all bodies together may hold.
        begun: which requests are not answered yet.
        request_bytes: limit of one body.
        patience: how long to wait for clients.
        whole_parser: makes a connection that reads every kind of request.
        open: the connections that are not handed over to such a one.
        heads: reads heads.
        buffer: where the sockets write to; no connection leaves anything in it.
    """

    intake: Intake
    in_flight: InFlight
    begun: Begun
    request_bytes: int
    patience: Patience
    whole_parser: Callable[[], web.RequestHandler]
    open: "set[Connection]" = field(default_factory=set)
    heads: HeadReader = field(default_factory=HeadReader)
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(_BUFFER_BYTES)))


class _Body:
    """A body of which something is still to come, and the share of `InFlight` that it holds."""

    def __init__(self, head: Head, sent: bytes, in_flight: InFlight, *, latest: float) -> None:
        self.head = head
        self.sent_head = sent[: head.end]
        self.share = in_flight.share()
        self._whole = bytearray(head.length)
        self._view = memoryview(self._whole)
        self._got = len(sent) - head.end
        self._view[: self._got] = sent[head.end :]
        self._latest = latest

    @property
    def missing(self) -> memoryview:
        """Where the rest goes."""
        return self._view[self._got :]

    @property
    def deadline(self) -> float:
        """When it is given up, by the loop's clock, unless more of it comes."""
        return self._latest + self._got / MIN_BYTES_PER_SECOND

    @property
    def received(self) -> bytes:
        """What has come of it."""
        return bytes(self._view[: self._got])

    def grow(self, size: int) -> bool:
        """`size` bytes more have come; True when it is whole."""
        self._got += size
        return self._got == len(self._whole)


class Connection(asyncio.BufferedProtocol):
    """One connection, until it sends a request that is not simple.

    It is idle, receives a body, or answers.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._loop = asyncio.get_running_loop()
        self._body: _Body | None = None
        self._answering: asyncio.Task[None] | None = None
        self._early = b""  # what came before the reply to the last request
        self._deadline = 0.0
        self._writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._desk.open.add(self)
        self._deadline = self._loop.time() + self._desk.patience.idle
        self._alarm = self._loop.call_at(self._deadline, self._look)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """See `asyncio.BaseProtocol`."""
        if self._body:
            self._refuse_body(self._body, ClientGoneError("the client hung up half-way"))
        self._leave()

    def pause_writing(self) -> None:
        """Take nothing from a client that does not read its replies."""
        self._writable = False
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._writable = True
        if self._answering is None:
            self._transport.resume_reading()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio's signature
        """Where the socket writes to."""
        return self._body.missing if self._body else self._desk.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes have come."""
        if self._body:
            self._go_on(self._body, nbytes)
            return
        data = bytes(self._desk.buffer[:nbytes])
        if self._answering:
            self._early = data
        else:
            self._begin(data)

    def force_close(self) -> None:
        """Close it now; what was written still leaves."""
        self._transport.close()

    def abort(self) -> None:
        """End it, whatever goes on."""
        if self._answering:
            self._answering.cancel()
        self._transport.abort()

    def _begin(self, data: bytes) -> None:
        head = self._desk.heads.read(data)
        if head is None or head.length > min(_LARGEST_BYTES, self._desk.request_bytes):
            self._hand_over(data)
            return
        come = len(data) - head.end
        if come > head.length:  # the client does not wait for its reply
            self._hand_over(data)
        elif come == head.length:
            self._answer(data[head.end :], head)
        else:
            self._await_body(head, data)

    def _await_body(self, head: Head, data: bytes) -> None:
        latest = self._loop.time() + self._desk.patience.body
        self._body = _Body(head, data, self._desk.in_flight, latest=latest)
        self._desk.begun.begin(self)
        self._deadline = self._body.deadline
        self._alarm.cancel()
        self._alarm = self._loop.call_at(self._deadline, self._look)
        self._hold(self._body, len(data) - head.end)

    def _go_on(self, body: _Body, size: int) -> None:
        whole = body.grow(size)
        if not self._hold(body, size):
            return
        if whole:
            self._end_body(body)
            self._answer(body.received, body.head)
        else:
            self._deadline = body.deadline

    def _hold(self, body: _Body, size: int) -> bool:
        """Count `size` bytes as held; when that is too much, False, and the body is left to aiohttp to refuse."""
        try:
            body.share.take(size)
        except OverloadedError:
            self._end_body(body)
            self._hand_over(body.sent_head + body.received)
            return False
        return True

    def _end_body(self, body: _Body) -> None:
        self._body = None
        body.share.give_back()
        self._desk.begun.end(self)

    def _refuse_body(self, body: _Body, error: Exception) -> None:
        self._end_body(body)
        self._send(self._refusal(error, body.head))

    def _hand_over(self, data: bytes) -> None:
        """Let aiohttp go on, from the beginning of a request."""
        self._leave()
        successor = self._desk.whole_parser()
        successor.connection_made(self._transport)
        self._transport.set_protocol(successor)
        if not self._writable:
            successor.pause_writing()
        successor.data_received(data)

    def _leave(self) -> None:
        self._desk.open.discard(self)
        self._alarm.cancel()

    def _answer(self, sent: bytes, head: Head) -> None:
        desk = self._desk
        try:
            desk.in_flight.check(len(sent))
        except OverloadedError as error:
            self._send(self._refusal(error, head))
            return
        try:
            receipt = desk.intake.take_at_once(sent, head.order)
        except Exception as error:  # noqa: BLE001  # the top of a server: a bug must not cost the others their door
            self._send(self._refusal(error, head))
            return
        if receipt is None or receipt.safe:
            self._answering = self._loop.create_task(self._answer_later(sent, head, receipt))
            desk.begun.begin(self)
            self._transport.pause_reading()
        else:
            self._send(desk.intake.accept(receipt, head.order))

    async def _answer_later(self, sent: bytes, head: Head, receipt: Receipt | None) -> None:
        desk = self._desk
        try:
            if receipt is None:
                with desk.in_flight.share() as share:
                    share.take(len(sent))
                    receipt = await desk.intake.take_in_thread(sent, head.order)
            await until_safe(receipt)
            reply = desk.intake.accept(receipt, head.order)
        except Exception as error:  # noqa: BLE001  # the top of a server: a bug must not cost the others their door
            reply = self._refusal(error, head)
        finally:
            self._answering = None
            desk.begun.end(self)
        self._send(reply)
        if self._writable:
            self._transport.resume_reading()
        early, self._early = self._early, b""
        if early and not self._transport.is_closing():
            self._begin(early)

    def _refusal(self, error: Exception, head: Head) -> Reply:
        peer = self._transport.get_extra_info("peername")
        order = head.order
        return self._desk.intake.refuse(
            error, order.route, order.encoding, peer=str(peer[0] if peer else None), path=head.path
        )

    def _send(self, reply: Reply) -> None:
        if self._transport.is_closing():
            return
        closing = self._desk.begun.finishing
        self._transport.write(reply.wire(close=closing))
        if closing:
            self._transport.close()
        self._deadline = self._loop.time() + self._desk.patience.idle

    def _look(self) -> None:
        """See whether the client is still worth waiting for."""
        if self._answering:  # it waits for us
            self._deadline = self._loop.time() + self._desk.patience.idle
        if self._loop.time() < self._deadline:
            self._alarm = self._loop.call_at(self._deadline, self._look)
            return
        if self._body:
            self._refuse_body(self._body, ClientGoneError("the body did not arrive in time"))
        self._transport.close()
