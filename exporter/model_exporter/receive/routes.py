"""What the paths and headers of an HTTP request ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from model_exporter.ports import Door, Encoding, Signal
from model_exporter.receive.inflate import Coding
from model_exporter.receive.outcomes import (
    UnknownCodingError,
    UnknownPathError,
    UnsupportedTypeError,
    WrongMethodError,
)

_SHOWN: Final = 100
"""Characters of a client's own text that an error repeats."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path that takes records; `mapping` names the one that reads them, if the path does."""

    door: Door
    signal: Signal
    mapping: str = ""


ROUTES: Final[Mapping[str, Route]] = MappingProxyType(
    {
        "/v1/logs": Route(Door.OTLP_HTTP, Signal.LOGS),
        "/v1/traces": Route(Door.OTLP_HTTP, Signal.TRACES),
        "/v1/metrics": Route(Door.OTLP_HTTP, Signal.METRICS),
        # An endpoint for one signal is used as it is: without a path, at the root
        # (opentelemetry-specification, protocol/exporter.md). BentoML sends its logs so.
        "/": Route(Door.OTLP_HTTP, Signal.LOGS),
        "/v1/predictions": Route(Door.HTTP, Signal.PREDICTIONS),
        "/v1/outcomes": Route(Door.HTTP, Signal.OUTCOMES),
        "/v1/events": Route(Door.HTTP, Signal.EVENTS),
        "/v1/records": Route(Door.HTTP, Signal.RECORDS),
        "/modeldata/log": Route(Door.AZURE_ML, Signal.EXCHANGES),
    }
)

_RECORDS: Final = "/v1/records/"
CLOUD_EVENTS: Final = Route(Door.CLOUD_EVENTS, Signal.EXCHANGES)
"""Events of payload loggers, told by their headers."""
_STRUCTURED: Final = "application/cloudevents"
_EVENT_HEADER: Final = "ce-"
_EVENT_HEADERS: Final = ("ce-id", "ce-specversion")
"""Those that every event has besides its type."""
_OTLP_TYPES: Final = MappingProxyType(
    {"application/x-protobuf": Encoding.PROTOBUF, "application/json": Encoding.JSON},
)
_NATIVE_TYPES: Final = MappingProxyType(
    {
        "application/json": Encoding.JSON,
        "": Encoding.JSON,
        # What curl and simple clients say of whatever they send.
        "text/plain": Encoding.JSON,
        "application/x-www-form-urlencoded": Encoding.JSON,
        "application/octet-stream": Encoding.JSON,
        "application/x-ndjson": Encoding.JSON_LINES,
        "application/ndjson": Encoding.JSON_LINES,
        "application/jsonl": Encoding.JSON_LINES,
        "application/x-jsonl": Encoding.JSON_LINES,
        "application/jsonlines": Encoding.JSON_LINES,
        "application/x-jsonlines": Encoding.JSON_LINES,
        "application/json-lines": Encoding.JSON_LINES,
    }
)
_CODINGS: Final = MappingProxyType(
    {
        "": Coding.IDENTITY,
        "identity": Coding.IDENTITY,
        "gzip": Coding.GZIP,
        "x-gzip": Coding.GZIP,
        "deflate": Coding.DEFLATE,
        "zlib": Coding.DEFLATE,
    }
)


def find_route(path: str, headers: Mapping[str, str]) -> Route:
    """The route of `path`; slashes at its end do not matter. `/v1/records/NAME` has the mapping NAME.

    A CloudEvent is one wherever it is posted, unless the path is of Azure ML's collector, whose headers look alike.

    Raises:
        UnknownPathError: there is none; the message names those that are.
    """
    path = path.rstrip("/") or "/"
    route = ROUTES.get(path)
    if route is None and path.startswith(_RECORDS):
        route = replace(ROUTES[_RECORDS.rstrip("/")], mapping=path.removeprefix(_RECORDS))
    if _is_cloud_event(headers) and (route is None or route.door is not Door.AZURE_ML):
        return CLOUD_EVENTS
    if (path == "/" or route is None) and _is_half_an_event(headers):
        return CLOUD_EVENTS  # to be told what it lacks
    if route is None:
        raise UnknownPathError(f"there is nothing at {path[:_SHOWN]!r}; POST to one of {', '.join(sorted(ROUTES))}")
    return route


def check_method(method: str) -> None:
    """Let only POST pass.

    Raises:
        WrongMethodError: it is another one.
    """
    if method != "POST":
        raise WrongMethodError(f"records are sent by POST, not by {method[:_SHOWN]}")


def find_encoding(route: Route, headers: Mapping[str, str]) -> Encoding:
    """How a body for `route` is written, by its Content-Type; parameters and case do not matter.

    Raises:
        UnsupportedTypeError: `route` does not take it.
    """
    if route.signal is Signal.EXCHANGES:  # the type is that of the data, which shows itself
        return Encoding.JSON
    sent = headers.get("Content-Type", "")
    known = _OTLP_TYPES if route.door is Door.OTLP_HTTP else _NATIVE_TYPES
    encoding = known.get(sent.partition(";")[0].strip().lower())
    if encoding is None:
        kinds = ", ".join(sorted(filter(None, known)))
        raise UnsupportedTypeError(f"Content-Type {sent[:_SHOWN]!r} is not taken here; send one of {kinds}")
    return encoding


def _is_cloud_event(headers: Mapping[str, str]) -> bool:
    return f"{_EVENT_HEADER}type" in headers or headers.get("Content-Type", "").lower().startswith(_STRUCTURED)


def _is_half_an_event(headers: Mapping[str, str]) -> bool:
    """Whether the type alone is missing: at the root such an event would pass for OTLP that holds no record."""
    return any(name in headers for name in _EVENT_HEADERS)


def event_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The attributes of an event in binary mode by their lower-case names; empty in structured mode."""
    return {
        name[len(_EVENT_HEADER) :].lower(): value
        for name, value in headers.items()
        if name[: len(_EVENT_HEADER)].lower() == _EVENT_HEADER
    }


def find_coding(headers: Mapping[str, str]) -> Coding:
    """How a body is compressed, by its Content-Encoding.

    Raises:
        UnknownCodingError: in no way that is understood here.
    """
    sent = headers.get("Content-Encoding", "")
    coding = _CODINGS.get(sent.strip().lower())
    if coding is None:
        raise UnknownCodingError(
            f"Content-Encoding {sent[:_SHOWN]!r} is not understood; send gzip, deflate or identity"
        )
    return coding
