"""Records of other systems at the decoder."""

import json

import pytest

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.errors import DecodeError
from model_exporter.mapping import read_mapping
from model_exporter.ports import Door, Encoding, Payload, Signal

MAPPINGS = {
    "scored": read_mapping(
        "scored",
        {
            "when": ["scored"],
            "ignore": "test",
            "fields": {
                "model": "scored.by",
                "id": "id",
                "features": "x[*]",
                "prediction": "y[*]",
                "start_time": "began",
                "end_time": "ended",
            },
        },
    ),
    "truth": read_mapping(
        "truth", {"when": ["truth"], "event": "outcome", "fields": {"model": "m", "id": "id", "outcome": "truth"}}
    ),
}
SCORED = {"scored": {"by": "fraud"}, "id": "r", "x": [{"a": 1}, {"a": 2}], "y": [0, 1], "began": 10, "ended": 10.5}


def decode(*records: object, mapping: str = "") -> Decoded:
    """`records` as JSON lines through the decoder."""
    body = "\n".join(map(json.dumps, records)).encode()
    payload = Payload(Door.HTTP, Signal.RECORDS, Encoding.JSON_LINES, body, 0.0, mapping=mapping)
    return Decoder(Limits(), MAPPINGS).decode(payload)


def test_each_record_is_read_by_the_mapping_that_takes_it() -> None:
    """Predictions, outcomes and native records may come in one body."""
    decoded = decode(SCORED, {"truth": 1, "m": "fraud", "id": "r#0"}, {"model": "own", "prediction": 1})
    assert [(batch.model, batch.rows) for batch in decoded.batches] == [("fraud", 2), ("own", 1)]
    assert decoded.batches[0].ids == ("r#0", "r#1")
    assert decoded.batches[0].latency_seconds.tolist() == [0.5, 0.5]
    assert [outcome.prediction_id for outcome in decoded.outcomes] == ["r#0"]


def test_a_record_that_a_mapping_cannot_read_costs_no_other() -> None:
    """It is refused by its reason, with its place."""
    decoded = decode(SCORED, {**SCORED, "y": [1]}, {**SCORED, "id": "s"})
    assert [(rejection.reason, rejection.records) for rejection in decoded.rejections] == [("row_mismatch", 1)]
    assert "line 2" in decoded.rejections[0].message
    assert decoded.accepted == 4


def test_records_that_should_not_count_are_ignored() -> None:
    """And counted as such."""
    assert decode({**SCORED, "test": True}).ignored == {"unwanted": 1}


def test_a_named_mapping_refuses_what_is_not_its_own() -> None:
    """Nothing else is tried."""
    decoded = decode({"model": "own", "prediction": 1}, SCORED, mapping="scored")
    assert [(rejection.reason, rejection.records) for rejection in decoded.rejections] == [("not_this_mapping", 1)]
    assert decoded.accepted == 2


def test_an_unknown_mapping_refuses_the_request() -> None:
    """Its sender is told which there are."""
    with pytest.raises(DecodeError, match="there are scored, truth"):
        decode(SCORED, mapping="other")
