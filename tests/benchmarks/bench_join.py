"""What it costs to have predictions wait for their outcomes, and to join the two.

    PYTHONPATH=tests .venv/bin/python tests/benchmarks/bench_join.py [--rows N] [--folder FOLDER] [--replies|--servers]

Predictions with ids of 27 characters and 35 bytes of facts are stored by 4096, as the writer stores them; then outcomes
are told, at random and in the order of the predictions, by 4096 and one by one. JOIN.md holds the figures for ten
million rows.
"""

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from e2e.exporters import Exporter, run_exporter
from model_exporter.batch import Awaited, Facts, Outcome
from model_exporter.join import JoinStore, SqliteStore, StoreLimits
from model_exporter.join.postgresql_database import PostgresqlDatabase
from model_exporter.join.redis_database import RedisDatabase
from model_exporter.join.shared import Database, SharedStore
from servers import postgresql_server, redis_server

BATCH = 4096
MODEL = "fraud"
T0 = 1_700_000_000.0
MIB = 2**20
FACTS = Facts(predicted="fraud", score=0.731, groups=("DE", "under 30"), fields=(129.5,)).encode()


class Stopwatch:
    """Wall time and processor time of this thread, in seconds, of what runs within it."""

    def __init__(self) -> None:
        self.wall = 0.0
        self.cpu = 0.0
        self.longest = 0.0

    def __enter__(self) -> None:
        self._begun = time.perf_counter(), time.thread_time()

    def __exit__(self, *_: object) -> None:
        wall = time.perf_counter() - self._begun[0]
        self.wall += wall
        self.cpu += time.thread_time() - self._begun[1]
        self.longest = max(self.longest, wall)

    def tell(self, what: str, rows: int) -> None:
        """Print what a row cost."""
        print(
            f"{what}: {rows:,} rows, {1e6 * self.cpu / rows:.1f} us of processor time a row,"
            f" {1e6 * self.wall / rows:.1f} us by the clock ({rows / self.wall:,.0f} a second),"
            f" the longest call {1e3 * self.longest:.0f} ms"
        )


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def name(number: int) -> str:
    """Id of a prediction."""
    return f"7c1d9a52-{number:09d}-8f3e21a"


def predictions(rows: int) -> Iterator[list[Awaited]]:
    """That many, by batches."""
    for first in range(0, rows, BATCH):
        numbers = range(first, min(rows, first + BATCH))
        yield [Awaited(name(number), T0 + number / 1000, "1.4.2", FACTS) for number in numbers]


def tell(store: JoinStore, numbers: list[int], batch: int, what: str, now: float) -> None:
    """Tell the outcomes of predictions, and print what it cost."""
    watch, joined = Stopwatch(), 0
    for first in range(0, len(numbers), batch):
        told = [(MODEL, Outcome(MODEL, name(n), now, "fraud")) for n in numbers[first : first + batch]]
        with watch:
            joined += len(store.tell(told, now))
    watch.tell(f"join {what}", len(numbers))
    if joined != len(numbers):
        raise SystemExit(f"only {joined} of {len(numbers)} were joined")


