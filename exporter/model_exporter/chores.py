"""What a thread does now and then beside its work, a step at a time so that the work never waits long."""

import time
from collections.abc import Callable, Iterator
from typing import Final

HOLD_SECONDS: Final = 0.01
"""Processor time after which a chore lets the work have its turn, once the step is done that it is at."""

_OVER: Final = object()


class Chore:
    """One thing to do again and again.

    Args:
        steps: begins it; each item is the end of a step.
        every: seconds from one end to the next beginning, at least.
        share: of the thread's processor time that it may take: with many steps it is done less often.
        told: hears what it cost when it is done, seconds.
    """

    def __init__(
        self,
        steps: Callable[[], Iterator[None]],
        *,
        every: float,
        share: float,
        told: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._begin = steps
        self._every = every
        self._share = share
        self._told = told
        self._steps: Iterator[None] | None = None
        self._cost = 0.0
        self._due = time.monotonic() + every

    @property
    def under_way(self) -> bool:
        """Whether it was begun and is not done."""
        return self._steps is not None

    @property
    def wait_seconds(self) -> float:
        """Until it is due; 0 when it is, or is under way."""
        return 0.0 if self.under_way else max(0.0, self._due - time.monotonic())

    def go_on(self) -> None:
        """Do as many steps as fit in `HOLD_SECONDS`, at least one, if it is due."""
        if self.wait_seconds > 0:
            return
        self._steps = self._steps or self._begin()
        started = time.thread_time()
        used, over = 0.0, False
        while not over and used < HOLD_SECONDS:
            over = next(self._steps, _OVER) is _OVER
            used = time.thread_time() - started
        self._cost += used
        if over:
            self._end()

    def do_all(self) -> None:
        """Do it now, from its beginning to its end."""
        started = time.thread_time()
        for _ in self._begin():
            pass
        self._cost = time.thread_time() - started
        self._end()

    def _end(self) -> None:
        self._told(self._cost)
        self._due = time.monotonic() + max(self._every, self._cost / self._share)
        self._steps, self._cost = None, 0.0
