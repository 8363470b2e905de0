"""Heads of the simple requests that nearly all clients send, and nothing else of HTTP.

A simple request is a POST of HTTP/1.1 with a Content-Length, whose head offers and asks for nothing: no chunks, no
`Expect`, no `Upgrade`, no `Connection: close`, no name twice, no query. Whatever is not one, malformed heads included,
is left to a whole parser, so that this one never has to guess.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeVar

from multidict import CIMultiDict

from model_exporter.errors import ModelExporterError
from model_exporter.receive.orders import Order, read_order
from model_exporter.receive.routes import find_encoding, find_route

MAX_HEAD_BYTES: Final = 8 * 1024
_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: ?([0-9]{1,10})(?=\r\n)")
_TARGET: Final = re.compile(r"POST ((?:/[A-Za-z0-9_-]*)+) HTTP/1\.1")
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e]*)")
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]_-]+")
_NOT_SIMPLE: Final = frozenset({"content-length", "transfer-encoding", "expect", "upgrade", "trailer"})
_REMEMBERED: Final = 64
_REMEMBERED_LENGTHS: Final = 512
_REMEMBERED_BYTES: Final = 1024
_Known = TypeVar("_Known")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a simple request.

    Attributes:
        path: where it was posted.
        length: bytes of the body.
        end: bytes of the head, its empty line included.
    """

    path: str
    order: Order
    length: int
    end: int


class HeadReader:
    """Reads heads. It remembers some, because a client sends the same again and again but for the length."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[str, Order]] = {}
        self._whole: dict[bytes, Head] = {}  # with their lengths, of which small requests have few

    def read(self, data: bytes) -> Head | None:
        """The head that `data` begins with; None when it is not the whole head of a simple request to be answered."""
        end = data.find(_END, 0, MAX_HEAD_BYTES)
        sent = data[: end + len(_END)] if end > 0 else b""
        head = self._whole.get(sent)
        if head is not None:
            return head
        length = _LENGTH.search(data, 0, end + 2) if end > 0 else None
        if length is None:
            return None
        rest = data[: length.start()] + data[length.end() : end]
        known = self._known.get(rest)
        if known is None:
            known = _read(rest)
            if known is None:
                return None
            _remember(self._known, rest, known, _REMEMBERED)
        head = Head(*known, int(length[1]), len(sent))
        _remember(self._whole, sent, head, _REMEMBERED_LENGTHS)
        return head


def _remember(heads: dict[bytes, _Known], text: bytes, known: _Known, limit: int) -> None:
    """Keep what a text was read as, unless that is long; forget all others when they are too many."""
    if len(text) > _REMEMBERED_BYTES:
        return
    if len(heads) >= limit:
        heads.clear()
    heads[text] = known


def _read(rest: bytes) -> tuple[str, Order] | None:
    """Path and order of a simple head without its length; None when it is not simple, or would be refused."""
    first, *lines = rest.decode("latin-1").split("\r\n")
    target = _TARGET.fullmatch(first)
    headers: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None or header[1] in headers or header[1].lower() in _NOT_SIMPLE:
            return None
        headers[header[1]] = header[2].rstrip(" \t")
    if (
        target is None
        or target[1].startswith("//")
        or not _HOST.fullmatch(headers.get("Host", ""))
        or headers.get("Connection", "keep-alive").lower() != "keep-alive"
    ):
        return None
    try:
        route = find_route(target[1], headers)
        return target[1], read_order(route, find_encoding(route, headers), headers, {})
    except ModelExporterError:
        return None
