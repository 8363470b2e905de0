"""What a scrape costs, against the number of series, and whether it holds up whoever sends."""

import gzip
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Final

import numpy as np

from benchmarks.cost.clients import OTLP, Client, HttpClient, Source
from benchmarks.cost.growth import LIMITS
from benchmarks.cost.measure import cpu_seconds, fed_exporter, median, pid_of, wait_for_rest, warm
from benchmarks.cost.plan import Plan, tell
from benchmarks.cost.records import Shape, Table, otlp_request
from e2e.exporters import Exporter
from model_exporter.demo.processes import HOST

FEATURES: Final = 50
ROWS: Final = 64
REPEATS: Final = 5
PICTURE_SECONDS: Final = 1.3
"""A new picture is there after at most so long, unless pictures cost so much that they are taken less often."""
PROMETHEUS: Final = {
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
    "Accept-Encoding": "gzip",
}
AFTER_SECONDS: Final = 0.02
"""What is left of a scrape when its last byte is here: closing the connection."""
PAUSE_SECONDS: Final = 1.0
"""Between scrapes while the longest wait of a sender is looked for: Prometheus takes fifteen times as long."""


@dataclass(frozen=True, slots=True)
class ScrapeCost:
    """A scrape as Prometheus does it (OpenMetrics, gzip), processor milliseconds of the exporter, medians.

    Attributes:
        series: in the page.
        kilobytes: of the page as it is sent.
        busy: every model has had traffic since the last scrape.
        quiet: none has.
    """

    series: int
    kilobytes: float
    busy: float
    quiet: float


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds that acknowledgements of 64 records took."""

    requests: int
    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Waits":
        """Of what was measured."""
        half, most, longest = 1e3 * np.quantile(seconds, [0.5, 0.99, 1.0])
        return cls(len(seconds), float(half), float(most), float(longest))


@dataclass(frozen=True, slots=True)
class Scrapes:
    """All about scrapes; the waits are at the largest number of series."""

    costs: list[ScrapeCost]
    alone: Waits
    scraped: Waits


def measure_scrapes(plan: Plan) -> Scrapes:
    """Grow an exporter to more and more models of 50 features, and scrape it."""
    costs = []
    with fed_exporter(limits=LIMITS) as exporter:
        client = HttpClient(exporter.ports.http, OTLP)
        table = Table.drawn(ROWS, 1, Shape.of(FEATURES))
        sent = 0
        for models in plan.series_models:
            requests = [otlp_request(table, model=f"model-{number}") for number in range(models)]
            source = Source(requests, first=sent)
            warm(exporter, client, source, models=models)
            costs.append(_cost(exporter, client, source))
            sent = source.sent
        source = Source(requests, first=sent)
        alone = _waits(exporter, client, source, plan.load_seconds / 6, scraped=False)
        scraped = _waits(exporter, client, source, plan.load_seconds / 6, scraped=True)
        client.close()
    return Scrapes(costs, alone, scraped)


def _cost(exporter: Exporter, client: Client, source: Source) -> ScrapeCost:
    busy, quiet, page = [], [], b""
    for _ in range(REPEATS):
        for _ in source.requests:
            client.send(source.take(1))
        time.sleep(PICTURE_SECONDS)
        milliseconds, page = _scrape_at_rest(exporter)
        busy.append(milliseconds)
        quiet.append(_scrape_at_rest(exporter)[0])
    text = gzip.decompress(page) if page[:2] == b"\x1f\x8b" else page
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    found = ScrapeCost(series, len(page) / 1e3, median(busy), median(quiet))
    tell(f"scrape of {series:,} series: {found.busy:.1f} ms, {found.quiet:.1f} ms when nothing happened")
    return found


def _scrape_at_rest(exporter: Exporter) -> tuple[float, bytes]:
    """Processor milliseconds of a scrape and its body."""
    pid = pid_of(exporter)
    wait_for_rest(pid)
    before = cpu_seconds(pid)
    page = _scrape(exporter.ports.web)
    time.sleep(AFTER_SECONDS)
    return 1e3 * (cpu_seconds(pid) - before), page


def _scrape(port: int) -> bytes:
    connection = HTTPConnection(HOST, port, timeout=60.0)
    try:
        connection.request("GET", "/metrics", headers=PROMETHEUS)
        reply = connection.getresponse()
        if reply.status != 200:
            raise OSError(f"a scrape ended with status {reply.status}")
        return reply.read()
    finally:
        connection.close()


def _waits(exporter: Exporter, client: Client, source: Source, seconds: float, *, scraped: bool) -> Waits:
    """How long acknowledgements take, while somebody scrapes or not."""
    wait_for_rest(pid_of(exporter))
    over = threading.Event()

    def scrape_on() -> None:
        while not over.wait(PAUSE_SECONDS):
            _scrape(exporter.ports.web)

    scraper = threading.Thread(target=scrape_on)
    if scraped:
        scraper.start()
    found = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        bodies = source.take(1)
        sent = time.perf_counter()
        client.send(bodies)
        found.append(time.perf_counter() - sent)
    over.set()
    if scraped:
        scraper.join()
    waits = Waits.of(found)
    tell(
        f"longest wait {'with' if scraped else 'without'} scrapes: {waits.longest:.1f} ms of {waits.requests} requests"
    )
    return waits
