"""What another OTLP endpoint answered: its success messages, statuses and hints. The counterpart of `replies`."""

from typing import Final

import msgspec
from google.protobuf.message import DecodeError as WireError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from model_exporter.ports import Encoding, Signal

_SHOWN: Final = 200
"""Characters of a target's message that are repeated."""
_NANOSECOND: Final = 1e-9


class _JsonPartial(msgspec.Struct, rename="camel"):
    rejected_log_records: int | str = 0
    rejected_spans: int | str = 0
    rejected_data_points: int | str = 0
    error_message: str = ""


class _JsonSuccess(msgspec.Struct, rename="camel"):
    partial_success: _JsonPartial | None = None


class _JsonStatus(msgspec.Struct):
    message: str = ""


def read_success(signal: Signal, encoding: Encoding, body: bytes) -> tuple[int, str]:
    """How many records the target rejected of a request that it took, and what it says.

    A body that cannot be read says nothing: the status was a success all the same.
    """
    try:
        if encoding is Encoding.JSON:
            return _read_json_success(body)
        if signal is Signal.LOGS:
            logs = ExportLogsServiceResponse.FromString(body).partial_success
            return logs.rejected_log_records, logs.error_message[:_SHOWN]
        if signal is Signal.TRACES:
            spans = ExportTraceServiceResponse.FromString(body).partial_success
            return spans.rejected_spans, spans.error_message[:_SHOWN]
        points = ExportMetricsServiceResponse.FromString(body).partial_success
    except (WireError, msgspec.MsgspecError, ValueError):
        return 0, ""
    return points.rejected_data_points, points.error_message[:_SHOWN]


def read_message(media_type: str, body: bytes) -> str:
    """What the body of an HTTP error says, a google.rpc.Status or plain text; empty when nothing readable."""
    try:
        if media_type == "application/x-protobuf":
            return str(Status.FromString(body).message)[:_SHOWN]
        if media_type == "application/json":
            return msgspec.json.decode(body, type=_JsonStatus).message[:_SHOWN]
    except (WireError, msgspec.MsgspecError, ValueError):
        return ""
    return body[:_SHOWN].decode("utf-8", "replace").strip() if media_type == "text/plain" else ""


def read_retry_status(details: bytes) -> float | None:
    """Seconds of the RetryInfo in a google.rpc.Status; None when there is none."""
    try:
        for detail in Status.FromString(details).details:
            if detail.Is(RetryInfo.DESCRIPTOR):
                return read_retry_info(detail.value)
    except WireError:
        return None
    return None


def read_retry_info(info: bytes) -> float | None:
    """Seconds of a google.rpc.RetryInfo; None when it is none."""
    try:
        delay = RetryInfo.FromString(info).retry_delay
    except WireError:
        return None
    return max(0.0, float(delay.seconds + delay.nanos * _NANOSECOND))


def _read_json_success(body: bytes) -> tuple[int, str]:
    partial = msgspec.json.decode(body, type=_JsonSuccess).partial_success if body else None
    if partial is None:
        return 0, ""
    rejected = int(partial.rejected_log_records) + int(partial.rejected_spans) + int(partial.rejected_data_points)
    return max(0, rejected), partial.error_message[:_SHOWN]
