"""Where the versions of the OpenTelemetry SDK differ: 1.26, which BentoML pins, to the present ones.

Log records moved from the SDK to the API and got a name of their own on the way. What both ends can carry is a body of
maps; nested attributes lose their content in old ones, and numbers of attributes are limited by the environment.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry import _logs, context, trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk import _logs as sdk_logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.resources import Resource

from model_exporter import __version__

SCOPE: Final = "model_exporter.client"

Emit = Callable[[str, Mapping[str, object], int], None]
"""Take the name of an event, its body and its time in unix nanoseconds."""

_MODERN: Final = hasattr(sdk_logs, "ReadableLogRecord")
_RECORD: Final[Any] = _logs.LogRecord if _MODERN else getattr(sdk_logs, "LogRecord", None)  # its class by version
_NAMES_EVENTS: Final = "event_name" in inspect.signature(_RECORD).parameters


def emitter(provider: Any) -> Emit:  # noqa: ANN401  # the API's class, or whatever the application has in its place
    """What emits records through `provider`, within the span that is current when it is called."""
    logger = provider.get_logger(SCOPE, __version__)
    resource = getattr(provider, "resource", None)

    def emit(event: str, body: Mapping[str, object], time_ns: int) -> None:
        arguments: dict[str, object] = {
            "timestamp": time_ns,
            "observed_timestamp": time_ns,
            "severity_number": SeverityNumber.INFO,
            "body": body,
        }
        if _NAMES_EVENTS:
            arguments["event_name"] = event
        else:
            arguments["attributes"] = {"event.name": event}
        if not _MODERN:
            span = trace.get_current_span().get_span_context()
            arguments |= {"trace_id": span.trace_id, "span_id": span.span_id, "trace_flags": span.trace_flags}
            arguments["resource"] = resource
        logger.emit(_RECORD(**arguments))

    return emit


def provider_of(service: str | None) -> LoggerProvider:
    """A provider of the client's own, which nobody else ends.

    It tells of the same service as the traces of the application, so that the exporter knows that a span and a record
    are about one prediction: its name is `service`, or what the application's tracing says, or OTEL_SERVICE_NAME.
    """
    resource = getattr(trace.get_tracer_provider(), "resource", None)
    if not isinstance(resource, Resource):
        resource = Resource.create()
    if service:
        resource = resource.merge(Resource({"service.name": service}))
    return LoggerProvider(resource=resource, shutdown_on_exit=False)


def suppress_instrumentation() -> None:
    """Let no instrumentation of HTTP or gRPC make spans of what the calling thread sends from now on."""
    for key in ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY"):
        name = getattr(context, key, None)
        if name is not None:
            context.attach(context.set_value(name, True))  # noqa: FBT003  # the API's signature
