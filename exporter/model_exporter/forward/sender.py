"""Takes parcels out of the outbox and brings them to the target, on a thread and an event loop of its own."""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from random import Random
from typing import Final

from model_exporter.forward.answers import Answer, Later, Never, Taken
from model_exporter.forward.backoff import Backoff
from model_exporter.forward.outbox import Outbox, Parcel
from model_exporter.forward.report import Report
from model_exporter.forward.targets import Target

log = logging.getLogger(__name__)

ATTEMPTS_AT_ONCE: Final = 4
"""Requests that are on their way at the same time; the others wait their turn."""
_LAST_WAIT_SECONDS: Final = 1.0
"""The longest wait between two attempts once the exporter stops, when there is no time to be patient."""
_MOST_QUIET_SECONDS: Final = 300.0
"""The longest time for which a target is left alone that asks for it; a target with a wrong clock asks for years."""
_TICK_SECONDS: Final = 1.0
_JOIN_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Running:
    """The loop of a sender that works, and the future that ends it when its grace time is set."""

    loop: asyncio.AbstractEventLoop
    grace: asyncio.Future[float]


class Sender:
    """Works from `start` to `stop`. What it cannot deliver stays in the outbox.

    Args:
        outbox: where parcels wait.
        open_target: makes the target, in the sender's event loop.
        report: counts and tells what becomes of them.
        backoff: waits between attempts.
        chance: makes these waits differ.
    """

    def __init__(
        self,
        outbox: Outbox,
        open_target: Callable[[], Target],
        report: Report,
        *,
        backoff: Backoff,
        chance: Random,
    ) -> None:
        self._outbox = outbox
        self._open_target = open_target
        self._report = report
        self._backoff = backoff
        self._chance = chance
        self._stopping = asyncio.Event()
        self._arrived = asyncio.Event()
        self._started: Future[_Running] = Future()
        self._quiet_until = -math.inf
        self._told = False  # the stack of a bug, once
        self._running: _Running | None = None
        self._thread = threading.Thread(target=self._run, name="forward", daemon=True)

    def start(self) -> None:
        """Work from now on."""
        self._thread.start()
        self._running = self._started.result()

    def stop(self, grace_seconds: float) -> None:
        """Deliver what waits within `grace_seconds`; what is not delivered then is in the outbox again."""
        running, self._running = self._running, None
        if running is None:
            return
        _call(running.loop, lambda: running.grace.set_result(grace_seconds))
        self._thread.join(grace_seconds + _JOIN_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except Exception as error:  # the top of a thread: what is measured does not depend on what is passed on
            if not self._started.done():
                self._started.set_exception(error)
                return
            log.exception("passing requests on failed; it goes on after a reload or a restart")

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        target = self._open_target()
        running = _Running(loop, loop.create_future())
        workers = [asyncio.create_task(self._deliver_all(target)) for _ in range(ATTEMPTS_AT_ONCE)]
        ticking = asyncio.create_task(self._tick())
        self._started.set_result(running)
        try:
            ends: list[asyncio.Future[float] | asyncio.Task[None]] = [running.grace, *workers]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if running.grace.done():
                self._stopping.set()
                self._arrived.set()
                await asyncio.wait(workers, timeout=running.grace.result())
            for worker in workers:
                worker.cancel()
            for ended in await asyncio.gather(*workers, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended
        finally:
            ticking.cancel()
            await target.close()
            self._report.held(self._outbox)

    async def _tick(self) -> None:
        while True:
            self._report.held(self._outbox)
            await asyncio.sleep(_TICK_SECONDS)

    async def _deliver_all(self, target: Target) -> None:
        """Deliver parcels one by one, until the sender stops and none waits."""
        while (parcel := await self._next()) is not None:
            try:
                outcome = await self._deliver(target, parcel)
            except BaseException:
                self._outbox.put_back(parcel)
                raise
            self._outbox.release(parcel.size)
            self._report.done(parcel, outcome)

    async def _next(self) -> Parcel | None:
        """The parcel that is next, as soon as there is one; None when none waits and the sender stops."""
        loop = asyncio.get_running_loop()
        while True:
            self._arrived.clear()
            parcel = self._outbox.take(lambda: _call(loop, self._arrived.set))
            if parcel is not None or self._stopping.is_set():
                return parcel
            await self._arrived.wait()

    async def _deliver(self, target: Target, parcel: Parcel) -> Taken | Never:
        """Attempt after attempt, until the target has `parcel` or will never have it."""
        failures = 0
        while time.monotonic() < parcel.due:
            if (pause := self._quiet_until - time.monotonic()) > 0:
                await self._sleep(min(pause, parcel.due - time.monotonic()))
                continue
            answer = await self._attempt(target, parcel)
            if not isinstance(answer, Later):
                return answer
            failures += 1
            self._report.failed(answer)
            wait = self._backoff.wait_seconds(failures, self._chance)
            if answer.after_seconds is not None:
                # Whoever says when to come back has too much to do: that is meant for all requests.
                quiet = min(answer.after_seconds, _MOST_QUIET_SECONDS)
                wait = max(wait, quiet)
                self._quiet_until = max(self._quiet_until, time.monotonic() + quiet)
            await self._sleep(min(wait, parcel.due - time.monotonic()))
        return Never("its time is over", "too_old")

    async def _attempt(self, target: Target, parcel: Parcel) -> Answer:
        try:
            return await target.send(parcel)
        except Exception as error:
            if not self._told:
                self._told = True
                log.exception("a request could not be passed on because of a bug in the exporter")
            return Never(type(error).__name__, "error")

    async def _sleep(self, seconds: float) -> None:
        """Wait, but not for long once the sender stops."""
        until = time.monotonic() + seconds
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stopping.wait()
        except TimeoutError:
            return
        await asyncio.sleep(min(max(0.0, until - time.monotonic()), _LAST_WAIT_SECONDS))


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """Run `function` in `loop`, from any thread; a loop that has ended takes no calls."""
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        log.debug("a request came when nothing was passed on any more")
