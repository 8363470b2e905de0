"""OTLP/HTTP as opentelemetry-proto/docs/specification.md has it ("proto" below), and the native doors beside it."""

import gzip
import json
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from model_exporter.errors import DecodeError, OverloadedError, SlowError
from model_exporter.ports import Door, Encoding, Payload, Receipt, Signal
from model_exporter.receive import OUTCOMES, HttpDoor
from receiving import JSON, MIB, NOW, PROTOBUF, Reply, Rig, open_door, post

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")  # no socket is left open
_GZIP = {"Content-Encoding": "gzip"}
_OF_PROTOBUF = "Content-Type: application/x-protobuf"


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A door that accepts everything."""
    with open_door(HttpDoor) as rig:
        yield rig


def _status_of(reply: Reply) -> Status:
    if reply.headers["content-type"] == "application/json":
        said = json.loads(reply.body)
        return Status(code=said["code"], message=said["message"])
    assert reply.headers["content-type"] == "application/x-protobuf"
    return Status.FromString(reply.body)


@pytest.mark.parametrize(
    ("path", "door", "signal"),
    [
        ("/v1/logs", Door.OTLP_HTTP, Signal.LOGS),
        ("/v1/traces", Door.OTLP_HTTP, Signal.TRACES),
        ("/v1/metrics", Door.OTLP_HTTP, Signal.METRICS),
        ("/v1/logs/", Door.OTLP_HTTP, Signal.LOGS),
        ("/v1/traces?x=1", Door.OTLP_HTTP, Signal.TRACES),
        ("/", Door.OTLP_HTTP, Signal.LOGS),
        ("/v1/predictions", Door.HTTP, Signal.PREDICTIONS),
        ("/v1/outcomes/", Door.HTTP, Signal.OUTCOMES),
        ("/v1/events", Door.HTTP, Signal.EVENTS),
    ],
)
def test_every_path_reaches_the_pipeline(rig: Rig, path: str, door: Door, signal: Signal) -> None:
    """Metrics are accepted, too: instrumented clients send them unasked, and a 404 would only be noise.

    BentoML posts logs to the root, which is right: "if there is no path component, the root path / MUST be used"
    (opentelemetry-specification protocol/exporter.md).
    """
    reply = post(rig.door.address, path, b"{}", JSON)
    assert reply.status == 200
    assert rig.ingest.payloads == [Payload(door, signal, Encoding.JSON, b"{}", NOW)]
    assert rig.requests() == {(door.value, signal.value, "success"): 1}


@pytest.mark.parametrize(
    ("sent", "replied"),
    [
        ("application/x-protobuf", "application/x-protobuf"),
        ("application/json", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
    ],
)
def test_the_reply_has_the_type_of_the_request(rig: Rig, sent: str, replied: str) -> None:
    """Protobuf and JSON share a port; the response MUST use the request's type (proto "OTLP/HTTP Response")."""
    reply = post(rig.door.address, "/v1/logs", b"{}", {"Content-Type": sent})
    assert reply.headers["content-type"] == replied


def test_success_leaves_partial_success_unset(rig: Rig) -> None:
    """Full success is an empty message, in JSON `{}` (proto "Full Success")."""
    assert post(rig.door.address, "/v1/logs", b"x", PROTOBUF).body == b""
    assert json.loads(post(rig.door.address, "/v1/logs", b"{}", JSON).body) == {}


def test_partial_success_is_a_200_with_counts_in_both_encodings() -> None:
    """Rejected records and the reason are told, and nothing asks for a retry (proto "Partial Success")."""
    with open_door(HttpDoor, lambda _: Receipt(7, 3, "3 x type")) as rig:
        logs = post(rig.door.address, "/v1/logs", b"x", PROTOBUF)
        traces = post(rig.door.address, "/v1/traces", b"x", PROTOBUF)
        as_json = post(rig.door.address, "/v1/logs", b"{}", JSON)
        requests = rig.requests()
    assert [logs.status, traces.status, as_json.status] == [200, 200, 200]
    told = ExportLogsServiceResponse.FromString(logs.body).partial_success
    assert (told.rejected_log_records, told.error_message) == (3, "3 x type")
    assert ExportTraceServiceResponse.FromString(traces.body).partial_success.rejected_spans == 3
    partial = {"rejectedLogRecords": "3", "errorMessage": "3 x type"}
    assert json.loads(as_json.body) == {"partialSuccess": partial}
    assert requests == {("otlp_http", "logs", "partial"): 2, ("otlp_http", "traces", "partial"): 1}
    assert not any("retry-after" in reply.headers for reply in (logs, traces, as_json))


