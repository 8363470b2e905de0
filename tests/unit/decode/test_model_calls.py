"""Calls of language models, as spans of every library tell of them."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from model_exporter.batch import TOKENS, Batch, Origin
from model_exporter.decode import Decoded
from otlp_messages import T0_NS, decode_spans, key_values

TRACE, OWN, PARENT = b"t" * 16, b"own-span", b"parent-1"
OPENINFERENCE = {
    "llm.invocation_parameters": '{"model": "gpt-x", "temperature": 0.2}',
    "llm.model_name": "gpt-x-2026",
    "llm.token_count.prompt": 11,
    "llm.token_count.completion": 7,
    "llm.token_count.prompt_details.cache_read": 4,
    "llm.finish_reason": "stop",
    "openinference.span.kind": "LLM",
}
OPENLLMETRY = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-x",
    "gen_ai.response.model": "gpt-x-2026",
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "gen_ai.usage.cache_read.input_tokens": 4,
    "gen_ai.response.finish_reasons": ["stop"],
}
OLDER = {
    "llm.request.type": "chat",
    "gen_ai.request.model": "gpt-x",
    "gen_ai.response.model": "gpt-x-2026",
    "gen_ai.usage.prompt_tokens": 11,
    "gen_ai.usage.completion_tokens": 7,
    "gen_ai.usage.cache_read_input_tokens": 4,
    "gen_ai.completion.0.finish_reason": "stop",
}
MLFLOW = {
    "mlflow.spanType": '"CHAT_MODEL"',
    "model": '"gpt-x"',
    "mlflow.llm.model": '"gpt-x-2026"',
    "mlflow.chat.tokenUsage": '{"input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 4}',
    "mlflow.spanOutputs": '{"id": "c-1", "choices": [{"finish_reason": "stop"}]}',
}
VLLM = {
    "gen_ai.request.id": "cmpl-1",
    "gen_ai.usage.prompt_tokens": 11,
    "gen_ai.usage.completion_tokens": 7,
    "gen_ai.latency.time_in_queue": 0.01,
    "gen_ai.latency.time_to_first_token": 0.125,
    "gen_ai.latency.e2e": 0.25,
}
"""As vLLM 0.29 sets them (vllm/tracing): no model."""


def span(attributes: Mapping[str, object], **fields: Any) -> Span:
    """A span of a quarter of a second within another."""
    given: dict[str, Any] = {
        "kind": Span.SPAN_KIND_CLIENT,
        "trace_id": TRACE,
        "span_id": OWN,
        "parent_span_id": PARENT,
        "attributes": key_values(attributes),
        "start_time_unix_nano": T0_NS,
        "end_time_unix_nano": T0_NS + 250_000_000,
    }
    return Span(**(given | fields))


def batch(decoded: Decoded) -> Batch:
    """The only batch."""
    (found,) = decoded.batches
    return found


def tokens(decoded: Decoded) -> dict[str, float]:
    """Tokens of the only call, of the kinds that it tells."""
    calls = batch(decoded).calls
    assert calls is not None
    told = zip(TOKENS, calls.tokens[0].tolist(), strict=True)
    return {kind: count for kind, count in told if not math.isnan(count)}


@pytest.mark.parametrize("kind", [Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT])
@pytest.mark.parametrize("attributes", [OPENINFERENCE, OPENLLMETRY, OLDER, MLFLOW])
def test_a_call_is_a_prediction_of_the_model_that_was_asked_for(attributes: Mapping[str, object], kind: Any) -> None:
    """The model that answered is its version; the service that called is not its service."""
    decoded = decode_spans(span(attributes, kind=kind), resource={"service.name": "chatbot", "model.version": "9"})
    found = batch(decoded)
    assert (found.model, found.version, found.service, found.origin) == ("gpt-x", "gpt-x-2026", "", Origin.SPAN)
    assert found.latency_seconds.tolist() == [0.25]
    assert found.columns == ()
    assert tokens(decoded) == {"input": 11, "output": 7, "cached": 4}
    assert found.calls
    assert found.calls.finish_reasons.words == ("stop",)
    assert decoded.accepted == 1


def test_a_call_of_a_client_is_also_a_call_to_an_upstream() -> None:
    """It is one record, and two things are told of it; only within another span, as for any upstream."""
    decoded = decode_spans(span(OPENLLMETRY | {"server.address": "api"}), resource={"service.name": "chatbot"})
    (upstream,) = decoded.upstreams
    assert (upstream.service, upstream.upstreams.words) == ("chatbot", ("api",))
    assert decoded.accepted == 1
    assert decode_spans(span(OPENLLMETRY, parent_span_id=b"")).upstreams == ()


@pytest.mark.parametrize(
    "attributes",
    [
        {"openinference.span.kind": "CHAIN", "llm.model_name": "gpt-x"},
        {"openinference.span.kind": "AGENT"},
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-x", "gen_ai.usage.input_tokens": 99},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.request.model": "gpt-x"},
        {"traceloop.span.kind": "workflow", "gen_ai.request.model": "gpt-x"},
        {"openinference.span.kind": "LLM"},
        {"gen_ai.system": "openai"},
    ],
)
def test_what_is_made_of_calls_is_none(attributes: Mapping[str, object]) -> None:
    """Chains, agents and tools sum up calls that are counted; a call without any model cannot be."""
    decoded = decode_spans(span(attributes, kind=Span.SPAN_KIND_INTERNAL))
    assert decoded.accepted == 0
    assert decoded.ignored == {"not_a_prediction": 1}


def test_other_inner_spans_are_not_looked_into() -> None:
    """They are ignored by their kind, as ever."""
    internal = Span.SPAN_KIND_INTERNAL
    decoded = decode_spans(span({"asgi.event.type": "http.send"}, kind=internal), span({}, kind=internal))
    assert decoded.ignored == {"span_kind": 2}


def test_vllm_is_the_model_of_its_service() -> None:
    """It names no model: the service has to, by `OTEL_SERVICE_NAME`."""
    decoded = decode_spans(span(VLLM, kind=Span.SPAN_KIND_SERVER), resource={"service.name": "llama"})
    found = batch(decoded)
    assert (found.model, found.service) == ("", "llama")
    assert tokens(decoded) == {"input": 11, "output": 7}
    assert found.calls
    assert found.calls.first_token_seconds.tolist() == [0.125]
    assert decoded.upstreams == ()


def test_vllm_that_names_its_model() -> None:
    """Its earlier engine did so."""
    decoded = decode_spans(span(VLLM | {"gen_ai.response.model": "llama-8b"}, kind=Span.SPAN_KIND_SERVER))
    assert (batch(decoded).model, batch(decoded).version) == ("llama-8b", "")


@pytest.mark.parametrize(
    ("attributes", "events", "seconds"),
    [
        ({"gen_ai.response.time_to_first_chunk": 0.1}, [], 0.1),
        ({"ai.response.msToFirstChunk": 100}, [], 0.1),
        ({}, ["First Token Stream Event"], 0.1),
        ({}, ["gen_ai.content.completion.chunk"] * 3, 0.1),
        ({}, ["something else"], math.nan),
        ({}, [], math.nan),
    ],
)
def test_time_to_the_first_token(attributes: Mapping[str, object], events: list[str], seconds: float) -> None:
    """Told in seconds, in milliseconds, or by the first of the events that tell of parts of the answer."""
    told = [Span.Event(name=name, time_unix_nano=T0_NS + 100_000_000 * (i + 1)) for i, name in enumerate(events)]
    calls = batch(decode_spans(span({**OPENLLMETRY, **attributes}, events=told))).calls
    assert calls
    np.testing.assert_allclose(calls.first_token_seconds, [seconds])


@pytest.mark.parametrize(
    "wrong", [-1, "many", True, math.nan, math.inf, 1e300, 2.5, ["11"], {"a": 1}, b"11", "9" * 5000]
)
def test_a_usage_that_cannot_be_right_is_left_out(wrong: object) -> None:
    """And counted; the call still counts."""
    decoded = decode_spans(span(OPENLLMETRY | {"gen_ai.usage.input_tokens": wrong}))
    assert tokens(decoded) == {"output": 7, "cached": 4}
    assert decoded.dropped_values == {"bad_usage": 1}


@pytest.mark.parametrize("wrong", [-0.5, math.nan, "soon", 1e9, True, [1]])
def test_a_first_token_that_cannot_be_right_is_left_out(wrong: object) -> None:
    """The same for its time."""
    decoded = decode_spans(span(OPENLLMETRY | {"gen_ai.response.time_to_first_chunk": wrong}))
    assert decoded.dropped_values == {"bad_usage": 1}
    assert batch(decoded).rows == 1


def test_an_event_before_its_span_tells_no_time() -> None:
    """A clock jumped."""
    early = Span.Event(name="First Token Stream Event", time_unix_nano=T0_NS - 1)
    assert decode_spans(span(OPENLLMETRY, events=[early])).dropped_values == {"bad_usage": 1}


@pytest.mark.parametrize(
    ("told", "word", "dropped"),
    [
        (["stop", "length"], "stop", None),
        ('["tool_calls"]', "tool_calls", None),
        ("FinishReason.STOP", "stop", None),
        ("Dear Sir, here is the answer you asked for", "_other", {"bad_usage": 1}),
        ([5], "_other", {"bad_usage": 1}),
        ([], None, None),
        ('["stop"', None, {"bad_json": 1}),
    ],
)
def test_finish_reasons_are_words(told: object, word: str | None, dropped: object) -> None:
    """Of several choices the first; anything longer could be somebody's text."""
    decoded = decode_spans(span(OPENLLMETRY | {"gen_ai.response.finish_reasons": told}))
    calls = batch(decoded).calls
    assert calls
    assert calls.finish_reasons.words == ((word,) if word else ())
    assert decoded.dropped_values == dropped


