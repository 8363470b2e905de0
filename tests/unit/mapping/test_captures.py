"""What is built in for files of other systems: each record in the shape that its system documents."""

import base64
import json
from collections.abc import Mapping

import pytest

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.mapping import NativeRow, built_in_mappings
from model_exporter.ports import Door, Encoding, Payload, Signal

CAPTURED = "/capture/churn/AllTraffic/2026/11/25/10/21-30-1.jsonl"


def capture(
    data: str, answer: str, *, encoding: str = "CSV", content: str | None = "text/csv", event: str = "e1"
) -> dict[str, object]:
    """A line of SageMaker's data capture."""

    def side(mode: str, text: str) -> dict[str, object]:
        return {"observedContentType": content, "mode": mode, "data": text, "encoding": encoding}

    return {
        "captureData": {"endpointInput": side("INPUT", data), "endpointOutput": side("OUTPUT", answer)},
        "eventMetadata": {"eventId": event, "inferenceTime": "2026-11-25T10:21:33Z"},
        "eventVersion": "0",
    }


def databricks(request: object, response: object, **more: object) -> dict[str, object]:
    """A row of an inference table."""
    return {
        "client_request_id": None,
        "databricks_request_id": "d1",
        "timestamp_ms": 1_700_000_000_000,
        "status_code": 200,
        "execution_time_ms": 12,
        "request": json.dumps(request),
        "response": json.dumps(response),
        "request_metadata": {"endpoint_name": "fraud-endpoint", "model_name": "fraud", "model_version": "3"},
        **more,
    }


def vertex(instances: list[object], predictions: list[object]) -> dict[str, object]:
    """A row of the table of requests and responses."""
    return {
        "endpoint": "projects/1/locations/europe-west4/endpoints/42",
        "deployed_model_id": "7",
        "logging_time": "2026-11-25 10:21:33 UTC",
        "request_id": 5,
        "request_payload": [json.dumps(instance) for instance in instances],
        "response_payload": [json.dumps(prediction) for prediction in predictions],
    }


def encoded(text: str) -> str:
    """Base64 of `text`."""
    return base64.b64encode(text.encode()).decode()


def decode(*records: object, file: str = CAPTURED) -> Decoded:
    """`records` as the lines of a file."""
    body = "\n".join(record if isinstance(record, str) else json.dumps(record) for record in records).encode()
    payload = Payload(Door.HTTP, Signal.RECORDS, Encoding.JSON_LINES, body, 0.0, context={"file": file})
    return Decoder(Limits(), built_in_mappings()).decode(payload)


def rows(name: str, record: Mapping[str, object]) -> list[NativeRow]:
    """The native rows of `record`, which the mapping `name` alone takes."""
    scope = {**record, "door": {"file": CAPTURED}}
    takers = [
        mapping for mapping in built_in_mappings().values() if "records" in mapping.scopes and mapping.takes(scope)
    ]
    assert [mapping.name for mapping in takers] == [name]
    return takers[0].rows(scope)


@pytest.mark.parametrize(
    "record",
    [
        capture("132,25,DE", "0.0107"),
        capture(encoded("132,25,DE"), encoded("0.0107"), encoding="BASE64"),
        capture(
            '{"instances": [[132, 25, "DE"]]}', '{"predictions": [0.0107]}', encoding="JSON", content="application/json"
        ),
        capture(encoded('[[132, 25, "DE"]]'), encoded("[0.0107]"), encoding="BASE64", content=None),
        capture('[132, 25, "DE"]', "[0.0107]", encoding="JSON", content="application/jsonlines"),
    ],
)
def test_sagemaker_captures_in_each_encoding(record: dict[str, object]) -> None:
    """CSV, JSON and base64 of either say the same; endpoint and variant stand in the file's path."""
    (row,) = rows("sagemaker", record)
    assert row == {
        "model": "churn",
        "version": "AllTraffic",
        "id": "e1",
        "features": {"0": 132, "1": 25, "2": "DE"},
        "prediction": 0.0107,
        "time": "2026-11-25T10:21:33Z",
    }


def test_sagemaker_captures_several_rows_at_once() -> None:
    """A request of two lines is two predictions; several numbers a line are probabilities."""
    found = rows("sagemaker", capture("1,2\n3,4\n", "0.1,0.9\n0.8,0.2\n"))
    assert [(row["id"], row["features"], row["probabilities"]) for row in found] == [
        ("e1#0", {"0": 1, "1": 2}, [0.1, 0.9]),
        ("e1#1", {"0": 3, "1": 4}, [0.8, 0.2]),
    ]


