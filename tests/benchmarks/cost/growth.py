"""How the cost of a record grows: with the batch, with features, with models, with exporters side by side."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.cost.clients import OTLP, Client, HttpClient, Source
from benchmarks.cost.measure import Run, drive, fed_exporter, pid_of, resident_mb, wait_for_rest, warm
from benchmarks.cost.plan import Plan, tell
from benchmarks.cost.records import Request, Shape, Table, otlp_request
from e2e.exporters import Exporter

VALUES_A_REQUEST: Final = 512 * 24
"""Requests of wider records hold fewer of them."""
LIMITS: Final = "limits: {features_per_model: 500, series: 1000000, learning_cells: 20000000}\n"


@dataclass(frozen=True, slots=True)
class Point:
    """One place on a curve: records a second that one core is good for, the cost behind it, and resident memory."""

    at: int
    cost: float
    memory: float

    @property
    def rate(self) -> float:
        """Records a second of processor time."""
        return 1e6 / self.cost


@dataclass(frozen=True, slots=True)
class Beside:
    """Exporters side by side, each with a client of its own.

    Attributes:
        exporters: how many.
        rate: records a second of the wall's clock, all together, on this machine.
        cost: microseconds of processor a record.
        counted: predictions that the counters of all add up to.
        sent: records that were acknowledged.
    """

    exporters: int
    rate: float
    cost: float
    counted: float
    sent: int


def by_batch(plan: Plan) -> list[Point]:
    """The cost with requests of so many records."""
    points = []
    with fed_exporter() as exporter:
        client = HttpClient(exporter.ports.http, OTLP)
        first = Source(_requests(512))
        warm(exporter, client, first)
        for number, batch in enumerate(plan.batches, start=1):
            source = Source(_requests(batch), first=number * 10**11)
            points.append(_point(exporter, client, source, batch, plan))
        client.close()
    return points


def by_features(plan: Plan) -> list[Point]:
    """The cost of records of so many features, each number in an exporter of its own."""
    points = []
    for features in plan.features:
        batch = max(1, min(512, VALUES_A_REQUEST // features))
        with fed_exporter(limits=LIMITS) as exporter:
            client = HttpClient(exporter.ports.http, OTLP)
            source = Source(_requests(batch, Shape.of(features)))
            warm(exporter, client, source)
            points.append(_point(exporter, client, source, features, plan))
            client.close()
    return points


def by_models(plan: Plan) -> list[Point]:
    """The cost when requests of so many models come in turns."""
    points = []
    for models in plan.models:
        with fed_exporter(limits=LIMITS) as exporter:
            client = HttpClient(exporter.ports.http, OTLP)
            table = Table.drawn(512, models)
            source = Source([otlp_request(table, model=f"model-{number}") for number in range(models)])
            warm(exporter, client, source, models=models)
            points.append(_point(exporter, client, source, models, plan))
            client.close()
    return points


def side_by_side(plan: Plan) -> list[Beside]:
    """One exporter, then two at the same time; the counters of two must add up to what was sent."""
    return [_beside(exporters, plan) for exporters in (1, 2)]


def memory_under_load(plan: Plan) -> tuple[float, float, float]:
    """Resident MB of an exporter at rest, and with one model of 50 features under load.

    The first is before any record; the other two are the means of the halves of `plan.load_seconds`.
    """
    with fed_exporter() as exporter:
        pid = pid_of(exporter)
        wait_for_rest(pid)
        idle = resident_mb(pid)
        client = HttpClient(exporter.ports.http, OTLP)
        source = Source(_requests(256, Shape.of(50)))
        warm(exporter, client, source)
        found = []
        for _ in range(10):
            drive(pid, client, source, seconds=plan.load_seconds / 10)
            found.append(resident_mb(pid))
        client.close()
    tell(f"memory: {idle:.0f} MB idle, {max(found):.0f} MB under load")
    return idle, sum(found[:5]) / 5, sum(found[5:]) / 5


def _requests(batch: int, shape: Shape = Shape()) -> list[Request]:  # noqa: B008  # frozen
    return [otlp_request(Table.drawn(batch, seed, shape)) for seed in range(max(4, min(64, 4096 // batch)))]


def _point(exporter: Exporter, client: Client, source: Source, at: int, plan: Plan) -> Point:
    pid = pid_of(exporter)
    run = drive(pid, client, source, seconds=plan.curve_seconds)
    tell(f"{at}: {run.cost:.2f} us a record")
    return Point(at, run.cost, resident_mb(pid))


def _beside(exporters: int, plan: Plan) -> Beside:
    with ExitStack() as stack:
        all_of_them = [stack.enter_context(fed_exporter()) for _ in range(exporters)]
        clients = [HttpClient(exporter.ports.http, OTLP) for exporter in all_of_them]
        sources = [Source(_requests(512), first=number * 10**11) for number in range(exporters)]
        for exporter, client, source in zip(all_of_them, clients, sources, strict=True):
            warm(exporter, client, source)
        runs = _at_once(all_of_them, clients, sources, 2 * plan.curve_seconds)
        counted = sum(exporter.settled().total("model_predictions_total") for exporter in all_of_them)
        for client in clients:
            client.close()
    rows = sum(run.rows for run in runs)
    sent = sum(source.sent - number * 10**11 for number, source in enumerate(sources))
    found = Beside(
        exporters,
        sum(run.rate for run in runs),
        1e6 * sum(run.cpu for run in runs) / rows,
        counted,
        sent,
    )
    tell(f"{exporters} side by side: {found.rate:,.0f} records a second, {found.cost:.2f} us each")
    return found


def _at_once(
    exporters: Sequence[Exporter], clients: Sequence[Client], sources: Sequence[Source], seconds: float
) -> list[Run]:
    """Drive every exporter in a thread of its own."""
    runs: list[Run] = []

    def run(exporter: Exporter, client: Client, source: Source) -> None:
        runs.append(drive(pid_of(exporter), client, source, seconds=seconds))

    threads = [threading.Thread(target=run, args=each) for each in zip(exporters, clients, sources, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(runs) != len(exporters):
        raise RuntimeError("a client failed; its message stands above")
    return runs
