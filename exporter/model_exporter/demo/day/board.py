"""The screen of the day: a line for each model, and what is told while it is told."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from model_exporter.demo.day.story import Role
from model_exporter.demo.day.told import Told
from model_exporter.demo.day.watch import Sight
from model_exporter.demo.processes import HOST
from model_exporter.demo.terminal import Terminal
from model_exporter.pack.shipped import shipped

INCIDENT: Final = "ModelIncident"
_HEAD: Final = ("model", "owner", "state", "likely cause", "severity", "since", "told", "symptoms")
_WIDTHS: Final = (10, 14, 10, 18, 10, 10, 22, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """What the screen says of one model."""

    role: Role
    sight: Sight
    told: tuple[Told, ...]

    def cells(self) -> tuple[str, ...]:
        """The columns of the table."""
        incident = self.sight.incident
        told = ", ".join(dict.fromkeys(f"{one.team} ({one.way})" for one in self.told))
        symptoms = ", ".join(sorted(map(words, self.sight.symptoms)))
        if incident is None:
            state = "healthy" if self.sight.judged else "learning"
            return (self.role.name, self.role.owner, state, "", "", "", told, symptoms)
        which = (words(incident.cause), incident.severity, clock(incident.started))
        return (self.role.name, self.role.owner, "incident", *which, told, symptoms)


class Board:
    """Shows the day on `terminal`; `exporter`, `prometheus` and `alertmanager` are loopback ports."""

    def __init__(self, terminal: Terminal, *, exporter: int, prometheus: int, alertmanager: int) -> None:
        self._terminal = terminal
        self._exporter = exporter
        self._prometheus = prometheus
        self._alertmanager = alertmanager
        self._shown: dict[str, tuple[str, ...]] = {}

    def say(self, text: str) -> None:
        """Print `text` for good, above the table."""
        self._terminal.insert(text)

    def show(self, lines: Sequence[Line], *, seconds: float, sent: int) -> None:
        """Refresh the table; without a terminal, print what has changed in it."""
        if self._terminal.in_place:
            head = f"  {seconds:.0f} s, {sent:,} predictions sent"
            table = [_row(_HEAD), *(_row(line.cells()) for line in lines)]
            self._terminal.refresh(["", head, "", *table, "", *self.addresses(), "", "Ctrl-C ends everything."])
            return
        for line in lines:
            cells = line.cells()
            if self._shown.get(line.role.name) != cells:
                self._shown[line.role.name] = cells
                self.say(f"{clock(time.time())}  {_row(cells)}")

    def tell(self, told: Told, role: Role | None, *, started: float | None) -> None:
        """Print who was told what, and where to look."""
        labels = told.labels
        subject = " ".join(filter(None, (labels["alertname"], labels.get("model", ""), words(labels.get("cause", "")))))
        since = "" if started is None else f", since {clock(started)}"
        lines = [f"{clock(time.time())}  told {told.team} ({told.way}): {subject}{since}"]
        if labels["alertname"] == INCIDENT and role is not None:
            lines += self._places(told, role)
        self.say("\n".join(lines))

    def _places(self, told: Told, role: Role) -> list[str]:
        """What the message says of the cause, and where its reader looks first."""
        symptoms = quote(f'model:symptom{{model="{role.name}"}}')
        places = {
            "cause": f"{told.annotations['cause']} {told.annotations[role.fact]}",
            "dashboards": f"model-incidents, then {role.dashboard} (dashboards/{role.dashboard}.json), of {role.name}",
            "runbook": f"{_runbook()}, {words(told.labels['cause'])}",
            "symptoms": f"http://{HOST}:{self._prometheus}/graph?g0.expr={symptoms}&g0.tab=1",
        }
        return [f"          {name:<11} {place}" for name, place in places.items()]

    def addresses(self) -> list[str]:
        """Where to look with a browser."""
        return [
            f"  exporter      http://{HOST}:{self._exporter}/",
            f"  Prometheus    http://{HOST}:{self._prometheus}/alerts",
            f"  Alertmanager  http://{HOST}:{self._alertmanager}/",
            "  Grafana       is not started here: `docker compose up` does, with the dashboards of dashboards/ in it",
        ]


def _runbook() -> Path:
    """Where the runbook of incidents is, from here if it is below."""
    path, here = shipped("rules") / "runbooks" / f"{INCIDENT}.md", Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def words(name: str) -> str:
    """A name as people write it."""
    return name.replace("_", " ")


def clock(at: float) -> str:
    """Time of day, UTC, of unix seconds."""
    return time.strftime("%H:%M:%S", time.gmtime(at))


def _row(cells: Sequence[str]) -> str:
    return "  " + "".join(f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()
