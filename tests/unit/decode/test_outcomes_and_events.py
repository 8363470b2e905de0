"""Outcomes and events in OTLP logs."""

import math

import pytest

from model_exporter.batch import Event, Outcome
from otlp_messages import T0_NS, decode_logs, log_record


def outcome(**attributes: object) -> dict[str, object]:
    """Attributes of an outcome; `__` stands for a dot."""
    return {"event.name": "model.outcome"} | {key.replace("__", "."): value for key, value in attributes.items()}


def test_an_outcome_names_its_prediction() -> None:
    """With its time, its value and the business values beside it."""
    attributes = outcome(
        model__name="fraud", prediction__id="p1", outcome="fraud", value__loss=12.5, value__reviewed=True
    )
    assert decode_logs(log_record(attributes, time_ns=T0_NS)).outcomes == (
        Outcome("fraud", "p1", 1_800_000_000.0, "fraud", (("loss", 12.5), ("reviewed", 1.0))),
    )


@pytest.mark.parametrize(("value", "kept"), [("x", "x"), (1, 1.0), (0.5, 0.5), (False, False), (0, 0.0)])
def test_an_outcome_is_text_a_number_or_a_boolean(value: object, kept: object) -> None:
    """Integers become floats, as columns have them."""
    (found,) = decode_logs(log_record(outcome(model__name="m", prediction__id="1", label=value))).outcomes
    assert found.value == kept
    assert type(found.value) is type(kept)


@pytest.mark.parametrize("value", [None, "", [0.5], math.nan, math.inf])
def test_an_outcome_needs_a_value(value: object) -> None:
    """Nothing that a prediction could be compared with is no outcome."""
    (rejection,) = decode_logs(log_record(outcome(model__name="m", prediction__id="1", outcome=value))).rejections
    assert rejection.reason == "outcome_without_value"


def test_a_business_value_alone_is_an_outcome() -> None:
    """A sale may come in long before anyone judges the prediction."""
    (found,) = decode_logs(log_record(outcome(prediction__id="1", values={"revenue": "9.5"}))).outcomes
    assert (found.value, found.values) == (None, (("revenue", 9.5),))


def test_an_outcome_needs_an_id() -> None:
    """Without it there is nothing to join."""
    (rejection,) = decode_logs(log_record(outcome(model__name="m", outcome=1))).rejections
    assert rejection.reason == "outcome_without_id"


def test_bad_business_values_are_left_out_and_counted() -> None:
    """The outcome itself is kept."""
    attributes = outcome(prediction__id="1", outcome=1) | {
        "value.a": "many",
        "value.": 1,
        "value." + "k" * 201: 1,
        "value.c": 2,
    }
    decoded = decode_logs(log_record(attributes))
    assert decoded.outcomes[0].values == (("c", 2.0),)
    assert decoded.dropped_values == {"bad_value": 1, "empty_name": 1, "name_too_long": 1}


def test_business_values_are_bounded() -> None:
    """No more of them than a record may have values."""
    decoded = decode_logs(
        log_record(outcome(prediction__id="1", values={str(index): index for index in range(5)})), record_attributes=2
    )
    assert len(decoded.outcomes[0].values) == 2
    assert decoded.dropped_values == {"attribute_limit": 3}


def test_an_outcome_of_a_nameless_model_belongs_to_the_service() -> None:
    """As its predictions do."""
    (found,) = decode_logs(
        log_record(outcome(prediction__id="1", outcome=1)), resource={"service.name": "svc"}
    ).outcomes
    assert found.model == "svc"


def test_a_long_outcome_still_equals_its_prediction() -> None:
    """Columns keep the head and a digest of a long text, and so do outcomes."""
    text = "x" * 500
    decoded = decode_logs(
        log_record(outcome(model__name="m", prediction__id="1", outcome=text)),
        log_record({"model.name": "m", "prediction.id": "1", "prediction": text}),
    )
    texts = decoded.batches[0].columns[0].texts
    assert texts is not None
    assert texts.words == (decoded.outcomes[0].value,)


def test_the_body_may_carry_an_outcome() -> None:
    """Attributes win over it."""
    body = {"prediction.id": "1", "outcome": "a", "value.x": 1, "value.y": 2}
    (found,) = decode_logs(log_record({"value.x": 3}, body=body, event_name="model.outcome")).outcomes
    assert (found.prediction_id, found.value, found.values) == ("1", "a", (("x", 3.0), ("y", 2.0)))


@pytest.mark.parametrize("key", ["change", "event"])
def test_an_event_tells_of_a_change(key: str) -> None:
    """A deployment, a pipeline run or a schema change, however it is spelled."""
    attributes = {"model.name": "fraud", key: "Pipeline", "source": "orders", "model.version": 3}
    decoded = decode_logs(log_record(attributes, event_name="model.event", observed_ns=T0_NS))
    assert decoded.events == (Event("fraud", "pipeline", "3", "orders", 1_800_000_000.0),)


@pytest.mark.parametrize(
    "attributes", [{}, {"change": "rollback"}, {"change": 1}, {"change": "pipeline", "source": "s" * 201}]
)
def test_other_events_are_rejected(attributes: dict[str, object]) -> None:
    """The change is a label value, so its set is fixed."""
    (rejection,) = decode_logs(log_record({"model.name": "m", **attributes}, event_name="model.event")).rejections
    assert rejection.reason == "bad_event"
