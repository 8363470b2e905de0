"""Events as payload loggers post them, built from their sources where the loggers themselves cannot be had."""

from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Final

from e2e.exporters import Exporter
from model_exporter.demo.processes import HOST

TIME: Final = "2026-11-26T10:00:{seconds:06.3f}Z"


def kserve(side: str, call: str, **attributes: str) -> dict[str, str]:
    """Headers of KServe's agent (kserve, pkg/logger/worker.go): both halves of a call have one id."""
    told = {
        "id": call,
        "specversion": "1.0",
        "type": f"org.kubeflow.serving.inference.{side}",
        "source": "http://localhost:9081/",
        "inferenceservicename": "iris",
        "namespace": "ml",
        "component": "predictor",
        "endpoint": "",
        "metadata": "{}",
        "time": TIME.format(seconds=1.25 if side == "response" else 1.0),
    }
    return _headers(told | attributes)


def seldon(side: str, call: str, **attributes: str) -> dict[str, str]:
    """Headers of Seldon's executor (seldon-core, executor/logger/worker.go): each event has an id of its own."""
    told = {
        "id": f"{call}-{side}",
        "requestid": call,
        "specversion": "1.0",
        "type": "io.seldon.serving.feedback" if side == "feedback" else f"io.seldon.serving.inference.{side}",
        "source": "http://localhost:8000/",
        "inferenceservicename": "income",
        "modelid": "classifier",
        "namespace": "ml",
        "endpoint": "default",
        "protocol": "seldon",
        "time": TIME.format(seconds=2.5 if side == "response" else 2.0),
    }
    return _headers(told | attributes)


def azure(collection: str, call: str, **attributes: str) -> dict[str, str]:
    """Headers of Azure ML's collector (azureml-ai-monitoring, worker/sender.py)."""
    told = {
        "type": f"azureml.inference.{collection}",
        "time": "1795687200",
        "x-request-id": call,
        "model-version": "default",
        "collect-data-type": "pandas.DataFrame",
    }
    return _headers(told | attributes)


def post_event(
    exporter: Exporter, headers: Mapping[str, str | bytes], body: bytes, path: str = "/", *, seconds: float = 30.0
) -> tuple[int, str]:
    """Post one event; status and body of the reply."""
    connection = HTTPConnection(HOST, exporter.ports.http, timeout=seconds)
    try:
        connection.request("POST", path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def _headers(attributes: Mapping[str, str]) -> dict[str, str]:
    return {"Content-Type": "application/json"} | {f"Ce-{name.title()}": value for name, value in attributes.items()}
