"""Serving stacks in environments of their own: started with settings that their documentation has, asked, stopped."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import grpc

from e2e.exporters import Exporter, Page
from model_exporter.demo.processes import HOST, Child, fetch, running, wait_until

START_SECONDS: Final = 60.0

INSTRUMENTED: Final = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_BSP_SCHEDULE_DELAY": "300",
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
}
"""What `opentelemetry-instrument` is told besides where to send: traces, often, and the metrics that nobody wants."""


@contextmanager
def serving(
    name: str,
    command: Iterable[object],
    folder: Path,
    *,
    environment: Mapping[str, str],
    ready: tuple[int, str] | None = None,
) -> Iterator[Child]:
    """A server with `environment` besides ours, started in `folder`; `ready` is the port and path that say so."""
    told = [f"{key}={value}" for key, value in environment.items()]
    inherited = [f"-u{key}" for key in os.environ if key.startswith(("PYTHON", "OTEL_"))]
    with running(name, ["env", f"-C{folder}", *inherited, *told, *map(str, command)], folder) as child:
        if ready is not None:
            wait_until(lambda: fetch(*ready)[0] == 200, what=f"{name} to be ready", seconds=START_SECONDS, child=child)
        yield child


def ask(port: int, path: str, body: object, *, method: str = "POST", seconds: float = 30.0) -> int:
    """Send JSON to a loopback port; the status of the reply."""
    connection = HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def call(channel: grpc.Channel, method: str, message: bytes) -> bytes:
    """The bytes that a unary gRPC method answers `message` with."""
    answer: bytes = channel.unary_unary(method, request_serializer=None, response_deserializer=None)(message)
    return answer


def ask_often(port: int, path: str, bodies: Sequence[object]) -> Counter[int]:
    """Send each of `bodies` to a path; how often which status was answered."""
    return Counter(ask(port, path, body) for body in bodies)


def counted(exporter: Exporter, predictions: Mapping[str, int]) -> Page:
    """The page once each model in `predictions` has that many, which none exceeds, and no other model has any."""

    def has_all(page: Page) -> bool:
        return all(
            page.has("model_predictions_total", model=model)
            and page.total("model_predictions_total", model=model) >= number
            for model, number in predictions.items()
        )

    exporter.wait_for(has_all, what=f"the predictions {dict(predictions)}")
    page = exporter.settled()
    found: Counter[str] = Counter()
    for labels, value in page.samples("model_predictions_total"):
        found[labels["model"]] += int(value)
    assert +found == dict(predictions), f"found {dict(found)}"
    return page


def errors(page: Page, model: str) -> dict[str, int]:
    """Failed predictions of a model, by type."""
    samples = page.samples("model_prediction_errors_total", model=model)
    return {labels["error_type"]: int(value) for labels, value in samples if value}
