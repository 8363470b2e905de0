"""The same predictions through two doors at once: each counts once."""

import threading
from collections.abc import Callable

from e2e.exporters import Exporter
from e2e.python_sdk import Client

ROWS = 2000
BATCH = 250


def at_once(*tasks: Callable[[], object]) -> None:
    """Run the tasks side by side."""
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def send(exporter: Exporter, protocol: str, model: str = "fraud") -> None:
    """All predictions with the SDK, their ids as text."""
    endpoint = exporter.endpoint if protocol == "http" else exporter.grpc_endpoint
    client = Client(protocol, endpoint, compression="none", model=model, traced=False)
    for number in range(ROWS):
        client.send([{"amount": float(number)}], more={"prediction.id": str(number)})
    assert client.close() == 0


def post(exporter: Exporter) -> None:
    """All predictions as JSON lines, their ids as numbers."""
    for first in range(0, ROWS, BATCH):
        records = [
            {"model": "fraud", "version": "1", "id": number, "features": {"amount": float(number)}}
            for number in range(first, first + BATCH)
        ]
        status, reply = exporter.post("/v1/predictions", records, lines=True)
        assert status == 200, reply


def check(exporter: Exporter, deliveries: int) -> None:
    """Each prediction counted once, and every further delivery as a duplicate."""
    page = exporter.settled()
    assert page.total("model_predictions_total", model="fraud") == ROWS
    assert page.total("model_duplicate_predictions_total", model="fraud") == (deliveries - 1) * ROWS
    assert page.total("model_feature_values_total", model="fraud", feature="amount") == ROWS


def test_logs_over_http_and_json_lines(exporter: Exporter) -> None:
    """An id is the same as text and as number."""
    at_once(lambda: send(exporter, "http"), lambda: post(exporter))
    check(exporter, 2)


def test_logs_over_http_and_grpc(exporter: Exporter) -> None:
    """And what comes a third time later."""
    at_once(lambda: send(exporter, "http"), lambda: send(exporter, "grpc"))
    post(exporter)
    check(exporter, 3)


def test_logs_that_name_only_their_service(exporter: Exporter) -> None:
    """The service `api` hosts one model, so its nameless records are that model's, under the same ids."""
    named = Client("http", exporter.endpoint, compression="none", model="fraud", traced=False)
    named.send([{"amount": 0.0}], more={"prediction.id": "0"})
    assert named.close() == 0
    exporter.settled()
    at_once(lambda: send(exporter, "grpc", model=""), lambda: post(exporter))
    page = exporter.settled()
    assert page.total("model_exporter_models") == 1
    assert page.total("model_predictions_total", model="fraud") == ROWS
    assert page.total("model_duplicate_predictions_total", model="fraud") == ROWS + 1
