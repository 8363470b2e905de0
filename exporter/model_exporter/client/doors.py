"""What became of a batch, and what doors to an exporter have in common.

The SDK's exporters retry on their own, some for a minute that nothing can interrupt, and then give up what could have
waited. Here each attempt is one request, and the queue decides.
"""

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Fate(Enum):
    """What became of a batch."""

    DELIVERED = "delivered"
    AGAIN = "again"  # it may be sent once more
    TOO_LARGE = "too_large"  # its halves may be
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a batch.

    Attributes:
        fate: what became of it.
        why: in a few words, for people.
        rejected: records of a delivered batch that the exporter could not take.
        wait_seconds: how long the server wants to be left alone; 0 when it does not say.
    """

    fate: Fate
    why: str = ""
    rejected: int = 0
    wait_seconds: float = 0.0


class Door(Protocol):
    """Sends batches, from one thread at a time."""

    target: str
    """Where to, for people."""

    def send(self, batch: Sequence[Any]) -> Answer:
        """Try once."""

    def close(self) -> None:
        """Let go of the connection."""


class NotFromHere(logging.Filter):
    """Keeps what the SDK's exporters log while a client sends from the log of the application.

    The application may use the same exporters, and hears of those as before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._here = threading.local()

    def __enter__(self) -> None:
        self._here.sending = True

    def __exit__(self, *_: object) -> None:
        self._here.sending = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may pass."""
        del record
        return not getattr(self._here, "sending", False)


NOT_FROM_HERE: Final = NotFromHere()


def first_set(names: Sequence[str]) -> str:
    """The first of some environment variables that holds anything; empty without one."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")
