"""The two sides of a call to a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import Final

from model_exporter.ports import Door

_DIGEST_BYTES: Final = 16


class Side(Enum):
    """What an event tells of."""

    REQUEST = "request"
    RESPONSE = "response"
    FEEDBACK = "feedback"  # the truth about a call; it needs no other half


@dataclass(frozen=True, slots=True)
class Half:
    """One event.

    Attributes:
        door: where it came in.
        key: what the other half has, too. Other streams may have it as well, because callers choose it, and one call
            goes through several services.
        stream: whose event it is, as a service; a stream that only ever tells of requests is not one that fails.
        side: which half.
        body: as the model got or gave it.
        attributes: what the event says besides.
        time: unix seconds, as the event says; None when it does not.
        arrived: unix seconds of the exporter.
    """

    door: Door
    key: str
    stream: str
    side: Side
    body: bytes
    attributes: Mapping[str, object]
    time: float | None
    arrived: float

    @property
    def call(self) -> bytes:
        """The call it belongs to; of one size, however long its key is."""
        return blake2b(repr((self.door.value, self.stream, self.key)).encode(), digest_size=_DIGEST_BYTES).digest()

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        return len(self.body) + sum(len(name) + len(str(value)) for name, value in self.attributes.items()) + 500


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is known of one call.

    Attributes:
        halves: by side; at least one.
        error: type of the error that a missing half stands for; empty when nothing failed.
    """

    halves: Mapping[Side, Half]
    error: str = ""

    @property
    def door(self) -> Door:
        """Where it came in."""
        return next(iter(self.halves.values())).door

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        return sum(half.size for half in self.halves.values())
