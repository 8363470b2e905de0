"""OTLP log records and spans as mappings see them."""

from collections.abc import Mapping, Sequence
from typing import Final

from model_exporter.decode.identity import Source, Stamp
from model_exporter.decode.mapped import MappedRows
from model_exporter.decode.spans import KINDS, Span, error_of
from model_exporter.decode.values import NANOSECONDS
from model_exporter.mapping import Mapping as RecordMapping

_SEVERITIES: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_SEVERITY_STEPS: Final = 4
"""Numbers of each severity, from 1 on."""

Record = dict[str, object]
"""What the paths of a mapping start from."""


class OtlpMappings:
    """The mappings that one request's records, all logs or all spans, may be read through."""

    def __init__(self, mappings: Sequence[RecordMapping], rows: MappedRows) -> None:
        self._mappings = mappings
        self._rows = rows

    def group(self, shared: Record) -> "MappedGroup | None":
        """What reads the records of one instrumentation scope, told as by `shared_scope`; None when no mapping can.

        A record costs nothing more than without mappings when they are all for other scopes and resources.
        """
        candidates = [mapping for mapping in self._mappings if mapping.may_take_any_with(shared)]
        return MappedGroup(candidates, shared, self._rows) if candidates else None


class MappedGroup:
    """Reads the records of one instrumentation scope through the mappings that may take them."""

    def __init__(self, candidates: Sequence[RecordMapping], shared: Record, rows: MappedRows) -> None:
        self._candidates = candidates
        self._shared = shared
        self._rows = rows

    def read(self, source: Source, stamp: Stamp, record: Record) -> bool:
        """Read one record, told as by `log_scope` or `span_scope`; False, and nothing done, when no mapping takes it.

        Raises:
            RecordError: a value in it that a condition asks for cannot be what it says.
        """
        return self._rows.read(self._candidates, record | self._shared, source=source, stamp=stamp)

    def read_span(self, source: Source, span: Span) -> bool:
        """The same for a span of any kind."""
        return self.read(source, Stamp(span.end_ns, 0, span.trace_id, span.span_id), span_scope(span))


def shared_scope(resource: Record, scope: str, version: str) -> Record:
    """What mappings see of all records of one instrumentation scope."""
    return {"resource": resource, "scope": {"name": scope, "version": version}}


def log_scope(stamp: Stamp, event_name: str, severity: str, attributes: Mapping[str, object], body: object) -> Record:
    """A LogRecord as mappings see it, but for its resource and scope; times are unix seconds, ids are hex."""
    return {
        "event_name": event_name or attributes.get("event.name"),
        "severity": severity,
        "attributes": attributes,
        "body": body,
        "time": _seconds(stamp.time_ns),
        "observed_time": _seconds(stamp.observed_ns),
        "trace_id": stamp.trace_id.hex(),
        "span_id": stamp.span_id.hex(),
    }


def severity_of(text: object, number: object) -> str:
    """The severity as its sender calls it, or else as OpenTelemetry calls the number; empty without either."""
    if isinstance(text, str) and text:
        return text
    if isinstance(number, int) and 0 < number <= _SEVERITY_STEPS * len(_SEVERITIES):
        return _SEVERITIES[(number - 1) // _SEVERITY_STEPS]
    return number.removeprefix("SEVERITY_NUMBER_") if isinstance(number, str) else ""


def span_scope(span: Span) -> Record:
    """A span as mappings see it, but for its resource and scope. Its events can be gone through more than once."""
    start, end = _seconds(span.start_ns), _seconds(span.end_ns)
    return {
        "name": span.name,
        "kind": KINDS[span.kind] if 0 <= span.kind < len(KINDS) else KINDS[0],
        "attributes": span.attributes,
        "events": [{"name": name, "attributes": attributes} for name, attributes in span.events],
        "start_time": start,
        "end_time": end,
        "duration_ms": None if start is None or end is None else max(0.0, (span.end_ns - span.start_ns) / 1e6),
        "status": span.status,
        "error": error_of(span),
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex(),
    }


def _seconds(nanoseconds: int) -> float | None:
    return nanoseconds / NANOSECONDS if nanoseconds else None
