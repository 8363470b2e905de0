"""OTLP/JSON: what the specification asks for, and what clients write instead."""

import math
from typing import Any

import pytest

from model_exporter.batch import Role
from model_exporter.decode import Decoded
from model_exporter.errors import DecodeError
from model_exporter.ports import Signal
from otlp_messages import T0_NS, cells, decode_json, inputs, outputs

Node = dict[str, Any]


def attribute(key: str, value: object) -> Node:
    """One attribute."""
    return {"key": key, "value": value}


def record(*attributes: Node, **fields: object) -> Node:
    """One LogRecord that is a prediction of the model m."""
    named = attribute("model.name", {"stringValue": "m"})
    return {"eventName": "model.prediction", "attributes": [named, *attributes], **fields}


def request(*records: object, resource: object = None) -> Node:
    """An ExportLogsServiceRequest."""
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": list(records)}]}]}


def decode(*records: object) -> Decoded:
    """Decode the records of one request."""
    return decode_json(Signal.LOGS, request(*records))


def feature(value: object) -> Any:
    """The cell that an AnyValue becomes."""
    return inputs(decode(record(attribute("feature.a", value))))["a"]


@pytest.mark.parametrize("value", [None, "NaN"])
def test_a_null_double_is_a_number_that_is_not_finite(value: object) -> None:
    """JavaScript's JSON has no NaN: opentelemetry-js writes `"doubleValue": null` for it and for both infinities."""
    assert math.isnan(feature({"doubleValue": value}))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ({"doubleValue": "Infinity"}, math.inf),
        ({"doubleValue": "-Infinity"}, -math.inf),
        ({"doubleValue": "1.5"}, 1.5),
        ({"doubleValue": 3}, 3.0),
        ({"doubleValue": 10**400}, math.inf),
        ({"intValue": "9007199254740993"}, 9007199254740992.0),
        ({"intValue": 3}, 3.0),
        ({"intValue": 1e300}, 1e300),
        ({"intValue": "1e3"}, 1000.0),
        ({"intValue": "-7"}, -7.0),
    ],
)
def test_numbers_in_all_their_spellings(value: object, number: float) -> None:
    """int64 as number or text; proto3 JSON's names for what is not finite; opentelemetry-js's `"intValue": 1e+300`."""
    assert feature(value) == number


@pytest.mark.parametrize("value", [{}, None, {"stringValue": None}, {"stringValue": ""}, {"intValue": None}])
def test_empty_values_are_null(value: object) -> None:
    """opentelemetry-js writes `"value": {}` for null and undefined; since OTLP 1.9.0 null values are valid anywhere."""
    assert feature(value) is None


@pytest.mark.parametrize(
    "value",
    [
        {"bytesValue": "AQID"},
        {"bytesValue": "_-8"},
        {"arrayValue": {"values": [{"intValue": 1}, {}, None]}},
        {"arrayValue": {}},
        {"kvlistValue": {}},
    ],
)
def test_arrays_and_bytes_are_nested(value: object) -> None:
    """They may be empty, and base64 may come in the URL's alphabet without padding."""
    assert feature(value) is ...


def test_maps_and_booleans() -> None:
    """A kvlist becomes features, whatever order its members have."""
    members = [attribute("x", {"boolValue": True}), {"value": {"doubleValue": 1.5}, "key": "y"}]
    found = inputs(decode(record(attribute("features", {"kvlistValue": {"values": members}}))))
    assert found == {"x": True, "y": 1.5}


def test_probabilities_from_an_array() -> None:
    """Arrays are looked into where that is asked for."""
    values = [{"doubleValue": 0.75}, {"doubleValue": 0.25}]
    decoded = decode(record(attribute("probabilities", {"arrayValue": {"values": values}})))
    assert outputs(decoded) == {"probabilities.0": 0.75, "probabilities.1": 0.25}


