"""MLflow's tracing, pointed here by the environment variables of OpenTelemetry."""

import os
import subprocess
from pathlib import Path

import pytest

from e2e.clients import REQUIREMENTS, client_python
from e2e.exporters import Exporter, Page
from e2e.language_model import ANSWER_TOKENS, PROMPT_TOKENS, language_model

pytestmark = pytest.mark.e2e
ROWS = 40


def trace(exporter: Exporter, folder: Path, *, protocol: str) -> Page:
    """Have MLflow trace predictions; the page once those that wait for logs are counted."""
    settings = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{exporter.endpoint}/v1/traces",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": protocol,
        "OTEL_SERVICE_NAME": "flowers",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",  # nothing of this goes there
    }
    with language_model() as url:
        subprocess.run(
            [client_python("mlflow"), REQUIREMENTS / "mlflow" / "send.py", url, str(ROWS)],
            check=True,
            timeout=120,
            cwd=folder,
            env=os.environ | settings,
        )
    exporter.wait_for(lambda page: page.has("model_predictions_total", model="gpt-x"), what="the spans")
    return exporter.settled()


def test_traced_functions_are_predictions(exporter: Exporter, tmp_path: Path) -> None:
    """With their arguments as features, what they return as prediction, their time and their errors.

    A service that names no model stands for one; tools are no predictions; a call of a language model is its own.
    """
    page = trace(exporter, tmp_path, protocol="http/protobuf")
    of_iris = {"model": "iris", "version": "3"}
    assert page.total("model_predictions_total", **of_iris) == ROWS + 1
    assert page.total("model_prediction_errors_total", error_type="ValueError", **of_iris) == 1
    assert page.total("model_prediction_duration_seconds_count", **of_iris) == ROWS + 1
    for feature in ("sepal_length", "petal_length", "site"):
        assert page.total("model_feature_values_total", feature=feature, role="input", **of_iris) == ROWS + 1
    for output in ("prediction", "score"):
        assert page.total("model_feature_values_total", feature=output, role="output", **of_iris) == ROWS
    assert page.total("model_predictions_total", model="prices") == 3
    assert page.total("model_feature_values_total", model="prices", feature="area", role="input") == 3
    assert page.total("model_predictions_total", model="gpt-x") == 1
    assert page.total("model_tokens_total", model="gpt-x") == PROMPT_TOKENS + ANSWER_TOKENS
    assert page.total("model_finish_reasons_total", model="gpt-x", finish_reason="stop") == 1
    assert page.total("model_exporter_ignored_records_total", reason="not_a_prediction") == ROWS + 1
    assert page.total("model_duplicate_predictions_total") == 0
    assert "secret" not in page.text
    assert "Hello" not in page.text
