"""Clients that send bodies as they are and wait for each reply, at a cost that does not matter: it is not measured."""

import re
import socket
import time
from collections.abc import Sequence
from typing import Final, Protocol

import grpc

from benchmarks.cost.records import Request
from model_exporter.demo.processes import HOST

OTLP: Final = ("/v1/logs", "application/x-protobuf")
JSON_LINES: Final = ("/v1/predictions", "application/x-ndjson")
_METHOD: Final = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TOO_MANY: Final = (b"429", b"503")
_PAUSE_SECONDS: Final = 0.02
_TIMEOUT_SECONDS: Final = 60.0
_IDLE_SECONDS: Final = 3.0
"""After this, connections are opened anew: the server may be about to close one that rests."""

Bodies = Sequence[bytes | bytearray]


class Client(Protocol):
    """Sends requests over connections that stay open."""

    width: int
    """Requests that are under way at the same time."""
    refused: int
    """Requests that were refused for want of room, and sent again."""

    def send(self, bodies: Bodies) -> None:
        """Send `width` bodies at once and wait for all replies."""

    def close(self) -> None:
        """Close the connections."""


class HttpClient:
    """HTTP/1.1 over `width` connections to a loopback port.

    A reply that says "come again" is obeyed after a short pause.
    """

    def __init__(self, port: int, door: tuple[str, str], *, width: int = 1) -> None:
        self.width = width
        self.refused = 0
        self._port = port
        self._used = time.monotonic()
        path, content_type = door
        self._head = f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: {content_type}\r\nContent-Length: "
        self._connections = [_connect(port) for _ in range(width)]

    def send(self, bodies: Bodies) -> None:
        """See `Client`."""
        if time.monotonic() > self._used + _IDLE_SECONDS:
            self.close()
            self._connections = [_connect(self._port) for _ in range(self.width)]
        for connection, body in zip(self._connections, bodies, strict=True):
            self._write(connection, body)
        for connection, body in zip(self._connections, bodies, strict=True):
            while not _is_taken(connection):
                self.refused += 1
                time.sleep(_PAUSE_SECONDS)
                self._write(connection, body)
        self._used = time.monotonic()

    def close(self) -> None:
        """See `Client`."""
        for connection in self._connections:
            connection.close()

    def _write(self, connection: socket.socket, body: bytes | bytearray) -> None:
        connection.sendall(f"{self._head}{len(body)}\r\n\r\n".encode() + body)


class GrpcClient:
    """Calls Export over one channel."""

    width = 1

    def __init__(self, port: int) -> None:
        self.refused = 0
        self._channel = grpc.insecure_channel(f"{HOST}:{port}")
        self._call = self._channel.unary_unary(_METHOD, request_serializer=bytes, response_deserializer=None)

    def send(self, bodies: Bodies) -> None:
        """See `Client`."""
        for body in bodies:
            while True:
                try:
                    self._call(body)
                    break
                except grpc.RpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE:
                        raise
                    self.refused += 1
                    time.sleep(_PAUSE_SECONDS)

    def close(self) -> None:
        """See `Client`."""
        self._channel.close()


class Source:
    """Requests without end, no id of which comes twice.

    Args:
        requests: taken in turns.
        first: the first id.
    """

    def __init__(self, requests: Sequence[Request], *, first: int = 0) -> None:
        self.requests = requests
        self._turn = 0
        self._next = first

    def take(self, width: int) -> list[bytes]:
        """The next bodies."""
        bodies = []
        for _ in range(width):
            request = self.requests[self._turn % len(self.requests)]
            bodies.append(bytes(request.renewed(self._next)))
            self._turn += 1
            self._next += request.rows
        return bodies

    @property
    def sent(self) -> int:
        """Ids given out so far, counted from 0."""
        return self._next


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection((HOST, port), timeout=_TIMEOUT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _is_taken(connection: socket.socket) -> bool:
    """Read one reply; False when it says that there is no room now.

    Raises:
        OSError: another status, or the connection ended.
    """
    reply = bytearray()
    while (end := reply.find(b"\r\n\r\n")) < 0:
        reply += _some(connection)
    length = _LENGTH.search(reply, 0, end)
    if length is None:
        raise OSError(f"a reply without a length: {bytes(reply)!r}")
    while len(reply) < end + 4 + int(length[1]):
        reply += _some(connection)
    status = bytes(reply[9:12])
    if status == b"200":
        return True
    if status in _TOO_MANY:
        return False
    raise OSError(f"refused: {bytes(reply)!r}")


def _some(connection: socket.socket) -> bytes:
    found = connection.recv(65536)
    if not found:
        raise OSError("the connection was closed")
    return found
