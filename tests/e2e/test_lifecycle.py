"""Start, reload, stop and sudden death of the exporter as an operator causes them."""

import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException
from pathlib import Path

import pytest

from e2e.exporters import Exporter, Page, post, run_exporter
from model_exporter.demo.processes import HOST, ExporterPorts, exporter_command, running, wait_until
from model_exporter.join.matching import decode_outcome

GRACE_SECONDS = 30
LEARNING = """
models:
  fraud:
    owner: %s
    learn: {rows: 500, stable_for: 1s}
"""


def _predictions(first: int, rows: int) -> list[object]:
    return [
        {"model": "fraud", "version": "1", "id": f"p{number}", "features": {"amount": number * 37 % 1000}}
        for number in range(first, first + rows)
    ]


def _learn(exporter: Exporter) -> str:
    """Make the exporter learn a baseline; its digest."""
    assert exporter.post("/v1/predictions", _predictions(0, 1000), lines=True)[0] == 200
    return _digest(exporter.wait_for(lambda page: page.has("model_baseline_rows"), what="the baseline"))


def _digest(page: Page) -> str:
    ((labels, _),) = page.samples("model_baseline_rows", model="fraud")
    return labels["baseline"]


class _Sender(threading.Thread):
    """Posts outcomes until the exporter refuses; remembers which were acknowledged."""

    def __init__(self, exporter: Exporter, name: str) -> None:
        super().__init__(name=name)
        self._exporter = exporter
        self.acknowledged: list[str] = []

    def run(self) -> None:
        for number in range(1_000_000):
            ids = [f"{self.name}-{number}-{row}" for row in range(50)]
            body = [{"model": "fraud", "id": id_, "outcome": "fraud"} for id_ in ids]
            try:
                status, _ = self._exporter.post("/v1/outcomes", body, lines=True)
            except (OSError, HTTPException):
                return
            if status == 503:
                return
            assert status == 200
            self.acknowledged += ids


