from collections.abc import Mapping

import pytest
from multidict import CIMultiDict

from model_exporter.ports import Door, Encoding, Signal
from model_exporter.receive.inflate import Coding
from model_exporter.receive.outcomes import UnknownCodingError, UnknownPathError, UnsupportedTypeError
from model_exporter.receive.routes import ROUTES, Route, event_of, find_coding, find_encoding, find_route

_OTLP = Route(Door.OTLP_HTTP, Signal.LOGS)
_NATIVE = Route(Door.HTTP, Signal.PREDICTIONS)


@pytest.mark.parametrize(
    ("path", "door", "signal"),
    [
        ("/v1/logs", Door.OTLP_HTTP, Signal.LOGS),
        ("/v1/traces", Door.OTLP_HTTP, Signal.TRACES),
        ("/v1/metrics", Door.OTLP_HTTP, Signal.METRICS),
        ("/v1/predictions", Door.HTTP, Signal.PREDICTIONS),
        ("/v1/outcomes", Door.HTTP, Signal.OUTCOMES),
        ("/v1/events", Door.HTTP, Signal.EVENTS),
        ("/", Door.OTLP_HTTP, Signal.LOGS),
        ("", Door.OTLP_HTTP, Signal.LOGS),
        ("/v1/logs/", Door.OTLP_HTTP, Signal.LOGS),
        ("/v1/metrics//", Door.OTLP_HTTP, Signal.METRICS),
    ],
)
def test_a_path_leads_to_its_signal(path: str, door: Door, signal: Signal) -> None:
    """An endpoint without a path is used at the root; slashes at the end occur in the specification's own examples.

    (opentelemetry-specification, protocol/exporter.md, "Endpoint URLs for OTLP/HTTP", example 3)
    """
    assert find_route(path, {}) == Route(door, signal)


@pytest.mark.parametrize("path", ["/v1", "/v1/log", "/V1/logs", "/v1development/profiles", "/metrics", "/v1/logs/x"])
def test_an_unknown_path_is_told_the_known_ones(path: str) -> None:
    """Profiles are among the unknown: nothing here reads them, and the client had better know."""
    with pytest.raises(UnknownPathError) as caught:
        find_route(path, {})
    assert path in str(caught.value)
    assert all(known in str(caught.value) for known in ROUTES)


def test_a_long_path_is_not_repeated_in_full() -> None:
    """The message stays short and printable whatever the client sent."""
    with pytest.raises(UnknownPathError) as caught:
        find_route("/\n" + "x" * 8_000, {})
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/x-protobuf", Encoding.PROTOBUF),
        ("application/json", Encoding.JSON),
        ("APPLICATION/JSON", Encoding.JSON),
        ("application/json; charset=utf-8", Encoding.JSON),
        ("application/x-protobuf;messageType=x", Encoding.PROTOBUF),
    ],
)
def test_otlp_is_protobuf_or_json(content_type: str, encoding: Encoding) -> None:
    """Parameters and case do not matter, as in the Collector's tests (otlpreceiver otlp_test.go, TestJSONHTTP)."""
    assert find_encoding(_OTLP, {"Content-Type": content_type}) is encoding


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/protobuf", "application/x-ndjson", ";"])
def test_otlp_takes_no_other_type(content_type: str) -> None:
    """A missing or another content type is refused (otlpreceiver otlp_test.go, TestHandleInvalidRequests)."""
    with pytest.raises(UnsupportedTypeError, match="application/json, application/x-protobuf"):
        find_encoding(_OTLP, {"Content-Type": content_type} if content_type else {})


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/json", Encoding.JSON),
        ("", Encoding.JSON),
        ("text/plain; charset=utf-8", Encoding.JSON),
        ("application/x-www-form-urlencoded", Encoding.JSON),
        ("application/x-ndjson", Encoding.JSON_LINES),
        ("application/jsonl", Encoding.JSON_LINES),
        ("application/json-lines", Encoding.JSON_LINES),
        ("Application/X-JSONLines", Encoding.JSON_LINES),
    ],
)
def test_the_native_doors_take_json_by_many_names(content_type: str, encoding: Encoding) -> None:
    """`curl -d` says that it sends a form; JSON lines have no registered name."""
    assert find_encoding(_NATIVE, {"Content-Type": content_type}) is encoding