def measure(rows: int, folder: Path) -> None:
    """Fill a store and print what it takes."""
    limits = StoreLimits(predictions=2 * rows, size=1 << 50, outcomes=rows)
    empty = resident()
    print(f"load of the machine {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    with SqliteStore(folder / "join.db", limits) as store:
        watch = Stopwatch()
        for index, batch in enumerate(predictions(rows)):
            with watch:
                store.wait_for(MODEL, batch, T0 + index)
        now = T0 + rows / BATCH
        watch.tell("store", rows)
        disk = sum(file.stat().st_size for file in folder.iterdir())
        print(
            f"waiting {store.pending(MODEL):,}: memory {(resident() - empty) / MIB:.0f} MiB more than before,"
            f" {resident() / MIB:.0f} MiB in all; disk {disk / MIB:,.0f} MiB, {disk / rows:.0f} bytes a row"
        )
        count = min(rows // 20, 100_000)
        rng = np.random.default_rng(20_261_125)
        shuffled = rng.choice(rows // 2, count + 1000, replace=False).tolist()
        tell(store, list(range(rows // 2, rows // 2 + count)), BATCH, "in the order of the predictions, by 4096", now)
        tell(store, shuffled[:count], BATCH, "at random, by 4096", now)
        tell(store, shuffled[count:], 1, "at random, one by one", now)
        print(f"after the joins: memory {resident() / MIB:.0f} MiB in all")
    watch = Stopwatch()
    with watch, SqliteStore(folder / "join.db", limits) as store:
        waiting = store.pending(MODEL)
    print(f"restart with {waiting:,} waiting: {watch.wall:.2f} s by the clock, {watch.cpu:.2f} s of processor time")
    print(f"load of the machine {os.getloadavg()[0]:.1f}")


def measure_servers(rows: int) -> None:
    """The same for a tenth of the rows in a Redis and a PostgreSQL on this machine."""
    limits = StoreLimits(predictions=2 * rows, size=1 << 50, outcomes=rows)
    with redis_server() as redis, postgresql_server() as postgresql:
        databases: dict[str, Database] = {"Redis": RedisDatabase(redis), "PostgreSQL": PostgresqlDatabase(postgresql)}
        for server, database in databases.items():
            with SharedStore(database, limits) as store:
                store.expire(T0, {})
                watch, before = Stopwatch(), database.size()
                for index, batch in enumerate(predictions(rows // 10)):
                    with watch:
                        store.wait_for(MODEL, batch, T0 + index)
                watch.tell(f"{server}: store", rows // 10)
                print(f"{server}: {10 * (database.size() - before) / rows:.0f} bytes a row")
                tell(store, list(range(rows // 20)), BATCH, f"in {server}, by 4096", T0)


def measure_replies(folder: Path) -> None:
    """What senders wait for a reply: to predictions, which wait in the queue, and to outcomes, which are on disk."""
    records: dict[str, dict[str, object]] = {
        "/v1/predictions": {"model": MODEL, "features": {"x": 1.0}},
        "/v1/outcomes": {"model": MODEL, "outcome": "fraud"},
    }
    with run_exporter(folder) as exporter:
        for path, record in records.items():
            for senders in (1, 8):
                send = partial(send_some, exporter, path, record)
                with ThreadPoolExecutor(senders) as pool:
                    begun = time.perf_counter()
                    delays = sorted(delay for part in pool.map(send, range(senders)) for delay in part)
                    elapsed = time.perf_counter() - begun
                middle, late = (1e3 * delays[int(part * len(delays))] for part in (0.5, 0.99))
                rate = len(delays) / elapsed
                print(f"{path}, {senders} senders: median {middle:.1f} ms, 99 % {late:.1f} ms, {rate:,.0f} a second")


def send_some(exporter: Exporter, path: str, record: dict[str, object], sender: int) -> list[float]:
    """Post one record at a time; seconds until each reply."""
    delays = []
    for number in range(150):
        begun = time.perf_counter()
        status, _ = exporter.post(path, [record | {"id": f"{sender}-{number}"}], lines=True)
        delays.append(time.perf_counter() - begun)
        if status != HTTPStatus.OK:
            raise SystemExit(f"{path} answered {status}")
    return delays


def main() -> None:
    """Measure in a temporary folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--replies", action="store_true", help="measure what senders wait for instead")
    parser.add_argument("--servers", action="store_true", help="measure Redis and PostgreSQL instead")
    options = parser.parse_args()
    with TemporaryDirectory(dir=options.folder) as folder:
        if options.replies:
            measure_replies(Path(folder))
        elif options.servers:
            measure_servers(options.rows)
        else:
            measure(options.rows, Path(folder))


if __name__ == "__main__":
    main()
