"""What senders are told, in the encoding they used."""

from typing import Final

import msgspec
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from model_exporter.decode.codes import Code
from model_exporter.ports import Encoding, Receipt, Signal

MAX_MESSAGE: Final = 1000
"""Characters of a message that are sent; a gRPC status travels in headers, which are small."""

_REJECTED_KEY: Final = {
    Signal.LOGS: "rejectedLogRecords",
    Signal.TRACES: "rejectedSpans",
    Signal.METRICS: "rejectedDataPoints",
}


def encode_success(signal: Signal, encoding: Encoding, *, rejected: int = 0, message: str = "") -> bytes:
    """An OTLP Export*ServiceResponse for LOGS, TRACES or METRICS.

    `partial_success` is unset when nothing was rejected and there is nothing to say, as OTLP requires.

    Raises:
        ValueError: `signal` is not one of OTLP's.
    """
    if signal not in _REJECTED_KEY:
        raise ValueError(f"{signal.value} is no OTLP signal")
    message = _sendable(message)
    if encoding is not Encoding.PROTOBUF:
        partial = {_REJECTED_KEY[signal]: str(rejected)} if rejected else {}
        if message:
            partial["errorMessage"] = message
        return msgspec.json.encode({"partialSuccess": partial} if partial else {})
    if not rejected and not message:
        return b""
    return _partial_success(signal, rejected, message).SerializeToString()


def encode_receipt(receipt: Receipt) -> bytes:
    """What a native JSON door answers: `{"accepted": 2, "rejected": 1, "message": "..."}`."""
    reply: dict[str, int | str] = {"accepted": receipt.accepted, "rejected": receipt.rejected}
    if receipt.message:
        reply["message"] = _sendable(receipt.message)
    return msgspec.json.encode(reply)


def encode_status(code: int, message: str, encoding: Encoding, *, retry_after_seconds: int | None = None) -> bytes:
    """A google.rpc.Status; with `retry_after_seconds` its details hold a RetryInfo."""
    message = _sendable(message)
    if encoding is not Encoding.PROTOBUF:
        status: dict[str, object] = {"code": int(code), "message": message}
        if retry_after_seconds is not None:
            kind = f"type.googleapis.com/{RetryInfo.DESCRIPTOR.full_name}"
            status["details"] = [{"@type": kind, "retryDelay": f"{retry_after_seconds}s"}]
        return msgspec.json.encode(status)
    details = []
    if retry_after_seconds is not None:
        details.append(AnyMessage())
        details[0].Pack(_retry_info(retry_after_seconds))
    return bytes(Status(code=int(code), message=message, details=details).SerializeToString())


def encode_retry_info(seconds: int) -> bytes:
    """A google.rpc.RetryInfo, for the trailer `google.rpc.retryinfo-bin` that the Python exporter reads."""
    return bytes(_retry_info(seconds).SerializeToString())


def _retry_info(seconds: int) -> Message:
    return RetryInfo(retry_delay=Duration(seconds=seconds))  # type: ignore[no-any-return]  # google.rpc has no types


def _partial_success(signal: Signal, rejected: int, message: str) -> Message:
    if signal is Signal.LOGS:
        logs = ExportLogsPartialSuccess(rejected_log_records=rejected, error_message=message)
        return ExportLogsServiceResponse(partial_success=logs)
    if signal is Signal.TRACES:
        spans = ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
        return ExportTraceServiceResponse(partial_success=spans)
    points = ExportMetricsPartialSuccess(rejected_data_points=rejected, error_message=message)
    return ExportMetricsServiceResponse(partial_success=points)


def _sendable(message: str) -> str:
    """`message` as valid text of bounded length."""
    return message[:MAX_MESSAGE].encode("utf-8", "backslashreplace").decode()


__all__ = ["MAX_MESSAGE", "Code", "encode_receipt", "encode_retry_info", "encode_status", "encode_success"]
