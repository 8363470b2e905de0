"""Requests that are measured and passed on, to targets that misbehave."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from model_exporter.config.settings import ForwardCompression, ForwardedSignal, ForwardSettings, WhenFull
from model_exporter.decode.replies import encode_retry_info, encode_status, encode_success
from model_exporter.demo.processes import HOST, free_port
from model_exporter.errors import DecodeError, OverloadedError
from model_exporter.forward import Forwarder, sender
from model_exporter.forward.backoff import Backoff
from model_exporter.forward.outbox import OVERHEAD_BYTES
from model_exporter.ports import Door, Encoding, Payload, Receipt, Signal
from model_exporter.telemetry import Telemetry
from otlp_messages import logs_request, otlp_json, prediction
from otlp_sinks import HANG, RESET, Reply, grpc_sink, http_sink
from receiving import Recorder, until

LOGS = logs_request(prediction(prediction__id="1"))
BODY = LOGS.SerializeToString()
SINKS = pytest.mark.parametrize("open_sink", [http_sink, grpc_sink], ids=["http", "grpc"])
UNAVAILABLE = Reply(503, grpc.StatusCode.UNAVAILABLE)
INVALID = Reply(400, grpc.StatusCode.INVALID_ARGUMENT)


def payload(body: bytes = BODY, **changes: Any) -> Payload:
    """A request of logs as a door hands it on."""
    return Payload(Door.OTLP_HTTP, Signal.LOGS, Encoding.PROTOBUF, body, 1_700_000_000.0)._replace(**changes)


@dataclass(frozen=True, slots=True)
class Rig:
    """A forwarder between a pipeline that keeps what it is given and a target."""

    forward: Forwarder
    ingest: Recorder
    telemetry: Telemetry

    def ends(self) -> dict[str, float]:
        """Requests by what became of them, all signals together, without zeros."""
        found: dict[str, float] = {}
        for (name, labels), count in self.telemetry.read().counters.items():
            if name == "model_exporter_forwarded_requests_total" and count:
                found[labels[1]] = found.get(labels[1], 0) + count
        return found

    def failures(self) -> dict[str, float]:
        """Failed attempts by reason, without zeros."""
        counters = self.telemetry.read().counters
        return {
            labels[0]: count
            for (name, labels), count in counters.items()
            if name == "model_exporter_forward_failures_total" and count
        }

    def gauge(self, name: str) -> float:
        """A gauge without labels."""
        return self.telemetry.read().gauges[name, ()]

    def ended(self, requests: int) -> dict[str, float]:
        """What became of `requests`, when that is known of all."""
        until(lambda: sum(self.ends().values()) >= requests)
        return self.ends()


@contextmanager
def forwarding(
    endpoint: str, answer: Callable[[Payload], Receipt] | None = None, *, grace: float = 5.0, **settings: Any
) -> Iterator[Rig]:
    """A forwarder to `endpoint` that tries again after hundredths of seconds."""
    ingest, telemetry = Recorder(answer), Telemetry()
    forward = Forwarder(
        ingest,
        telemetry,
        ForwardSettings(endpoint=endpoint, **settings),
        backoff=Backoff(0.02, 0.05),
        chance=Random(1),  # noqa: S311  # a wait
    )
    forward.start()
    try:
        yield Rig(forward, ingest, telemetry)
    finally:
        forward.stop(grace)


@SINKS
@pytest.mark.parametrize("compression", ForwardCompression)
def test_requests_arrive_as_they_came(open_sink: Any, compression: ForwardCompression) -> None:
    """All three signals, byte for byte, and configured headers on each."""
    big = logs_request(*(prediction(prediction__id=str(number)) for number in range(5000))).SerializeToString()
    with (
        open_sink() as sink,
        forwarding(sink.endpoint, compression=compression, headers=(("x-scope-orgid", "a"),)) as rig,
    ):
        for signal in (Signal.LOGS, Signal.TRACES, Signal.METRICS):
            rig.forward(payload(signal=signal))
        rig.forward(payload(big, door=Door.OTLP_GRPC))
        assert rig.ended(4) == {"delivered": 4}
    assert sorted(sink.bodies, key=len) == [BODY] * 3 + [big]
    assert len(rig.ingest.payloads) == 4
    paths = {received.path for received in sink.received}
    http = {"/v1/logs", "/v1/traces", "/v1/metrics"}
    assert paths == http or {path.split(".")[3] for path in paths} == {"logs", "trace", "metrics"}
    assert {received.headers["x-scope-orgid"] for received in sink.received} == {"a"}
    assert rig.gauge("model_exporter_forward_queue_bytes") == 0
    assert rig.gauge("model_exporter_forward_last_success_timestamp_seconds") == pytest.approx(time.time(), abs=60)


def test_json_stays_json_over_http() -> None:
    """The bytes and the content type are those of the sender."""
    body = otlp_json(LOGS)
    with http_sink() as sink, forwarding(sink.endpoint) as rig:
        rig.forward(payload(body, encoding=Encoding.JSON))
        assert rig.ended(1) == {"delivered": 1}
    (received,) = sink.received
    assert (received.body, received.headers["content-type"]) == (body, "application/json")


def test_json_becomes_protobuf_over_grpc() -> None:
    """OTLP/gRPC has nothing else: the same message, ids in hex included. What protobuf cannot say is counted."""
    request = logs_request(prediction(score=0.5))
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    record.trace_id, record.span_id = b"0123456789abcdef", b"01234567"
    odd = json.loads(otlp_json(request))
    odd["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"][0]["value"] = {"intValue": 1e300}
    with grpc_sink() as sink, forwarding(sink.endpoint) as rig:
        rig.forward(payload(otlp_json(request), encoding=Encoding.JSON))
        rig.forward(payload(json.dumps(odd).encode(), encoding=Encoding.JSON))
        assert rig.ended(2) == {"delivered": 1, "unconvertible": 1}
    (body,) = sink.bodies
    assert ExportLogsServiceRequest.FromString(body) == request


def test_only_otlp_is_passed_on() -> None:
    """Prediction logs over plain HTTP are measured and go no further; so do signals that are left out."""
    with http_sink() as sink, forwarding(sink.endpoint, signals=frozenset({ForwardedSignal.LOGS})) as rig:
        rig.forward(payload(door=Door.HTTP, signal=Signal.PREDICTIONS, encoding=Encoding.JSON))
        rig.forward(payload(signal=Signal.METRICS))
        rig.forward(payload())
        assert rig.ended(1) == {"delivered": 1}
    assert len(sink.received) == 1
    assert len(rig.ingest.payloads) == 3


@pytest.mark.parametrize(
    ("open_sink", "bad", "reason"),
    [(http_sink, UNAVAILABLE, "status"), (grpc_sink, UNAVAILABLE, "status"), (http_sink, RESET, "connection")],
    ids=["http", "grpc", "reset"],
)
def test_what_may_succeed_later_is_tried_again(open_sink: Any, bad: Reply, reason: str) -> None:
    """The same bytes again, until the target takes them."""
    with open_sink() as sink, forwarding(sink.endpoint) as rig:
        sink.replies.extend([bad, bad])
        rig.forward(payload())
        assert rig.ended(1) == {"delivered": 1}
    assert sink.bodies == [BODY] * 3
    assert rig.failures() == {reason: 2}


@SINKS
def test_a_target_that_hangs_is_tried_again(open_sink: Any) -> None:
    """After the timeout of an attempt."""
    with open_sink() as sink, forwarding(sink.endpoint, timeout_seconds=0.3) as rig:
        sink.replies.append(HANG)
        rig.forward(payload())
        assert rig.ended(1) == {"delivered": 1}
    assert rig.failures() == {"timeout": 1}


@SINKS
def test_what_cannot_succeed_is_dropped(open_sink: Any) -> None:
    """Once, and counted; the next request is not held up."""
    with open_sink() as sink, forwarding(sink.endpoint) as rig:
        sink.replies.append(INVALID)
        rig.forward(payload())
        until(lambda: rig.ends() == {"refused": 1})
        rig.forward(payload())
        assert rig.ended(2) == {"refused": 1, "delivered": 1}
    assert len(sink.received) == 2


@SINKS
def test_a_target_that_says_when_to_come_back_is_left_alone(open_sink: Any) -> None:
    """No request at all reaches it before the time it has told."""
    status = encode_status(14, "later", Encoding.PROTOBUF, retry_after_seconds=1)
    slow_down = Reply(
        503,
        grpc.StatusCode.UNAVAILABLE,
        headers={"Retry-After": "1"},
        trailers=(("grpc-status-details-bin", status),),
    )
    with open_sink() as sink, forwarding(sink.endpoint) as rig:
        sink.replies.append(slow_down)
        began = time.monotonic()
        rig.forward(payload())
        until(lambda: rig.failures() == {"status": 1})
        rig.forward(payload())
        assert rig.ended(2) == {"delivered": 2}
        assert time.monotonic() - began >= 1.0
    assert len(sink.received) == 3


@SINKS
def test_a_target_that_asks_for_years_is_given_minutes(open_sink: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong clock at the other end is no reason to be silent for ever."""
    monkeypatch.setattr(sender, "_MOST_QUIET_SECONDS", 0.3)
    hint = (("google.rpc.retryinfo-bin", encode_retry_info(10**9)),)
    with open_sink() as sink, forwarding(sink.endpoint) as rig:
        sink.replies.append(Reply(503, grpc.StatusCode.UNAVAILABLE, headers={"Retry-After": "9" * 400}, trailers=hint))
        rig.forward(payload())
        assert rig.ended(1) == {"delivered": 1}


