"""What the head of an HTTP request asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from model_exporter.ports import VIA_HEADER, Encoding, Signal
from model_exporter.receive.inflate import GZIP_MAGIC, Coding
from model_exporter.receive.routes import Route, event_of, find_coding

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Order:
    """How the body of a request is to be read.

    Attributes:
        context: what stands beside the body: the attributes of an event, or what the query says of records.
        via: see `ports.Payload`.
    """

    route: Route
    encoding: Encoding
    coding: Coding
    context: Mapping[str, object]
    via: str

    def coding_of(self, body: bytes) -> Coding:
        """How `body` is compressed. Payload loggers pass bodies on without the header that says so."""
        sniffed = self.route.signal is Signal.EXCHANGES and body.startswith(GZIP_MAGIC)
        return Coding.GZIP if sniffed and self.coding is Coding.IDENTITY else self.coding


def read_order(route: Route, encoding: Encoding, headers: Mapping[str, str], query: Mapping[str, str]) -> Order:
    """The order of a POST to `route`; names of `headers` are found whatever their case.

    Raises:
        UnknownCodingError: the body is compressed in a way that is not understood.
    """
    return Order(route, encoding, find_coding(headers), _context(route, headers, query), headers.get(VIA_HEADER, ""))


def _context(route: Route, headers: Mapping[str, str], query: Mapping[str, str]) -> Mapping[str, object]:
    if route.signal is Signal.EXCHANGES:
        event = event_of(headers)
        return {"event": event} if event else _NOTHING
    return dict(query) if route.signal is Signal.RECORDS else _NOTHING
