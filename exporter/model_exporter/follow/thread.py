"""The thread that follows files."""

import logging
import threading
from collections.abc import Callable

from model_exporter.follow.follower import Follower

log = logging.getLogger(__name__)


class FollowThread:
    """Runs a follower until it is stopped.

    Args:
        follower: what it runs; `stopping` tells it to leave off.
        stopping: set by `stop`.
        on_failure: called from the thread when it dies of a bug.
    """

    def __init__(
        self, follower: Follower, stopping: threading.Event, on_failure: Callable[[BaseException], None]
    ) -> None:
        self._follower = follower
        self._stopping = stopping
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, grace_seconds: float) -> bool:
        """Read no more; False when the thread did not end in time."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(grace_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._stopping.wait(self._follower.step())
            self._follower.close()
        except BaseException as error:  # the top of a thread: a bug must not leave files unread in silence
            log.exception("following files failed")
            self._on_failure(error)
