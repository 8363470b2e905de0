"""Which bodies are decoded on the event loop, and which go to a thread."""

import pytest

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
