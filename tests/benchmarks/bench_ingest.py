"""Cost of a prediction in a running exporter: `python tests/benchmarks/bench_ingest.py`.

Each line is processor time of the whole exporter process (receive, decode, windows, distances, pictures), divided by
the records it took, and the largest resident memory so far. A record is a prediction log of 20 numeric features (12
double, 8 int), 4 categorical ones, a score, a class, an id, and the model's name and version: about 1 kB of OTLP.
"parse" is what the protobuf library alone needs to parse the same bytes in this process, without reading a value.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import grpc
import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where `e2e` is

from e2e.exporters import Exporter, Page, run_exporter
from model_exporter.demo.processes import HOST

MIB = 1024 * 1024
LOOK_EVERY_SECONDS = 0.5
COUNTRIES = ("DE", "FR", "IT", "PL", "ES")
METHOD = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
CONFIG = "models: {bench: {learn: {rows: 2000, stable_for: 1s}}}\n"
Send = Callable[[bytes], None]
Features = dict[str, float | int | str]


def features(rows: int, seed: int) -> Iterator[Features]:
    """Random features of `rows` records."""
    random = np.random.default_rng(seed)
    doubles = random.normal(size=(rows, 12)).tolist()
    integers = random.poisson(20, (rows, 8)).tolist()
    words = random.integers(len(COUNTRIES), size=(rows, 4)).tolist()
    for row in range(rows):
        yield (
            {f"double_{index:02}": value for index, value in enumerate(doubles[row])}
            | {f"integer_{index}": value for index, value in enumerate(integers[row])}
            | {f"category_{index}": COUNTRIES[code] for index, code in enumerate(words[row])}
        )


def otlp_body(rows: int, seed: int) -> bytes:
    """An OTLP request of `rows` records, none of which is in the request of another seed."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.append(_pair("service.name", "bench"))
    records = resource.scope_logs.add().log_records
    for row, values in enumerate(features(rows, seed)):
        records.add(
            time_unix_nano=time.time_ns(),
            event_name="model.prediction",
            attributes=[
                _pair("model.name", "bench"),
                _pair("model.version", "1"),
                _pair("prediction.id", f"{seed}-{row}"),
                _pair("prediction", "yes"),
                _pair("score", 0.25),
                KeyValue(
                    key="features",
                    value=AnyValue(kvlist_value=KeyValueList(values=[_pair(*item) for item in values.items()])),
                ),
            ],
        )
    return request.SerializeToString()


def json_body(rows: int, seed: int) -> bytes:
    """The same as JSON lines for `/v1/predictions`."""
    fixed = {"model": "bench", "version": "1", "prediction": "yes", "score": 0.25}
    return "\n".join(
        json.dumps(fixed | {"id": f"{seed}-{row}", "features": values})
        for row, values in enumerate(features(rows, seed))
    ).encode()


def _pair(key: str, value: float | str) -> KeyValue:
    if isinstance(value, str):
        return KeyValue(key=key, value=AnyValue(string_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(double_value=value))


def http_sender(exporter: Exporter, path: str, content_type: str) -> Send:
    """Posts bodies over one connection."""
    connection = HTTPConnection(HOST, exporter.ports.http)

    def send(body: bytes) -> None:
        connection.request("POST", path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        response.read()
        assert response.status == 200, response.status  # a benchmark of refusals would mislead

    return send


def grpc_sender(exporter: Exporter) -> Send:
    """Calls Export over one channel, bytes as they are."""
    channel = grpc.insecure_channel(f"{HOST}:{exporter.ports.grpc}")
    call = channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None)

    def send(body: bytes) -> None:
        call(body)

    return send


def report(exporter: Exporter, what: str, rows: int, send: Send, bodies: list[bytes]) -> None:
    """Send `bodies` of `rows` records each and print what a record cost."""
    wanted = _counted(exporter.settled()) + rows * len(bodies)
    before = exporter.page().total("process_cpu_seconds_total")
    for body in bodies:
        send(body)
    page = exporter.page()
    while _counted(page) < wanted:
        time.sleep(LOOK_EVERY_SECONDS)  # a scrape is not free, and at work there is one in 15 seconds
        page = exporter.page()
    cost = (page.total("process_cpu_seconds_total") - before) / (rows * len(bodies))
    resident = page.total("process_resident_memory_bytes") / MIB
    parse = f"{parse_seconds(bodies, rows) * 1e6:8.2f}" if what.startswith("OTLP") else f"{'':8}"
    print(f"{what:<22}{rows:>6}{cost * 1e6:>12.2f} us {parse}{resident:>10.0f} MiB", flush=True)


def _counted(page: Page) -> float:
    return page.total("model_predictions_total") if page.has("model_predictions_total") else 0.0


def parse_seconds(bodies: list[bytes], rows: int) -> float:
    """Processor seconds a record that the protobuf library needs to parse `bodies`."""
    started = time.process_time()
    for body in bodies:
        ExportLogsServiceRequest.FromString(body)
    return (time.process_time() - started) / (rows * len(bodies))


def main() -> None:
    """Measure each door with several batch sizes."""
    print(f"{'door':<22}{'batch':>6}{'cost':>15}{'parse':>9}{'resident':>13}")
    with tempfile.TemporaryDirectory() as folder, run_exporter(Path(folder), CONFIG) as exporter:
        seed = 0
        for rows, count in ((512, 100), (64, 200), (1, 2000)):
            senders = (
                ("OTLP/HTTP protobuf", http_sender(exporter, "/v1/logs", "application/x-protobuf"), otlp_body),
                ("OTLP/gRPC", grpc_sender(exporter), otlp_body),
                ("JSON lines", http_sender(exporter, "/v1/predictions", "application/x-ndjson"), json_body),
            )
            for what, send, body in senders:
                bodies = [body(rows, seed + number) for number in range(count)]
                seed += count
                report(exporter, what, rows, send, bodies)


if __name__ == "__main__":
    main()
