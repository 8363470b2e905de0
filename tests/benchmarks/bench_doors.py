"""What the doors cost, how soon they answer, and what they do with too much: `python tests/benchmarks/bench_doors.py`.

Three parts, each a function that others may call, and all of them as JSON with `--json`:

- `costs`: processor time of the whole exporter for a request, by door, records in it, and clients that send at once;
- `acknowledgements`: percentiles of the wait for a reply at a steady rate of one client, while the exporter is scraped
  each second and slots close every fifteen;
- `overload`: requests taken and refused, waits, memory and the way back, when clients send all they can.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where `e2e` is

from benchmarks.bench_ingest import CONFIG, MIB, features
from e2e.exporters import Exporter, Page, run_exporter
from e2e.pressure import Open, Pressed, over_grpc, over_http, press
from otlp_messages import log_record, logs_request

PROTOBUF = "application/x-protobuf"
COST_ROUNDS = 3
COST_REQUESTS = {1: 600, 64: 120, 512: 30}
CLIENTS = (1, 16)
RECORDS_A_SECOND = 2_000
LEAST_SECONDS = 0.01
"""Between two requests of a steady rate; a client in Python cannot do with much less."""
SCRAPE_SECONDS = 1.0
OVERLOAD_CONFIG = CONFIG + "limits: {queue_rows: 4000}\n"
OVERLOAD_CLIENTS = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of processor time a request; the median of some rounds."""

    door: str
    records: int
    clients: int
    microseconds: float


@dataclass(frozen=True, slots=True)
class Acknowledgements:
    """Waits for replies in milliseconds, of `requests` requests of `records` records."""

    door: str
    records: int
    requests: int
    p50: float
    p99: float
    p999: float
    most: float


@dataclass(frozen=True, slots=True)
class Overload:
    """What became of requests of 512 records that came as fast as their clients could send.

    `lost` records were taken and never counted; `recovery_ms` is how long the next request waited after the last one.
    """

    door: str
    taken: int
    refused: int
    without_hint: int
    lost: int
    p50_ms: float
    p99_ms: float
    most_ms: float
    grown_mib: float
    recovery_ms: float


def body(rows: int) -> bytes:
    """An OTLP request of `rows` records with their features as attributes, and no ids, so that repeats count."""
    fixed = {"model.name": "bench", "model.version": "1", "prediction": "yes", "score": 0.25}
    records = [
        log_record(fixed | {f"feature.{name}": value for name, value in values.items()}, event_name="model.prediction")
        for values in features(rows, seed=rows)
    ]
    return logs_request(*records, resource={"service.name": "bench"}).SerializeToString()


def doors(exporter: Exporter, sent: bytes) -> dict[str, Open]:
    """Clients of each door that send the same again and again."""
    return {
        "OTLP/HTTP": over_http(exporter, "/v1/logs", PROTOBUF, sent),
        "OTLP/gRPC": over_grpc(exporter, sent),
    }


