"""`model_exporter.client` in a service that has the OpenTelemetry SDK and nothing else, old and current."""

import signal
from pathlib import Path

import pytest

from e2e.exporters import Exporter, run_exporter
from e2e.flaky import BUSY, LOST, REFUSED, flaky
from e2e.floods import CONFIG as CONFIG_OF_FLOODS
from e2e.floods import flood
from e2e.python_services import service, site
from model_exporter.demo.processes import HOST, ExporterPorts, free_port

__all__ = ["site"]  # the fixture

CLIENTS = ["python_client", "python_client_oldest"]
ALIEN = {"aiohttp", "click", "grpc", "msgspec", "numpy", "pandas", "yaml"}
CONFIG = """\
models:
  fraud:
    kind: classification
    outcome: {positive: "yes", wait: 1h}
    business: {loss: {sum: value.loss}}
"""
AT_ONCE = 0.25
"""Seconds that no call may take, whatever the exporter does, on a machine that is busy with other tests."""


def counted(exporter: Exporter) -> float:
    """Predictions that the exporter has counted."""
    return exporter.settled().total("model_predictions_total", model="fraud")


@pytest.mark.parametrize("client", CLIENTS)
def test_it_needs_the_sdk_alone(site: Path, exporter: Exporter, client: str) -> None:
    """In a fresh environment with the SDK, its exporter and the wheel, nothing else is there to be imported."""
    with service(site, exporter.endpoint, client=client) as running:
        running.do("log", 10)
        assert running.do("flush", 10)
        loaded = set(running.do("modules"))
    assert "model_exporter" in loaded
    assert not loaded & ALIEN
    assert counted(exporter) == 10


@pytest.mark.parametrize("client", CLIENTS)
def test_the_environment_is_heard(site: Path, exporter: Exporter, client: str) -> None:
    """Compression is the SDK's; a disabled SDK sends nothing and fails nothing."""
    with service(site, exporter.endpoint, client=client, OTEL_EXPORTER_OTLP_COMPRESSION="gzip") as running:
        running.do("log", 500)
        assert running.do("flush", 10)
        assert running.stats()["delivered"] == 500
    with service(site, exporter.endpoint, client=client, OTEL_SDK_DISABLED="true") as running:
        running.do("log", 100, 500)
        assert running.do("flush", 10)
        assert running.stats()["recorded"] == 0
        assert running.said() in ([], ["SDK is disabled."])  # which old ones say
    assert counted(exporter) == 500


@pytest.mark.parametrize(
    ("client", "protocol"), [(CLIENTS[0], "http"), (CLIENTS[1], "http"), ("python_client_service", "grpc")]
)
def test_every_type_lands_as_what_it_is(site: Path, tmp_path: Path, client: str, protocol: str) -> None:
    """Numbers are numbers, categories are categories, nothing is missing; outcomes join, and an event is a change."""
    with run_exporter(tmp_path, CONFIG) as exporter:
        endpoint = exporter.endpoint if protocol == "http" else exporter.grpc_endpoint
        with service(site, endpoint, client=client, protocol=protocol) as running:
            rows = running.do("types")
            assert running.do("flush", 20)
            stats = running.stats()
            assert stats["delivered"] == 2 * rows + 1
            assert stats["values_dropped"] == {"unsendable": rows}
        page = exporter.wait_for(
            lambda page: page.has("model_performance", model="fraud", metric="accuracy"), what="performance"
        )
        of = {"model": "fraud", "version": "1.4.2"}
        assert page.total("model_predictions_total", **of) == rows
        assert page.total("model_prediction_duration_seconds_count", **of) == rows
        features = {labels["feature"] for labels, _ in page.samples("model_feature_values_total", role="input", **of)}
        numeric = {"float", "int", "huge", "decimal", "sometimes", "hole", "nested.inner"}
        assert features == numeric | {"bool", "text", "enum", "when", "nested.deeper.x"}
        assert page.total("model_feature_missing_total", feature="sometimes", **of) == rows / 2
        assert page.total("model_feature_missing_total", feature="hole", **of) == rows / 2
        assert page.total("model_feature_invalid_total", **of) == 0
        assert page.total("model_outcomes_total", model="fraud") == rows
        assert page.total("model_performance", metric="accuracy", window="1h", model="fraud") == 1
        assert page.has("model_change_timestamp_seconds", change="deployment", model="fraud")
        assert page.total("model_exporter_records_total", outcome="rejected") == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_an_exporter_that_comes_late_gets_everything(site: Path, tmp_path: Path, client: str) -> None:
    """Down at the start: records wait, no call does, and all of them arrive."""
    ports = ExporterPorts.free()
    with service(site, f"http://{HOST}:{ports.http}", client=client) as running:
        assert running.do("log", 2000) < AT_ONCE
        assert not running.do("flush", 0.5)
        assert running.stats()["waiting"] == 2000
        with run_exporter(tmp_path, ports=ports) as exporter:
            assert running.do("flush", 20)
            assert running.stats()["delivered"] == counted(exporter) == 2000


