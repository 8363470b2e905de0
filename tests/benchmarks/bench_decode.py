"""CPU cost of decoding, in microseconds a record and as a multiple of what the protobuf library takes to parse.

OTLP in protobuf is decoded twice: in Python, and with the compiled scanners, if they are built. Spans are as the HTTP
instrumentations send them, of one kind a request; those of language models are left to Python by both.

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
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.ports import Encoding, Payload, Signal
from otlp_messages import T0_NS, key_values, log_record, logs_request, otlp_json, payload, traces_request

BATCHES = (1, 8, 64, 512, 2048)
SPAN_BATCHES = (1, 64, 512)
SPANS: Mapping[str, tuple[int, Mapping[str, object]]] = {
    "spans, requests": (
        2,
        {
            "http.request.method": "POST",
            "url.scheme": "http",
            "url.path": "/v2/models/fraud/infer",
            "network.protocol.version": "1.1",
            "server.address": "scoring",
            "server.port": 8080,
            "user_agent.original": "python-requests/2.32",
            "http.route": "/v2/models/{model}/infer",
            "http.response.status_code": 200,
        },
    ),
    "spans, calls to upstreams": (
        3,
        {
            "http.request.method": "GET",
            "url.full": "http://features:8080/v1/customers/{number}?fields=all",
            "server.address": "features",
            "server.port": 8080,
            "network.protocol.version": "1.1",
            "http.response.status_code": 200,
        },
    ),
    "spans, health checks": (
        2,
        {"http.request.method": "GET", "url.scheme": "http", "url.path": "/healthz", "http.response.status_code": 200},
    ),
    "spans, within a service": (1, {"code.function.name": "prepare", "thread.id": 7, "rows": 1, "cache": "miss"}),
    "spans, language models": (
        3,
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "large",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.response.finish_reasons": ["stop"],
        },
    ),
}
"""Kind and attributes of what senders of traces send."""
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


def span_request(rows: int, kind: int, told: Mapping[str, object]) -> ExportTraceServiceRequest:
    """One request of `rows` spans of a kind."""
    rng = random.Random(rows)  # noqa: S311  # no secret
    spans = (
        Span(
            kind=kind,  # type: ignore[arg-type]  # the number
            name="span",
            trace_id=rng.randbytes(16),
            span_id=rng.randbytes(8),
            parent_span_id=rng.randbytes(8),
            start_time_unix_nano=T0_NS + number,
            end_time_unix_nano=T0_NS + number + rng.randrange(10**8),
            attributes=key_values(
                {
                    key: value.format(number=number, model="{model}") if isinstance(value, str) else value
                    for key, value in told.items()
                }
            ),
        )
        for number in range(rows)
    )
    return traces_request(*spans, resource={"service.name": "scoring"}, scope="instrumentation")


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
    found = [decoder.decode(body) for decoder in decoders]
    assert all(decoded.accepted + sum((decoded.ignored or {}).values()) == rows for decoded in found)
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
    for rows in SPAN_BATCHES:
        for name, (kind, told) in SPANS.items():
            raw = span_request(rows, kind, told).SerializeToString()
            body = payload(Signal.TRACES, Encoding.PROTOBUF, raw)
            report(name, rows, partial(ExportTraceServiceRequest.FromString, raw), body)
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
