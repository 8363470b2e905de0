"""Waiting until what a request brought is safe, where its sender was promised so."""

import asyncio
from concurrent.futures import Future
from typing import Final

from model_exporter.errors import OverloadedError
from model_exporter.ports import Receipt

PATIENCE_SECONDS: Final = 8.0
"""OTLP senders give up after ten seconds by default, and send the same again."""
_RETRY_SECONDS: Final = 2


def wait_until_safe(receipt: Receipt) -> None:
    """Return when the outcomes of a request survive a crash; at once when it has none.

    Raises:
        OverloadedError: they could not be kept, or not in time. Sent again, they do no harm.
    """
    if receipt.safe:
        try:
            receipt.safe.result(PATIENCE_SECONDS)
        except TimeoutError as error:
            raise _too_slow() from error


async def until_safe(receipt: Receipt) -> None:
    """As `wait_until_safe`, without holding up the loop."""
    if receipt.safe:
        try:
            await asyncio.wait_for(asyncio.wrap_future(_unstoppable(receipt.safe)), PATIENCE_SECONDS)
        except TimeoutError as error:
            raise _too_slow() from error


def _unstoppable(safe: Future[None]) -> Future[None]:
    """A future of the same result; a client that hangs up cancels this one, and not the writer's."""
    copy: Future[None] = Future()

    def pass_on(done: Future[None]) -> None:
        if copy.set_running_or_notify_cancel():
            error = done.exception()
            copy.set_exception(error) if error else copy.set_result(None)

    safe.add_done_callback(pass_on)
    return copy


def _too_slow() -> OverloadedError:
    return OverloadedError("the outcomes are not safe yet", retry_after_seconds=_RETRY_SECONDS)
