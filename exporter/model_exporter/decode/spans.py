"""Spans as traffic: requests to a model, and the calls it made to answer them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import nan
from typing import Final, Literal
from urllib.parse import urlsplit

from model_exporter.batch import Origin
from model_exporter.config.paths import BUILT_IN_PATHS, NamedByPath, Paths
from model_exporter.config.settings import Limits, TraceSettings
from model_exporter.decode import aliases
from model_exporter.decode.aliases import first
from model_exporter.decode.codes import Code
from model_exporter.decode.identity import Source, key_of_span, model_of, version_of
from model_exporter.decode.layouts import NO_CELLS
from model_exporter.decode.rows import Group, Ledger
from model_exporter.decode.tally import RecordError
from model_exporter.decode.values import NANOSECONDS, number_of, text_of

KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
"""By number."""
SERVER: Final = 2
CLIENT: Final = 3

SERVER_NAMES: Final = frozenset(
    {
        *aliases.MODEL,
        *aliases.VERSION,
        *aliases.HTTP_METHOD,
        *aliases.HTTP_STATUS,
        *aliases.URL_PATH,
        *aliases.RPC_SYSTEM,
        *aliases.RPC_SERVICE,
        *aliases.RPC_METHOD,
        *aliases.RPC_STATUS,
        *aliases.ERROR_TYPE,
    }
)
"""Attributes that a SERVER span is judged by."""
CLIENT_NAMES: Final = frozenset(
    {*aliases.CALLER_MODEL, *aliases.UPSTREAM, *aliases.URL_FULL, *aliases.HTTP_STATUS, *aliases.RPC_STATUS}
)
"""Attributes that a CLIENT span is judged by."""

_ORIGIN: Final = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*")
_HTTP_ERRORS_FROM: Final = 400
_UNNAMED: Final = NamedByPath("", "")
_LONGEST_CODE: Final = 9  # digits; Python refuses to read thousands of them


@dataclass(frozen=True, slots=True)
class Span:
    """A span. Times are nanoseconds, 0 when absent; `events` are names with attributes, `event_times` with times.

    Only mappings look at the name and at `status`, which is `unset`, `ok` or `error`.
    """

    kind: int
    scope: str
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    start_ns: int
    end_ns: int
    is_error: bool
    attributes: Mapping[str, object]
    events: Iterable[tuple[str, Mapping[str, object]]]
    event_times: Iterable[tuple[str, int]] = ()
    name: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What a SERVER span is that asks for a prediction; the error is empty where there was none."""

    group: Group
    error: str


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """What a CLIENT span is that a request led to."""

    model: str
    service: str
    upstream: str
    failed: bool


class Requests:
    """Tells which SERVER spans are requests for predictions, and of which model."""

    def __init__(self, settings: TraceSettings) -> None:
        self._configured = Paths(settings.paths)
        self._built_in = Paths(BUILT_IN_PATHS)
        self._other_paths = settings.other_paths

    def named(self, scope: str, attributes: Mapping[str, object]) -> NamedByPath | None:
        """The model and version that the span's path names, empty without any; None when it predicts nothing."""
        path = _path(attributes)
        configured = self._configured.match(path)
        if configured is not None and _method(attributes) not in aliases.BODILESS_METHODS:
            return configured
        built_in = self._built_in.match(path)
        if first(attributes, aliases.MODEL) is not None:
            return built_in or _UNNAMED
        if not _predicts(scope, attributes, path) or not (built_in or not path or self._other_paths):
            return None
        return built_in or _UNNAMED