def test_sagemakers_ground_truth_is_an_outcome() -> None:
    """By the id of the inference."""
    truth = {
        "groundTruthData": {"data": "1", "encoding": "CSV"},
        "eventMetadata": {"eventId": "e1"},
        "eventVersion": "0",
    }
    assert rows("sagemaker_ground_truth", truth) == [{"model": "churn", "id": "e1", "outcome": 1.0}]


@pytest.mark.parametrize(
    "request_",
    [
        {"dataframe_records": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"], [2, "y"]]}},
        {"instances": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]},
        {"inputs": {"a": [1, 2], "b": ["x", "y"]}},
    ],
)
def test_databricks_requests_in_each_form(request_: object) -> None:
    """What MLflow's scoring server takes."""
    found = rows("databricks", databricks(request_, {"predictions": [0, 1]}))
    assert [(row["features"], row["prediction"], row["id"]) for row in found] == [
        ({"a": 1, "b": "x"}, 0, "d1#0"),
        ({"a": 2, "b": "y"}, 1, "d1#1"),
    ]
    assert [found[0][name] for name in ("model", "version", "latency_ms", "error")] == ["fraud", "3", 12, ""]


def test_a_databricks_request_that_failed_is_a_failed_prediction() -> None:
    """With its features and its status."""
    record = databricks(
        {"dataframe_records": [{"a": 1}]}, {"error_code": "BAD"}, status_code=400, client_request_id="c"
    )
    (row,) = rows("databricks", record)
    assert (row["id"], row["error"], row["features"]) == ("c", 400, {"a": 1})
    assert "prediction" not in row


def test_a_table_of_the_gateway_has_other_columns() -> None:
    """Time, latency and no name of the model, which the configuration of its files then tells."""
    record = databricks({"inputs": [[1, 2]]}, {"predictions": [3]})
    del record["timestamp_ms"], record["execution_time_ms"], record["request_metadata"]
    (row,) = rows("databricks", {**record, "request_time": "2026-11-25T10:00:00Z", "execution_duration_ms": 7})
    assert (row["features"], row["latency_ms"], row["time"]) == ({"0": 1, "1": 2}, 7, "2026-11-25T10:00:00Z")
    assert "model" not in row


def test_vertex_logs_instances_and_predictions_as_text() -> None:
    """Each an element of a repeated column."""
    found = rows("vertex", vertex([{"a": 1}, {"a": 2}], [0.5, [0.1, 0.9]]))
    assert [(row["model"], row["version"], row["id"]) for row in found] == [("42", "7", "5#0"), ("42", "7", "5#1")]
    assert [row["features"] for row in found] == [{"a": 1}, {"a": 2}]
    assert (found[0]["prediction"], found[1]["probabilities"]) == (0.5, [0.1, 0.9])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (capture("1,2", "0.1\n0.2"), "row_mismatch"),
        (capture("!", "0.1", encoding="BASE64"), "bad_base64"),
        (capture(encoded("1,2")[:-3], encoded("1"), encoding="BASE64"), "bad_base64"),
        (capture('1,"2', "0.1"), "bad_csv"),
        (capture("{", "0.1", encoding="JSON", content="application/json"), "bad_json"),
        (capture("1", "1", encoding="XML"), "bad_capture"),
        (capture("", ""), "no_rows"),
        (databricks({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, {"predictions": [1]}), "bad_table"),
        (databricks({"dataframe_records": [{}, {}]}, {"predictions": [1]}), "row_mismatch"),
        ({**databricks({}, {}), "request": "{"}, "bad_json"),
        (vertex([{"a": 1}], [1, 2]), "row_mismatch"),
        ('{"captureData": {', "malformed_record"),
    ],
)
def test_a_line_that_lies_costs_no_other(record: object, reason: str) -> None:
    """It is rejected by its reason, and the good lines around it count."""
    decoded = decode(capture("1,2", "0.5", event="a"), record, capture("1,2", "0.5", event="b"))
    assert [(rejection.reason, rejection.records) for rejection in decoded.rejections] == [(reason, 1)]
    assert decoded.accepted == 2


def test_records_of_several_systems_may_stand_in_one_file() -> None:
    """Each is read by what it is."""
    decoded = decode(
        capture("1,2", "0.5"),
        databricks({"instances": [{"a": 1}]}, {"predictions": [1]}),
        vertex([{"a": 1}], [1]),
        {"model": "own", "prediction": 1},
    )
    assert sorted(batch.model for batch in decoded.batches) == ["42", "churn", "fraud", "own"]
    assert not decoded.rejections
