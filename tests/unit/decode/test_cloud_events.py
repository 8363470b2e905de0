"""Events of payload loggers at the decoder."""

import base64
import json
import struct
from collections.abc import Mapping

import pytest

from model_exporter.batch import Column
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.errors import DecodeError
from model_exporter.mapping import built_in_mappings
from model_exporter.pairing import Exchange, Side
from model_exporter.ports import Door, Encoding, Payload, Signal

KSERVE = {
    "specversion": "1.0",
    "id": "7",
    "source": "http://localhost:9081/",
    "inferenceservicename": "iris",
    "namespace": "default",
    "endpoint": "",
    "component": "predictor",
}
KIND = "org.kubeflow.serving.inference"
BEGAN, ENDED = "1970-01-01T00:00:10.123456789Z", "1970-01-01T00:00:10.623456789Z"
DECODER = Decoder(Limits(), built_in_mappings())


def event(kind: str, body: bytes, **attributes: str) -> Payload:
    """An event in binary mode."""
    told = {**KSERVE, "type": kind, **attributes}
    return Payload(Door.CLOUD_EVENTS, Signal.EXCHANGES, Encoding.JSON, body, 50.0, context={"event": told})


def call(request: object, response: object, error: str = "") -> Decoded:
    """A call whose bodies are JSON, unless they are bytes; None for a half that did not come."""
    halves = {}
    for side, body, time in ((Side.REQUEST, request, BEGAN), (Side.RESPONSE, response, ENDED)):
        if body is not None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            half = DECODER.half(event(f"{KIND}.{side.value}", raw, time=time))
            assert half is not None
            assert half.side is side
            halves[side] = half
    return DECODER.decode_exchange(Exchange(halves, error))


def cells(decoded: Decoded) -> dict[str, list[object]]:
    """The values of each column of the only batch."""
    (batch,) = decoded.batches
    return {column.name: values_of(column) for column in batch.columns}


def values_of(column: Column) -> list[object]:
    """The numbers of a column, or its texts."""
    if column.texts is None:
        return list(column.numbers.tolist())
    return [column.texts.words[code] for code in column.texts.codes]


def tensor(name: str, data: list[object], shape: list[int]) -> dict[str, object]:
    """A V2 tensor."""
    return {"name": name, "shape": shape, "datatype": "FP64", "data": data}


def test_a_call_in_the_first_protocol() -> None:
    """Instances and predictions are rows; the ids are numbered; the latency is between the two events."""
    decoded = call({"instances": [[6.8, 2.8], [5.1, 3.5]]}, {"predictions": [1, 0]})
    (batch,) = decoded.batches
    assert (batch.model, batch.ids, batch.latency_seconds.tolist()) == ("iris", ("7#0", "7#1"), [0.5, 0.5])
    assert cells(decoded) == {"0": [6.8, 5.1], "1": [2.8, 3.5], "prediction": [1.0, 0.0]}


def test_a_call_in_the_open_inference_protocol() -> None:
    """Tensors by name are features; an output of several columns is probabilities."""
    decoded = call(
        {"id": "x", "inputs": [tensor("age", [30, 40], [2]), tensor("pay", [1.5, 2.5], [2, 1])]},
        {"model_name": "m", "model_version": "3", "outputs": [tensor("p", [0.1, 0.9, 0.8, 0.2], [2, 2])]},
    )
    (batch,) = decoded.batches
    assert (batch.model, batch.version) == ("iris", "3")
    assert cells(decoded) == {
        "age": [30.0, 40.0],
        "pay": [1.5, 2.5],
        "probabilities.0": [0.1, 0.8],
        "probabilities.1": [0.9, 0.2],
    }


