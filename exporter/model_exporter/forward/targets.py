"""Where parcels go: another endpoint of OTLP, over HTTP or gRPC."""

from typing import Protocol

from model_exporter.forward.answers import Answer
from model_exporter.forward.outbox import Parcel


class Target(Protocol):
    """One endpoint. Used in one event loop."""

    async def send(self, parcel: Parcel) -> Answer:
        """Make one attempt."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...
