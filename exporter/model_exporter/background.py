"""A thread for what takes long, beside the one that owns the rolling state."""

import logging
import queue
import threading
from collections.abc import Callable

from model_exporter.errors import OverloadedError
from model_exporter.window.deferred import Ending, Work

log = logging.getLogger(__name__)


class Background:
    """Does one thing after the other.

    Args:
        hand_over: has the owner of the state do something; raises `OverloadedError` when there is none any more.
        on_failure: called from this thread when it dies of a bug.
    """

    def __init__(self, hand_over: Callable[[Ending], None], on_failure: Callable[[BaseException], None]) -> None:
        self._hand_over = hand_over
        self._on_failure = on_failure
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # What it is at when the process ends is begun anew by the next one.
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def defer(self, work: Work) -> None:
        """Do `work`, then have the owner of the state take over what came of it."""
        self._waiting.put(lambda: self._finish(work()))

    def do(self, task: Callable[[], None]) -> None:
        """Do something that nobody waits for."""
        self._waiting.put(task)

    def stop(self, grace_seconds: float) -> bool:
        """Finish what waits; False when that was not done in time."""
        self._waiting.put(None)
        self._thread.join(grace_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while task := self._waiting.get():
                task()
        except BaseException as error:  # the top of a thread: what was to be learned would never come
            log.exception("the background thread failed")
            self._on_failure(error)

    def _finish(self, ending: Ending) -> None:
        try:
            self._hand_over(ending)
        except OverloadedError:
            log.info("what was learned comes too late: the exporter is stopping")