def test_binary_tensors_come_after_the_json() -> None:
    """The binary extension: the header that tells where the JSON ends is lost on the way."""
    head = json.dumps(
        {
            "inputs": [
                {"name": "a", "shape": [2], "datatype": "FP32", "parameters": {"binary_data_size": 8}},
                {"name": "b", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": 12}},
                {"name": "c", "shape": [2], "datatype": "INT64", "data": [3, 4]},
            ]
        }
    ).encode()
    raw = struct.pack("<2f", 1.5, 2.5) + struct.pack("<I", 1) + b"x" + struct.pack("<I", 3) + b"yes"
    decoded = call(head + raw, {"outputs": [tensor("p", [0, 1], [2])]})
    assert cells(decoded) == {"a": [1.5, 2.5], "b": ["x", "yes"], "c": [3.0, 4.0], "prediction": [0.0, 1.0]}


@pytest.mark.parametrize("cut", [1, 4, 9])
def test_binary_tensors_that_are_cut_off_are_rejected(cut: int) -> None:
    """A size that the bytes do not have."""
    head = json.dumps(
        {"inputs": [{"name": "b", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 10}}]}
    ).encode()
    raw = struct.pack("<I", 6) + b"abcdef"
    decoded = call(head + raw[:-cut], {"outputs": [tensor("p", [0], [1])]})
    assert [rejection.reason for rejection in decoded.rejections] == ["bad_tensor"]


@pytest.mark.parametrize("shape", [[], "2", [1 << 40], [1] * 33, [-1], [1.5], [9] * 1_000])
def test_binary_tensors_with_hostile_shapes_are_rejected(shape: object) -> None:
    """Before anything is made of them."""
    tensor_ = {"name": "b", "shape": shape, "datatype": "INT8", "parameters": {"binary_data_size": 1}}
    decoded = call(json.dumps({"inputs": [tensor_]}).encode() + b"x", {"predictions": [1]})
    assert [rejection.reason for rejection in decoded.rejections] == ["bad_tensor"]


def test_a_request_that_was_never_answered_is_a_failed_prediction() -> None:
    """With its features, under the service's name."""
    decoded = call({"instances": [[1, 2]]}, None, error="no_response")
    (batch,) = decoded.batches
    assert (batch.model, batch.errors.words) == ("iris", ("no_response",))


def test_seldon_names_its_columns() -> None:
    """Data with names, in its own protocol; the id is the request's, since each event has one of its own."""
    halves = {}
    for side, body in (
        (Side.REQUEST, {"data": {"names": ["a", "b"], "ndarray": [[1, 2]]}}),
        (Side.RESPONSE, {"data": {"names": ["t:0", "t:1"], "tensor": {"shape": [1, 2], "values": [0.1, 0.9]}}}),
    ):
        half = DECODER.half(
            event(
                f"io.seldon.serving.inference.{side.value}", json.dumps(body).encode(), id=side.value, requestid="puid"
            )
        )
        assert half is not None
        assert half.key == "puid"
        halves[side] = half
    decoded = DECODER.decode_exchange(Exchange(halves))
    assert decoded.batches[0].ids == ("puid",)
    assert cells(decoded) == {"a": [1.0], "b": [2.0], "probabilities.0": [0.1], "probabilities.1": [0.9]}


def test_seldon_feedback_is_an_outcome() -> None:
    """Its truth, and its reward as a business value."""
    body = json.dumps({"reward": 1.5, "truth": {"data": {"ndarray": [[1]]}}}).encode()
    half = DECODER.half(event("io.seldon.serving.feedback", body, requestid="puid"))
    assert half is not None
    decoded = DECODER.decode_exchange(Exchange({half.side: half}))
    (outcome,) = decoded.outcomes
    assert (outcome.model, outcome.prediction_id, outcome.value, outcome.values) == (
        "iris",
        "puid",
        1.0,
        (("reward", 1.5),),
    )


