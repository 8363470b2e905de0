"""BentoML as it is: its monitoring over OTLP, and its tracing."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import copy

from e2e.clients import ROOT, client_python
from e2e.exporters import Exporter, run_exporter
from e2e.stacks import ask_often, counted, errors, serving
from model_exporter.demo.processes import HOST, ExporterPorts, free_port

SERVICE = ROOT / "tests" / "clients" / "bentoml" / "service.py"
ROWS = [[4.0 + number / 10, number % 3] for number in range(20)]

MONITORING = """    monitoring:
      enabled: true
      type: otlp
      options: {{protocol: {protocol}, endpoint: "{endpoint}", insecure: true, meta_sample_rate: 0.0}}
"""
TRACING = """    tracing:
      exporter_type: otlp
      sample_rate: 1.0
      otlp: {{protocol: http, endpoint: "{endpoint}/v1/traces"}}
"""


@contextmanager
def bento(folder: Path, name: str, *settings: str, **environment: str) -> Iterator[int]:
    """A BentoML server with `settings` in its configuration file; the port that it listens on."""
    here = folder / name
    here.mkdir()
    copy(SERVICE, here)
    config = here / "bentoml.yml"
    config.write_text("services:\n  iris_classifier:\n" + "".join(settings), "utf-8")
    port = free_port()
    command = [client_python("bentoml"), "-m", "bentoml", "serve", "service:IrisClassifier"]
    given = {"BENTOML_CONFIG": str(config), "BENTOML_HOME": str(here / "home"), "BENTOML_DO_NOT_TRACK": "1"}
    with serving(
        name,
        [*command, "--host", HOST, "--port", str(port)],
        here,
        environment=given | environment,
        ready=(port, "/readyz"),
    ):
        yield port


def classify(port: int, rows: Sequence[Sequence[float]]) -> None:
    """Ask for the class of each row in a request of its own."""
    assert ask_often(port, "/classify", [{"rows": [row]} for row in rows]) == {200: len(rows)}


def test_every_row_is_counted(exporter: Exporter, tmp_path: Path) -> None:
    """Over HTTP without a path as the documentation has it, with a path, and over gRPC.

    Only the first request of each monitor brings the schema. Those of the first monitor go out under the name of the
    second as soon as that is made; their columns tell whose they are.
    """
    ways = {
        "pathless": ("http", exporter.endpoint),
        "path": ("http", f"{exporter.endpoint}/v1/logs"),
        "grpc": ("grpc", exporter.grpc_endpoint),
    }
    with ExitStack() as stack:
        for name, (protocol, endpoint) in ways.items():
            settings = MONITORING.format(protocol=protocol, endpoint=endpoint)
            port = stack.enter_context(bento(tmp_path, name, settings))
            classify(port, ROWS)
            amounts = [{"amount": float(amount)} for amount in range(10)]
            assert ask_often(port, "/risk", amounts) == {200: 10}
            assert ask_often(port, "/classify", [{"rows": ROWS}]) == {200: 1}  # 20 rows under one request id
            classify(port, ROWS)
        page = counted(exporter, {"iris_monitor": 3 * 60, "risk_monitor": 3 * 10})
    for feature, role in (
        ("sepal length", "input"),
        ("colour", "input"),
        ("prediction", "output"),
        ("probabilities.0", "output"),
        ("probabilities.1", "output"),
    ):
        assert page.total("model_feature_values_total", model="iris_monitor", feature=feature, role=role) == 180
    features = {labels["feature"] for labels, _ in page.samples("model_feature_values_total")}
    assert features == {"sepal length", "colour", "prediction", "probabilities.0", "probabilities.1", "amount"}
    assert page.total("model_exporter_dropped_values_total", reason="sequence") == 180
    assert page.total("model_duplicate_predictions_total", model="iris_monitor") == 0
    assert not page.has("model_exporter_rejected_records_total")


def test_a_restarted_exporter_still_knows_the_columns(tmp_path: Path) -> None:
    """BentoML told the schema once; rows that came while the exporter was away are sent again by the SDK."""
    ports = ExporterPorts.free()
    settings = MONITORING.format(protocol="http", endpoint=f"http://{HOST}:{ports.http}")
    with bento(tmp_path, "bento", settings) as port:
        with run_exporter(tmp_path, ports=ports) as first:
            classify(port, ROWS)
            counted(first, {"iris_monitor": 20})
        classify(port, ROWS)
        with run_exporter(tmp_path, ports=ports, name="second") as second:
            classify(port, ROWS)
            counted(second, {"iris_monitor": 40})
        (tmp_path / "storage" / "schemas.json").unlink()
        with run_exporter(tmp_path, ports=ports, name="third") as third:
            classify(port, ROWS)
            refused = "model_exporter_rejected_records_total"
            third.wait_for(
                lambda page: page.has(refused) and page.total(refused, reason="no_schema") == 20, what="20 refusals"
            )


def test_a_service_that_logs_and_is_traced_counts_once(exporter: Exporter, tmp_path: Path) -> None:
    """Latency and failures come from the spans then, since no log tells of a prediction that failed.

    A service that is only traced has the same traffic, under its own name.
    """
    logged = MONITORING.format(protocol="http", endpoint=exporter.endpoint)
    traced = TRACING.format(endpoint=exporter.endpoint)
    with (
        bento(tmp_path, "both", logged, traced) as both,
        bento(tmp_path, "traced", traced, OTEL_SERVICE_NAME="only-traced") as only_traced,
    ):
        for port in (both, only_traced):
            classify(port, ROWS)
            assert ask_often(port, "/classify", [{"rows": [[-1, 0]]}, {"rows": [[-2, 0]]}]) == {500: 2}
            assert ask_often(port, "/classify", [{"lines": []}]) == {400: 1}
        page = counted(exporter, {"iris_monitor": 23, "only-traced": 23})
    for model in ("iris_monitor", "only-traced"):
        assert errors(page, model) == {"500": 2, "400": 1}
        assert page.total("model_prediction_duration_seconds_count", model=model) == 23
