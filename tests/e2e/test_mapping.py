"""A mapping of the configuration reads what it was written for, at every door that records come through."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from e2e.exporters import Exporter, run_exporter

if TYPE_CHECKING:
    from opentelemetry.util.types import AnyValue

ROWS = 400
CONFIG = """
mappings:
  scored:
    when: [{kind: scored}]
    ignore: test
    fields:
      model: model.name
      version: model.tag
      id: request
      features: payload|base64|json.rows[*]
      prediction: scores[*]
      latency_ms: took
  truth:
    when: [{kind: truth}]
    event: outcome
    fields: {model: model.name, id: request, outcome: actual}
  logged:
    when: [{event_name: acme.scored}, body.model]
    fields:
      model: body.model
      version: resource."service.version"
      id: body.request
      features: body.inputs
      prediction: body.output
      segments: {level: severity}
  traced:
    from: spans
    when: [{scope.name: acme.tracing}]
    fields:
      model: attributes.model
      features: attributes.inputs
      prediction: attributes.output
      latency_ms: duration_ms
      error: error
"""
PAYLOAD = "eyJyb3dzIjogW3siYW1vdW50IjogMS41LCAiY291bnRyeSI6ICJERSJ9LCB7ImFtb3VudCI6IDIsICJjb3VudHJ5IjogIkZSIn1dfQ=="
"""Two rows of an amount and a country, as base64 of JSON."""


def scored(number: int, **more: object) -> dict[str, object]:
    """A record of two predictions."""
    return {
        "kind": "scored",
        "model": {"name": "fraud", "tag": "v3"},
        "request": f"r{number}",
        "payload": PAYLOAD,
        "scores": ["approve", "reject"],
        "took": 12,
        **more,
    }


@pytest.fixture
def mapped(tmp_path: Path) -> Iterator[Exporter]:
    """An exporter with the mappings above."""
    with run_exporter(tmp_path, CONFIG) as running:
        yield running


def test_records_are_read_by_name_or_by_their_conditions(mapped: Exporter) -> None:
    """Every row counts with its features, version and latency; outcomes meet the rows that they name."""
    half = ROWS // 2
    records = [scored(number) for number in range(ROWS)]
    assert mapped.post("/v1/records/scored", records[:half], lines=True) == (
        200,
        json.dumps({"accepted": ROWS, "rejected": 0}, separators=(",", ":")),
    )
    truth = [{"kind": "truth", "model": {"name": "fraud"}, "request": f"r{half}#1", "actual": "reject"}]
    status, reply = mapped.post("/v1/records", [*records[half:], *truth], lines=True)
    assert (status, json.loads(reply)["accepted"]) == (200, ROWS + 1)
    page = mapped.settled()
    assert page.total("model_predictions_total", model="fraud", version="v3") == 2 * ROWS
    assert page.total("model_feature_values_total", model="fraud", feature="amount", role="input") == 2 * ROWS
    assert page.total("model_feature_values_total", model="fraud", feature="prediction", role="output") == 2 * ROWS
    assert page.total("model_prediction_duration_seconds_sum", model="fraud") == pytest.approx(2 * ROWS * 0.012)
    page = mapped.wait_for(
        lambda page: page.has("model_outcomes_total", model="fraud"), what="the outcome to be joined"
    )
    assert page.total("model_outcomes_total", model="fraud") == 1


def test_records_that_are_refused_are_counted_by_reason_and_cost_no_other(mapped: Exporter) -> None:
    """The sender is told which ones and why; a mapping that there is not is a 404 with the names of those there are."""
    records = [
        scored(0),
        scored(1, scores=["approve"]),
        scored(2, payload="***"),
        scored(3, test=True),
        {"kind": "other", "model": "native", "prediction": 1},
        5,
    ]
    status, reply = mapped.post("/v1/records", records, lines=True)
    assert status == 200
    told = json.loads(reply)
    assert (told["accepted"], told["rejected"]) == (3, 3)
    assert "line 2: scored: fields of one record have [1, 2] rows" in told["message"]
    status, reply = mapped.post("/v1/records/scored", {"kind": "other"})
    assert status == 400
    assert "takes records where `kind` is 'scored'" in reply
    status, reply = mapped.post("/v1/records/scoerd", scored(0))
    assert status == 404
    assert "there are scored, truth, logged" in reply
    page = mapped.settled()
    for reason in ("row_mismatch", "bad_base64", "not_an_object", "not_this_mapping"):
        assert page.total("model_exporter_rejected_records_total", reason=reason) == 1
    assert page.total("model_exporter_ignored_records_total", reason="unwanted") == 1
    assert page.total("model_exporter_records_total", door="http", signal="records", outcome="accepted") == 3
    assert page.total("model_predictions_total", model="fraud") == 2
    assert page.total("model_predictions_total", model="native") == 1


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_logs_of_an_sdk_are_read_through_the_mapping(mapped: Exporter, protocol: str) -> None:
    """Bodies that are maps come over both transports; native records and noise beside them are what they were."""
    exporter: LogRecordExporter = (
        HttpLogExporter(endpoint=f"{mapped.endpoint}/v1/logs")
        if protocol == "http"
        else GrpcLogExporter(endpoint=mapped.grpc_endpoint, insecure=True)
    )
    resource = Resource.create({"service.name": "api", "service.version": "9"})
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=4 * ROWS))
    logger = provider.get_logger("acme")
    for number in range(ROWS):
        body: Mapping[str, AnyValue] = {
            "model": "fraud",
            "request": f"r{number}",
            "inputs": {"amount": number / 7},
            "output": "approve",
        }
        logger.emit(
            LogRecord(
                timestamp=time.time_ns(),
                event_name="acme.scored",
                body=body,
                severity_number=SeverityNumber.WARN,
            )
        )
        logger.emit(LogRecord(timestamp=time.time_ns(), event_name="acme.scored", body={"model": 5 * number}))
        logger.emit(LogRecord(timestamp=time.time_ns(), body="request served"))
    logger.emit(
        LogRecord(
            timestamp=time.time_ns(),
            event_name="model.prediction",
            attributes={"model.name": "own", "features": {"amount": 1.0}},
        )
    )
    provider.force_flush()
    provider.shutdown()
    page = mapped.settled()
    assert page.total("model_predictions_total", model="fraud", version="9") == ROWS
    assert page.total("model_feature_values_total", model="fraud", feature="amount", role="input") == ROWS
    assert page.total("model_predictions_total", model="own") == 1
    assert page.total("model_exporter_ignored_records_total", reason="not_a_prediction") == ROWS
    assert page.total("model_exporter_rejected_records_total") == ROWS


def test_internal_spans_of_an_sdk_are_read_through_the_mapping(mapped: Exporter) -> None:
    """Those of the scope that the mapping asks for; others are ignored as ever."""
    provider = TracerProvider(resource=Resource.create({"service.name": "api"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{mapped.endpoint}/v1/traces")))
    for scope in ("acme.tracing", "other"):
        tracer = provider.get_tracer(scope)
        for number in range(ROWS):
            told = {"model": "iris", "inputs": json.dumps({"petal": number}), "output": "setosa"}
            tracer.start_span("predict", attributes=told).end()
    provider.force_flush()
    provider.shutdown()
    page = mapped.settled()
    assert page.total("model_predictions_total", model="iris") == ROWS
    assert page.total("model_feature_values_total", model="iris", feature="petal", role="input") == ROWS
    assert page.total("model_prediction_duration_seconds_count", model="iris") == ROWS
    assert page.total("model_exporter_ignored_records_total", reason="span_kind") == ROWS


def test_a_reload_takes_new_mappings_over_or_none(tmp_path: Path) -> None:
    """A mistake is one line with its place, and what ran goes on running."""
    with run_exporter(tmp_path, "") as exporter:
        file = tmp_path / "config.yml"
        assert exporter.post("/v1/records/scored", scored(0))[0] == 404
        file.write_text(CONFIG, "utf-8")
        exporter.child.process.send_signal(signal.SIGHUP)
        reloaded = exporter.page().total("model_exporter_config_last_reload_success_timestamp_seconds")
        exporter.wait_for(
            lambda page: (
                page.total("model_exporter_config_last_reload_success_timestamp_seconds") >= reloaded
                and exporter.post("/v1/records/scored", scored(0))[0] == 200
            ),
            what="the mapping to be taken over",
        )
        file.write_text(CONFIG.replace("payload|base64", "payload|base65"), "utf-8")
        exporter.child.process.send_signal(signal.SIGHUP)
        exporter.wait_for(
            lambda page: page.total("model_exporter_config_last_reload_successful") == 0, what="the reload to fail"
        )
        assert "mappings.scored.fields.features" in exporter.child.tail()
        assert exporter.post("/v1/records/scored", scored(1))[0] == 200


def test_what_a_rehearsal_says_is_what_the_exporter_does(mapped: Exporter, tmp_path: Path) -> None:
    """`mapping try` on the file, and then the same file at the door."""
    records = [scored(0), scored(1, scores=[]), scored(2, test=True), {"model": "own", "prediction": 1}]
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join(map(json.dumps, records)), "utf-8")
    command = [sys.executable, "-m", "model_exporter", "mapping", "try", str(file), "--format", "json"]
    done = subprocess.run(
        [*command, "--config.file", str(tmp_path / "config.yml")], capture_output=True, text=True, check=False
    )
    fates = [json.loads(line)["fate"] for line in done.stdout.splitlines()]
    assert (done.returncode, fates) == (1, ["mapped", "refused", "ignored", "native"])
    status, reply = mapped.post("/v1/records", records, lines=True)
    assert (status, json.loads(reply)["accepted"], json.loads(reply)["rejected"]) == (200, 3, 1)