def test_an_exhausted_target_is_tried_again_only_if_it_says_when() -> None:
    """RESOURCE_EXHAUSTED is final without a RetryInfo (opentelemetry-proto docs/specification.md, "Failures")."""
    exhausted = grpc.StatusCode.RESOURCE_EXHAUSTED
    hint = (("google.rpc.retryinfo-bin", encode_retry_info(0)),)
    with grpc_sink() as sink, forwarding(sink.endpoint) as rig:
        sink.replies.extend([Reply(code=exhausted, trailers=hint), Reply(code=exhausted)])
        rig.forward(payload())
        assert rig.ended(1) == {"refused": 1}
    assert len(sink.received) == 2


@SINKS
def test_a_partial_success_is_counted_and_not_sent_again(open_sink: Any) -> None:
    """As the specification wants it; the records that the target rejected are counted."""
    with open_sink() as sink, forwarding(sink.endpoint) as rig:
        sink.always = Reply(body=encode_success(Signal.LOGS, Encoding.PROTOBUF, rejected=3, message="no"))
        rig.forward(payload())
        assert rig.ended(1) == {"partial": 1}
    counters = rig.telemetry.read().counters
    assert counters["model_exporter_forward_rejected_records_total", ("logs",)] == 3
    assert len(sink.received) == 1


