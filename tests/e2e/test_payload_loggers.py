"""Payload loggers before a running exporter: events built from the sources of KServe's agent and Seldon's executor."""

import gzip
import json
import random
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e.exporters import Exporter, run_exporter
from e2e.payload_events import azure, kserve, post_event, seldon

SECONDS_OF_WAIT = 2
SHORT_WAIT = f"pairing: {{wait: {SECONDS_OF_WAIT}s}}\n"
REQUEST, RESPONSE = b'{"instances":[[5.1,3.5],[6.2,2.9]]}', b'{"predictions":[0,1]}'
LIAR = b'{"inputs":[{"name":"a","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":%d}}]}'


def binary(name: str, values: list[float], kind: str) -> bytes:
    """A V2 message with one tensor after the JSON, as it reaches a logger: without the length of its JSON."""
    raw = struct.pack(f"<{len(values)}d", *values)
    tensor = {"name": name, "shape": [len(values)], "datatype": "FP64", "parameters": {"binary_data_size": len(raw)}}
    return json.dumps({"model_name": "own", "model_version": "7", kind: [tensor]}).encode() + raw


def call(exporter: Exporter, number: str, request: bytes = REQUEST, response: bytes = RESPONSE) -> None:
    """One call of KServe, both halves of it taken."""
    assert post_event(exporter, kserve("request", number), request)[0] == 200
    assert post_event(exporter, kserve("response", number), response)[0] == 200


def test_halves_meet_whatever_their_order_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    """Many connections, shuffled, with repeats, lost halves and broken ones: what was sent is what is counted."""
    random_ = random.Random(7)  # noqa: S311  # seeded on purpose
    calls, silent, orphans, broken, again = 300, 20, 15, 10, 25
    events: list[tuple[str, str, bytes]] = []
    for number in range(calls):
        events += [("request", f"c{number}", REQUEST), ("response", f"c{number}", RESPONSE)]
    events += [("request", f"s{number}", REQUEST) for number in range(silent)]
    events += [("response", f"o{number}", RESPONSE) for number in range(orphans)]
    for number in range(broken):
        events += [("request", f"b{number}", REQUEST[:-3]), ("response", f"b{number}", RESPONSE)]
    events += [("request", f"c{number}", REQUEST) for number in range(again)]
    random_.shuffle(events)
    with run_exporter(tmp_path, SHORT_WAIT) as exporter, ThreadPoolExecutor(5) as workers:
        # five workers send, as in the agent
        statuses = list(workers.map(lambda one: post_event(exporter, kserve(*one[:2]), one[2])[0], events))
        assert set(statuses) == {200, 400}
        assert statuses.count(400) == broken
        page = exporter.wait_for(
            lambda page: (
                page.total("model_exporter_unpaired_events_total") == silent + orphans
                and page.total("model_exporter_queue_rows") == 0
            ),
            what="the wait of those without another half",
        )
        assert page.total("model_predictions_total", model="iris") == 2 * (calls + silent + orphans)
        assert page.total("model_prediction_errors_total", model="iris", error_type="no_response") == 2 * silent
        assert page.total("model_exporter_unpaired_events_total", half="request", reason="timeout") == silent
        assert page.total("model_exporter_unpaired_events_total", half="response", reason="timeout") == orphans
        assert page.total("model_exporter_repeated_events_total", door="cloudevents") == again
        assert page.total("model_exporter_rejected_records_total", reason="malformed_json") == broken
        assert page.total("model_prediction_duration_seconds_count", model="iris") == 2 * calls
        assert page.total("model_exporter_limit_usage", limit="exchanges") == 0


def test_raw_tensors_and_compressed_bodies(exporter: Exporter) -> None:
    """The binary extension as octets, and gzip that no header tells of."""
    octets = {"content-type": "application/octet-stream"}
    for side, kind in (("request", "inputs"), ("response", "outputs")):
        headers = {**kserve(side, "1"), "Content-Type": octets["content-type"]}
        body = (
            gzip.compress(binary("age", [1.5, 2.5, 3.5], kind))
            if side == "response"
            else binary("age", [1, 2, 3], kind)
        )
        assert post_event(exporter, headers, body)[0] == 200
    page = exporter.settled()
    assert page.total("model_predictions_total", model="iris", version="7") == 3


def test_a_structured_event_is_read_on_any_path(exporter: Exporter) -> None:
    """Both versions of the specification; the body holds attributes and data."""
    for version, side, data in (("0.3", "request", REQUEST), ("1.0", "response", RESPONSE)):
        told = {name.removeprefix("Ce-").lower(): value for name, value in kserve(side, "1").items() if "Ce-" in name}
        whole = {**told, "specversion": version, "data": json.loads(data)}
        headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
        assert post_event(exporter, headers, json.dumps(whole).encode(), "/events/sink")[0] == 200
    assert exporter.settled().total("model_predictions_total", model="iris") == 2