@pytest.mark.parametrize("trace_id", ["5b8efff798038103d269b633813fc60c", "5B8EFFF798038103D269B633813FC60C"])
def test_ids_are_hex_of_any_case(trace_id: str) -> None:
    """OTLP/JSON departs from proto3's JSON here, whose base64 would silently make other bytes of them."""
    score = attribute("score", {"doubleValue": 0.5})
    decoded = decode(
        record(score, traceId=trace_id, spanId="eee19b7ec3c1b174", timeUnixNano="1"),
        record(score, traceId=trace_id.lower(), spanId="EEE19B7EC3C1B174", timeUnixNano=1),
    )
    first, second = decoded.batches[0].keys.tolist()
    assert first == second != 0


@pytest.mark.parametrize("trace_id", ["no hex", "abc", ""])
def test_a_bad_id_is_no_id(trace_id: str) -> None:
    """No record needs one."""
    decoded = decode(record(attribute("score", {}), traceId=trace_id, spanId="eee19b7ec3c1b174", timeUnixNano="1"))
    assert decoded.batches[0].keys.tolist() == [0]


@pytest.mark.parametrize("time", [str(T0_NS), T0_NS, float(T0_NS), "1.8e18"])
def test_times_are_numbers_or_text(time: object) -> None:
    """64-bit integers may come as either."""
    decoded = decode(record(attribute("score", {}), timeUnixNano=time))
    assert decoded.batches[0].times.tolist() == [1_800_000_000.0]


def test_unknown_fields_and_nulls_are_ignored() -> None:
    """OTLP/JSON receivers MUST ignore unknown fields; null stands for the default in proto3's JSON."""
    node = request(
        record(attribute("score", {"doubleValue": 0.5, "later": 1}), severityNumber=9, body=None, traceId=None, x=[{}]),
        resource={"attributes": None, "entityRefs": []},
    )
    node |= {"next": {"a": [1]}}
    node["resourceLogs"][0] |= {"schemaUrl": "x", "scopeLogs": [*node["resourceLogs"][0]["scopeLogs"], {}]}
    assert decode_json(Signal.LOGS, node).accepted == 1


def test_snake_case_is_unknown() -> None:
    """OTLP/JSON has lowerCamelCase names only."""
    assert decode_json(Signal.LOGS, {"resource_logs": [{"scope_logs": []}]}).accepted == 0


@pytest.mark.parametrize("body", ["{}", '{"resourceLogs":null}', '{"resourceLogs":[]}', "\ufeff{}", " {} \n"])
def test_an_empty_request_is_a_success(body: str) -> None:
    """OTLP: a request without data SHOULD succeed."""
    assert decode_json(Signal.LOGS, body) == Decoded()


@pytest.mark.parametrize(
    "bad",
    [
        {"attributes": "none"},
        {"attributes": [{"key": 5}]},
        {"attributes": [attribute("feature.a", {"boolValue": "yes"})]},
        {"attributes": [attribute("feature.a", {"intValue": True})]},
        {"attributes": [attribute("feature.a", {"intValue": "many"})]},
        {"attributes": [attribute("feature.a", {"doubleValue": "much"})]},
        {"attributes": [attribute("feature.a", {"bytesValue": "?"})]},
        {"attributes": [attribute("feature.a", "bare")]},
        {"timeUnixNano": "soon"},
        {"timeUnixNano": -1},
        {"timeUnixNano": 1e300},
        {"timeUnixNano": 10**400},
        {"traceId": 5},
        {"body": "text"},
        "no object",
        None,
    ],
)
def test_a_bad_record_is_rejected_alone(bad: Any) -> None:
    """Partial success: the records around it are kept."""
    good = record(attribute("score", {"doubleValue": 0.5}))
    decoded = decode(good, {**record(), **bad} if isinstance(bad, dict) else bad, good)
    assert decoded.accepted == 2
    assert [(rejection.reason, rejection.records) for rejection in decoded.rejections] == [("malformed_record", 1)]