def test_an_otlp_request_with_nothing_good_is_still_partial() -> None:
    """Records were looked at one by one, so it is not bad data as a whole (proto "Partial Success")."""
    with open_door(HttpDoor, lambda _: Receipt(0, 3, "all")) as rig:
        assert post(rig.door.address, "/v1/logs", b"x", PROTOBUF).status == 200


def test_bad_data_is_a_400_with_a_status_in_the_requests_encoding() -> None:
    """Code 3 and a message in google.rpc.Status, protobuf or JSON, and no hint to retry (proto "Bad Data")."""

    def refuse(_: Payload) -> Receipt:
        raise DecodeError("wire", "field 1 is cut off")

    with open_door(HttpDoor, refuse) as rig:
        for headers in (PROTOBUF, JSON):
            reply = post(rig.door.address, "/v1/logs", b"x", headers)
            assert (reply.status, reply.headers["content-type"]) == (400, headers["Content-Type"])
            assert _status_of(reply) == Status(code=3, message="field 1 is cut off")
            assert "retry-after" not in reply.headers
        assert rig.requests() == {("otlp_http", "logs", "bad_data"): 2}


def test_an_overload_is_a_503_with_both_hints_to_retry() -> None:
    """Retry-After in seconds and RetryInfo in the Status (proto "OTLP/HTTP Throttling").

    Python's exporter drops a batch at once when the hint exceeds its 10 s budget, so the hint is a second.
    """

    def refuse(_: Payload) -> Receipt:
        raise OverloadedError("the queue is full")

    with open_door(HttpDoor, refuse) as rig:
        reply = post(rig.door.address, "/v1/logs", b"x", PROTOBUF)
        as_json = post(rig.door.address, "/v1/logs", b"{}", JSON)
        assert rig.requests() == {("otlp_http", "logs", "overloaded"): 2}
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    (detail,) = _status_of(reply).details
    hint = RetryInfo()
    assert detail.Unpack(hint)
    assert hint.retry_delay.seconds == 1
    assert (as_json.status, as_json.headers["retry-after"], json.loads(as_json.body)["code"]) == (503, "1", 14)


