"""A service that logs with `model_exporter.client` what it is told to on standard input; replies are lines of JSON.

python send.py ENDPOINT [PROTOCOL]

log COUNT [FIRST]     predictions with ids from FIRST on; replies with the slowest call in seconds
types                 rows with every type of value, outcomes for all of them, an event
outcomes COUNT        outcomes of the predictions from 0 on
fork CHILDREN COUNT   so many processes by os.fork and by multiprocessing, which log COUNT predictions each
flush SECONDS         replies whether all was sent
close SECONDS
stats
modules               the top-level packages that are loaded
exit                  ends the process, with what still waits
"""

import dataclasses
import datetime as dt
import decimal
import enum
import json
import multiprocessing
import os
import sys
import time
import uuid
from typing import TYPE_CHECKING

from model_exporter.client import Client, Model

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "fraud"
_client = Client(sys.argv[1], protocol=sys.argv[2] if len(sys.argv) > 2 else None, service="api", timeout_seconds=1)
_model = Model(NAME, version="1.4.2", client=_client)


class Channel(enum.Enum):
    """A category that is no text."""

    WEB = "web"
    SHOP = "shop"


def log(count: int, first: int = 0) -> float:
    """Log predictions; the slowest call in seconds."""
    slowest = 0.0
    for number in range(first, first + count):
        started = time.perf_counter()
        features = {"amount": number / 7, "country": ("DE", "FR")[number % 2]}
        _model.log(features, prediction=("no", "yes")[number % 2], score=number % 10 / 10, id=number, latency=0.01)
        slowest = max(slowest, time.perf_counter() - started)
        if number % 200 == 0:
            time.sleep(0.001)
    return slowest


def types() -> int:
    """Log every type of value, outcomes, an event; how many predictions."""
    rows = 300
    for number in range(rows):
        with _model.prediction(id=uuid.UUID(int=number), segments={"channel": Channel.WEB}) as p:
            p.features = {
                "float": number / 3,
                "int": number % 40,
                "huge": 10**25,
                "decimal": decimal.Decimal("1.25"),
                "bool": number % 2 == 0,
                "text": ("a", "b", "c")[number % 3],
                "enum": (Channel.WEB, Channel.SHOP)[number % 2],
                "when": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
                "sometimes": None if number % 2 else 1.5,
                "hole": float("nan") if number % 2 else 2.5,
                "nested": {"inner": number, "deeper": {"x": "y"}},
                "object": object(),
            }
            p.prediction = ("no", "yes")[number % 2]
            p.score = number % 10 / 10
    for number in range(rows):
        _model.outcome(uuid.UUID(int=number), "yes" if number % 2 else "no", loss=2.0)
    _model.event("deployment", source="argo")
    return rows


def fork(children: int, count: int) -> int:
    """How many predictions the children log."""
    for child in range(children):
        first = (child + 1) * 1_000_000
        pid = os.fork()
        if pid == 0:
            log(count, first)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        process = multiprocessing.get_context("fork").Process(target=log, args=(count, first + 500_000))
        process.start()
        process.join()
        assert process.exitcode == 0
    return 2 * children * count


def outcomes(count: int) -> int:
    """Log the outcomes of the first predictions."""
    for number in range(count):
        _model.outcome(number, "yes")
    return count


def do(command: str, numbers: list[float]) -> object:
    """Do what is asked; the reply."""
    if command == "flush":
        return _client.flush(*numbers)
    if command == "close":
        return _client.close(*numbers)  # type: ignore[func-returns-value]  # null is the reply
    if command == "stats":
        return dataclasses.asdict(_client.stats)
    if command == "modules":
        return sorted({name.partition(".")[0] for name in sys.modules})
    acts: dict[str, Callable[..., object]] = {"log": log, "types": types, "outcomes": outcomes, "fork": fork}
    return acts[command](*map(int, numbers))


def main() -> None:
    """Do what each line says, until there is none, or `exit`."""
    for line in sys.stdin:
        command, *words = line.split()
        if command == "exit":
            return
        sys.stdout.write(json.dumps(do(command, [float(word) for word in words])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
