"""A proxy of HTTP between clients and an exporter that is busy, slow or loses replies, as it is told."""

import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from model_exporter.demo.processes import HOST

BUSY: Final = "busy"
"""503, come again in a second."""
LOST: Final = "lost"
"""The exporter takes the request, and the connection is closed without its reply."""
REFUSED: Final = "refused"
"""400, for good."""


class Flaky:
    """Treats the next requests as it is told, one by one, and passes on all others."""

    def __init__(self, port: int, target: int) -> None:
        self.endpoint = f"http://{HOST}:{port}"
        self.seen: Counter[str] = Counter()
        self._target = target
        self._script: deque[str] = deque()
        self._lock = threading.Lock()

    def expect(self, *treatments: str) -> None:
        """Treat the next requests so."""
        with self._lock:
            self._script.extend(treatments)

    def next(self) -> str:
        """How to treat this request; empty to pass it on."""
        with self._lock:
            treatment = self._script.popleft() if self._script else ""
            self.seen[treatment or "passed"] += 1
            return treatment

    def forward(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of the exporter's reply."""
        connection = HTTPConnection(HOST, self._target, timeout=60)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    flaky: Flaky

    def do_POST(self) -> None:
        body = self._body()
        treatment = self.flaky.next()
        if treatment in {BUSY, REFUSED}:
            self._answer(503 if treatment == BUSY else 400, b"")
            return
        kept = {name: value for name, value in self.headers.items() if name.lower().startswith("content-")}
        kept.pop("Content-Length", None)
        kept.pop("content-length", None)
        status, reply = self.flaky.forward(self.path, body, kept)
        if treatment == LOST:
            self.close_connection = True
            return
        self._answer(status, reply)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", self.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers["Content-Length"]))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


@contextmanager
def flaky(target: int) -> Iterator[Flaky]:
    """A proxy to the loopback port `target`."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    Handler.flaky = proxy = Flaky(server.server_port, target)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
