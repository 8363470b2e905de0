"""OTLP log records and spans through mappings."""

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from model_exporter.batch import Origin
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.mapping import Mapping, read_mapping
from model_exporter.ports import Encoding, Signal
from otlp_messages import (
    T0_NS,
    key_values,
    log_record,
    logs_request,
    otlp_json,
    payload,
    prediction,
    rows,
    traces_request,
)

ACME = read_mapping(
    "acme",
    {
        "when": [{"event_name": "acme.scored"}, "body.model"],
        "fields": {
            "model": "body.model",
            "version": ["body.version", 'resource."service.version"'],
            "id": "body.request",
            "features": "body.rows|json[*]",
            "prediction": "body.scores[*]",
            "segments": {"level": "severity"},
        },
    },
)
TRACED = read_mapping(
    "traced",
    {
        "from": "spans",
        "when": [{"scope.name": "acme.tracing"}, {"kind": ["internal", "server"]}],
        "fields": {
            "model": "attributes.model",
            "features": "attributes.inputs",
            "prediction": "attributes.output",
            "latency_ms": "duration_ms",
            "error": "error",
            "time": "end_time",
        },
    },
)
BODY = {"model": "fraud", "request": "r", "rows": '[{"a": 1}, {"a": 2}]', "scores": [0, 1]}
SCORED = log_record({}, event_name="acme.scored", body=BODY, time_ns=T0_NS)
TRACE = b"t" * 16


def span(kind: int = 1, *, span_id: bytes = b"spanspan", failed: bool = False) -> Span:
    """A span of the acme tracer that took a quarter of a second."""
    return Span(
        name="predict",
        kind=kind,  # type: ignore[arg-type]  # numbers are fine at run time
        trace_id=TRACE,
        span_id=span_id,
        start_time_unix_nano=T0_NS,
        end_time_unix_nano=T0_NS + 250_000_000,
        attributes=key_values({"model": "iris", "inputs": '{"a": 1.5}', "output": "setosa"}),
        status=Status(code=Status.STATUS_CODE_ERROR) if failed else None,
    )


def decode(
    request: ExportLogsServiceRequest | ExportTraceServiceRequest, encoding: Encoding, *mappings: Mapping
) -> Decoded:
    """A request through `mappings`, or through the two above."""
    told = {mapping.name: mapping for mapping in mappings or (ACME, TRACED)}
    signal = Signal.LOGS if isinstance(request, ExportLogsServiceRequest) else Signal.TRACES
    body = request.SerializeToString() if encoding is Encoding.PROTOBUF else otlp_json(request)
    return Decoder(Limits(), told).decode(payload(signal, encoding, body))


both = pytest.mark.parametrize("encoding", [Encoding.PROTOBUF, Encoding.JSON])


@both
def test_a_log_record_that_a_mapping_takes_is_read_through_it(encoding: Encoding) -> None:
    """Two rows in one body make two predictions; what the mapping leaves out comes from resource and record."""
    request = logs_request(SCORED, resource={"service.name": "api", "service.version": "7"})
    first, second = rows(decode(request, encoding))
    assert first["model"] == ("fraud", "7", "api", Origin.LOG)
    assert (first["id"], first["inputs"], first["outputs"]) == ("r#0", {"a": "1.0"}, {"prediction": "0.0"})
    assert (second["id"], second["inputs"], second["outputs"]) == ("r#1", {"a": "2.0"}, {"prediction": "1.0"})
    assert float(first["time"]) == T0_NS / 1e9


@both
def test_other_log_records_are_read_as_ever(encoding: Encoding) -> None:
    """Native ones count, noise is ignored; one that the mapping takes and cannot read is refused by its reason."""
    broken = log_record({}, event_name="acme.scored", body={**BODY, "rows": "[{"})
    noise = log_record({}, event_name="acme.started", body="hello")
    decoded = decode(logs_request(prediction(features={"a": 1}), broken, noise), encoding)
    assert [row["model"][0] for row in rows(decoded)] == ["fraud"]
    assert [(rejection.reason, rejection.records) for rejection in decoded.rejections] == [("bad_json", 1)]
    assert "acme: " in decoded.rejections[0].message
    assert decoded.ignored == {"not_a_prediction": 1}


