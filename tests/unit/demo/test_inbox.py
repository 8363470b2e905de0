import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest

from model_exporter.addresses import Address
from model_exporter.demo.inbox import Inbox, describe
from model_exporter.demo.processes import HOST, fetch


@contextmanager
def _inbox() -> Iterator[Inbox]:
    with Inbox(Address(HOST, 0)) as inbox:
        thread = threading.Thread(target=inbox.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield inbox
        finally:
            inbox.shutdown()
            thread.join()


def _post(inbox: Inbox, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection(HOST, inbox.server_address[1], timeout=10)
    try:
        connection.request("POST", path, body, dict(headers or {}))
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "body", "line"),
    [
        ("/slack", {"channel": "#a", "attachments": [{"title": "CRITICAL x"}]}, "slack      #a CRITICAL x"),
        ("/slack/a", {"text": "hello"}, "slack      a hello"),
        (
            "/pagerduty",
            {"event_action": "trigger", "payload": {"summary": "x", "custom_details": {"owner": "a"}}},
            "pagerduty  a trigger x",
        ),
        ("/pagerduty", {"event_action": "resolve"}, "pagerduty  resolve"),
        (
            "/ticket/a",
            {
                "receiver": "a/ticket",
                "status": "firing",
                "commonLabels": {"alertname": "N", "model": "m", "severity": "warning"},
            },
            "ticket     a/ticket firing warning N m",
        ),
        ("/ticket/a", {}, "ticket     a"),
        ("/", {}, "-"),
        ("/slack", {"attachments": ["odd"]}, "slack"),
        ("/pagerduty", {"payload": "odd"}, "pagerduty"),
        ("/ticket", {"commonLabels": ["odd"]}, "ticket"),
    ],
)
def test_a_notification_is_a_line(path: str, body: Mapping[str, object], line: str) -> None:
    """How it came, who gets it, what it says; what the sender leaves out is left out."""
    assert describe(path, body) == line


def test_what_a_label_says_stays_on_its_line() -> None:
    """No line break, no escape sequence, no end of the line out of sight."""
    line = describe("/slack", {"text": "a\nb\x1b[2Jc" + "d" * 1000})
    assert line.startswith("slack      a b [2Jc")
    assert len(line) == 300
    assert line.isprintable()


def test_the_page_shows_what_came(capsys: pytest.CaptureFixture[str]) -> None:
    """The same lines as the log, whatever answer the sender expects."""
    with _inbox() as inbox:
        assert _post(inbox, "/slack", json.dumps({"text": "one"}).encode()) == (200, b"ok")
        assert _post(inbox, "/pagerduty", b"{}") == (202, b'{"status": "success"}')
        status, page = fetch(inbox.server_address[1], "/")
    assert status == 200
    assert [line[10:].split() for line in page.splitlines()] == [["slack", "one"], ["pagerduty"]]
    assert capsys.readouterr().out == page


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"\xff", {}, 400),
        (b"", {"Content-Length": "1048577"}, 413),
        (b"", {"Content-Length": "-1"}, 413),
    ],
)
def test_what_is_no_notification_is_refused(body: bytes, headers: Mapping[str, str], status: int) -> None:
    """And not shown."""
    with _inbox() as inbox:
        assert _post(inbox, "/slack", body, headers)[0] == status
        assert list(inbox.lines) == []


def test_it_keeps_only_the_latest() -> None:
    """However many come."""
    with _inbox() as inbox:
        for number in range(300):
            inbox.take("/slack", {"text": str(number)})
        assert len(inbox.lines) == 200
        assert inbox.lines[-1].endswith(" 299")
