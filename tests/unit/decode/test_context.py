"""What stands beside the features and outputs of a prediction's record."""

import json

import pytest

from model_exporter.batch import Outcome, Role
from model_exporter.decode import Decoded
from model_exporter.decode.context import MAX_ITEMS
from model_exporter.ports import Encoding, Signal
from otlp_messages import (
    T0_NS,
    cells,
    decode_json,
    decode_logs,
    log_record,
    logs_request,
    otlp_json,
    outputs,
    prediction,
)


def context(decoded: Decoded, row: int = 0) -> dict[str, object]:
    """Context cells of a row of the only batch."""
    (batch,) = decoded.batches
    return cells(batch, Role.CONTEXT, row)


def posted(*records: object) -> Decoded:
    """What the native door makes of `records`, one a line."""
    body = b"\n".join(json.dumps(record).encode() for record in records)
    return decode_json(Signal.PREDICTIONS, body, Encoding.JSON_LINES)


def both(**attributes: object) -> list[Decoded]:
    """One prediction as protobuf, as OTLP/JSON and through the native door."""
    record = prediction(**attributes)
    native = {"model": "fraud"} | {key.replace("__", "."): value for key, value in attributes.items()}
    return [
        decode_logs(record),
        decode_json(Signal.LOGS, otlp_json(logs_request(record))),
        posted(native),
    ]


def test_segments_are_flat_keys_a_map_or_a_map_as_text() -> None:
    """Flat keys win; every codec says the same."""
    for decoded in both(score=0.5, segment__region="eu", segments={"region": "us", "age": 31}):
        assert context(decoded) == {"segment.region": "eu", "segment.age": 31.0}
        assert outputs(decoded) == {"score": 0.5}
    assert context(decode_logs(prediction(score=1.0, segment='{"tier": "gold"}'))) == {"segment.tier": "gold"}


def test_the_body_may_carry_segments_too() -> None:
    """Those of the attributes win over those of the body, and the others stay."""
    body = {"score": 0.5, "segment.region": "us", "segment.tier": "gold"}
    decoded = decode_logs(log_record({"segment.region": "eu"}, body=body, event_name="model.prediction"))
    assert context(decoded) == {"segment.region": "eu", "segment.tier": "gold"}


@pytest.mark.parametrize(
    "attributes",
    [
        {"lower": 1, "upper": 3.0},
        {"prediction__lower": "1", "prediction__upper": "3"},
        {"interval": {"lower": 1, "upper": 3}},
        {"interval": [1, 3]},
        {"prediction_interval": "[1, 3]"},
        {"interval": [0, 3], "lower": 1},
    ],
)
def test_an_interval_has_two_ends_however_it_is_written(attributes: dict[str, object]) -> None:
    """Aliases, a map, a pair, text; an end that is told by itself wins."""
    for decoded in both(prediction=2.0, **attributes):
        assert context(decoded) == {"lower": 1.0, "upper": 3.0}


def test_a_forecast_says_how_far_it_looks_and_what_a_naive_one_would_say() -> None:
    """The horizon stays as it is, text or number."""
    for decoded in both(prediction=2.0, horizon="24h", naive=1.5):
        assert context(decoded) == {"horizon": "24h", "naive": 1.5}


@pytest.mark.parametrize(
    "attributes",
    [{"lower": "low"}, {"naive": True}, {"segments": [1]}, {"segment": "gold"}, {"interval": 3}, {"interval": [1]}],
)
def test_what_cannot_be_read_is_left_out_and_counted(attributes: dict[str, object]) -> None:
    """The prediction itself is kept."""
    for decoded in both(prediction=2.0, **attributes):
        assert context(decoded) == {}
        assert outputs(decoded) == {"prediction": 2.0}
        assert decoded.dropped_values == {"bad_context": 1}


def test_context_counts_among_the_values_of_a_record() -> None:
    """It has the room that outputs and inputs leave."""
    record = prediction(score=0.5, features={"a": 1}, segment__x="1", segment__y="2")
    decoded = decode_logs(record, record_attributes=3)
    assert context(decoded) == {"segment.x": "1"}
    assert decoded.dropped_values == {"attribute_limit": 1}


def test_rows_without_context_have_none() -> None:
    """Rows before and after the first that has any."""
    decoded = posted(
        {"model": "m", "score": 1}, {"model": "m", "score": 2, "segment.a": "x"}, {"model": "m", "score": 3}
    )
    assert [context(decoded, row) for row in range(3)] == [{}, {"segment.a": "x"}, {}]


@pytest.mark.parametrize(
    ("told", "items"),
    [
        (["b", "a"], ("b", "a")),
        ([3, 1], ("3", "1")),
        ('["b", "a"]', ("b", "a")),
        ([{"item": "b", "score": 0.9}, {"item": "a", "score": 0.1}], ("b", "a")),
    ],
)
def test_a_list_as_prediction_is_a_ranking(told: object, items: tuple[str, ...]) -> None:
    """Of texts, whole numbers or maps that name an item; it is no output any more."""
    for decoded in both(prediction=told, score=0.5):
        assert decoded.batches[0].rankings == (items,)
        assert outputs(decoded) == {"score": 0.5}
    assert decode_logs(prediction(prediction=told)).batches[0].rankings == (items,)


