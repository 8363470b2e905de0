"""The doors as the OpenTelemetry SDK of Python meets them: real exporters, with their own retries."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from model_exporter.errors import DecodeError, OverloadedError
from model_exporter.ports import Payload, Receipt, Signal
from model_exporter.receive import GrpcDoor, HttpDoor
from receiving import Rig, open_door

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")  # no socket is left open


def _log_records() -> Sequence[Any]:
    """Two log records, as the SDK makes them."""
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's types have gaps
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    logger = provider.get_logger("test")
    for number in range(2):
        logger.emit(body={"amount": number + 0.5}, event_name="model.prediction", attributes={"model.name": "fraud"})
    return memory.get_finished_logs()


def _spans() -> Sequence[Any]:
    """Two spans, as the SDK makes them."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test")
    for _ in range(2):
        tracer.start_span("POST /predict").end()
    return memory.get_finished_spans()


@dataclass(frozen=True, slots=True)
class Exporter:
    """A kind of exporter, the door it talks to, and how it is told to compress."""

    signal: Signal
    door: type[HttpDoor] | type[GrpcDoor]
    make: Callable[..., Any]
    options: dict[str, Any]

    def export(self, rig: Rig) -> str:
        """Send two records; `SUCCESS` or `FAILURE`."""
        paths = {Signal.LOGS: "/v1/logs", Signal.TRACES: "/v1/traces"}
        endpoint = f"http://{rig.door.address}" + ("" if self.door is GrpcDoor else paths[self.signal])
        exporter = self.make(endpoint=endpoint, **self.options)
        try:
            result: str = exporter.export(_log_records() if self.signal is Signal.LOGS else _spans()).name
        finally:
            exporter.shutdown()
        return result


_HTTP: Final = [
    Exporter(signal, HttpDoor, make, {"compression": coding})
    for signal, make in ((Signal.LOGS, HttpLogs), (Signal.TRACES, HttpSpans))
    for coding in (Compression.NoCompression, Compression.Gzip, Compression.Deflate)
]
_GRPC: Final = [
    Exporter(signal, GrpcDoor, make, {"compression": coding, "insecure": True})
    for signal, make in ((Signal.LOGS, GrpcLogs), (Signal.TRACES, GrpcSpans))
    for coding in (grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate)
]
_NAMES: Final = [f"{e.door.__name__}-{e.signal.value}-{e.options['compression'].name}" for e in (*_HTTP, *_GRPC)]
_ONE_OF_EACH: Final = pytest.mark.parametrize("exporter", [_HTTP[0], _GRPC[0]], ids=["http", "grpc"])


@pytest.mark.parametrize("exporter", [*_HTTP, *_GRPC], ids=_NAMES)
def test_what_the_sdk_sends_arrives(exporter: Exporter) -> None:
    """Uncompressed, gzip and deflate; the body is the protobuf message that the SDK wrote."""
    with open_door(exporter.door) as rig:
        assert exporter.export(rig) == "SUCCESS"
        (payload,) = rig.ingest.payloads
    assert payload.signal is exporter.signal
    if exporter.signal is Signal.LOGS:
        logs = ExportLogsServiceRequest.FromString(payload.body).resource_logs[0].scope_logs[0].log_records
        assert [record.event_name for record in logs] == ["model.prediction"] * 2
    else:
        spans = ExportTraceServiceRequest.FromString(payload.body).resource_spans[0].scope_spans[0].spans
        assert [span.name for span in spans] == ["POST /predict"] * 2


@_ONE_OF_EACH
def test_the_sdk_sends_again_when_it_is_told_to(exporter: Exporter) -> None:
    """An overload loses nothing: after the hinted time, and no sooner, the same batch comes again.

    Over gRPC Python's exporter reads the hint from the trailer `google.rpc.retryinfo-bin` only.
    """
    arrived: list[float] = []

    def refuse_first(_: Payload) -> Receipt:
        arrived.append(time.monotonic())
        if len(arrived) == 1:
            raise OverloadedError("the queue is full", retry_after_seconds=2)
        return Receipt(2, 0)

    with open_door(exporter.door, refuse_first) as rig:
        assert exporter.export(rig) == "SUCCESS"
        first, second = rig.ingest.bodies
    assert first == second
    assert 2.0 <= arrived[1] - arrived[0] < 5.0


@_ONE_OF_EACH
def test_the_sdk_takes_a_partial_success_for_a_success(exporter: Exporter) -> None:
    """The client MUST NOT send the batch again (opentelemetry-proto docs/specification.md, "Partial Success")."""
    with open_door(exporter.door, lambda _: Receipt(1, 1, "1 x type: amount is text")) as rig:
        assert exporter.export(rig) == "SUCCESS"
        assert len(rig.ingest.payloads) == 1


@_ONE_OF_EACH
@pytest.mark.parametrize("error", [DecodeError("wire", "cut off"), ZeroDivisionError()], ids=["bad data", "bug"])
def test_the_sdk_drops_what_cannot_succeed(exporter: Exporter, error: Exception) -> None:
    """Neither 400 nor 500, INVALID_ARGUMENT nor INTERNAL is sent again."""

    def refuse(_: Payload) -> Receipt:
        raise error

    with open_door(exporter.door, refuse) as rig:
        assert exporter.export(rig) == "FAILURE"
        assert len(rig.ingest.payloads) == 1


def test_an_endpoint_without_a_path_reaches_the_logs() -> None:
    """As BentoML configures its exporter: `http://host:port`, which the specification sends to the root."""
    with open_door(HttpDoor) as rig:
        exporter: Any = HttpLogs(endpoint=f"http://{rig.door.address}")
        try:
            assert exporter.export(_log_records()).name == "SUCCESS"
        finally:
            exporter.shutdown()
        assert [payload.signal for payload in rig.ingest.payloads] == [Signal.LOGS]
