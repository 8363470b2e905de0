"""Files of cloud services, posted to a running exporter as their pages say."""

import json

from e2e.exporters import Exporter, post

FILE = "capture/churn/AllTraffic/2026/11/25/10/21-30-1.jsonl"
LINES = 500


def test_captured_files_are_accounted_for_line_by_line(exporter: Exporter) -> None:
    """Predictions and their truth; a damaged line costs no other, and a file that is posted again counts once."""
    captured = "\n".join([*(_captured(number) for number in range(LINES)), '{"captureData": {']).encode()
    for _ in range(2):
        assert _post(exporter, f"/v1/records/sagemaker?file={FILE}", captured) == 200
    truth = "\n".join(_truth(number) for number in range(LINES)).encode()
    assert _post(exporter, f"/v1/records?file={FILE}", truth) == 200
    page = exporter.settled()
    assert page.total("model_predictions_total", model="churn", version="AllTraffic") == LINES
    assert page.total("model_duplicate_predictions_total", model="churn") == LINES
    assert page.total("model_feature_values_total", model="churn", feature="0") == LINES
    assert page.total("model_outcomes_total", model="churn") == LINES
    assert page.total("model_exporter_rejected_records_total", reason="malformed_record") == 2


def test_tables_are_accounted_for_row_by_row(exporter: Exporter) -> None:
    """Databricks' and Vertex AI's in one body, each read by what it is; the query names a model that rows do not."""
    rows = [_scored(number) for number in range(LINES)] + [_logged(number) for number in range(LINES)]
    assert _post(exporter, "/v1/records?model=fraud", "\n".join(rows).encode()) == 200
    page = exporter.settled()
    assert page.total("model_predictions_total", model="fraud") == 2 * LINES  # two rows a request
    assert page.total("model_prediction_errors_total", model="fraud", error_type="400") == 2 * LINES // 10
    assert page.total("model_prediction_duration_seconds_count", model="fraud") == 2 * LINES
    assert page.total("model_predictions_total", model="42", version="7") == LINES


def _post(exporter: Exporter, path: str, body: bytes) -> int:
    return post(exporter.ports.http, path, body, "application/jsonl")[0]


def _captured(number: int) -> str:
    side = {"observedContentType": "text/csv", "encoding": "CSV"}
    return json.dumps(
        {
            "captureData": {
                "endpointInput": {**side, "mode": "INPUT", "data": f"{number},1.5,DE"},
                "endpointOutput": {**side, "mode": "OUTPUT", "data": "0.25"},
            },
            "eventMetadata": {"eventId": f"e{number}", "inferenceTime": "2026-11-25T10:21:33Z"},
            "eventVersion": "0",
        }
    )


def _truth(number: int) -> str:
    truth = {"data": str(number % 2), "encoding": "CSV"}
    return json.dumps({"groundTruthData": truth, "eventMetadata": {"eventId": f"e{number}"}, "eventVersion": "0"})


def _scored(number: int) -> str:
    """A row of a table of the AI Gateway, which does not name its model."""
    return json.dumps(
        {
            "databricks_request_id": f"d{number}",
            "request_time": "2026-11-25T10:00:00Z",
            "status_code": 200 if number % 10 else 400,
            "execution_duration_ms": 7,
            "request": json.dumps({"dataframe_records": [{"a": number}, {"a": 1}]}),
            "response": json.dumps({"predictions": [0, 1]} if number % 10 else {"error_code": "BAD_REQUEST"}),
        }
    )


def _logged(number: int) -> str:
    return json.dumps(
        {
            "endpoint": "projects/1/locations/europe-west4/endpoints/42",
            "deployed_model_id": "7",
            "logging_time": "2026-11-25 10:21:33 UTC",
            "request_id": number,
            "request_payload": [json.dumps({"a": number})],
            "response_payload": ["0.5"],
        }
    )
