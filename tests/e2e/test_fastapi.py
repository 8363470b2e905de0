"""FastAPI behind uvicorn, instrumented from outside by `opentelemetry-instrument`."""

from contextlib import ExitStack
from pathlib import Path

from e2e.clients import ROOT, client_python
from e2e.exporters import run_exporter
from e2e.stacks import INSTRUMENTED, ask, ask_often, counted, errors, serving
from model_exporter.demo.processes import HOST, free_port

FOLDER = ROOT / "tests" / "clients" / "fastapi"
GENERATIONS = {"old": "", "stable": "http", "both": "http/dup"}
CONFIG = """traces:
  paths: [/predict, "/score/{model}/{version}"]
  other_paths: false
"""


def test_requests_count_by_their_codes(tmp_path: Path) -> None:
    """In each generation of the semantic conventions; nothing else that is asked counts, and no request twice.

    A 404 and a 422 leave the status of their span unset, and a 500 marks a child of the span as failed besides it.
    """
    binaries = client_python("fastapi").parent
    with run_exporter(tmp_path, CONFIG) as exporter, ExitStack() as stack:
        for name, generation in GENERATIONS.items():
            port = free_port()
            command = [binaries / "opentelemetry-instrument", binaries / "uvicorn", "app:app", "--port", str(port)]
            environment = INSTRUMENTED | {
                "OTEL_SERVICE_NAME": name,
                "OTEL_EXPORTER_OTLP_ENDPOINT": exporter.endpoint,
                "OTEL_SEMCONV_STABILITY_OPT_IN": generation,
                "PYTHONPATH": str(FOLDER),
            }
            stack.enter_context(
                serving(name, [*command, "--host", HOST], tmp_path, environment=environment, ready=(port, "/healthz"))
            )
            loans = [{"amount": amount} for amount in (10, 20, 30, 40, 0, -1, -2)]
            assert ask_often(port, "/predict", [*loans, {}, {}, {}]) == {200: 4, 404: 1, 500: 2, 422: 3}
            assert ask_often(port, f"/score/{name}-scores/7", loans[:5]) == {200: 5}
            assert ask_often(port, "/login", [{}, {}]) == {200: 2}
            assert ask(port, "/predict", {}, method="OPTIONS") == 405
        page = counted(exporter, dict.fromkeys(GENERATIONS, 10) | {f"{name}-scores": 5 for name in GENERATIONS})
    for name in GENERATIONS:
        assert errors(page, name) == {"404": 1, "500": 2, "422": 3}
        assert page.total("model_prediction_duration_seconds_count", model=name) == 10
        assert page.total("model_prediction_duration_seconds_count", model=f"{name}-scores", version="7") == 5
