"""Cost of a scrape: `python tests/benchmarks/bench_exposition.py [--json FILE]`.

Processor time for each series, in nanoseconds, of snapshots of few wide models and of many narrow ones. "first":
nothing is kept yet; "text" and "gzip": a new snapshot with another number in almost every line; "quarter": a quarter
of the models has other numbers, gzip; "quiet": a new snapshot, with the numbers of the last one, gzip; "again": a
second scrape of the same snapshot, gzip. "lines", "join" and "deflate" are what a "gzip" is made of. "kept" is the
memory that stays between scrapes, bytes for each series.

"holds" are milliseconds for which a thread that wakes up every millisecond was kept from doing so while another
renders without a pause (median, 99th percentile, most): those in which that other used a processor, so that what the
rest of the machine does is not among them (what it does without holding the interpreter is).
"""

import argparse
import json
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where `snapshots` is

from model_exporter.expose.packing import Packer
from model_exporter.expose.render import Renderer
from model_exporter.expose.series import SeriesWriter
from model_exporter.expose.text import Format
from model_exporter.telemetry import TelemetrySnapshot
from model_exporter.window.snapshot import Snapshot
from snapshots import large_snapshot, moved

REPEATS = 9
HOLD_SECONDS = 5.0
SIZES = ((1, 12), (2, 50), (21, 50), (150, 5))
"""Models and features of each: 1,000, 10,000 and 100,000 series of wide models, 100,000 of narrow ones."""
NOTHING = TelemetrySnapshot({}, {})
FORM = Format.OPENMETRICS
TICK_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Costs:
    """What scrapes of one size cost: nanoseconds a series, unless it says otherwise."""

    models: int
    features: int
    series: int
    text_bytes: int
    gzip_bytes: int
    first: float
    text: float
    gzip: float
    quarter: float
    quiet: float
    again: float
    lines: float
    join: float
    deflate: float
    kept: float  # bytes a series


def costs(models: int, features: int) -> Costs:
    """Measure snapshots of `models` with `features` each."""
    start = large_snapshot(models, features=features)
    renderer = Renderer()
    started = time.thread_time()
    text = renderer.render(start, NOTHING, FORM)
    first = time.thread_time() - started
    series = sum(not line.startswith(b"#") for line in text.splitlines())

    def plain(snapshot: Snapshot) -> None:
        renderer.render(snapshot, NOTHING, FORM)

    def packed(snapshot: Snapshot) -> None:
        renderer.render_gzip(snapshot, NOTHING, FORM)

    packed(start)
    quarter = median_seconds(packed, [moved(start, seed=seed, share=0.25) for seed in range(REPEATS)])
    busy = [moved(start, seed=REPEATS + seed) for seed in range(REPEATS)]
    seconds = {
        "first": first,
        "quarter": quarter,
        "text": median_seconds(plain, busy),
        "gzip": median_seconds(packed, busy),
        "quiet": median_seconds(packed, [replace(busy[-1], at=float(number)) for number in range(REPEATS)]),
        **parts(busy),
    }
    packed(busy[0])
    seconds["again"] = median_seconds(packed, [busy[0]] * REPEATS)
    return Costs(
        models,
        features,
        series,
        len(text),
        len(renderer.render_gzip(start, NOTHING, FORM)),
        kept=kept_bytes(start) / series,
        **{name: 1e9 * taken / series for name, taken in seconds.items()},
    )


def parts(busy: Iterable[Snapshot]) -> dict[str, float]:
    """Median processor seconds of the parts of a scrape: lines of all models, families in order, compression."""
    writer, packer = SeriesWriter(), Packer()
    taken: dict[str, list[float]] = {"lines": [], "join": [], "deflate": []}
    for snapshot in busy:
        marks = [time.thread_time()]
        lines = writer.write(snapshot)
        marks.append(time.thread_time())
        families = lines.families(FORM)
        marks.append(time.thread_time())
        packer.pack(families)
        marks.append(time.thread_time())
        for name, before, after in zip(taken, marks, marks[1:], strict=False):
            taken[name].append(after - before)
    return {name: median(seconds) for name, seconds in taken.items()}


def kept_bytes(snapshot: Snapshot) -> int:
    """Bytes that a renderer keeps after a scrape of `snapshot`."""
    tracemalloc.start()
    renderer = Renderer()
    renderer.render_gzip(snapshot, NOTHING, FORM)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept


def median_seconds(scrape: Callable[[Snapshot], None], snapshots: Iterable[Snapshot]) -> float:
    """Median processor seconds of `scrape`."""
    taken = []
    for snapshot in snapshots:
        started = time.thread_time()
        scrape(snapshot)
        taken.append(time.thread_time() - started)
    return median(taken)


@dataclass(frozen=True, slots=True)
class Holds:
    """Milliseconds for which a thread that wanted to run was kept waiting while another rendered."""

    p50: float
    p99: float
    most: float


def holds(models: int, features: int, *, seconds: float = HOLD_SECONDS) -> Holds:
    """Render snapshots in which everything changes without a pause, and see how long another thread waits."""
    start = large_snapshot(models, features=features)
    pictures = [moved(start, seed=seed) for seed in range(4)]
    renderer, stop = Renderer(), threading.Event()
    renderer.render_gzip(start, NOTHING, FORM)

    def render() -> None:
        number = 0
        while not stop.is_set():
            renderer.render_gzip(pictures[number % len(pictures)], NOTHING, FORM)
            number += 1

    worker = threading.Thread(target=render)
    worker.start()
    waits = []
    try:
        clock = time.pthread_getcpuclockid(worker.ident or 0)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            begun, used = time.perf_counter(), time.clock_gettime(clock)
            time.sleep(TICK_SECONDS)
            late = time.perf_counter() - begun - TICK_SECONDS
            waits.append(1e3 * max(0.0, min(late, time.clock_gettime(clock) - used)))
    finally:
        stop.set()
        worker.join()
    waits.sort()
    return Holds(waits[len(waits) // 2], waits[int(0.99 * len(waits))], waits[-1])


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    output = parser.parse_args().json
    names = ("first", "text", "gzip", "quarter", "quiet", "again", "lines", "join", "deflate", "kept")
    print(f"{'models':>7}{'series':>8}", *(f"{name:>8}" for name in names), f"{'gzip, ms':>9}  holds, ms")
    told = []
    for models, features in SIZES:
        cost, hold = costs(models, features), holds(models, features)
        figures = asdict(cost)
        print(
            f"{models:>7}{cost.series:>8}",
            *(f"{figures[name]:>8.0f}" for name in names),
            f"{cost.gzip * cost.series / 1e6:>9.1f}  {hold.p50:.1f} {hold.p99:.1f} {hold.most:.1f}",
            flush=True,
        )
        told.append(figures | {"holds_ms": asdict(hold)})
    if output:
        output.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
