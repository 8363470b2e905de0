"""Predictions that MLflow traces, whose attributes are all JSON."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from model_exporter.batch import Origin
from model_exporter.decode import Decoded
from otlp_messages import T0_NS, decode_spans, key_values

SCOPE = "mlflow.tracing.provider"
NAMED = {"model.name": '"iris"', "model.version": "3"}


def traced(inputs: object, outputs: object, attributes: Mapping[str, object] = NAMED, **fields: Any) -> Decoded:
    """What becomes of one outermost span."""
    told = {
        "mlflow.traceRequestId": '"tr-1"',
        "mlflow.spanType": '"UNKNOWN"',
        "mlflow.spanInputs": json.dumps(inputs),
        "mlflow.spanOutputs": json.dumps(outputs),
        **attributes,
    }
    given: dict[str, Any] = {
        "kind": Span.SPAN_KIND_INTERNAL,
        "trace_id": b"t" * 16,
        "span_id": b"s" * 8,
        "attributes": key_values(told),
        "start_time_unix_nano": T0_NS,
        "end_time_unix_nano": T0_NS + 250_000_000,
    }
    return decode_spans(Span(**(given | fields)), resource={"service.name": "flowers"}, scope=SCOPE)


def test_arguments_are_features_and_what_is_returned_is_the_prediction() -> None:
    """With the latency of the span and the id of the trace, by which outcomes can follow."""
    decoded = traced({"length": 5.1, "site": "DE"}, {"label": "setosa", "score": 0.9})
    (batch,) = decoded.batches
    assert (batch.model, batch.version, batch.service, batch.origin) == ("iris", "3", "flowers", Origin.LOG)
    assert batch.ids == ("tr-1",)
    assert batch.latency_seconds.tolist() == [0.25]
    assert {column.name for column in batch.columns} == {"length", "site", "prediction", "score"}


@pytest.mark.parametrize(
    ("inputs", "outputs", "names"),
    [
        ({"rows": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}, [0, 1], {"a", "b", "prediction"}),
        ([{"a": 1}, {"a": 2}], {"predictions": [0, 1]}, {"a", "prediction"}),
        ({"x": [[1, 2], [3, 4]]}, [0, 1], {"0", "1", "prediction"}),
        ({"x": [1, 2]}, [0, 1], {"0", "prediction"}),
    ],
)
def test_many_rows(inputs: object, outputs: object, names: set[str]) -> None:
    """One argument may hold them all; each row has an id."""
    (batch,) = traced(inputs, outputs).batches
    assert batch.ids == ("tr-1#0", "tr-1#1")
    assert {column.name for column in batch.columns} == names


def test_an_array_of_scores_is_one_prediction() -> None:
    """Of the one row there is."""
    (batch,) = traced({"a": 1.0}, [0.2, 0.8]).batches
    assert {column.name for column in batch.columns} == {"a", "probabilities.0", "probabilities.1"}


@pytest.mark.parametrize("kind", ['"CHAIN"', '"AGENT"', '"LLM"', '"CHAT_MODEL"'])
def test_of_what_talks_nothing_is_read(kind: str) -> None:
    """Its traffic counts, by the name of the service when it names no model."""
    (batch,) = traced({"size": 5}, 1.5, {"mlflow.spanType": kind}).batches
    assert (batch.model, batch.service, batch.origin, batch.columns) == ("", "flowers", Origin.SPAN, ())


@pytest.mark.parametrize("attributes", [{}, NAMED])
@pytest.mark.parametrize("question", ["hi", "What is the airspeed velocity of an unladen swallow?", "x" * 65])
def test_prompts_are_no_categories(question: str, attributes: Mapping[str, object]) -> None:
    """Whatever their length, by the name that they go by."""
    decoded = traced({"question": question}, question, attributes)
    (batch,) = decoded.batches
    assert all(column.role.value != "input" for column in batch.columns)
    assert question not in {word for column in batch.columns if column.texts for word in column.texts.words} or (
        attributes and question == "hi"  # a class of a model that is named may be a short text
    )


def test_texts_of_a_service_that_names_no_model_are_left_out() -> None:
    """Nothing tells a category from a question."""
    decoded = traced({"amount": 5.0, "site": "DE"}, "yes", {})
    (batch,) = decoded.batches
    assert [column.name for column in batch.columns] == ["amount"]
    assert decoded.dropped_values == {"free_text": 2}


@pytest.mark.parametrize("kind", ['"TOOL"', '"RETRIEVER"', '"PARSER"', '"EVALUATOR"'])
def test_parts_are_no_predictions(kind: str) -> None:
    """Even where they stand alone."""
    assert traced({"a": 1}, 1, {"mlflow.spanType": kind}).ignored == {"not_a_prediction": 1}


def test_within_another_span_only_what_names_a_model_counts() -> None:
    """And not for the service, whose model is another."""
    assert traced({"a": 1}, 1, {}, parent_span_id=b"p" * 8).ignored == {"not_a_prediction": 1}
    (batch,) = traced({"a": 1}, 1, parent_span_id=b"p" * 8).batches
    assert (batch.model, batch.service) == ("iris", "")


def test_tags_of_the_trace_name_the_model_too() -> None:
    """They come as plain text under a prefix."""
    (batch,) = traced({"a": 1}, 1, {"mlflow.traceTag.model.name": "prices"}).batches
    assert batch.model == "prices"


def test_an_error_counts_without_an_output() -> None:
    """By the type of the exception."""
    raised = Span.Event(name="exception", attributes=key_values({"exception.type": "ValueError"}))
    status = Status(code=Status.STATUS_CODE_ERROR)
    (batch,) = traced({"a": 1}, None, status=status, events=[raised]).batches
    assert batch.errors.words == ("ValueError",)


@pytest.mark.parametrize(
    ("text", "dropped"), [('{"a": ', {"bad_json": 1}), ("[" * 100_000, {"bad_json": 1}), ('"' * 2_000_000, "long")]
)
def test_inputs_that_cannot_be_read_are_left_out(text: str, dropped: object) -> None:
    """The prediction counts all the same."""
    decoded = traced(None, 1.5, {**NAMED, "mlflow.spanInputs": text})
    assert decoded.dropped_values == ({"json_too_long": 1} if dropped == "long" else dropped)
    assert decoded.accepted == 1


def test_rows_beyond_the_limit_are_left_out() -> None:
    """And counted."""
    decoded = traced([{"a": 1}] * 10_001, None)
    assert decoded.accepted == 10_000
    assert decoded.dropped_values == {"too_many_rows": 1}


def test_spans_in_the_conventions_of_opentelemetry_have_traffic() -> None:
    """With MLFLOW_ENABLE_OTEL_GENAI_SEMCONV there are no inputs to read."""
    span = Span(
        kind=Span.SPAN_KIND_INTERNAL,
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        attributes=key_values({"gen_ai.operation.name": "UNKNOWN", "model.name": '"iris"'}),
        start_time_unix_nano=T0_NS,
        end_time_unix_nano=T0_NS + 1,
    )
    decoded = decode_spans(span, resource={"service.name": "flowers"}, scope=SCOPE)
    assert [(batch.model, batch.rows) for batch in decoded.batches] == [("iris", 1)]
