"""Spans as traffic. Attribute names in both generations of the semantic conventions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from model_exporter.batch import Batch, Origin
from model_exporter.config.paths import PathPattern
from model_exporter.config.settings import TraceSettings
from model_exporter.decode import Decoded
from otlp_messages import T0_NS, calls, decode_spans, key_values

ERROR = Status(code=Status.STATUS_CODE_ERROR)


def server(attributes: Mapping[str, object] | None = None, **fields: Any) -> Span:
    """A SERVER span of a quarter of a second."""
    given: dict[str, Any] = {
        "kind": Span.SPAN_KIND_SERVER,
        "attributes": key_values(attributes or {}),
        "start_time_unix_nano": T0_NS,
        "end_time_unix_nano": T0_NS + 250_000_000,
    }
    return Span(**(given | fields))


def client(attributes: Mapping[str, object] | None = None, **fields: Any) -> Span:
    """A CLIENT span with a parent."""
    return server(attributes, **({"kind": Span.SPAN_KIND_CLIENT, "parent_span_id": b"12345678"} | fields))


def batch(decoded: Decoded) -> Batch:
    """The only batch."""
    (found,) = decoded.batches
    return found


def error_of(span: Span) -> str:
    """The error type of a span, empty when it did not fail."""
    return next(iter(batch(decode_spans(span)).errors.words), "")


def test_a_server_span_is_a_request() -> None:
    """Its end is its time, its length is the latency; it brings no columns."""
    found = batch(decode_spans(server(), resource={"service.name": "svc", "service.version": "9"}))
    assert (found.model, found.version, found.service, found.origin) == ("", "", "svc", Origin.SPAN)
    assert found.times.tolist() == [1_800_000_000.25]
    assert found.latency_seconds.tolist() == [0.25]
    assert found.ids == ("",)
    assert found.columns == ()


@pytest.mark.parametrize("kind", [0, 1, 4, 5])
def test_other_kinds_never_count(kind: int) -> None:
    """ASGI instrumentation wraps every request in INTERNAL spans ("http receive", "http send").

    On a 500 it marks one of them as failed beside the SERVER span: counting them would double the traffic.
    """
    decoded = decode_spans(server(kind=kind, status=ERROR), server())
    assert decoded.accepted == 1
    assert decoded.ignored == {"span_kind": 1}


@pytest.mark.parametrize("key", ["http.method", "http.request.method"])
@pytest.mark.parametrize(("method", "counts"), [("POST", 1), ("PUT", 1), ("post", 1), ("GET", 0), ("OPTIONS", 0)])
def test_only_requests_with_a_body_predict(key: str, method: str, counts: int) -> None:
    """A GET fetches documentation, metadata or health."""
    decoded = decode_spans(server({key: method, "http.target": "/predict"}))
    assert decoded.accepted == counts
    assert decoded.ignored == (None if counts else {"not_a_prediction": 1})


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/v2/health/ready",
        "/healthz?full=1",
        "/-/healthy",
        "/ping",
        "/metrics/",
        "/v2/models/m/READY",
        "http://host:8080/livez",
        "/v2/repository/models/m/load",
        "/v2/repository/index",
    ],
)
@pytest.mark.parametrize("key", ["url.path", "http.target", "http.url", "url.full"])
def test_probes_and_administration_do_not_predict(key: str, path: str) -> None:
    """Also where someone probes with POST."""
    assert decode_spans(server({"http.method": "POST", key: path})).accepted == 0


@pytest.mark.parametrize(
    "path", ["/predict", "/", "/health/score", "/v1/models/status:predict", "/v2/models/m/infer", "/api/metrics-model"]
)
def test_other_paths_predict(path: str) -> None:
    """Only the last segment marks a probe."""
    assert decode_spans(server({"http.method": "POST", "http.target": path})).accepted == 1


def test_http_without_a_method_does_not_predict() -> None:
    """Both conventions require it; without one there is no telling a probe."""
    assert decode_spans(server({"http.target": "/predict"}), server({"http.status_code": 200})).accepted == 0


@pytest.mark.parametrize(
    ("attributes", "counts"),
    [
        ({"rpc.system": "grpc", "rpc.service": "inference.GRPCInferenceService", "rpc.method": "ModelInfer"}, 1),
        ({"rpc.system": "grpc", "rpc.service": "inference.GRPCInferenceService", "rpc.method": "ServerReady"}, 0),
        ({"rpc.system": "grpc", "rpc.service": "grpc.health.v1.Health", "rpc.method": "Check"}, 0),
        ({"rpc.system": "grpc", "rpc.service": "grpc.reflection.v1alpha.ServerReflection"}, 0),
        ({"rpc.system.name": "grpc", "rpc.method": "inference.GRPCInferenceService/ModelInfer"}, 1),
        ({"rpc.system.name": "grpc", "rpc.method": "inference.GRPCInferenceService/ModelMetadata"}, 0),
        ({"rpc.system.name": "grpc", "rpc.method": "grpc.health.v1.Health/Check"}, 0),
        ({"rpc.method": "predict"}, 1),
    ],
)
def test_rpc_methods(attributes: dict[str, object], counts: int) -> None:
    """Health, reflection and the metadata methods of the open inference protocol predict nothing.

    The newer convention has the service in `rpc.method`.
    """
    assert decode_spans(server(attributes)).accepted == counts


def test_a_span_that_names_a_model_counts_in_any_case() -> None:
    """Whatever method and path it has."""
    decoded = decode_spans(
        server({"model.name": "m", "model.version": 2, "http.method": "GET", "http.target": "/health"})
    )
    assert (batch(decoded).model, batch(decoded).version) == ("m", "2")


def test_of_tritons_spans_only_the_models_count() -> None:
    """Triton's request root, model and compute spans are all of kind SERVER (server/src/tracer.cc)."""
    decoded = decode_spans(
        server(name="InferRequest"),
        server({"triton.model_name": "resnet", "triton.model_version": 1}, name="resnet"),
        server(name="compute"),
        scope="triton-server",
    )
    assert (batch(decoded).model, batch(decoded).version, batch(decoded).rows) == ("resnet", "1", 1)
    assert decoded.ignored == {"not_a_prediction": 2}


