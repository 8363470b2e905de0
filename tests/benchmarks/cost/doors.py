"""What a record costs at each door, as a multiple of what parsing its bytes costs in the same minute."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.cost.clients import JSON_LINES, OTLP, Client, GrpcClient, HttpClient, Source
from benchmarks.cost.measure import Run, Scraper, drive, fed_exporter, median, parse_cost, pid_of, warm
from benchmarks.cost.plan import Plan, tell
from benchmarks.cost.records import Request, Shape, Table, json_lines_request, otlp_request
from e2e.exporters import Exporter

REQUESTS: Final = 16
"""Different requests that are sent in turns."""
BATCH: Final = 512

Connect = Callable[[Exporter], Client]


@dataclass(frozen=True, slots=True)
class Door:
    """A way in.

    Attributes:
        name: in the report.
        rows: records of a request.
        connect: makes the client.
        request: makes a request of a table.
    """

    name: str
    rows: int
    connect: Connect
    request: Callable[[Table], Request]


HTTP: Final = "OTLP/HTTP, batch 512"
GRPC: Final = "OTLP/gRPC, batch 512"
LINES: Final = "JSON lines, batch 512"
ALONE: Final = "OTLP/HTTP, batch 1, one connection"
TOGETHER: Final = "OTLP/HTTP, batch 1, 16 connections"


def _http(exporter: Exporter) -> Client:
    return HttpClient(exporter.ports.http, OTLP)


def _http_16(exporter: Exporter) -> Client:
    return HttpClient(exporter.ports.http, OTLP, width=16)


def _grpc(exporter: Exporter) -> Client:
    return GrpcClient(exporter.ports.grpc)


def _lines(exporter: Exporter) -> Client:
    return HttpClient(exporter.ports.http, JSON_LINES)


DOORS: Final = (
    Door(HTTP, BATCH, _http, otlp_request),
    Door(GRPC, BATCH, _grpc, otlp_request),
    Door(LINES, BATCH, _lines, json_lines_request),
    Door(ALONE, 1, _http, otlp_request),
    Door(TOGETHER, 1, _http_16, otlp_request),
)


@dataclass(frozen=True, slots=True)
class DoorCost:
    """What came out at one door, each list one entry a round.

    Attributes:
        costs: microseconds of processor a record.
        parses: the same of upb's parse of the bytes of batch 512, just before and just after.
        run: the last round, for its latencies.
    """

    costs: list[float]
    parses: list[float]
    run: Run

    @property
    def cost(self) -> float:
        """Median microseconds a record."""
        return median(self.costs)

    @property
    def ratio(self) -> float:
        """Median multiple of the parse within a round."""
        return median(self.ratios)

    @property
    def ratios(self) -> list[float]:
        """Multiples of the parse by round."""
        return [cost / parse for cost, parse in zip(self.costs, self.parses, strict=True)]


def requests_of(door: Door, shape: Shape = Shape()) -> list[Request]:  # noqa: B008  # frozen
    """The requests that go through a door: their records, one by one when it takes single ones."""
    rows, count = door.rows, REQUESTS if door.rows > 1 else 64
    return [door.request(Table.drawn(rows, seed, shape)) for seed in range(count)]


def measure_doors(plan: Plan) -> dict[str, DoorCost]:
    """Drive one exporter through every door in turns, `plan.rounds` times; scraped every 15 s of load."""
    yardstick = [otlp_request(Table.drawn(BATCH, seed)) for seed in range(REQUESTS)]
    with fed_exporter() as exporter:
        clients = {door.name: door.connect(exporter) for door in DOORS}
        sources = {door.name: Source(requests_of(door), first=number * 10**11) for number, door in enumerate(DOORS)}
        warm(exporter, clients[HTTP], sources[HTTP])
        scraper = Scraper(exporter)
        found: dict[str, DoorCost] = {}
        for number in range(plan.rounds):
            for door in DOORS:
                before = parse_cost(yardstick)
                run = drive(
                    pid_of(exporter), clients[door.name], sources[door.name], seconds=plan.seconds, scraper=scraper
                )
                parse = (before + parse_cost(yardstick)) / 2
                earlier = found.get(door.name)
                costs, parses = (earlier.costs, earlier.parses) if earlier else ([], [])
                found[door.name] = DoorCost([*costs, run.cost], [*parses, parse], run)
                tell(f"round {number + 1}, {door.name}: {run.cost:.2f} us a record, {run.cost / parse:.2f} x the parse")
        _check_counts(exporter, sources)
        for client in clients.values():
            client.close()
    return found


def _check_counts(exporter: Exporter, sources: dict[str, Source]) -> None:
    """Every record that was acknowledged is counted, once, and learned ones too.

    Raises:
        ValueError: the benchmark measured something else than predictions.
    """
    sent = sum(source.sent - number * 10**11 for number, source in enumerate(sources.values()))
    counted = exporter.settled().total("model_predictions_total")
    if counted != sent:
        raise ValueError(f"{sent} records were sent, {counted:.0f} predictions were counted")