def test_sigterm_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Clients send until they are refused: the exit code is 0 and every acknowledged outcome is on disk."""
    with run_exporter(tmp_path) as exporter:
        senders = [_Sender(exporter, f"s{index}") for index in range(4)]
        for sender in senders:
            sender.start()
        wait_until(
            lambda: all(len(sender.acknowledged) >= 500 for sender in senders), what="acknowledgements", seconds=30
        )
        exporter.child.process.send_signal(signal.SIGTERM)
        code = exporter.child.process.wait(GRACE_SECONDS)
        for sender in senders:
            sender.join(GRACE_SECONDS)
        assert code == 0, exporter.child.tail()
        assert "lost_records" not in exporter.child.tail()
    kept = _kept_outcomes(tmp_path / "storage")
    assert [id_ for sender in senders for id_ in sender.acknowledged if id_ not in kept] == []


def _kept_outcomes(storage: Path) -> set[str]:
    """Ids of the outcomes that wait for their prediction."""
    found: set[str] = set()
    with closing(sqlite3.connect(storage / "join.db")) as database:
        for number, generation in database.execute("SELECT number, generation FROM partitions WHERE NOT predictions"):
            rows = database.execute(f"SELECT outcome FROM p{number}_{generation}")  # noqa: S608  # numbers
            outcomes = (decode_outcome(row, "fraud") for (row,) in rows)
            found.update(outcome.prediction_id for outcome in outcomes if outcome)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_exporter_ends_well(exporter: Exporter, number: signal.Signals) -> None:
    """Both signals mean the same: exit code 0 within the grace time."""
    exporter.child.process.send_signal(number)
    assert exporter.child.process.wait(GRACE_SECONDS) == 0


def _reloaded(exporter: Exporter, successful: int) -> Callable[[Page], bool]:
    before = exporter.page().total("model_exporter_config_last_reload_success_timestamp_seconds")

    def reloaded(page: Page) -> bool:
        when = page.total("model_exporter_config_last_reload_success_timestamp_seconds")
        return page.total("model_exporter_config_last_reload_successful") == successful and (
            when > before if successful else when == before
        )

    return reloaded


def test_sighup_reloads_and_keeps_the_old_configuration_when_the_new_one_is_wrong(tmp_path: Path) -> None:
    """A good file takes over; a bad one is refused with a metric and a log line, and counts go on."""
    config = tmp_path / "config.yml"
    with run_exporter(tmp_path, LEARNING % "first") as exporter:
        digest = _learn(exporter)
        reloaded = _reloaded(exporter, 1)
        config.write_text(LEARNING % "second", "utf-8")
        exporter.child.process.send_signal(signal.SIGHUP)
        exporter.wait_for(reloaded, what="the good reload")
        page = exporter.settled()
        assert page.has("model_ownership_timestamp_seconds", owner="second")
        assert not page.has("model_ownership_timestamp_seconds", owner="first")

        refused = _reloaded(exporter, 0)
        config.write_text(LEARNING % "third" + "    teir: 1\n", "utf-8")
        exporter.child.process.send_signal(signal.SIGHUP)
        exporter.wait_for(refused, what="the refused reload")
        assert "teir" in exporter.child.tail()
        assert exporter.post("/v1/predictions", _predictions(1000, 10), lines=True)[0] == 200
        page = exporter.settled()
        assert page.has("model_ownership_timestamp_seconds", owner="second")
        assert page.total("model_predictions_total", model="fraud") == 1010
        assert _digest(page) == digest


def test_post_reloads_when_the_lifecycle_is_enabled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """POST /-/reload takes a good file over, and tells the sender what is wrong with a bad one."""
    monkeypatch.setenv("MODEL_EXPORTER_WEB_ENABLE_LIFECYCLE", "true")
    config = tmp_path / "config.yml"
    with run_exporter(tmp_path, LEARNING % "first") as exporter:
        config.write_text(LEARNING % "second", "utf-8")
        assert post(exporter.ports.web, "/-/reload", b"", "text/plain")[0] == 200
        assert exporter.settled().has("model_ownership_timestamp_seconds", owner="second")
        config.write_text(LEARNING % "third" + "    teir: 1\n", "utf-8")
        status, told = post(exporter.ports.web, "/-/reload", b"", "text/plain")
        assert status == 500
        assert "teir" in told
        page = exporter.settled()
        assert page.has("model_ownership_timestamp_seconds", owner="second")
        assert page.total("model_exporter_config_last_reload_successful") == 0


def test_post_reloads_nothing_by_default(tmp_path: Path) -> None:
    """Whoever can scrape cannot also reload; the answer names the flag that would allow it."""
    with run_exporter(tmp_path) as exporter:
        status, told = post(exporter.ports.web, "/-/reload", b"", "text/plain")
        assert status == 403
        assert "--web.enable-lifecycle" in told


def test_a_learned_baseline_survives_a_restart(tmp_path: Path) -> None:
    """The same bins after the restart, before any traffic."""
    with run_exporter(tmp_path, LEARNING % "a") as exporter:
        digest = _learn(exporter)
    with run_exporter(tmp_path, LEARNING % "a") as exporter:
        assert _digest(exporter.page()) == digest


def test_a_killed_exporter_starts_again(tmp_path: Path) -> None:
    """SIGKILL at work loses no acknowledged outcome, and leaves state that the next start can read."""
    with run_exporter(tmp_path, LEARNING % "a") as exporter:
        digest = _learn(exporter)
        sender = _Sender(exporter, "s")
        sender.start()
        wait_until(lambda: len(sender.acknowledged) >= 500, what="acknowledgements", seconds=30)
        exporter.child.process.kill()
        exporter.child.process.wait(GRACE_SECONDS)
        sender.join(GRACE_SECONDS)
    kept = _kept_outcomes(tmp_path / "storage")
    assert [id_ for id_ in sender.acknowledged if id_ not in kept] == []
    with run_exporter(tmp_path, LEARNING % "a", name="again") as exporter:
        assert _digest(exporter.page()) == digest
        assert exporter.post("/v1/predictions", _predictions(0, 10), lines=True)[0] == 200
        page = exporter.settled()
        assert page.total("model_predictions_total", model="fraud") == 10
        assert page.total("model_exporter_corrupt_state_total") == 0


@pytest.mark.parametrize("door", ["grpc", "http", "web"])
def test_a_taken_port_is_one_clear_error(exporter: Exporter, tmp_path: Path, door: str) -> None:
    """The second exporter ends with code 1 and names the address; the first one does not notice."""
    free = ExporterPorts.free()
    taken = getattr(exporter.ports, door)
    ports = ExporterPorts(**{name: taken if name == door else getattr(free, name) for name in ("grpc", "http", "web")})
    with running("second", exporter_command(ports, storage=tmp_path / "second"), tmp_path) as child:
        assert child.process.wait(GRACE_SECONDS) == 1
        printed = child.output.read_text("utf-8")
    assert f"{HOST}:{taken}" in printed
    assert "Traceback" not in printed
    assert exporter.page().has("model_exporter_build_info")


def test_a_wrong_configuration_stops_the_start(tmp_path: Path) -> None:
    """One error with file, path and value, and the exit code of a mistake of the user's; no stack."""
    config = tmp_path / "config.yml"
    config.write_text("models: {fraud: {kind: clasification}}\n", "utf-8")
    command = exporter_command(ExporterPorts.free(), storage=tmp_path / "storage", config=config)
    done = subprocess.run(command, capture_output=True, text=True, timeout=GRACE_SECONDS, check=False)
    assert done.returncode == 2
    printed = done.stdout + done.stderr
    assert str(config) in printed
    assert "models.fraud.kind" in printed
    assert "clasification" in printed
    assert "Traceback" not in printed
