"""What holds of the decoder whatever the bytes."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.decode.context import MAX_ITEMS
from model_exporter.errors import DecodeError
from model_exporter.ports import Encoding, Signal
from otlp_messages import calls, key_values, logs_request, otlp_json, payload, rows, traces_request
from otlp_strategies import (
    attributes,
    broken_texts,
    keys,
    log_records,
    plain_records,
    scopes,
    span_ids,
    times,
    trace_ids,
    values,
)

patient = settings(deadline=None)
"""How long an example takes says more about the machine's load than about the decoder."""

LIMITS = Limits(record_attributes=12, nesting=3, name_length=24)
REASONS = {"empty_body", "malformed_json", "malformed_protobuf", "not_an_object", "not_utf8", "wrong_encoding"}

span_attributes = st.dictionaries(
    st.sampled_from(
        [
            "http.method",
            "http.request.method",
            "http.status_code",
            "http.response.status_code",
            "http.target",
            "url.path",
            "url.full",
            "http.url",
            "rpc.system",
            "rpc.service",
            "rpc.method",
            "rpc.grpc.status_code",
            "rpc.status_code",
            "error.type",
            "model.name",
            "model.version",
            "peer.service",
            "server.address",
        ]
    ),
    values
    | st.sampled_from(
        ["POST", "GET", "/v2/models/m/versions/1/infer", "http://[::1", "https://h/x:predict", "OK", "5", 404]
    ),
    max_size=6,
)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A span of any kind."""
    event = Span.Event(name="exception", attributes=key_values(draw(attributes)))
    return Span(
        kind=draw(st.sampled_from([0, 1, 2, 2, 3, 3, 4])),  # type: ignore[arg-type]  # numbers are fine at run time
        trace_id=draw(trace_ids),
        span_id=draw(span_ids),
        parent_span_id=draw(span_ids),
        start_time_unix_nano=draw(times),
        end_time_unix_nano=draw(times),
        status=Status(code=draw(st.sampled_from([0, 1, 2]))),  # type: ignore[arg-type]  # as above
        attributes=key_values(draw(span_attributes)),
        events=[event],
    )


def summary(decoded: Decoded) -> dict[str, Any]:
    """All of it, comparable: an id that the decoder makes up is another one each time."""
    return {
        "rows": [row | {"id": "made", "key": 0} if row["id"].startswith("~") else row for row in rows(decoded)],
        "columns": [[(c.name, c.role) for c in batch.columns] for batch in decoded.batches],
        "calls": calls(decoded),
        "outcomes": [re.sub(r"~[0-9a-f]{16}", "made", repr(outcome)) for outcome in decoded.outcomes],
        "events": [repr(event) for event in decoded.events],
        "rejected": [(r.reason, r.records) for r in decoded.rejections],
        "ignored": decoded.ignored,
        "dropped": decoded.dropped_values,
    }


def decode(signal: Signal, encoding: Encoding, body: bytes) -> Decoded | None:
    """What the decoder makes of `body`; None when it refuses it in the one way it may."""
    try:
        decoded = Decoder(LIMITS).decode(payload(signal, encoding, body))  # one that remembers no schemas yet
    except DecodeError as error:
        reason = error.reason
    else:
        check(decoded)
        return decoded
    assert reason in REASONS
    return None


def check(decoded: Decoded) -> None:
    """Limits hold, lengths agree, nothing is absent that may not be, and keys of ids are set."""
    assert decoded.accepted >= 0
    for batch in decoded.batches:
        n = batch.rows
        assert n > 0
        assert {len(batch.keys), len(batch.ids), len(batch.latency_seconds), len(batch.errors.codes)} == {n}
        assert batch.model or batch.service
        names = [batch.model, batch.version, batch.service, *batch.ids]
        assert max(map(len, names)) <= LIMITS.name_length
        assert "".join([*names, *batch.errors.words, *(column.name for column in batch.columns)]).encode() is not None
        assert len({(column.name, column.role) for column in batch.columns}) == len(batch.columns)
        assert all(key for key, name in zip(batch.keys.tolist(), batch.ids, strict=True) if name)
        assert not any(seconds < 0 for seconds in batch.latency_seconds.tolist())
        assert len(batch.rankings) in {0, n}
        assert all(len(ranking) <= MAX_ITEMS for ranking in batch.rankings)
        "".join(item for ranking in batch.rankings for item in ranking).encode()
        for column in (*batch.columns, *batch.context):
            assert 0 < len(column.name) <= LIMITS.name_length
            assert len(column.kinds) == len(column.numbers) == n
    for outcome in decoded.outcomes:
        assert outcome.prediction_id
        assert outcome.value is not None or outcome.values or outcome.items
        assert len(outcome.items) <= MAX_ITEMS
        assert all(item and gain > 0 for item, gain in outcome.items)
        assert outcome.time is None or math.isfinite(outcome.time)
    for rejection in decoded.rejections:
        assert rejection.records > 0
        assert rejection.message


@pytest.mark.parametrize("signal", list(Signal))
@pytest.mark.parametrize("encoding", list(Encoding))
@patient
@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_decoded_or_refused(signal: Signal, encoding: Encoding, body: bytes) -> None:
    """No bytes make the decoder fail in any other way than by DecodeError."""
    decode(signal, encoding, body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | broken_texts | st.just("NaN"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            keys
            | st.sampled_from(
                [
                    *("resourceLogs", "scopeLogs", "logRecords", "resourceSpans", "scopeSpans", "spans", "resource"),
                    *(
                        "attributes",
                        "key",
                        "value",
                        "stringValue",
                        "doubleValue",
                        "intValue",
                        "kvlistValue",
                        "arrayValue",
                    ),
                    *("kind", "model", "id"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("signal", list(Signal))
@patient
@given(value=json_values, more=json_values)
def test_any_json_is_decoded_or_refused(signal: Signal, value: object, more: object) -> None:
    """JSON of any shape, in one piece and in lines, with bare NaN in it."""
    one, other = (json_text(item) for item in (value, more))
    decode(signal, Encoding.JSON, one)
    decode(signal, Encoding.JSON_LINES, one + b"\n" + other)


@patient
@given(records=st.lists(log_records, max_size=3), scope=scopes, damage=st.data())
def test_damaged_requests_are_decoded_or_refused(records: list[LogRecord], scope: str, damage: st.DataObject) -> None:
    """Sound requests in both encodings, cut off or with a bit flipped."""
    request = logs_request(*records, resource={"service.name": "svc"}, scope=scope)
    for encoding, body in ((Encoding.PROTOBUF, request.SerializeToString()), (Encoding.JSON, otlp_json(request))):
        if damage.draw(st.booleans()):
            decode(Signal.LOGS, encoding, body[: damage.draw(st.integers(0, len(body)))])
        place = damage.draw(st.integers(0, len(body) - 1))
        flipped = body[:place] + bytes([body[place] ^ 1 << damage.draw(st.integers(0, 7))]) + body[place + 1 :]
        decode(Signal.LOGS, encoding, flipped)


@patient
@given(request=st.lists(spans(), max_size=3), damage=st.data())
def test_damaged_traces_are_decoded_or_refused(request: list[Span], damage: st.DataObject) -> None:
    """The same for spans."""
    message = traces_request(*request)
    for encoding, body in ((Encoding.PROTOBUF, message.SerializeToString()), (Encoding.JSON, otlp_json(message))):
        place = damage.draw(st.integers(0, len(body) - 1))
        decode(Signal.TRACES, encoding, body[:place])
        flipped = body[:place] + bytes([body[place] ^ 1 << damage.draw(st.integers(0, 7))]) + body[place + 1 :]
        decode(Signal.TRACES, encoding, flipped)


@patient
@given(records=st.lists(log_records, max_size=5), resource=attributes, scope=scopes)
def test_logs_in_json_equal_those_in_protobuf(
    records: list[LogRecord], resource: Mapping[str, object], scope: str
) -> None:
    """The encoding is the sender's choice and changes nothing, keys included."""
    request = logs_request(*records, resource=resource, scope=scope)
    binary = decode(Signal.LOGS, Encoding.PROTOBUF, request.SerializeToString())
    text = decode(Signal.LOGS, Encoding.JSON, otlp_json(request))
    assert binary is not None
    assert text is not None
    assert summary(binary) == summary(text)