@pytest.mark.parametrize(
    ("path", "model", "version"),
    [
        ("/v2/models/iris/infer", "iris", ""),
        ("/v2/models/iris/versions/3/infer", "iris", "3"),
        ("/v1/models/iris:predict", "iris", ""),
        ("/v1/models/iris/versions/3:predict", "iris", "3"),
        ("/serving/default/v1/models/a%20b:predict?x=1", "a b", ""),
        ("https://host/v2/models/iris/infer", "iris", ""),
        ("/v1/projects/p/endpoints/123:predict", "123", ""),
        ("/predict", "", ""),
    ],
)
@pytest.mark.parametrize("key", ["url.path", "http.target", "http.url"])
def test_the_path_may_name_the_model(key: str, path: str, model: str, version: str) -> None:
    """MLServer names its model nowhere else, since its route is a template."""
    found = batch(decode_spans(server({"http.method": "POST", key: path}), resource={"service.name": "mlserver"}))
    assert (found.model, found.version, found.service) == (model, version, "mlserver")


def test_an_attribute_comes_before_the_path_and_the_path_before_the_resource() -> None:
    """The most specific statement wins."""
    path = {"http.method": "POST", "http.target": "/v2/models/b/infer"}
    resource = {"model.name": "c", "model.version": "3"}
    assert batch(decode_spans(server(path | {"model_name": "a"}), resource=resource)).model == "a"
    found = batch(decode_spans(server(path), resource=resource))
    assert (found.model, found.version) == ("b", "3")


def test_a_model_name_from_a_path_is_bounded() -> None:
    """Anyone can put anything into a path."""
    attributes: dict[str, object] = {"http.method": "POST", "http.target": f"/v1/models/{'x' * 500}:predict"}
    (rejection,) = decode_spans(server(attributes)).rejections
    assert rejection.reason == "model_name"


@pytest.mark.parametrize(
    ("attributes", "fields", "error"),
    [
        ({}, {}, ""),
        ({"http.status_code": 200}, {}, ""),
        ({"http.status_code": 404}, {}, "404"),
        ({"http.response.status_code": "422"}, {}, "422"),
        ({"http.response.status_code": 500, "error.type": "TimeoutError"}, {"status": ERROR}, "TimeoutError"),
        ({"rpc.grpc.status_code": 0}, {}, ""),
        ({"rpc.grpc.status_code": 5}, {}, "NOT_FOUND"),
        ({"rpc.response.status_code": "UNAVAILABLE"}, {}, "UNAVAILABLE"),
        ({"rpc.response.status_code": "OK"}, {}, ""),
        ({"rpc.status_code": "14"}, {}, "UNAVAILABLE"),
        ({"rpc.grpc.status_code": 99}, {}, "99"),
        ({}, {"status": ERROR}, "error"),
    ],
)
def test_error_types(attributes: dict[str, object], fields: dict[str, Any], error: str) -> None:
    """A 404, a 422 and MLServer's gRPC NOT_FOUND leave the span's status unset: the code tells."""
    method = {"http.method": "POST"} if any(key.startswith("http") for key in attributes) else {}
    assert error_of(server(method | attributes, **fields)) == error


def test_an_exception_event_names_the_error() -> None:
    """Only of a span that failed: a handled exception is recorded as well."""
    event = Span.Event(
        name="exception", attributes=key_values({"exception.type": "KeyError", "exception.escaped": "False"})
    )
    other = Span.Event(name="retry", attributes=key_values({"exception.type": "Wrong"}))
    assert error_of(server(status=ERROR, events=[other, event])) == "KeyError"
    assert error_of(server(events=[event])) == ""


@pytest.mark.parametrize(("start", "end"), [(T0_NS, T0_NS - 1), (0, T0_NS), (T0_NS, 0)])
def test_a_latency_that_cannot_be_is_absent(start: int, end: int) -> None:
    """Clocks step back, and spans may lack either end."""
    found = batch(decode_spans(server(start_time_unix_nano=start, end_time_unix_nano=end)))
    assert np.isnan(found.latency_seconds).all()
    assert np.isnan(found.times).all() == (end == 0)


