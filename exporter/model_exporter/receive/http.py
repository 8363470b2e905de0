"""The HTTP door: OTLP/HTTP, and prediction logs as JSON, on one port."""

import asyncio
import logging
import socket
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from model_exporter.addresses import BACKLOG, Address, listen
from model_exporter.ports import Clock, Ingest
from model_exporter.receive.bodies import BodyReader, InFlight
from model_exporter.receive.finishing import Begun
from model_exporter.receive.http_connections import Connection, Desk, Patience
from model_exporter.receive.http_requests import HttpRequests
from model_exporter.receive.intake import Intake
from model_exporter.receive.outcomes import OUTCOMES
from model_exporter.receive.routes import ROUTES
from model_exporter.telemetry import Telemetry

log = logging.getLogger(__name__)

_BODIES_IN_FLIGHT: Final = 4
"""Bodies of the largest size that all connections together may be sending, or waiting for a decoder with."""
_START_SECONDS: Final = 10.0
_FLUSH_SECONDS: Final = 0.5
"""How long the last replies may take to leave after the grace time."""


@dataclass(frozen=True, slots=True)
class _Running:
    """The loop of a door that serves, and the future that ends it when its grace time is set."""

    loop: asyncio.AbstractEventLoop
    grace: asyncio.Future[float]


class _Connection(web.RequestHandler):
    """A connection of aiohttp whose malformed requests are counted and answered like all others."""

    def __init__(
        self, server: web.Server, requests: HttpRequests, loop: asyncio.AbstractEventLoop, idle: float
    ) -> None:
        # Decompression is ours: aiohttp's would leave the header in place and has limits of its own.
        super().__init__(
            server,
            loop=loop,
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]  # aiohttp's own way to say "no access log", not in its types
            keepalive_timeout=idle,
        )
        self._requests = requests

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The reply to a request that aiohttp could not parse; nothing else fails before or after our handler."""
        if status != HTTPStatus.BAD_REQUEST:
            return super().handle_error(request, status, exc, message)
        return self._requests.refuse_malformed(request, exc)


class HttpDoor:
    """Serves on its own thread and event loop, from `start` to `stop`.

    Args:
        address: `host:port`; port 0 is any free one.
        ingest: takes the bodies.
        telemetry: counts requests by outcome, and the bytes of their bodies.
        request_bytes: limit of one body, as sent and again after decompression.
        clock: unix seconds.
        patience: how long to wait for clients.

    Raises:
        ValueError: `address` is none.
    """

    def __init__(
        self,
        address: str,
        *,
        ingest: Ingest,
        telemetry: Telemetry,
        request_bytes: int,
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        self._address = Address.parse(address)
        self._ingest = ingest
        self._telemetry = telemetry
        self._limit = request_bytes
        self._clock = clock
        self._patience = patience or Patience()
        self._thread: threading.Thread | None = None
        self._running: _Running | None = None

    @property
    def address(self) -> str:
        """Where it listens, `host:port`; before `start`, where it was told to."""
        return str(self._address)

    def start(self) -> None:
        """Listen and serve; connections are taken when this returns.

        Raises:
            OSError: the address cannot be listened on; the message names it.
        """
        for door, signal in {(route.door.value, route.signal.value) for route in ROUTES.values()}:
            for outcome in OUTCOMES:
                self._telemetry.count("model_exporter_requests_total", door, signal, outcome, amount=0)
        listener, self._address = listen(self._address)
        started: Future[_Running] = Future()
        self._thread = threading.Thread(target=self._run, args=(listener, started), name="http-door", daemon=True)
        self._thread.start()
        self._running = started.result(_START_SECONDS)

    def stop(self, grace_seconds: float) -> None:
        """Take no more connections, let requests that have begun finish in `grace_seconds`, then close.

        Does nothing when the door does not serve.
        """
        running, self._running = self._running, None
        if running is None or self._thread is None:
            return
        running.loop.call_soon_threadsafe(running.grace.set_result, grace_seconds)
        self._thread.join(grace_seconds + 4 * _FLUSH_SECONDS)

    def _run(self, listener: socket.socket, started: "Future[_Running]") -> None:
        try:
            asyncio.run(self._serve(listener, started))
        except Exception as error:
            if not started.done():
                started.set_exception(error)
                return
            log.exception("the HTTP door failed")

    async def _serve(self, listener: socket.socket, started: "Future[_Running]") -> None:
        loop = asyncio.get_running_loop()
        intake = Intake(
            ingest=self._ingest,
            telemetry=self._telemetry,
            request_bytes=self._limit,
            clock=self._clock,
        )
        in_flight, begun = InFlight(_BODIES_IN_FLIGHT * self._limit), Begun()
        requests = HttpRequests(intake, BodyReader(self._limit, self._patience.body), in_flight, begun)
        server = web.Server(requests.handle)
        desk = Desk(
            intake=intake,
            in_flight=in_flight,
            begun=begun,
            request_bytes=self._limit,
            patience=self._patience,
            whole_parser=lambda: _Connection(server, requests, loop, self._patience.idle),
        )
        listening = await loop.create_server(lambda: Connection(desk), sock=listener, backlog=BACKLOG)
        running = _Running(loop, loop.create_future())
        started.set_result(running)
        grace_seconds = await running.grace
        listening.close()
        await asyncio.sleep(0)  # requests that are parsed already begin, and so count as begun
        if unfinished := await begun.finish((*desk.open, *server.connections), grace_seconds):
            log.warning("requests were cut off at the end of the grace time", extra={"requests": unfinished})
        for connection in tuple(desk.open):
            connection.abort()
        await server.shutdown(_FLUSH_SECONDS)
        intake.release()
