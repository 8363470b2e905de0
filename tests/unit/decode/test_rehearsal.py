"""What would become of records, for the author of a mapping."""

import json

import pytest

from model_exporter.config.settings import Limits
from model_exporter.decode.rehearsal import Fate, Rehearsal, Trial
from model_exporter.mapping import read_mapping
from otlp_messages import log_record, logs_request, otlp_json

MAPPINGS = {
    "acme": read_mapping(
        "acme",
        {
            "when": [{"kind": "scored"}],
            "ignore": "test",
            "fields": {"model": "m", "version": "v", "features": "x[*]", "prediction": "y[*]", "latency_ms": "took"},
        },
    ),
    "logged": read_mapping(
        "logged",
        {"when": [{"event_name": "scored"}], "from": "logs", "fields": {"model": "body.m", "features": "body.x[*]"}},
    ),
}
SCORED = {"kind": "scored", "m": "fraud", "v": "1", "x": [{"a": 1}], "y": [0.5], "took": 3}


def tried(value: object, name: str = "") -> list[Trial]:
    """Every trial of `value` as JSON."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(Rehearsal(MAPPINGS, Limits(), name).try_text(text, "line 1"))


def test_a_record_that_is_mapped_shows_its_rows() -> None:
    """And the fields for which nothing was found."""
    (trial,) = tried({**SCORED, "v": None})
    assert (trial.where, trial.fate, trial.mapping) == ("line 1", Fate.MAPPED, "acme")
    assert trial.rows == [{"model": "fraud", "features": {"a": 1}, "prediction": 0.5, "latency_ms": 3}]
    assert trial.empty == ["version"]


@pytest.mark.parametrize(
    ("change", "fate", "reason"),
    [
        ({"y": [1, 2]}, Fate.REFUSED, "row_mismatch"),
        ({"m": None}, Fate.REFUSED, "model_name"),
        ({"test": True}, Fate.IGNORED, ""),
        ({"kind": "other"}, Fate.REFUSED, "model_name"),
        ({"kind": "other", "model": "own", "prediction": 1}, Fate.NATIVE, ""),
    ],
)
def test_the_fate_of_a_record_is_that_which_the_decoder_has_for_it(
    change: dict[str, object], fate: Fate, reason: str
) -> None:
    """With the reason under which it would be counted."""
    (trial,) = tried({**SCORED, **change})
    assert (trial.fate, [refusal.reason for refusal in trial.refusals]) == (fate, [reason] if reason else [])


def test_a_record_that_nothing_takes_says_why() -> None:
    """Each mapping tells the condition that does not hold."""
    (trial,) = tried({"model": "own", "prediction": 1})
    assert trial.missed == {"acme": "`kind` is 'scored'"}


def test_values_that_are_left_out_are_told() -> None:
    """A latency that is none costs the latency, not the record."""
    (trial,) = tried({**SCORED, "took": "long"})
    assert (trial.fate, trial.left_out) == (Fate.MAPPED, {"bad_latency": 1})


def test_a_named_mapping_is_the_only_one() -> None:
    """What it does not take is refused, as at the door of that name."""
    (trial,) = tried({"model": "own", "prediction": 1}, "acme")
    assert [refusal.reason for refusal in trial.refusals] == ["not_this_mapping"]
    (trial,) = tried(SCORED, "logged")
    assert [refusal.reason for refusal in trial.refusals] == ["not_this_mapping"]


def test_a_list_is_many_records_and_text_that_is_none_is_refused() -> None:
    """Each has its place."""
    trials = tried([SCORED, 5, None])
    assert [(trial.where, trial.fate.value) for trial in trials] == [
        ("record 1", "mapped"),
        ("record 2", "refused"),
        ("record 3", "refused"),
    ]
    (trial,) = tried(b"{")
    assert [refusal.reason for refusal in trial.refusals] == ["malformed_record"]


def test_a_request_of_otlp_is_taken_apart() -> None:
    """Its records start from the same paths as they do at the door."""
    request = logs_request(log_record({}, event_name="scored", body={"m": "fraud", "x": [{"a": 1}]}), log_record({}))
    mapped, other = tried(otlp_json(request))
    assert (mapped.where, mapped.fate, len(mapped.rows)) == ("line 1, log 1", Fate.MAPPED, 1)
    assert (other.fate, other.missed) == (Fate.UNMAPPED, {"logged": "`event_name` is 'scored'"})
    (broken,) = tried({"resourceLogs": 5})
    assert broken.fate is Fate.REFUSED
