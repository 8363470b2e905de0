"""Doors for tests, and clients that say exactly what they say.

As a program, `python -m receiving`, it is an HTTP door in a process of its own: it prints its address and serves until
its standard input ends. It answers every body with its length, as the number of accepted records.
"""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from model_exporter.ports import Payload, Receipt
from model_exporter.receive import GrpcDoor, HttpDoor
from model_exporter.telemetry import Telemetry

MIB: Final = 1024 * 1024
NOW: Final = 1_700_000_000.0
PROTOBUF: Final = {"Content-Type": "application/x-protobuf"}
JSON: Final = {"Content-Type": "application/json"}
_POLL_SECONDS: Final = 0.01


class Recorder:
    """The pipeline as a door sees it: keeps what it is given, and answers or raises what it was told to."""

    def __init__(self, answer: Callable[[Payload], Receipt] | None = None) -> None:
        self.payloads: list[Payload] = []
        self._answer = answer or (lambda payload: Receipt(len(payload.body), 0))

    def __call__(self, payload: Payload, /) -> Receipt:
        """See `ports.Ingest`."""
        self.payloads.append(payload)
        return self._answer(payload)

    @property
    def bodies(self) -> list[bytes]:
        """What arrived, in order."""
        return [payload.body for payload in self.payloads]


@dataclass(frozen=True, slots=True)
class Rig:
    """An open door and what stands behind it."""

    door: HttpDoor | GrpcDoor
    ingest: Recorder
    telemetry: Telemetry

    def requests(self) -> dict[tuple[str, ...], float]:
        """Counted requests by (door, signal, outcome), without those at 0."""
        counters = self.telemetry.read().counters
        return {labels: n for (name, labels), n in counters.items() if n and name == "model_exporter_requests_total"}


@contextmanager
def open_door(
    kind: type[HttpDoor] | type[GrpcDoor],
    answer: Callable[[Payload], Receipt] | None = None,
    *,
    request_bytes: int = MIB,
    **options: Any,
) -> Iterator[Rig]:
    """A door on a free port of loopback, closed at the end."""
    ingest, telemetry = Recorder(answer), Telemetry()
    door = kind(
        "127.0.0.1:0", ingest=ingest, telemetry=telemetry, request_bytes=request_bytes, clock=lambda: NOW, **options
    )
    door.start()
    try:
        yield Rig(door, ingest, telemetry)
    finally:
        door.stop(1.0)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def post(
    address: str, path: str, body: Any = b"", headers: Mapping[str, str] | None = None, *, method: str = "POST"
) -> Reply:
    """Send one request with the standard library's client; an iterable body goes out in chunks."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}), encode_chunked=not isinstance(body, bytes))
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def connect(address: str) -> socket.socket:
    """A bare connection."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def head(path: str, *lines: str, method: str = "POST") -> bytes:
    """The head of an HTTP request, with its empty line."""
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", "")).encode()


def read_reply(connection: socket.socket) -> Reply:
    """Read one reply from a bare connection, and no byte more."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def until(reached: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: it did not come true in time.
    """
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class Program:
    """An HTTP door in a process of its own."""

    address: str
    pid: int

    @property
    def peak_bytes(self) -> int:
        """The most memory that was resident at any time."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        (peak,) = (line for line in lines if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024


@contextmanager
def door_program(**environment: str) -> Iterator[Program]:
    """Run this module as a program, with variables added to its environment."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin
        assert process.stdout
        try:
            yield Program(process.stdout.readline().strip(), process.pid)
        finally:
            process.stdin.close()
            process.wait(10)


def main() -> None:
    """Serve until standard input ends."""
    door = HttpDoor("127.0.0.1:0", ingest=Recorder(), telemetry=Telemetry(), request_bytes=64 * MIB, clock=time.time)
    door.start()
    sys.stdout.write(f"{door.address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    door.stop(1.0)


if __name__ == "__main__":
    main()
