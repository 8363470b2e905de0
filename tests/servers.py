"""Real servers for tests of the shared stores: started on free ports of the loopback interface, stopped by their id."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
import redis

from model_exporter.demo.processes import HOST, free_port, wait_until

_START_SECONDS = 60
_DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")


@contextmanager
def redis_server() -> Iterator[str]:
    """The address of an empty Redis."""
    program = _program("redis-server", "redis-server", [])
    port = free_port()
    with TemporaryDirectory() as folder:
        command = [program, "--bind", HOST, "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no"]
        with _running(command, Path(folder) / "log"), redis.Redis(HOST, port) as client:
            wait_until(lambda: _answers(client), what="Redis", seconds=_START_SECONDS)
            yield f"redis://{HOST}:{port}/0"


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The address of an empty PostgreSQL; it refuses to run as root, and then runs as its own user."""
    server = _program("postgres", "postgresql", sorted(_DEBIAN_POSTGRESQL.glob("*/bin"), reverse=True))
    port = free_port()
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            shutil.chown(data, "postgres")
            user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run(
            [*user, Path(server).parent / "initdb", "-D", data, "-U", "exporter", "--auth=trust", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        settings = {"listen_addresses": HOST, "port": port, "unix_socket_directories": "", "fsync": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        url = f"postgresql://exporter@{HOST}:{port}/postgres"
        with _running([*user, server, "-D", str(data), *options], Path(folder) / "log"):
            wait_until(lambda: _accepts(url), what="PostgreSQL", seconds=_START_SECONDS)
            yield url


def _program(name: str, package: str, folders: Sequence[Path]) -> str:
    found = shutil.which(name, path=os.pathsep.join([*map(str, folders), os.environ["PATH"]]))
    if found is None:
        reason = f"{name} is missing (Debian: {package})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def _running(command: Sequence[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, cwd=log.parent) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)  # to PostgreSQL: without waiting for clients
            process.wait(_START_SECONDS)


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
