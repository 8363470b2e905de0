"""What a model says, as the bodies of its records."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from model_exporter.client import Client, Model, UnsendableError

Body = dict[str, object]


class Told:
    """A model whose records stay in memory."""

    def __init__(self, *, strict: bool = False) -> None:
        self._memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # so the SDK declares it
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(self._memory))
        self.client = Client(provider=provider, strict=strict)
        self.model = Model(
            "fraud", version=1, features=["amount", "country"], classes=["no", "yes"], client=self.client
        )

    @property
    def records(self) -> list[SimpleNamespace]:
        """Event, body and time of each record."""
        return [
            SimpleNamespace(
                event=entry.log_record.event_name,
                body=entry.log_record.body,
                time=entry.log_record.timestamp,
                span=entry.log_record.span_id,
            )
            for entry in self._memory.get_finished_logs()
        ]

    @property
    def body(self) -> Body:
        """The body of the only record."""
        (record,) = self.records
        body: Body = record.body
        return body


@pytest.fixture
def told() -> Told:
    """A lenient client's model."""
    return Told()


def test_a_prediction_has_the_native_names(told: Told) -> None:
    """Each argument comes under the name that the exporter reads."""
    id_ = told.model.log(
        {"amount": np.float32(0.5), "country": "DE", "gone": None},
        prediction="yes",
        score=0.75,
        probabilities=np.array([[0.25, 0.75]]),
        id=5,
        latency=0.125,
        error=ValueError("x"),
        segments={"region": "eu"},
        lower=1,
        upper=2,
        horizon=3,
        naive=4,
        outcome="no",
        time=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert id_ == "5"
    (record,) = told.records
    assert record.event == "model.prediction"
    assert record.time == datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e9
    assert record.body == {
        "model.name": "fraud",
        "model.version": "1",
        "prediction.id": "5",
        "features": {"amount": 0.5, "country": "DE"},
        "prediction": "yes",
        "score": 0.75,
        "probabilities": {"no": 0.25, "yes": 0.75},
        "latency_seconds": 0.125,
        "error.type": "ValueError",
        "segments": {"region": "eu"},
        "lower": 1,
        "upper": 2,
        "horizon": 3,
        "naive": 4,
        "outcome": "no",
    }


def test_an_id_is_made_and_returned(told: Told) -> None:
    """Without an id a prediction gets one that no other has."""
    ids = {told.model.log({"amount": 1}) for _ in range(100)}
    assert len(ids) == 100
    assert {record.body["prediction.id"] for record in told.records} == ids


@pytest.mark.parametrize(
    ("given", "sent"), [("a", "a"), (5, "5"), (5.0, "5"), (np.int64(5), "5"), (UUID(int=5), str(UUID(int=5)))]
)
def test_an_id_is_text_however_it_comes(told: Told, given: object, sent: str) -> None:
    """The same number is the same id at a prediction and at its outcome, whatever its type."""
    assert told.model.log({"amount": 1}, id=given) == sent
    told.model.outcome(given, "yes")
    assert [record.body["prediction.id"] for record in told.records] == [sent, sent]


def test_an_array_of_one_is_its_element(told: Told) -> None:
    """Models answer with arrays, also for one row; a list stays a list, which ranks items."""
    told.model.log(np.array([[1.0, 2.0]]), prediction=np.array([1]), score=np.array([[0.5]]))
    assert (told.body["prediction"], told.body["score"]) == (1, 0.5)
    assert told.body["features"] == {"amount": 1.0, "country": 2.0}


def test_a_list_of_items_stays_one(told: Told) -> None:
    """A recommendation of a single item, too."""
    told.model.log({"user": "u"}, prediction=["a"])
    assert told.body["prediction"] == ["a"]


def test_an_outcome_has_values(told: Told) -> None:
    """Business values are numbers under their names."""
    told.model.outcome("7", np.True_, loss=np.float32(2.5), time=1.0)
    (record,) = told.records
    assert (record.event, record.time) == ("model.outcome", 10**9)
    assert record.body == {
        "model.name": "fraud",
        "model.version": "1",
        "prediction.id": "7",
        "outcome": True,
        "values": {"loss": 2.5},
    }


def test_an_event_says_what_changed(told: Told) -> None:
    """With the version that it is about."""
    told.model.event("deployment", source="argo", version="2")
    (record,) = told.records
    assert record.event == "model.event"
    assert record.body == {"model.name": "fraud", "model.version": "2", "change": "deployment", "source": "argo"}


def test_a_block_is_measured(told: Told) -> None:
    """Its length is the latency, and what it sets is told."""
    with told.model.prediction({"amount": 1}, id="7") as p:
        p.prediction = "no"
        p.segments["region"] = "eu"
        time.sleep(0.02)
    assert p.id == told.body["prediction.id"] == "7"
    assert told.body["prediction"] == "no"
    assert told.body["segments"] == {"region": "eu"}
    latency = told.body["latency_seconds"]
    assert isinstance(latency, float)
    assert latency >= 0.02


def test_an_error_of_a_block_is_told_and_goes_on(told: Told) -> None:
    """The service deals with it as before."""
    with pytest.raises(ZeroDivisionError), told.model.prediction({"amount": 1}) as p:
        p.prediction = 1 / 0
    assert told.body["error.type"] == "ZeroDivisionError"
    assert "prediction" not in told.body


def test_a_cancelled_request_is_no_prediction(told: Told) -> None:
    """Nothing came of it, and the model did nothing wrong."""
    with pytest.raises(asyncio.CancelledError), told.model.prediction({"amount": 1}):
        raise asyncio.CancelledError
    assert told.records == []


def test_a_batch_has_a_record_for_each_row(told: Told) -> None:
    """Columns beside the rows are spread over them, as single values are."""
    ids = told.model.log_batch(
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        prediction=np.array(["yes", "no"]),
        probabilities=np.array([[0.25, 0.75], [0.5, 0.5]]),
        id="request",
        latency=0.5,
        segments={"region": ["eu", "us"], "tier": "gold"},
    )
    assert ids == ["request#0", "request#1"]
    bodies = [record.body for record in told.records]
    assert [body["prediction.id"] for body in bodies] == ids
    assert [body["features"] for body in bodies] == [{"amount": 1.0, "country": 2.0}, {"amount": 3.0, "country": 4.0}]
    assert [body["prediction"] for body in bodies] == ["yes", "no"]
    assert [body["probabilities"] for body in bodies] == [{"no": 0.25, "yes": 0.75}, {"no": 0.5, "yes": 0.5}]
    assert [body["segments"] for body in bodies] == [{"region": "eu", "tier": "gold"}, {"region": "us", "tier": "gold"}]
    assert [body["latency_seconds"] for body in bodies] == [0.5, 0.5]


def test_rows_of_a_batch_may_have_ids(told: Told) -> None:
    """An array of ids is taken as they are; without any each row gets its own."""
    assert told.model.log_batch([{"amount": 1}, {"amount": 2}], id=np.array([7, 8])) == ["7", "8"]
    assert len(set(told.model.log_batch([{"amount": 1}, {"amount": 2}]))) == 2


WRONG: list[tuple[Callable[[Model], object], str]] = [
    (lambda model: model.log(5, prediction="yes"), "unsendable"),
    (lambda model: model.log([1, 2, 3], prediction="yes"), "row_mismatch"),
    (lambda model: model.log({"amount": object()}, prediction="yes"), "unsendable"),
    (lambda model: model.log({}, prediction="yes", id={}), "bad_id"),
    (lambda model: model.log({}, prediction="yes", latency=-1), "bad_latency"),
    (lambda model: model.log({}, prediction="yes", time="now"), "bad_time"),
    (lambda model: model.log({}, prediction="yes", segments=5), "unsendable"),  # type: ignore[arg-type]  # the claim
    (lambda model: model.log({}, prediction="yes", probabilities=[1, 2, 3]), "row_mismatch"),
]


@pytest.mark.parametrize(("act", "reason"), WRONG)
def test_a_bad_argument_costs_itself(told: Told, act: Callable[[Model], str], reason: str) -> None:
    """The prediction is recorded without it, under an id that is returned, and the value is counted."""
    assert act(told.model) == told.body["prediction.id"] != ""
    assert told.body["prediction"] == "yes"
    assert told.client.stats.values_dropped == {reason: 1}
    with pytest.raises(UnsendableError):
        act(Told(strict=True).model)


UNREADABLE: list[Callable[[Model], object]] = [
    lambda model: model.outcome(None, "yes"),
    lambda model: model.outcome({}, "yes"),
    lambda model: model.event("party"),
    lambda model: model.log_batch("text"),
    lambda model: model.log_batch([{"x": 1}], prediction=[1, 2]),
]


@pytest.mark.parametrize("act", UNREADABLE)
def test_a_record_that_says_nothing_is_counted(told: Told, act: Callable[[Model], object]) -> None:
    """An outcome without an id, an unknown change, a batch that cannot be read: no record, and a count."""
    act(told.model)
    assert told.records == []
    assert told.client.stats.dropped == {"unreadable": 1}
    with pytest.raises(UnsendableError):
        act(Told(strict=True).model)


def test_a_record_belongs_to_the_span_of_its_request(told: Told) -> None:
    """Traces and predictions can be brought together."""
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("request") as span:
        told.model.log({"amount": 1})
    assert told.records[0].span == span.get_span_context().span_id


def test_a_given_provider_stays_open(told: Told) -> None:
    """Who made it ends it; the client takes no more."""
    told.model.log({"amount": 1})
    assert told.client.flush()
    told.client.close()
    told.model.log({"amount": 2})
    assert len(told.records) == 1
    assert told.client.stats.recorded == 2
    assert told.client.stats.dropped == {"closed": 1}
