"""What payload loggers tell of calls, from halves to records that are handed over."""

from collections.abc import Callable, Iterable
from typing import Final

from model_exporter.decode import Decoded, Decoder
from model_exporter.errors import OverloadedError
from model_exporter.pairing import Exchange, Exchanges, Half
from model_exporter.ports import Door, Receipt, Signal
from model_exporter.telemetry import Telemetry

HandOver = Callable[[Door, Signal, Decoded, int], Receipt]
"""Queue and count decoded records; the number is the size of what they came from, bytes."""
_TAKEN: Final = Receipt(0, 0)


class Exchanger:
    """Brings halves together and decodes what is complete, or never will be. Any thread.

    A half is answered before the other has come, because payload loggers wait for the answer and never send again.
    """

    def __init__(self, exchanges: Exchanges, telemetry: Telemetry, hand_over: HandOver) -> None:
        self._exchanges = exchanges
        self._telemetry = telemetry
        self._hand_over = hand_over

    def take(self, half: Half, decoder: Decoder) -> Receipt:
        """Take one half; the receipt is about the call if that is complete now.

        Raises:
            OverloadedError: the call is complete, and there is no room for its records.
        """
        taken = self._exchanges.take(half)
        if taken.repeated:
            self._telemetry.count("model_exporter_repeated_events_total", half.door.value)
        if taken.evicted:
            self._telemetry.count("model_exporter_limit_hits_total", "exchanges", amount=len(taken.evicted))
            self._give_up(taken.evicted, decoder, "no_room")
        return self._decode(taken.exchange, decoder) if taken.exchange else _TAKEN

    def expire(self, now: float, decoder: Decoder) -> None:
        """Count the calls of which only one half came in time."""
        self._give_up(self._exchanges.expire(now), decoder, "timeout")

    def drain(self, decoder: Decoder) -> None:
        """Count all that waits, before the exporter stops; the other halves may still have come."""
        self._give_up(self._exchanges.drain(), decoder, "shutdown")

    def usage(self) -> dict[str, float]:
        """How much of each limit is taken."""
        return {"exchanges": len(self._exchanges), "exchange_bytes": self._exchanges.size}

    def _give_up(self, exchanges: Iterable[Exchange], decoder: Decoder, reason: str) -> None:
        for exchange in exchanges:
            for side, half in exchange.halves.items():
                self._telemetry.count("model_exporter_unpaired_events_total", half.door.value, side.value, reason)
            try:
                self._decode(exchange, decoder)
            except OverloadedError:
                continue  # counted, and nobody is there to be told

    def _decode(self, exchange: Exchange, decoder: Decoder) -> Receipt:
        decoded = decoder.decode_exchange(exchange)
        try:
            return self._hand_over(exchange.door, Signal.EXCHANGES, decoded, exchange.size)
        except OverloadedError:
            self._telemetry.count("model_exporter_dropped_records_total", "queue_full", amount=decoded.accepted)
            raise
