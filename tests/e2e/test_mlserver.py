"""MLServer with its own tracing: the open inference protocol (V2) over HTTP and gRPC."""

import json
from pathlib import Path
from shutil import copy

import grpc

from e2e.clients import ROOT, client_python
from e2e.exporters import Exporter
from e2e.stacks import ask, ask_often, call, counted, errors, serving
from model_exporter.demo.processes import HOST, free_port

MODEL = ROOT / "tests" / "clients" / "mlserver" / "model.py"


def test_inferences_count_by_the_model_that_their_path_names(exporter: Exporter, tmp_path: Path) -> None:
    """Over HTTP; the spans of gRPC name no model, so that they count for the only one that the service has."""
    http, rpc = free_port(), free_port()
    here = tmp_path / "mlserver"
    here.mkdir()
    copy(MODEL, here)
    settings = {
        "server_name": "loans-server",
        "host": HOST,
        "http_port": http,
        "grpc_port": rpc,
        "metrics_port": free_port(),
        "parallel_workers": 0,
        "tracing_server": f"{HOST}:{exporter.ports.grpc}",
    }
    (here / "settings.json").write_text(json.dumps(settings), "utf-8")
    parameters = {"version": "v3"}
    model = {"name": "loans", "implementation": "model.Loans", "parameters": parameters}
    (here / "model-settings.json").write_text(json.dumps(model), "utf-8")
    command = [client_python("mlserver").parent / "mlserver", "start", here]
    with serving(
        "mlserver",
        command,
        here,
        environment={"OTEL_BSP_SCHEDULE_DELAY": "300"},
        ready=(http, "/v2/models/loans/ready"),
    ):
        assert ask_often(http, "/v2/models/loans/infer", [_request(10.0, 20.0), *[_request(30.0)] * 4]) == {200: 5}
        assert ask_often(http, "/v2/models/loans/versions/v3/infer", [_request(10.0)] * 3) == {200: 3}
        assert ask_often(http, "/v2/models/loans/infer", [_request(-1.0)]) == {500: 1}
        assert ask_often(http, "/v2/models/loans/infer", [{"inputs": 7}]) == {422: 1}
        assert ask(http, "/v2/models/loans", None, method="GET") == 200
        with grpc.insecure_channel(f"{HOST}:{rpc}") as channel:
            for method, message in (("ServerLive", b""), ("ModelReady", b"\n\x05loans")):
                call(channel, f"/inference.GRPCInferenceService/{method}", message)
            for name in (b"loans", b"other"):
                try:
                    call(channel, "/inference.GRPCInferenceService/ModelInfer", _message(name))
                except grpc.RpcError:
                    assert name == b"other"
        page = counted(exporter, {"loans": 12})
    assert errors(page, "loans") == {"500": 1, "422": 1, "NOT_FOUND": 1}
    assert page.total("model_predictions_total", model="loans", version="v3") == 3
    assert page.total("model_prediction_duration_seconds_count", model="loans") == 12


def _request(*amounts: float) -> dict[str, object]:
    tensor = {"name": "amount", "shape": [len(amounts)], "datatype": "FP64", "data": list(amounts)}
    return {"inputs": [tensor]}


def _message(model: bytes) -> bytes:
    """A ModelInferRequest of one amount, 10.0: model_name = 1, inputs = 5 {name, datatype, shape, contents}."""
    contents = b"\x3a\x08" + b"\x00\x00\x00\x00\x00\x00\x24\x40"  # fp64_contents = 7, packed
    tensor = b"\x0a\x06amount" + b"\x12\x04FP64" + b"\x1a\x01\x01" + b"\x2a" + bytes([len(contents)]) + contents
    return b"\x0a" + bytes([len(model)]) + model + b"\x2a" + bytes([len(tensor)]) + tensor