def test_a_dead_target_costs_nothing_but_what_it_misses() -> None:
    """Everything is measured; what finds no room is counted, and what waits too long, and room comes back."""
    with forwarding(
        f"http://{HOST}:{free_port()}", queue_bytes=5 * (len(BODY) + OVERHEAD_BYTES), retry_seconds=0.5
    ) as rig:
        for _ in range(8):
            rig.forward(payload())
        assert rig.ends()["queue_full"] == 3
        assert rig.ended(8) == {"queue_full": 3, "too_old": 5}
        until(lambda: rig.gauge("model_exporter_forward_queue_bytes") == 0)
    assert len(rig.ingest.payloads) == 8
    assert set(rig.failures()) == {"connection"}


def test_senders_can_be_made_to_wait() -> None:
    """With `on_full: refuse` a request that finds no room is not measured: it comes again."""
    with http_sink() as sink:
        sink.always = HANG
        with forwarding(sink.endpoint, queue_bytes=1, on_full=WhenFull.REFUSE, grace=0.0) as rig:
            rig.forward(payload())  # an empty queue takes any one request
            with pytest.raises(OverloadedError, match="wait to be passed on") as caught:
                rig.forward(payload())
    assert caught.value.retry_after_seconds == 2
    assert len(rig.ingest.payloads) == 1


@pytest.mark.parametrize("error", [OverloadedError("full"), DecodeError("wire", "cut off")], ids=["full", "bad"])
def test_what_is_refused_as_a_whole_is_not_passed_on(error: Exception) -> None:
    """Its sender is told so: it sends it again, or knows that it is lost. The room is given back."""

    def refuse(_: Payload) -> Receipt:
        raise error

    with http_sink() as sink, forwarding(sink.endpoint, refuse) as rig:
        with pytest.raises(type(error)):
            rig.forward(payload())
        until(lambda: rig.gauge("model_exporter_forward_queue_bytes") == 0)
    assert sink.received == []
    assert rig.ends() == {}


def test_records_that_we_reject_are_passed_on() -> None:
    """It is a pipe: the target may understand more than we do."""
    with http_sink() as sink, forwarding(sink.endpoint, lambda _: Receipt(0, 1, "no")) as rig:
        assert rig.forward(payload()).rejected == 1
        assert rig.ended(1) == {"delivered": 1}
    assert sink.bodies == [BODY]