def test_seldon_pairs_by_request_and_tells_the_truth_later(tmp_path: Path) -> None:
    """Its events have ids of their own; feedback brings truth and reward."""
    config = "models:\n  income:\n    outcome: {positive: 1}\n    business: {reward: {sum: value.reward}}\n"
    with run_exporter(tmp_path, config) as exporter:
        for number in range(5):
            body = {"data": {"names": ["age", "hours"], "ndarray": [[30 + number, 40]]}}
            truth = {"truth": {"data": {"ndarray": [[number % 2]]}}, "reward": 0.5}
            for side, said in (("request", body), ("response", {"data": {"ndarray": [[1]]}}), ("feedback", truth)):
                assert post_event(exporter, seldon(side, f"p{number}"), json.dumps(said).encode())[0] == 200
        page = exporter.settled()
        assert page.total("model_predictions_total", model="income") == 5
        assert page.total("model_feature_values_total", model="income", feature="age") == 5
        assert page.total("model_outcomes_total", model="income") == 5
        assert page.total("model_confusion_total", model="income", actual="0", predicted="1") == 3
        assert page.total("model_prediction_duration_seconds_sum", model="income") == pytest.approx(5 * 0.5)


def test_one_id_in_two_services_makes_two_calls(exporter: Exporter) -> None:
    """A transformer and its predictor both log a call under the id of the caller."""
    for side, body in (("request", REQUEST), ("response", RESPONSE)):
        for component in ("transformer", "predictor"):
            headers = kserve(side, "same", component=component, inferenceservicename=component)
            assert post_event(exporter, headers, body)[0] == 200
    page = exporter.settled()
    for component in ("transformer", "predictor"):
        assert page.total("model_predictions_total", model=component) == 2
    assert page.total("model_exporter_repeated_events_total") == 0


def test_nodes_of_one_deployment_are_one_call(exporter: Exporter) -> None:
    """Each node of a graph logs; the prediction is counted once and its repetition told."""
    for node in ("scaler", "classifier"):
        for side in ("request", "response"):
            body = json.dumps({"data": {"ndarray": [[1, 2]]}}).encode()
            assert post_event(exporter, seldon(side, "p", modelid=node), body)[0] == 200
    page = exporter.settled()
    assert page.total("model_predictions_total", model="income") == 1
    assert page.total("model_duplicate_predictions_total", model="income") == 1


def test_a_logger_of_requests_alone_tells_of_no_failures(tmp_path: Path) -> None:
    """Where no response ever comes, requests count as predictions when their wait is over."""
    with run_exporter(tmp_path, SHORT_WAIT) as exporter:
        for number in range(4):
            assert post_event(exporter, kserve("request", str(number)), REQUEST)[0] == 200
        page = exporter.wait_for(lambda page: page.has("model_predictions_total"), what="the end of the wait")
        assert page.total("model_exporter_unpaired_events_total", half="request", reason="timeout") == 4
        assert page.total("model_predictions_total", model="iris") == 2 * 4
        assert not page.has("model_prediction_errors_total", model="iris", error_type="no_response")


def test_a_stop_keeps_the_calls_that_were_whole(tmp_path: Path) -> None:
    """What has met is written before the process ends, though a half still waits: outcomes find it after a restart."""
    with run_exporter(tmp_path) as exporter:
        for number in range(20):
            call(exporter, f"c{number}", b'{"instances":[[5.1,3.5]]}', b'{"predictions":[0]}')
        assert post_event(exporter, kserve("request", "waits"), REQUEST)[0] == 200
        assert exporter.child.stop() == 0
    with run_exporter(tmp_path) as exporter:
        outcomes = [{"model": "iris", "id": f"c{number}", "outcome": 0} for number in range(20)]
        assert exporter.post("/v1/outcomes", outcomes, lines=True)[0] == 200
        assert exporter.settled().total("model_outcomes_total", model="iris") == 20


def test_the_same_prediction_through_two_doors_counts_once(exporter: Exporter) -> None:
    """The service logs its predictions as well, under the id of the call."""
    call(exporter, "7", b'{"instances":[[5.1,3.5]]}', b'{"predictions":[0]}')
    status, _ = exporter.post("/v1/predictions", {"model": "iris", "id": "7", "features": {"0": 5.1}, "prediction": 0})
    assert status == 200
    page = exporter.settled()
    assert page.total("model_predictions_total", model="iris") == 1
    assert page.total("model_duplicate_predictions_total", model="iris") == 1


