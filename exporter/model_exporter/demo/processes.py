"""Programs started on free loopback ports, watched, and ended by their own id."""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from model_exporter.errors import ModelExporterError

HOST: Final = "127.0.0.1"
POLL_SECONDS: Final = 0.05
_GRACE_SECONDS: Final = 15.0
_TAIL_LINES: Final = 15


class ProcessError(ModelExporterError):
    """A program did not start, ended by itself, or did not do in time what was expected of it."""


@dataclass(frozen=True, slots=True)
class Child:
    """A program that runs; what it prints goes to the file `output`."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path

    def require_running(self) -> None:
        """Raise `ProcessError`, with the last lines that the program printed, when it has ended."""
        code = self.process.poll()
        if code is not None:
            raise ProcessError(f"{self.name} ended with exit code {code}:\n{self.tail()}")

    def tail(self) -> str:
        """The last lines that the program printed."""
        return "\n".join(self.output.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:])

    def stop(self) -> int:
        """Ask the program to end, wait, and end it the hard way after a grace time; its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def start(name: str, command: Sequence[str], folder: Path) -> Child:
    """Start `command` in a session of its own, so that a terminal's Ctrl-C reaches only who started it.

    Its output goes to `<folder>/<name>.log`.
    """
    output = folder / f"{name}.log"
    with output.open("ab") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    return Child(name, process, output)


@contextmanager
def running(name: str, command: Sequence[str], folder: Path) -> Iterator[Child]:
    """`start`, and stop however the block is left."""
    child = start(name, command, folder)
    try:
        yield child
    finally:
        child.stop()


def free_port() -> int:
    """A port of the loopback interface that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def fetch(port: int, path: str, *, seconds: float = 10.0) -> tuple[int, str]:
    """Status and body of a GET to a loopback port; status 0 when nothing answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float, child: Child | None = None) -> None:
    """Poll `condition` until it holds.

    Raises:
        ProcessError: it did not hold in time, or `child` ended.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if child is not None:
            child.require_running()
        if time.monotonic() > deadline:
            printed = f"; {child.name} printed:\n{child.tail()}" if child is not None else ""
            raise ProcessError(f"waited {seconds:g} s in vain for {what}{printed}")
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class ExporterPorts:
    """Where an exporter listens."""

    grpc: int
    http: int
    web: int

    @classmethod
    def free(cls) -> "ExporterPorts":
        """Three ports that nothing listens on now."""
        return cls(free_port(), free_port(), free_port())


def exporter_command(ports: ExporterPorts, *, storage: Path, config: Path | None = None) -> list[str]:
    """The command line of `model_exporter serve`, with the interpreter that runs this."""
    command = [
        sys.executable,
        "-m",
        "model_exporter",
        "serve",
        f"--otlp.grpc-address={HOST}:{ports.grpc}",
        f"--otlp.http-address={HOST}:{ports.http}",
        f"--web.listen-address={HOST}:{ports.web}",
        f"--storage.path={storage}",
    ]
    return command if config is None else [*command, f"--config.file={config}"]


@contextmanager
def running_exporter(ports: ExporterPorts, folder: Path, config: str) -> Iterator[Child]:
    """An exporter with the configuration `config`, its storage in `folder`; it may not be ready yet."""
    file = folder / "config.yml"
    file.write_text(config, "utf-8")
    with running("exporter", exporter_command(ports, storage=folder / "storage", config=file), folder) as child:
        yield child


def is_ready(port: int) -> bool:
    """Whether an exporter, a Prometheus or an Alertmanager at a loopback port is ready to serve."""
    return fetch(port, "/-/ready")[0] == HTTPStatus.OK


def prometheus_command(
    program: str,
    port: int,
    folder: Path,
    *,
    targets: Sequence[int],
    interval: str,
    rules: Path | None = None,
    alertmanager: int | None = None,
) -> list[str]:
    """The command line of a Prometheus that scrapes loopback ports; writes its configuration into `folder`.

    It evaluates the rule files in the folder `rules`, as often as it scrapes, and sends alerts to a loopback port.
    """
    lines = [
        f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}",
        f"scrape_configs:\n  - job_name: model_exporter\n    static_configs: [{{targets: [{_addresses(targets)}]}}]",
    ]
    if rules is not None:
        lines.append(f"rule_files: ['{rules}/*.yml']")
    if alertmanager is not None:
        lines.append(
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: [{_addresses([alertmanager])}]}}]}}]}}"
        )
    config = folder / "prometheus.yml"
    config.write_text("\n".join(lines) + "\n", "utf-8")
    return [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={HOST}:{port}",
        "--log.level=warn",
    ]


def alertmanager_command(program: str, port: int, folder: Path, *, config: Path) -> list[str]:
    """The command line of an Alertmanager without a cluster; it keeps what it must in `folder`."""
    return [
        program,
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager-data'}",
        f"--web.listen-address={HOST}:{port}",
        f"--web.external-url=http://{HOST}:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]


def _addresses(ports: Sequence[int]) -> str:
    return ", ".join(f"'{HOST}:{port}'" for port in ports)
