"""Metrics of what is passed on to another endpoint, by the rules of `catalogue`."""

from typing import Final

from model_exporter.expose.metric import Metric, MetricType

_COUNTER, _GAUGE = MetricType.COUNTER, MetricType.GAUGE

FORWARDED_REQUESTS: Final = Metric(
    "model_exporter_forwarded_requests_total",
    _COUNTER,
    "OTLP requests that were to be passed on, by what became of them.",
    ("signal", "outcome"),
)
FORWARDED_BYTES: Final = Metric(
    "model_exporter_forwarded_bytes_total",
    _COUNTER,
    "Bytes of their bodies, decompressed.",
    ("signal", "outcome"),
)
FORWARD_FAILURES: Final = Metric(
    "model_exporter_forward_failures_total",
    _COUNTER,
    "Attempts to pass a request on that failed and are made again, by reason.",
    ("reason",),
)
FORWARD_REJECTED: Final = Metric(
    "model_exporter_forward_rejected_records_total",
    _COUNTER,
    "Records that the target rejected of requests that it took.",
    ("signal",),
)
FORWARD_QUEUE_BYTES: Final = Metric(
    "model_exporter_forward_queue_bytes", _GAUGE, "Bytes of requests that are to be passed on and have not arrived."
)
FORWARD_QUEUE_CAPACITY: Final = Metric(
    "model_exporter_forward_queue_capacity_bytes", _GAUGE, "Bytes that these may have; beyond it requests are lost."
)
FORWARD_QUEUE_REQUESTS: Final = Metric(
    "model_exporter_forward_queue_requests", _GAUGE, "Requests that wait for their first attempt to be passed on."
)
FORWARD_SUCCESS: Final = Metric(
    "model_exporter_forward_last_success_timestamp_seconds", _GAUGE, "When the target last took a request."
)

METRICS: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""All of the above."""
