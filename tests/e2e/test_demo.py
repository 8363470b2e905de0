"""The demo as a user starts it, and as the exporter's own proof; the bad day is in test_demo_day.py."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e.programs import require
from model_exporter.demo.processes import fetch, start, wait_until

COMMAND = [sys.executable, "-m", "model_exporter", "demo"]
SECONDS = 240


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The demo where there is neither a Prometheus nor an Alertmanager."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "PATH": ""},
    )


def test_once_ends_well_when_the_changes_are_visible() -> None:
    """Baseline, no alarm, a shift that an alarm names, then a fall of accuracy without drift, all within three minutes.

    Two are enough for an idle machine. Every prediction is counted, and every outcome joined, once.
    """
    started = time.monotonic()
    done = _run("--once")
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started < 180
    assert "Without prometheus and alertmanager this is about one model" in done.stdout
    assert "apt-get install prometheus prometheus-alertmanager" in done.stdout
    assert "The shift and the change of concept are visible" in done.stdout
    assert "FAILED" not in done.stdout


def test_once_ends_badly_when_there_is_nothing_to_see() -> None:
    """Without a change the verdict is a failure that says what is missing; the counts still agree."""
    done = _run("--once", "--no-shift")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"FAILED\s+PSI of the shifted features", done.stdout)
    assert re.search(r"FAILED\s+features that the alarm names: none", done.stdout)
    assert re.search(r"FAILED\s+accuracy before the change of concept: 0\.", done.stdout)
    assert re.search(r"ok\s+verdict on the normal traffic: no drift", done.stdout)
    assert re.search(r"ok\s+accuracy on the normal traffic: 0\.", done.stdout)
    assert re.search(r"ok\s+predictions sent", done.stdout)
    assert re.search(r"ok\s+outcomes told", done.stdout)


@pytest.mark.parametrize(("path", "programs"), [("", 1), (os.environ["PATH"], 3)], ids=["one model", "bad day"])
def test_ctrl_c_ends_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, programs: int) -> None:
    """SIGINT ends the demo with code 0 and leaves no process behind."""
    if programs > 1:
        require("prometheus")
        require("alertmanager")
    monkeypatch.setenv("PATH", path)
    child = start("demo", COMMAND, tmp_path)
    try:
        wait_until(
            lambda: "healthy" in child.tail() or "sent " in child.tail(), what="the first line", seconds=90, child=child
        )
        ports = {int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)/", child.output.read_text("utf-8"))}
        assert len(ports) == programs
        assert [port for port in ports if fetch(port, "/-/ready")[0] == 0] == []
        child.process.send_signal(signal.SIGINT)
        assert child.process.wait(60) == 0, child.tail()
        assert [port for port in ports if fetch(port, "/-/ready")[0] != 0] == []
    finally:
        child.stop()
