"""The compiled decoder makes of every request of spans what the one in Python makes of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from accounts import account
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.decode.call_names import SIGNS
from model_exporter.decode.decoder import HAS_COMPILED
from model_exporter.decode.spans import CLIENT_NAMES, SERVER_NAMES
from model_exporter.mapping import Mapping as RecordMapping
from model_exporter.mapping import built_in_mappings
from model_exporter.ports import Encoding, Signal
from otlp_messages import key_values, payload, traces_request
from wire_messages import field, message, varint

pytestmark = pytest.mark.skipif(not HAS_COMPILED, reason="the compiled decoder is not built")

patient = settings(deadline=None)

LIMITS = (Limits(), Limits(name_length=8))


def agree(*bodies: bytes, mappings: Mapping[str, RecordMapping] | None = None) -> None:
    """Hold both decoders to the same, also where the compiled one knows what it was told before."""
    for limits in LIMITS:
        compiled, python = Decoder(limits, mappings), Decoder(limits, mappings, compiled=False)
        for body in (*bodies, *bodies):
            request = payload(Signal.TRACES, Encoding.PROTOBUF, body)
            assert account(compiled, request) == account(python, request)


names = st.sampled_from(sorted({*SERVER_NAMES, *CLIENT_NAMES}))
signs = st.sampled_from(sorted({*SIGNS, "mlflow.spanType", "mlflow.spanInputs"}))
texts = st.sampled_from(
    [
        *("POST", "GET", "HEAD", "/v2/models/m/infer", "/predictions/a/2?x=1", "http://[::1", "https://h:8/score#a"),
        *("", "0", "2", "404", "OK", "a-long-name", "grpc.health.v1.Health", "chat", "LLM", "Timeout"),
    ]
)
values = texts | texts | st.sampled_from([200, 404, 500, 0, -3, True, False, 1.5, float("nan"), float("inf"), 2**62])
nested = st.sampled_from([["a", 1], {"a": "b"}, []])
usual = st.dictionaries(names | names | st.sampled_from(["server.port", "peer", "feature.x"]), values, max_size=6)
attributes = usual | usual | usual | st.dictionaries(names | signs, values | nested, max_size=6)
ids = st.sampled_from([b"", b"one-of-8", b"another8"])
times = st.sampled_from([0, 1, 2**53 - 1, 2**53, 2**53 + 1, 2**63, 2**64 - 1]) | st.integers(
    1_700_000_000_000_000_000, 1_700_000_003_000_000_000
)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A span of any kind, with what readers look at and what they do not."""
    span = Span(
        kind=draw(st.sampled_from([2, 3, 2, 3, 1, 0, 4, 5, 6])),  # type: ignore[arg-type]  # the number
        trace_id=draw(ids),
        span_id=draw(ids),
        parent_span_id=draw(ids),
        name=draw(texts),
        start_time_unix_nano=draw(times),
        end_time_unix_nano=draw(times),
        attributes=key_values(draw(attributes)),
        flags=draw(st.sampled_from([0, 257])),
    )
    if draw(st.booleans()):
        code: Any = draw(st.sampled_from([0, 1, 2, 3]))
        span.status.CopyFrom(Status(code=code, message=draw(texts)))
    for name in draw(st.lists(st.sampled_from(["exception", "other"]), max_size=2)):
        span.events.append(Span.Event(name=name, attributes=key_values({"exception.type": draw(texts)})))
    if draw(st.booleans()):
        span.links.append(Span.Link(trace_id=b"t", trace_state=draw(texts), attributes=key_values(draw(usual))))
    return span


scopes = st.sampled_from(
    [
        *("", "lib", "opentelemetry.instrumentation.asgi", "opentelemetry.instrumentation.grpc", "triton-server"),
        *("mlflow.tracing", "openinference.instrumentation.openai"),
    ]
)
resources = st.fixed_dictionaries(
    {},
    optional={"service.name": texts, "model.name": texts | st.just(3), "model.version": values},
)
requests = st.builds(
    lambda told, resource, scope: traces_request(*told, resource=resource, scope=scope),
    st.lists(spans(), max_size=8),
    resources,
    scopes,
)