@pytest.mark.parametrize("data", [{"data": {"instances": []}}, {"data_base64": base64.b64encode(b'{"x":1}').decode()}])
def test_an_event_in_structured_mode_holds_its_attributes(data: Mapping[str, object]) -> None:
    """The body is the whole event."""
    whole = {**KSERVE, "type": "org.kubeflow.serving.inference.request", **data}
    payload = Payload(Door.CLOUD_EVENTS, Signal.EXCHANGES, Encoding.JSON, json.dumps(whole).encode(), 0.0)
    half = DECODER.half(payload)
    assert half is not None
    assert (half.key, half.side) == ("7", Side.REQUEST)


@pytest.mark.parametrize(
    ("told", "body", "complaint"),
    [
        ({}, b"[]", "structured event is a JSON object"),
        ({}, b"{}", "has no type"),
        ({}, b"{", "truncated"),
        ({"type": "a.request"}, b"{}", "has no id"),
        ({"type": "a.request", "id": "x" * 1001}, b"{}", "has no id"),
        ({}, b'{"type": "a.request", "id": "1", "data_base64": "?"}', "not base64"),
    ],
)
def test_what_is_no_event_is_refused(told: Mapping[str, str], body: bytes, complaint: str) -> None:
    """Its sender is told why."""
    payload = Payload(Door.CLOUD_EVENTS, Signal.EXCHANGES, Encoding.JSON, body, 0.0, context={"event": told})
    with pytest.raises(DecodeError, match=complaint):
        DECODER.half(payload)


def test_events_of_other_kinds_are_none_of_ours() -> None:
    """A bus may carry anything."""
    assert DECODER.half(event("com.example.cart", b"{}")) is None


@pytest.mark.parametrize(
    "request_",
    [
        {"strData": "a text"},
        {"inputs": [tensor("picture", [0] * 3000, [1, 3000])]},
        json.dumps(
            {
                "inputs": [
                    {"name": "p", "shape": [1, 3000], "datatype": "UINT8", "parameters": {"binary_data_size": 3000}}
                ]
            }
        ).encode()
        + bytes(3000),
    ],
)
def test_a_call_counts_whose_input_nobody_watches(request_: object) -> None:
    """Text, and pictures as JSON or as bytes: a prediction without features."""
    decoded = call(request_, {"outputs": [tensor("p", [0.5], [1])]})
    assert decoded.accepted == 1
    assert cells(decoded) == {"prediction": [0.5]}


@pytest.mark.parametrize(
    ("kind", "side"),
    [
        ("azureml.inference.model_inputs", Side.REQUEST),
        ("azureml.inference.model_outputs", Side.RESPONSE),
        ("azureml.inference.request", None),
        ("azureml.inference.response", None),
        ("azureml.inference.drift_inputs", None),
    ],
)
def test_only_two_collections_of_azure_are_halves(kind: str, side: Side | None) -> None:
    """Its server's own `request` has the same id, and would take the place of `model_inputs`."""
    told = {"type": kind, "x-request-id": "r"}
    half = DECODER.half(Payload(Door.AZURE_ML, Signal.EXCHANGES, Encoding.JSON, b"[]", 0.0, context={"event": told}))
    assert (half and half.side) == side


@pytest.mark.parametrize(
    ("request_", "response", "reason"),
    [
        (b"{", {"predictions": [1]}, "malformed_json"),
        ({"instances": [[1], [2]]}, {"predictions": [1]}, "row_mismatch"),
        ({"inputs": [{"name": "a", "shape": [3], "data": [1]}]}, {"outputs": []}, "bad_tensor"),
        ({"instances": 5}, {"predictions": [1]}, "bad_path_value"),
        ({"instances": []}, {"predictions": []}, "no_rows"),
        ({}, {}, "empty_record"),
    ],
)
def test_bodies_that_lie_are_rejected_by_reason(request_: object, response: object, reason: str) -> None:
    """A call that cannot be read is counted, and nothing else is lost."""
    decoded = call(request_, response)
    assert [rejection.reason for rejection in decoded.rejections] == [reason]