@pytest.mark.parametrize("content_type", ["application/x-protobuf", "text/csv", "multipart/form-data; boundary=x"])
def test_the_native_doors_take_nothing_else(content_type: str) -> None:
    """What is surely not JSON is refused with the names of what is taken."""
    with pytest.raises(UnsupportedTypeError, match="application/x-ndjson"):
        find_encoding(_NATIVE, {"Content-Type": content_type})


@pytest.mark.parametrize(
    ("content_encoding", "coding"),
    [
        ("", Coding.IDENTITY),
        ("identity", Coding.IDENTITY),
        ("gzip", Coding.GZIP),
        (" GZIP ", Coding.GZIP),
        ("x-gzip", Coding.GZIP),
        ("deflate", Coding.DEFLATE),
        ("zlib", Coding.DEFLATE),
    ],
)
def test_compression_by_its_names(content_encoding: str, coding: Coding) -> None:
    """x-gzip is gzip (RFC 9110, 8.4.1.3); the Collector calls the zlib stream zlib, too (confighttp)."""
    assert find_coding({"Content-Encoding": content_encoding}) is coding


@pytest.mark.parametrize("content_encoding", ["br", "zstd", "snappy", "x-snappy-framed", "lz4", "gzip, gzip", "none"])
def test_other_compression_is_refused(content_encoding: str) -> None:
    """The message says what is understood."""
    with pytest.raises(UnknownCodingError, match="gzip, deflate or identity"):
        find_coding({"Content-Encoding": content_encoding})


@pytest.mark.parametrize("path", ["/", "", "/v1/logs", "/events/here"])
@pytest.mark.parametrize(
    "headers", [{"Content-Type": "application/json", "cE-Type": "x"}, {"content-type": "application/cloudevents+json"}]
)
def test_a_cloud_event_is_one_wherever_it_is_posted(path: str, headers: Mapping[str, str]) -> None:
    """Payload loggers post to the address they are given, in binary mode with headers that begin with Ce-."""
    route = find_route(path, CIMultiDict(headers))
    assert (route.door, route.signal) == (Door.CLOUD_EVENTS, Signal.EXCHANGES)
    assert find_encoding(route, {"Content-Type": "text/whatever"}) is Encoding.JSON


def test_azures_collector_has_a_path_of_its_own() -> None:
    """Its headers look like those of a CloudEvent."""
    assert find_route("/modeldata/log", CIMultiDict({"ce-type": "x"})).door is Door.AZURE_ML


def test_other_headers_make_no_cloud_event() -> None:
    """A header has to be the event's type."""
    assert find_route("/v1/logs", CIMultiDict({"Ce-Id": "1"})).door is Door.OTLP_HTTP
    assert find_route("/", CIMultiDict({"Cache-Control": "no-cache", "Celsius": "1"})).door is Door.OTLP_HTTP


@pytest.mark.parametrize("path", ["/", "/anywhere"])
def test_an_event_without_its_type_is_none_of_otlp(path: str) -> None:
    """At the root it would be taken for logs without a record, and be lost in silence."""
    for header in ("Ce-Id", "Ce-Specversion"):
        assert find_route(path, CIMultiDict({header: "1"})).door is Door.CLOUD_EVENTS


def test_attributes_of_an_event_are_its_headers() -> None:
    """By their lower-case names, without the prefix."""
    assert event_of({"Ce-Id": "1", "CE-InferenceServiceName": "iris", "Accept": "*/*"}) == {
        "id": "1",
        "inferenceservicename": "iris",
    }


@pytest.mark.parametrize(
    ("path", "mapping"), [("/v1/records", ""), ("/v1/records/acme", "acme"), ("/v1/records/acme/", "acme")]
)
def test_the_path_of_records_may_name_a_mapping(path: str, mapping: str) -> None:
    """Without a name each record is read by the mapping that takes it."""
    assert find_route(path, {}) == Route(Door.HTTP, Signal.RECORDS, mapping)