def test_flags_and_missing_ids_do_not_matter() -> None:
    """Python's gRPC exporter sends span flags 0x100 and 0x101; ids may be absent."""
    assert decode_spans(server(flags=0x101), server(flags=257)).accepted == 2


@pytest.mark.parametrize(
    ("attributes", "upstream"),
    [
        ({"peer.service": "billing", "server.address": "10.0.0.1"}, "billing"),
        ({"server.address": "db.local"}, "db.local"),
        ({"net.peer.name": "cache"}, "cache"),
        ({"db.system.name": "postgresql"}, "postgresql"),
        ({"db.system": "redis"}, "redis"),
        ({"rpc.service": "features.Store"}, "features.Store"),
        ({"url.full": "https://api.example.com:8443/v1?x=1"}, "api.example.com"),
        ({"http.url": "http://features/get"}, "features"),
        ({"http.url": "http://[::1"}, "unknown"),
        ({"http.url": "nonsense"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_whom_a_client_span_called(attributes: dict[str, object], upstream: str) -> None:
    """The most telling name that is there, never none."""
    (found,) = calls(decode_spans(client(attributes)))
    assert found["upstream"] == upstream


def test_calls_belong_to_the_service_that_made_them() -> None:
    """`gen_ai.request.model` names the model that is called, not the caller's."""
    decoded = decode_spans(
        client({"gen_ai.request.model": "gpt", "server.address": "api"}),
        client({"model.name": "fraud", "server.address": "db"}),
        resource={"service.name": "svc"},
    )
    assert [(call["model"], call["upstream"]) for call in calls(decoded)] == [
        (("", "svc"), "api"),
        (("fraud", "svc"), "db"),
    ]
    assert decoded.upstreams[0].duration_seconds.tolist() == [0.25]


@pytest.mark.parametrize(
    ("attributes", "fields", "failed"),
    [
        ({"http.status_code": 200}, {}, 0),
        ({"http.status_code": 404}, {}, 1),
        ({"rpc.grpc.status_code": 0}, {}, 0),
        ({"rpc.grpc.status_code": 14}, {}, 1),
        ({}, {"status": ERROR}, 1),
        ({}, {}, 0),
    ],
)
def test_failed_calls(attributes: dict[str, object], fields: dict[str, Any], failed: int) -> None:
    """By status, or by the code that leaves the status unset."""
    assert decode_spans(client(attributes, **fields)).upstreams[0].failed.tolist() == [bool(failed)]


def test_a_client_span_without_parent_belongs_to_no_request() -> None:
    """Such as a job that polls something."""
    decoded = decode_spans(client(parent_span_id=b""))
    assert (decoded.accepted, decoded.ignored) == (0, {"not_a_prediction": 1})


def test_a_status_of_thousands_of_digits_is_no_number() -> None:
    """Python refuses to read such a number; the span counts all the same, its error type cut to the limit."""
    assert set(error_of(server({"rpc.system": "grpc", "rpc.grpc.status_code": "9" * 5000}))) == {"9"}


def _requests(settings: TraceSettings, *requests: tuple[str, str]) -> list[str]:
    """The models that count, of requests by method and path."""
    spans = [server({"http.request.method": method, "url.path": path}) for method, path in requests]
    found = decode_spans(*spans, resource={"service.name": "svc"}, traces=settings).batches
    return sorted(batch.model or batch.service for batch in found for _ in range(batch.rows))


def test_configured_paths_name_models() -> None:
    """They count whatever the method, but for those that bring no answer, and come before the built-in ones."""
    settings = TraceSettings(paths=(PathPattern("/v2/models/*/{model}"),))
    requests = [("POST", "/v2/models/team/iris"), ("GET", "/v2/models/team/iris"), ("HEAD", "/v2/models/team/iris")]
    assert _requests(settings, *requests) == ["iris", "iris"]


def test_other_paths_may_be_left_out() -> None:
    """A service that does more than predict names the paths that do; those of known servers still count."""
    requests = [("POST", "/predict"), ("POST", "/login"), ("POST", "/v2/models/iris/infer")]
    settings = TraceSettings(paths=(PathPattern("/predict"),))
    assert _requests(settings, *requests) == ["iris", "svc", "svc"]
    assert _requests(replace(settings, other_paths=False), *requests) == ["iris", "svc"]


@pytest.mark.parametrize(("scope", "error"), [("opentelemetry.instrumentation.grpc", "UNKNOWN"), ("mine", "")])
def test_a_handler_that_raised_failed(scope: str, error: str) -> None:
    """Python's gRPC instrumentation leaves code and status as of a success; elsewhere an exception may be handled."""
    attributes = {"rpc.system": "grpc", "rpc.method": "Predict", "rpc.grpc.status_code": 0}
    span = server(attributes, events=[Span.Event(name="exception", attributes=key_values({"exception.type": "E"}))])
    assert next(iter(batch(decode_spans(span, scope=scope)).errors.words), "") == error
