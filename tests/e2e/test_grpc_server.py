"""A grpcio server, instrumented from outside by `opentelemetry-instrument`."""

import json
from pathlib import Path

import grpc
import pytest

from e2e.clients import ROOT, client_python
from e2e.exporters import run_exporter
from e2e.stacks import INSTRUMENTED, call, counted, errors, serving
from model_exporter.demo.processes import HOST, ExporterPorts, free_port

SERVER = ROOT / "tests" / "clients" / "grpc_server" / "server.py"


def test_calls_count_by_their_codes(tmp_path: Path) -> None:
    """Under the name of the service, and without what probes ask; the first calls wait in the SDK for an exporter.

    A code such as NOT_FOUND leaves the status of a span unset.
    """
    port, ports = free_port(), ExporterPorts.free()
    binaries = client_python("grpc_server").parent
    environment = INSTRUMENTED | {
        "OTEL_SERVICE_NAME": "loans",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{ports.grpc}",
    }
    command = [binaries / "opentelemetry-instrument", binaries / "python", SERVER, f"{HOST}:{port}"]
    with (
        serving("loans", command, tmp_path, environment=environment),
        grpc.insecure_channel(f"{HOST}:{port}") as channel,
    ):
        grpc.channel_ready_future(channel).result(30)
        _ask(channel, 10, 20)
        with run_exporter(tmp_path, ports=ports) as exporter:
            _ask(channel, 30, 0, 0, 0, -1)
            assert json.loads(call(channel, "/grpc.health.v1.Health/Check", b"{}")) == {"status": "SERVING"}
            with pytest.raises(grpc.RpcError):
                call(channel, "/loans.Predictor/Nothing", b"{}")
            page = counted(exporter, {"loans": 7})
    assert errors(page, "loans") == {"NOT_FOUND": 3, "UNKNOWN": 1}
    assert page.total("model_prediction_duration_seconds_count", model="loans") == 7


def _ask(channel: grpc.Channel, *amounts: float) -> None:
    """Ask for the risk of each loan; some are refused."""
    for amount in amounts:
        try:
            call(channel, "/loans.Predictor/Predict", json.dumps({"amount": amount}).encode())
        except grpc.RpcError:
            assert amount <= 0