def test_outcomes_are_passed_on_when_they_are_safe() -> None:
    """Where they cannot be kept the sender sends them again, and they are passed on then."""
    safes: list[Future[None]] = [Future(), Future()]
    receipts = [Receipt(1, 0, "", safe) for safe in safes]
    with http_sink() as sink, forwarding(sink.endpoint, lambda _: receipts.pop(0)) as rig:
        rig.forward(payload())
        rig.forward(payload(b""))
        safes[0].set_exception(OverloadedError("the disk is full"))
        safes[1].set_result(None)
        assert rig.ended(1) == {"delivered": 1}
    assert sink.bodies == [b""]
    assert rig.gauge("model_exporter_forward_queue_bytes") == 0


@SINKS
def test_a_stop_delivers_what_waits(open_sink: Any) -> None:
    """Within the grace time, even where the first attempt fails."""
    with open_sink() as sink:
        with forwarding(sink.endpoint) as rig:
            sink.replies.extend([UNAVAILABLE] * 2)
            for _ in range(50):
                rig.forward(payload())
        assert rig.ends() == {"delivered": 50}
    assert len(sink.received) == 52


def test_a_stop_counts_what_is_lost() -> None:
    """A target that hangs or is not there holds up a stop no longer than the grace time."""
    with http_sink() as sink:
        sink.always = HANG
        with forwarding(sink.endpoint, grace=0.2) as rig:
            for _ in range(9):
                rig.forward(payload())
            until(lambda: len(sink.received) == 4)
            began = time.monotonic()
            assert rig.forward.stop(0.2) == 9
            assert time.monotonic() - began < 3.0
    assert rig.ends() == {"cut_off": 9}
    assert rig.gauge("model_exporter_forward_queue_bytes") == 0


def test_a_reload_hands_what_waits_to_the_new_target() -> None:
    """An operator who corrects the endpoint or a credential loses nothing that waited."""
    with forwarding(f"http://{HOST}:{free_port()}") as rig, grpc_sink() as sink:
        for _ in range(20):
            rig.forward(payload())
        until(lambda: rig.failures().get("connection", 0) >= 4)
        rig.forward.reconfigure(ForwardSettings(endpoint=sink.endpoint))
        assert rig.ended(20) == {"delivered": 20}
        rig.forward.reconfigure(ForwardSettings())
        rig.forward(payload())
    assert len(sink.received) == 20
    assert len(rig.ingest.payloads) == 21


def test_a_circle_ends() -> None:
    """A request that comes back to an exporter that it came through is refused, and so is measured once."""
    with http_sink() as sink, forwarding(sink.endpoint) as rig:
        rig.forward(payload(via="aa"))
        assert rig.ended(1) == {"delivered": 1}
        via = sink.received[0].headers["x-model-exporter-via"]
        assert via.split(",")[0] == "aa"
        for path in (via, ",".join("0123456789abcdef")):
            with pytest.raises(DecodeError, match="in a circle") as caught:
                rig.forward(payload(via=path))
        assert caught.value.reason == "loop"
        rig.forward(payload(via="\udcff no path of ours"))
        assert rig.ended(2) == {"delivered": 2}
    assert [len(received.headers["x-model-exporter-via"].split(",")) for received in sink.received] == [2, 1]
    assert len(rig.ingest.payloads) == 2


@SINKS
def test_many_senders_lose_nothing(open_sink: Any) -> None:
    """Requests of many threads to a target that often fails: each arrives, and the queue is empty in the end."""
    with open_sink() as sink, forwarding(sink.endpoint) as rig:
        sink.replies.extend([UNAVAILABLE, Reply()] * 20)
        bodies = [[f"{sender}-{number}".encode() for number in range(50)] for sender in range(4)]
        senders = [
            threading.Thread(target=lambda own=own: [rig.forward(payload(body)) for body in own]) for own in bodies
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert rig.ended(200) == {"delivered": 200}
    assert set(sink.bodies) == {body for own in bodies for body in own}
    assert rig.gauge("model_exporter_forward_queue_bytes") == 0


def test_without_an_endpoint_nothing_is_passed_on() -> None:
    """Nothing is opened and nothing counted."""
    threads = threading.active_count()
    with forwarding("") as rig:
        assert rig.forward(payload()).accepted == len(BODY)
        assert threading.active_count() == threads
    assert rig.telemetry.read().counters == {}