def test_a_bug_is_a_500_that_is_not_retried_and_costs_only_its_own_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """500 is not retryable (proto "Retryable Response Codes"); the log has the stack, the sender no insides of it."""

    def fail(payload: Payload) -> Receipt:
        if payload.body == b"bug":
            raise ZeroDivisionError("secret")
        return Receipt(1, 0)

    with open_door(HttpDoor, fail) as rig:
        replies = [post(rig.door.address, "/v1/logs", body, PROTOBUF) for body in (b"bug", b"bug", b"fine")]
        assert rig.requests() == {("otlp_http", "logs", "error"): 2, ("otlp_http", "logs", "success"): 1}
    assert [reply.status for reply in replies] == [500, 500, 200]
    assert _status_of(replies[0]).code == 13
    assert b"secret" not in replies[0].body
    (line,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert line.exc_info
    assert isinstance(line.exc_info[1], ZeroDivisionError)


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1development/profiles", "/metrics"])
def test_an_unknown_path_is_a_404_that_names_the_known_ones(rig: Rig, path: str) -> None:
    """The error of a wrong endpoint can be mended from its text; profiles are not taken, and said not to be."""
    reply = post(rig.door.address, path, b"x", PROTOBUF)
    assert (reply.status, reply.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert b"/v1/logs" in reply.body
    assert b"/v1/predictions" in reply.body
    assert rig.requests() == {("otlp_http", "unknown", "unsupported"): 1}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_only_post_is_allowed(rig: Rig, method: str) -> None:
    """Anything else is a 405 (otlpreceiver otlp_test.go, TestHandleInvalidRequests).

    OPTIONS too: the specification has no CORS, and a browser is told nothing that would let its page send here.
    """
    reply = post(rig.door.address, "/v1/logs", b"", {"Origin": "http://example.com"}, method=method)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert not any(name.startswith("access-control") for name in reply.headers)
    assert rig.requests() == {("otlp_http", "logs", "unsupported"): 1}


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-ndjson"}])
def test_otlp_of_another_type_is_a_415_in_plain_text(rig: Rig, headers: dict[str, str]) -> None:
    """Missing or other content types (otlpreceiver otlp_test.go, TestHandleInvalidRequests)."""
    reply = post(rig.door.address, "/v1/logs", b"{}", headers)
    assert (reply.status, reply.headers["content-type"]) == (415, "text/plain; charset=utf-8")
    assert rig.requests() == {("otlp_http", "logs", "unsupported"): 1}


def test_a_cloud_event_at_the_root_reaches_the_pipeline_with_its_attributes(rig: Rig) -> None:
    """KServe's logger posts to the root, too, told apart by its Ce- headers; they are not OTLP logs."""
    reply = post(rig.door.address, "/", b"{}", JSON | {"Ce-Id": "1", "Ce-Type": "org.kubeflow.serving"})
    assert reply.status == 200
    (payload,) = rig.ingest.payloads
    assert (payload.door, payload.signal) == (Door.CLOUD_EVENTS, Signal.EXCHANGES)
    assert payload.context == {"event": {"id": "1", "type": "org.kubeflow.serving"}}


def test_a_compressed_event_without_the_header_that_says_so_is_decompressed(rig: Rig) -> None:
    """Payload loggers pass on the bytes that the model got, and not how they are compressed."""
    reply = post(rig.door.address, "/", gzip.compress(b"{}"), JSON | {"Ce-Id": "1", "Ce-Type": "x.request"})
    assert reply.status == 200
    assert rig.ingest.payloads[0].body == b"{}"


@pytest.mark.parametrize(
    ("coding", "sent"),
    [
        ("identity", b"body"),
        ("gzip", gzip.compress(b"body", mtime=0)),
        ("GZIP", gzip.compress(b"bo", mtime=0) + gzip.compress(b"dy", mtime=0)),
        ("deflate", zlib.compress(b"body")),
    ],
)
def test_compressed_bodies_arrive_decompressed(rig: Rig, coding: str, sent: bytes) -> None:
    """None and gzip MUST be supported (proto "Protocol Details"); Python's exporter can send deflate, a zlib stream."""
    assert post(rig.door.address, "/v1/logs", sent, PROTOBUF | {"Content-Encoding": coding}).status == 200
    assert rig.ingest.bodies == [b"body"]
    assert rig.telemetry.read().counters["model_exporter_request_bytes_total", ("otlp_http",)] == len(sent)


def test_corrupt_gzip_is_a_400_with_code_3(rig: Rig) -> None:
    """As the Collector answers ("gzip: invalid header", otlpreceiver otlp_test.go), in the request's encoding."""
    for headers in (PROTOBUF, JSON):
        for sent in (b"not gzip", gzip.compress(b"body")[:-3]):
            reply = post(rig.door.address, "/v1/logs", sent, headers | _GZIP)
            assert (reply.status, _status_of(reply).code) == (400, 3)
    assert rig.requests() == {("otlp_http", "logs", "bad_data"): 4}
    assert not rig.ingest.payloads


def test_an_unknown_content_encoding_is_a_400_with_a_status(rig: Rig) -> None:
    """As the Collector answers (otlpreceiver otlp_test.go, TestOTLPReceiverInvalidContentEncoding)."""
    reply = post(rig.door.address, "/v1/logs", b"x", JSON | {"Content-Encoding": "br"})
    assert (reply.status, _status_of(reply).code) == (400, 3)
    assert rig.requests() == {("otlp_http", "logs", "unsupported"): 1}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_a_413(rig: Rig, chunked: bool) -> None:  # noqa: FBT001  # a case
    """The limit holds before decompression, and the status MUST be 413 (proto "OTLP/HTTP Request", 1.11.0)."""
    piece = bytes(MIB // 4)
    sent = iter([piece, piece, piece, piece, b"x"]) if chunked else bytes(MIB + 1)
    reply = post(rig.door.address, "/v1/logs", sent, PROTOBUF)
    assert reply.status == 413
    assert _status_of(reply).code == 8
    assert "retry-after" not in reply.headers
    assert rig.requests() == {("otlp_http", "logs", "too_large"): 1}


def test_a_body_over_the_limit_after_decompression_is_a_413(rig: Rig) -> None:
    """The limit holds after decompression (proto "OTLP/HTTP Request", 1.11.0)."""
    for compress, coding in ((gzip.compress, "gzip"), (zlib.compress, "deflate")):
        reply = post(rig.door.address, "/v1/logs", compress(bytes(MIB + 1)), PROTOBUF | {"Content-Encoding": coding})
        assert reply.status == 413
    assert rig.requests() == {("otlp_http", "logs", "too_large"): 2}


@pytest.mark.parametrize("size", [MIB, MIB // 4 + 1, MIB // 4])
def test_a_body_of_the_limit_or_of_any_size_passes(rig: Rig, size: int) -> None:
    """Exactly the limit is within it; sizes around the one that goes to a thread make no difference."""
    for sent, headers in ((bytes(size), PROTOBUF), (gzip.compress(bytes(size)), PROTOBUF | _GZIP)):
        assert post(rig.door.address, "/v1/logs", sent, headers).status == 200
    assert rig.ingest.bodies == [bytes(size)] * 2


def test_an_empty_protobuf_request_succeeds(rig: Rig) -> None:
    """An empty request is a success (proto "Full Success"), compressed or not."""
    assert post(rig.door.address, "/v1/logs", b"", PROTOBUF).status == 200
    assert post(rig.door.address, "/v1/logs", gzip.compress(b""), PROTOBUF | _GZIP).status == 200
    assert rig.ingest.bodies == [b"", b""]


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/predictions"])
def test_an_empty_json_request_is_a_400(rig: Rig, path: str) -> None:
    """Nothing is not JSON; `{}` is the empty request (the Collector answers the same)."""
    assert post(rig.door.address, path, b"", JSON).status == 400
    assert post(rig.door.address, path, gzip.compress(b""), JSON | _GZIP).status == 400
    assert not rig.ingest.payloads


def test_the_native_doors_answer_in_json() -> None:
    """Counts and reasons for people: 200 when anything was accepted, 400 when every record was refused."""
    receipts = {b"1": Receipt(2, 0), b"2": Receipt(1, 1, "no model"), b"3": Receipt(0, 2, "no model")}
    with open_door(HttpDoor, lambda payload: receipts[payload.body]) as rig:
        replies = [post(rig.door.address, "/v1/predictions", body) for body in receipts]
        assert rig.requests() == {
            ("http", "predictions", "success"): 1,
            ("http", "predictions", "partial"): 1,
            ("http", "predictions", "bad_data"): 1,
        }
    assert [reply.status for reply in replies] == [200, 200, 400]
    assert {reply.headers["content-type"] for reply in replies} == {"application/json"}
    assert json.loads(replies[1].body) == {"accepted": 1, "rejected": 1, "message": "no model"}


def test_the_native_doors_answer_errors_in_json() -> None:
    """JSON lines are answered by one JSON document, also when they cannot be read."""

    def refuse(_: Payload) -> Receipt:
        raise DecodeError("json", "line 3: expected a value")

    with open_door(HttpDoor, refuse) as rig:
        reply = post(rig.door.address, "/v1/outcomes", b"x", {"Content-Type": "application/x-ndjson"})
    assert (reply.status, reply.headers["content-type"]) == (400, "application/json")
    assert json.loads(reply.body) == {"code": 3, "message": "line 3: expected a value"}


def test_requests_are_counted_by_outcome_from_zero(rig: Rig) -> None:
    """Every outcome has a series before it happens, so that its first increase is seen."""
    counters = rig.telemetry.read().counters
    for door, signal in (("otlp_http", "logs"), ("http", "events")):
        for outcome in OUTCOMES:
            assert counters["model_exporter_requests_total", (door, signal, outcome)] == 0


def test_fifty_clients_at_once_are_all_answered() -> None:
    """Small and large bodies mixed, each reply belongs to its request."""
    sizes = [1 + number * 8_000 for number in range(50)]
    with open_door(HttpDoor, request_bytes=64 * MIB) as rig, ThreadPoolExecutor(len(sizes)) as clients:
        replies = clients.map(lambda size: post(rig.door.address, "/v1/predictions", bytes(size), JSON), sizes)
        assert [json.loads(reply.body)["accepted"] for reply in replies] == sizes


def test_a_large_body_does_not_keep_small_ones_waiting() -> None:
    """While a large request that cannot be taken at once is being decoded, another client is answered."""
    small_is_answered = threading.Event()

    def decode(payload: Payload) -> Receipt:
        if payload.at_once:
            raise SlowError("only readers in Python can take it")
        if len(payload.body) > 1_000:
            assert small_is_answered.wait(20)
        return Receipt(1, 0)

    with open_door(HttpDoor, decode) as rig, ThreadPoolExecutor(1) as clients:
        large = clients.submit(post, rig.door.address, "/v1/logs", bytes(MIB), PROTOBUF)
        assert post(rig.door.address, "/v1/logs", b"x", PROTOBUF).status == 200
        small_is_answered.set()
        assert large.result().status == 200


def test_bad_requests_are_logged_at_debug_only(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """One line a bad request, with peer, path and reason, none of a good one, and nothing above debug."""
    caplog.set_level("DEBUG", logger="model_exporter")
    post(rig.door.address, "/v1/logs", b"x", PROTOBUF)
    post(rig.door.address, "/v1/logs", b"not gzip", PROTOBUF | _GZIP)
    (line,) = (record for record in caplog.records if record.name.startswith("model_exporter"))
    assert line.levelname == "DEBUG"
    assert (vars(line)["peer"], vars(line)["path"]) == ("127.0.0.1", "/v1/logs")
    assert "compressed body" in vars(line)["reason"]


def test_the_query_of_records_reaches_the_pipeline(rig: Rig) -> None:
    """It tells what stands beside the records, as the path of the file that they come from."""
    reply = post(rig.door.address, "/v1/records/sagemaker?file=a%2Fb.jsonl&model=m", b"{}", JSON)
    assert reply.status == 200
    (payload,) = rig.ingest.payloads
    assert (payload.mapping, payload.context) == ("sagemaker", {"file": "a/b.jsonl", "model": "m"})
