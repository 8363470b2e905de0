"""The README's examples, run as they stand, apart from the ports."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.exporters import Exporter, post

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SECONDS = 60


def _block(language: str, containing: str) -> str:
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in text]
    return str(found)


def test_the_python_examples_are_counted(exporter: Exporter, tmp_path: Path) -> None:
    """Copied into a file and run, they make one prediction with features, outputs and latency, and tell its outcome."""
    script = tmp_path / "predict.py"
    told = _block("python", "LoggerProvider(") + _block("python", "model.outcome")
    script.write_text(told.replace("http://localhost:4318", exporter.endpoint), "utf-8")
    subprocess.run([sys.executable, str(script)], timeout=SECONDS, check=True)
    page = exporter.settled()
    labels = {"model": "fraud", "version": "1.4.2"}
    assert page.total("model_predictions_total", **labels) == 1
    assert page.total("model_feature_values_total", **labels, role="input") == 2
    assert page.total("model_feature_values_total", **labels, role="output") == 2
    assert page.total("model_prediction_duration_seconds_count", **labels) == 1
    assert page.total("model_outcomes_total", model="fraud") == 1


def test_the_json_examples_are_accepted(exporter: Exporter) -> None:
    """Bodies of the predictions, outcomes and events doors, with the content type that curl gives them."""
    bodies = {
        "/v1/predictions": re.search(r"-d '\n(.*?)'", README, re.DOTALL),
        "/v1/outcomes": re.search(r"`POST /v1/outcomes`: `(.*?)`", README, re.DOTALL),
        "/v1/events": re.search(r"`POST /v1/events`:\s+`(.*?)`", README),
    }
    for path, match in bodies.items():
        assert match, path
        reply = post(exporter.ports.http, path, match[1].encode(), "application/x-www-form-urlencoded")
        assert reply == (200, '{"accepted":1,"rejected":0}'), path
    page = exporter.settled()
    assert page.total("model_predictions_total", model="fraud") == 1
    assert page.total("model_outcomes_total", model="fraud") == 1
    assert page.has("model_change_timestamp_seconds", model="fraud", change="deployment")


def test_the_configuration_example_is_valid(tmp_path: Path) -> None:
    """With the baseline that the README builds, `check-config` takes it."""
    with (tmp_path / "train.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["amount", "country", "prediction", "score"])
        writer.writerows([number, ("DE", "FR")[number % 2], "approve", number / 2000] for number in range(2000))
    (tmp_path / "baselines").mkdir()
    (tmp_path / "exporter.yml").write_text(_block("yaml", "environment: production"), "utf-8")
    commands = re.findall(r"^\$ model_exporter (baseline \w+ .*)$", README, re.MULTILINE)
    assert len(commands) == 2
    for arguments in (*commands, "check-config exporter.yml"):
        done = subprocess.run(
            [sys.executable, "-m", "model_exporter", *arguments.split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("containing", ["feed:", "segments: {region: feature.country, sex"])
def test_the_examples_of_outcomes_are_valid(tmp_path: Path, containing: str) -> None:
    """Each kind of model, and the three ways to tell a group."""
    path = tmp_path / "exporter.yml"
    path.write_text(_block("yaml", containing), "utf-8")
    command = [sys.executable, "-m", "model_exporter", "check-config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
