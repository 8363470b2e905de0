"""The real OpenTelemetry Collector in front of the exporter and behind it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from e2e.collectors import CollectorPorts, run_collector
from e2e.exporters import Exporter, run_exporter
from e2e.python_sdk import Client
from model_exporter.demo.processes import HOST, ExporterPorts
from otlp_sinks import Sink, http_sink
from receiving import until

ROWS = 1200
PINGS_SECONDS = 35.0
IDS = {f"fraud-{number}" for number in range(ROWS)}


def _rows(count: int = ROWS) -> Iterator[dict[str, Any]]:
    return ({"amount": number / 7, "country": ("DE", "FR")[number % 2]} for number in range(count))


def _send(endpoint: str, *, protocol: str = "http", first_id: int = 0, count: int = ROWS, traced: bool = True) -> None:
    """Send predictions, each within a span when `traced`; every export succeeds."""
    client = Client(protocol, endpoint, compression="gzip", model="fraud", traced=traced)
    client.send(_rows(count), first_id=first_id, more={"score": 0.5})
    assert client.close() == 0


def _behind(exporter: ExporterPorts, protocol: str, options: dict[str, object]) -> tuple[str, dict[str, object]]:
    """Name and options of the Collector's exporter to ours, otherwise with its defaults (gzip)."""
    if protocol == "grpc":
        return "otlp_grpc", {"endpoint": f"{HOST}:{exporter.grpc}", "tls": {"insecure": True}, **options}
    return "otlp_http", {"endpoint": f"http://{HOST}:{exporter.http}", **options}


def _prediction_ids(sink: Sink) -> list[str]:
    """Prediction ids of all log records that a sink was sent."""
    return [
        attribute.value.string_value
        for received in sink.received
        if received.path == "/v1/logs"
        for resource in ExportLogsServiceRequest.FromString(received.body).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
        for attribute in record.attributes
        if attribute.key == "prediction.id"
    ]


def _spans(sink: Sink) -> int:
    """How many spans a sink was sent."""
    return sum(
        len(scope.spans)
        for received in sink.received
        if received.path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(received.body).resource_spans
        for scope in resource.scope_spans
    )


@contextmanager
def _in_line(folder: Path, forward: str, *, ports: CollectorPorts) -> Iterator[tuple[Exporter, Sink]]:
    """Exporter, Collector and a sink that keeps what comes out in the end."""
    with (
        http_sink() as sink,
        run_collector(folder / "collector", "otlp_http", {"endpoint": sink.endpoint}, ports=ports),
        run_exporter(folder / "exporter", f"forward: {{endpoint: {forward}}}\n") as exporter,
    ):
        yield exporter, sink