class SpanReader:
    """Reads the spans of one request into a ledger.

    A SERVER span that looks like a request for a prediction becomes a row without columns. A CLIENT span with a
    parent becomes a call to an upstream. INTERNAL spans never count: the ASGI instrumentation wraps every request
    in several, and marks one of them as failed besides the SERVER span. Mappings are asked before this reader.
    """

    def __init__(self, *, limits: Limits, requests: Requests, ledger: Ledger) -> None:
        self._limits = limits
        self._requests = requests
        self._ledger = ledger

    def ignore_kind(self) -> None:
        """Count a span that is neither SERVER nor CLIENT."""
        self._ledger.tally.ignore("span_kind")

    def read(self, source: Source, span: Span) -> Request | UpstreamCall | Literal[False] | None:
        """Read one span. One that is refused is counted, as one that is not about predictions.

        Returns what it is as by `judged`, but False when it is not about predictions and None when it is refused.
        """
        try:
            judged = self.judged(source, span)
        except RecordError as error:
            self._ledger.tally.reject(error.reason, str(error))
            return None
        if judged is None:
            self._ledger.tally.ignore("not_a_prediction")
            return False
        time = span.end_ns / NANOSECONDS if span.end_ns else nan
        self.add(judged, time, seconds_of(span), key_of_span(span.trace_id, span.span_id))
        return judged

    def read_call(self, source: Source, span: Span) -> bool:
        """Add a CLIENT span as a call to an upstream, whatever it asks for; False when the service has no good name."""
        try:
            self._add(self._call(source, span), nan, seconds_of(span), key_of_span(span.trace_id, span.span_id))
        except RecordError:
            return False
        return True

    def judged(self, source: Source, span: Span) -> Request | UpstreamCall | None:
        """What the span is; None when it is not about predictions.

        It depends on the source, the kind, the scope, whether there is a parent, whether the span failed, those
        attributes that `SERVER_NAMES` or `CLIENT_NAMES` tell, and events that are exceptions: on nothing else.

        Raises:
            RecordError: a name is none, or too long.
        """
        if span.kind == SERVER:
            return self._request(source, span)
        return self._call(source, span) if span.parent_span_id else None

    def add(self, judged: Request | UpstreamCall, time: float, seconds: float, key: int) -> None:
        """Add a span that was judged: when it ended, how long it took, and what it is recognised by."""
        try:
            self._add(judged, time, seconds, key)
        except RecordError as error:
            self._ledger.tally.reject(error.reason, str(error))

    def _add(self, judged: Request | UpstreamCall, time: float, seconds: float, key: int) -> None:
        if isinstance(judged, Request):
            self._ledger.add_prediction(
                judged.group,
                time=time,
                key=key,
                prediction_id="",
                latency_seconds=seconds,
                error=judged.error,
                inputs=NO_CELLS,
                outputs=NO_CELLS,
            )
        else:
            self._ledger.add_call(
                model=judged.model,
                service=judged.service,
                upstream=judged.upstream,
                seconds=seconds,
                failed=judged.failed,
                key=key,
            )

    def _request(self, source: Source, span: Span) -> Request | None:
        attributes = span.attributes
        path = self._requests.named(span.scope, attributes)
        if path is None:
            return None
        limit = self._limits.name_length
        named, numbered = first(attributes, aliases.MODEL), first(attributes, aliases.VERSION)
        name, service = model_of(path.model if named is None else named, source, limit)
        version = version_of(path.version if numbered is None else numbered, source, limit)
        return Request(Group(name, version, service, Origin.SPAN), error_of(span)[:limit])

    def _call(self, source: Source, span: Span) -> UpstreamCall:
        limit = self._limits.name_length
        model, service = model_of(first(span.attributes, aliases.CALLER_MODEL), source, limit)
        failed = span.is_error or bool(_status(span.attributes))
        return UpstreamCall(model, service, _upstream(span.attributes)[:limit], failed)


def _predicts(scope: str, attributes: Mapping[str, object], path: str) -> bool:
    """Whether a SERVER span that names no model can be a request for a prediction."""
    if scope in aliases.INNER_SCOPES:
        return False
    rpc = text_of(first(attributes, aliases.RPC_METHOD))
    if rpc is not None or first(attributes, aliases.RPC_SYSTEM) is not None:
        service = text_of(first(attributes, aliases.RPC_SERVICE)) or rpc or ""
        method = (rpc or "").rpartition("/")[2]
        return not service.startswith(aliases.SIDE_RPC_SERVICES) and method not in aliases.SIDE_RPC_METHODS
    verb = _method(attributes)
    if not verb:
        return not path and first(attributes, aliases.HTTP_STATUS) is None
    segments = path.strip("/").split("/")
    is_side = segments[-1].lower() in aliases.SIDE_ENDPOINTS or segments[1:2] == ["repository"]
    return verb in aliases.PREDICTING_METHODS and not is_side


def _method(attributes: Mapping[str, object]) -> str:
    """The HTTP method in upper case; empty when there is none."""
    return (text_of(first(attributes, aliases.HTTP_METHOD)) or "").upper()


def _path(attributes: Mapping[str, object]) -> str:
    """Path of an HTTP request without origin and query, still percent-encoded; empty when there is none."""
    url = text_of(first(attributes, aliases.URL_PATH)) or ""
    return _ORIGIN.sub("", url).partition("?")[0].partition("#")[0]


def seconds_of(span: Span) -> float:
    """How long the span took; NaN when it does not tell, or ends before it begins."""
    if not span.start_ns or not span.end_ns or span.end_ns < span.start_ns:
        return nan
    return (span.end_ns - span.start_ns) / NANOSECONDS


def error_of(span: Span) -> str:
    """The error's type, empty for a request that did not fail. A 4xx leaves the span's status unset: ask its code."""
    told = text_of(first(span.attributes, aliases.ERROR_TYPE)) or _status(span.attributes)
    if told:
        return told
    is_blind = span.scope in aliases.BLIND_SCOPES
    if not span.is_error and not is_blind:
        return ""
    raised = [attributes for name, attributes in span.events if name == "exception"]
    if is_blind and not span.is_error:
        return Code.UNKNOWN.name if raised else ""
    return next(filter(None, (text_of(first(attributes, aliases.EXCEPTION_TYPE)) for attributes in raised)), "error")


def _status(attributes: Mapping[str, object]) -> str:
    """HTTP or gRPC status that tells of a failure, empty otherwise."""
    http = number_of(first(attributes, aliases.HTTP_STATUS))
    if http is not None and http >= _HTTP_ERRORS_FROM:
        return str(int(http))
    rpc = text_of(first(attributes, aliases.RPC_STATUS)) or "0"
    if rpc.isdecimal() and len(rpc) <= _LONGEST_CODE:
        return "" if int(rpc) == Code.OK else _code_name(int(rpc))
    return "" if rpc.upper() == Code.OK.name else rpc.upper()


def _code_name(code: int) -> str:
    try:
        return Code(code).name
    except ValueError:
        return str(code)


def _upstream(attributes: Mapping[str, object]) -> str:
    name = text_of(first(attributes, aliases.UPSTREAM))
    if name:
        return name
    try:
        return urlsplit(text_of(first(attributes, aliases.URL_FULL)) or "").hostname or "unknown"
    except ValueError:  # such as "http://[::1"
        return "unknown"
