"""A sidecar that stands in line: what it measures goes on to another OTLP endpoint, here to a second exporter."""

import signal
import subprocess
from pathlib import Path

import pytest

from e2e.exporters import Exporter, post, run_exporter
from e2e.python_sdk import Client
from model_exporter.demo.processes import HOST, ExporterPorts, exporter_command, free_port
from otlp_messages import logs_request, otlp_json, prediction
from otlp_sinks import HANG, http_sink
from receiving import until

ROWS = 1200


def _send(endpoint: str, protocol: str, *, first_id: int = 0) -> None:
    """Send predictions, each with a span; every export succeeds."""
    client = Client(protocol, endpoint, compression="gzip", model="fraud", traced=True)
    client.send(({"amount": number / 7} for number in range(ROWS)), first_id=first_id, more={"score": 0.5})
    assert client.close() == 0


def _target(ports: ExporterPorts, scheme: str) -> str:
    return f"{scheme}://{HOST}:{ports.grpc if scheme == 'grpc' else ports.http}"


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_two_exporters_in_line_count_the_same(tmp_path: Path, scheme: str) -> None:
    """Both doors, both encodings: all series about the model that do not tell a time are equal."""
    with (
        run_exporter(tmp_path / "second", name="second") as second,
        run_exporter(
            tmp_path / "first",
            f"forward: {{endpoint: {_target(second.ports, scheme)}, compression: gzip}}\n",
            name="first",
        ) as first,
    ):
        assert f"endpoint={scheme}://" in first.child.tail()
        _send(first.endpoint, "http")
        _send(first.grpc_endpoint, "grpc", first_id=ROWS)
        body = otlp_json(logs_request(prediction("json", prediction__id="1", features={"amount": 1.5})))
        assert post(first.ports.http, "/v1/logs", body, "application/json")[0] == 200
        assert first.post("/v1/predictions", {"model": "plain", "features": {"amount": 1}})[0] == 200
        first.wait_for(
            lambda page: (
                page.total("model_exporter_forwarded_requests_total", outcome="delivered")
                == page.total("model_exporter_requests_total", outcome="success") - 1
            ),
            what="all but the plain one to be passed on",
        )
        one, two = first.settled(), second.settled()
    for name in ("model_predictions_total", "model_feature_values_total", "model_prediction_duration_seconds_count"):
        found = two.samples(name, model="fraud")
        assert found
        assert found == one.samples(name, model="fraud")
    assert two.total("model_predictions_total", model="json") == 1
    assert not two.has("model_predictions_total", model="plain")
    assert two.total("model_predictions_total") == 2 * ROWS + 1


def test_metrics_are_passed_on_although_they_are_not_read(tmp_path: Path) -> None:
    """The sidecar is where an SDK sends everything, and the Collector behind it wants the metrics."""
    with (
        http_sink() as sink,
        run_exporter(tmp_path, f"forward: {{endpoint: {sink.endpoint}, headers: {{x-scope-orgid: a}}}}\n") as exporter,
    ):
        body = b'{"resourceMetrics": []}'
        assert post(exporter.ports.http, "/v1/metrics", body, "application/json") == (200, "{}")
        until(lambda: sink.bodies == [body])
    assert sink.received[0].path == "/v1/metrics"
    assert sink.received[0].headers["x-scope-orgid"] == "a"


def test_a_target_that_hangs_holds_up_nothing(tmp_path: Path) -> None:
    """Everything is measured at once, and a stop counts what was not passed on, within its grace time."""
    with (
        http_sink() as sink,
        run_exporter(
            tmp_path, f"forward: {{endpoint: {sink.endpoint}, timeout: 1s, queue_bytes: 100000}}\n"
        ) as exporter,
    ):
        sink.always = HANG
        _send(exporter.endpoint, "http")
        page = exporter.settled()
        assert page.total("model_predictions_total") == ROWS
        assert page.total("model_exporter_forwarded_requests_total", outcome="queue_full") > 0
        assert page.total("model_exporter_forward_queue_bytes") <= 100_000
        sink.closed.set()
        exporter.child.process.send_signal(signal.SIGTERM)
        assert exporter.child.process.wait(30) == 0