def test_json_that_is_too_long_is_not_parsed() -> None:
    """What it would have told is missing, and counted."""
    answer = json.dumps({"choices": [{"finish_reason": "stop", "message": "x" * 300_000}]})
    decoded = decode_spans(span({"openinference.span.kind": "LLM", "llm.model_name": "m", "output.value": answer}))
    assert decoded.dropped_values == {"json_too_long": 1}
    assert batch(decoded).rows == 1


def test_a_failed_call_has_its_error() -> None:
    """And no version, since nobody answered."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-x", "error.type": "RateLimitError"}
    found = batch(decode_spans(span(attributes, status=Status(code=Status.STATUS_CODE_ERROR))))
    assert (found.model, found.version, found.errors.words) == ("gpt-x", "", ("RateLimitError",))


def test_spans_that_tell_of_one_call_can_be_recognised() -> None:
    """By the span around them, or by the id of the answer with its sizes; not in another trace."""
    answered = {**OPENLLMETRY, "gen_ai.response.id": "c-1"}
    beside = {**OPENINFERENCE, "output.value": '{"id": "c-1"}'}
    wrapped = json.dumps({"generations": [[{"message": {"kwargs": {"response_metadata": {"id": "c-1"}}}}]]})
    outer = batch(decode_spans(span(answered, span_id=PARENT, parent_span_id=b"")))
    inner = batch(decode_spans(span(beside, kind=Span.SPAN_KIND_INTERNAL)))
    chain = batch(decode_spans(span({**OPENINFERENCE, "output.value": wrapped}, kind=Span.SPAN_KIND_INTERNAL)))
    other = batch(decode_spans(span(answered, trace_id=b"o" * 16)))
    assert outer.calls and inner.calls and chain.calls and other.calls  # noqa: PT018  # for mypy
    assert inner.calls.within.tolist() == outer.keys.tolist()
    assert outer.calls.within.tolist() == [0]
    assert outer.calls.answers.tolist() == inner.calls.answers.tolist() == chain.calls.answers.tolist()
    assert other.calls.answers.tolist() != outer.calls.answers.tolist()