@patient
@given(request=st.lists(spans(), max_size=4), resource=attributes, scope=st.sampled_from(["", "triton-server"]))
def test_spans_in_json_equal_those_in_protobuf(request: list[Span], resource: Mapping[str, object], scope: str) -> None:
    """The same for spans."""
    message = traces_request(*request, resource=resource, scope=scope)
    binary = decode(Signal.TRACES, Encoding.PROTOBUF, message.SerializeToString())
    text = decode(Signal.TRACES, Encoding.JSON, otlp_json(message))
    assert binary is not None
    assert text is not None
    assert summary(binary) == summary(text)


@patient
@given(records=st.lists(plain_records, max_size=8), cut=st.integers(0, 8))
def test_splitting_a_request_changes_no_row(records: list[LogRecord], cut: int) -> None:
    """How an SDK batches its records does not matter; cells that are absent stay so."""
    whole = decode(Signal.LOGS, Encoding.PROTOBUF, logs_request(*records).SerializeToString())
    parts = [
        decode(Signal.LOGS, Encoding.PROTOBUF, logs_request(*part).SerializeToString())
        for part in (records[:cut], records[cut:])
    ]
    assert whole is not None
    assert by_model(rows(whole)) == by_model([row for part in parts if part is not None for row in rows(part)])


def by_model(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in the order of their batch; the sort is stable, so each batch keeps its own order."""
    return sorted(found, key=lambda row: str(row["model"]))


def json_text(value: object) -> bytes:
    """JSON as Python writes it: NaN bare, lone surrogates as escapes."""
    return json.dumps(value).encode()
