"""What a target's answer means, row by row of the specification's tables."""

import pytest

from model_exporter.forward.answers import Later, Never, of_code, of_status

NOW = 1_700_000_000.0


@pytest.mark.parametrize("status", range(300, 600))
def test_four_statuses_are_worth_another_attempt(status: int) -> None:
    """429, 502, 503 and 504 (opentelemetry-proto docs/specification.md, "Retryable Response Codes")."""
    assert isinstance(of_status(status, "", "", NOW), Later) == (status in {429, 502, 503, 504})


@pytest.mark.parametrize("code", range(1, 17))
def test_six_codes_are_worth_another_attempt_and_one_with_a_hint(code: int) -> None:
    """The table of "Failures" in the same document."""
    retryable = {1, 4, 10, 11, 14, 15}
    assert isinstance(of_code(code, "", None), Later) == (code in retryable)
    assert isinstance(of_code(code, "", 1.0), Later) == (code in {*retryable, 8})


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("\u0667", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str, seconds: float | None) -> None:
    """Whatever else it is counts as none (RFC 9110, 10.2.3)."""
    answer = of_status(503, "", header, NOW)
    assert isinstance(answer, Later)
    assert answer.after_seconds == seconds


def test_messages_name_status_and_words() -> None:
    """For the log line; a status that nobody knows has no words."""
    assert of_status(401, "no token", "", NOW) == Never("HTTP 401 Unauthorized: no token")
    assert of_status(599, "", "", NOW) == Never("HTTP 599")
    assert of_code(16, "no token", None) == Never("gRPC UNAUTHENTICATED: no token")
    assert of_code(4, "late", None) == Later("timeout", "gRPC DEADLINE_EXCEEDED: late")
