"""The end of a door: requests that have begun are answered, connections without one are closed."""

import asyncio
from collections.abc import Iterable
from typing import Protocol


class Connection(Protocol):
    """What can be closed."""

    def force_close(self) -> None:
        """Close it now."""
        ...


class Begun:
    """The connections whose request has begun and is not answered yet. One thread only."""

    def __init__(self) -> None:
        self._busy: set[Connection] = set()
        self._finishing = False
        self._quiet = asyncio.Event()

    @property
    def finishing(self) -> bool:
        """Whether a connection ends with its next reply."""
        return self._finishing

    def begin(self, connection: Connection) -> None:
        """A request has begun."""
        self._busy.add(connection)

    def end(self, connection: Connection) -> None:
        """It is answered, or never will be. Does nothing when none has begun."""
        self._busy.discard(connection)
        if self._finishing and not self._busy:
            self._quiet.set()

    async def finish(self, connections: Iterable[Connection], grace_seconds: float) -> int:
        """Close those of `connections` that are idle now, the others after their reply.

        Returns when no request is left or `grace_seconds` are over: how many requests are left then.
        """
        self._finishing = True
        for connection in tuple(connections):
            if connection not in self._busy:
                connection.force_close()
        try:
            async with asyncio.timeout(grace_seconds):
                while self._busy:
                    self._quiet.clear()
                    await self._quiet.wait()
        except TimeoutError:
            return len(self._busy)
        return 0
