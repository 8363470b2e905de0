"""Reading the body of an HTTP request: whole, within its size, and within reasonable time."""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import HttpProcessingError

from model_exporter.errors import DecodeError, OverloadedError, TooLargeError
from model_exporter.receive.outcomes import ClientGoneError

MIN_BYTES_PER_SECOND: Final = 64 * 1024
"""A body that comes more slowly, after its first `patience_seconds`, is given up."""


class InFlight:
    """Bytes of all bodies that are being received or wait to be decoded, and a bound on them. One thread only."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    @property
    def held(self) -> int:
        """Bytes held now."""
        return self._held

    def share(self) -> "Share":
        """The part of one request, for a `with` statement."""
        return Share(self)

    def check(self, size: int) -> None:
        """See whether there is room for `size` bytes more.

        Raises:
            OverloadedError: there is not.
        """
        if self._held + size > self._limit:
            raise OverloadedError(f"{self._held} bytes of other requests are being received")

    def _take(self, size: int) -> None:
        self.check(size)
        self._held += size

    def _give_back(self, size: int) -> None:
        self._held -= size


class Share:
    """What one request holds of `InFlight`; given back at the end of the `with` statement."""

    def __init__(self, whole: InFlight) -> None:
        self._whole = whole
        self._held = 0

    def take(self, size: int) -> None:
        """Hold `size` bytes more.

        Raises:
            OverloadedError: all requests together would hold too much.
        """
        self._whole._take(size)  # noqa: SLF001  # the two classes are one thing
        self._held += size

    def give_back(self) -> None:
        """Hold nothing any more."""
        self._whole._give_back(self._held)  # noqa: SLF001  # the two classes are one thing
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Reads bodies as they are sent.

    Attributes:
        limit: bytes of one body.
        patience_seconds: how long a body may take, beside the time that its size allows.
    """

    limit: int
    patience_seconds: float

    async def read(self, request: web.BaseRequest, share: Share) -> bytes:
        """The whole body of `request`, still compressed.

        Raises:
            TooLargeError: it is, or says it is, larger than the limit.
            ClientGoneError: the client hung up or stalled.
            DecodeError: its chunks are malformed, or it is empty where the head announces data.
            OverloadedError: too much is being received from all clients.
        """
        declared = request.content_length
        if declared is not None and declared > self.limit:
            raise TooLargeError(f"the body has {declared} bytes; at most {self.limit} are taken")
        try:
            body = await self._collect(request, share)
        except TimeoutError as error:
            raise ClientGoneError("the body did not arrive in time") from error
        except OSError as error:
            raise ClientGoneError("the client hung up half-way") from error
        except (HttpProcessingError, web.RequestPayloadError) as error:
            raise DecodeError("body", "the chunks of the body are malformed") from error
        check_whole(body, declared=declared, chunked="Transfer-Encoding" in request.headers)
        return body

    async def _collect(self, request: web.BaseRequest, share: Share) -> bytes:
        content = request.content
        if content.is_eof():  # it came with the head, as small ones do
            body = content.read_nowait()
            self._admit(body, len(body), share)
            return body
        loop = asyncio.get_running_loop()
        chunks: list[bytes] = []
        size = 0
        latest = loop.time() + self.patience_seconds
        async with asyncio.timeout_at(latest) as alarm:
            await _invite(request)
            while chunk := await _next_chunk(request):
                size += len(chunk)
                self._admit(chunk, size, share)
                chunks.append(chunk)
                alarm.reschedule(latest + size / MIN_BYTES_PER_SECOND)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _admit(self, chunk: bytes, size: int, share: Share) -> None:
        if size > self.limit:
            raise TooLargeError(f"the body has more than {self.limit} bytes")
        share.take(len(chunk))


async def _next_chunk(request: web.BaseRequest) -> bytes:
    if request.transport is None:  # aiohttp would raise a bare RuntimeError
        raise ConnectionResetError
    return await request.content.readany()


async def _invite(request: web.BaseRequest) -> None:
    """Tell a client to go on that asked first (`Expect: 100-continue`, as curl does for a large body)."""
    if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the reply proper has not begun


def check_whole(body: bytes, *, declared: int | None, chunked: bool) -> None:
    """Refuse a body that was lost on the way.

    An empty protobuf body is a valid request without records. A server that loses a body (some do when a client asks
    for an upgrade to HTTP/2) would thus lose the records and report success.

    Raises:
        DecodeError: the head announces another number of bytes, or chunks without any.
    """
    if declared is not None and len(body) != declared:
        raise DecodeError("body", f"Content-Length is {declared}, but {len(body)} bytes arrived")
    if chunked and not body:
        raise DecodeError("body", "the body is empty, but was announced as chunked")
