"""`model_exporter.client` in the servers and with the tables that services have: FastAPI, gunicorn, pandas, polars."""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from e2e.clients import REQUIREMENTS, ROOT, client_python
from e2e.exporters import Exporter, post
from e2e.python_services import environment, site
from model_exporter.demo.processes import HOST, fetch, free_port, wait_until

__all__ = ["site"]  # the fixture

CLIENT = "python_client_service"
PAGE = ROOT / "exporter" / "systems" / "python-client.md"
UVICORN = ["-m", "uvicorn", "service:app", "--log-level", "warning", "--host", HOST, "--port"]
GUNICORN = ["-m", "gunicorn", "service:app", "--log-level", "warning", "--preload", "-k", "asgi", "-w", "2", "--bind"]


@pytest.mark.parametrize(
    "command", [UVICORN, [*UVICORN[:-1], "--workers", "2", "--port"], GUNICORN], ids=["uvicorn", "workers", "gunicorn"]
)
def test_the_service_of_the_page(site: Path, exporter: Exporter, tmp_path: Path, command: Sequence[str]) -> None:
    """It runs as it is printed, in one process and in several: predictions, their latency, and outcomes that join."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    (tmp_path / "service.py").write_text(found[1], "utf-8")
    port = free_port()
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": exporter.endpoint, "OTEL_SERVICE_NAME": "shop"}
    where = f"{HOST}:{port}" if command is GUNICORN else str(port)
    server = subprocess.Popen([client_python(CLIENT), *command, where], cwd=tmp_path, env=environment(site, **more))
    try:
        wait_until(lambda: fetch(port, "/docs")[0] == 200, what="the service", seconds=30)
        for number in range(120):
            order = json.dumps({"amount": number * 10.0, "country": ("DE", "FR")[number % 2]})
            status, reply = post(port, "/predict", order.encode(), "application/json")
            assert status == 200, reply
            status, _ = post(port, f"/truth/{json.loads(reply)['id']}?outcome=fraud", b"", "application/json")
            assert status == 200
    finally:
        server.terminate()
        server.wait(30)
    page = exporter.wait_for(
        lambda page: page.has("model_outcomes_total", model="fraud") and page.total("model_outcomes_total") == 120,
        what="the outcomes",
    )
    assert page.total("model_predictions_total", model="fraud", version="1.4.2") == 120
    assert page.total("model_prediction_duration_seconds_count", model="fraud") == 120
    assert page.total("model_feature_values_total", model="fraud", feature="amount") == 120
    assert page.total("model_feature_values_total", model="fraud", feature="country") == 120


def test_tables(site: Path) -> None:
    """Each cell has its plain type; what a library calls missing is left out."""
    script = REQUIREMENTS / CLIENT / "tables.py"
    done = subprocess.run(
        [client_python(CLIENT), script], env=environment(site), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    bodies = json.loads(done.stdout)
    first = {
        "float32": 0.5,
        "int": 1,
        "nullable": 1,
        "bool": True,
        "text": "a",
        "category": "x",
        "when": "2026-01-02T03:04:05+00:00",
        "took": 1.5,
    }
    second = {"int": 2, "bool": False, "nullable_bool": True, "category": "y"}
    assert bodies["pandas#0"]["features"] == bodies["row"]["features"] == first
    assert bodies["pandas#1"]["features"] == bodies["frame"]["features"] == second
    assert bodies["pandas#1"]["prediction"] == "yes"
    assert bodies["pandas#1"]["probabilities"] == {"no": 0.0, "yes": 1.0}
    assert bodies["frame"]["prediction"] == 1
    assert bodies["polars#0"]["features"] == {"x": 1, "y": "a", "when": "2026-01-02T00:00:00+00:00", "list": [1, 2]}
    assert bodies["polars#1"]["features"] == {"y": "b", "list": []}
    assert bodies["polars#1"]["prediction"] == 2.5
