"""What the compiled decoder of spans relies on, and what it leaves to the readers in Python."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from unittest import mock

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from model_exporter.config.settings import Limits, TraceSettings
from model_exporter.decode import Decoder, traces
from model_exporter.decode.decoder import HAS_COMPILED
from model_exporter.decode.identity import Source
from model_exporter.decode.rows import Ledger
from model_exporter.decode.spans import CLIENT, CLIENT_NAMES, SERVER, SERVER_NAMES, Requests, Span, SpanReader
from model_exporter.ports import Encoding, Signal
from otlp_messages import T0_NS, calls, key_values, payload, rows, traces_request

needs_compiled = pytest.mark.skipif(not HAS_COMPILED, reason="the compiled decoder is not built")


@pytest.fixture(autouse=True)
def _each_decoder() -> None:
    """Both are asked where there is a difference."""


REQUEST = {"http.request.method": "POST", "url.path": "/v2/models/m/infer"}


class Watched(Mapping[str, object]):
    """Attributes that note what they are asked for."""

    def __init__(self, told: Mapping[str, object]) -> None:
        self._told = told
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> object:
        self.asked.add(key)
        return self._told[key]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a signature does not hold all attributes")

    def __len__(self) -> int:
        raise AssertionError("a signature does not hold all attributes")


@pytest.mark.parametrize(("kind", "known"), [(SERVER, SERVER_NAMES), (CLIENT, CLIENT_NAMES)])
@pytest.mark.parametrize(
    "told",
    [
        {},
        REQUEST,
        REQUEST | {"http.request.method": "GET"},
        {"http.request.method": "POST", "url.path": "/score", "http.response.status_code": 500},
        {"rpc.system": "grpc", "rpc.service": "a.B", "rpc.method": "Infer", "rpc.grpc.status_code": 4},
        {"url.full": "http://h/", "error.type": "Late"},
        {"model.name": "m", "model.version": "1"},
    ],
)
def test_a_span_is_judged_by_what_its_signature_holds(
    kind: int, known: frozenset[str], told: Mapping[str, object]
) -> None:
    """No attribute is looked at that is not named."""
    attributes = Watched(told)
    span = Span(kind, "", b"t", b"s", b"p", 1, 2, is_error=False, attributes=attributes, events=())
    SpanReader(limits=Limits(), requests=Requests(TraceSettings()), ledger=Ledger(Limits())).judged(Source(), span)
    assert attributes.asked <= known


def span(number: int, attributes: Mapping[str, object] = REQUEST, kind: int = SERVER) -> SpanMessage:
    """A span of a tenth of a second."""
    return SpanMessage(
        kind=kind,  # type: ignore[arg-type]  # the number
        trace_id=b"trace",
        span_id=b"%d" % number,
        parent_span_id=b"parent",
        start_time_unix_nano=T0_NS,
        end_time_unix_nano=T0_NS + 100_000_000,
        attributes=key_values(attributes),
    )


def body(*spans: SpanMessage, scope: str = "") -> bytes:
    """A request of them."""
    return traces_request(*spans, resource={"service.name": "s"}, scope=scope).SerializeToString()


@needs_compiled
def test_spans_that_are_told_alike_are_read_once() -> None:
    """By Python; the others have their own times, ids and addresses, and those of other kinds are never read."""
    calling = [{"server.address": "h", "url.full": f"http://h/{number}"} for number in range(3)]
    message = body(
        *(span(number, REQUEST | {"thread.id": number}) for number in range(4)),
        *(span(10 + number, told, CLIENT) for number, told in enumerate(calling)),
        *(span(20 + number, {"a": 1}, 1) for number in range(5)),
        span(30, {"http.request.method": "GET", "url.path": "/healthz"}),
    )
    decoder = Decoder(Limits())
    request = payload(Signal.TRACES, Encoding.PROTOBUF, message)
    decoder.decode(request)
    with mock.patch.object(traces.TraceReader, "read", side_effect=AssertionError):
        decoded = decoder.decode(request)
    assert len({row["key"] for row in rows(decoded)}) == 4
    assert decoded.batches[0].latency_seconds.tolist() == [0.1] * 4
    assert len(calls(decoded)) == 3
    assert decoded.ignored == {"span_kind": 5, "not_a_prediction": 1}


@needs_compiled
@pytest.mark.parametrize(
    ("odd", "scope"),
    [
        pytest.param(span(1, {"gen_ai.request.model": "g", "gen_ai.operation.name": "chat"}, CLIENT), "", id="model"),
        pytest.param(span(1, {"gen_ai.request.model": "g", "gen_ai.operation.name": "chat"}, 1), "", id="internal"),
        pytest.param(span(1, {"mlflow.spanType": '"LLM"'}, 1), "mlflow.tracing", id="mlflow"),
        pytest.param(span(1, {"http.request.method": "POST", "url.path": "/" + "a" * 3000}), "", id="long"),
    ],
)
def test_what_is_odd_is_read_by_python(odd: SpanMessage, scope: str) -> None:
    """Each time, since it depends on more than a signature holds, and with the same result."""
    request = payload(Signal.TRACES, Encoding.PROTOBUF, body(odd, scope=scope))
    decoder, python = Decoder(Limits()), Decoder(Limits(), compiled=False)
    read = mock.patch.object(traces.TraceReader, "read", autospec=True, side_effect=traces.TraceReader.read)
    with read as reading:
        found = [decoder.decode(request) for _ in range(2)]
    assert reading.call_count == 2
    expected = rows(python.decode(request))
    assert [rows(decoded) for decoded in found] == [expected, expected]


def test_modules_that_are_older_than_their_sources_are_told() -> None:
    """By where they are and what to do, when a name that the sources use is not there."""
    stub = "sys.modules['model_exporter.decode._scanner'] = types.ModuleType('model_exporter.decode._scanner')"
    code = f"import sys, types; {stub}; import model_exporter.decode"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode
    assert "RuntimeError: the compiled modules in " in done.stderr
    assert "build them anew with .ci/setup-python dev" in done.stderr
