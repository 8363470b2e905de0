"""Whatever attributes a span of a traced call has, decoding loses nothing else and lets nothing impossible through."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from model_exporter.decode import call_names, mlflow
from model_exporter.decode.model_calls import MAX_TOKENS
from otlp_messages import T0_NS, decode_spans, key_values

NAMES = sorted(
    {*call_names.WANTED, "mlflow.spanInputs", "mlflow.traceRequestId", "model.name", "model.version", "gen_ai.prompt"}
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.sampled_from(
        ["LLM", '"LLM"', "chat", "gpt-x", "1e999", "-1", "[" * 5000, '{"a":' * 500, '{"model": 5}', "null"]
    ),
    st.recursive(
        st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=4)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    ).map(json.dumps),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.text(max_size=4), SCALARS, max_size=3))


@settings(max_examples=300)
@given(
    attributes=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8),
    kind=st.integers(0, 5),
    scope=st.sampled_from(["", mlflow.SCOPE, "openinference.instrumentation.openai"]),
    start=st.sampled_from([0, T0_NS, 2**64 - 1]),
    event=st.sampled_from([0, T0_NS, T0_NS + 1, 2**64 - 1]),
)
def test_any_attributes(attributes: dict[str, object], kind: int, scope: str, start: int, event: int) -> None:
    """The good span beside it counts, and every span is accounted for: accepted, ignored or rejected."""
    given_ids = {"trace_id": b"t" * 16, "parent_span_id": b"p" * 8, "end_time_unix_nano": T0_NS + 2}
    mutated = Span(
        kind=kind,  # type: ignore[arg-type]  # any number is allowed on the wire
        span_id=b"a" * 8,
        attributes=key_values(attributes),
        start_time_unix_nano=start,
        events=[Span.Event(name="First Token Stream Event", time_unix_nano=event)],
        **given_ids,  # type: ignore[arg-type]  # fields of different types
    )
    good = Span(
        kind=Span.SPAN_KIND_CLIENT,
        span_id=b"b" * 8,
        start_time_unix_nano=T0_NS,
        attributes=key_values({"gen_ai.operation.name": "chat", "gen_ai.request.model": "good"}),
        **given_ids,  # type: ignore[arg-type]  # fields of different types
    )
    decoded = decode_spans(mutated, good, resource={"service.name": "svc"}, scope=scope)
    assert sum(batch.rows for batch in decoded.batches if batch.model == "good") >= 1
    assert decoded.accepted + decoded.rejected + sum((decoded.ignored or {}).values()) >= 2
    for batch in decoded.batches:
        if batch.calls:
            tokens, wait = batch.calls.tokens, batch.calls.first_token_seconds
            assert np.all(np.isnan(tokens) | ((tokens >= 0) & (tokens <= MAX_TOKENS)))
            assert np.all(np.isnan(wait) | ((wait >= 0) & (wait < np.inf)))
            assert all(len(word) <= 32 for word in batch.calls.finish_reasons.words)
