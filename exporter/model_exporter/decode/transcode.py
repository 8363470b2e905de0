"""OTLP/JSON as protobuf, for a target that takes nothing else."""

import base64
import json
from typing import Any, Final, cast

from google.protobuf.json_format import ParseDict, ParseError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from model_exporter.errors import DecodeError
from model_exporter.ports import Signal

_REQUESTS: Final = {
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}
_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


def to_protobuf(signal: Signal, body: bytes) -> bytes:
    """The protobuf message of an OTLP/JSON request.

    Raises:
        DecodeError: protobuf cannot say what the request says, such as a whole number of more than 64 bits, which the
            SDK for JavaScript writes for a large float.
    """
    try:
        request = ParseDict(
            cast("dict[str, Any]", _with_ids(json.loads(body))), _REQUESTS[signal](), ignore_unknown_fields=True
        )
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DecodeError("transcode", f"protobuf cannot say what this JSON says: {error}") from error
    return bytes(request.SerializeToString())


def _with_ids(node: object) -> object:
    """`node` with ids in base64, which proto3's JSON has for bytes; OTLP's has hex.

    Attributes are lists of keys and values, so that no name of a user's is taken for an id.
    """
    if isinstance(node, list):
        return [_with_ids(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode()
        if key in _IDS and isinstance(value, str)
        else _with_ids(value)
        for key, value in node.items()
    }
