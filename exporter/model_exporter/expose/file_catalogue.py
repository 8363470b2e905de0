"""Metrics of log files that are followed, by the rules of `catalogue`."""

from typing import Final

from model_exporter.expose.metric import Metric, MetricType, each

_COUNTER, _GAUGE = MetricType.COUNTER, MetricType.GAUGE

FOLLOWED_FILES: Final = Metric(
    "model_exporter_followed_files", _GAUGE, "Log files that are followed, by the glob that finds them.", ("pattern",)
)
FILE_LAG: Final = Metric(
    "model_exporter_file_lag_bytes", _GAUGE, "Bytes of followed files that are not read yet.", ("pattern",)
)
FILE_READ: Final = Metric(
    "model_exporter_file_read_bytes_total", _COUNTER, "Bytes read of log files, decompressed.", ("pattern",)
)
FILE_LINES: Final = Metric(
    "model_exporter_file_lines_total",
    _COUNTER,
    "Lines read of log files that held anything; a restart reads those again that no scrape has carried.",
    ("pattern",),
)
FILE_SKIPPED: Final = Metric(
    "model_exporter_file_skipped_total",
    _COUNTER,
    "Lines of log files that were skipped (too long), or cut (zero bytes at their beginning), by reason.",
    ("reason",),
    each("too_long", "zero_bytes"),
)
FILE_PROBLEMS: Final = Metric(
    "model_exporter_file_problems_total",
    _COUNTER,
    "Log files that could not be followed as they are, by reason, each once until it can be read again.",
    ("reason",),
    each("bad_gzip", "lost_tail", "not_a_file", "permission", "unreadable", "vanished"),
)
FILE_ROTATIONS: Final = Metric(
    "model_exporter_file_rotations_total",
    _COUNTER,
    "Log files that were renamed, truncated or removed while they were followed.",
    ("how",),
    each("removed", "renamed", "truncated"),
)
FILE_POSITIONS: Final = Metric(
    "model_exporter_file_positions_timestamp_seconds",
    _GAUGE,
    "When positions in log files were last kept, which is when a scrape has carried new lines.",
)

METRICS: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""All of the above."""
