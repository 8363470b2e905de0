"""What several exporters take that share the requests: `python tests/benchmarks/bench_several.py`.

One exporter, and then two, each on a processor of its own where there are two, get the same requests of 512 records of
OTLP over HTTP, as fast as they answer. "capacity" is what they could take if each had its processor for itself: records
a second of its own processor time, added up. "by the clock" is what they took, which says little where others run.
"""

import os
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where `e2e` is

from benchmarks.bench_ingest import CONFIG, http_sender, otlp_body
from e2e.exporters import Exporter, Page, run_exporter

ROWS = 512
REQUESTS = 16
WARM = 6
"""Requests of each exporter before it is measured: its baseline is learned from them."""


def pinned(stack: ExitStack, folder: Path, number: int) -> Exporter:
    """An exporter on processor `number`, if there are so many."""
    exporter = stack.enter_context(run_exporter(folder / str(number), CONFIG))
    processors = sorted(os.sched_getaffinity(0))
    for task in Path(f"/proc/{exporter.child.process.pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {processors[number % len(processors)]})
    return exporter


def taken(page: Page) -> tuple[float, float]:
    """Predictions counted, and processor seconds used."""
    return page.total("model_predictions_total"), page.total("process_cpu_seconds_total")


def measure(count: int, seed: int) -> tuple[float, float, float]:
    """Records a second by processor time and by the clock of `count` exporters, and the records they counted."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        exporters = [pinned(stack, Path(folder), number) for number in range(count)]
        each = REQUESTS // count
        bodies = [[otlp_body(ROWS, seed + 1000 * at + number) for number in range(WARM + each)] for at in range(count)]
        senders = [http_sender(exporter, "/v1/logs", "application/x-protobuf") for exporter in exporters]
        for send, mine in zip(senders, bodies, strict=True):
            for body in mine[:WARM]:
                send(body)
        for exporter in exporters:
            exporter.wait_for(lambda page: page.has("model_feature_bin_observations_total"), what="baselines")
        before = [taken(exporter.settled()) for exporter in exporters]
        began = time.monotonic()

        def drive(at: int) -> None:
            for body in bodies[at][WARM:]:
                senders[at](body)

        threads = [threading.Thread(target=drive, args=(at,)) for at in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = [taken(exporter.settled()) for exporter in exporters]
        seconds = time.monotonic() - began
        deltas = [(late[0] - early[0], late[1] - early[1]) for early, late in zip(before, after, strict=True)]
        records = sum(delta[0] for delta in deltas)
        return sum(delta[0] / delta[1] for delta in deltas), records / seconds, records


def main() -> None:
    """Print a line for each number of exporters, taken in turns."""
    print(f"{'exporters':>9}{'capacity':>12}{'by the clock':>14}{'records':>10}")
    lines: dict[int, list[tuple[float, float, float]]] = {1: [], 2: []}
    for turn in range(3):
        for count, seen in lines.items():
            seen.append(measure(count, seed=100_000 * (2 * turn + count)))
    for count, seen in lines.items():
        capacity, clock, records = (sorted(column)[len(column) // 2] for column in zip(*seen, strict=True))
        print(f"{count:>9}{capacity:>10.0f}/s{clock:>12.0f}/s{records:>10.0f}")


if __name__ == "__main__":
    main()
