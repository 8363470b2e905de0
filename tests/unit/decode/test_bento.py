"""BentoML's OTLP monitor: bentoml/_internal/monitoring/otlp.py logs one dict a row through Python's logging."""

from collections.abc import Mapping
from typing import Any

from model_exporter.batch import Outcome, Role
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.ports import Encoding, Signal
from otlp_messages import (
    T0_NS,
    cells,
    decode_json,
    decode_logs,
    inputs,
    log_record,
    logs_request,
    otlp_json,
    outputs,
    payload,
    rows,
)

SCOPE = "bentoml_monitor_data"

SCHEMA = {
    "sepal length": {"name": "sepal length", "role": "feature", "type": "numerical"},
    "colour": {"name": "colour", "role": "feature", "type": "categorical"},
    "pred": {"name": "pred", "role": "prediction", "type": "categorical"},
    "probs": {"name": "probs", "role": "prediction", "type": "numerical_sequence"},
}
RISK = {
    "x": 1.0,
    "prediction": 2.0,
    "bento_meta": {
        "bento_version": "not available",
        "monitor_name": "risk_monitor",
        "schema": {
            "x": {"name": "x", "role": "feature", "type": "numerical"},
            "prediction": {"name": "prediction", "role": "prediction", "type": "numerical"},
        },
    },
}
RESOURCE = {"service.name": "iris:monitor", "service.instance.id": "not available"}


def body(length: float, request: str = "6413930528999883196", **extra: object) -> dict[str, Any]:
    """One row as BentoML logs it."""
    return {
        "sepal length": length,
        "colour": "blue",
        "pred": "setosa",
        "probs": [0.75, 0.25],
        "timestamp": 1_668_660_679.5,
        "request_id": request,
        "trace_id": "287012345678901234567890",
        "bento_meta": {
            "bento_name": "iris",
            "bento_version": "not available",
            "monitor_name": "iris_monitor",
            "schema": SCHEMA,
        },
        **extra,
    }


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    """The row without what is said about its columns."""
    return {name: value for name, value in row.items() if name != "bento_meta"}


def _decode(decoder: Decoder, row: Mapping[str, Any], resource: Mapping[str, object] = RESOURCE) -> Decoded:
    request = logs_request(log_record(body=row, time_ns=T0_NS), resource=resource, scope=SCOPE)
    return decoder.decode(payload(Signal.LOGS, Encoding.PROTOBUF, request.SerializeToString()))


def _refused(decoded: Decoded) -> dict[str, int]:
    return {rejection.reason: rejection.records for rejection in decoded.rejections}


def test_the_schema_gives_the_columns_their_roles() -> None:
    """Features are inputs, predictions are outputs; request data and metadata are no columns."""
    decoded = decode_logs(log_record({"code.lineno": 5}, body=body(5.1)), resource=RESOURCE)
    (batch,) = decoded.batches
    assert (batch.model, batch.version, batch.service) == ("iris_monitor", "", "iris")
    assert inputs(decoded) == {"sepal length": 5.1, "colour": "blue"}
    assert outputs(decoded) == {"prediction": "setosa", "probabilities.0": 0.75, "probabilities.1": 0.25}
    assert batch.times.tolist() == [1_668_660_679.5]


def test_a_built_bento_has_a_version() -> None:
    """In development it is "not available", which is none."""
    row = body(5.1)
    row["bento_meta"]["bento_version"] = "kx7"
    assert decode_logs(log_record(body=row)).batches[0].version == "kx7"


def test_rows_of_one_request_get_their_own_ids() -> None:
    """BentoML's `request_id` is shared by all rows of a request."""
    decoded = decode_logs(*(log_record(body=body(1.0, request), time_ns=T0_NS) for request in ("a", "a", "b", "a")))
    (batch,) = decoded.batches
    assert batch.ids == ("a#0", "a#1", "b#0", "a#2")
    assert len(set(batch.keys.tolist()) | {0}) == 5


def test_a_retried_export_has_the_same_keys() -> None:
    """The SDK sends the same records again."""
    records = [log_record(body=body(float(index)), time_ns=T0_NS + index) for index in range(3)]
    assert rows(decode_logs(*records)) == rows(decode_logs(*records))


