"""Targets of OTLP that keep what they are sent, and misbehave as they are told to."""

import gzip
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

from model_exporter.demo.processes import HOST

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived: its path or method, headers in lower case, and decompressed body."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """How a sink answers: over HTTP by status, over gRPC by code.

    `hang` waits until the sink is closed; `reset` ends the connection without an answer.
    """

    status: int = 200
    code: grpc.StatusCode = grpc.StatusCode.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    trailers: tuple[tuple[str, bytes], ...] = ()
    body: bytes = b""
    hang: bool = False
    reset: bool = False


OK = Reply()
HANG = Reply(hang=True)
RESET = Reply(reset=True)


class Sink:
    """Keeps requests. `replies` are given in order, then `always`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.replies: deque[Reply] = deque()
        self.always = OK
        self.endpoint = ""
        self.closed = threading.Event()
        self._lock = threading.Lock()

    @property
    def bodies(self) -> list[bytes]:
        """What arrived, in order, refused or not."""
        return [received.body for received in self.received]

    def answer(self, received: Received) -> Reply:
        """Keep a request; how it is answered."""
        with self._lock:
            self.received.append(received)
            reply = self.replies.popleft() if self.replies else self.always
        if reply.hang:
            self.closed.wait(PATIENCE_SECONDS)
        return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""


@contextmanager
def http_sink(*, port: int = 0) -> Iterator[Sink]:
    """A sink for OTLP/HTTP on a port of loopback, any free one by default."""
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Keep the body, and answer as told."""
            headers = {key.lower(): value for key, value in self.headers.items()}
            body = self.rfile.read(int(headers["content-length"]))
            if headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            reply = sink.answer(Received(self.path, headers, body))
            if reply.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"Content-Type": headers["content-type"], **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name that it overrides
            """Print nothing."""

    server = _Server((HOST, port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    sink.endpoint = f"http://{HOST}:{server.server_port}"
    try:
        yield sink
    finally:
        sink.closed.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Methods(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    def __init__(self, answer: Callable[[Received], Reply]) -> None:
        self._answer = answer

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        method = handler_call_details.method

        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            headers = {key: str(value) for key, value in context.invocation_metadata()}
            reply = self._answer(Received(method, headers, body))
            if reply.code is not grpc.StatusCode.OK:
                context.set_trailing_metadata(reply.trailers)
                context.abort(reply.code, "as told")
            return reply.body

        return grpc.unary_unary_rpc_method_handler(export)


@contextmanager
def grpc_sink(*, port: int = 0) -> Iterator[Sink]:
    """A sink for OTLP/gRPC on a port of loopback, any free one by default."""
    sink = Sink()
    server = grpc.server(ThreadPoolExecutor(8), handlers=[_Methods(sink.answer)], options=(("grpc.so_reuseport", 0),))
    found = server.add_insecure_port(f"{HOST}:{port}")
    server.start()
    sink.endpoint = f"grpc://{HOST}:{found}"
    try:
        yield sink
    finally:
        sink.closed.set()
        server.stop(None).wait(PATIENCE_SECONDS)