REFUSED: Mapping[str, tuple[dict[str, str], bytes, str, int]] = {
    "no type": ({"Ce-Id": "1", "Content-Type": "application/json"}, REQUEST, "/", 400),
    "no id": ({"Ce-Type": "org.kubeflow.serving.inference.request"}, REQUEST, "/", 400),
    "a huge id": (kserve("request", "x" * 4_000), REQUEST, "/", 400),
    "headers beyond all measure": (kserve("request", "1", metadata="x" * 20_000), REQUEST, "/", 400),
    "an empty body": (kserve("request", "1"), b"", "/", 400),
    "a bomb": (kserve("request", "1"), gzip.compress(bytes(100 << 20)), "/", 413),
    "gzip that is cut off": (kserve("request", "1"), gzip.compress(REQUEST)[:-9], "/", 400),
    "a batch of events": ({"Content-Type": "application/cloudevents-batch+json"}, b"[]", "/", 400),
    "a structured event that is cut off": (
        {"Content-Type": "application/cloudevents+json"},
        b'{"type":"a.req',
        "/",
        400,
    ),
    "an abyss": (
        {"Content-Type": "application/cloudevents+json"},
        b'{"type":"a.request","id":"1","data":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        "/",
        400,
    ),
    "Azure's without a request": ({"Ce-Type": "azureml.inference.model_inputs"}, b"[{}]", "/modeldata/log", 400),
    "Azure's without a type": ({"Ce-X-Request-Id": "1"}, b"[{}]", "/modeldata/log", 400),
}


def test_what_is_no_event_is_refused_at_once(exporter: Exporter) -> None:
    """Each with its status and counted; the next call is taken as if nothing had been."""
    for name, (headers, body, path, status) in REFUSED.items():
        assert (name, post_event(exporter, headers, body, path)[0]) == (name, status)
    call(exporter, "good")
    page = exporter.settled()
    assert page.total("model_predictions_total", model="iris") == 2
    assert page.total("model_exporter_limit_usage", limit="exchanges") == 0
    refused = page.total("model_exporter_requests_total", outcome="bad_data") + page.total(
        "model_exporter_requests_total", outcome="too_large"
    )
    assert refused == len(REFUSED)


UNREADABLE = {
    "truncated": (REQUEST[:-4], RESPONSE, "malformed_json"),
    "no JSON": (b"\x80\x81", RESPONSE, "not_utf8"),
    "a tensor that lies about its size": (LIAR % 8 + b"\0\0", RESPONSE, "bad_tensor"),
    "a tensor of all the memory there is": (LIAR % 2**62, RESPONSE, "bad_tensor"),
    "a tensor of another size than its shape": (LIAR % 12 + bytes(12), RESPONSE, "bad_tensor"),
    "a tensor of half a number": (LIAR % 7 + bytes(7), RESPONSE, "bad_tensor"),
    "rows that do not match": (REQUEST, b'{"predictions":[0]}', "row_mismatch"),
    "no rows": (b'{"instances":[]}', b'{"predictions":[]}', "no_rows"),
}


def test_what_cannot_be_read_is_counted_by_its_reason(exporter: Exporter) -> None:
    """A half is taken before anybody looks into it; the call is rejected when it is whole."""
    expected: dict[str, int] = {}
    for name, (request, response, reason) in UNREADABLE.items():
        assert post_event(exporter, kserve("request", name), request)[0] == 200
        status, reply = post_event(exporter, kserve("response", name), response)
        assert (name, status) == (name, 400), reply
        expected[reason] = expected.get(reason, 0) + 1
    call(exporter, "good")
    page = exporter.settled()
    found = {
        labels["reason"]: value for labels, value in page.samples("model_exporter_rejected_records_total") if value
    }
    assert found == expected
    assert page.total("model_predictions_total", model="iris") == 2


def test_names_cannot_leave_their_labels(exporter: Exporter) -> None:
    """What callers write in headers is text in a label, bytes that are none included."""
    name = b'x"} 1 # \xff'
    for side, body in (("request", REQUEST), ("response", RESPONSE)):
        headers: dict[str, str | bytes] = {**kserve(side, "1"), "Ce-Inferenceservicename": name}
        assert post_event(exporter, headers, body)[0] == 200
    page = exporter.settled()
    assert [labels["model"] for labels, _ in page.samples("model_predictions_total")] == ['x"} 1 # \\udcff']


def test_other_events_are_ignored_and_counted(exporter: Exporter) -> None:
    """A bus may carry anything, and Azure's server logs its own collections besides."""
    assert post_event(exporter, kserve("request", "1", type="com.example.cart"), b"{}")[0] == 200
    for collection in ("request", "response", "scored_by"):
        assert post_event(exporter, azure(collection, "1"), b"[{}]", "/modeldata/log")[0] == 200
    page = exporter.settled()
    assert page.total("model_exporter_ignored_records_total", reason="not_a_prediction") == 4
    assert page.total("model_exporter_limit_usage", limit="exchanges") == 0


def test_the_oldest_half_makes_room_and_is_counted(tmp_path: Path) -> None:
    """Halves that wait take no more than they may; none of them goes unaccounted for."""
    with run_exporter(tmp_path, "limits: {exchanges: 10}\n") as exporter:
        call(exporter, "first")
        for number in range(25):
            assert post_event(exporter, kserve("request", str(number)), REQUEST)[0] == 200
        page = exporter.settled()
        assert page.total("model_exporter_limit_usage", limit="exchanges") == 10
        assert page.total("model_exporter_limit_hits_total", limit="exchanges") == 15
        assert page.total("model_exporter_unpaired_events_total", half="request", reason="no_room") == 15
        assert page.total("model_prediction_errors_total", model="iris", error_type="no_response") == 2 * 15
