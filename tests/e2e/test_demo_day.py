"""The demo's bad day, with a real Prometheus and a real Alertmanager: what fires, and who is told."""

import re
import subprocess
import sys
import time

import pytest

from e2e.programs import require

COMMAND = [sys.executable, "-m", "model_exporter", "demo", "--once"]
SECONDS = 240
"""For all of it; three minutes and a little are usual, two of which an incident waits before it is told."""
TOLD = {
    ("cellar-ml", "ticket", "wine upstream failure"),
    ("garden-ml", "page", "iris deployment"),
    ("clinic-ml", "ticket", "diabetes population shift"),
    ("screening-ml", "page", "tumour concept shift"),
}


@pytest.fixture(autouse=True)
def _programs() -> None:
    require("prometheus")
    require("alertmanager")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=SECONDS + 20, check=False)


def test_each_team_is_told_of_its_own_fault() -> None:
    """Upstream fault, bad deployment, population shift, change of concept: each team hears of its own; one of none."""
    started = time.monotonic()
    done = _run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started < SECONDS
    assert "FAILED" not in done.stdout
    told = re.findall(r"told (\S+) \((\w+)\): ModelIncident (.*), since \d\d:\d\d:\d\d", done.stdout)
    assert set(told) >= TOLD, done.stdout
    assert {(team, subject) for team, _, subject in told} == {(team, subject) for team, _, subject in TOLD}
    assert re.search(r"ok\s+digits: told nothing; to be told: nothing", done.stdout)
    for uid in ("model-quality", "model-detail", "model-drift", "model-performance"):
        assert f"model-incidents, then {uid} (dashboards/{uid}.json)" in done.stdout
    for fact in ("Failing or slow: cellar-db.", "deployment at", "Moved first: ", "No feature has drifted."):
        assert fact in done.stdout
    assert "runbooks/ModelIncident.md" in done.stdout


def test_a_day_without_faults_is_a_failure_that_says_what_nobody_was_told() -> None:
    """Nobody is told anything, and that is right for one model of five."""
    done = _run("--no-shift")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "told screening-ml" not in done.stdout
    assert re.search(r"FAILED\s+tumour: told nothing; to be told: concept shift to screening-ml \(page\)", done.stdout)
    assert re.search(r"ok\s+digits: told nothing", done.stdout)
    assert re.search(r"ok\s+wrong while all was well: nothing", done.stdout)
