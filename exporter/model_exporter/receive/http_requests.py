"""Requests that aiohttp reads: whatever is not as simple as nearly all are (see `http_heads`)."""

from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from model_exporter.errors import DecodeError
from model_exporter.receive.bodies import BodyReader, InFlight
from model_exporter.receive.finishing import Begun
from model_exporter.receive.http_replies import Reply
from model_exporter.receive.intake import Intake
from model_exporter.receive.orders import read_order
from model_exporter.receive.routes import check_method, find_encoding, find_route
from model_exporter.receive.safekeeping import until_safe

_SHOWN: Final = 200
"""Characters of a parser's complaint that a reply repeats."""


class HttpRequests:
    """Handles the requests of aiohttp's connections on one event loop.

    Args:
        intake: takes the bodies.
        reader: reads them.
        in_flight: what all bodies together may hold.
        begun: which requests are not answered yet.
    """

    def __init__(self, intake: Intake, reader: BodyReader, in_flight: InFlight, begun: Begun) -> None:
        self._intake = intake
        self._reader = reader
        self._in_flight = in_flight
        self._begun = begun

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """The reply to `request`, whatever it is. Its connection is closed after it once the door is finishing."""
        self._begun.begin(request.protocol)
        try:
            reply = (await self._reply(request)).response()
        finally:
            self._begun.end(request.protocol)
        if self._begun.finishing:
            reply.force_close()
        return reply

    def refuse_malformed(self, request: web.BaseRequest, error: BaseException | None) -> web.Response:
        """The reply to bytes that are not HTTP/1.1, such as TLS, or gRPC that was sent to the wrong port."""
        reason = error.message.partition("\n")[0][:_SHOWN] if isinstance(error, HttpProcessingError) else "malformed"
        refusal = DecodeError("http", f"this port speaks HTTP/1.1, and gRPC has another: {reason}")
        reply = self._intake.refuse(refusal, None, None, peer=str(request.remote), path="").response()
        reply.force_close()
        return reply

    async def _reply(self, request: web.BaseRequest) -> Reply:
        route, encoding = None, None
        try:
            route = find_route(request.path, request.headers)
            check_method(request.method)
            encoding = find_encoding(route, request.headers)
            order = read_order(route, encoding, request.headers, request.query)
            with self._in_flight.share() as share:
                receipt = await self._intake.take(await self._reader.read(request, share), order)
            await until_safe(receipt)
            return self._intake.accept(receipt, order)
        except Exception as error:  # noqa: BLE001  # the top of a server: a bug must not cost the others their door
            return self._intake.refuse(error, route, encoding, peer=str(request.remote), path=request.path)
