"""What becomes of a request: one table for both doors, as the OTLP specification has it.

Section names in the comments are those of opentelemetry-proto/docs/specification.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

from model_exporter.decode.replies import Code
from model_exporter.errors import DecodeError, ModelExporterError, OverloadedError, TooLargeError, UnknownMappingError
from model_exporter.ports import Door, Receipt

OutcomeName = Literal[
    "success", "partial", "bad_data", "too_large", "unsupported", "overloaded", "client_gone", "error"
]
OUTCOMES: Final[tuple[OutcomeName, ...]] = get_args(OutcomeName)
"""Values of the label `outcome` of `model_exporter_requests_total`."""

_OTLP: Final = frozenset({Door.OTLP_GRPC, Door.OTLP_HTTP})
_MESSAGE_BYTES: Final = 1024


class UnknownPathError(ModelExporterError):
    """Nothing is served under this path."""


class WrongMethodError(ModelExporterError):
    """The path takes POST only."""


class UnsupportedTypeError(ModelExporterError):
    """The path does not take this content type."""


class UnknownCodingError(ModelExporterError):
    """The body is compressed in a way that is not understood."""


class ClientGoneError(ModelExporterError):
    """The client hung up, or stopped sending, before its request was whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ends.

    Attributes:
        outcome: value of the label `outcome`.
        http_status: status of the HTTP doors.
        code: status of the gRPC door, and of the google.rpc.Status in the body of an HTTP error.
        retryable: whether the sender is told to send the same request again, and when.
    """

    outcome: OutcomeName
    http_status: int
    code: Code
    retryable: bool = False


_SUCCESS: Final = Answer("success", 200, Code.OK)  # "Full Success"
_PARTIAL: Final = Answer("partial", 200, Code.OK)  # "Partial Success": the client MUST NOT send the request again
_ALL_REJECTED: Final = Answer("bad_data", 400, Code.INVALID_ARGUMENT)  # no OTLP: a person with curl sees a failure
_BUG: Final = Answer("error", 500, Code.INTERNAL)  # "Retryable Response Codes": 500 and INTERNAL are not among them

_ERRORS: Final[Mapping[type[ModelExporterError], Answer]] = MappingProxyType(
    {
        # "Bad Data": HTTP 400 and INVALID_ARGUMENT, and the client MUST NOT retry.
        DecodeError: Answer("bad_data", 400, Code.INVALID_ARGUMENT),
        # "OTLP/HTTP Request" and "OTLP/gRPC Request": 413 and RESOURCE_EXHAUSTED, which is final without RetryInfo.
        TooLargeError: Answer("too_large", 413, Code.RESOURCE_EXHAUSTED),
        # "OTLP/gRPC Throttling", "OTLP/HTTP Throttling": UNAVAILABLE with RetryInfo, 503 with Retry-After.
        OverloadedError: Answer("overloaded", 503, Code.UNAVAILABLE, retryable=True),
        UnknownMappingError: Answer("unsupported", 404, Code.UNIMPLEMENTED),
        UnknownPathError: Answer("unsupported", 404, Code.UNIMPLEMENTED),
        WrongMethodError: Answer("unsupported", 405, Code.UNIMPLEMENTED),
        UnsupportedTypeError: Answer("unsupported", 415, Code.INVALID_ARGUMENT),
        # The specification names no status; 400 is what the OpenTelemetry Collector answers (confighttp).
        UnknownCodingError: Answer("unsupported", 400, Code.INVALID_ARGUMENT),
        ClientGoneError: Answer("client_gone", 408, Code.CANCELLED),
    }
)


def answer_to_receipt(receipt: Receipt, door: Door) -> Answer:
    """How a request ends whose records were looked at one by one."""
    if not receipt.rejected:
        return _SUCCESS
    if door not in _OTLP and not receipt.accepted:
        return _ALL_REJECTED
    return _PARTIAL


def answer_to_error(error: Exception) -> Answer:
    """How a request ends that raised `error`; an error that is not ours is a bug."""
    return next((_ERRORS[kind] for kind in type(error).__mro__ if kind in _ERRORS), _BUG)


def message_of(error: Exception) -> str:
    """What the sender is told: at most 1 KiB of UTF-8, and nothing of a bug's insides.

    Both copies of a gRPC message (percent-encoded, and in base64 in the Status) have to fit into 8 KiB of trailers.
    """
    if not isinstance(error, ModelExporterError):
        return "internal error; the exporter's log tells more"
    return str(error).encode("utf-8", "replace")[:_MESSAGE_BYTES].decode("utf-8", "ignore")
