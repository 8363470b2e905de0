"""OTLP/gRPC as opentelemetry-proto/docs/specification.md has it ("proto" below)."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from model_exporter.errors import DecodeError, OverloadedError
from model_exporter.ports import Door, Encoding, Payload, Receipt, Signal
from model_exporter.receive import GrpcDoor
from model_exporter.telemetry import Telemetry
from receiving import MIB, NOW, Rig, connect, open_door, until

_COLLECTOR: Final = "/opentelemetry.proto.collector"
_LOGS: Final = f"{_COLLECTOR}.logs.v1.LogsService/Export"
_TRACES: Final = f"{_COLLECTOR}.trace.v1.TraceService/Export"
_METRICS: Final = f"{_COLLECTOR}.metrics.v1.MetricsService/Export"


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A door that accepts everything."""
    with open_door(GrpcDoor) as rig:
        yield rig


def _channel(address: str) -> Any:
    """A channel of bytes; its types insist on serialisers, and know no timeouts."""
    return grpc.insecure_channel(address)


def _call(rig: Rig, body: bytes, method: str = _LOGS, **options: Any) -> bytes:
    with _channel(rig.door.address) as channel:
        reply = channel.unary_unary(method)(body, timeout=20, **options)
    assert isinstance(reply, bytes)
    return reply


def _refused(rig: Rig, body: bytes, **options: Any) -> tuple[grpc.StatusCode, str, dict[str, Any]]:
    """Code, details and trailers of a call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        _call(rig, body, **options)
    error: Any = caught.value  # grpcio's error is a call, too, which its types do not say
    return error.code(), error.details(), dict(error.trailing_metadata())


@pytest.mark.parametrize(
    ("method", "signal"), [(_LOGS, Signal.LOGS), (_TRACES, Signal.TRACES), (_METRICS, Signal.METRICS)]
)
def test_every_service_reaches_the_pipeline(rig: Rig, method: str, signal: Signal) -> None:
    """Metrics, too: UNIMPLEMENTED would only make instrumented clients noisy. Full success is an empty message."""
    assert _call(rig, b"body", method) == b""
    assert rig.ingest.payloads == [Payload(Door.OTLP_GRPC, signal, Encoding.PROTOBUF, b"body", NOW)]
    assert rig.requests() == {("otlp_grpc", signal.value, "success"): 1}


def test_an_empty_request_succeeds(rig: Rig) -> None:
    """No bytes are a valid message without records (proto "Full Success")."""
    assert _call(rig, b"") == b""
    assert rig.ingest.bodies == [b""]


@pytest.mark.parametrize("coding", [grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_messages_arrive_decompressed(rig: Rig, coding: grpc.Compression) -> None:
    """None and gzip MUST be supported (proto "Protocol Details"); deflate is grpcio's gift."""
    assert _call(rig, b"body" * 1_000, compression=coding) == b""
    assert rig.ingest.bodies == [b"body" * 1_000]
    assert rig.telemetry.read().counters["model_exporter_request_bytes_total", ("otlp_grpc",)] == 4_000


def test_partial_success_tells_counts_and_reason() -> None:
    """OK with the rejected records of the signal's own field (proto "Partial Success"), also when all are rejected."""
    with open_door(GrpcDoor, lambda _: Receipt(0, 3, "3 x type")) as rig:
        logs = ExportLogsServiceResponse.FromString(_call(rig, b"x")).partial_success
        traces = ExportTraceServiceResponse.FromString(_call(rig, b"x", _TRACES)).partial_success
        assert rig.requests() == {("otlp_grpc", "logs", "partial"): 1, ("otlp_grpc", "traces", "partial"): 1}
    assert (logs.rejected_log_records, logs.error_message) == (3, "3 x type")
    assert traces.rejected_spans == 3


def test_bad_data_is_invalid_argument_with_a_status() -> None:
    """INVALID_ARGUMENT, with the Status in the trailers and no hint to retry (proto "Bad Data")."""

    def refuse(_: Payload) -> Receipt:
        raise DecodeError("wire", "field 1 is cut off, at \u20ac")

    with open_door(GrpcDoor, refuse) as rig:
        code, details, trailers = _refused(rig, b"x")
        assert rig.requests() == {("otlp_grpc", "logs", "bad_data"): 1}
    assert (code, details) == (grpc.StatusCode.INVALID_ARGUMENT, "field 1 is cut off, at \u20ac")
    assert Status.FromString(trailers["grpc-status-details-bin"]) == Status(code=3, message=details)
    assert "google.rpc.retryinfo-bin" not in trailers


def test_a_long_message_fits_into_the_trailers() -> None:
    """Both copies of it: clients refuse trailers over 8 KiB and would report that instead."""

    def refuse(_: Payload) -> Receipt:
        raise DecodeError("wire", "\u20ac" * 10_000)

    with open_door(GrpcDoor, refuse) as rig:
        code, details, _ = _refused(rig, b"x")
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith("\u20ac" * 300)


