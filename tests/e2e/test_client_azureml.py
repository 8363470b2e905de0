"""Azure ML's data collector, unchanged, with the exporter where it expects its own sidecar."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.clients import REQUIREMENTS, client_python
from e2e.exporters import Exporter, run_exporter
from model_exporter.demo.processes import ExporterPorts

SECONDS = 60
ROWS = 3  # in send.py
NAMED = """
mappings:
  azureml:
    from: exchanges
    when:
      - event.type: [azureml.inference.model_inputs, azureml.inference.model_outputs]
    fields:
      model: {const: fraud}
      id: event.key
      features: request[*]
      prediction: response[*]
"""


@contextmanager
def _script(port: int, calls: int, *, pause: float = 0.0, model: str = "") -> Iterator[subprocess.Popen[str]]:
    """A scoring script that makes `calls` calls; killed if it outlives the test."""
    environment = {
        **os.environ,
        "AZUREML_MDC_ENABLED": "true",
        "AZUREML_MDC_HOST": "127.0.0.1",
        "AZUREML_MDC_PORT": str(port),
    }
    script = subprocess.Popen(
        [client_python("azureml"), REQUIREMENTS / "azureml" / "send.py", str(calls), str(pause), model],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield script
    finally:
        script.kill()
        script.communicate()


def _collect(port: int, calls: int, *, model: str = "") -> tuple[list[str], str]:
    """What the collector told its script of, and all that it wrote."""
    with _script(port, calls, model=model) as script:
        out, log = script.communicate(timeout=SECONDS)
    assert script.returncode == 0, log
    errors: list[str] = json.loads(out.splitlines()[-1])
    return errors, out + log


def test_every_row_is_counted_once(exporter: Exporter) -> None:
    """Inputs and outputs meet by the request's id and the row's index; the script's own collection is ignored."""
    errors, _ = _collect(exporter.ports.http, 40)
    page = exporter.settled()
    assert errors == []
    assert page.total("model_predictions_total", model="azureml", version="unknown") == 40 * ROWS
    assert page.total("model_feature_missing_total", model="azureml", feature="length") == 40
    for feature, values in (("length", 80), ("country", 120), ("when", 120)):
        assert page.total("model_feature_values_total", model="azureml", feature=feature, role="input") == values
    assert page.total("model_feature_values_total", model="azureml", feature="score", role="output") == 40 * ROWS
    assert page.total("model_exporter_ignored_records_total", reason="not_a_prediction") == 40
    assert page.total("model_exporter_requests_total", door="azureml", outcome="success") == 40 * 3
    assert page.total("model_exporter_unpaired_events_total") == 0
    assert page.total("model_exporter_records_total", outcome="rejected") == 0


def test_the_script_may_name_its_model(exporter: Exporter) -> None:
    """The headers of a correlation context become attributes of the event."""
    _collect(exporter.ports.http, 2, model="iris")
    assert exporter.settled().total("model_predictions_total", model="iris") == 2 * ROWS


def test_the_configuration_may_name_the_model(tmp_path: Path) -> None:
    """A mapping of the same name takes the place of the built-in one; the script stays as it is."""
    with run_exporter(tmp_path, NAMED) as exporter:
        _collect(exporter.ports.http, 2)
        assert exporter.settled().total("model_predictions_total", model="fraud") == 2 * ROWS


def test_the_script_is_not_held_up_by_a_slow_exporter(exporter: Exporter) -> None:
    """An exporter that stands still for a moment costs the script nothing, and loses nothing."""
    with _script(exporter.ports.http, 50, pause=0.01) as script:
        exporter.wait_for(lambda page: page.has("model_predictions_total"), what="the first prediction")
        os.kill(exporter.child.process.pid, signal.SIGSTOP)
        try:
            time.sleep(1)  # what is tested: a second without an answer
        finally:
            os.kill(exporter.child.process.pid, signal.SIGCONT)
        out, log = script.communicate(timeout=SECONDS)
    assert script.returncode == 0, log
    assert json.loads(out.splitlines()[-1]) == []
    page = exporter.settled()
    assert page.total("model_predictions_total", model="azureml") == 50 * ROWS


def test_the_script_goes_on_without_an_exporter(tmp_path: Path) -> None:
    """The collector never sends again: what it could not send is lost, in its log, and nothing else."""
    ports = ExporterPorts.free()
    errors, log = _collect(ports.http, 3)
    assert errors == []
    assert log.count("mdc request raise exception") >= 3 * 3
    with run_exporter(tmp_path, ports=ports) as exporter:
        _collect(ports.http, 1)
        assert exporter.settled().total("model_predictions_total", model="azureml") == ROWS