def costs(exporter: Exporter) -> list[Cost]:
    """What a request costs, of each size from few clients and many."""
    found = []
    for rows, requests in COST_REQUESTS.items():
        for door, connect in doors(exporter, body(rows)).items():
            for clients in CLIENTS:
                rounds = sorted(_cost(exporter, connect, clients, requests) for _ in range(COST_ROUNDS))
                found.append(Cost(door, rows, clients, round(rounds[COST_ROUNDS // 2] * 1e6, 1)))
    return found


def _cost(exporter: Exporter, connect: Open, clients: int, requests: int) -> float:
    """Processor seconds a request, the writer's work for it included, of about so many requests."""
    idle = _cpu_seconds(exporter)
    before = _cpu_seconds(exporter)
    pressed = press(connect, clients=clients, until=lambda so_far: so_far.taken >= requests)
    after = _cpu_seconds(exporter)
    return (after - before - (before - idle)) / pressed.taken  # looking costs, too


def _cpu_seconds(exporter: Exporter) -> float:
    return exporter.settled().total("process_cpu_seconds_total")


def acknowledgements(exporter: Exporter, seconds: float, sizes: Sequence[int] = (1, 512)) -> list[Acknowledgements]:
    """How soon requests of `sizes` records are answered, for `seconds` over each door, at most `RECORDS_A_SECOND`."""
    found = []
    for rows in sizes:
        for door, connect in doors(exporter, body(rows)).items():
            waits = _while_scraped(exporter, partial(_steady, connect, rows, seconds))
            p50, p99, p999, most = _milliseconds(Pressed(seconds=waits), 0.5, 0.99, 0.999, 1.0)
            found.append(Acknowledgements(door, rows, len(waits), p50, p99, p999, most))
    return found


def _milliseconds(pressed: Pressed, *shares: float) -> tuple[float, ...]:
    return tuple(round(pressed.percentile(share) * 1e3, 2) for share in shares)


def _steady(connect: Open, rows: int, seconds: float) -> list[float]:
    """Waits of requests that are due at even times, counted from when they were due: a late one makes others late."""
    send, waits = connect(), []
    every = max(rows / RECORDS_A_SECOND, LEAST_SECONDS)
    due = began = time.perf_counter()
    while due < began + seconds:
        time.sleep(max(0.0, due - time.perf_counter()))
        send()
        waits.append(time.perf_counter() - due)
        due += every
    return waits


def _while_scraped(exporter: Exporter, work: Callable[[], list[float]]) -> list[float]:
    over = threading.Event()

    def scrape() -> None:
        while not over.wait(SCRAPE_SECONDS):
            exporter.page()

    scraper = threading.Thread(target=scrape)
    scraper.start()
    try:
        return work()
    finally:
        over.set()
        scraper.join()


def overload(exporter: Exporter, seconds: float) -> list[Overload]:
    """What each door does for `seconds` with more than the exporter can take."""
    sent = body(512)
    found = []
    for door, connect in doors(exporter, sent).items():
        send = connect()
        send()
        before = exporter.settled()
        pressed = press(connect, clients=OVERLOAD_CLIENTS, until=lambda _: False, most_seconds=seconds)
        p50, p99, most = _milliseconds(pressed, 0.5, 0.99, 1.0)
        left = time.perf_counter()
        while not send().taken:
            time.sleep(0.001)
        recovery = time.perf_counter() - left
        after = exporter.settled()
        counted = _counted(after) - _counted(before)
        grown = after.total("process_resident_memory_bytes") - before.total("process_resident_memory_bytes")
        found.append(
            Overload(
                door,
                pressed.taken,
                pressed.refused,
                pressed.silent,
                int((pressed.taken + 1) * 512 - counted),
                p50,
                p99,
                most,
                round(grown / MIB, 1),
                round(recovery * 1e3, 1),
            )
        )
    return found


def _counted(page: Page) -> float:
    return page.total("model_predictions_total") if page.has("model_predictions_total") else 0.0


def main() -> None:
    """Measure all three, and print or write them."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--json", type=Path, help="write the figures to this file")
    options.add_argument("--seconds", type=float, default=20.0, help="how long each rate is held")
    chosen = options.parse_args()
    figures: dict[str, list[Cost] | list[Acknowledgements] | list[Overload]] = {}
    with tempfile.TemporaryDirectory() as folder, run_exporter(Path(folder), CONFIG) as exporter:
        figures["costs"] = costs(exporter)
        figures["acknowledgements"] = acknowledgements(exporter, chosen.seconds)
    with tempfile.TemporaryDirectory() as folder, run_exporter(Path(folder), OVERLOAD_CONFIG) as exporter:
        figures["overload"] = overload(exporter, chosen.seconds / 2)
    rows = {part: [asdict(figure) for figure in found] for part, found in figures.items()}
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    for part, found in rows.items():
        print(part)
        for row in found:
            print("  " + "  ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
