"""Replies in the sender's encoding."""

import json

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from model_exporter.decode import Code, encode_receipt, encode_retry_info, encode_status, encode_success
from model_exporter.ports import Encoding, Receipt, Signal

RESPONSES: list[tuple[Signal, type[Message], str]] = [
    (Signal.LOGS, ExportLogsServiceResponse, "rejected_log_records"),
    (Signal.TRACES, ExportTraceServiceResponse, "rejected_spans"),
    (Signal.METRICS, ExportMetricsServiceResponse, "rejected_data_points"),
]
SIGNALS = pytest.mark.parametrize(("signal", "response", "field"), RESPONSES)


@SIGNALS
def test_full_success_leaves_partial_success_unset(signal: Signal, response: type[Message], field: str) -> None:
    """OTLP: on full success `partial_success` MUST be left unset; the JSON is `{}`."""
    del field
    assert not response.FromString(encode_success(signal, Encoding.PROTOBUF)).HasField("partial_success")
    assert encode_success(signal, Encoding.JSON) == b"{}"


@SIGNALS
def test_partial_success_in_both_encodings(signal: Signal, response: type[Message], field: str) -> None:
    """How many were rejected, and why; in JSON the int64 is text, as proto3's JSON has it."""
    binary = response.FromString(encode_success(signal, Encoding.PROTOBUF, rejected=3, message="why"))
    partial = binary.partial_success  # type: ignore[attr-defined]  # all three have it
    assert (getattr(partial, field), partial.error_message) == (3, "why")
    text = encode_success(signal, Encoding.JSON, rejected=3, message="why")
    assert json_format.Parse(text, response()) == binary
    assert '"3"' in text.decode()


@SIGNALS
def test_a_warning_rejects_nothing(signal: Signal, response: type[Message], field: str) -> None:
    """OTLP: a message with `rejected = 0` is a warning."""
    binary = response.FromString(encode_success(signal, Encoding.PROTOBUF, message="slow down"))
    assert getattr(binary.partial_success, field) == 0  # type: ignore[attr-defined]  # all three have it
    text = encode_success(signal, Encoding.JSON, message="slow down")
    assert json.loads(text) == {"partialSuccess": {"errorMessage": "slow down"}}


def test_only_otlp_signals_have_such_a_reply() -> None:
    """The native doors answer with a receipt."""
    with pytest.raises(ValueError, match="predictions is no OTLP signal"):
        encode_success(Signal.PREDICTIONS, Encoding.JSON)


@pytest.mark.parametrize("retry", [None, 2])
def test_a_status_is_the_same_in_both_encodings(retry: int | None) -> None:
    """A google.rpc.Status in the encoding of the request, with RetryInfo when it may be tried again."""
    code, message = Code.UNAVAILABLE, "queue full"
    binary = Status.FromString(encode_status(code, message, Encoding.PROTOBUF, retry_after_seconds=retry))
    assert (binary.code, binary.message) == (14, "queue full")
    assert json_format.Parse(encode_status(code, message, Encoding.JSON, retry_after_seconds=retry), Status()) == binary
    assert len(binary.details) == (retry is not None)
    for detail in binary.details:
        info = RetryInfo()
        assert detail.Unpack(info)
        assert info.retry_delay.seconds == 2


def test_json_lines_are_answered_in_json() -> None:
    """There is one reply to many lines."""
    assert json.loads(encode_status(Code.INVALID_ARGUMENT, "x", Encoding.JSON_LINES)) == {"code": 3, "message": "x"}


def test_retry_info_for_the_trailer() -> None:
    """The Python gRPC exporter reads `google.rpc.retryinfo-bin` and ignores the status details."""
    assert RetryInfo.FromString(encode_retry_info(2)).retry_delay.seconds == 2


@pytest.mark.parametrize(
    ("receipt", "reply"),
    [
        (Receipt(accepted=2, rejected=0), {"accepted": 2, "rejected": 0}),
        (Receipt(accepted=2, rejected=1, message="why"), {"accepted": 2, "rejected": 1, "message": "why"}),
    ],
)
def test_the_native_doors_answer_with_a_receipt(receipt: Receipt, reply: dict[str, object]) -> None:
    """What was kept, what was not, and why."""
    assert json.loads(encode_receipt(receipt)) == reply


def test_messages_are_short_and_valid_text() -> None:
    """A gRPC status travels in headers of a few kilobytes; a surrogate would not travel at all."""
    status = Status.FromString(encode_status(Code.INTERNAL, "\ud800" + "x" * 5000, Encoding.PROTOBUF))
    assert status.message.startswith(r"\ud800x")
    assert len(status.message) < 1100


def test_codes_are_those_of_grpc() -> None:
    """Numbers and names of google/rpc/code.proto."""
    assert [code.value for code in Code] == list(range(17))
    assert Code(5).name == "NOT_FOUND"
