"""Small requests that come in one turn of the event loop are taken together."""

import asyncio
from typing import Final, Protocol

from model_exporter.ports import Encoding, Receipt, Signal
from model_exporter.receive.http_heads import Head
from model_exporter.receive.inflate import Coding
from model_exporter.receive.intake import INLINE_BYTES, Intake

SMALL_BYTES: Final = 16 * 1024
"""A body over this size has records enough of its own to be decoded cheaply."""
_PAUSE_SECONDS: Final = 1.0
"""How long requests go one by one after some could not be taken together, which costs twice the decoding."""


class Sender(Protocol):
    """Who waits for a reply."""

    def accept(self, receipt: Receipt, head: Head) -> None:
        """Its request was taken."""
        ...

    def refuse(self, error: Exception, head: Head) -> None:
        """It was not."""
        ...

    def take(self, sent: bytes, head: Head) -> None:
        """Its request is taken by itself, and answered."""
        ...


class Lots:
    """Collects requests of one event loop, and answers all of them before the loop looks for more.

    A client that is alone is answered as soon as the loop turns; the more there are, the more one decoding is for.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[Sender, bytes, Head]] = []
        self._bytes = 0
        self._resume = 0.0  # by the loop's clock

    def takes(self, sent: bytes, head: Head) -> bool:
        """Whether the request may wait for others."""
        order = head.order
        return (
            len(sent) <= SMALL_BYTES
            and order.route.signal is Signal.LOGS
            and order.encoding is Encoding.PROTOBUF
            and order.coding is Coding.IDENTITY
            and self._loop.time() >= self._resume
        )

    def add(self, sender: Sender, sent: bytes, head: Head) -> None:
        """Let a request wait for others, until the loop turns or `INLINE_BYTES` wait."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append((sender, sent, head))
        self._bytes += len(sent)
        if self._bytes > INLINE_BYTES:
            self.flush()

    def flush(self) -> None:
        """Take what waits, and answer it."""
        lot, self._waiting, self._bytes = self._waiting, [], 0
        if len(lot) > 1:
            self._take_together(lot)
        else:
            for sender, sent, head in lot:
                sender.take(sent, head)

    def _take_together(self, lot: list[tuple[Sender, bytes, Head]]) -> None:
        try:
            receipt = self._intake.take_together([(sent, head.order) for _, sent, head in lot])
        except Exception as error:  # noqa: BLE001  # the top of a server: a bug must not cost the others their door
            for sender, _, head in lot:
                sender.refuse(error, head)
            return
        if receipt is None:
            self._resume = self._loop.time() + _PAUSE_SECONDS
        for sender, sent, head in lot:
            if receipt is None:
                sender.take(sent, head)
            else:
                sender.accept(receipt, head)
