"""Whether an exporter stays as it is under steady load: `python tests/benchmarks/bench_soak.py --minutes 60`.

One exporter process, one model of 50 features, records over OTLP/HTTP, OTLP/gRPC and JSON lines, and two scrapes every
15 seconds. All predictions wait for outcomes, which those of JSON lines get a minute later, and every five minutes
there is a new version; with `--plain` there are neither. Each minute the exporter's resident memory, its processor
time and the time of its acknowledgements are noted. Everything goes to a JSON file, written anew each minute.
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where `e2e` is

from benchmarks.soak_traffic import (
    CATEGORIES,
    MODEL,
    NUMBERS,
    POOL,
    Ledger,
    Minute,
    Pace,
    Post,
    Refused,
    Stream,
    grpc_post,
    http_post,
    json_body,
    otlp_body,
    outcomes_body,
    percentiles,
    stamped,
)
from e2e.exporters import Exporter, run_exporter

MIB: Final = 1024 * 1024
SCRAPE_SECONDS: Final = 15.0
OUTCOME_SECONDS: Final = 60.0
VERSION_MINUTES: Final = 5
PLAIN: Final = f"""
limits: {{expire_after: 15m}}
models:
  {MODEL}:
    kind: classification
    learn: {{rows: 5000, stable_for: 1m}}
"""
CONFIG: Final = f"""{PLAIN}
    outcome: {{positive: "yes", wait: 10m}}
"""
HTTP: Final = Stream("http", rows=256, per_second=1.0, body=otlp_body)
GRPC: Final = Stream("grpc", rows=128, per_second=1.0, body=otlp_body)
JSON: Final = Stream("json", rows=64, per_second=1.0, body=json_body)
SINGLE: Final = Stream("one", rows=1, per_second=10.0, body=otlp_body)
TRUTH: Final = Stream("json", rows=64, per_second=1.0, body=outcomes_body)


@dataclass(frozen=True, slots=True)
class Scrape:
    """What a look from outside shows of the process, and what the look took."""

    resident: int
    anonymous: int
    cpu_seconds: float
    threads: int
    seconds: tuple[float, float]  # as text, and as OpenMetrics through gzip
    size: int
    series: int
    queued: float


class Looks:
    """Two scrapes and a look into /proc every 15 seconds, from a thread of its own."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._stopping = threading.Event()
        self._taken: deque[Scrape] = deque()
        self.thread = threading.Thread(target=self._run, name="scrapes")

    def take(self) -> list[Scrape]:
        """Those since the last call."""
        return [self._taken.popleft() for _ in range(len(self._taken))]

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self.thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(SCRAPE_SECONDS):
            plain, plain_seconds = _get(self._exporter.ports.web, "text/plain; version=0.0.4", "identity")
            packed, packed_seconds = _get(
                self._exporter.ports.web, "application/openmetrics-text; version=1.0.0", "gzip"
            )
            assert gzip.decompress(packed).endswith(b"# EOF\n")
            lines = [line for line in plain.splitlines() if not line.startswith(b"#")]
            queued = next(line for line in lines if line.startswith(b"model_exporter_queue_rows "))
            resident, anonymous, cpu, threads = process_of(self._exporter.child.process.pid)
            self._taken.append(
                Scrape(
                    resident,
                    anonymous,
                    cpu,
                    threads,
                    (plain_seconds, packed_seconds),
                    len(plain),
                    len(lines),
                    float(queued.split()[1]),
                )
            )


