"""OTLP in protobuf: generated messages, walked with as few steps as they allow."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from model_exporter.decode.call_names import WANTED
from model_exporter.decode.identity import Source, Stamp, source_of
from model_exporter.decode.mapped_otlp import MappedGroup, OtlpMappings, Record, log_scope, severity_of, shared_scope
from model_exporter.decode.mlflow import SCOPE
from model_exporter.decode.records import RecordReader
from model_exporter.decode.spans import CLIENT, SERVER, Span
from model_exporter.decode.tally import Tally
from model_exporter.decode.traces import TraceReader, looks_within, may_tell
from model_exporter.decode.values import Elements
from model_exporter.decode.wire import WireError, delimited, without
from model_exporter.errors import DecodeError

_RECORDS: Final = (1, 2, 2)
"""Where the records of a request are: `resource_logs.scope_logs.log_records` and `resource_spans.scope_spans.spans`."""

_STATUSES: Final = {Status.STATUS_CODE_OK: "ok", Status.STATUS_CODE_ERROR: "error"}

_Request = TypeVar("_Request", ExportLogsServiceRequest, ExportTraceServiceRequest)


def read_logs(body: bytes, reader: RecordReader, tally: Tally, mappings: OtlpMappings | None = None) -> None:
    """Read an ExportLogsServiceRequest; a record that a mapping takes, through it.

    Raises:
        DecodeError: `body` is not one.
    """
    request = _parse(ExportLogsServiceRequest, LogRecord, body, tally)
    for resource_logs in request.resource_logs:
        resource = _mapping(resource_logs.resource.attributes)
        service = source_of(resource)
        for scope_logs in resource_logs.scope_logs:
            scope = scope_logs.scope
            source = service._replace(scope=scope.name)
            mapped = mappings.group(shared_scope(resource, scope.name, scope.version)) if mappings else None
            for record in scope_logs.log_records:
                read_record(record, source, reader, mapped)


def read_record(record: LogRecord, source: Source, reader: RecordReader, mapped: MappedGroup | None = None) -> None:
    """Read one record, through `mapped` if that takes it."""
    stamp = Stamp(record.time_unix_nano, record.observed_time_unix_nano, record.trace_id, record.span_id)
    body_value = value_of(record.body) if record.HasField("body") else None
    attributes = _mapping(record.attributes)
    if mapped is not None:
        severity = severity_of(record.severity_text, record.severity_number)
        if mapped.read(source, stamp, log_scope(stamp, record.event_name, severity, attributes, body_value)):
            return
    reader.read_log(source, stamp, record.event_name, attributes, body_value)


def shared_part(resource: bytes, scope: bytes) -> tuple[Source, Record]:
    """What a Resource and an InstrumentationScope say of all their records, and that as mappings see it.

    Raises:
        DecodeError: they cannot be read, as parts of a request.
    """
    (resource_logs,) = _enclosed(resource, scope, ()).resource_logs
    (scope_logs,) = resource_logs.scope_logs
    attributes = _mapping(resource_logs.resource.attributes)
    name, version = scope_logs.scope.name, scope_logs.scope.version
    return source_of(attributes)._replace(scope=name), shared_scope(attributes, name, version)


def separate_records(records: Iterable[bytes]) -> Sequence[LogRecord]:
    """LogRecords that were taken out of a request.

    Raises:
        DecodeError: one of them cannot be read, as part of a request.
    """
    return _enclosed(b"", b"", records).resource_logs[0].scope_logs[0].log_records


def _enclosed(resource: bytes, scope: bytes, records: Iterable[bytes]) -> ExportLogsServiceRequest:
    """A request of these parts; parsed as a whole, since how deep a part may be nested depends on where it stands."""
    scope_logs = delimited(1, scope) + b"".join(delimited(2, record) for record in records)
    body = delimited(1, delimited(1, resource) + delimited(2, scope_logs))
    try:
        return ExportLogsServiceRequest.FromString(body)
    except ProtobufError as error:
        raise DecodeError("malformed_protobuf", str(error)) from error


def read_spans(body: bytes, reader: TraceReader, tally: Tally, mappings: OtlpMappings | None = None) -> None:
    """Read an ExportTraceServiceRequest; a span that a mapping takes, through it.

    Raises:
        DecodeError: `body` is not one.
    """
    request = _parse(ExportTraceServiceRequest, SpanMessage, body, tally)
    for resource_spans in request.resource_spans:
        resource = _mapping(resource_spans.resource.attributes)
        source = source_of(resource)
        for scope_spans in resource_spans.scope_spans:
            scope, version = scope_spans.scope.name, scope_spans.scope.version
            mapped = mappings.group(shared_scope(resource, scope, version)) if mappings else None
            within = looks_within(scope)
            for message in scope_spans.spans:
                if mapped is not None and mapped.read_span(source, _whole_span(message, scope)):
                    continue
                span = span_of(message, scope, within=within)
                if span is None:
                    reader.ignore_kind()
                else:
                    reader.read(source, span)


def span_of(message: SpanMessage, scope: str, *, within: bool) -> Span | None:
    """The span of an instrumentation scope, which may be looked `within`; None if it can tell nothing."""
    if message.kind in (SERVER, CLIENT) or (within and may_tell(scope, [pair.key for pair in message.attributes])):
        return _span(message, scope)
    return None


def separate_spans(spans: Iterable[bytes]) -> Sequence[SpanMessage]:
    """Spans that were taken out of a request.

    Raises:
        DecodeError: one of them cannot be read, as part of a request.
    """
    body = delimited(1, delimited(2, b"".join(delimited(2, span) for span in spans)))
    try:
        return ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    except ProtobufError as error:
        raise DecodeError("malformed_protobuf", str(error)) from error


def _parse(kind: type[_Request], record: type[Message], body: bytes, tally: Tally) -> _Request:
    """The request in `body`. When it cannot be read, as much of it as can be without the records that cannot."""
    try:
        return kind.FromString(body)
    except ProtobufError as error:
        try:
            rest, removed = without(body, _RECORDS, partial(_is_unreadable, record))
            request = kind.FromString(rest)
        except (WireError, ProtobufError):
            raise DecodeError("malformed_protobuf", f"not a readable {kind.DESCRIPTOR.name}: {error}") from error
        for _ in range(removed):
            tally.reject("malformed_record", f"not a readable {record.DESCRIPTOR.name}, or text that is not UTF-8")
        return request


def _is_unreadable(kind: type[Message], message: bytes) -> bool:
    try:
        kind.FromString(message)
    except ProtobufError:
        return True
    return False


def _mapping(pairs: Iterable[KeyValue]) -> dict[str, object]:
    # Reading a member that is not set gives a falsy default, and costs less than asking which one is set.
    return {
        pair.key: (value := pair.value).double_value or value.string_value or value.int_value or value_of(value)
        for pair in pairs
    }


def value_of(value: AnyValue) -> object:
    """The value in Python; None for one without content."""
    kind = value.WhichOneof("value")
    if kind == "kvlist_value":
        return _mapping(value.kvlist_value.values)
    if kind == "array_value":
        return Elements(value.array_value.values, value_of)
    # A `string_value_strindex` points into a table that only profiles have: OTLP says to take it as no value.
    return getattr(value, kind) if kind and kind != "string_value_strindex" else None


def _whole_span(span: SpanMessage, scope: str) -> Span:
    """A span with all that mappings may ask for."""
    status = _STATUSES.get(span.status.code, "unset")
    attributes, events = _mapping(span.attributes), list(_events(span))
    return replace(_span(span, scope), name=span.name, status=status, attributes=attributes, events=events)


def _span(span: SpanMessage, scope: str) -> Span:
    return Span(
        kind=span.kind,
        scope=scope,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        is_error=span.status.code == Status.STATUS_CODE_ERROR,
        attributes=_mapping(_wanted(span, scope)),
        events=_events(span),
        event_times=_event_times(span),
    )


def _wanted(span: SpanMessage, scope: str) -> Iterable[KeyValue]:
    """The attributes that are looked at: all, but of spans within a service, where prompts and answers can be long."""
    if span.kind in (SERVER, CLIENT) or scope.startswith(SCOPE):
        return span.attributes
    return (pair for pair in span.attributes if pair.key in WANTED)


def _event_times(span: SpanMessage) -> Iterator[tuple[str, int]]:
    for event in span.events:
        yield event.name, event.time_unix_nano


def _events(span: SpanMessage) -> Iterator[tuple[str, dict[str, object]]]:
    for event in span.events:
        yield event.name, _mapping(event.attributes)
