"""HTTP replies: in the encoding of the request, as OTLP wants them; plain text where no encoding is agreed on."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from model_exporter import __version__
from model_exporter.decode.replies import encode_receipt, encode_status, encode_success
from model_exporter.errors import OverloadedError
from model_exporter.ports import Door, Encoding, Receipt
from model_exporter.receive.outcomes import Answer, WrongMethodError, message_of
from model_exporter.receive.routes import Route

_SERVER: Final = f"model_exporter/{__version__}"
_MEDIA_TYPES: Final = {Encoding.PROTOBUF: "application/x-protobuf", Encoding.JSON: "application/json"}
_NO_STATUS: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.UNSUPPORTED_MEDIA_TYPE})


def accept(answer: Answer, route: Route, encoding: Encoding, receipt: Receipt) -> web.Response:
    """The reply to a request whose records were looked at one by one.

    OTLP success and partial success are the same message; only the native doors may answer 400 here.
    """
    encoding = _reply_encoding(encoding)
    if route.door is not Door.OTLP_HTTP:
        body = encode_receipt(receipt)
    else:
        body = encode_success(route.signal, encoding, rejected=receipt.rejected, message=receipt.message)
    return _response(answer.http_status, body, _MEDIA_TYPES[encoding])


def refuse(answer: Answer, error: Exception, encoding: Encoding | None) -> web.Response:
    """The reply to a request that ended in `error`: a google.rpc.Status in the encoding of the request.

    Plain text where the encoding is not known (None) or not the one that the path takes, as the OpenTelemetry
    Collector answers 404, 405 and 415.
    """
    if encoding is None or answer.http_status in _NO_STATUS:
        reply = _response(answer.http_status, f"{message_of(error)}\n".encode(), "text/plain; charset=utf-8")
    else:
        encoding = _reply_encoding(encoding)
        retry_after = error.retry_after_seconds if isinstance(error, OverloadedError) else None
        body = encode_status(answer.code, message_of(error), encoding, retry_after_seconds=retry_after)
        reply = _response(answer.http_status, body, _MEDIA_TYPES[encoding])
        if retry_after is not None:
            reply.headers["Retry-After"] = str(retry_after)
    if isinstance(error, WrongMethodError):
        reply.headers["Allow"] = "POST"
    return reply


def _reply_encoding(encoding: Encoding) -> Encoding:
    """One JSON document answers JSON lines."""
    return Encoding.JSON if encoding is Encoding.JSON_LINES else encoding


def _response(status: int, body: bytes, media_type: str) -> web.Response:
    return web.Response(status=status, body=body, headers={"Content-Type": media_type, "Server": _SERVER})
