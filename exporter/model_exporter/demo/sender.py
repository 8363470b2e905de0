"""How the demo's services tell of what they do: the OpenTelemetry SDK, logs and traces over HTTP."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from opentelemetry._logs import Logger, LogRecord
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer
    from opentelemetry.util.types import AnyValue

QUEUE: Final = 16_384
"""Records that wait for the SDK's threads; more of them are dropped."""
_SEND_EVERY_MILLIS: Final = 500


class Sender:
    """Logs and spans of one service.

    Args:
        endpoint: where the exporter takes OTLP over HTTP, as `http://host:port`.
        service: its name.
        version: of the service.

    Attributes:
        tracer: begins spans.
    """

    def __init__(self, *, endpoint: str, service: str, version: str) -> None:
        resource = Resource.create({"service.name": service, "service.version": version})
        self._logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(
            BatchLogRecordProcessor(
                OTLPLogExporter(endpoint=f"{endpoint}/v1/logs"),
                max_queue_size=QUEUE,
                schedule_delay_millis=_SEND_EVERY_MILLIS,
            )
        )
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces"),
                max_queue_size=QUEUE,
                schedule_delay_millis=_SEND_EVERY_MILLIS,
            )
        )
        self._logger: Logger = self._logs.get_logger("model_exporter.demo")
        self.tracer: Tracer = self._traces.get_tracer("model_exporter.demo")

    def log(self, event: str, attributes: Mapping[str, "AnyValue"]) -> float:
        """Log a record of the event name `event`, now; its time, unix seconds."""
        at = time.time_ns()
        self._logger.emit(LogRecord(timestamp=at, event_name=event, attributes=attributes))
        return at / 1e9

    def flush(self) -> None:
        """Send everything that waits."""
        self._logs.force_flush()
        self._traces.force_flush()

    def close(self) -> None:
        """Send what waits and stop the SDK's threads."""
        self._logs.shutdown()
        self._traces.shutdown()
