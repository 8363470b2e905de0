"""CPU cost of decoding, in microseconds a record and as a multiple of what the protobuf library takes to parse.

OTLP in protobuf is decoded twice: in Python, and with the compiled scanner, if it is built.

A record is a prediction log of 20 numeric features (12 double, 8 int), 4 categorical ones, score, class, id, model
name and version. Run it as `python tests/benchmarks/bench_decode.py`; PYTHONPATH must contain `tests`. Both numbers of
a ratio are the best of many short, alternating runs, so that a busy machine disturbs them alike.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from functools import partial

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.ports import Encoding, Payload, Signal
from otlp_messages import T0_NS, log_record, logs_request, otlp_json, payload

BATCHES = (1, 8, 64, 512, 2048)
SECONDS = 3.0
"""CPU time spent on each line of the report."""


def features(rng: random.Random) -> dict[str, object]:
    """The inputs of one record."""
    numeric: dict[str, object] = {f"numeric_feature_{index}": rng.gauss(0, 1) for index in range(12)}
    whole: dict[str, object] = {f"integer_feature_{index}": rng.randrange(1000) for index in range(8)}
    return numeric | whole | {f"category_feature_{index}": rng.choice(["red", "green", "blue"]) for index in range(4)}


def attributes(rng: random.Random, *, flat: bool) -> Mapping[str, object]:
    """All attributes of one record."""
    inputs = features(rng)
    return {
        "model.name": "fraud",
        "model.version": "1.4.2",
        "prediction.id": f"{rng.getrandbits(128):032x}",
        **({f"feature.{name}": value for name, value in inputs.items()} if flat else {"features": inputs}),
        "score": rng.random(),
        "prediction": rng.choice(["approve", "reject"]),
    }


def request(rows: int, *, flat: bool) -> ExportLogsServiceRequest:
    """One request of `rows` records."""
    rng = random.Random(rows)  # noqa: S311  # no secret
    records = (
        log_record(attributes(rng, flat=flat), event_name="model.prediction", time_ns=T0_NS + row)
        for row in range(rows)
    )
    return logs_request(*records, resource={"service.name": "scoring"})


def json_lines(rows: int) -> bytes:
    """The same records for `/v1/predictions`."""
    rng = random.Random(rows)  # noqa: S311  # no secret
    return b"\n".join(json.dumps(attributes(rng, flat=False)).encode() for _ in range(rows))


def best(*jobs: Callable[[], object]) -> list[float]:
    """CPU seconds of each job at its best, run in turns."""
    found = [float("inf")] * len(jobs)
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        for index, job in enumerate(jobs):
            started = time.process_time()
            job()
            found[index] = min(found[index], time.process_time() - started)
    return found


def report(name: str, rows: int, parse: Callable[[], object], body: Payload) -> None:
    """One line: what decoding costs in Python and with compiled code, beside parsing the same records as protobuf."""
    decoders = [Decoder(Limits(), compiled=compiled) for compiled in (False, True)]
    assert all(decoder.decode(body).accepted == rows for decoder in decoders)
    jobs: list[Callable[[], object]] = [parse, *(partial(decoder.decode, body) for decoder in decoders)]
    parsing, python, compiled = (seconds / rows * 1e6 for seconds in best(*jobs))
    print(
        f"{name:28} {rows:5} {len(body.body) / rows:8.0f} {parsing:8.2f} {python:8.2f} {compiled:9.2f}"
        f" {python / parsing:7.1f} {compiled / parsing:9.2f}"
    )


def main() -> None:
    """Print the report."""
    print(f"{'input':28} {'batch':>5} {'bytes':>8} {'parse':>8} {'python':>8} {'compiled':>9} {'ratios':>17}   (us)")
    for rows in BATCHES:
        for name, flat in (("protobuf, feature.<name>", True), ("protobuf, features map", False)):
            message = request(rows, flat=flat)
            raw = message.SerializeToString()
            body = payload(Signal.LOGS, Encoding.PROTOBUF, raw)
            report(name, rows, partial(ExportLogsServiceRequest.FromString, raw), body)
    rows = 512
    message = request(rows, flat=False)
    raw = message.SerializeToString()
    for name, body in (
        ("OTLP/JSON, features map", payload(Signal.LOGS, Encoding.JSON, otlp_json(message))),
        ("JSON lines", payload(Signal.PREDICTIONS, Encoding.JSON_LINES, json_lines(rows))),
    ):
        report(name, rows, partial(ExportLogsServiceRequest.FromString, raw), body)


if __name__ == "__main__":
    main()
