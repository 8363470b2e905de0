"""Steady traffic at a fixed pace through every door, and how long each acknowledgement took.

Bodies are made once; for each request their ids, their time and their version are overwritten in place with others of
the same length, so that the load generator takes little of the processor that the exporter is measured on.
"""

import json
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Final

import grpc
import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList

MODEL: Final = "soak"
NUMBERS: Final = 40
CATEGORIES: Final = 10
WORDS: Final = ("alpha", "bravo", "charlie", "delta", "echo")
CLASSES: Final = ("yes", "no")
POOL: Final = 8
"""Different bodies of each door, which take turns."""

_ID: Final = "@@@@@@@@@@"
_VERSION: Final = "v@@@"
_TIME: Final = 0x4040404040404040
_METHOD: Final = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

Post = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests of one kind.

    Attributes:
        name: of the door.
        rows: records of a request.
        per_second: requests.
        body: a template with `rows` records, by a seed.
    """

    name: str
    rows: int
    per_second: float
    body: Callable[[int, int], bytes]


@dataclass(slots=True)
class Minute:
    """What happened to the requests of one minute, by the name of the stream."""

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    records: int = 0
    refused: int = 0
    late_seconds: list[float] = field(default_factory=list)  # how late the generator itself woke up


class Ledger:
    """Requests by minute; any thread may write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = Minute()

    def take(self) -> Minute:
        """What came since the last call."""
        with self._lock:
            minute, self._minute = self._minute, Minute()
        return minute

    def acknowledged(self, stream: str, seconds: float, records: int) -> None:
        """Note a request that was taken."""
        with self._lock:
            self._minute.seconds[stream].append(seconds)
            self._minute.records += records

    def refused(self) -> None:
        """Note a request that was not."""
        with self._lock:
            self._minute.refused += 1

    def woke(self, late_seconds: float) -> None:
        """Note how late the generator was by its own fault, or the machine's."""
        with self._lock:
            self._minute.late_seconds.append(late_seconds)


class Refused(Exception):  # noqa: N818  # not a fault of the program
    """The exporter did not take a request."""


class Pace:
    """Sends one stream until it is stopped, by the clock and not by the answers.

    The time of a request that fell due while an earlier one was still on its way counts from when it fell due, so
    that a stall of the exporter is seen by all requests that it held up.
    """

    def __init__(self, stream: Stream, post: Post, ledger: Ledger, version: Callable[[], int]) -> None:
        self._stream = stream
        self._post = post
        self._ledger = ledger
        self._version = version
        self._bodies = [stream.body(stream.rows, seed) for seed in range(POOL)]
        self.sent: list[int] = []  # numbers of the requests whose outcomes are due
        self.thread = threading.Thread(target=self._run, name=stream.name)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Send no more."""
        self._stopping.set()
        self.thread.join()

    def _run(self) -> None:
        begin = time.monotonic()
        number = 0
        while not self._stopping.is_set():
            due = begin + number / self._stream.per_second
            waited = due - time.monotonic()
            if waited > 0:
                if self._stopping.wait(waited):
                    return
                self._ledger.woke(time.monotonic() - due)
                due = time.monotonic()
            self._send(number, due)
            number += 1

    def _send(self, number: int, due: float) -> None:
        body = stamped(self._bodies[number % POOL], self._stream, number, self._version())
        try:
            self._post(body)
        except Refused:
            self._ledger.refused()
            return
        self._ledger.acknowledged(self._stream.name, time.monotonic() - due, self._stream.rows)
        self.sent.append(number)


def stamped(body: bytes, stream: Stream, number: int, version: int) -> bytes:
    """A template with its ids, times and version filled in."""
    prefix = f"{stream.name[:2]}{number:08}"[: len(_ID)]
    now = struct.pack("<Q", time.time_ns())
    filled = body.replace(_ID.encode(), prefix.encode()).replace(_VERSION.encode(), f"v{version:03}".encode())
    return filled.replace(struct.pack("<Q", _TIME), now)


def otlp_body(rows: int, seed: int) -> bytes:
    """A template of an OTLP request with 50 features a record."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.append(_pair("service.name", MODEL))
    records = resource.scope_logs.add().log_records
    for row, (values, predicted, score) in enumerate(_records(rows, seed)):
        features = KeyValueList(values=[_pair(*item) for item in values.items()])
        records.add(
            time_unix_nano=_TIME,
            event_name="model.prediction",
            attributes=[
                _pair("model.name", MODEL),
                _pair("model.version", _VERSION),
                _pair("prediction.id", f"{_ID}-{row:03}"),
                _pair("prediction", predicted),
                _pair("score", score),
                _pair("latency_ms", 5.0 + 10 * score),
                KeyValue(key="features", value=AnyValue(kvlist_value=features)),
            ],
        )
    return request.SerializeToString()


def json_body(rows: int, seed: int) -> bytes:
    """The same as JSON lines."""
    lines = (
        {"model": MODEL, "version": _VERSION, "id": f"{_ID}-{row:03}", "prediction": predicted, "score": score}
        | {"latency_ms": 5.0 + 10 * score, "features": values}
        for row, (values, predicted, score) in enumerate(_records(rows, seed))
    )
    return "\n".join(map(json.dumps, lines)).encode()


def outcomes_body(rows: int, seed: int) -> bytes:
    """Outcomes of the predictions of a request, as JSON lines; nine of ten are as predicted."""
    wrong = np.random.default_rng(1000 + seed).random(rows) < 0.1
    lines = (
        {"model": MODEL, "id": f"{_ID}-{row:03}", "outcome": CLASSES[(predicted == "no") ^ bool(wrong[row])]}
        for row, (_, predicted, _) in enumerate(_records(rows, seed))
    )
    return "\n".join(map(json.dumps, lines)).encode()


def http_post(port: int, path: str, content_type: str) -> Post:
    """Posts over one connection."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def post(body: bytes) -> None:
        connection.request("POST", path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise Refused(response.status)

    return post


def grpc_post(port: int) -> Post:
    """Calls Export over one channel, bytes as they are."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    call = channel.unary_unary(_METHOD, request_serializer=None, response_deserializer=None)

    def post(body: bytes) -> None:
        try:
            call(body, timeout=60)
        except grpc.RpcError as error:
            raise Refused(str(error)) from error

    return post


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Middle and tail of some seconds; nothing of none."""
    if not values:
        return {}
    quantiles = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1.0}
    return {name: round(float(np.quantile(values, q, method="higher")), 6) for name, q in quantiles.items()}


def _records(rows: int, seed: int) -> Iterator[tuple[dict[str, float | str], str, float]]:
    """Features, class and score of each record."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, NUMBERS)).round(6).tolist()
    words = random.integers(len(WORDS), size=(rows, CATEGORIES)).tolist()
    for values, codes in zip(numbers, words, strict=True):
        score = round(float(1 / (1 + np.exp(-values[0]))), 6)
        features = {f"number_{index:02}": value for index, value in enumerate(values)}
        features |= {f"category_{index:02}": WORDS[code] for index, code in enumerate(codes)}
        yield features, CLASSES[score < 0.5], score


def _pair(key: str, value: float | str) -> KeyValue:
    if isinstance(value, str):
        return KeyValue(key=key, value=AnyValue(string_value=value))
    return KeyValue(key=key, value=AnyValue(double_value=value))
