"""The plain OpenTelemetry SDKs before an exporter that is down, slow, busy, or loses its replies."""

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.exporters import Exporter, run_exporter
from e2e.flaky import BUSY, LOST, flaky
from e2e.floods import CONFIG, flood
from e2e.python_sdk import Client
from model_exporter.demo.processes import HOST, ExporterPorts

ROWS = 1000
PAUSE = 2.0
"""Seconds that an exporter is stopped: less than an SDK's ten for one batch."""
SECONDS = 60


def rows() -> Iterator[dict[str, float]]:
    """As many as each test sends."""
    return ({"amount": float(number)} for number in range(ROWS))


def counted(exporter: Exporter, model: str) -> float:
    """Predictions that the exporter has counted."""
    return exporter.settled().total("model_predictions_total", model=model)


@contextmanager
def stopped(exporter: Exporter) -> Iterator[None]:
    """The exporter is stopped for `PAUSE` seconds, while the block goes on."""
    exporter.child.process.send_signal(signal.SIGSTOP)
    timer = threading.Timer(PAUSE, exporter.child.process.send_signal, [signal.SIGCONT])
    timer.start()
    try:
        yield
    finally:
        timer.join()


def python_client(protocol: str, exporter_ports: ExporterPorts) -> Client:
    """A service with the SDK for Python."""
    port = exporter_ports.http if protocol == "http" else exporter_ports.grpc
    return Client(protocol, f"http://{HOST}:{port}", compression="none", model="fraud", traced=False)


def node_client(node: Path, protocol: str, endpoint: str) -> "subprocess.Popen[str]":
    """A service with the SDK for JavaScript, which starts to send at once."""
    command = ["node", "send.mjs", protocol, endpoint, "shop", "plain", str(ROWS)]
    return subprocess.Popen(command, cwd=node, stderr=subprocess.PIPE, text=True)


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Its exit code, which is 1 when a batch was given up, and what it said."""
    _, said = process.communicate(timeout=SECONDS)
    return process.returncode, said


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_python_before_an_exporter_that_starts_late(tmp_path: Path, protocol: str) -> None:
    """The SDK tries a batch again for ten seconds, and nothing is lost or counted twice."""
    ports = ExporterPorts.free()
    client = python_client(protocol, ports)
    client.send(rows())
    with run_exporter(tmp_path, ports=ports) as exporter:
        assert client.close() == 0
        assert counted(exporter, "fraud") == ROWS


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_python_before_an_exporter_that_hangs(exporter: Exporter, protocol: str) -> None:
    """The batches wait, and count once."""
    client = python_client(protocol, exporter.ports)
    with stopped(exporter):
        client.send(rows())
    assert client.close() == 0
    assert counted(exporter, "fraud") == ROWS


def test_python_before_an_exporter_that_is_busy_or_loses_its_replies(exporter: Exporter) -> None:
    """What is sent again after a lost reply is counted as duplicates."""
    with flaky(exporter.ports.http) as proxy:
        proxy.expect(BUSY, LOST)
        client = Client("http", proxy.endpoint, compression="none", model="fraud", traced=False)
        client.send(rows())
        assert client.close() == 0
        assert (proxy.seen[BUSY], proxy.seen[LOST]) == (1, 1)
    assert counted(exporter, "fraud") == ROWS
    assert exporter.page().total("model_duplicate_predictions_total", model="fraud") > 0


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_python_before_a_full_queue(tmp_path: Path, protocol: str) -> None:
    """503 with Retry-After, or UNAVAILABLE with RetryInfo: it comes again, and each record counts once."""
    with run_exporter(tmp_path, CONFIG) as exporter:
        client = python_client(protocol, exporter.ports)

        def log(before: int) -> None:
            client.send(({"amount": float(number)} for number in range(100)), first_id=100 * before)
            client.flush()

        logged = 100 * flood(exporter, f"otlp_{protocol}", log)
        assert client.close() == 0
        assert counted(exporter, "fraud") == logged


@pytest.mark.parametrize("protocol", ["json", "protobuf", "grpc"])
def test_javascript_before_an_exporter_that_hangs(exporter: Exporter, node: Path, protocol: str) -> None:
    """The batches wait, and count once."""
    endpoint = exporter.grpc_endpoint if protocol == "grpc" else exporter.endpoint
    with stopped(exporter):
        process = node_client(node, protocol, endpoint)
    assert finish(process) == (0, "")
    assert counted(exporter, "shop") == ROWS


@pytest.mark.parametrize("protocol", ["json", "protobuf"])
def test_javascript_before_an_exporter_that_is_busy_or_loses_its_replies(
    exporter: Exporter, node: Path, protocol: str
) -> None:
    """Over HTTP it comes again when told to, and after a lost reply."""
    with flaky(exporter.ports.http) as proxy:
        proxy.expect(BUSY, LOST)
        assert finish(node_client(node, protocol, proxy.endpoint)) == (0, "")
        assert (proxy.seen[BUSY], proxy.seen[LOST]) == (1, 1)
    assert counted(exporter, "shop") == ROWS


@pytest.mark.parametrize("protocol", ["json", "protobuf", "grpc"])
def test_javascript_before_an_exporter_that_is_down(node: Path, protocol: str) -> None:
    """It ends, and says that the records are lost."""
    ports = ExporterPorts.free()
    port = ports.grpc if protocol == "grpc" else ports.http
    code, said = finish(node_client(node, protocol, f"http://{HOST}:{port}"))
    assert code == 1
    assert "ECONNREFUSED" in said
