"""Prometheus and Alertmanager of the day, with the rules and the routing that the pack renders."""

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from model_exporter.demo.day import story
from model_exporter.demo.day.told import Listener
from model_exporter.demo.processes import (
    Child,
    alertmanager_command,
    free_port,
    is_ready,
    prometheus_command,
    running,
    wait_until,
)
from model_exporter.pack import alertmanager as routing
from model_exporter.pack import rules as pack
from model_exporter.pack.profiles import Profile
from model_exporter.pack.shipped import shipped

INTERVAL: Final = "2s"
_WAIT: Final = ("group_wait: 30s", "group_wait: 2s")
_START_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths of the programs that the day needs."""

    prometheus: str
    alertmanager: str


def find_programs() -> Programs | tuple[str, ...]:
    """Both programs, or the names of those that are not on PATH."""
    prometheus = shutil.which("prometheus")
    alertmanager = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")  # as Debian calls it
    if prometheus and alertmanager:
        return Programs(prometheus, alertmanager)
    found = {"prometheus": prometheus, "alertmanager": alertmanager}
    return tuple(name for name, path in found.items() if not path)


@dataclass(frozen=True, slots=True)
class Servers:
    """What runs, and where."""

    prometheus: int
    alertmanager: int
    children: tuple[Child, ...]

    def require_running(self) -> None:
        """Raise `ProcessError` when one has ended."""
        for child in self.children:
            child.require_running()


def start_servers(programs: Programs, folder: Path, stack: ExitStack, *, exporter: int, listener: Listener) -> Servers:
    """Both servers, ready: Prometheus scrapes the port `exporter`, Alertmanager notifies `listener`.

    Rules and thresholds are those that are shipped. Two things are hurried: rules are evaluated every two seconds, and
    Alertmanager does not wait half a minute for more alerts of a group.

    Raises:
        ProcessError: one did not start.
    """
    rules = folder / "rules"
    rules.mkdir()
    for path in pack.rule_files(shipped("rules")):
        (rules / path.name).write_text(pack.prometheus(pack.render(path, pack.Site())), "utf-8")
    ports = free_port(), free_port()
    commands = {
        "prometheus": prometheus_command(
            programs.prometheus,
            ports[0],
            folder,
            targets=[exporter],
            interval=INTERVAL,
            rules=rules,
            alertmanager=ports[1],
        ),
        "alertmanager": alertmanager_command(
            programs.alertmanager, ports[1], folder, config=_write_routing(folder, listener)
        ),
    }
    children = [stack.enter_context(running(name, command, folder)) for name, command in commands.items()]
    for child, port in zip(children, ports, strict=True):
        wait_until(partial(is_ready, port), what=child.name, seconds=_START_SECONDS, child=child)
    return Servers(*ports, tuple(children))


def _write_routing(folder: Path, listener: Listener) -> Path:
    """alertmanager.yml of the day's owners, with the templates beside it."""
    owners, base, config = folder / "owners.yml", folder / "base.yml", folder / "alertmanager.yml"
    owners.write_text(story.owners(listener.port), "utf-8")
    base.write_text("global: {resolve_timeout: 5m}\n", "utf-8")
    config.write_text(routing.render(owners, base, Profile.V0_25).replace(*_WAIT), "utf-8")
    routing.write_templates(folder)
    return config
