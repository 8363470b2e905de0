"""The OpenTelemetry SDK for Python as a client that says when an export failed."""

import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from grpc import Compression as GrpcCompression
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, set_span_in_context
from opentelemetry.util.types import AnyValue

QUEUE = 8192
FLUSH_EVERY = QUEUE // 2  # the SDK drops what its queue has no room for
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
SERVER_ATTRIBUTES: Mapping[str, str | int] = {
    "http.request.method": "POST",
    "http.route": "/predict",
    "http.response.status_code": 200,
}


class _WatchedLogs(LogRecordExporter):
    def __init__(self, exporter: LogRecordExporter) -> None:
        self._exporter = exporter
        self.failures = 0

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        result = self._exporter.export(batch)
        self.failures += result is not LogRecordExportResult.SUCCESS
        return result

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # so the SDK declares it


class _WatchedSpans(SpanExporter):
    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failures = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        self.failures += result is not SpanExportResult.SUCCESS
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class Client:
    """The service `api`, which logs predictions of a model, each within a SERVER span when `traced`.

    Args:
        protocol: `http` or `grpc`.
        endpoint: `http://host:port`.
        compression: `none`, `gzip` or `deflate`.
        model: name of the model, which spans do not carry.
        traced: whether predictions are sent as spans too.
    """

    def __init__(self, protocol: str, endpoint: str, *, compression: str, model: str, traced: bool) -> None:
        self._model = model
        log_exporter: LogRecordExporter
        span_exporter: SpanExporter
        if protocol == "grpc":
            grpc_compression = {
                "none": GrpcCompression.NoCompression,
                "gzip": GrpcCompression.Gzip,
                "deflate": GrpcCompression.Deflate,
            }[compression]
            log_exporter = GrpcLogExporter(endpoint=endpoint, insecure=True, compression=grpc_compression)
            span_exporter = GrpcSpanExporter(endpoint=endpoint, insecure=True, compression=grpc_compression)
        else:
            http_compression = HttpCompression(compression)
            log_exporter = HttpLogExporter(endpoint=f"{endpoint}/v1/logs", compression=http_compression)
            span_exporter = HttpSpanExporter(endpoint=f"{endpoint}/v1/traces", compression=http_compression)
        self._watched_logs = _WatchedLogs(log_exporter)
        self._watched_spans = _WatchedSpans(span_exporter)
        resource = Resource.create({"service.name": "api"})
        self._logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(BatchLogRecordProcessor(self._watched_logs, max_queue_size=QUEUE))
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(BatchSpanProcessor(self._watched_spans, max_queue_size=QUEUE))
        self._logger = self._logs.get_logger("e2e")
        self._tracer = self._traces.get_tracer("e2e")
        self._traced = traced

    def send(
        self,
        rows: Iterable[Mapping[str, AnyValue]],
        *,
        first_id: int = 0,
        more: Mapping[str, AnyValue] = MappingProxyType({}),
    ) -> None:
        """Log one prediction a row; `more` are further attributes of every record."""
        for number, features in enumerate(rows, first_id):
            record = LogRecord(
                timestamp=time.time_ns(),
                event_name="model.prediction",
                attributes={
                    "model.name": self._model,
                    "model.version": "1",
                    "prediction.id": f"{self._model}-{number}",
                    "features": features,
                    **more,
                },
            )
            if self._traced:
                with self._tracer.start_as_current_span(
                    "POST /predict", kind=SpanKind.SERVER, attributes=SERVER_ATTRIBUTES
                ):
                    self._logger.emit(record)
            else:
                self._logger.emit(record)
            if number % FLUSH_EVERY == FLUSH_EVERY - 1:
                self.flush()

    def trace(self, requests: int) -> None:
        """Send a SERVER span a request, and no log."""
        for _ in range(requests):
            self._tracer.start_span("POST /predict", kind=SpanKind.SERVER, attributes=SERVER_ATTRIBUTES).end()

    def call(self, upstream: str, *, failed: bool) -> None:
        """Send the CLIENT span of a call to `upstream` on behalf of the model, within a request that is not told."""
        ids = self._traces.id_generator
        request = SpanContext(ids.generate_trace_id(), ids.generate_span_id(), is_remote=True, trace_flags=_SAMPLED)
        span = self._tracer.start_span(
            "GET /lookup",
            context=set_span_in_context(NonRecordingSpan(request)),
            kind=SpanKind.CLIENT,
            attributes={"peer.service": upstream, "model.name": self._model},
        )
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end()

    def flush(self) -> None:
        """Send everything that waits."""
        self._logs.force_flush()
        self._traces.force_flush()

    def close(self) -> int:
        """Send everything and stop; how many exports failed."""
        self.flush()
        self._logs.shutdown()
        self._traces.shutdown()
        return self._watched_logs.failures + self._watched_spans.failures
