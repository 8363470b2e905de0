"""HTTP replies: in the encoding of the request, as OTLP wants them; plain text where no encoding is agreed on."""

import time
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from aiohttp import web

from model_exporter import __version__
from model_exporter.decode.replies import encode_receipt, encode_status, encode_success
from model_exporter.errors import OverloadedError
from model_exporter.ports import Door, Encoding, Receipt, Signal
from model_exporter.receive.outcomes import Answer, WrongMethodError, message_of
from model_exporter.receive.routes import Route

_SERVER: Final = f"model_exporter/{__version__}"
_MEDIA_TYPES: Final = {Encoding.PROTOBUF: "application/x-protobuf", Encoding.JSON: "application/json"}
_NO_STATUS: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.UNSUPPORTED_MEDIA_TYPE})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered with, beside the headers that every reply has."""

    status: int
    body: bytes
    media_type: str
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> web.Response:
        """For aiohttp to send."""
        headers = {"Content-Type": self.media_type, "Server": _SERVER, **dict(self.headers)}
        return web.Response(status=self.status, body=self.body, headers=headers)

    def wire(self, *, close: bool) -> bytes:
        """As HTTP/1.1; `close` tells that the connection ends with it."""
        headers = (*self.headers, ("Connection", "close")) if close else self.headers
        return _head(self.status, self.media_type, len(self.body), headers, int(time.time())) + self.body


@lru_cache(maxsize=16)
def _head(status: int, media_type: str, size: int, headers: tuple[tuple[str, str], ...], unix_seconds: int) -> bytes:
    """The head of a reply; within one second nearly all of them are the same."""
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {media_type}",
        f"Server: {_SERVER}",
        *(f"{name}: {value}" for name, value in headers),
        f"Content-Length: {size}",
        f"Date: {formatdate(unix_seconds, usegmt=True)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def accept(answer: Answer, route: Route, encoding: Encoding, receipt: Receipt) -> Reply:
    """The reply to a request whose records were looked at one by one.

    OTLP success and partial success are the same message; only the native doors may answer 400 here.
    """
    if route.door is Door.OTLP_HTTP and not (receipt.rejected or receipt.message):
        return _all_taken(route.signal, encoding)
    encoding = _reply_encoding(encoding)
    if route.door is not Door.OTLP_HTTP:
        body = encode_receipt(receipt)
    else:
        body = encode_success(route.signal, encoding, rejected=receipt.rejected, message=receipt.message)
    return Reply(answer.http_status, body, _MEDIA_TYPES[encoding])


@lru_cache(maxsize=16)
def _all_taken(signal: Signal, encoding: Encoding) -> Reply:
    """Success with nothing to say, which nearly all OTLP requests end with."""
    encoding = _reply_encoding(encoding)
    return Reply(HTTPStatus.OK, encode_success(signal, encoding), _MEDIA_TYPES[encoding])


def refuse(answer: Answer, error: Exception, encoding: Encoding | None) -> Reply:
    """The reply to a request that ended in `error`: a google.rpc.Status in the encoding of the request.

    Plain text where the encoding is not known (None) or not the one that the path takes, as the OpenTelemetry
    Collector answers 404, 405 and 415.
    """
    headers = [("Allow", "POST")] if isinstance(error, WrongMethodError) else []
    if encoding is None or answer.http_status in _NO_STATUS:
        text = f"{message_of(error)}\n".encode()
        return Reply(answer.http_status, text, "text/plain; charset=utf-8", tuple(headers))
    encoding = _reply_encoding(encoding)
    retry_after = error.retry_after_seconds if isinstance(error, OverloadedError) else None
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    body = encode_status(answer.code, message_of(error), encoding, retry_after_seconds=retry_after)
    return Reply(answer.http_status, body, _MEDIA_TYPES[encoding], tuple(headers))


def _reply_encoding(encoding: Encoding) -> Encoding:
    """One JSON document answers JSON lines."""
    return Encoding.JSON if encoding is Encoding.JSON_LINES else encoding
