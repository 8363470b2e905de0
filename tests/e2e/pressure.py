"""More than an exporter can take, from many clients at once, and what becomes of it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import grpc

from e2e.exporters import Exporter
from model_exporter.demo.processes import HOST

EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Told:
    """What one request was answered: whether it was taken, and if not, whether it was told when to come again."""

    taken: bool
    hinted: bool = False


Send = Callable[[], Told]
Open = Callable[[], Send]


@dataclass(slots=True)
class Pressed:
    """What became of all requests.

    Attributes:
        taken: requests that succeeded.
        refused: requests that were told when to come again.
        silent: requests that were refused and told nothing.
        seconds: how long each waited for its answer.
    """

    taken: int = 0
    refused: int = 0
    silent: int = 0
    seconds: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """The wait that the share `share` of all answers did not exceed, seconds."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def over_http(exporter: Exporter, path: str, content_type: str, body: bytes) -> Open:
    """Clients that POST `body` over a connection of their own."""

    def connect() -> Send:
        connection = HTTPConnection(HOST, exporter.ports.http, timeout=_PATIENCE_SECONDS)

        def send() -> Told:
            connection.request("POST", path, body, {"Content-Type": content_type})
            response = connection.getresponse()
            response.read()
            return Told(response.status == 200, response.status == 503 and response.headers["Retry-After"] == "1")

        return send

    return connect


def over_grpc(exporter: Exporter, body: bytes) -> Open:
    """Clients that call Export with `body` over a channel of their own."""

    def connect() -> Send:
        channel = grpc.insecure_channel(
            f"{HOST}:{exporter.ports.grpc}",
            options=[("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)],
        )
        call = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)

        def send() -> Told:
            try:
                call(body, timeout=_PATIENCE_SECONDS)
            except grpc.RpcError as error:
                trailers: dict[str, Any] = dict(error.trailing_metadata())  # type: ignore[arg-type]  # pairs, untyped
                hinted = "google.rpc.retryinfo-bin" in trailers and "grpc-status-details-bin" in trailers
                return Told(taken=False, hinted=hinted and error.code() is grpc.StatusCode.UNAVAILABLE)
            return Told(taken=True)

        return send

    return connect


def press(connect: Open, *, clients: int, until: Callable[[Pressed], bool], most_seconds: float = 60.0) -> Pressed:
    """Send from `clients` threads, each again as soon as it is answered, until `until` holds or time is over."""
    pressed, lock, over = Pressed(), threading.Lock(), threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            send = connect()
            while not over.is_set():
                began = time.perf_counter()
                told = send()
                with lock:
                    pressed.seconds.append(time.perf_counter() - began)
                    pressed.taken += told.taken
                    pressed.refused += told.hinted
                    pressed.silent += not (told.taken or told.hinted)
        except BaseException as error:  # noqa: BLE001  # told to the test below
            failures.append(error)
            over.set()

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + most_seconds
    while time.monotonic() < deadline and not over.wait(0.02):
        with lock:
            if until(pressed):
                break
    over.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return pressed
