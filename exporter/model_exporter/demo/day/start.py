"""Starts all that the day needs."""

import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

from model_exporter.demo.day.board import Board
from model_exporter.demo.day.servers import Programs, start_servers
from model_exporter.demo.day.session import Day
from model_exporter.demo.day.story import exporter_config
from model_exporter.demo.day.told import listening
from model_exporter.demo.processes import HOST, ExporterPorts, is_ready, running_exporter, wait_until
from model_exporter.demo.terminal import Terminal
from model_exporter.errors import ModelExporterError

if TYPE_CHECKING:
    from model_exporter.demo.day.fleet import Server

_START_SECONDS: Final = 60.0


def start_day(programs: Programs, folder: Path, stack: ExitStack, *, rate: float, seed: int, ended: Event) -> Day:
    """The day, ready to begin; `stack` ends everything.

    Raises:
        ModelExporterError: the demo's extra is missing.
        ProcessError: something did not start.
    """
    terminal = Terminal(sys.stdout)
    terminal.say("Starting an exporter, a Prometheus, an Alertmanager and five models ...")
    ports = ExporterPorts.free()
    exporter = stack.enter_context(running_exporter(ports, folder, exporter_config()))
    listener = stack.enter_context(listening())
    servers = start_servers(programs, folder, stack, exporter=ports.web, listener=listener)
    fleet = _train(endpoint=f"http://{HOST}:{ports.http}", seed=seed)
    for server in fleet:
        stack.callback(server.close)
    wait_until(
        lambda: ended.is_set() or is_ready(ports.web),
        what="the exporter to be ready",
        seconds=_START_SECONDS,
        child=exporter,
    )
    board = Board(terminal, exporter=ports.web, prometheus=servers.prometheus, alertmanager=servers.alertmanager)
    board.say(
        f"Five models of five teams serve {rate:g} predictions a second and log each through OpenTelemetry. Rules and "
        "thresholds\nare those that are shipped; times are UTC."
    )
    for address in board.addresses():
        board.say(address)
    return Day(exporter, servers, fleet, listener, board, rate=rate, ended=ended)


def _train(*, endpoint: str, seed: int) -> "list[Server]":
    try:
        from model_exporter.demo.day.fleet import Server  # noqa: PLC0415  # an extra, and slow to load
        from model_exporter.demo.day.models import train  # noqa: PLC0415  # the same
    except ImportError as error:
        raise ModelExporterError(f"{error}. The demo needs its extra: pip install 'model_exporter[demo]'") from error
    return [Server(model, endpoint=endpoint, seed=seed + place) for place, model in enumerate(train(seed=seed))]
