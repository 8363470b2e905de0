"""Others who keep an exporter's queue full."""

import json
import threading
from collections.abc import Callable

from e2e.exporters import Exporter, post

CONFIG = "limits: {queue_rows: 1}\n"
"""A queue that has room for one request at a time."""
THREADS = 3
RECORDS = 400
MOST_ACTS = 500


def flood(exporter: Exporter, door: str, act: Callable[[int], object]) -> int:
    """Post predictions of another model from all sides, and `act` until `door` has turned a request away.

    Returns how often it did; `act` is told how often before.
    """
    records = [{"model": "noise", "features": {f"f{index}": index for index in range(40)}} for _ in range(RECORDS)]
    body = "\n".join(map(json.dumps, records)).encode()
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            post(exporter.ports.http, "/v1/predictions", body, "application/x-ndjson")

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        for acts in range(MOST_ACTS):
            act(acts)
            if exporter.page().total("model_exporter_requests_total", door=door, outcome="overloaded"):
                return acts + 1
        raise AssertionError(f"{door} turned nothing away")
    finally:
        over.set()
        for thread in threads:
            thread.join()
