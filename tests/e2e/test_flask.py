"""Flask behind waitress, instrumented from outside by `opentelemetry-instrument`."""

from contextlib import ExitStack
from pathlib import Path

from e2e.clients import ROOT, client_python
from e2e.exporters import Exporter
from e2e.stacks import INSTRUMENTED, ask_often, counted, errors, serving
from model_exporter.demo.processes import HOST, free_port

FOLDER = ROOT / "tests" / "clients" / "flask"
GENERATIONS = {"old": "", "stable": "http"}


def test_requests_count_by_their_codes(exporter: Exporter, tmp_path: Path) -> None:
    """At the paths of SageMaker, which name no model, and of TorchServe, which name one with its version."""
    binaries = client_python("flask").parent
    with ExitStack() as stack:
        for name, generation in GENERATIONS.items():
            port = free_port()
            command = [binaries / "opentelemetry-instrument", binaries / "waitress-serve", f"--listen={HOST}:{port}"]
            environment = INSTRUMENTED | {
                "OTEL_SERVICE_NAME": name,
                "OTEL_EXPORTER_OTLP_ENDPOINT": exporter.endpoint,
                "OTEL_SEMCONV_STABILITY_OPT_IN": generation,
                "PYTHONPATH": str(FOLDER),
            }
            stack.enter_context(
                serving(name, [*command, "app:app"], tmp_path, environment=environment, ready=(port, "/ping"))
            )
            loans = [{"amount": amount} for amount in (10, 20, 30, -1)]
            assert ask_often(port, "/invocations", [*loans, {}, {}]) == {200: 3, 500: 1, 422: 2}
            assert ask_often(port, f"/predictions/{name}-loans/1.0", loans) == {200: 4}
        page = counted(exporter, dict.fromkeys(GENERATIONS, 6) | {f"{name}-loans": 4 for name in GENERATIONS})
    for name in GENERATIONS:
        assert errors(page, name) == {"500": 1, "422": 2}
        assert page.total("model_prediction_duration_seconds_count", model=f"{name}-loans", version="1.0") == 4
