"""What passing requests on costs the measuring: `python tests/benchmarks/bench_forward.py`.

Each line is an exporter with another target, in rounds that take turns: the least time in which a sender got its
replies, and the least processor time of the whole exporter process, per record, and both as a ratio to no forwarding at
all. Requests have 512 records of about 1 kB of OTLP, over HTTP.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where `e2e` is

from benchmarks.bench_ingest import http_sender, otlp_body
from e2e.exporters import Exporter, run_exporter
from model_exporter.demo.processes import HOST, free_port
from otlp_sinks import HANG, grpc_sink, http_sink

ROWS = 512
REQUESTS = 16
ROUNDS = 8
MODEL = "models: {bench: {learn: {rows: 2000, stable_for: 1s}}}\n"


@contextmanager
def targets() -> Iterator[dict[str, str]]:
    """What `forward` says, by the name of the line."""
    with http_sink() as http, grpc_sink() as rpc, http_sink() as slow:
        slow.always = HANG
        yield {
            "no forwarding": "",
            "OTLP/HTTP": f"endpoint: {http.endpoint}",
            "OTLP/HTTP, gzip": f"endpoint: {http.endpoint}, compression: gzip",
            "OTLP/gRPC": f"endpoint: {rpc.endpoint}",
            "nobody listens": f"endpoint: 'http://{HOST}:{free_port()}'",
            "hangs": f"endpoint: {slow.endpoint}",
        }


def measure(exporter: Exporter, bodies: list[bytes]) -> tuple[float, float]:
    """Microseconds a record, until the replies are there and of processor time until nothing is left to do."""
    send = http_sender(exporter, "/v1/logs", "application/x-protobuf")
    before = exporter.settled().total("process_cpu_seconds_total")
    began = time.perf_counter()
    for body in bodies:
        send(body)
    seconds = time.perf_counter() - began
    exporter.settled()
    time.sleep(1)  # what is passed on comes later than what is measured
    cost = exporter.page().total("process_cpu_seconds_total") - before
    records = ROWS * len(bodies)
    return seconds / records * 1e6, cost / records * 1e6


def main() -> None:
    """Print a table."""
    found: dict[str, list[tuple[float, float]]] = {}
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        lines = stack.enter_context(targets())
        exporters = {
            name: stack.enter_context(
                run_exporter(Path(folder) / str(place), f"{MODEL}forward: {{{line}}}\n" if line else MODEL)
            )
            for place, (name, line) in enumerate(lines.items())
        }
        for number in range(ROUNDS + 1):
            bodies = [otlp_body(ROWS, number * REQUESTS + request) for request in range(REQUESTS)]
            names = list(exporters)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                result = measure(exporters[name], bodies)
                if number:  # in the first round baselines are learned
                    found.setdefault(name, []).append(result)
    least = {name: [min(column) for column in zip(*pairs, strict=True)] for name, pairs in found.items()}
    base = least["no forwarding"]
    print(f"{'target':<18}{'reply us':>10}{'ratio':>8}{'cpu us':>10}{'ratio':>8}")
    for name, (reply, cost) in least.items():
        print(f"{name:<18}{reply:>10.2f}{reply / base[0]:>8.3f}{cost:>10.2f}{cost / base[1]:>8.3f}")


if __name__ == "__main__":
    main()
