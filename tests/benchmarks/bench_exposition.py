"""Cost of a scrape, as processor time for each series: `python tests/benchmarks/bench_exposition.py`.

"first": nothing is kept yet; "text" and "and gzip": a new snapshot in which every number may have changed;
"quiet": a new snapshot in which none has; "again": a second scrape of the same snapshot.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where `snapshots` is

from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format
from model_exporter.telemetry import TelemetrySnapshot
from model_exporter.window.snapshot import Snapshot
from snapshots import large_snapshot

REPEATS = 15
NOTHING = TelemetrySnapshot({}, {})


def median_seconds(prepare: Callable[[], Snapshot], scrape: Callable[[Snapshot], bytes]) -> float:
    """Median processor seconds of `scrape` on what `prepare` makes."""
    taken = []
    for _ in range(REPEATS):
        snapshot = prepare()
        started = time.process_time()
        scrape(snapshot)
        taken.append(time.process_time() - started)
    return sorted(taken)[REPEATS // 2]


def report(models: int, features: int) -> None:
    """Print a line about snapshots of `models` with `features` each."""
    snapshot = large_snapshot(models, features=features)
    renderer = Renderer()
    started = time.process_time()
    first = renderer.render(snapshot, NOTHING, Format.TEXT)
    cold = time.process_time() - started
    series = sum(not line.startswith(b"#") for line in first.splitlines())
    renderer.render_gzip(snapshot, NOTHING, Format.TEXT)

    def idle() -> Snapshot:
        return replace(snapshot, at=snapshot.at + 1)

    def busy() -> Snapshot:
        models = (replace(m, versions=tuple(replace(v) for v in m.versions)) for m in snapshot.models)
        return replace(snapshot, models=tuple(models))

    plain = median_seconds(busy, lambda s: renderer.render(s, NOTHING, Format.TEXT))
    packed = median_seconds(busy, lambda s: renderer.render_gzip(s, NOTHING, Format.OPENMETRICS))
    quiet = median_seconds(idle, lambda s: renderer.render(s, NOTHING, Format.TEXT))
    again = median_seconds(lambda: snapshot, lambda s: renderer.render(s, NOTHING, Format.TEXT))
    figures = (cold, plain, packed, quiet, again)
    print(f"{series:>8}", *(f"{1e9 * figure / series:>10.0f}" for figure in figures), f"{1e3 * packed:>12.1f}")


def main() -> None:
    """Print the report."""
    print("ns a series, processor time, median of", REPEATS)
    print(f"{'series':>8} {'first':>10} {'text':>10} {'and gzip':>10} {'quiet':>10} {'again':>10} {'gzip, ms':>12}")
    for models, features in ((1, 20), (4, 50), (40, 50)):
        report(models, features)


if __name__ == "__main__":
    main()
