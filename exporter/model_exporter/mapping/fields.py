"""What a mapping may fill in."""

from typing import Final

FIELDS: Final = (
    "model",
    "version",
    "id",
    "request_id",
    "features",
    "prediction",
    "score",
    "probabilities",
    "latency_ms",
    "latency_seconds",
    "error",
    "time",
    "start_time",
    "end_time",
    "outcome",
    "segments",
    "values",
    "lower",
    "upper",
    "horizon",
    "naive",
    "change",
    "source",
)
"""Native fields, as the JSON doors call them; `start_time` and `end_time` together make the latency.

Rows may share a `request_id`, but no `id`.
"""

MAPS: Final = frozenset({"features", "segments", "values"})
"""Fields that hold a value for each of several names."""

EVENTS: Final = ("prediction", "outcome", "event")
"""What a record can be about."""

SCOPES: Final = ("records", "logs", "spans", "exchanges")
"""Where records can come from: the door for records, OTLP logs, OTLP spans, payload loggers."""

LOG_ROOTS: Final = frozenset({"attributes", "body", "event_name", "observed_time", "resource", "scope", "severity"})
"""What an OTLP log record holds as mappings see it, apart from `time`, `trace_id` and `span_id`."""

SHARED_ROOTS: Final = frozenset({"resource", "scope"})
"""Of these all records of one instrumentation scope hold the same."""