@pytest.mark.parametrize("client", CLIENTS)
def test_an_exporter_that_is_killed_and_restarted(site: Path, tmp_path: Path, client: str) -> None:
    """What it had not taken when it died, its next life gets; kept connections are no trap."""
    ports = ExporterPorts.free()
    with service(site, f"http://{HOST}:{ports.http}", client=client) as running:
        with run_exporter(tmp_path, ports=ports) as first:
            running.do("log", 1000)
            assert running.do("flush", 20)
            assert counted(first) == 1000
            first.child.process.kill()
            first.child.process.wait()
            assert running.do("log", 1000, 1000) < AT_ONCE
            assert running.stats()["dropped"] == {}
        with run_exporter(tmp_path, ports=ports) as second:
            assert running.do("flush", 20)
            assert counted(second) == 1000
        assert running.stats()["delivered"] == 2000


def test_an_exporter_that_hangs(site: Path, exporter: Exporter) -> None:
    """Stopped and continued: requests that timed out were taken after all, and what is sent again counts once."""
    with service(site, exporter.endpoint) as running:
        running.do("log", 100)
        assert running.do("flush", 10)
        exporter.child.process.send_signal(signal.SIGSTOP)
        try:
            assert running.do("log", 1000, 100) < AT_ONCE
            assert not running.do("flush", 3)
        finally:
            exporter.child.process.send_signal(signal.SIGCONT)
        assert running.do("flush", 20)
        assert running.stats()["delivered"] == 1100
    assert counted(exporter) == 1100


@pytest.mark.parametrize("client", CLIENTS)
def test_an_exporter_that_is_busy_or_loses_its_replies(site: Path, exporter: Exporter, client: str) -> None:
    """Come again means come again; a lost reply means a second delivery, which is counted as such."""
    with flaky(exporter.ports.http) as proxy, service(site, proxy.endpoint, client=client) as running:
        proxy.expect(BUSY, BUSY, LOST)
        running.do("log", 500)
        assert running.do("flush", 20)
        assert running.stats()["delivered"] == 500
        assert proxy.seen == {BUSY: 2, LOST: 1, "passed": 1}
        assert counted(exporter) == 500
        assert exporter.page().total("model_duplicate_predictions_total", model="fraud") == 500


def test_a_refusal_is_counted_by_the_client(site: Path, exporter: Exporter) -> None:
    """One batch is lost, and the service can tell."""
    with flaky(exporter.ports.http) as proxy, service(site, proxy.endpoint) as running:
        proxy.expect(REFUSED)
        running.do("log", 5)
        assert running.do("flush", 10)
        running.do("log", 5, 5)
        assert running.do("flush", 10)
        stats = running.stats()
        assert (stats["delivered"], stats["dropped"]) == (5, {"refused": 5})
    assert counted(exporter) == 5


def test_an_exporter_whose_queue_is_full(site: Path, tmp_path: Path) -> None:
    """It answers 503 with Retry-After of its own, and gets all records in the end."""
    with run_exporter(tmp_path, CONFIG_OF_FLOODS) as exporter, service(site, exporter.endpoint) as running:

        def log(before: int) -> None:
            running.do("log", 100, 100 * before)
            running.do("flush", 1)

        logged = 100 * flood(exporter, "otlp_http", log)
        assert running.do("flush", 60)
        assert running.stats()["delivered"] == counted(exporter) == logged


def test_a_queue_that_overflows_is_counted(site: Path) -> None:
    """With no exporter at all the newest are dropped, no call waits, and the process ends within its time."""
    with service(site, f"http://{HOST}:{free_port()}") as running:
        assert running.do("log", 10_000) < AT_ONCE
        stats = running.stats()
        assert stats["waiting"] == 8192
        assert stats["dropped"] == {"queue_full": 10_000 - 8192}
        running.do("close", 0.5)
        assert running.stats()["dropped"] == {"queue_full": 10_000 - 8192, "closed": 8192}
        assert running.exit() == 0
        (line,) = running.said()  # however often it was tried
        assert "Connection refused" in line


@pytest.mark.parametrize("client", CLIENTS)
def test_the_end_of_a_process_sends_what_waits(site: Path, exporter: Exporter, client: str) -> None:
    """Nobody has to flush."""
    with service(site, exporter.endpoint, client=client) as running:
        running.do("log", 700)
        assert running.exit() == 0
    assert counted(exporter) == 700


@pytest.mark.parametrize("client", CLIENTS)
def test_forked_processes_send_their_own(site: Path, exporter: Exporter, client: str) -> None:
    """By os.fork and by multiprocessing, while the parent has a queue and a connection: each record counts once."""
    with service(site, exporter.endpoint, client=client) as running:
        running.do("log", 50)
        assert running.do("flush", 10)
        running.do("log", 50, 50)
        forked = running.do("fork", 2, 300)
        running.do("log", 50, 100)
        assert running.exit() == 0
    assert counted(exporter) == forked + 150
    assert exporter.page().total("model_duplicate_predictions_total", model="fraud") == 0
