"""Calls whose message does not come, and that hold a worker meanwhile."""

import threading
import time
from typing import Final, Protocol

_LOOKS: Final = 4
"""How often within the patience the watch looks."""


class Call(Protocol):
    """What can be cancelled."""

    def cancel(self) -> object:
        """End it, whoever waits for it."""
        ...


class StallWatch:
    """Cancels calls that wait for their message for more than `patience_seconds`: a few would make the door deaf."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._began: dict[Call, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="grpc-stalls", daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._thread.join()

    def begin(self, call: Call) -> None:
        """`call` waits for its message."""
        with self._lock:
            self._began[call] = time.monotonic()

    def end(self, call: Call) -> bool:
        """`call` waits no more; True when that is because it was cancelled here."""
        with self._lock:
            return self._began.pop(call, None) is None

    def _run(self) -> None:
        while not self._stopped.wait(self._patience_seconds / _LOOKS):
            latest = time.monotonic() - self._patience_seconds
            with self._lock:
                stalled = [call for call, began in self._began.items() if began < latest]
                for call in stalled:
                    del self._began[call]
            for call in stalled:
                call.cancel()