def test_rows_of_a_request_split_over_two_exports_are_no_duplicates() -> None:
    """The SDK exports 512 records at once, wherever a request ends; counting starts over, the keys differ."""
    first, second = (decode_logs(log_record(body=body(x), time_ns=T0_NS)).batches[0] for x in (1.0, 2.0))
    assert first.ids == second.ids
    assert first.keys.tolist() != second.keys.tolist()


def test_a_target_is_an_outcome() -> None:
    """A column with the role target is the truth, told with the prediction."""
    row = body(5.1, truth="setosa")
    row["bento_meta"]["schema"] = SCHEMA | {"truth": {"name": "truth", "role": "target", "type": "categorical"}}
    decoded = decode_logs(log_record(body=row))
    assert decoded.outcomes == (Outcome("iris_monitor", "6413930528999883196#0", 1_668_660_679.5, "setosa"),)
    assert "truth" not in inputs(decoded)


def test_a_target_without_value_is_no_outcome() -> None:
    """The truth is often not known yet; the row is kept all the same, and not refused as well."""
    row = body(5.1, truth=None)
    row["bento_meta"]["schema"] = SCHEMA | {"truth": {"name": "truth", "role": "target", "type": "categorical"}}
    decoded = decode_logs(log_record(body=row))
    assert (decoded.accepted, decoded.rejected, decoded.outcomes) == (1, 0, ())


def test_without_a_schema_nothing_is_guessed() -> None:
    """A row that does not tell its features is refused, not taken for a native record with what it calls `score`."""
    row = body(5.1, score=0.5)
    del row["bento_meta"]
    assert _refused(_decode(Decoder(Limits()), row)) == {"no_schema": 1}
    assert _refused(decode_logs(log_record(body=body(5.1, bento_meta={"monitor_name": "m"})))) == {"no_schema": 1}


def test_other_logs_are_no_monitors() -> None:
    """Only the scope of the monitors' logger, or their metadata, makes a record theirs."""
    row = body(5.1)
    del row["bento_meta"]
    assert decode_logs(log_record(body=row)).ignored == {"not_a_prediction": 1}


def test_a_schema_is_remembered() -> None:
    """With `meta_sample_rate` below 1 only some records bring it."""
    decoder = Decoder(Limits())
    _decode(decoder, body(5.1))
    later = _decode(decoder, _bare(body(4.2)))
    assert later.batches[0].model == "iris_monitor"
    assert inputs(later) == {"sepal length": 4.2, "colour": "blue"}
    assert outputs(later) == {"prediction": "setosa", "probabilities.0": 0.75, "probabilities.1": 0.25}


def test_columns_tell_monitors_of_one_service_apart() -> None:
    """BentoML sends the records of all monitors under the resource of the one that was made last."""
    decoder = Decoder(Limits())
    _decode(decoder, body(5.1))
    _decode(decoder, RISK, resource=RESOURCE | {"service.name": "iris:risk_monitor"})
    later = _decode(decoder, _bare(body(4.2)), resource=RESOURCE | {"service.name": "iris:risk_monitor"})
    assert later.batches[0].model == "iris_monitor"


def test_services_do_not_share_schemas() -> None:
    """Columns of the same name may be something else elsewhere."""
    decoder = Decoder(Limits())
    _decode(decoder, body(5.1))
    assert _refused(_decode(decoder, _bare(body(4.2)), resource={"service.name": "iris2:monitor"})) == {"no_schema": 1}


def test_versions_side_by_side_keep_their_own() -> None:
    """`service.instance.id` is the version of the bento, also on records without a schema."""
    decoder = Decoder(Limits())
    for version in ("v1", "v2"):
        row = body(5.1)
        row["bento_meta"]["bento_version"] = version
        _decode(decoder, row, resource=RESOURCE | {"service.instance.id": version})
    later = _decode(decoder, _bare(body(4.2)), resource=RESOURCE | {"service.instance.id": "v1"})
    assert later.batches[0].version == "v1"


