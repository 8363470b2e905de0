"""Scrapes and ingestion in each other's way: `python tests/benchmarks/bench_scrapes.py [--json FILE]`.

One exporter of 100,000 series takes batches of 64 records over OTLP/HTTP, one after the other, from one client; another
process scrapes it, gzip. Milliseconds from a request to its acknowledgement and from a scrape to its end, each alone
and both at once, without a pause. "wall" is what clients see, on a machine that may have other things to do; "cpu" is
the processor time of the whole exporter meanwhile, whatever for: on a machine of its own nobody waits longer.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where `e2e` is

from e2e.exporters import Exporter, run_exporter
from model_exporter.demo.processes import HOST

MODELS = 22
FEATURES = 50
ROWS = 64
LEARN = 512
SECONDS = 15.0
BODIES = 100
CONFIG = f"models: {{{', '.join(f'm{i}: {{learn: {{rows: {LEARN}, stable_for: 1s}}}}' for i in range(MODELS))}}}\n"
ACCEPT = {"Accept": "application/openmetrics-text; version=1.0.0", "Accept-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds."""

    count: int
    wall_p50: float
    wall_p99: float
    wall_most: float
    cpu_p50: float
    cpu_p99: float
    cpu_most: float

    @classmethod
    def of(cls, taken: Sequence[tuple[float, float]]) -> "Times":
        """Summarise seconds of wall and of processor time."""
        return cls(len(taken), *(1e3 * np.quantile(taken, (0.5, 0.99, 1.0), axis=0).T.ravel()).tolist())


@dataclass(frozen=True, slots=True)
class Together:
    """Times of acknowledgements and scrapes, alone and at once."""

    series: int
    acknowledged_alone: Times
    scraped_alone: Times
    acknowledged: Times
    scraped: Times


def body(model: int, rows: int, seed: int) -> bytes:
    """An OTLP request of `rows` predictions of a model."""
    values = np.random.default_rng(seed).normal(size=(rows, FEATURES))
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for row in values.tolist():
        features = [KeyValue(key=f"x{i}", value=AnyValue(double_value=value)) for i, value in enumerate(row)]
        records.add(
            event_name="model.prediction",
            attributes=[
                KeyValue(key="model.name", value=AnyValue(string_value=f"m{model}")),
                KeyValue(key="model.version", value=AnyValue(string_value="1")),
                KeyValue(key="features", value=AnyValue(kvlist_value=KeyValueList(values=features))),
            ],
        )
    return request.SerializeToString()


def poster(port: int) -> Callable[[bytes], None]:
    """Posts bodies over one connection."""
    connection = HTTPConnection(HOST, port)

    def post(sent: bytes) -> None:
        connection.request("POST", "/v1/logs", sent, {"Content-Type": "application/x-protobuf"})
        response = connection.getresponse()
        response.read()
        assert response.status == 200, response.status  # a benchmark of refusals would mislead

    return post


class Watch:
    """Measures what passes, here and on the processors for process `pid`."""

    def __init__(self, pid: int) -> None:
        self._clock = ~pid << 3 | 2  # as clock_getcpuclockid(3) has it
        self._started = self._now()
        self.taken: list[tuple[float, float]] = []

    def start(self) -> None:
        """Begin one measurement."""
        self._started = self._now()

    def stop(self) -> None:
        """End it."""
        (wall, cpu), (wall_before, cpu_before) = self._now(), self._started
        self.taken.append((wall - wall_before, cpu - cpu_before))

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), time.clock_gettime(self._clock)


def acknowledgements(exporter: Exporter, bodies: Sequence[bytes], seconds: float) -> list[tuple[float, float]]:
    """Post without a pause; seconds to each acknowledgement."""
    post, watch = poster(exporter.ports.http), Watch(exporter.child.process.pid)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        sent = bodies[len(watch.taken) % len(bodies)]
        watch.start()
        post(sent)
        watch.stop()
    return watch.taken


def scrape(port: int, pid: int, stop: Event, told: Connection) -> None:
    """Scrape without a pause until `stop`, then tell the seconds of each."""
    connection, watch = HTTPConnection(HOST, port), Watch(pid)
    while not stop.is_set():
        watch.start()
        connection.request("GET", "/metrics", headers=ACCEPT)
        response = connection.getresponse()
        response.read()
        watch.stop()
        assert response.status == 200, response.status
    told.send(watch.taken)


@contextmanager
def scraping(exporter: Exporter) -> Iterator[list[tuple[float, float]]]:
    """Scrape from another process meanwhile; its seconds are there in the end."""
    spawn = multiprocessing.get_context("spawn")
    stop, (mine, its) = spawn.Event(), spawn.Pipe()
    process = spawn.Process(target=scrape, args=(exporter.ports.web, exporter.child.process.pid, stop, its))
    process.start()
    taken: list[tuple[float, float]] = []
    try:
        yield taken
    finally:
        stop.set()
        if mine.poll(60.0):
            taken += mine.recv()
        process.join()


def together(*, seconds: float = SECONDS) -> Together:
    """Measure an exporter of its own, `seconds` for each of the three parts."""
    with tempfile.TemporaryDirectory() as folder, run_exporter(Path(folder), CONFIG) as exporter:
        fill(exporter)
        bodies = [body(number % MODELS, ROWS, number) for number in range(BODIES)]
        series = int(exporter.settled().total("model_exporter_series"))
        alone = acknowledgements(exporter, bodies, seconds)
        with scraping(exporter) as scraped_alone:
            time.sleep(seconds)
        with scraping(exporter) as scraped:
            both = acknowledgements(exporter, bodies, seconds)
        return Together(series, *map(Times.of, (alone, scraped_alone, both, scraped)))


def fill(exporter: Exporter) -> None:
    """Give every model a baseline and traffic in its windows."""
    post = poster(exporter.ports.http)
    for model in range(MODELS):
        for seed in range(2):
            post(body(model, LEARN, seed))
    exporter.settled()
    time.sleep(1.5)  # what the configuration asks for as `stable_for`
    for model in range(MODELS):
        post(body(model, LEARN, 3))
    exporter.settled()


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each part")
    asked = parser.parse_args()
    told = asdict(together(seconds=asked.seconds))
    print(f"{told['series']} series; milliseconds")
    columns = ("count", *(f"{kind}_{what}" for kind in ("wall", "cpu") for what in ("p50", "p99", "most")))
    print(f"{'':<20}", *(f"{column:>9}" for column in columns))
    for what, times in told.items():
        if isinstance(times, dict):
            print(f"{what:<20}", *(f"{times[column]:>9.5g}" for column in columns))
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
