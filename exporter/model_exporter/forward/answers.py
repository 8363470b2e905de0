"""What a target's answer means for a request, as the OTLP specification has it.

Section names in the comments are those of opentelemetry-proto/docs/specification.md.
"""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from model_exporter.decode.codes import Code

_RETRYABLE_STATUSES: Final = frozenset({429, 502, 503, 504})  # "Retryable Response Codes"
_RETRYABLE_CODES: Final = frozenset(  # "Failures"
    {
        Code.CANCELLED,
        Code.DEADLINE_EXCEEDED,
        Code.ABORTED,
        Code.OUT_OF_RANGE,
        Code.UNAVAILABLE,
        Code.DATA_LOSS,
    }
)


@dataclass(frozen=True, slots=True)
class Taken:
    """The target has the request. Records that it rejected must not be sent again ("Partial Success")."""

    rejected: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """The same request may succeed later, and not before `after_seconds` where the target says so.

    `reason` is a value of the label of the same name: status, timeout or connection.
    """

    reason: str
    message: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """The target will not take this request. `outcome` is the value of the label."""

    message: str
    outcome: str = "refused"


Answer = Taken | Later | Never


def of_status(status: int, message: str, retry_after: str, now: float) -> Later | Never:
    """What an HTTP status other than success means; `retry_after` is the header, and `now` in unix seconds."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    told = ": ".join(filter(None, (f"HTTP {status} {phrase}".strip(), message)))
    if status in _RETRYABLE_STATUSES:
        return Later("status", told, _seconds(retry_after.strip(), now))
    return Never(told)


def of_code(code: int, message: str, after_seconds: float | None) -> Later | Never:
    """What a gRPC status other than OK means; `after_seconds` is that of its RetryInfo."""
    told = ": ".join(filter(None, (f"gRPC {Code(code).name}", message)))
    if code == Code.DEADLINE_EXCEEDED:
        return Later("timeout", told, after_seconds)
    if code in _RETRYABLE_CODES or (code == Code.RESOURCE_EXHAUSTED and after_seconds is not None):
        return Later("status", told, after_seconds)
    return Never(told)


def _seconds(header: str, now: float) -> float | None:
    """Seconds of a Retry-After, which is a number or a date; None when it is neither."""
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, aware.timestamp() - now)