def test_a_new_schema_takes_the_place_of_the_old_one() -> None:
    """The same columns, described anew."""
    decoder = Decoder(Limits())
    _decode(decoder, body(5.1))
    row = body(5.1)
    row["bento_meta"]["schema"] = SCHEMA | {"colour": {"name": "colour", "role": "segment", "type": "categorical"}}
    _decode(decoder, row)
    later = _decode(decoder, _bare(body(4.2)))
    assert inputs(later) == {"sepal length": 4.2}
    assert cells(later.batches[0], Role.CONTEXT) == {"segment.colour": "blue"}


def test_a_record_may_lack_columns() -> None:
    """The only schema that has them all is its schema."""
    decoder = Decoder(Limits())
    _decode(decoder, body(5.1))
    row = _bare(body(4.2))
    del row["colour"]
    assert inputs(_decode(decoder, row)) == {"sepal length": 4.2}


def test_a_category_that_is_a_number_stays_a_category() -> None:
    """The schema says what a value is, not how it happened to be sent."""
    kinds = {"zip": "categorical", "member": "categorical", "age": "numerical"}
    row = {"zip": 10115, "member": True, "age": "41.5", "request_id": "1"}
    schema = {name: {"name": name, "role": "feature", "type": kind} for name, kind in kinds.items()}
    decoded = _decode(Decoder(Limits()), {**row, "bento_meta": {"monitor_name": "m", "schema": schema}})
    assert inputs(decoded) == {"zip": "10115", "member": "true", "age": 41.5}


def test_columns_may_be_called_like_fields() -> None:
    """A feature `score` is no score, and a feature `label` no outcome."""
    names = ("score", "label", "prediction", "model_name")
    schema = {name: {"name": name, "role": "feature", "type": "numerical"} for name in names}
    row = dict.fromkeys(names, 1.5) | {"bento_meta": {"monitor_name": "m", "schema": schema}}
    decoded = _decode(Decoder(Limits()), row)
    assert inputs(decoded) == dict.fromkeys(names, 1.5)
    assert (outputs(decoded), decoded.outcomes, decoded.batches[0].model) == ({}, (), "m")


def test_an_embedding_is_left_out() -> None:
    """As columns it would be hundreds of features, as one cell it has no type."""
    schema = SCHEMA | {"vector": {"name": "vector", "role": "feature", "type": "numerical_sequence"}}
    row = body(5.1, vector=[0.5] * 768)
    row["bento_meta"]["schema"] = schema
    decoded = _decode(Decoder(Limits()), row)
    assert inputs(decoded) == {"sepal length": 5.1, "colour": "blue"}
    assert decoded.dropped_values == {"sequence": 1}


def test_a_number_beside_a_class_is_its_score() -> None:
    """Further columns with the role prediction have no place, and neither have roles that nobody knows."""
    more = {"p": ("prediction", "numerical"), "q": ("prediction", "numerical"), "z": ("mystery", "mystery")}
    row = body(5.1, p=0.9, q=0.8, z=1)
    row["bento_meta"]["schema"] = SCHEMA | {
        name: {"name": name, "role": role, "type": kind} for name, (role, kind) in more.items()
    }
    decoded = _decode(Decoder(Limits()), row)
    assert outputs(decoded)["score"] == 0.9
    assert decoded.dropped_values == {"unused_column": 2}


def test_a_request_that_is_none_is_no_id() -> None:
    """Outside of a request BentoML writes "None", which all such rows would share."""
    assert _decode(Decoder(Limits()), body(5.1, request="None")).batches[0].ids == ("",)


def test_json_brings_schemas_too() -> None:
    """Both codecs tell the scope of records."""
    row = _bare(body(4.2))
    request = logs_request(log_record(body=row), resource=RESOURCE, scope=SCOPE)
    assert _refused(decode_json(Signal.LOGS, otlp_json(request))) == {"no_schema": 1}


def test_a_broken_schema_harms_nothing() -> None:
    """Columns that it does not describe as expected are left out."""
    row = body(5.1)
    row["bento_meta"]["schema"] = {
        "sepal length": {"role": "feature"},
        "colour": "feature",
        "gone": {"role": "feature"},
    }
    assert inputs(decode_logs(log_record(body=row))) == {"sepal length": 5.1}
