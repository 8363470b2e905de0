"""OTLP requests made by hand, and decoded batches read back as rows, for tests of the decoder."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from model_exporter.batch import Batch, Kind, Role
from model_exporter.config.settings import Limits, TraceSettings
from model_exporter.decode import Decoded, Decoder
from model_exporter.ports import Door, Encoding, Payload, Signal

T0_NS = 1_800_000_000_000_000_000
"""A moment in unix nanoseconds."""

Row = dict[str, Any]


_SCALARS = (
    (bool, "bool_value"),
    (int, "int_value"),
    (float, "double_value"),
    (str, "string_value"),
    (bytes, "bytes_value"),
)


def any_value(value: object) -> AnyValue:
    """`value` as OTLP has it; None is an AnyValue without content."""
    if value is None:
        return AnyValue()
    for kind, field in _SCALARS:
        if isinstance(value, kind):
            return AnyValue(**{field: value})  # type: ignore[arg-type]  # the table pairs them
    if isinstance(value, Mapping):
        return AnyValue(kvlist_value=KeyValueList(values=key_values(value)))
    return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in cast("Iterable[object]", value)]))


def key_values(mapping: Mapping[str, object]) -> list[KeyValue]:
    """Attributes."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in mapping.items()]


def log_record(
    attributes: Mapping[str, object] | None = None,
    *,
    body: object = None,
    event_name: str = "",
    time_ns: int = 0,
    observed_ns: int = 0,
    trace_id: bytes = b"",
    span_id: bytes = b"",
) -> LogRecord:
    """One LogRecord; without a body when that is None."""
    return LogRecord(
        time_unix_nano=time_ns,
        observed_time_unix_nano=observed_ns,
        event_name=event_name,
        attributes=key_values(attributes or {}),
        body=None if body is None else any_value(body),
        trace_id=trace_id,
        span_id=span_id,
    )


def prediction(model: object = "fraud", /, **attributes: object) -> LogRecord:
    """A native prediction record; `__` in a keyword stands for a dot."""
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return log_record({"model.name": model, **named}, event_name="model.prediction")


def logs_request(
    *records: LogRecord, resource: Mapping[str, object] | None = None, scope: str = ""
) -> ExportLogsServiceRequest:
    """A request of one resource and scope."""
    scope_logs = ScopeLogs(log_records=records)
    scope_logs.scope.name = scope
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=Resource(attributes=key_values(resource or {})), scope_logs=[scope_logs])]
    )


def traces_request(
    *spans: Span, resource: Mapping[str, object] | None = None, scope: str = ""
) -> ExportTraceServiceRequest:
    """A request of one resource and scope."""
    scope_spans = ScopeSpans(spans=spans)
    scope_spans.scope.name = scope
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(resource=Resource(attributes=key_values(resource or {})), scope_spans=[scope_spans])
        ]
    )


def otlp_json(request: Message) -> bytes:
    """The request in OTLP/JSON: proto3's JSON, but with ids in hex and enums as numbers."""
    node = MessageToDict(request, use_integers_for_enums=True)
    for resource in node.get("resourceLogs", []) + node.get("resourceSpans", []):
        for scope in resource.get("scopeLogs", []) + resource.get("scopeSpans", []):
            for record in scope.get("logRecords", []) + scope.get("spans", []):
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in record:
                        record[key] = base64.b64decode(record[key]).hex()
    return json.dumps(node).encode()


def payload(signal: Signal, encoding: Encoding, body: bytes) -> Payload:
    """A request as a receiver hands it on."""
    return Payload(door=Door.OTLP_HTTP, signal=signal, encoding=encoding, body=body, received_at=1_800_000_000.0)


def decode_logs(*records: LogRecord, resource: Mapping[str, object] | None = None, **limits: int) -> Decoded:
    """Decode log records sent as protobuf."""
    body = logs_request(*records, resource=resource).SerializeToString()
    return Decoder(Limits(**limits)).decode(payload(Signal.LOGS, Encoding.PROTOBUF, body))


def decode_spans(
    *spans: Span,
    resource: Mapping[str, object] | None = None,
    scope: str = "",
    traces: TraceSettings | None = None,
) -> Decoded:
    """Decode spans sent as protobuf."""
    body = traces_request(*spans, resource=resource, scope=scope).SerializeToString()
    return Decoder(Limits(), traces=traces).decode(payload(Signal.TRACES, Encoding.PROTOBUF, body))


def decode_json(signal: Signal, body: object, encoding: Encoding = Encoding.JSON, **limits: int) -> Decoded:
    """Decode JSON; anything but bytes and text is encoded first."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    raw = text.encode() if isinstance(text, str) else text
    return Decoder(Limits(**limits)).decode(payload(signal, encoding, raw))


def cells(batch: Batch, role: Role, row: int = 0) -> Row:
    """The cells of one row by name; NULL is None, NESTED is `...`, absent cells are left out."""
    found: Row = {}
    for column in (*batch.columns, *batch.context):
        kind = int(column.kinds[row])
        if column.role is not role or kind == Kind.ABSENT:
            continue
        if kind == Kind.TEXT:
            assert column.texts is not None
            found[column.name] = column.texts.words[column.texts.codes[row]]
        elif kind == Kind.NUMBER:
            found[column.name] = float(column.numbers[row])
        elif kind == Kind.BOOLEAN:
            found[column.name] = bool(column.numbers[row])
        else:
            found[column.name] = None if kind == Kind.NULL else ...
    return found


def inputs(decoded: Decoded, row: int = 0) -> Row:
    """Input cells of a row of the only batch."""
    (batch,) = decoded.batches
    return cells(batch, Role.INPUT, row)


def outputs(decoded: Decoded, row: int = 0) -> Row:
    """Output cells of a row of the only batch."""
    (batch,) = decoded.batches
    return cells(batch, Role.OUTPUT, row)


def rows(decoded: Decoded) -> list[Row]:
    """Every row of every batch with all that is known of it, in a form that can be compared (NaN becomes "nan")."""
    found: list[Row] = []
    for batch in decoded.batches:
        for row in range(batch.rows):
            error = batch.errors.codes[row]
            found.append(
                {
                    "model": (batch.model, batch.version, batch.service, batch.origin),
                    "time": str(batch.times[row]),
                    "key": int(batch.keys[row]),
                    "id": batch.ids[row],
                    "latency": str(batch.latency_seconds[row]),
                    "error": batch.errors.words[error] if error >= 0 else "",
                    "inputs": {name: _comparable(value) for name, value in cells(batch, Role.INPUT, row).items()},
                    "outputs": {name: _comparable(value) for name, value in cells(batch, Role.OUTPUT, row).items()},
                    "context": {name: _comparable(value) for name, value in cells(batch, Role.CONTEXT, row).items()},
                    "ranking": batch.rankings[row] if batch.rankings else (),
                }
            )
    return found


def calls(decoded: Decoded) -> list[Row]:
    """Every call to an upstream."""
    return [
        {
            "model": (batch.model, batch.service),
            "upstream": batch.upstreams.words[batch.upstreams.codes[row]],
            "seconds": str(batch.duration_seconds[row]),
            "failed": bool(batch.failed[row]),
            "key": int(batch.keys[row]),
        }
        for batch in decoded.upstreams
        for row in range(len(batch.failed))
    ]


def _comparable(value: object) -> object:
    return str(value) if isinstance(value, float) else value