def test_an_overload_is_unavailable_with_both_hints_to_retry() -> None:
    """RetryInfo in the Status (proto "OTLP/gRPC Throttling"), and in the trailer that Python's exporter reads."""

    def refuse(_: Payload) -> Receipt:
        raise OverloadedError("the queue is full")

    with open_door(GrpcDoor, refuse) as rig:
        code, details, trailers = _refused(rig, b"x")
        assert rig.requests() == {("otlp_grpc", "logs", "overloaded"): 1}
    assert (code, details) == (grpc.StatusCode.UNAVAILABLE, "the queue is full")
    (detail,) = Status.FromString(trailers["grpc-status-details-bin"]).details
    hint = RetryInfo()
    assert detail.Unpack(hint)
    assert hint.retry_delay.seconds == 1
    assert RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"]) == hint


def test_a_bug_is_internal_and_costs_only_its_own_call(caplog: pytest.LogCaptureFixture) -> None:
    """INTERNAL is not retryable (proto "Failures"); the log has the stack, the sender no insides of it."""

    def fail(payload: Payload) -> Receipt:
        if payload.body == b"bug":
            raise ZeroDivisionError("secret")
        return Receipt(1, 0)

    with open_door(GrpcDoor, fail) as rig:
        code, details, trailers = _refused(rig, b"bug")
        assert _call(rig, b"fine") == b""
        assert rig.requests() == {("otlp_grpc", "logs", "error"): 1, ("otlp_grpc", "logs", "success"): 1}
    assert code is grpc.StatusCode.INTERNAL
    assert "secret" not in f"{details}{trailers}"
    (line,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert line.exc_info


@pytest.mark.parametrize(
    ("size", "coding"),
    [(MIB + 1, grpc.Compression.NoCompression), (30 * MIB, grpc.Compression.Gzip)],
    ids=["as sent", "after decompression"],
)
def test_a_message_over_the_limit_is_resource_exhausted_for_good(rig: Rig, size: int, coding: grpc.Compression) -> None:
    """Without RetryInfo RESOURCE_EXHAUSTED is not retryable (proto "OTLP/gRPC Request", 1.11.0)."""
    code, _, trailers = _refused(rig, bytes(size), compression=coding)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not {"grpc-status-details-bin", "google.rpc.retryinfo-bin"} & set(trailers)
    until(lambda: rig.requests() == {("otlp_grpc", "logs", "too_large"): 1})
    assert not rig.ingest.payloads


def test_a_message_of_the_limit_passes(rig: Rig) -> None:
    """The limit is what may be sent."""
    assert _call(rig, bytes(MIB)) == b""


@pytest.mark.parametrize(
    "method", [f"{_COLLECTOR}.profiles.v1development.ProfilesService/Export", f"{_COLLECTOR}.logs.v1.LogsService/Get"]
)
def test_an_unknown_method_is_unimplemented_and_counted(rig: Rig, method: str) -> None:
    """Profiles are not taken, and the client had better know."""
    with pytest.raises(grpc.RpcError) as caught:
        _call(rig, b"x", method)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert rig.requests() == {("otlp_grpc", "unknown", "unsupported"): 1}


def test_a_call_without_a_message_is_bad_data(rig: Rig) -> None:
    """An Export call has exactly one message."""
    with _channel(rig.door.address) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.stream_unary(_LOGS)(iter(()), timeout=20)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert rig.requests() == {("otlp_grpc", "logs", "bad_data"): 1}


def _never(until_set: threading.Event) -> Iterator[bytes]:
    until_set.wait(30)
    yield from ()


def test_calls_that_never_bring_their_message_do_not_make_the_door_deaf() -> None:
    """More calls than workers wait without a message; they are given up, counted, and others are answered."""
    enough = threading.Event()
    with open_door(GrpcDoor, patience_seconds=0.2) as rig, _channel(rig.door.address) as channel:
        silent = [channel.stream_unary(_LOGS).future(_never(enough)) for _ in range(6)]
        assert _call(rig, b"x") == b""
        assert all(call.exception(timeout=20) for call in silent)
        enough.set()
        until(lambda: rig.requests().get(("otlp_grpc", "logs", "client_gone")) == 6)


def test_a_client_past_its_deadline_is_counted_as_gone() -> None:
    """OTLP clients give up at their deadline; nothing is ingested."""
    enough = threading.Event()
    with open_door(GrpcDoor) as rig, _channel(rig.door.address) as channel:
        call = channel.stream_unary(_LOGS).future(_never(enough), timeout=0.1)
        assert call.exception(timeout=20) is not None
        enough.set()
        until(lambda: rig.requests() == {("otlp_grpc", "logs", "client_gone"): 1})


def test_fifty_clients_at_once_are_all_answered(rig: Rig) -> None:
    """Each has a channel of its own, as fifty processes would."""
    with ThreadPoolExecutor(50) as clients:
        assert list(clients.map(lambda number: _call(rig, bytes(number * 1_000)), range(50))) == [b""] * 50
    assert sorted(map(len, rig.ingest.bodies)) == [number * 1_000 for number in range(50)]


def test_a_taken_port_is_one_clear_error(rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
    """Two exporters on one port would share its clients by chance (SO_REUSEPORT is grpcio's default)."""
    second = GrpcDoor(
        rig.door.address, ingest=rig.ingest, telemetry=rig.telemetry, request_bytes=MIB, clock=lambda: 0.0
    )
    with pytest.raises(OSError, match="in use") as caught:
        second.start()
    assert str(caught.value) == f"cannot listen on {rig.door.address}: address already in use"
    assert capfd.readouterr().err == ""
    second.stop(1.0)


def test_all_interfaces_and_names_are_addresses() -> None:
    """An empty host is reached over loopback, too; a name becomes one address."""
    for address in (":0", "localhost:0"):
        door = GrpcDoor(
            address, ingest=lambda _: Receipt(1, 0), telemetry=Telemetry(), request_bytes=MIB, clock=lambda: 0.0
        )
        door.start()
        try:
            port = door.address.rpartition(":")[2]
            with _channel(f"127.0.0.1:{port}") as channel:
                assert channel.unary_unary(_LOGS)(b"x", timeout=20) == b""
        finally:
            door.stop(1.0)


def test_stopping_lets_calls_that_have_begun_finish() -> None:
    """The call gets its reply, and no new one is taken."""
    go_on, begun = threading.Event(), threading.Event()

    def decode(_: Payload) -> Receipt:
        begun.set()
        assert go_on.wait(20)
        return Receipt(1, 0)

    with open_door(GrpcDoor, decode) as rig, _channel(rig.door.address) as channel:
        call = channel.unary_unary(_LOGS).future(b"x", timeout=20)
        assert begun.wait(20)
        stopper = threading.Thread(target=rig.door.stop, args=(20.0,))
        stopper.start()
        until(lambda: _refuses_connections(rig.door.address))
        go_on.set()
        assert call.result(timeout=20) == b""
        stopper.join(20)
        assert not stopper.is_alive()


def _refuses_connections(address: str) -> bool:
    try:
        connect(address).close()
    except OSError:
        return True
    return False


def test_stopping_takes_no_longer_than_the_grace_time() -> None:
    """A call whose message never comes does not hold the exporter up."""
    enough = threading.Event()
    with open_door(GrpcDoor) as rig, _channel(rig.door.address) as channel:
        call = channel.stream_unary(_LOGS).future(_never(enough))
        grpc.channel_ready_future(channel).result(timeout=20)
        began = time.monotonic()
        rig.door.stop(0.2)
        assert time.monotonic() - began < 3
        assert call.exception(timeout=20) is not None
        enough.set()


_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
_PING: Final = bytes.fromhex("000008060000000000") + b"8 bytes!"
_PING_EVERY_SECONDS: Final = 5.5
_PING_ACK, _GOAWAY = 6, 7


def _ping(address: str, *, times: int) -> list[int]:
    """Ping at the pace of a client that pings, without a call; the types of the frames that matter, as they came."""
    seen: list[int] = []
    with connect(address) as connection, connection.makefile("rb") as frames:
        connection.sendall(_PREFACE)
        for number in range(times):
            time.sleep(_PING_EVERY_SECONDS if number else 0)
            connection.sendall(_PING)
            while True:
                header = frames.read(9)
                if len(header) < 9:
                    return seen
                frames.read(int.from_bytes(header[:3]))
                if header[3] == _GOAWAY or (header[3] == _PING_ACK and header[4] & 1):
                    seen.append(header[3])
                    break
            if seen[-1] == _GOAWAY:
                break
    return seen


@pytest.mark.slow
def test_pings_of_an_idle_client_are_answered() -> None:
    """The Collector's exporter pings every 10 s; grpcio's own default answers with GOAWAY, too_many_pings.

    Both are measured at once: the frames of HTTP/2, as a client sends them without a call (gRPC proposal A8).
    """
    default = grpc.server(ThreadPoolExecutor(1))
    port = default.add_insecure_port("127.0.0.1:0")
    default.start()
    try:
        with open_door(GrpcDoor) as rig, ThreadPoolExecutor(2) as clients:
            ours = clients.submit(_ping, rig.door.address, times=5)
            theirs = clients.submit(_ping, f"127.0.0.1:{port}", times=5)
            assert ours.result() == [_PING_ACK] * 5
            assert _GOAWAY in theirs.result()
            assert _call(rig, b"x") == b""
    finally:
        default.stop(None).wait(10)