@pytest.mark.parametrize("compression", ["gzip", "none", "deflate", "zlib"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_collector_in_front(tmp_path: Path, exporter: Exporter, protocol: str, compression: str) -> None:
    """SDK, Collector with batches, exporter: each prediction and each span counts once."""
    if protocol == "grpc" and compression in {"deflate", "zlib"}:
        compression = "gzip"
    ports = CollectorPorts.free()
    name, options = _behind(exporter.ports, protocol, {"compression": compression})
    with run_collector(tmp_path, name, options, ports=ports):
        _send(ports.grpc_endpoint, protocol="grpc")
        page = exporter.wait_for(
            lambda page: (
                page.has("model_prediction_duration_seconds_count", model="fraud")
                and page.total("model_prediction_duration_seconds_count", model="fraud") == ROWS
                and page.total("model_predictions_total", model="fraud") == ROWS
            ),
            what="all predictions",
        )
    assert page.total("model_feature_values_total", model="fraud", feature="amount", role="input") == ROWS
    assert page.total("model_duplicate_predictions_total", model="fraud") == 0
    door = f"otlp_{protocol}"
    assert page.total("model_exporter_records_total", door=door, signal="logs", outcome="accepted") == ROWS


@pytest.mark.parametrize("compression", ["zstd", "snappy"])
def test_a_coding_that_is_not_taken_is_told(tmp_path: Path, exporter: Exporter, compression: str) -> None:
    """The Collector's log says what to change; nothing is lost in silence."""
    ports = CollectorPorts.free()
    name, options = _behind(exporter.ports, "http", {"compression": compression})
    with run_collector(tmp_path, name, options, ports=ports) as collector:
        _send(ports.endpoint, count=10, traced=False)
        until(lambda: "send gzip, deflate or identity" in collector.tail())
    page = exporter.page()
    assert page.total("model_exporter_requests_total", door="otlp_http", signal="logs", outcome="unsupported") == 1


def test_a_collector_behind(tmp_path: Path) -> None:
    """SDK, exporter, Collector, sink: every record and span comes out, over both doors, and is measured as well."""
    ports = CollectorPorts.free()
    for target in (f"grpc://{HOST}:{ports.grpc}", f"http://{HOST}:{ports.http}"):
        folder = tmp_path / target[:4]
        with _in_line(folder, target, ports=ports) as (exporter, sink):
            _send(exporter.endpoint, count=ROWS // 2)
            _send(exporter.grpc_endpoint, protocol="grpc", first_id=ROWS // 2, count=ROWS // 2)
            until(lambda sink=sink: len(_prediction_ids(sink)) == ROWS and _spans(sink) == ROWS)  # type: ignore[misc]
            page = exporter.settled()
        assert set(_prediction_ids(sink)) == IDS
        assert page.total("model_predictions_total", model="fraud") == ROWS
        sent = page.total("model_exporter_forwarded_requests_total", outcome="delivered")
        assert sent == page.total("model_exporter_requests_total", outcome="success")


def test_a_collector_that_restarts_loses_nothing(tmp_path: Path) -> None:
    """Behind the exporter: what is sent while it is away waits, and arrives when it is back."""
    ports = CollectorPorts.free()
    with (
        http_sink() as sink,
        run_exporter(tmp_path / "exporter", f"forward: {{endpoint: {f'grpc://{HOST}:{ports.grpc}'}}}\n") as exporter,
    ):
        options: dict[str, object] = {"endpoint": sink.endpoint}
        with run_collector(tmp_path / "first", "otlp_http", options, ports=ports):
            _send(exporter.endpoint, count=ROWS // 2, traced=False)
            until(lambda: len(_prediction_ids(sink)) == ROWS // 2)
        _send(exporter.endpoint, first_id=ROWS // 2, count=ROWS // 2, traced=False)
        assert exporter.settled().total("model_exporter_forward_failures_total", reason="status") > 0
        with run_collector(tmp_path / "second", "otlp_http", options, ports=ports):
            until(lambda: len(_prediction_ids(sink)) >= ROWS, seconds=30.0)
        page = exporter.settled()
    assert set(_prediction_ids(sink)) == IDS
    assert page.total("model_predictions_total", model="fraud") == ROWS


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_an_exporter_that_restarts_loses_nothing_in_the_collector(tmp_path: Path, protocol: str) -> None:
    """In front of the exporter the Collector retries while the exporter is away."""
    ports, ours = CollectorPorts.free(), ExporterPorts.free()
    name, options = _behind(ours, protocol, {})
    with run_collector(tmp_path / "collector", name, options, ports=ports):
        with run_exporter(tmp_path / "exporter", ports=ours) as exporter:
            _send(ports.endpoint, count=ROWS // 2, traced=False)
            exporter.wait_for(lambda page: _counted(page, ROWS // 2), what="the first half")
        _send(ports.endpoint, first_id=ROWS // 2, count=ROWS // 2, traced=False)
        with run_exporter(tmp_path / "exporter", ports=ours) as exporter:
            page = exporter.wait_for(lambda page: _counted(page, ROWS // 2), what="the second half")
    assert page.total("model_duplicate_predictions_total", model="fraud") == 0


@pytest.mark.slow
def test_a_collector_that_pings_is_not_hung_up_on(tmp_path: Path, exporter: Exporter) -> None:
    """Pings every ten seconds, in silence too: by default grpcio takes that for an attack."""
    ports = CollectorPorts.free()
    name, options = _behind(exporter.ports, "grpc", {"keepalive": {"time": "10s", "permit_without_stream": True}})
    with run_collector(tmp_path, name, options, ports=ports) as collector:
        _send(ports.endpoint, count=ROWS // 2, traced=False)
        time.sleep(PINGS_SECONDS)  # what is tested is what happens in this time
        _send(ports.endpoint, first_id=ROWS // 2, count=ROWS // 2, traced=False)
        page = exporter.wait_for(lambda page: _counted(page, ROWS), what="all predictions")
        told = collector.tail()
    assert page.total("model_duplicate_predictions_total", model="fraud") == 0
    assert "too_many_pings" not in told
    assert "ENHANCE_YOUR_CALM" not in told


def test_what_is_passed_on_twice_counts_once(tmp_path: Path) -> None:
    """A line of two exporters with a Collector between: a batch that the second sees twice is told as duplicates."""
    ports, last = CollectorPorts.free(), ExporterPorts.free()
    name, options = _behind(last, "grpc", {})
    with (
        run_exporter(tmp_path / "last", ports=last) as second,
        run_collector(tmp_path / "collector", name, options, ports=ports),
        run_exporter(tmp_path / "first", f"forward: {{endpoint: {ports.endpoint}}}\n") as first,
    ):
        for _ in range(2):
            _send(first.endpoint, traced=False)
        for exporter in (first, second):
            page = exporter.wait_for(
                lambda page: _counted(page, ROWS) and page.total("model_duplicate_predictions_total") == ROWS,
                what="both",
            )
            assert page.total("model_feature_values_total", feature="amount") == ROWS


def _counted(page: Any, predictions: int) -> bool:
    return bool(page.has("model_predictions_total")) and page.total("model_predictions_total") == predictions