@settings(patient, max_examples=300)
@given(parts=st.lists(requests, min_size=1, max_size=3), mapped=st.booleans())
def test_sound_requests(parts: list[ExportTraceServiceRequest], mapped: bool) -> None:  # noqa: FBT001  # hypothesis
    """Spans of several resources and scopes in one request, and in several."""
    bodies = [part.SerializeToString() for part in parts]
    agree(*bodies, b"".join(bodies), mappings=built_in_mappings() if mapped else None)


@settings(patient, max_examples=200)
@given(request=requests, damage=st.data())
def test_damaged_requests(request: ExportTraceServiceRequest, damage: st.DataObject) -> None:
    """The same cut off, with a byte changed, with a piece doubled, left out or made up."""
    body = request.SerializeToString()
    start = damage.draw(st.integers(0, len(body)))
    end = damage.draw(st.integers(start, min(len(body), start + 40)))
    changed = bytes(byte ^ 1 << damage.draw(st.integers(0, 7)) for byte in body[start : start + 1])
    for put in (b"", body[start:end] * 2, damage.draw(st.binary(max_size=4)), changed + body[start + 1 : end]):
        agree(body[:start] + put + body[end:])
    agree(body[:start])


raw_texts = texts.map(str.encode) | st.sampled_from([b"\xff", b"\xc0\x80", b"exception", b"\xf0\x9f\x98\x80"])
raw_values = st.builds(lambda text: field(1, 2, text), raw_texts) | st.sampled_from(
    [
        b"",
        field(3, 0, varint(404)),
        field(2, 0, varint(1)),
        field(1, 2, b"a") + field(3, 0, varint(5)),
        field(1, 0, b"\x01"),
    ]
)
raw_pairs = st.builds(
    lambda key, value, more: field(1, 2, key) + value + more,
    names.map(str.encode) | signs.map(str.encode) | raw_texts,
    st.just(b"") | raw_values.map(lambda value: field(2, 2, value)),
    st.sampled_from([b"", b"", b"", field(1, 2, b"url.path"), field(2, 2, b""), field(3, 0, b"\x01")]),
)
raw_parts = st.one_of(
    raw_pairs.map(lambda pair: field(9, 2, pair)),
    raw_pairs.map(lambda pair: field(9, 2, pair)),
    st.builds(
        lambda value, padding: field(6, 0, varint(value, padding)),
        st.sampled_from([2, 3, 1, 9, 2**63]),
        st.sampled_from([0, 1]),
    ),
    st.builds(lambda code: field(15, 2, field(3, 0, varint(code))), st.sampled_from([0, 1, 2, 2**64 - 1])),
    st.builds(lambda text: field(15, 2, field(2, 2, text)), raw_texts),
    st.builds(lambda name: field(11, 2, field(2, 2, name)), raw_texts),
    st.builds(lambda text, pair: field(13, 2, field(3, 2, text) + field(4, 2, pair)), raw_texts, raw_pairs),
    st.builds(lambda number, text: field(number, 2, text), st.sampled_from([1, 2, 3, 4, 5, 7, 16, 99]), raw_texts),
    st.builds(lambda number, time: field(number, 1, time.to_bytes(8, "little")), st.sampled_from([7, 8]), times),
)
raw_spans = st.lists(raw_parts, max_size=7).map(b"".join)


@settings(patient, max_examples=400)
@given(found=st.lists(raw_spans, max_size=5), kind=st.sampled_from([2, 3, 1]), scope=scopes)
def test_spans_that_no_library_writes(found: list[bytes], kind: int, scope: str) -> None:
    """Fields doubled, out of order, of other types; padded numbers; text that is none."""
    head = field(6, 0, varint(kind)) + field(4, 2, b"p")
    agree(message([(1, message([(2, message([(1, field(1, 2, scope.encode())), *((2, head + s) for s in found)]))]))]))
