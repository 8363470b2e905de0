"""The reply to a scrape, which tells whether it was sent."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from model_exporter.ports import Showing

_PIECE_BYTES: Final = 256 * 1024


class Scrape(web.Response):
    """A reply whose last byte is sent by itself, when the system has taken all others.

    Whoever reads it has the numbers with that byte and not before, so what is noted in the step before holds if it
    arrives. Between the two steps a process may die; they are a few microseconds apart.

    Args:
        body: the numbers.
        headers: of the reply.
        showing: told of the last byte; None when nobody wants to know.
    """

    def __init__(self, *, body: bytes, headers: Mapping[str, str], showing: Showing | None) -> None:
        super().__init__(body=body, headers=headers)
        self._showing = showing

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the head."""
        try:
            return await super().prepare(request)
        except BaseException:
            if self._showing:
                self._showing.failed()
            raise

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the body, a piece at a time: the loop would copy what the system does not take at once."""
        showing, self._showing = self._showing, None
        body, writer, request = self.body, self._payload_writer, self._req
        if not isinstance(body, bytes) or not writer or not request or request.method == "HEAD":
            await super().write_eof(data)
            return
        is_sent = False
        try:
            transport = request.transport
            if transport is None:
                raise ConnectionResetError
            transport.set_write_buffer_limits(high=0)  # `drain` waits until nothing is left in this process
            whole, last = memoryview(body), len(body) - 1
            for start in range(0, last, _PIECE_BYTES):
                await writer.write(whole[start : min(start + _PIECE_BYTES, last)])
                await writer.drain()
            if showing:
                showing.sending()
            await web.StreamResponse.write_eof(self, body[-1:])
            await writer.drain()
            is_sent = not transport.is_closing()
        finally:
            if showing:
                showing.sent() if is_sent else showing.failed()
