"""What a process costs while it is driven: processor time, memory, time to the acknowledgement."""

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from benchmarks.cost.clients import Client, Source
from benchmarks.cost.records import Request
from e2e.exporters import Exporter, run_exporter
from model_exporter.demo.processes import fetch

SCRAPE_SECONDS: Final = 15.0
MB: Final = 1e6
_QUIET_SECONDS: Final = 0.1
_QUIET_SHARE: Final = 0.08
"""Share of a core below which a process is at rest: one whose writer has work takes much more."""
_REST_SECONDS: Final = 60.0
LEARN_ROWS: Final = 1000
LEARN: Final = f"learn: {{rows: {LEARN_ROWS}, stable_for: 1s}}\n"


def cpu_seconds(pid: int) -> float:
    """Processor time of a process since its start, all threads, those that ended too; Linux."""
    return time.clock_gettime((~pid << 3) | 2)  # the clock that clock_getcpuclockid(3) names


def resident_mb(pid: int, *, peak: bool = False) -> float:
    """Resident memory of a process in MB (10^6 bytes), now or at its highest."""
    name = "VmHWM:" if peak else "VmRSS:"
    status = Path(f"/proc/{pid}/status").read_text("ascii").split()
    return int(status[status.index(name) + 1]) * 1024 / MB


def pid_of(exporter: Exporter) -> int:
    """The process of an exporter."""
    return exporter.child.process.pid


def wait_for_rest(pid: int) -> None:
    """Return when a process has all but stopped using the processor for two looks in a row.

    Raises:
        TimeoutError: it did not within a minute.
    """
    deadline = time.monotonic() + _REST_SECONDS
    quiet = 0
    while quiet < 2:
        before = cpu_seconds(pid)
        time.sleep(_QUIET_SECONDS)
        quiet = quiet + 1 if cpu_seconds(pid) - before < _QUIET_SHARE * _QUIET_SECONDS else 0
        if time.monotonic() > deadline:
            raise TimeoutError("the process does not come to rest")


@dataclass(slots=True)
class Run:
    """What driving an exporter came to."""

    rows: int = 0
    cpu: float = 0.0
    seconds: float = 0.0
    refused: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def cost(self) -> float:
        """Processor microseconds a record."""
        return 1e6 * self.cpu / self.rows

    @property
    def rate(self) -> float:
        """Records in a second of the wall's clock."""
        return self.rows / self.seconds


class Scraper:
    """Scrapes an exporter after every 15 seconds of load, the first time after one."""

    def __init__(self, exporter: Exporter) -> None:
        self._port = exporter.ports.web
        self._left = 1.0

    def spend(self, seconds: float) -> None:
        """Take note of load; scrape when it is time."""
        self._left -= seconds
        if self._left <= 0:
            self._left += SCRAPE_SECONDS
            status, _ = fetch(self._port, "/metrics", seconds=60.0)
            if status != 200:
                raise OSError(f"a scrape ended with status {status}")


def drive(pid: int, client: Client, source: Source, *, seconds: float, scraper: Scraper | None = None) -> Run:
    """Send for so many seconds as fast as replies come, wait until all is worked off; what it came to."""
    wait_for_rest(pid)
    run = Run()
    refused = client.refused
    cpu = cpu_seconds(pid)
    started = now = time.perf_counter()
    first = source.sent
    while now < started + seconds:
        bodies = source.take(client.width)
        before = time.perf_counter()
        client.send(bodies)
        now, earlier = time.perf_counter(), now
        run.latencies.append(now - before)
        if scraper:
            scraper.spend(now - earlier)
    run.seconds = now - started
    wait_for_rest(pid)
    run.cpu = cpu_seconds(pid) - cpu
    run.rows = source.sent - first
    run.refused = client.refused - refused
    return run


def parse_cost(requests: Sequence[Request], *, seconds: float = 0.3) -> float:
    """Microseconds of processor that the protobuf library (upb) needs to parse a record, nothing of it being read.

    Everything else is measured against it: it needs the same bytes in memory, and is a loaded machine's victim alike.
    """
    bodies = [bytes(request.renewed(0)) for request in requests]
    rows = 0
    started = time.process_time()
    while time.process_time() < started + seconds:
        for body in bodies:
            ExportLogsServiceRequest.FromString(body)
        rows += sum(request.rows for request in requests)
    return 1e6 * (time.process_time() - started) / rows


@contextmanager
def fed_exporter(*, limits: str = "") -> Iterator[Exporter]:
    """An exporter in a folder of its own, whose models learn their baselines from a thousand rows."""
    with tempfile.TemporaryDirectory() as folder, run_exporter(Path(folder), f"{LEARN}{limits}") as exporter:
        yield exporter


def warm(exporter: Exporter, client: Client, source: Source, *, models: int = 1) -> None:
    """Send until every model has a baseline, so that bins, windows and evidence take part in what follows.

    Raises:
        TimeoutError: they have none after two minutes.
    """
    deadline = time.monotonic() + 2 * _REST_SECONDS
    while True:
        sent = 0
        while sent < LEARN_ROWS * models:
            sent -= source.sent
            client.send(source.take(client.width))
            sent += source.sent
        page = exporter.settled()
        if len(page.samples("model_baseline_rows")) >= models:
            return
        if time.monotonic() > deadline:
            raise TimeoutError("the models do not learn their baselines")


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)
