"""OTLP/HTTP to another endpoint."""

import asyncio
import io
import ssl
import time
from http import HTTPStatus
from typing import Final

import aiohttp

from model_exporter import __version__, deflate
from model_exporter.config.settings import ForwardCompression, ForwardSettings
from model_exporter.decode.target_replies import read_message, read_success
from model_exporter.forward.answers import Answer, Later, Taken, of_status
from model_exporter.forward.outbox import Parcel
from model_exporter.ports import VIA_HEADER, Encoding

_MEDIA_TYPES: Final = {Encoding.PROTOBUF: "application/x-protobuf", Encoding.JSON: "application/json"}
_REPLY_BYTES: Final = 64 * 1024
_INLINE_BYTES: Final = 64 * 1024
"""Larger bodies are compressed in a thread, so that other attempts go on."""


class HttpTarget:
    """See `Target`. JSON stays JSON.

    Args:
        settings: of forwarding.
        name: this exporter's, for `VIA_HEADER`.
    """

    def __init__(self, settings: ForwardSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        context: ssl.SSLContext | bool = True
        if settings.authorities:
            context = ssl.create_default_context(cadata=settings.authorities.decode("ascii"))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context),
            timeout=aiohttp.ClientTimeout(total=settings.timeout_seconds),
            headers={"User-Agent": f"model_exporter/{__version__}", **dict(settings.headers)},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def send(self, parcel: Parcel) -> Answer:
        """Make one attempt."""
        headers = {
            "Content-Type": _MEDIA_TYPES[parcel.encoding],
            VIA_HEADER: ",".join(filter(None, (parcel.via, self._name))),
        }
        body = parcel.body
        if self._settings.compression is ForwardCompression.GZIP:
            headers["Content-Encoding"] = "gzip"
            body = await _compressed(body)
        url = f"{self._settings.endpoint}/v1/{parcel.signal.value}"
        try:
            # A redirect would turn the request into a GET; the specification has none.
            async with self._session.post(
                url, data=io.BytesIO(body), headers=headers, allow_redirects=False
            ) as response:
                reply = await _read(response)
        except TimeoutError:
            return Later("timeout", f"no answer within {self._settings.timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Later("connection", str(error) or type(error).__name__)
        if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            return Taken(*read_success(parcel.signal, parcel.encoding, reply))
        return of_status(
            response.status,
            read_message(response.content_type, reply),
            response.headers.get("Retry-After", ""),
            time.time(),
        )

    async def close(self) -> None:
        """Let connections go."""
        await self._session.close()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body of a reply; what is longer than any reply of OTLP is not read, and its connection not used again."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _REPLY_BYTES:
            response.close()
            break
    return bytes(body[:_REPLY_BYTES])


async def _compressed(body: bytes) -> bytes:
    if len(body) <= _INLINE_BYTES:
        return _gzip(body)
    return await asyncio.get_running_loop().run_in_executor(None, _gzip, body)


def _gzip(body: bytes) -> bytes:
    return deflate.compress(body, deflate.LEVEL, deflate.GZIP)
