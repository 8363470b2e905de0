"""What the same records cost other tools: monitoring packages in environments of their own, and a Collector.

The packages get the records in memory, as the data frame or the lists they are made for: nothing is received or
decoded. The Collector receives what the exporter receives, and throws it away.
"""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_peers import QUIET, python_of, version_of
from benchmarks.cost.clients import OTLP, GrpcClient, HttpClient, Source
from benchmarks.cost.doors import BATCH, REQUESTS
from benchmarks.cost.measure import drive, median, parse_cost, resident_mb
from benchmarks.cost.plan import Plan, tell
from benchmarks.cost.records import COUNTRIES, Table, otlp_request
from e2e.collectors import PROGRAM, CollectorPorts, run_collector

PACKAGES: Final = ("whylogs", "evidently", "nannyml", "river")
SCRIPTS: Final = Path(__file__).parents[1] / "peers"
ROWS: Final = 10_000
NOTHING: Final = "nop"


@dataclass(frozen=True, slots=True)
class PeerCost:
    """What one record costs a peer: microseconds of processor, multiple of upb's parse, resident MB of its process."""

    name: str
    cost: float
    ratio: float
    memory: float


def measure_peers(plan: Plan) -> tuple[list[PeerCost], list[str]]:
    """Every peer that is installed, and what is said of those that are not, or of their versions."""
    yardstick = [otlp_request(Table.drawn(BATCH, seed)) for seed in range(REQUESTS)]
    costs: list[PeerCost] = []
    said: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / "baseline.npz", Path(name) / "records.npz"]
        for seed, file in enumerate(files):
            np.savez(file, **_columns(Table.drawn(ROWS, seed)))  # type: ignore[arg-type]  # no column has that name
        for peer in PACKAGES:
            if not python_of(peer).exists():
                said.append(f"{peer} is not installed: `.ci/setup-peers {peer}`")
                continue
            before = parse_cost(yardstick)
            told, memory = _ask(peer, files)
            parse = (before + parse_cost(yardstick)) / 2
            said.append(version_of(peer))
            for what, cost in told.items():
                costs.append(PeerCost(what, cost, cost / parse, memory))
                tell(f"{what}: {cost:.1f} us a record")
        if PROGRAM.exists():
            costs += _collector(Path(name), plan)
            said.append(_collector_version())
        else:
            said.append("the OpenTelemetry Collector is not built: `.ci/setup-collector`, which needs Go")
    return costs, said


def _columns(table: Table) -> dict[str, NDArray[np.generic]]:
    names = np.array(COUNTRIES)
    return {
        **{f"numeric_feature_{index}": column for index, column in enumerate(table.doubles.T)},
        **{f"integer_feature_{index}": column for index, column in enumerate(table.integers.T)},
        **{f"category_feature_{index}": names[column] for index, column in enumerate(table.codes.T)},
        "score": table.scores,
    }


def _ask(peer: str, files: list[Path]) -> tuple[dict[str, float], float]:
    command = [python_of(peer), SCRIPTS / f"cost_{peer}.py", *files]
    told = subprocess.run(command, env=os.environ | QUIET, stdout=subprocess.PIPE, check=True).stdout
    last = json.loads(told.decode().strip().splitlines()[-1])  # what the package itself prints stands before
    return last["costs"], last["memory"]


def _collector(folder: Path, plan: Plan) -> list[PeerCost]:
    """A Collector that receives OTLP and hands it to an exporter that does nothing."""
    requests = [otlp_request(Table.drawn(BATCH, seed)) for seed in range(REQUESTS)]
    ports = CollectorPorts.free()
    found = []
    with run_collector(folder, NOTHING, {}, ports=ports, processors=(), retries=False) as child:
        pid = child.process.pid
        for name, client in (
            ("OpenTelemetry Collector, OTLP/HTTP to nothing", HttpClient(ports.http, OTLP)),
            ("OpenTelemetry Collector, OTLP/gRPC to nothing", GrpcClient(ports.grpc)),
        ):
            source = Source(requests)
            drive(pid, client, source, seconds=plan.seconds / 2)
            costs, ratios = [], []
            for _ in range(plan.rounds):
                parse = parse_cost(requests)
                run = drive(pid, client, source, seconds=plan.seconds / 2)
                costs.append(run.cost)
                ratios.append(run.cost / parse)
            found.append(PeerCost(name, median(costs), median(ratios), resident_mb(pid)))
            client.close()
            tell(f"{name}: {median(costs):.2f} us a record")
    return found


def _collector_version() -> str:
    told = subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE, check=True).stdout
    return f"OpenTelemetry Collector {told.decode().split()[-1]}"
