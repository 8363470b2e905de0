"""The payload logger of KServe's agent itself, in front of a small model of both protocols.

It takes minutes to build, so that only `make test-kserve` and `make test-current` run these; `test_payload_loggers.py`
has what it sends, built from its source.
"""

import gzip
import json
import os
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from e2e.exporters import Exporter, run_exporter
from model_exporter.demo.processes import HOST, ExporterPorts

AGENT: Final = "MODEL_EXPORTER_TEST_KSERVE"
SECONDS: Final = 30.0
BINARY_HEADER: Final = "Inference-Header-Content-Length"
INSTANCES: Final = {"instances": [[5.1, 3.5], [6.2, 2.9]]}


class _Model(BaseHTTPRequestHandler):
    """A model that tells whether the first value of a row is above 5.5; a call with `X-Fail` ends in an error."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "X-Fail" in self.headers:
            self._reply(500, b'{"error":"out of memory"}')
        elif self.path.startswith("/v1/"):
            rows = json.loads(body)["instances"]
            self._reply(200, json.dumps({"predictions": [int(row[0] > 5.5) for row in rows]}).encode())
        else:
            self._reply_in_tensors(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
        """Say nothing."""

    def _reply_in_tensors(self, body: bytes) -> None:
        size = int(self.headers.get(BINARY_HEADER, len(body)))
        tensor = json.loads(body[:size])["inputs"][0]
        rows = tensor["shape"][0]
        output: dict[str, object] = {"name": "risk", "shape": [rows], "datatype": "FP64"}
        raw = b""
        if size < len(body):
            raw = struct.pack(f"<{rows}d", *(row / 10 for row in range(rows)))
            output["parameters"] = {"binary_data_size": len(raw)}
        else:
            output["data"] = [row / 10 for row in range(rows)]
        head = json.dumps({"model_name": "own", "model_version": "7", "id": "x", "outputs": [output]}).encode()
        self._reply(200, head + raw, BINARY_HEADER, str(len(head)))

    def _reply(self, status: int, body: bytes, *header: str) -> None:
        zipped = "gzip" in self.headers.get("Accept-Encoding", "")
        body = gzip.compress(body) if zipped else body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        if header:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)


@dataclass(frozen=True, slots=True)
class Service:
    """The agent with the model behind it."""

    port: int

    def call(self, path: str, body: object, **headers: str) -> int:
        """Call the model through the agent; the status of its answer."""
        connection = HTTPConnection(HOST, self.port, timeout=SECONDS)
        try:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            told = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST", path, raw, {"Content-Type": "application/json", **told})
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()


@contextmanager
def _service(sink: int) -> Iterator[Service]:
    """A model on a thread, and the agent in front of it that tells the port `sink` of each call."""
    agent = os.environ.get(AGENT)
    if agent is None:
        pytest.skip(f"{AGENT} names no agent: make test-kserve")
    model = ThreadingHTTPServer((HOST, 0), _Model)
    thread = threading.Thread(target=model.serve_forever)
    thread.start()
    command = [agent, "-model", f"http://{HOST}:{model.server_port}", "-logger", f"http://{HOST}:{sink}"]
    process = subprocess.Popen(
        [*command, "-service", "iris", "-namespace", "ml"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline()
        yield Service(int(address.rpartition(":")[2]))
    finally:
        process.communicate(timeout=SECONDS)  # it ends with its input
        model.shutdown()
        thread.join()
        model.server_close()


def test_every_call_is_counted_once_and_failures_are_errors(tmp_path: Path) -> None:
    """The agent tells of no response that failed: those requests are errors when their wait is over."""
    calls, failing = 120, 7
    with (
        run_exporter(tmp_path, "pairing: {wait: 2s}\n") as exporter,
        _service(exporter.ports.http) as service,
        ThreadPoolExecutor(8) as clients,
    ):
        for _ in clients.map(lambda _: service.call("/v1/models/iris:predict", INSTANCES), range(calls)):
            pass
        for _ in range(failing):
            assert service.call("/v1/models/iris:predict", INSTANCES, X_Fail="yes") == 500
        page = exporter.wait_for(
            lambda page: (
                page.has("model_prediction_errors_total", error_type="no_response")
                and page.total("model_prediction_errors_total", error_type="no_response") == 2 * failing
            ),
            what="the wait of the requests that failed",
        )
        assert page.total("model_predictions_total", model="iris") == 2 * (calls + failing)
        assert page.total("model_feature_values_total", model="iris", feature="0") == 2 * (calls + failing)
        # The agent stamps an event when a worker sends it: of a quick call the response may be the older one.
        assert 0 < page.total("model_prediction_duration_seconds_count", model="iris") <= 2 * calls
        assert page.total("model_exporter_unpaired_events_total") == failing
        assert page.total("model_exporter_requests_total", door="cloudevents", outcome="success") == 2 * calls + failing
        assert page.total("model_exporter_records_total", outcome="rejected") == 0


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("binary", [False, True])
def test_tensors_of_the_open_inference_protocol(exporter: Exporter, coding: str, *, binary: bool) -> None:
    """As JSON and as raw bytes after it, whose header is lost on the way, and compressed without the header."""
    rows = 3
    raw = struct.pack(f"<{2 * rows}d", *range(2 * rows))
    tensor: dict[str, object] = {"name": "x", "shape": [rows, 2], "datatype": "FP64"}
    tensor |= {"parameters": {"binary_data_size": len(raw)}} if binary else {"data": list(range(2 * rows))}
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {"Accept_Encoding": coding}
    if binary:
        headers |= {BINARY_HEADER: str(len(head)), "Content_Type": "application/octet-stream"}
    with _service(exporter.ports.http) as service:
        assert service.call("/v2/models/iris/infer", head + raw if binary else head, **headers) == 200
        page = exporter.wait_for(lambda page: page.has("model_predictions_total"), what="the call")
    assert page.total("model_predictions_total", model="iris", version="7") == rows
    assert page.total("model_feature_values_total", model="iris", role="input") == 2 * rows
    assert page.total("model_feature_values_total", model="iris", role="output") == rows


def test_an_id_of_the_caller_is_the_predictions_id(exporter: Exporter) -> None:
    """So that outcomes find it; the same call twice counts once."""
    with _service(exporter.ports.http) as service:
        for _ in range(2):
            service.call("/v1/models/iris:predict", {"instances": [[5.1, 3.5]]}, Ce_Id="mine")
        exporter.wait_for(
            lambda page: page.total("model_exporter_repeated_events_total") == 2, what="the repeated events"
        )
        assert exporter.post("/v1/outcomes", {"model": "iris", "id": "mine", "outcome": 0})[0] == 200
    page = exporter.settled()
    assert page.total("model_predictions_total", model="iris") == 1
    assert page.total("model_outcomes_total", model="iris") == 1


def test_an_exporter_that_stands_still_loses_nothing(exporter: Exporter) -> None:
    """The agent holds a hundred events back; a second without an answer is less than what it would take to lose one."""
    with _service(exporter.ports.http) as service, ThreadPoolExecutor(4) as clients:
        os.kill(exporter.child.process.pid, signal.SIGSTOP)
        try:
            answers = [clients.submit(service.call, "/v1/models/iris:predict", INSTANCES) for _ in range(40)]
            time.sleep(1)  # what is tested: a second without an answer
        finally:
            os.kill(exporter.child.process.pid, signal.SIGCONT)
        assert {answer.result() for answer in answers} == {200}
        exporter.wait_for(
            lambda page: (
                page.has("model_predictions_total", model="iris") and page.total("model_predictions_total") == 2 * 40
            ),
            what="all calls",
        )


def test_the_model_answers_without_an_exporter(tmp_path: Path) -> None:
    """The agent never sends again: events are lost while the exporter is away, calls are not."""
    ports = ExporterPorts.free()
    with _service(ports.http) as service:
        assert {service.call("/v1/models/iris:predict", INSTANCES) for _ in range(120)} == {200}
        with run_exporter(tmp_path, ports=ports) as exporter:
            assert service.call("/v1/models/iris:predict", INSTANCES) == 200
            page = exporter.wait_for(lambda page: page.has("model_predictions_total"), what="the call after that")
            assert page.total("model_predictions_total", model="iris") == 2
