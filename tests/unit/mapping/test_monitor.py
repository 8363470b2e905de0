"""Rows of BentoML's monitor in files."""

import json
from math import nan

import pytest

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.errors import MappingError
from model_exporter.mapping import built_in_mappings, parse_path
from model_exporter.ports import Door, Encoding, Payload, Signal

ROW = {"size": 5.1, "class": "a", "timestamp": "2026-11-26T12:14:39.933448", "request_id": "871", "trace_id": "0"}
COLUMNS = {
    "size": ("feature", "numerical"),
    "class": ("prediction", "categorical"),
}


def schema(columns: dict[str, tuple[str, str]], version: str = "v1") -> str:
    """A line of a schema file."""
    described = [{"name": name, "role": role, "type": kind} for name, (role, kind) in columns.items()]
    return json.dumps({"meta_data": {"bento_name": "iris", "bento_version": version}, "columns": described})


def decode(*lines: str, told: str | None) -> Decoded:
    """`lines` of a data file beside the schema `told`."""
    context = {"model": "iris_monitor"} | ({} if told is None else {"schema": told})
    body = "\n".join(lines).encode()
    payload = Payload(
        Door.HTTP, Signal.RECORDS, Encoding.JSON_LINES, body, 0.0, mapping="bentoml_files", context=context
    )
    return Decoder(Limits(), built_in_mappings()).decode(payload)


def reasons(decoded: Decoded) -> list[tuple[str, int]]:
    """Why records were refused, and how many."""
    return [(rejection.reason, rejection.records) for rejection in decoded.rejections]


@pytest.mark.parametrize(
    ("role", "kind", "cell", "told"),
    [
        ("feature", "numerical", "2.5", {"features": {"x": 2.5}}),
        ("feature", "numerical", "?", {"features": {"x": "?"}}),
        ("feature", "categorical", 3, {"features": {"x": "3"}}),
        ("feature", "categorical", 3.0, {"features": {"x": "3"}}),
        ("feature", "categorical", 0.5, {"features": {"x": "0.5"}}),
        ("feature", "categorical", True, {"features": {"x": "true"}}),
        ("feature", "categorical", nan, {"features": {"x": None}}),
        ("feature", "categorical", 2**80, {"features": {"x": str(2**80)}}),
        ("feature", "numerical_sequence", [1, 2], {}),
        ("prediction", "numerical", 2, {"prediction": 2}),
        ("prediction", "numerical_sequence", [0.5, 0.5], {"probabilities": [0.5, 0.5]}),
        ("target", "categorical", "a", {"outcome": "a"}),
        ("segment", "categorical", "DE", {"segments": {"x": "DE"}}),
        ("something", "categorical", "DE", {}),
    ],
)
def test_columns_are_what_their_roles_and_types_say(
    role: str, kind: str, cell: object, told: dict[str, object]
) -> None:
    """As they are over OTLP."""
    record = {"x": cell, "door": {"schema": schema({"x": (role, kind), "gone": ("feature", "numerical")})}}
    assert parse_path("*|monitor").value(record) == {"features": {}, "segments": {}} | told


def test_a_number_beside_a_class_is_its_score() -> None:
    """Whichever of the two comes first."""
    told = schema({"p": ("prediction", "numerical"), "class": ("prediction", "categorical")})
    read = parse_path("*|monitor").value({"p": 0.5, "class": "a", "door": {"schema": told}})
    assert read == {"features": {}, "segments": {}, "score": 0.5, "prediction": "a"}


def test_rows_of_one_request_are_each_counted() -> None:
    """They share its id; the same rows again have the same keys, so that a file may be posted as it grows."""
    lines = [json.dumps({**ROW, "size": size}) for size in (1, 2)]
    first, again = decode(*lines, told=schema(COLUMNS)), decode(*lines, told=schema(COLUMNS))
    (batch,) = first.batches
    assert (batch.model, batch.version, batch.rows, batch.ids) == ("iris_monitor", "v1", 2, ("871", "871"))
    assert len(set(batch.keys.tolist())) == 2
    assert batch.keys.tolist() == again.batches[0].keys.tolist()


def test_what_bentoml_calls_not_available_is_not_there() -> None:
    """A bento that was never built has no version, a row outside of a server no request."""
    (batch,) = decode(json.dumps({**ROW, "request_id": "None"}), told=schema(COLUMNS, "not available")).batches
    assert (batch.version, batch.ids) == ("", ("",))


def test_a_target_is_the_outcome_of_its_row() -> None:
    """It is told with the prediction."""
    told = schema({**COLUMNS, "truth": ("target", "categorical")})
    assert [outcome.value for outcome in decode(json.dumps({**ROW, "truth": "b"}), told=told).outcomes] == ["b"]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (None, "not_this_mapping"),
        ("", "not_this_mapping"),
        ("{", "bad_json"),
        ("x", "bad_json"),
        ("[]", "bad_table"),
        ('{"columns": 3}', "bad_table"),
        ('{"columns": [3]}', "bad_table"),
        ('{"columns": []}', "empty_record"),
    ],
)
def test_without_a_schema_no_row_is_guessed(told: str | None, reason: str) -> None:
    """Each is refused by its reason."""
    assert reasons(decode(json.dumps(ROW), json.dumps(ROW), told=told)) == [(reason, 2)]


def test_damage_costs_no_other_row() -> None:
    """A line that is cut off at every place, a line of a schema, and good ones around."""
    good, other = json.dumps(ROW), schema(COLUMNS)
    for at in range(1, len(good)):
        decoded = decode(good, good[:at], other, good, told=schema(COLUMNS))
        assert sum(batch.rows for batch in decoded.batches) == 2
        assert sorted(reasons(decoded)) == [("malformed_record", 1), ("not_this_mapping", 1)]


def test_without_the_door_there_is_no_schema() -> None:
    """The filter says so."""
    with pytest.raises(MappingError, match=r"door\.schema"):
        parse_path("*|monitor").value(ROW)