def process_of(pid: int) -> tuple[int, int, float, int]:
    """Resident bytes, those of them that are no file's, processor seconds, and threads of a process, from /proc."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    kib = {name: int(status[name].split()[0]) * 1024 for name in ("VmRSS", "RssAnon")}
    return kib["VmRSS"], kib["RssAnon"], ticks / os.sysconf("SC_CLK_TCK"), int(status["Threads"])


def _get(port: int, accept: str, encoding: str) -> tuple[bytes, float]:
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/metrics", headers={"Accept": accept, "Accept-Encoding": encoding})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    assert response.status == 200, response.status
    return body, time.monotonic() - began


class Truth:
    """The outcomes of what went through one stream, a while later."""

    def __init__(self, predictions: Pace, post: Post, ledger: Ledger) -> None:
        self._predictions = predictions
        self._post = post
        self._ledger = ledger
        self._bodies = [outcomes_body(TRUTH.rows, seed) for seed in range(POOL)]
        self._stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name="outcomes")

    def stop(self) -> None:
        """Send no more."""
        self._stopping.set()
        self.thread.join()

    def _run(self) -> None:
        waiting: deque[tuple[float, int]] = deque()
        while not self._stopping.wait(1.0):
            told, self._predictions.sent = self._predictions.sent, []
            now = time.monotonic()
            waiting.extend((now + OUTCOME_SECONDS, number) for number in told)
            while waiting and waiting[0][0] <= now:
                _, number = waiting.popleft()
                began = time.monotonic()
                try:
                    self._post(stamped(self._bodies[number % POOL], TRUTH, number, 0))
                except Refused:
                    self._ledger.refused()
                else:
                    self._ledger.acknowledged("outcomes", time.monotonic() - began, TRUTH.rows)


@contextmanager
def traffic(exporter: Exporter, ledger: Ledger, version: list[int], *, plain: bool) -> Iterator[None]:
    """Traffic through every door while the block runs; its version is `version[0]`."""
    ports = exporter.ports
    paces = [
        Pace(HTTP, http_post(ports.http, "/v1/logs", "application/x-protobuf"), ledger, lambda: version[0]),
        Pace(GRPC, grpc_post(ports.grpc), ledger, lambda: version[0]),
        Pace(JSON, http_post(ports.http, "/v1/predictions", "application/x-ndjson"), ledger, lambda: version[0]),
        Pace(SINGLE, http_post(ports.http, "/v1/logs", "application/x-protobuf"), ledger, lambda: version[0]),
    ]
    running: list[Pace | Truth] = [*paces]
    if not plain:
        running.append(Truth(paces[2], http_post(ports.http, "/v1/outcomes", "application/x-ndjson"), ledger))
    for one in running:
        one.thread.start()
    try:
        yield
    finally:
        for one in running:
            one.stop()


def row_of(number: int, minute: Minute, looks: list[Scrape], cpu_before: float) -> dict[str, object]:
    """One minute as it stands in the file."""
    scrapes = [seconds for look in looks for seconds in look.seconds]
    return {
        "minute": number,
        "resident_bytes": int(statistics.median(look.resident for look in looks)),
        "resident_max_bytes": max(look.resident for look in looks),
        "anonymous_bytes": int(statistics.median(look.anonymous for look in looks)),
        "cpu_seconds": round(looks[-1].cpu_seconds - cpu_before, 3),
        "threads": looks[-1].threads,
        "records": minute.records,
        "refused": minute.refused,
        "acknowledgement_seconds": {name: percentiles(seconds) for name, seconds in sorted(minute.seconds.items())},
        "generator_late_seconds": percentiles(minute.late_seconds),
        "scrape_seconds": {"text": max(scrapes[::2]), "openmetrics_gzip": max(scrapes[1::2])},
        "scrape_bytes": looks[-1].size,
        "series": looks[-1].series,
        "queued_rows": max(look.queued for look in looks),
        "load_average": os.getloadavg()[0],
    }


def slope(rows: list[dict[str, object]], what: str) -> float:
    """Growth an hour of a column: the median of the slopes between all pairs of minutes (Theil and Sen)."""
    values = np.array([row[what] for row in rows], float)
    first, second = np.triu_indices(len(values), 1)
    return float(np.median((values[second] - values[first]) / (second - first)) * 60) if len(values) > 1 else 0.0


def summary(rows: list[dict[str, object]], every: dict[str, list[float]]) -> dict[str, object]:
    """What the run comes to; growth is that of its second half."""
    half = rows[len(rows) // 2 :]
    return {
        "resident_max_bytes": max(int(str(row["resident_max_bytes"])) for row in rows),
        "resident_growth_bytes_per_hour": round(slope(half, "resident_bytes")),
        "cpu_growth_seconds_per_minute_per_hour": round(slope(half, "cpu_seconds"), 4),
        "acknowledgement_seconds": {name: percentiles(seconds) for name, seconds in sorted(every.items())},
    }


def commit() -> str:
    """The commit that is measured."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def run(minutes: int, output: Path, *, plain: bool) -> None:
    """Run for `minutes`, write `output` after each of them."""
    ledger, version = Ledger(), [1]
    rows: list[dict[str, object]] = []
    every: dict[str, list[float]] = {}
    about = {
        "commit": commit(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "features": NUMBERS + CATEGORIES,
        "plain": plain,
        "version_minutes": None if plain else VERSION_MINUTES,
        "streams": [
            {"name": stream.name, "rows": stream.rows, "per_second": stream.per_second}
            for stream in (HTTP, GRPC, JSON, SINGLE)
        ],
    }
    config = PLAIN if plain else CONFIG
    with tempfile.TemporaryDirectory() as folder, run_exporter(Path(folder), config) as exporter:
        idle, _, cpu, _ = process_of(exporter.child.process.pid)
        looks = Looks(exporter)
        looks.thread.start()
        try:
            with traffic(exporter, ledger, version, plain=plain):
                begin = time.monotonic()
                for number in range(1, minutes + 1):
                    time.sleep(max(0.0, begin + 60 * number - time.monotonic()))
                    exporter.child.require_running()
                    taken, minute = looks.take(), ledger.take()
                    for name, seconds in minute.seconds.items():
                        every.setdefault(name, []).extend(seconds)
                    rows.append(row_of(number, minute, taken, cpu))
                    cpu = taken[-1].cpu_seconds
                    version[0] = 1 if plain else 1 + number // VERSION_MINUTES
                    told = {"about": about, "idle_resident_bytes": idle, "minutes": rows, "all": summary(rows, every)}
                    output.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
                    print(line_of(rows[-1]), flush=True)
        finally:
            looks.stop()


def line_of(row: dict[str, object]) -> str:
    """A minute for whoever watches."""
    shown = {name: row[name] for name in ("minute", "cpu_seconds", "records", "refused", "series")}
    return f"{int(str(row['resident_bytes'])) / MIB:7.1f} MiB {shown} {row['acknowledgement_seconds']}"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "data" / "soak.json")
    parser.add_argument("--plain", action="store_true", help="no outcomes, and one version")
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    run(options.minutes, options.output, plain=options.plain)


if __name__ == "__main__":
    main()
