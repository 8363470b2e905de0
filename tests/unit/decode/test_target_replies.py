import pytest

from model_exporter.decode.replies import encode_retry_info, encode_status, encode_success
from model_exporter.decode.target_replies import read_message, read_retry_info, read_retry_status, read_success
from model_exporter.ports import Encoding, Signal

OTLP = (Signal.LOGS, Signal.TRACES, Signal.METRICS)


@pytest.mark.parametrize("encoding", [Encoding.PROTOBUF, Encoding.JSON])
@pytest.mark.parametrize("signal", OTLP)
def test_a_partial_success_is_read_back(signal: Signal, encoding: Encoding) -> None:
    """In both encodings; a full one is nothing rejected and nothing said."""
    assert read_success(signal, encoding, encode_success(signal, encoding, rejected=3, message="no")) == (3, "no")
    assert read_success(signal, encoding, encode_success(signal, encoding)) == (0, "")
    assert read_success(signal, encoding, b"") == (0, "")


@pytest.mark.parametrize("encoding", [Encoding.PROTOBUF, Encoding.JSON])
@pytest.mark.parametrize(
    "body", [b"\xff\xff", b"[]", b'{"partialSuccess": 1}', b'{"partialSuccess": {"rejectedSpans": "x"}}']
)
def test_a_success_that_cannot_be_read_is_a_success(encoding: Encoding, body: bytes) -> None:
    """The status was; what the body says is nobody's business then."""
    for signal in OTLP:
        assert read_success(signal, encoding, body) == (0, "")


@pytest.mark.parametrize(
    ("media_type", "body", "message"),
    [
        ("application/x-protobuf", encode_status(3, "bad", Encoding.PROTOBUF), "bad"),
        ("application/json", encode_status(3, "bad", Encoding.JSON), "bad"),
        ("text/plain", b"404 page not found\n", "404 page not found"),
        ("text/html", b"<html>", ""),
        ("application/x-protobuf", b"\xff\xff", ""),
        ("application/json", b"<html>", ""),
        ("text/plain", b"x" * 1000, "x" * 200),
        ("text/plain", b"\xff", "\ufffd"),
    ],
)
def test_errors_are_read_as_far_as_they_can_be(media_type: str, body: bytes, message: str) -> None:
    """At most 200 characters of a message, and nothing of what is no message."""
    assert read_message(media_type, body) == message


def test_hints_to_retry_are_read_where_they_are() -> None:
    """In the Status, or alone; anything else is no hint."""
    assert read_retry_status(encode_status(14, "", Encoding.PROTOBUF, retry_after_seconds=3)) == 3.0
    assert read_retry_status(encode_status(14, "", Encoding.PROTOBUF)) is None
    assert read_retry_status(b"\xff\xff") is None
    assert read_retry_info(encode_retry_info(2)) == 2.0
    assert read_retry_info(b"\xff\xff") is None
