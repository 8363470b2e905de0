"""Files that rotate under load, an exporter that is killed again and again: as Prometheus sees it."""

import gzip
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

import pytest

from e2e.exporters import START_SECONDS, Page, run_exporter
from model_exporter.demo.processes import HOST, ExporterPorts, exporter_command, fetch, running, wait_until

WRITER = Path(__file__).with_name("rotating_writer.py")
SCRAPE_SECONDS = 0.3
LINES = 6_000
RATE = 200
DONE_SECONDS = 90.0


class Scraper:
    """Scrapes like a Prometheus, and keeps the last value of each counter of each process."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.process = 0  # which one answers; the time of its start is not exact enough
        self.followed = -1.0  # files; none before globs were matched for the first time
        self._lasts: dict[int, Counter[str]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def counted(self) -> Counter[str]:
        """Predictions by model, over all processes."""
        return sum(list(self._lasts.values()), Counter())

    def _run(self) -> None:
        while not self._stopping.wait(SCRAPE_SECONDS):
            connection = HTTPConnection(HOST, self._port, timeout=10)
            process = self.process
            try:
                connection.request("GET", "/metrics")
                text = connection.getresponse().read().decode()  # raises if it is not whole
            except (OSError, HTTPException):
                continue
            finally:
                connection.close()
            page = Page(text)
            if page.has("model_exporter_followed_files"):
                self.followed = page.total("model_exporter_followed_files")
            counts = Counter({have["model"]: int(value) for have, value in page.samples("model_predictions_total")})
            self._lasts[process] = counts


@pytest.mark.slow
@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_lines_of_rotating_files_count_once_while_the_exporter_is_killed(tmp_path: Path, how: str) -> None:
    """The last scraped values of all processes add up to the lines that were written, model by model."""
    chance = random.Random(how)  # noqa: S311  # chance, not secrecy
    logs = tmp_path / "logs"
    logs.mkdir()
    models = [f"model-{number}" for number in range(3)]
    ports = ExporterPorts.free()
    command = [*exporter_command(ports, storage=tmp_path / "storage"), f"--logs.file={logs}/*.jsonl"]
    with ExitStack() as stack:
        scraper = stack.enter_context(Scraper(ports.web))
        kills = 8
        for kill in range(kills + 1):
            scraper.process = kill
            with running(f"exporter-{kill}", command, tmp_path) as child:
                wait_until(
                    lambda: fetch(ports.web, "/-/ready")[0] == 200, what="readiness", seconds=START_SECONDS, child=child
                )
                if kill == 0:  # rotated files count from when their folder was looked at
                    wait_until(lambda: scraper.followed >= 0, what="the first look", seconds=START_SECONDS)
                for model in models if kill == 0 else ():
                    call = [sys.executable, WRITER, logs / f"{model}.jsonl", model, LINES, RATE, 60_000, how, model]
                    stack.enter_context(running(f"writer-{model}", list(map(str, call)), tmp_path))
                if kill == 0:
                    wait_until(lambda: scraper.followed >= len(models), what="the files", seconds=START_SECONDS)
                if kill < kills:
                    time.sleep(chance.uniform(0.0, 3.0))  # the moment of death is what is varied
                    child.process.send_signal(signal.SIGKILL)
                    child.process.wait()
                    continue
                deadline = time.monotonic() + DONE_SECONDS
                while scraper.counted().total() < LINES * len(models) and time.monotonic() < deadline:
                    time.sleep(SCRAPE_SECONDS)
                time.sleep(3 * SCRAPE_SECONDS)  # whatever is counted twice would come now
                assert scraper.counted() == Counter(dict.fromkeys(models, LINES))


def test_captures_are_read_from_the_folder_that_they_are_synchronised_to(tmp_path: Path) -> None:
    """SageMaker's files, a folder an hour, some compressed: model and version from the path."""
    folder = tmp_path / "capture" / "churn" / "AllTraffic" / "2026" / "11" / "25"
    lines = [[_captured(100 * hour + number) for number in range(100)] for hour in range(4)]
    for hour, captured in enumerate(lines):
        body = "".join(f"{line}\n" for line in captured).encode()
        place = folder / f"{hour:02}"
        place.mkdir(parents=True)
        if hour == 3:
            (place / "30-1.jsonl.gz").write_bytes(gzip.compress(body))
        else:
            (place / "30-1.jsonl").write_bytes(body)
    config = f"""
        files:
          - {{path: "{tmp_path}/capture/**/*.jsonl*", mapping: sagemaker}}
          - {{path: native.jsonl, model: fraud, version: "2"}}
    """
    with run_exporter(tmp_path, config) as exporter:
        (tmp_path / "native.jsonl").write_text('{"features": {"a": 1}, "prediction": 1}\n{"features"\n[]\n')
        page = exporter.wait_for(
            lambda page: page.has("model_predictions_total", model="fraud"), what="the files", seconds=30
        )
        assert page.total("model_predictions_total", model="churn", version="AllTraffic") == 400
        assert page.total("model_predictions_total", model="fraud", version="2") == 1
        assert page.total("model_exporter_records_total", door="file", signal="records", outcome="accepted") == 400
        assert page.total("model_exporter_records_total", door="file", outcome="rejected") == 2
        assert page.total("model_exporter_file_lag_bytes") == 0


def _captured(number: int) -> str:
    side = {"observedContentType": "text/csv", "encoding": "CSV"}
    return json.dumps(
        {
            "captureData": {
                "endpointInput": {**side, "mode": "INPUT", "data": f"{number},1.5,DE"},
                "endpointOutput": {**side, "mode": "OUTPUT", "data": "0.25"},
            },
            "eventMetadata": {"eventId": f"e{number}", "inferenceTime": "2026-11-25T10:21:33Z"},
            "eventVersion": "0",
        }
    )
