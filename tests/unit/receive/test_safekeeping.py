"""A reply that promises safety waits for it."""

import asyncio
from concurrent.futures import Future

import grpc
import pytest

from model_exporter.errors import OverloadedError
from model_exporter.ports import Payload, Receipt
from model_exporter.receive import GrpcDoor, HttpDoor, safekeeping
from model_exporter.receive.safekeeping import until_safe, wait_until_safe
from receiving import JSON, open_door, post

_LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def _refused(_: Payload) -> Receipt:
    safe: Future[None] = Future()
    safe.set_exception(OverloadedError("the outcomes cannot be kept now", retry_after_seconds=2))
    return Receipt(1, 0, "", safe)


def test_http_tells_senders_to_come_again_when_outcomes_cannot_be_kept() -> None:
    """503 with the hint, never a success."""
    with open_door(HttpDoor, _refused) as rig:
        reply = post(rig.door.address, "/v1/outcomes", b"{}", JSON)
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")


def test_grpc_tells_senders_to_come_again_when_outcomes_cannot_be_kept() -> None:
    """UNAVAILABLE, never a success."""
    with open_door(GrpcDoor, _refused) as rig, grpc.insecure_channel(rig.door.address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(_LOGS, bytes, bytes)(b"", timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_writer_that_does_not_answer_is_an_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both doors give up in time for the sender to hear of it."""
    monkeypatch.setattr(safekeeping, "PATIENCE_SECONDS", 0.01)
    receipt = Receipt(1, 0, "", Future())
    with pytest.raises(OverloadedError):
        wait_until_safe(receipt)
    with pytest.raises(OverloadedError):
        asyncio.run(until_safe(receipt))


def test_a_client_that_hangs_up_does_not_cancel_the_writers_promise() -> None:
    """The writer may still keep what was brought, and tell so."""
    receipt = Receipt(1, 0, "", Future())
    assert receipt.safe

    async def hang_up() -> None:
        waiting = asyncio.create_task(until_safe(receipt))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(hang_up())
    assert not receipt.safe.cancelled()
    receipt.safe.set_result(None)


def test_nothing_is_waited_for_without_outcomes() -> None:
    """Predictions are acknowledged when they are in the queue."""
    wait_until_safe(Receipt(1, 0))
    asyncio.run(until_safe(Receipt(1, 0)))
