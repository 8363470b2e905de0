"""OTLP in JSON, as it is specified and as clients write it.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding, which differs from proto3's own JSON: ids are hex.
The JavaScript exporter's differs from both: null for a double that is not finite, whole floats as integers, integers
with an exponent, an empty object for null.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from model_exporter.decode.identity import Source, Stamp, source_of
from model_exporter.decode.json_values import AnyValue, KeyValue, Number, mapping_of, nanoseconds_of, value_of
from model_exporter.decode.mapped_otlp import (
    MappedGroup,
    OtlpMappings,
    log_scope,
    severity_of,
    shared_scope,
    span_scope,
)
from model_exporter.decode.records import RecordReader
from model_exporter.decode.spans import CLIENT, KINDS, SERVER, Span
from model_exporter.decode.tally import RecordError, Tally
from model_exporter.decode.traces import TraceReader, looks_within, may_tell
from model_exporter.errors import DecodeError
from model_exporter.json_text import parse_json
from model_exporter.ports import Signal

_SPAN_KINDS: Final = {f"SPAN_KIND_{name.upper()}": number for number, name in enumerate(KINDS)}
_STATUS_OK: Final = (1, "STATUS_CODE_OK")
_STATUS_ERROR: Final = (2, "STATUS_CODE_ERROR")


class _LogRecord(Struct, rename="camel", gc=False):
    time_unix_nano: Number = None
    observed_time_unix_nano: Number = None
    event_name: str | None = None
    severity_text: Any = None  # only mappings look at it, and no record is refused for it
    severity_number: Any = None
    body: AnyValue | None = None
    attributes: list[KeyValue] | None = None
    trace_id: str | None = None
    span_id: str | None = None


class _Status(Struct, gc=False):
    code: int | str | None = None


class _SpanEvent(Struct, rename="camel", gc=False):
    name: str | None = None
    time_unix_nano: Number = None
    attributes: list[KeyValue] | None = None


class _Span(Struct, rename="camel", gc=False):
    name: Any = None  # as the severity of logs
    kind: int | str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    start_time_unix_nano: Number = None
    end_time_unix_nano: Number = None
    status: _Status | None = None
    attributes: list[KeyValue] | None = None
    events: list[_SpanEvent] | None = None


class _Resource(Struct, gc=False):
    attributes: list[KeyValue] | None = None


class _Scope(Struct, gc=False):
    name: str | None = None
    version: Any = None  # as the severity of logs


class _ScopeLogs(Struct, rename="camel", gc=False):
    scope: _Scope | None = None
    log_records: list[_LogRecord] | None = None


class _ResourceLogs(Struct, rename="camel", gc=False):
    resource: _Resource | None = None
    scope_logs: list[_ScopeLogs] | None = None


class _LogsRequest(Struct, rename="camel", gc=False):
    resource_logs: list[_ResourceLogs] | None = None


class _ScopeSpans(Struct, gc=False):
    scope: _Scope | None = None
    spans: list[_Span] | None = None


class _ResourceSpans(Struct, rename="camel", gc=False):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] | None = None


class _TraceRequest(Struct, rename="camel", gc=False):
    resource_spans: list[_ResourceSpans] | None = None


_LOGS: Final = msgspec.json.Decoder(_LogsRequest)
_TRACES: Final = msgspec.json.Decoder(_TraceRequest)

_Record = TypeVar("_Record", _LogRecord, _Span)


class _Group(NamedTuple, Generic[_Record]):
    """The records of one scope, with the attributes of their resource."""

    resource: dict[str, object]
    source: Source
    scope: _Scope
    records: list[_Record]

    @property
    def scope_name(self) -> str:
        return self.scope.name or ""

    @property
    def shared(self) -> dict[str, object]:
        """What mappings see of all its records."""
        version = self.scope.version if isinstance(self.scope.version, str) else ""
        return shared_scope(self.resource, self.scope_name, version)

    def mapped(self, mappings: OtlpMappings | None) -> MappedGroup | None:
        """What reads the records that mappings take; None when no mapping takes any."""
        return mappings.group(self.shared) if mappings else None


def read_logs(body: bytes, reader: RecordReader, tally: Tally, mappings: OtlpMappings | None = None) -> None:
    """Read an ExportLogsServiceRequest; a record that a mapping takes, through it.

    A record that breaks its schema is rejected alone.

    Raises:
        DecodeError: `body` is not one.
    """
    for group in _log_groups(body, tally):
        mapped = group.mapped(mappings)
        source = group.source._replace(scope=group.scope_name)
        for record in group.records:
            try:
                _read_log(source, record, reader, mapped)
            except (RecordError, RecursionError) as error:
                _reject(error, tally)


def read_spans(body: bytes, reader: TraceReader, tally: Tally, mappings: OtlpMappings | None = None) -> None:
    """Read an ExportTraceServiceRequest; a span that a mapping takes, through it.

    A span that breaks its schema is rejected alone.

    Raises:
        DecodeError: `body` is not one.
    """
    for group in _span_groups(body, tally):
        mapped = group.mapped(mappings)
        for span in group.records:
            try:
                _read_span(group, span, reader, mapped)
            except (RecordError, RecursionError) as error:
                _reject(error, tally)


def scopes_of(body: bytes, signal: Signal, tally: Tally) -> Iterator[dict[str, object]]:
    """The log records or spans of a request, each as mappings see it; one that breaks its schema is rejected.

    Raises:
        DecodeError: `body` is none.
    """
    if signal is Signal.LOGS:
        for logs in _log_groups(body, tally):
            for record in logs.records:
                try:
                    yield _told_log(record) | logs.shared
                except (RecordError, RecursionError) as error:
                    _reject(error, tally)
        return
    for traces in _span_groups(body, tally):
        for span in traces.records:
            try:
                yield span_scope(_whole_span(span, _kind(span), traces.scope_name)) | traces.shared
            except (RecordError, RecursionError) as error:
                _reject(error, tally)


def _told_log(record: _LogRecord) -> dict[str, object]:
    severity = severity_of(record.severity_text, record.severity_number)
    attributes, body = mapping_of(record.attributes), value_of(record.body)
    return log_scope(_stamp(record), record.event_name or "", severity, attributes, body)


def _stamp(record: _LogRecord) -> Stamp:
    return Stamp(
        nanoseconds_of(record.time_unix_nano),
        nanoseconds_of(record.observed_time_unix_nano),
        _id(record.trace_id),
        _id(record.span_id),
    )


def _kind(span: _Span) -> int:
    return _SPAN_KINDS.get(span.kind, 0) if isinstance(span.kind, str) else span.kind or 0


def _read_log(source: Source, record: _LogRecord, reader: RecordReader, mapped: MappedGroup | None) -> None:
    stamp = _stamp(record)
    event_name, attributes, body = record.event_name or "", mapping_of(record.attributes), value_of(record.body)
    if mapped is not None:
        severity = severity_of(record.severity_text, record.severity_number)
        if mapped.read(source, stamp, log_scope(stamp, event_name, severity, attributes, body)):
            return
    reader.read_log(source, stamp, event_name, attributes, body)


def _read_span(group: "_Group[_Span]", span: _Span, reader: TraceReader, mapped: MappedGroup | None) -> None:
    kind = _kind(span)
    scope = group.scope_name
    if mapped is not None and mapped.read_span(group.source, _whole_span(span, kind, scope)):
        return
    keys = [pair.key or "" for pair in span.attributes or ()]
    if kind in (SERVER, CLIENT) or (looks_within(scope) and may_tell(scope, keys)):
        reader.read(group.source, _span(span, kind, scope))
    else:
        reader.ignore_kind()


def _whole_span(span: _Span, kind: int, scope: str) -> Span:
    """A span with all that mappings may ask for."""
    code = span.status.code if span.status is not None else None
    status = "error" if code in _STATUS_ERROR else "ok" if code in _STATUS_OK else "unset"
    name = span.name if isinstance(span.name, str) else ""
    return replace(_span(span, kind, scope), name=name, status=status, events=list(_events(span)))


def _span(span: _Span, kind: int, scope: str) -> Span:
    return Span(
        kind=kind,
        scope=scope,
        trace_id=_id(span.trace_id),
        span_id=_id(span.span_id),
        parent_span_id=_id(span.parent_span_id),
        start_ns=nanoseconds_of(span.start_time_unix_nano),
        end_ns=nanoseconds_of(span.end_time_unix_nano),
        is_error=span.status is not None and span.status.code in _STATUS_ERROR,
        attributes=mapping_of(span.attributes),
        events=_events(span),
        event_times=_event_times(span),
    )


def _event_times(span: _Span) -> Iterator[tuple[str, int]]:
    for event in span.events or ():
        yield event.name or "", nanoseconds_of(event.time_unix_nano)


def _events(span: _Span) -> Iterator[tuple[str, Mapping[str, object]]]:
    for event in span.events or ():
        yield event.name or "", mapping_of(event.attributes)


def _id(text: str | None) -> bytes:
    """The bytes of a hex id; none when it is not hex, since no record needs one."""
    try:
        return bytes.fromhex(text) if text else b""
    except ValueError:
        return b""


def _reject(error: RecordError | RecursionError, tally: Tally) -> None:
    if isinstance(error, RecordError):
        tally.reject(error.reason, str(error))
    else:
        tally.reject("malformed_record", "nested too deeply")


def _log_groups(body: bytes, tally: Tally) -> Iterator[_Group[_LogRecord]]:
    try:
        request = _LOGS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _loose_groups(body, ("resourceLogs", "scopeLogs", "logRecords"), _LogRecord, tally)
        return
    for resource_logs in request.resource_logs or ():
        resource = _attributes(resource_logs.resource)
        for scope_logs in resource_logs.scope_logs or ():
            yield _group(resource, scope_logs.scope, scope_logs.log_records or [])


def _span_groups(body: bytes, tally: Tally) -> Iterator[_Group[_Span]]:
    try:
        request = _TRACES.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _loose_groups(body, ("resourceSpans", "scopeSpans", "spans"), _Span, tally)
        return
    for resource_spans in request.resource_spans or ():
        resource = _attributes(resource_spans.resource)
        for scope_spans in resource_spans.scope_spans or ():
            yield _group(resource, scope_spans.scope, scope_spans.spans or [])


def _loose_groups(
    body: bytes, keys: tuple[str, str, str], kind: type[_Record], tally: Tally
) -> Iterator[_Group[_Record]]:
    """The same from a request that as a whole breaks the schema: checked record by record.

    What the records stand in must be right, else there is no telling whose they are.
    """
    resources, scopes, records = keys
    request = parse_json(body)
    if not isinstance(request, dict):
        raise DecodeError("not_an_object", f"expected an object, got {type(request).__name__}")
    for resource_node in _members(request, resources):
        resource = _attributes(_convert(resource_node.get("resource"), _Resource))
        for scope_node in _members(resource_node, scopes):
            scope = _convert(scope_node.get("scope"), _Scope)
            good: list[_Record] = []
            for node in _elements(scope_node, records):
                try:
                    good.append(msgspec.convert(node, kind))
                except (msgspec.ValidationError, RecursionError) as error:
                    tally.reject("malformed_record", str(error))
            yield _group(resource, scope, good)


_Node = TypeVar("_Node", bound=Struct)


def _convert(node: object, kind: type[_Node]) -> _Node | None:
    try:
        return None if node is None else msgspec.convert(node, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DecodeError("malformed_json", f"what its records stand in: {error}") from error


def _members(node: Mapping[str, object], key: str) -> Iterator[Mapping[str, object]]:
    for member in _elements(node, key):
        if not isinstance(member, dict):
            raise DecodeError("malformed_json", f"an element of {key} is not an object")
        yield member


def _elements(node: Mapping[str, object], key: str) -> list[object]:
    elements = node.get(key)
    if elements is None:
        return []
    if not isinstance(elements, list):
        raise DecodeError("malformed_json", f"{key} is not an array")
    return elements


def _attributes(resource: _Resource | None) -> dict[str, object]:
    try:
        return mapping_of(resource.attributes) if resource else {}
    except (RecordError, RecursionError) as error:
        raise DecodeError("malformed_json", f"a resource: {error}") from error


def _group(resource: dict[str, object], scope: _Scope | None, records: list[_Record]) -> "_Group[_Record]":
    return _Group(resource, source_of(resource), scope or _Scope(), records)