def test_a_rejection_says_what_is_wrong() -> None:
    """Where in the record, and what was expected there."""
    decoded = decode(record(attribute("score", {"boolValue": "yes"})))
    assert "bool" in decoded.message
    assert "$.attributes[1].value.boolValue" in decoded.message


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b" \n", "empty_body"),
        (b"\xef\xbb\xbf", "empty_body"),
        (b"{", "malformed_json"),
        (b"nope", "malformed_json"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b'{"resourceLogs":{}}', "malformed_json"),
        (b'{"resourceLogs":[3]}', "malformed_json"),
        (b'{"resourceLogs":[{"resource":3}]}', "malformed_json"),
        (b'{"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":{"intValue":"x"}}]}}]}', "malformed_json"),
        (b'{"resourceLogs":[{"scopeLogs":[{"scope":3}]}]}', "malformed_json"),
        (b'{"resourceLogs":[{"scopeLogs":[{"logRecords":3}]}]}', "malformed_json"),
        (b'{"resourceLogs":"\xff"}', "not_utf8"),
        (b'{"a":' * 10_000, "malformed_json"),
        (b'{"resourceLogs":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "malformed_json"),
        (b"9" * 5000, "malformed_json"),
    ],
)
def test_a_request_that_is_none_is_refused(body: bytes, reason: str) -> None:
    """With a reason from a fixed set, whatever the bytes; also 10,000 levels deep."""
    with pytest.raises(DecodeError) as caught:
        decode_json(Signal.LOGS, body)
    assert caught.value.reason == reason


def test_a_deeply_nested_record_is_rejected_alone() -> None:
    """A few hundred levels pass the parser, but no one needs them."""
    value: Node = {"intValue": "1"}
    for _ in range(200):
        value = {"kvlistValue": {"values": [attribute("k", value)]}}
    decoded = decode(record(attribute("score", {})), record(attribute("features", value)))
    assert decoded.accepted + decoded.rejected == 2
    assert cells(decoded.batches[0], Role.OUTPUT) == {"score": None}


def test_lone_surrogates_do_not_spoil_a_request() -> None:
    r"""JSON.stringify writes them as escapes (ECMAScript 2019); no UTF-8 text can hold them."""
    body = (
        r'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":['
        r'{"key":"model.name","value":{"stringValue":"m\ud800"}},{"key":"score","value":{"doubleValue":1}}]}]}]}]}'
    )
    (batch,) = decode_json(Signal.LOGS, body).batches
    assert batch.model == r"m\ud800"


def test_literal_nan_is_taken() -> None:
    """Python's json writes NaN bare, which is no JSON."""
    body = (
        '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":['
        '{"key":"feature.a","value":{"doubleValue":NaN}}]}]}]}]}'
    )
    assert math.isnan(inputs(decode_json(Signal.LOGS, body))["a"])


def test_spans_in_json() -> None:
    """Enums as numbers, as the specification wants, or by name; ids in hex; times as text."""
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "kind": 2,
        "startTimeUnixNano": str(T0_NS),
        "endTimeUnixNano": str(T0_NS + 250_000_000),
        "status": {"code": 2},
        "events": [{"name": "exception", "attributes": [attribute("exception.type", {"stringValue": "ValueError"})]}],
    }
    client = span | {
        "kind": "SPAN_KIND_CLIENT",
        "parentSpanId": "eee19b7ec3c1b173",
        "status": {"code": "STATUS_CODE_ERROR"},
    }
    other = {"kind": "SPAN_KIND_INTERNAL"}
    node = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "s"}, "spans": [span, client, other, {}]}]}]}
    decoded = decode_json(Signal.TRACES, node)
    (batch,) = decoded.batches
    assert batch.latency_seconds.tolist() == [0.25]
    assert batch.errors.words == ("ValueError",)
    assert batch.keys.tolist() != [0]
    assert decoded.upstreams[0].failed.tolist() == [True]
    assert decoded.ignored == {"span_kind": 2}


def test_a_bad_span_is_rejected_alone() -> None:
    """As log records are."""
    spans: list[object] = [{"kind": 2}, {"kind": []}, {"kind": 2, "endTimeUnixNano": "never"}, 5]
    decoded = decode_json(Signal.TRACES, {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    assert decoded.accepted == 1
    assert [(rejection.reason, rejection.records) for rejection in decoded.rejections] == [("malformed_record", 3)]
