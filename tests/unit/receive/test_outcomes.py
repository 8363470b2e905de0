import pytest

from model_exporter.decode.replies import Code
from model_exporter.errors import DecodeError, OverloadedError, TooLargeError, UnknownMappingError
from model_exporter.ports import Door, Receipt
from model_exporter.receive.outcomes import (
    OUTCOMES,
    ClientGoneError,
    UnknownCodingError,
    UnknownPathError,
    UnsupportedTypeError,
    WrongMethodError,
    answer_to_error,
    answer_to_receipt,
    message_of,
)

_ERRORS = [
    (DecodeError("wire", "x"), "bad_data", 400, Code.INVALID_ARGUMENT),
    (TooLargeError("x"), "too_large", 413, Code.RESOURCE_EXHAUSTED),
    (OverloadedError("x"), "overloaded", 503, Code.UNAVAILABLE),
    (UnknownPathError("x"), "unsupported", 404, Code.UNIMPLEMENTED),
    (UnknownMappingError("x"), "unsupported", 404, Code.UNIMPLEMENTED),
    (WrongMethodError("x"), "unsupported", 405, Code.UNIMPLEMENTED),
    (UnsupportedTypeError("x"), "unsupported", 415, Code.INVALID_ARGUMENT),
    (UnknownCodingError("x"), "unsupported", 400, Code.INVALID_ARGUMENT),
    (ClientGoneError("x"), "client_gone", 408, Code.CANCELLED),
    (ZeroDivisionError("x"), "error", 500, Code.INTERNAL),
    (MemoryError(), "error", 500, Code.INTERNAL),
]


@pytest.mark.parametrize(("error", "outcome", "status", "code"), _ERRORS)
def test_every_error_has_one_answer(error: Exception, outcome: str, status: int, code: Code) -> None:
    """The statuses are those of the OTLP specification (opentelemetry-proto docs/specification.md, "Failures")."""
    answer = answer_to_error(error)
    assert (answer.outcome, answer.http_status, answer.code) == (outcome, status, code)


def test_only_an_overload_asks_for_a_retry_and_only_with_a_retryable_status() -> None:
    """OTLP clients retry 429, 502, 503, 504 and UNAVAILABLE (docs/specification.md, "Retryable Response Codes")."""
    answers = [answer_to_error(error) for error, *_ in _ERRORS]
    assert [answer.outcome for answer in answers if answer.retryable] == ["overloaded"]
    for answer in answers:
        assert answer.retryable == (answer.http_status in {429, 502, 503, 504})
        assert answer.retryable == (answer.code in {Code.UNAVAILABLE, Code.ABORTED, Code.DATA_LOSS})


@pytest.mark.parametrize(
    ("accepted", "rejected", "door", "outcome", "status"),
    [
        (3, 0, Door.OTLP_HTTP, "success", 200),
        (0, 0, Door.OTLP_HTTP, "success", 200),
        (0, 0, Door.HTTP, "success", 200),
        (2, 1, Door.OTLP_HTTP, "partial", 200),
        (2, 1, Door.HTTP, "partial", 200),
        (0, 3, Door.OTLP_HTTP, "partial", 200),
        (0, 3, Door.OTLP_GRPC, "partial", 200),
        (0, 3, Door.HTTP, "bad_data", 400),
    ],
)
def test_rejected_records_are_a_partial_success(
    accepted: int, rejected: int, door: Door, outcome: str, status: int
) -> None:
    """OTLP answers 200 whatever was rejected ("Partial Success"); a person with curl sees a total failure as one."""
    answer = answer_to_receipt(Receipt(accepted, rejected, "why"), door)
    assert (answer.outcome, answer.http_status, answer.retryable) == (outcome, status, False)


def test_all_outcomes_are_listed() -> None:
    """No answer has an outcome outside the label's fixed set."""
    answers = [answer_to_error(error) for error, *_ in _ERRORS]
    answers += [answer_to_receipt(Receipt(1, rejected), Door.HTTP) for rejected in (0, 1)]
    assert {answer.outcome for answer in answers} == set(OUTCOMES)


def test_a_bug_tells_the_sender_nothing_of_its_insides() -> None:
    """The text of an unexpected exception stays in the log."""
    assert "secret" not in message_of(RuntimeError("secret"))


@pytest.mark.parametrize("text", ["x" * 5_000, "\u20ac" * 5_000, "\ud800" * 5_000])
def test_a_message_is_short_valid_utf_8(text: str) -> None:
    """Trailers of gRPC hold two copies of a message within 8 KiB, so 1 KiB of it is sent, cut between characters."""
    message = message_of(DecodeError("wire", text))
    assert 1_000 < len(message.encode()) <= 1_024
