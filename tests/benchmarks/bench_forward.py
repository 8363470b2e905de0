"""What passing requests on costs the measuring: `python tests/benchmarks/bench_forward.py`.

Each line is an exporter with another target, in rounds that take turns: the median time until the reply to a request,
and the least processor time of a round of the whole exporter process, per record, and both as a ratio to no forwarding
at all. Requests have 512 records of about 1 kB of OTLP, over HTTP.
"""

import statistics
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


def measure(exporter: Exporter, bodies: list[bytes]) -> tuple[list[float], float]:
    """Microseconds a record: until the reply of each request, and of processor time until nothing is left to do."""
    send = http_sender(exporter, "/v1/logs", "application/x-protobuf")
    before = exporter.settled().total("process_cpu_seconds_total")
    replies = []
    for body in bodies:
        began = time.perf_counter()
        send(body)
        replies.append((time.perf_counter() - began) / ROWS * 1e6)
    exporter.settled()
    time.sleep(1)  # what is passed on comes later than what is measured
    cost = exporter.page().total("process_cpu_seconds_total") - before
    return replies, cost / (ROWS * len(bodies)) * 1e6


def main() -> None:
    """Print a table."""
    replies: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        lines = stack.enter_context(targets())
        exporters = {
            name: stack.enter_context(
                run_exporter(Path(folder) / str(place), f"{MODEL}forward: {{{line}}}\n" if line else MODEL)
            )
            for place, (name, line) in enumerate(lines.items())
        }
        names = list(exporters)
        for number in range(ROUNDS + 1):
            bodies = [otlp_body(ROWS, number * REQUESTS + request) for request in range(REQUESTS)]
            for name in names[number % len(names) :] + names[: number % len(names)]:
                times, cost = measure(exporters[name], bodies)
                if number:  # in the first round baselines are learned
                    replies.setdefault(name, []).extend(times)
                    costs.setdefault(name, []).append(cost)
    reply, cost = statistics.median(replies[names[0]]), min(costs[names[0]])
    print(f"{'target':<18}{'reply us':>10}{'ratio':>8}{'cpu us':>10}{'ratio':>8}")
    for name in names:
        took, used = statistics.median(replies[name]), min(costs[name])
        print(f"{name:<18}{took:>10.2f}{took / reply:>8.3f}{used:>10.2f}{used / cost:>8.3f}")


if __name__ == "__main__":
    main()