def test_a_reload_takes_the_target_over(tmp_path: Path) -> None:
    """Also one that has a new credential; a mistake leaves the old one in place."""
    (tmp_path / "token").write_text("Bearer old")
    config = "forward: {endpoint: ENDPOINT, headers: {authorization: {file: token}}}\n"
    with (
        http_sink() as sink,
        http_sink() as other,
        run_exporter(tmp_path, config.replace("ENDPOINT", sink.endpoint)) as exporter,
    ):
        _metrics(exporter)
        until(lambda: len(sink.received) == 1)
        (tmp_path / "token").write_text("Bearer new")
        (tmp_path / "config.yml").write_text(config.replace("ENDPOINT", f"http://{HOST}:{exporter.ports.http}"))
        exporter.child.process.send_signal(signal.SIGHUP)
        until(lambda: "is this exporter's own door" in exporter.child.tail())
        _metrics(exporter)
        until(lambda: len(sink.received) == 2)
        (tmp_path / "config.yml").write_text(config.replace("ENDPOINT", other.endpoint))
        exporter.child.process.send_signal(signal.SIGHUP)
        until(lambda: f"endpoint={other.endpoint}" in exporter.child.tail())
        _metrics(exporter)
        until(lambda: len(other.received) == 1)
    assert [received.headers["authorization"] for received in sink.received] == ["Bearer old"] * 2
    assert other.received[0].headers["authorization"] == "Bearer new"


def test_an_own_door_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    """The exporter does not start, and says why."""
    ports = ExporterPorts.free()
    file = tmp_path / "config.yml"
    file.write_text(f"forward: {{endpoint: 'grpc://localhost:{ports.grpc}'}}\n")
    done = subprocess.run(
        exporter_command(ports, storage=tmp_path / "storage", config=file),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert f"is this exporter's own door, {HOST}:{ports.grpc}. Name another endpoint" in done.stderr


def test_a_circle_of_exporters_ends(tmp_path: Path) -> None:
    """Each measures a request once: the one that it came through refuses it, and the other counts that."""
    ours, theirs = ExporterPorts.free(), ExporterPorts.free()
    with (
        run_exporter(
            tmp_path / "a", f"forward: {{endpoint: {_target(theirs, 'http')}}}\n", ports=ours, name="a"
        ) as one,
        run_exporter(
            tmp_path / "b", f"forward: {{endpoint: {_target(ours, 'grpc')}}}\n", ports=theirs, name="b"
        ) as two,
    ):
        _send(one.endpoint, "http")
        two.wait_for(
            lambda page: (
                page.total("model_exporter_forwarded_requests_total", outcome="refused")
                == page.total("model_exporter_requests_total", outcome="success")
                > 0
            ),
            what="the circle to end",
        )
        for exporter in (one, two):
            page = exporter.settled()
            assert page.total("model_predictions_total") == ROWS
            assert not page.has("model_duplicate_predictions_total") or not page.total(
                "model_duplicate_predictions_total"
            )


def _metrics(exporter: Exporter) -> None:
    """Send an empty request of metrics."""
    assert post(exporter.ports.http, "/v1/metrics", b"{}", "application/json")[0] == 200


def test_a_free_port_is_no_target(tmp_path: Path) -> None:
    """Where nobody listens yet the exporter starts and tells: the target may come later, as in a pod."""
    with run_exporter(tmp_path, f"forward: {{endpoint: 'grpc://{HOST}:{free_port()}'}}\n") as exporter:
        _metrics(exporter)
        until(lambda: "requests cannot be passed on now" in exporter.child.tail())
        assert exporter.page().total("model_exporter_forward_failures_total", reason="status") > 0
