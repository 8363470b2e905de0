"""The course of the day: healthy traffic, one fault after another, and what is told of each."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Final

from model_exporter.demo.day import findings
from model_exporter.demo.day.board import Board, Line, clock
from model_exporter.demo.day.servers import Servers
from model_exporter.demo.day.story import Fault
from model_exporter.demo.day.told import Listener, Told
from model_exporter.demo.day.watch import Sight, look
from model_exporter.demo.findings import Finding
from model_exporter.demo.processes import Child, ProcessError

if TYPE_CHECKING:
    from model_exporter.demo.day.fleet import Server

_TICK_SECONDS: Final = 0.1
_LOOK_EVERY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long things take, seconds.

    Attributes:
        learning: at most, until every model is judged.
        healthy: from then until the first fault.
        between: one fault and the next.
        telling: at most, from the last fault until everything is told.
        lasts: whether the day goes on after that, until the user ends it.
    """

    learning: float
    healthy: float
    between: float
    telling: float
    lasts: bool


BRIEF: Final = Plan(learning=60.0, healthy=5.0, between=1.0, telling=210.0, lasts=False)
LASTING: Final = Plan(learning=120.0, healthy=45.0, between=60.0, telling=300.0, lasts=True)


class Day:
    """One run, once everything is started.

    Args:
        exporter: watched for a sudden end.
        servers: likewise.
        fleet: what sends.
        listener: what hears who is told.
        board: what shows.
        rate: predictions a second, of all models together.
        ended: set when the user has had enough.
    """

    def __init__(
        self,
        exporter: Child,
        servers: Servers,
        fleet: "Sequence[Server]",
        listener: Listener,
        board: Board,
        *,
        rate: float,
        ended: Event,
    ) -> None:
        self._exporter = exporter
        self._servers = servers
        self._fleet = fleet
        self._listener = listener
        self._board = board
        self._rate = rate / len(fleet)
        self._ended = ended
        self._begun = self._next_look = time.monotonic()
        self._due = 0.0
        self._told: list[Told] = []
        self._sights: dict[str, Sight] = {}

    def run(self, plan: Plan, *, shift: bool) -> int:
        """Go through the day and return the exit code; without `shift` no fault ever begins.

        Raises:
            ProcessError: something ended, or no baselines were learned in time.
        """
        self._board.say(f"{clock(time.time())}  healthy traffic, from which the exporter learns baselines")
        self._go_on(plan.learning, until=self._is_judged)
        if not self._is_judged() and not self._ended.is_set():
            raise ProcessError(f"not every baseline was learned in {plan.learning:g} s; a higher --rate may help")
        self._go_on(plan.healthy)
        early = findings.early(self._told, self._sights)
        if shift:
            self._break_down(plan)
        else:
            self._go_on(plan.healthy)
        if self._ended.is_set():
            self._board.say("\nStopping everything.")
            return 0
        code = self._judge(early)
        if plan.lasts:
            self._board.say("That was the day. Everything goes on as it is, to be looked at.")
            self._go_on(None)
        return code

    def _break_down(self, plan: Plan) -> None:
        """Let one fault after another begin, and wait until all is told."""
        for server in self._fleet:
            if server.model.role.fault is not Fault.NONE and not self._ended.is_set():
                self._board.say(f"{clock(time.time())}  {server.model.role.text}")
                server.break_down()
                self._go_on(plan.between)
        self._go_on(plan.telling, until=self._is_told)

    def _go_on(self, seconds: float | None, *, until: Callable[[], bool] | None = None) -> None:
        """Send and look until `until` holds, the time is up or the user ends the day."""
        start = then = time.monotonic()
        while not self._ended.wait(_TICK_SECONDS):
            now = time.monotonic()
            # A service that cannot keep up falls behind; it does not send in bursts.
            self._due = min(self._due + self._rate * (now - then), max(1.0, self._rate * 2 * _LOOK_EVERY_SECONDS))
            then = now
            for server in self._fleet:
                server.answer(int(self._due))
            self._due -= int(self._due)
            if now >= self._next_look:
                self._look()
                self._next_look = now + _LOOK_EVERY_SECONDS
                if until is not None and until():
                    return
            if seconds is not None and now - start >= seconds:
                return

    def _look(self) -> None:
        self._exporter.require_running()
        self._servers.require_running()
        self._sights = dict(look(self._servers.prometheus))
        for told in self._listener.read():
            self._hear(told)
        self._board.show(
            [
                Line(role, self._sights.get(role.name, Sight()), findings.told_of(role, self._told))
                for role in (server.model.role for server in self._fleet)
            ],
            seconds=time.monotonic() - self._begun,
            sent=sum(server.sent for server in self._fleet),
        )

    def _hear(self, told: Told) -> None:
        """Note and print what was told, unless it is a repetition."""
        if any((one.team, one.labels) == (told.team, told.labels) for one in self._told):
            return
        self._told.append(told)
        name = told.labels.get("model", "")
        role = next((server.model.role for server in self._fleet if server.model.role.name == name), None)
        incident = self._sights.get(name, Sight()).incident
        self._board.tell(told, role, started=None if incident is None else incident.started)

    def _is_judged(self) -> bool:
        return all(self._sights.get(server.model.role.name, Sight()).judged for server in self._fleet)

    def _is_told(self) -> bool:
        return all(findings.is_told(server.model.role, self._told) for server in self._fleet)

    def _judge(self, early: Finding) -> int:
        """Print what must have been told, and whether it was."""
        roles = [server.model.role for server in self._fleet]
        results = [early, *(findings.judge(role, self._told) for role in roles), findings.others(self._told)]
        for result in results:
            self._board.say(f"{'ok    ' if result.holds else 'FAILED'}  {result.text}")
        good = all(result.holds for result in results)
        self._board.say(
            "Each team was told of its model's fault, with its cause, and nobody of anything else."
            if good
            else "Not every team was told what it had to be told, or one was told something else."
        )
        return 0 if good else 1
