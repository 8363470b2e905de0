"""What the doors write to the log: refusals for those who debug a client, bugs for those who mend the exporter."""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Final

from model_exporter.receive.outcomes import Answer

log = logging.getLogger(__name__)

_BUG_SECONDS: Final = 60.0


class Reporter:
    """Logs refused requests at debug, and bugs with their stack, at most one a minute. Any thread.

    `clock` is in seconds from any moment on, and never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._bug_due = -math.inf
        self._silent = 0

    def refused(self, answer: Answer, error: Exception, *, peer: str, path: str) -> None:
        """Tell of a request that ended in `error`."""
        if answer.outcome == "error":
            self._bug(error, peer=peer, path=path)
        elif log.isEnabledFor(logging.DEBUG):
            log.debug(
                "request refused",
                extra={"peer": peer, "path": path, "outcome": answer.outcome, "reason": str(error)},
            )

    def _bug(self, error: Exception, *, peer: str, path: str) -> None:
        now = self._clock()
        with self._lock:
            if now < self._bug_due:
                self._silent += 1
                return
            silent, self._silent, self._bug_due = self._silent, 0, now + _BUG_SECONDS
        log.error(
            "a request failed because of a bug in the exporter",
            exc_info=error,
            extra={"peer": peer, "path": path, "failed_since_last_line": silent},
        )
