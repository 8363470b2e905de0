"""Where Alertmanager's webhooks end in the demo: a listener on a loopback port that notes who is told what."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

from model_exporter.demo.processes import HOST

_WAYS: Final = {"chat": "page", "ticket": "ticket"}
"""What a receiver of a team with nothing but a webhook stands for, by the end of its name: critical goes to chat."""


@dataclass(frozen=True, slots=True)
class Told:
    """One alert that reached a team.

    Attributes:
        team: who was told.
        way: as a page or a ticket.
        labels: of the alert.
        annotations: of the alert.
    """

    team: str
    way: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Listener:
    """What has come in. `port` is where."""

    def __init__(self, port: int, inbox: SimpleQueue[Told]) -> None:
        self.port = port
        self._inbox = inbox

    def read(self) -> Iterator[Told]:
        """What came since the last call."""
        while not self._inbox.empty():
            yield self._inbox.get()


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener until the block is left."""
    inbox: SimpleQueue[Told] = SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for told in read_webhook(body):
                inbox.put(told)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            yield Listener(server.server_address[1], inbox)
        finally:
            server.shutdown()
            thread.join()


def read_webhook(body: Mapping[str, Any]) -> Iterator[Told]:  # Any: it is JSON
    """The alerts that fire in Alertmanager's JSON; those that are over tell nobody anything new here."""
    team, _, use = str(body["receiver"]).partition("/")
    for alert in body["alerts"]:
        if alert["status"] == "firing":
            yield Told(team, _WAYS.get(use, use), alert["labels"], alert["annotations"])
