"""BentoML's OTLP monitor: bentoml/_internal/monitoring/otlp.py logs one dict a row through Python's logging."""

from typing import Any

from model_exporter.batch import Outcome
from otlp_messages import T0_NS, decode_logs, inputs, log_record, outputs, rows

SCHEMA = {
    "sepal length": {"name": "sepal length", "role": "feature", "type": "numerical"},
    "colour": {"name": "colour", "role": "feature", "type": "categorical"},
    "pred": {"name": "pred", "role": "prediction", "type": "categorical"},
    "probs": {"name": "probs", "role": "prediction", "type": "numerical_sequence"},
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


def test_the_schema_gives_the_columns_their_roles() -> None:
    """Features are inputs, predictions are outputs; request data and metadata are no columns."""
    decoded = decode_logs(log_record({"code.lineno": 5}, body=body(5.1)), resource=RESOURCE)
    (batch,) = decoded.batches
    assert (batch.model, batch.version, batch.service) == ("iris_monitor", "", "iris:monitor")
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
    """BentoML samples its metadata; a row without them does not tell its features."""
    row = body(5.1)
    del row["bento_meta"]
    assert decode_logs(log_record(body=row)).ignored == {"not_a_prediction": 1}
    assert decode_logs(log_record(body=body(5.1, bento_meta={"monitor_name": "m"}))).ignored == {"not_a_prediction": 1}


def test_a_broken_schema_harms_nothing() -> None:
    """Columns that it does not describe as expected are left out."""
    row = body(5.1)
    row["bento_meta"]["schema"] = {
        "sepal length": {"role": "feature"},
        "colour": "feature",
        "gone": {"role": "feature"},
    }
    assert inputs(decode_logs(log_record(body=row))) == {"sepal length": 5.1}