@both
def test_an_internal_span_counts_when_a_mapping_takes_it(encoding: Encoding) -> None:
    """With its features and latency; it is a prediction log that came as a span."""
    request = traces_request(span(), scope="acme.tracing", resource={"service.name": "api"})
    (row,) = rows(decode(request, encoding))
    assert row["model"] == ("iris", "", "api", Origin.LOG)
    assert (row["inputs"], row["outputs"]) == ({"a": "1.5"}, {"prediction": "setosa"})
    assert (row["latency"], row["error"]) == ("0.25", "")
    assert float(row["time"]) == T0_NS / 1e9 + 0.25


@both
def test_the_error_of_a_span_is_told(encoding: Encoding) -> None:
    """By what the span says of it, or else as an error."""
    (row,) = rows(decode(traces_request(span(failed=True), scope="acme.tracing"), encoding))
    assert row["error"] == "error"


@both
def test_spans_of_other_scopes_are_read_as_ever(encoding: Encoding) -> None:
    """INTERNAL ones are not looked at."""
    assert decode(traces_request(span(), scope="other"), encoding).ignored == {"span_kind": 1}
    server = span(2)
    without = Decoder(Limits()).decode(
        payload(Signal.TRACES, Encoding.PROTOBUF, traces_request(server, scope="other").SerializeToString())
    )
    assert rows(decode(traces_request(server, scope="other"), encoding)) == rows(without)


@both
def test_a_record_sent_twice_is_told_by_its_key(encoding: Encoding) -> None:
    """Rows without an id have keys of their own, the same ones when an export is repeated."""
    nameless = read_mapping(
        "nameless",
        {"from": "logs", "when": ["body.x"], "fields": {"model": "body.m", "features": "body.x[*]", "time": "body.t"}},
    )
    body = {"m": "fraud", "x": [{"a": 1}, {"a": 1}], "t": "2026-01-01T00:00:00Z"}
    record = log_record({}, body=body, time_ns=T0_NS, trace_id=TRACE, span_id=b"spanspan")
    first, second = rows(decode(logs_request(record), encoding, nameless))
    assert first["key"] != second["key"] != 0
    assert first["time"] == second["time"] == "1767225600.0"
    assert [row["key"] for row in rows(decode(logs_request(record), encoding, nameless))] == [
        first["key"],
        second["key"],
    ]


@both
def test_a_mapping_without_a_model_takes_that_of_the_service(encoding: Encoding) -> None:
    """As native records do."""
    bare = read_mapping("bare", {"from": "logs", "when": ["body.x"], "fields": {"features": "body.x"}})
    record = log_record({}, body={"x": {"a": 1}})
    (row,) = rows(decode(logs_request(record, resource={"service.name": "api"}), encoding, bare))
    assert row["model"][:3] == ("", "", "api")
    refused = decode(logs_request(record), encoding, bare)
    assert [rejection.reason for rejection in refused.rejections] == ["model_name"]


@both
def test_severities_have_words(encoding: Encoding) -> None:
    """The sender's, or else those of the number."""
    record = log_record({}, event_name="acme.scored", body={**BODY, "rows": [{"a": 1}], "scores": [1]})
    record.severity_number = 10  # type: ignore[assignment]  # numbers are fine at run time
    (row,) = rows(decode(logs_request(record), encoding))
    assert row["context"] == {"segment.level": "INFO"}
    record.severity_text = "notice"
    (row,) = rows(decode(logs_request(record), encoding))
    assert row["context"] == {"segment.level": "notice"}


def test_values_of_json_that_cannot_be_read_cost_their_record_only() -> None:
    """Elements of an array are converted when a path goes there."""
    body = otlp_json(logs_request(SCORED, SCORED)).replace(b'{"intValue": "0"}', b'{"doubleValue": "zero"}', 1)
    decoded = Decoder(Limits(), {"acme": ACME}).decode(payload(Signal.LOGS, Encoding.JSON, body))
    assert [(rejection.reason, rejection.records) for rejection in decoded.rejections] == [("malformed_record", 1)]
    assert len(rows(decoded)) == 2
