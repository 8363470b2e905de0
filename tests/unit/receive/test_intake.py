"""Which bodies are decoded on the event loop, and which go to a thread."""

import pytest

from model_exporter.errors import SlowError
from model_exporter.ports import Payload, Receipt
from model_exporter.receive.http_heads import HeadReader
from model_exporter.receive.intake import INLINE_BYTES, Intake
from model_exporter.receive.orders import Order
from model_exporter.telemetry import Telemetry

_TAKEN = Receipt(1, 0)


def _order(path: str, content_type: str) -> Order:
    text = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Length: 1\r\n\r\n"
    head = HeadReader().read(text.encode())
    assert head is not None
    return head.order


def _take(_: Payload) -> Receipt:
    return _TAKEN


@pytest.mark.parametrize(
    ("path", "body", "taken"),
    [
        ("/v1/predictions", b"{" + b" " * (INLINE_BYTES - 1), True),
        ("/v1/predictions", b"{" + b" " * INLINE_BYTES, True),
        ("/v1/predictions", b"{" * 4096 + b" " * INLINE_BYTES, True),
        ("/v1/predictions", b"{" * 4097 + b" " * INLINE_BYTES, False),
        ("/v1/predictions", b"{" + b"\n" * INLINE_BYTES, False),
        ("/v1/predictions", b"[" + b" " * INLINE_BYTES, False),
        ("/v1/predictions", b"{" + b" " * 2 * INLINE_BYTES, False),
        ("/v1/outcomes", b"{" + b" " * INLINE_BYTES, False),
        ("/v1/logs", b"{" + b" " * INLINE_BYTES, False),
    ],
)
def test_what_takes_long_is_left_to_a_thread(path: str, body: bytes, *, taken: bool) -> None:
    """Twice the bytes of predictions in JSON are taken at once, as lines, unless there are too many of these."""
    intake = Intake(
        ingest=_take,
        telemetry=Telemetry(),
        request_bytes=1 << 24,
        clock=lambda: 0.0,
    )
    try:
        assert intake.take_at_once(body, _order(path, "application/json")) == (_TAKEN if taken else None)
    finally:
        intake.release()


@pytest.mark.parametrize(
    ("content_type", "size", "is_slow", "taken"),
    [
        ("application/x-protobuf", INLINE_BYTES, True, True),
        ("application/x-protobuf", INLINE_BYTES + 1, False, True),
        ("application/x-protobuf", INLINE_BYTES + 1, True, False),
        ("application/x-protobuf", 4 * INLINE_BYTES, False, True),
        ("application/x-protobuf", 4 * INLINE_BYTES + 1, False, False),
        ("application/json", INLINE_BYTES + 1, False, False),
    ],
)
def test_large_requests_of_logs_are_left_to_a_thread_when_they_cannot_be_read_at_once(
    content_type: str, size: int, *, is_slow: bool, taken: bool
) -> None:
    """Only the pipeline knows, and only a request that would hold up the loop asks it to hurry."""

    def ingest(payload: Payload) -> Receipt:
        if payload.at_once and is_slow:
            raise SlowError("only readers in Python can take it")
        return _TAKEN

    intake = Intake(ingest=ingest, telemetry=Telemetry(), request_bytes=1 << 24, clock=lambda: 0.0)
    try:
        assert intake.take_at_once(bytes(size), _order("/v1/logs", content_type)) == (_TAKEN if taken else None)
    finally:
        intake.release()
