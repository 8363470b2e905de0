"""What `model_exporter.client` costs a request, with the exporter up, down, or taking connections and never answering.

Run it as `python tests/benchmarks/bench_client.py`; PYTHONPATH must contain `tests`. Each state has a process of its
own, which logs `CALLS` predictions of 8 features, a class and a score, with a pause of a millisecond between calls, as
a service at a thousand requests a second would; then as fast as it can. Time by the clock, in microseconds.
"""

import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from e2e.exporters import run_exporter
from model_exporter.client import Client, Model
from model_exporter.demo.processes import HOST, free_port

CALLS = 5000
FEATURES = {f"f{index}": index / 3 for index in range(6)} | {"country": "DE", "member": True}


def calls(endpoint: str, pause: float) -> list[float]:
    """Microseconds of each call."""
    client = Client(endpoint)
    model = Model("fraud", version="1.4.2", client=client)
    model.log(FEATURES)  # opens the queue, once a process
    took = []
    for _ in range(CALLS):
        started = time.perf_counter()
        model.log(FEATURES, prediction="genuine", score=0.03)
        took.append((time.perf_counter() - started) * 1e6)
        if pause:
            time.sleep(pause)
    client.close(0.5)
    return took


def first_call(endpoint: str) -> float:
    """Microseconds of the call that opens the queue."""
    client = Client(endpoint)
    started = time.perf_counter()
    Model("fraud", client=client).log(FEATURES)
    took = (time.perf_counter() - started) * 1e6
    client.close(0.5)
    return took


def processor_time(act: Callable[[], object]) -> float:
    """Seconds of this thread."""
    started = time.thread_time()
    act()
    return time.thread_time() - started


def report(state: str, endpoint: str) -> None:
    """Print the row of one state; run in a process of its own."""
    first = first_call(endpoint)
    cells = []
    for pause in (0.001, 0.0):
        took = calls(endpoint, pause)
        cuts = statistics.quantiles(took, n=1000)
        cells += [f"{cuts[499]:.0f}", f"{cuts[989]:.0f}", f"{max(took):.0f}"]
    own = processor_time(lambda: calls(endpoint, 0.0)) / CALLS * 1e6
    print(f"| {state} | {first:.0f} | {' | '.join(cells)} | {own:.0f} |", flush=True)


def main() -> None:
    """Print the table."""
    print("| exporter | first call | p50 | p99 | longest | p50, no pause | p99 | longest | processor time |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder, run_exporter(Path(folder)) as exporter:
        measure("up", exporter.endpoint)
    measure("down", f"http://{HOST}:{free_port()}")
    with socket.create_server((HOST, 0), backlog=16) as hole:
        measure("never answers", f"http://{HOST}:{hole.getsockname()[1]}")


def measure(state: str, endpoint: str) -> None:
    """One row."""
    subprocess.run([sys.executable, __file__, state, endpoint], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        report(*sys.argv[1:])
    else:
        main()
