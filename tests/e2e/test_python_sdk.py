"""The OpenTelemetry SDK for Python, over both transports and with every compression it has."""

import math

import pytest

from e2e.exporters import Exporter
from e2e.python_sdk import Client

ROWS = 1200


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_each_prediction_is_counted_once(exporter: Exporter, protocol: str, compression: str) -> None:
    """A log record and a SERVER span a prediction make one prediction, with the latency of the span."""
    endpoint = exporter.endpoint if protocol == "http" else exporter.grpc_endpoint
    client = Client(protocol, endpoint, compression=compression, model="fraud", traced=True)
    client.send(
        ({"amount": number / 7, "country": ("DE", "FR")[number % 2]} for number in range(ROWS)), more={"score": 0.5}
    )
    assert client.close() == 0
    page = exporter.settled()
    assert page.total("model_predictions_total", model="fraud") == ROWS
    assert page.total("model_feature_values_total", model="fraud", feature="amount", role="input") == ROWS
    assert page.total("model_feature_values_total", model="fraud", feature="country", role="input") == ROWS
    assert page.total("model_feature_values_total", model="fraud", feature="score", role="output") == ROWS
    assert page.total("model_prediction_duration_seconds_count", model="fraud") == ROWS
    assert page.total("model_duplicate_predictions_total", model="fraud") == 0


def test_spans_that_overtake_their_logs_count_nothing_twice(exporter: Exporter) -> None:
    """An SDK sends logs and spans apart: spans that come first wait for the logs, which name the model."""
    tracing = Client("http", exporter.endpoint, compression="none", model="fraud", traced=True)
    tracing.trace(300)
    assert tracing.close() == 0
    exporter.settled()
    logging = Client("http", exporter.endpoint, compression="none", model="fraud", traced=False)
    logging.send({"amount": float(number)} for number in range(300))
    assert logging.close() == 0
    page = exporter.wait_for(
        lambda page: page.has("model_prediction_duration_seconds_count", model="fraud"), what="the spans to count"
    )
    assert page.total("model_predictions_total") == 300
    assert page.total("model_prediction_duration_seconds_count", model="fraud", version="1") == 300
    assert page.total("model_exporter_models") == 1


def test_a_service_that_only_traces_has_traffic(exporter: Exporter) -> None:
    """Spans that wait in vain for logs count under the name of their service."""
    client = Client("grpc", exporter.grpc_endpoint, compression="none", model="", traced=True)
    client.trace(300)
    assert client.close() == 0
    page = exporter.wait_for(lambda page: page.has("model_predictions_total", model="api"), what="the spans to count")
    assert page.total("model_predictions_total") == 300
    assert page.total("model_prediction_duration_seconds_count", model="api") == 300


def test_flat_attributes_are_features_too(exporter: Exporter) -> None:
    """`feature.<name>` attributes are for SDKs that cannot send maps."""
    client = Client("http", exporter.endpoint, compression="none", model="flat", traced=False)
    client.send(({} for _ in range(200)), more={"feature.amount": 2.5, "segment.region": "eu"})
    assert client.close() == 0
    page = exporter.settled()
    assert page.total("model_feature_values_total", model="flat", feature="amount", role="input") == 200


def test_numbers_that_are_none_are_told_apart(exporter: Exporter) -> None:
    """Over protobuf NaN and infinities arrive as such: values, but not usable ones."""
    values: list[float | str] = [math.nan, math.inf, -math.inf, 1e300, 3, 2.5, True, "text"]
    client = Client("http", exporter.endpoint, compression="none", model="odd", traced=False)
    client.send({"amount": value} for value in values)
    assert client.close() == 0
    page = exporter.settled()
    assert page.total("model_predictions_total", model="odd") == len(values)
    assert page.total("model_feature_invalid_total", model="odd", feature="amount", reason="nonfinite") == 3
    assert page.total("model_feature_values_total", model="odd", feature="amount") == len(values)


def test_a_retry_is_counted_as_a_duplicate(exporter: Exporter) -> None:
    """The same prediction ids sent again, as after a lost reply, do not count as predictions."""
    for _ in range(2):
        client = Client("grpc", exporter.grpc_endpoint, compression="none", model="fraud", traced=False)
        client.send({"amount": float(number)} for number in range(500))
        assert client.close() == 0
    page = exporter.settled()
    assert page.total("model_predictions_total", model="fraud") == 500
    assert page.total("model_duplicate_predictions_total", model="fraud") == 500
    assert page.total("model_feature_values_total", model="fraud", feature="amount") == 500
