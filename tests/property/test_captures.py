"""What holds of files of other systems however one of their lines is damaged."""

import json
from base64 import b64encode

from hypothesis import given, settings
from hypothesis import strategies as st

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.mapping import built_in_mappings
from model_exporter.ports import Door, Encoding, Payload, Signal

SCHEMA = json.dumps(
    {
        "meta_data": {"bento_name": "iris", "bento_version": "v1"},
        "columns": [
            {"name": "size", "role": "feature", "type": "numerical"},
            {"name": "class", "role": "prediction", "type": "categorical"},
            {"name": "shares", "role": "prediction", "type": "numerical_sequence"},
        ],
    }
)
ADDRESS = {"file": "churn/AllTraffic/2026/11/25/10/a.jsonl", "model": "fraud", "schema": SCHEMA}
EVENT = {"eventId": "e", "inferenceTime": "2026-11-25T10:21:33Z"}


def side(text: str, encoding: str, content: str | None) -> dict[str, object]:
    """What SageMaker keeps of a request or a response."""
    return {"observedContentType": content, "data": text, "encoding": encoding}


def capture(request: dict[str, object], answer: dict[str, object]) -> dict[str, object]:
    """A line of SageMaker's."""
    return {"captureData": {"endpointInput": request, "endpointOutput": answer}, "eventMetadata": EVENT}


SAMPLES: list[dict[str, object]] = [
    capture(side('1,"a b"\n2,', "CSV", "text/csv"), side("0.1,0.9\n0.8,0.2", "CSV", "text/csv")),
    capture(
        side(b64encode(b"1,2").decode(), "BASE64", None),
        side(b64encode(b'{"predictions": [1]}').decode(), "BASE64", None),
    ),
    {"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId": "e"}},
    {
        "databricks_request_id": "d",
        "timestamp_ms": 1_700_000_000_000,
        "status_code": 200,
        "execution_time_ms": 12,
        "request": '{"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"]]}}',
        "response": '{"predictions": [{"score": 0.5}]}',
        "request_metadata": {"model_name": "fraud", "model_version": "3"},
    },
    {
        "endpoint": "42",
        "deployed_model_id": "7",
        "logging_time": "2026-11-25 10:21:33 UTC",
        "request_id": 5,
        "request_payload": ['{"a": 1}', '{"a": [2, [3]]}'],
        "response_payload": ["0.5", "[0.1, 0.9]"],
    },
    {"size": 5.1, "class": "a", "shares": [0.5, 0.5], "timestamp": "2026-11-26T12:14:39.93", "request_id": "8"},
]
REASONS = {
    *("bad_base64", "bad_capture", "bad_csv", "bad_json", "bad_path_value", "bad_table", "bad_tensor", "bad_text"),
    *("no_rows", "row_mismatch", "too_many_rows", "model_name", "empty_record", "malformed_record", "not_an_object"),
    *("outcome_without_id", "outcome_without_value", "not_utf8", "prediction_id", "model_version"),
}
GOOD = json.dumps({"model": "good", "id": "g", "prediction": 1})

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(
        ["{", "[[", '{"a": 1}', "1,2\n3", '"', "CSV", "BASE64", "application/json", "\ud800", "nan", "[" * 999]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "data", "predictions"]), inner),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, object]:
    """A sample with a value somewhere in it that is gone, cut off or another."""
    record: dict[str, object] = json.loads(json.dumps(draw(st.sampled_from(SAMPLES))))
    for _ in range(draw(st.integers(1, 3))):
        holder: dict[str, object] = record
        while True:
            if not holder:
                break
            key = draw(st.sampled_from(sorted(holder)))
            value = holder[key]
            if isinstance(value, dict) and draw(st.booleans()):
                holder = value
                continue
            if isinstance(value, str) and draw(st.booleans()):
                holder[key] = value[: draw(st.integers(0, len(value)))]
            else:
                holder[key] = draw(values)
            break
    return record


def decode(lines: list[str]) -> Decoded:
    """`lines` as the body of a request."""
    body = "\n".join(lines).encode("utf-8", "backslashreplace")
    payload = Payload(Door.HTTP, Signal.RECORDS, Encoding.JSON_LINES, body, 0.0, context=ADDRESS)
    return Decoder(Limits(), built_in_mappings()).decode(payload)


@settings(deadline=None, max_examples=200)
@given(st.lists(damaged(), min_size=1, max_size=4))
def test_damaged_records_are_told_and_cost_no_other(records: list[dict[str, object]]) -> None:
    """Each is counted or refused by a reason that is known, and the good lines around them count."""
    lines = [GOOD, *(line for record in records for line in (json.dumps(record), GOOD))]
    decoded = decode(lines)
    assert {rejection.reason for rejection in decoded.rejections} <= REASONS
    assert sum(batch.rows for batch in decoded.batches if batch.model == "good") == len(records) + 1
    told = (
        decoded.accepted
        + sum((decoded.ignored or {}).values())
        + sum(rejection.records for rejection in decoded.rejections)
    )
    assert told >= len(lines)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(SAMPLES), st.data())
def test_lines_that_are_cut_off_cost_no_other(record: dict[str, object], data: st.DataObject) -> None:
    """As a file ends that is still being written."""
    line = json.dumps(record)
    decoded = decode([GOOD, line[: data.draw(st.integers(1, len(line) - 1))], GOOD])
    assert [(rejection.reason, rejection.records) for rejection in decoded.rejections] == [("malformed_record", 1)]
    assert [(batch.model, batch.rows) for batch in decoded.batches] == [("good", 2)]