@pytest.mark.parametrize("told", [[0.25, 0.75], ["a", None], [], [[1]], "[0.25, 0.75]", "[oops", "plain"])
def test_other_lists_are_no_rankings(told: object) -> None:
    """Probabilities as a prediction stay what they were."""
    for decoded in both(prediction=told):
        assert decoded.batches[0].rankings == ()
        assert list(outputs(decoded)) == ["prediction"]


def test_a_ranking_is_bounded() -> None:
    """Further items are dropped and counted."""
    for decoded in both(prediction=[f"item{place}" for place in range(MAX_ITEMS + 7)]):
        assert len(decoded.batches[0].rankings[0]) == MAX_ITEMS
        assert decoded.dropped_values == {"ranking_limit": 7}


def test_rows_without_a_ranking_have_an_empty_one() -> None:
    """Before and after the first row that has one."""
    records = [{"model": "m", "prediction": told} for told in (1, ["a"], 2)]
    assert posted(*records).batches[0].rankings == ((), ("a",), ())


def test_an_item_that_utf_8_cannot_carry_keeps_its_escape() -> None:
    """As texts of columns do, so that the facts of the row can be kept."""
    decoded = decode_json(Signal.PREDICTIONS, b'{"model": "m", "prediction": ["\\ud800"]}')
    assert decoded.batches[0].rankings == (("\\ud800",),)


@pytest.mark.parametrize("key", ["outcome", "label"])
def test_an_outcome_on_the_prediction_record_has_its_id(key: str) -> None:
    """It counts as one record, and business values come with it."""
    decoded = decode_logs(
        prediction(prediction__id="p1", score=0.5, value__loss=2, **{key: "fraud"}),
    )
    assert decoded.outcomes == (Outcome("fraud", "p1", None, "fraud", (("loss", 2.0),)),)
    assert decoded.batches[0].ids == ("p1",)
    assert decoded.accepted == 1


def test_a_record_without_an_id_gets_one_for_its_outcome() -> None:
    """The same for the prediction and the outcome, and another one for every record."""
    decoded = posted(*[{"model": "m", "score": 0.5, "label": 1}] * 2)
    first, second = decoded.batches[0].ids
    assert (first, second) == tuple(outcome.prediction_id for outcome in decoded.outcomes)
    assert first != second
    assert all(decoded.batches[0].keys)


def test_a_repeated_record_gets_the_same_made_id() -> None:
    """As far as its time and its span tell that it is the same one."""
    record = log_record(
        {"score": 0.5, "label": 1}, event_name="model.prediction", time_ns=T0_NS, trace_id=b"t" * 16, span_id=b"s" * 8
    )
    assert decode_logs(record).batches[0].ids == decode_logs(record).batches[0].ids != ("",)


def test_rows_of_one_request_have_outcomes_of_their_own() -> None:
    """The id of the request, which they share, would give each row the outcome of the last."""
    decoded = posted(*({"model": "m", "request_id": "r", "score": 0.5, "label": label} for label in (0, 1)))
    assert len(set(decoded.batches[0].ids)) == 2


@pytest.mark.parametrize(("label", "dropped"), [(None, None), ("", None), ([0.5], {"bad_outcome": 1})])
def test_a_label_that_says_nothing_is_no_outcome(label: object, dropped: object) -> None:
    """The prediction is kept, and a label that cannot be read is counted."""
    decoded = posted({"model": "m", "id": "p", "score": 0.5, "label": label})
    assert (decoded.outcomes, decoded.batches[0].ids, decoded.dropped_values) == ((), ("p",), dropped)


@pytest.mark.parametrize(
    ("told", "items"),
    [
        (["a", "b"], (("a", 1.0), ("b", 1.0))),
        ({"a": 2, "b": 0, "c": 0.5}, (("a", 2.0), ("c", 0.5))),
        ('{"a": 2}', (("a", 2.0),)),
        ("[7]", (("7", 1.0),)),
    ],
)
def test_the_outcome_of_a_ranking_names_relevant_items(told: object, items: object) -> None:
    """A list, or a map to gains; what has no gain is not relevant."""
    body = {"model": "m", "id": "p", "outcome": told}
    (outcome,) = decode_json(Signal.OUTCOMES, body).outcomes
    assert (outcome.value, outcome.items) == (None, items)


@pytest.mark.parametrize("told", [[], {}, {"a": 0}])
def test_nothing_relevant_is_an_outcome(told: object) -> None:
    """It is the value false, since a ranking of which nothing proved relevant is worth knowing of."""
    body = {"model": "m", "id": "p", "outcome": told}
    (outcome,) = decode_json(Signal.OUTCOMES, body).outcomes
    assert (outcome.value, outcome.items) == (False, ())


def test_relevant_items_are_bounded() -> None:
    """As the items of a ranking are."""
    body = {"model": "m", "id": "p", "outcome": [str(item) for item in range(MAX_ITEMS + 3)]}
    decoded = decode_json(Signal.OUTCOMES, body)
    assert len(decoded.outcomes[0].items) == MAX_ITEMS
    assert decoded.dropped_values == {"ranking_limit": 3}
