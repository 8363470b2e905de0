"""Small requests that are taken together."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from model_exporter.errors import OverloadedError
from model_exporter.ports import Payload, Receipt
from model_exporter.receive.http_heads import Head, HeadReader
from model_exporter.receive.intake import INLINE_BYTES, Intake
from model_exporter.receive.lots import SMALL_BYTES, Lots
from model_exporter.telemetry import Telemetry

_TAKEN = Receipt(5, 0)


def _head(content_type: str = "application/x-protobuf", path: str = "/v1/logs", coding: str = "identity") -> Head:
    text = (
        f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Encoding: {coding}\r\n"
        "Content-Length: 1\r\n\r\n"
    )
    head = HeadReader().read(text.encode())
    assert head is not None
    return head


class _Sender:
    """Writes down what becomes of its request."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def accept(self, receipt: Receipt, head: Head) -> None:  # noqa: ARG002  # of the protocol
        self.told.append(receipt)

    def refuse(self, error: Exception, head: Head) -> None:  # noqa: ARG002  # of the protocol
        self.told.append(error)

    def take(self, sent: bytes, head: Head) -> None:  # noqa: ARG002  # of the protocol
        self.told.append(sent)


class _Together:
    """The pipeline as lots see it."""

    def __init__(self, answer: Callable[[], Receipt | None]) -> None:
        self.lots: list[list[bytes]] = []
        self._answer = answer

    def __call__(self, payloads: Sequence[Payload], /) -> Receipt | None:
        self.lots.append([payload.body for payload in payloads])
        return self._answer()


def _run(answer: Callable[[], Receipt | None], bodies: Sequence[bytes]) -> tuple[_Together, list[_Sender], Lots]:
    """Add requests in one turn of a loop, and let it turn."""
    together = _Together(answer)
    senders = [_Sender() for _ in bodies]

    async def turn() -> Lots:
        intake = Intake(
            ingest=lambda payload: Receipt(len(payload.body), 0),
            ingest_together=together,
            telemetry=Telemetry(),
            request_bytes=INLINE_BYTES,
            clock=lambda: 0.0,
        )
        lots, head = Lots(intake), _head()
        for sender, body in zip(senders, bodies, strict=True):
            assert lots.takes(body, head)
            lots.add(sender, body, head)
        await asyncio.sleep(0)
        intake.release()
        return lots

    return together, senders, asyncio.run(turn())


def test_requests_of_one_turn_are_taken_as_one_and_each_is_answered() -> None:
    """In the order they came."""
    together, senders, _ = _run(lambda: _TAKEN, [b"a", b"b", b"c"])
    assert together.lots == [[b"a", b"b", b"c"]]
    assert [sender.told for sender in senders] == [[_TAKEN]] * 3


def test_a_request_that_is_alone_is_taken_by_itself() -> None:
    """There is nothing to save."""
    together, (sender,), _ = _run(lambda: _TAKEN, [b"a"])
    assert (together.lots, sender.told) == ([], [b"a"])


def test_what_cannot_be_taken_together_is_taken_one_by_one_for_a_while() -> None:
    """One sender has to be told something; and it may go on so, at twice the cost."""
    together, senders, lots = _run(lambda: None, [b"a", b"b"])
    assert len(together.lots) == 1
    assert [sender.told for sender in senders] == [[b"a"], [b"b"]]
    assert not lots.takes(b"c", _head())


def test_an_overload_is_told_to_all() -> None:
    """None of them was taken."""
    error = OverloadedError("full")

    def refuse() -> Receipt:
        raise error

    _, senders, _ = _run(refuse, [b"a", b"b"])
    assert [sender.told for sender in senders] == [[error], [error]]


def test_a_lot_is_bounded() -> None:
    """However many clients there are, the loop is not held for long."""
    count = 3 * INLINE_BYTES // SMALL_BYTES
    together, senders, _ = _run(lambda: _TAKEN, [bytes(SMALL_BYTES)] * count)
    assert max(sum(map(len, lot)) for lot in together.lots) <= INLINE_BYTES + SMALL_BYTES
    assert all(sender.told for sender in senders)


@pytest.mark.parametrize(
    ("sent", "head"),
    [
        (bytes(SMALL_BYTES + 1), _head()),
        (b"x", _head("application/json")),
        (b"x", _head(path="/v1/traces")),
        (b"x", _head(coding="gzip")),
        (b"x", _head("application/json", path="/v1/outcomes")),
    ],
    ids=["large", "JSON", "spans", "compressed", "outcomes"],
)
def test_only_small_protobuf_logs_are_taken_together(sent: bytes, head: Head) -> None:
    """Others cost little more by themselves, or cannot be put one behind another."""

    async def takes() -> bool:
        return Lots(Intake.__new__(Intake)).takes(sent, head)

    assert not asyncio.run(takes())
