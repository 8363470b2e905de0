"""Where the notifications of a demo end up: a pager, a chat and a ticket queue that print what they are sent.

    python -m model_exporter.demo.inbox --listen-address :8080

Alertmanager is told that this is Slack, PagerDuty and the ticket system, so that its routing is the real one. `GET /`
shows the latest lines.
"""

import argparse
import json
import signal
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from model_exporter.addresses import Address

if TYPE_CHECKING:
    from types import FrameType

_KEPT_LINES: Final = 200
_MOST_BYTES: Final = 1 << 20
_LINE_LENGTH: Final = 300
_SOCKET_SECONDS: Final = 10.0


def describe(path: str, body: Mapping[str, Any]) -> str:  # Any: it is JSON
    """One line about a notification: the way it came, who gets it, and what it says.

    The way is the first part of `path`, who gets it the rest, or what the body says.
    """
    way, _, who = path.strip("/").partition("/")
    match way:
        case "slack":
            attachment = _mapping(*_list(body.get("attachments"))[:1])
            told = [body.get("channel") or who, attachment.get("title") or body.get("text")]
        case "pagerduty":
            payload = _mapping(body.get("payload"))
            told = [
                _mapping(payload.get("custom_details")).get("owner", who),
                body.get("event_action"),
                payload.get("summary"),
            ]
        case _:
            labels = _mapping(body.get("commonLabels"))
            names = [labels.get(name) for name in ("severity", "alertname", "model")]
            told = [body.get("receiver") or who, body.get("status"), *names]
    words = " ".join(str(word) for word in told if word)
    # What labels say must not move the cursor of whoever reads it.
    line = "".join(letter if letter.isprintable() else " " for letter in f"{way or '-':<10} {words}")
    return line[:_LINE_LENGTH].rstrip()


def _mapping(value: object = None) -> Mapping[str, Any]:  # Any: it is JSON
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:  # Any: it is JSON
    return value if isinstance(value, list) else []


class Inbox(ThreadingHTTPServer):
    """Listens on `address` and keeps the latest lines."""

    daemon_threads = True

    def __init__(self, address: Address) -> None:
        resolved = address.resolve()
        self.address_family = socket.AF_INET6 if ":" in resolved.host else socket.AF_INET
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._writing = Lock()
        super().__init__((resolved.host, resolved.port), _Handler)

    def take(self, path: str, body: Mapping[str, Any]) -> None:  # Any: it is JSON
        """Print and keep a line."""
        with self._writing:
            line = f"{time.strftime('%H:%M:%SZ', time.gmtime())} {describe(path, body)}"
            self.lines.append(line)
            print(line, flush=True)


class _Handler(BaseHTTPRequestHandler):
    """Takes whatever is posted; `timeout` ends a connection that says nothing."""

    server: Inbox
    timeout = _SOCKET_SECONDS

    def do_GET(self) -> None:
        """The latest lines."""
        self._reply(HTTPStatus.OK, "text/plain; charset=utf-8", "\n".join([*self.server.lines, ""]).encode())

    def do_POST(self) -> None:
        """Record a notification."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST_BYTES:
            self._reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "text/plain", b"")
            return
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._reply(HTTPStatus.BAD_REQUEST, "text/plain", b"not a JSON object")
            return
        self.server.take(self.path, body)
        if self.path.startswith("/pagerduty"):
            self._reply(HTTPStatus.ACCEPTED, "application/json", b'{"status": "success"}')
        else:
            self._reply(HTTPStatus.OK, "text/plain", b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Say nothing: the notifications are the log."""

    def _reply(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(arguments: Sequence[str] | None = None) -> None:
    """Listen until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen-address", default="127.0.0.1:8080", type=Address.parse, help="host:port, or :port")
    options = parser.parse_args(arguments)

    def end(_number: int, _frame: "FrameType | None") -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    with Inbox(options.listen_address) as inbox:
        try:
            inbox.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
