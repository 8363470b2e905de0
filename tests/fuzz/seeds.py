"""Inputs to begin with, one or a few of everything that a target reads."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otlp_messages import key_values, log_record, logs_request, otlp_json, prediction, traces_request

_TIME: Final = 1_800_000_000_000_000_000
_FEATURES: Final = {"amount": 12.5, "count": 3, "country": "DE", "vip": True, "none": None, "list": [1, 2.5, "x"]}
_NATIVE: Final = {
    "model": "fraud",
    "version": "1.4.2",
    "id": "p1",
    "features": _FEATURES,
    "prediction": "approve",
    "score": 0.03,
    "probabilities": {"approve": 0.97, "deny": 0.03},
    "latency_ms": 12,
    "segments": {"region": "eu"},
    "time": "2026-11-26T10:00:00Z",
}
_OTHERS: Final[tuple[Mapping[str, Any], ...]] = (
    {"model": "fraud", "id": "p1", "outcome": "fraud", "values": {"loss": 12.5}},
    {"model": "rank", "id": "r", "prediction": ["a", "b"], "outcome": {"a": 1.0}},
    {"model": "price", "id": "q", "prediction": 10.5, "lower": 9, "upper": 12, "horizon": 3, "naive": 10},
    {"model": "fraud", "change": "deployment", "source": "ci"},
)
_RECORDS: Final[tuple[Mapping[str, Any], ...]] = (
    {"request": {"instances": [[1.0, 2.0]]}, "response": {"predictions": [0.5]}, "id": "1"},
    {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "1,2\n3,4",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "text/csv",
                "mode": "OUTPUT",
                "data": "0.5\n0.6",
                "encoding": "CSV",
            },
        },
        "eventMetadata": {"eventId": "e", "inferenceTime": "2026-11-26T10:00:00Z"},
        "eventVersion": "0",
    },
    {"databricks_request_id": "d", "request": '{"dataframe_records": [{"a": 1}]}', "response": '{"predictions": [1]}'},
    {"monitor_name": "m", "timestamp": "2026-11-26T10:00:00", "request_id": "1", "a": 1.0, "p": "x"},
)
_TENSORS: Final = {
    "model_name": "m",
    "inputs": [{"name": "a", "shape": [2, 1], "datatype": "FP32", "data": [1.0, 2.0]}],
    "outputs": [{"name": "p", "shape": [2], "datatype": "INT64", "data": [0, 1]}],
}


def seeds(target: str) -> list[bytes]:
    """Inputs of a target; the first byte chooses between its variants."""
    return list(_SEEDS.get(target, _nothing)())


def _nothing() -> Iterator[bytes]:
    yield b"\0"


def _logs() -> Iterator[bytes]:
    yield from (bytes([variant]) + request.SerializeToString() for variant in range(4) for request in _log_requests())


def _log_requests() -> Iterator[Any]:
    flat = {f"feature.{name}": value for name, value in _FEATURES.items()}
    told = {"model.version": "1", "prediction.id": "p1", "score": 0.5, "latency_ms": 3, "segment.region": "eu"}
    one = log_record({"model.name": "fraud", **told, **flat}, event_name="model.prediction", time_ns=_TIME)
    two = log_record(
        {"model.name": "fraud", **told, **flat, "feature.amount": 3}, event_name="model.prediction", observed_ns=_TIME
    )
    resource = {"service.name": "scoring", "service.version": "2"}
    yield logs_request(one, two, one, resource=resource, scope="app")
    yield logs_request(
        prediction(features=_FEATURES, prediction="yes", probabilities=[0.5, 0.5]), one, resource=resource
    )
    yield logs_request(log_record(body=_NATIVE, event_name="model.prediction", trace_id=b"t" * 16, span_id=b"s" * 8))
    yield logs_request(
        *(
            log_record(
                {f"{key}.name" if key == "model" else key: value for key, value in other.items()}, event_name=event
            )
            for other, event in zip(
                _OTHERS, ("model.outcome", "model.prediction", "model.prediction", "model.event"), strict=True
            )
        )
    )
    schema = {"bento_meta": {"monitor_name": "m", "bento_version": "1", "schema": {"x": {"role": "feature"}}}, "x": 1.0}
    yield logs_request(log_record(schema), resource=resource, scope="bentoml_monitor_data")


def _traces() -> Iterator[bytes]:
    yield from (bytes([variant]) + request.SerializeToString() for variant in range(4) for request in _trace_requests())


def _trace_requests() -> Iterator[Any]:
    web = {"http.request.method": "POST", "url.path": "/v2/models/m/versions/1/infer", "http.response.status_code": 500}
    call = {
        "gen_ai.request.model": "gpt",
        "gen_ai.response.model": "gpt-1",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.system": "x",
    }
    yield traces_request(
        _span(2, web), _span(3, {"peer.service": "features", **web}), resource={"service.name": "scoring"}
    )
    yield traces_request(
        _span(3, call),
        _span(1, call),
        resource={"service.name": "agent"},
        scope="opentelemetry.instrumentation.openai_v2",
    )
    yield traces_request(
        _span(
            2,
            {"rpc.system": "grpc", "rpc.service": "inference.S", "rpc.method": "ModelInfer", "rpc.grpc.status_code": 5},
        )
    )
    yield traces_request(
        _span(1, {"mlflow.spanType": '"LLM"', "mlflow.spanInputs": '{"model": "m"}'}), scope="mlflow.tracing"
    )


def _span(kind: int, attributes: Mapping[str, object]) -> Span:
    event = Span.Event(name="exception", attributes=key_values({"exception.type": "ValueError"}))
    return Span(
        kind=kind,  # type: ignore[arg-type]  # numbers are fine at run time
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        start_time_unix_nano=_TIME,
        end_time_unix_nano=_TIME + 10**7,
        status=Status(code=Status.STATUS_CODE_ERROR),
        attributes=key_values(attributes),
        events=[event],
    )


def _otlp_json() -> Iterator[bytes]:
    yield from (bytes([variant]) + otlp_json(request) for variant in (0, 1) for request in _log_requests())
    yield from (bytes([variant]) + otlp_json(request) for variant in (4, 5) for request in _trace_requests())


def _native() -> Iterator[bytes]:
    plain = [{**_NATIVE, "id": f"p{n}", "score": n / 8} for n in range(8)]
    yield b"\0" + json.dumps(plain).encode()
    yield b"\5" + b"\n".join(json.dumps(record).encode() for record in plain)
    flat = [{"model": "m", "feature.a": n, "feature.b": "x", "prediction": 1.5, "latency_ms": 2} for n in range(8)]
    yield b"\4" + b"\n".join(json.dumps(record).encode() for record in flat)
    for place, records in enumerate(((_NATIVE, *_OTHERS[1:3]), _OTHERS[:2], _OTHERS[3:])):
        yield bytes([place << 3]) + json.dumps(records).encode()
        yield bytes([place << 3]) + json.dumps(records[0]).encode()
        yield bytes([place << 3 | 5]) + b"\n".join(json.dumps(record).encode() for record in records)


def _mapped() -> Iterator[bytes]:
    for variant in range(0, 64, 4):
        yield bytes([variant]) + b"\n".join(json.dumps(record).encode() for record in _RECORDS)


def _exchanges() -> Iterator[bytes]:
    body = json.dumps(_TENSORS).encode()
    rows = b'{"instances": [[1, 2]]}\n\0\n{"predictions": [1]}'
    for variant in range(2, 30, 4):
        yield bytes([variant]) + body + b"\n\0\n" + body
        yield bytes([variant]) + rows
    for data in ({"data": _TENSORS}, {"data_base64": base64.b64encode(body).decode()}):
        kind = "org.kubeflow.serving.inference.request"
        yield (
            b"\0"
            + json.dumps(
                {"specversion": "1.0", "id": "1", "type": kind, "source": "s", "inferenceservicename": "m", **data}
            ).encode()
        )


def _gzip() -> Iterator[bytes]:
    yield b"\0" + gzip.compress(b"a" * 300)
    yield b"\0" + gzip.compress(b"") + gzip.compress(b"some text") + b"\0\0"
    yield b"\1" + zlib.compress(bytes(range(256)))
    yield b"\1" + zlib.compress(b"raw" * 30)[2:-4]


def _paths() -> Iterator[bytes]:
    for text in (
        "a.b[0]",
        "data[*].x | json",
        '"a b".* | csv',
        "$door.x",
        "a | base64 | gzip | json",
        "inputs | tensors[*]",
    ):
        yield b"\0" + text.encode() + b'\n{"a": {"b": [1, 2]}, "data": [{"x": "[1]"}], "a b": "1,2", "inputs": []}'


def _indicators() -> Iterator[bytes]:
    for text in (
        "prediction == outcome",
        "value.v * 2 - feature.a / (1 + score)",
        "not (prediction == 'x' and score >= .5)",
    ):
        yield b"\0" + text.encode()


def _config() -> Iterator[bytes]:
    model = {
        "kind": "classification",
        "outcome": {"positive": "yes", "wait": "1h"},
        "features": {"amount": {"type": "numeric", "min": 0}},
        "business": {"loss": {"sum": "value.loss"}},
    }
    mapping = {"fields": {"model": "a.b", "prediction": "c[*]"}}
    join = {"store": "redis", "url": "redis://x"}
    for told in ({"limits": {"models": 5}, "models": {"fraud": model}}, {"mappings": {"mine": mapping}, "join": join}):
        yield b"\0" + yaml.safe_dump(told).encode()


def _exposition() -> Iterator[bytes]:
    for variant in range(16):
        yield bytes([variant]) + 'a\\n"b"\n\x1fé\u2028\x1f{le="1"} # x'.encode()


_SEEDS: Final = {
    "logs": _logs,
    "scanner": _logs,
    "probe": _logs,
    "traces": _traces,
    "otlp_json": _otlp_json,
    "native": _native,
    "lines": _native,
    "mapped": _mapped,
    "exchanges": _exchanges,
    "gzip": _gzip,
    "paths": _paths,
    "indicators": _indicators,
    "config": _config,
    "exposition": _exposition,
}
