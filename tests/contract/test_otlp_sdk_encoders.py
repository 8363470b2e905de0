"""What the OpenTelemetry SDK for Python really puts on the wire, decoded."""

from typing import Any

import numpy as np
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.ports import Encoding, Signal
from otlp_messages import calls, inputs, otlp_json, outputs, payload, rows

RESOURCE = Resource.create({"service.name": "scoring"})


class Logs:
    """A LoggerProvider whose records are decoded instead of sent."""

    def __init__(self) -> None:
        self._exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK left it out
        self.provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self._exporter))

    def decoded(self) -> Decoded:
        """What the decoder makes of what was emitted; the same in both encodings."""
        request = encode_logs(self._exporter.get_finished_logs())
        decoder = Decoder(Limits())
        binary = decoder.decode(payload(Signal.LOGS, Encoding.PROTOBUF, request.SerializeToString()))
        assert rows(binary) == rows(decoder.decode(payload(Signal.LOGS, Encoding.JSON, otlp_json(request))))
        return binary


def test_an_event_of_the_logs_api() -> None:
    """The native record, written the native way."""
    logs = Logs()
    attributes: dict[str, Any] = {
        "model.name": "fraud",
        "model.version": "1",
        "prediction.id": "p1",
        "features": {"amount": 12.5, "country": "DE", "flags": [True, False], "none": None},
        "prediction": "approve",
        "probabilities": [0.75, 0.25],
        "latency_ms": 12,
    }
    logs.provider.get_logger("app").emit(
        LogRecord(timestamp=1_800_000_000_000_000_000, event_name="model.prediction", attributes=attributes)
    )
    decoded = logs.decoded()
    (batch,) = decoded.batches
    assert (batch.model, batch.version, batch.service, batch.ids) == ("fraud", "1", "scoring", ("p1",))
    assert batch.times.tolist() == [1_800_000_000.0]
    assert inputs(decoded) == {"amount": 12.5, "country": "DE", "flags": ..., "none": None}
    assert outputs(decoded) == {"prediction": "approve", "probabilities.0": 0.75, "probabilities.1": 0.25}


def test_a_record_without_a_time_was_observed() -> None:
    """The SDK may leave the time out; it always says when it saw the record."""
    logs = Logs()
    logs.provider.get_logger("app").emit(LogRecord(severity_number=SeverityNumber.INFO, attributes={"score": 0.5}))
    assert logs.decoded().batches[0].times[0] > 1_700_000_000


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_numpy_values_arrive_as_something_usable() -> None:
    """The SDK turns numpy scalars other than float64 into text; the cell is there, for the schema to make sense of."""
    logs = Logs()
    attributes: dict[str, Any] = {
        "feature.f64": np.float64(0.5),
        "feature.f32": np.float32(0.5),
        "feature.i": np.int64(3),
    }
    logs.provider.get_logger("app").emit(LogRecord(event_name="model.prediction", attributes=attributes))
    found = inputs(logs.decoded())
    assert found["f64"] == 0.5
    assert {float(found["f32"]), float(found["i"])} == {0.5, 3.0}


def test_noise_of_other_loggers_is_ignored() -> None:
    """Whatever else the service logs through the same provider."""
    logs = Logs()
    logs.provider.get_logger("other").emit(LogRecord(body="reloaded", severity_text="WARN"))
    assert logs.decoded().ignored == {"not_a_prediction": 1}


def test_a_map_as_the_body() -> None:
    """What `logger.info({...})` becomes through the SDK's logging handler; code attributes come along."""
    logs = Logs()
    body: dict[str, Any] = {"model.name": "m", "features": {"a": 1.5}, "prediction": 1}
    logs.provider.get_logger("app").emit(LogRecord(body=body, attributes={"code.line.number": 3}))
    decoded = logs.decoded()
    assert decoded.batches[0].model == "m"
    assert inputs(decoded) == {"a": 1.5}


def test_spans_of_the_trace_api() -> None:
    """A request that calls an upstream and fails."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("app")
    request: dict[str, Any] = {"http.method": "POST", "http.target": "/v2/models/iris/infer"}
    with tracer.start_as_current_span("POST", kind=SpanKind.SERVER, attributes=request) as server:
        with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes={"server.address": "features"}):
            pass
        with tracer.start_as_current_span("http send"):
            server.record_exception(ValueError("no"))
            server.set_status(Status(StatusCode.ERROR))
    decoder = Decoder(Limits())
    message = encode_spans(exporter.get_finished_spans())
    decoded = decoder.decode(payload(Signal.TRACES, Encoding.PROTOBUF, message.SerializeToString()))
    (batch,) = decoded.batches
    assert (batch.model, batch.service, batch.errors.words) == ("iris", "scoring", ("ValueError",))
    assert batch.keys.tolist() != [0]
    assert 0 < batch.latency_seconds[0] < 60
    assert [call["upstream"] for call in calls(decoded)] == ["features"]
    assert decoded.ignored == {"span_kind": 1}
    again = decoder.decode(payload(Signal.TRACES, Encoding.JSON, otlp_json(message)))
    assert rows(again) == rows(decoded)
