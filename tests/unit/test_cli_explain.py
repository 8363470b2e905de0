import io
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import snapshots
from model_exporter.cli import run
from model_exporter.expose import ServiceStatus, WebServer
from model_exporter.expose.explain_text import render
from model_exporter.expose.explanation import explain
from model_exporter.expose.text import clean
from model_exporter.telemetry import Telemetry

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def address() -> Iterator[str]:
    """`host:port` of a web server with models of every kind."""
    snapshot = snapshots.full_snapshot()
    server = WebServer(
        "127.0.0.1:0",
        snapshot=lambda: snapshot,
        telemetry=Telemetry(),
        status=lambda: ServiceStatus(version="1", started_at=0.0, config_file="", doors=(), ready=True),
        reload=lambda: None,
        enable_lifecycle=False,
    )
    server.start()
    try:
        yield server.address
    finally:
        server.stop(5.0)


@contextmanager
def stranger(status: int, body: bytes) -> Iterator[str]:
    """A server that is no exporter and answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def error(capsys: Capture) -> str:
    """The one line on standard error; nothing else was printed."""
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    return line


def test_the_help_fits_a_terminal(capsys: Capture) -> None:
    """It names what can be asked for and the exit codes."""
    assert run(["explain", "--help"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 100
    assert {"--feature", "--version", "--address", "--json"} <= set(out.split())
    assert "MODEL_EXPORTER_ADDRESS" in out


def test_it_prints_what_the_exporter_says(capsys: Capture, address: str) -> None:
    """As text, in the width asked for."""
    assert run(["explain", "fraud", f"--address={address}", "--width=90"]) == 0
    expected = render(explain(snapshots.fraud_model(), at=snapshots.AT), width=90)
    assert capsys.readouterr().out == expected


def test_a_feature_and_a_version_can_be_asked_for(capsys: Capture, address: str) -> None:
    """The answer is about them."""
    assert run(["explain", "fraud", f"--address=http://{address}/", "--feature=age", "--version=1.4.1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("fraud, version 1.4.1: ok")
    assert "\nage (numeric input)" in out


def test_json_is_the_whole_answer(capsys: Capture, address: str) -> None:
    """For programs, in ASCII, whatever the names."""
    assert run(["explain", clean(snapshots.HOSTILE), f"--address={address}", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    answer = json.loads(out)
    assert answer["status"] == "success"
    assert answer["data"]["explanation"]["model"] == clean(snapshots.HOSTILE)


def test_the_address_can_come_from_the_environment(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """As every flag's value can; a proxy meant for the internet is not asked."""
    monkeypatch.setenv("MODEL_EXPORTER_ADDRESS", address)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert run(["explain", "churn"]) == 0
    assert "still being learned" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody"], "has no model 'nobody'. The models are fraud, churn, ranker, "),
        (["fraud", "--feature=amuont"], "Did you mean amount? The features are amount, age, country"),
        (["fraud", "--version=9"], "The versions are 1.4.2, 1.4.1"),
    ],
)
def test_what_the_exporter_does_not_know_is_a_mistake(
    capsys: Capture, address: str, arguments: list[str], told: str
) -> None:
    """Exit code 2, with the names that there are."""
    assert run(["explain", *arguments, f"--address={address}"]) == 2
    assert told in error(capsys)


def test_names_cannot_move_the_cursor(capsys: Capture, address: str) -> None:
    """The names in an error may hold anything that a client sent."""
    assert run(["explain", "nobody", f"--address={address}"]) == 2
    assert error(capsys).isprintable()


def test_a_terminal_without_unicode_gets_none(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Bars are drawn in ASCII, and names that ASCII lacks are escaped."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(sys.stdout.buffer, encoding="ascii"))
    assert run(["explain", clean(snapshots.HOSTILE), f"--address={address}"]) == 0
    sys.stdout.flush()
    assert "##" in capsysbinary.readouterr().out.decode("ascii")


@pytest.mark.parametrize("address", ["ftp://h:1", "file:///etc/hosts", "http://", "http://h:port", "http://h/?a=b", ""])
def test_an_address_that_is_none_is_a_mistake(capsys: Capture, address: str) -> None:
    """Exit code 2, before anything is asked."""
    assert run(["explain", "fraud", f"--address={address}"]) == 2
    assert "is not an address such as http://127.0.0.1:19464" in error(capsys)


def test_without_an_answer_it_says_what_to_do(capsys: Capture) -> None:
    """Exit code 1, with the address, the reason and the way out."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        assert run(["explain", "fraud", f"--address={address}"]) == 1
    line = error(capsys)
    assert line.startswith(f"error: nothing answers at http://{address} (")
    assert "model_exporter serve" in line


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>hello</html>"),
        (200, b"[1]"),
        (200, b'{"status": "success", "data": []}'),
        (200, b"\xff"),
        (404, b"not found"),
    ],
)
def test_a_stranger_is_not_believed(capsys: Capture, status: int, body: bytes) -> None:
    """Exit code 1: something else listens there."""
    with stranger(status, body) as address:
        assert run(["explain", "fraud", f"--address={address}"]) == 1
    assert "answers, but not as model_exporter does" in error(capsys)


def test_a_failure_of_the_exporter_is_told(capsys: Capture) -> None:
    """Exit code 1, with its status and its words."""
    with stranger(503, b'{"status": "error", "error": "too busy"}') as address:
        assert run(["explain", "fraud", f"--address={address}"]) == 1
    assert "answered 503: too busy" in error(capsys)


def test_a_connection_that_breaks_is_no_answer(capsys: Capture) -> None:
    """A port that hangs up is not an exporter."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert run(["explain", "fraud", f"--address=127.0.0.1:{listener.getsockname()[1]}"]) == 1
        thread.join()
    assert "nothing answers at" in error(capsys)
