"""The queue in front of the writer, and the way through it."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from batches import T0, batch_of
from model_exporter.batch import Awaited, Batch
from model_exporter.config.settings import Limits, ModelSettings, Privacy, SegmentSource, Settings
from model_exporter.decode import HAS_COMPILED, Decoded, Decoder
from model_exporter.errors import DecodeError, OverloadedError
from model_exporter.join import SqliteStore, StorageError, StoreLimits
from model_exporter.joining import Joiner
from model_exporter.pairing import Exchanges
from model_exporter.pipeline import Pipeline
from model_exporter.ports import Door, Encoding, Payload, Receipt, Signal
from model_exporter.queueing import BoundedQueue, Item
from model_exporter.route import Router
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.kept import KeptVersion
from otlp_messages import log_record, logs_request

compiled = pytest.mark.skipif(not HAS_COMPILED, reason="the compiled decoder is not built")


class Rig:
    """A pipeline with a clock that stands still."""

    def __init__(self, folder: Path, *, limits: Limits, models: Mapping[str, ModelSettings] | None = None) -> None:
        settings = Settings(limits=limits, models=models or {})
        self.folder = folder
        self.telemetry = Telemetry()
        self.queue = BoundedQueue(rows=limits.queue_rows, size=limits.queue_bytes)
        self.failures: list[BaseException] = []
        self.store = SqliteStore(folder / "join.db", StoreLimits(predictions=1000, size=1 << 30, outcomes=1000))
        self.checkpoints: list[list[str]] = []
        self.fleet = Fleet(settings, learned={}, recorder=self.telemetry, notify=lambda _: None, now=T0)
        self.pipeline = Pipeline(
            decoder=Decoder(limits),
            settings=settings,
            queue=self.queue,
            router=Router(limit=limits.models, configured=settings.models),
            fleet=self.fleet,
            joiner=Joiner(self.store, self.fleet, self.telemetry),
            exchanges=Exchanges(entries=100, size=1 << 20, wait_seconds=60.0),
            keep=self.keep,
            telemetry=self.telemetry,
            clock=lambda: T0,
            on_failure=self.failures.append,
        )

    def keep(self, kept: Sequence[KeptVersion], now: float) -> None:
        """Remember which models were handed over."""
        assert now == T0
        self.checkpoints.append([version.model for version in kept])

    def send(self, signal: Signal, body: bytes) -> int:
        """Ingest JSON lines; returns the accepted records."""
        return self.receipt(signal, body).accepted

    def receipt(self, signal: Signal, body: bytes) -> Receipt:
        """Ingest JSON lines."""
        return self.pipeline.ingest(Payload(Door.HTTP, signal, Encoding.JSON_LINES, body, T0))

    def counted(self, metric: str, *labels: str) -> float:
        """A counter of the exporter itself."""
        return self.telemetry.read().counters.get((metric, labels), 0)

    def finish(self) -> None:
        """Stop the writer after what is queued."""
        assert self.pipeline.stop(10)
        self.store.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A pipeline that is not started yet."""
    rig = Rig(tmp_path, limits=Limits(queue_rows=10, models=2))
    yield rig
    rig.queue.close()


def predictions(count: int, model: str = "m") -> bytes:
    """That many records."""
    return b"\n".join(b'{"model": "%s", "features": {"x": 1}}' % model.encode() for _ in range(count))


def test_what_is_accepted_is_in_the_snapshot_after_stopping(rig: Rig) -> None:
    """Stopping drains the queue: everything acknowledged is counted."""
    for _ in range(3):
        assert rig.send(Signal.PREDICTIONS, predictions(3)) == 3
    rig.pipeline.start()
    rig.finish()
    assert rig.pipeline.snapshot
    (model,) = rig.pipeline.snapshot.models
    assert model.versions[0].predictions == 9
    assert rig.counted("model_exporter_records_total", "http", "predictions", "accepted") == 9


def test_stopping_hands_over_a_checkpoint_of_everything(rig: Rig) -> None:
    """The last checkpoint is made after the last record, so that an orderly stop keeps all evidence."""
    rig.pipeline.start()
    rig.send(Signal.PREDICTIONS, predictions(3))
    rig.finish()
    assert rig.checkpoints == [["m"]]


def test_a_full_queue_refuses_and_loses_nothing(rig: Rig) -> None:
    """A request that does not fit is refused as retryable; nothing of it is counted as accepted."""
    rig.send(Signal.PREDICTIONS, predictions(8))
    with pytest.raises(OverloadedError, match="wait already"):
        rig.send(Signal.PREDICTIONS, predictions(3))
    rig.pipeline.start()
    rig.finish()
    assert rig.pipeline.snapshot
    assert rig.pipeline.snapshot.models[0].versions[0].predictions == 8


def test_a_request_larger_than_the_queue_passes_when_it_is_empty(rig: Rig) -> None:
    """Otherwise its sender would try for ever."""
    assert rig.send(Signal.PREDICTIONS, predictions(50)) == 50
    with pytest.raises(OverloadedError):
        rig.send(Signal.PREDICTIONS, predictions(1))


def test_nothing_is_accepted_after_closing(rig: Rig) -> None:
    """A request during shutdown is refused as retryable."""
    rig.pipeline.start()
    rig.finish()
    with pytest.raises(OverloadedError, match="shutting down"):
        rig.send(Signal.PREDICTIONS, predictions(1))


def otlp(*attributes: Mapping[str, object], event_name: str = "model.prediction") -> Payload:
    """A request of OTLP logs."""
    records = [log_record(told, event_name=event_name) for told in attributes]
    body = logs_request(*records).SerializeToString()
    return Payload(Door.OTLP_HTTP, Signal.LOGS, Encoding.PROTOBUF, body, T0)


@compiled
def test_small_requests_wait_as_bytes_and_are_counted_together(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is acknowledged with its own number of records; the writer adds them at once, in their order."""
    rows: list[int] = []
    predict = rig.fleet.predict

    def watched(model: str, batch: Batch, now: float) -> list[Awaited]:
        rows.append(batch.rows)
        return predict(model, batch, now)

    monkeypatch.setattr(rig.fleet, "predict", watched)
    told = [[{"model.name": "m", "feature.x": number}] * number for number in (1, 2, 3)]
    assert [rig.pipeline.ingest(otlp(*records)).accepted for records in told] == [1, 2, 3]
    assert rig.queue.rows == 6
    assert rig.counted("model_exporter_records_total", "otlp_http", "logs", "accepted") == 6
    rig.pipeline.start()
    rig.finish()
    assert rows == [6]
    assert rig.pipeline.snapshot
    assert rig.pipeline.snapshot.models[0].versions[0].predictions == 6


@compiled
def test_small_requests_of_several_configurations_are_decoded_by_their_own(rig: Rig) -> None:
    """What was acknowledged before a reload is read as it was then."""
    assert rig.pipeline.ingest(otlp({"model.name": "m", "feature.x": 1, "feature.y": 2})).accepted == 1
    rig.pipeline.reconfigure(Decoder(Limits(record_attributes=1)), Settings())
    assert rig.pipeline.ingest(otlp({"model.name": "m", "feature.x": 1})).accepted == 1
    rig.pipeline.start()
    rig.finish()
    assert rig.pipeline.snapshot
    assert rig.pipeline.snapshot.models[0].versions[0].predictions == 2
    assert rig.counted("model_exporter_dropped_values_total", "attribute_limit") == 0


@compiled
def test_a_request_that_only_decoding_can_judge_is_decoded_at_the_door(rig: Rig) -> None:
    """Its sender is told of what is wrong, while its neighbours wait as bytes."""
    good = {"model.name": "m", "feature.x": 1}
    receipts = [rig.pipeline.ingest(otlp(good)), rig.pipeline.ingest(otlp(good, {"model.name": 5, "feature.x": 1}))]
    assert [(receipt.accepted, receipt.rejected) for receipt in receipts] == [(1, 0), (1, 1)]
    rig.pipeline.ingest(otlp(good, event_name="other"))
    assert rig.counted("model_exporter_ignored_records_total", "not_a_prediction") == 1
    rig.pipeline.start()
    rig.finish()
    assert rig.pipeline.snapshot
    assert rig.pipeline.snapshot.models[0].versions[0].predictions == 2


def test_a_full_queue_refuses_small_requests(rig: Rig) -> None:
    """Bytes that wait count like columns that do."""
    for _ in range(10):
        rig.pipeline.ingest(otlp({"model.name": "m", "feature.x": 1}))
    with pytest.raises(OverloadedError, match="wait already"):
        rig.pipeline.ingest(otlp({"model.name": "m", "feature.x": 1}))
    assert rig.counted("model_exporter_records_total", "otlp_http", "logs", "accepted") == 10


def test_garbage_leaves_the_pipeline_as_it_was(rig: Rig) -> None:
    """A body that cannot be decoded raises for the door to answer, and is not queued."""
    with pytest.raises(DecodeError):
        rig.pipeline.ingest(Payload(Door.OTLP_HTTP, Signal.LOGS, Encoding.PROTOBUF, b"\xff" * 20, T0))
    assert rig.queue.rows == 0


def test_models_beyond_the_limit_are_dropped_by_reason(rig: Rig) -> None:
    """The records of a third model are counted as dropped; the two others are not disturbed."""
    for model in ("a", "b", "c"):
        rig.send(Signal.PREDICTIONS, predictions(2, model))
    rig.pipeline.start()
    rig.finish()
    assert rig.pipeline.snapshot
    assert [model.name for model in rig.pipeline.snapshot.models] == ["a", "b"]
    assert rig.counted("model_exporter_dropped_records_total", "model_limit") == 2


def test_outcomes_are_counted_and_kept(rig: Rig) -> None:
    """An outcome is on disk for the join to come, and counted by model."""
    rig.send(Signal.OUTCOMES, b'{"model": "m", "id": "p1", "outcome": true}')
    rig.pipeline.start()
    assert rig.pipeline.stop(10)
    assert rig.store.outcomes_waiting("m") == 1
    rig.store.close()
    assert rig.pipeline.snapshot
    assert rig.pipeline.snapshot.models[0].outcomes == 1


def test_a_receipt_for_outcomes_is_good_once_they_are_on_disk(rig: Rig) -> None:
    """Another process finds the outcome when the receipt says that it is safe; other records promise nothing."""
    receipt = rig.receipt(Signal.OUTCOMES, b'{"model": "m", "id": "p1", "outcome": true}')
    assert receipt.safe
    assert not receipt.safe.done()
    assert rig.receipt(Signal.PREDICTIONS, predictions(1)).safe is None
    rig.pipeline.start()
    receipt.safe.result(10)
    limits = StoreLimits(predictions=1000, size=1 << 30, outcomes=1000)
    with SqliteStore(rig.folder / "join.db", limits) as other:
        assert other.outcomes_waiting("m") == 1
    rig.finish()


def test_outcomes_that_cannot_be_kept_are_refused(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender is told to come again, nothing is counted as an outcome, and the exporter goes on."""

    def fail(*_: object) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(rig.store, "tell", fail)
    receipt = rig.receipt(Signal.OUTCOMES, b'{"model": "m", "id": "p1", "outcome": true}')
    rig.send(Signal.PREDICTIONS, predictions(2))
    rig.pipeline.start()
    assert receipt.safe
    assert isinstance(receipt.safe.exception(10), OverloadedError)
    rig.finish()
    assert rig.failures == []
    assert rig.counted("model_exporter_storage_failures_total", "outcomes") == 1
    assert rig.pipeline.snapshot
    (model,) = rig.pipeline.snapshot.models
    assert (model.outcomes, model.versions[0].predictions) == (0, 2)


def test_tasks_run_in_the_writer(rig: Rig) -> None:
    """A reload touches the rolling state in the one thread that may."""
    done: list[str] = []
    rig.pipeline.start()
    rig.pipeline.run_in_writer(lambda: done.append(threading.current_thread().name))
    rig.finish()
    assert done == ["writer"]


def test_a_bug_in_the_writer_is_loud(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """The writer's death closes the queue and reaches whoever runs the process."""

    def bug() -> None:
        raise ZeroDivisionError

    rig.pipeline.start()
    rig.pipeline.run_in_writer(bug)
    rig.finish()
    assert [type(failure) for failure in rig.failures] == [ZeroDivisionError]
    assert "the writer failed" in caplog.text


@pytest.fixture
def discreet(tmp_path: Path) -> Iterator[Rig]:
    """A pipeline that is not started yet, whose models `m` and `svc` drop a feature."""
    told = ModelSettings(privacy=Privacy(drop=frozenset({(SegmentSource.FEATURE, "ssn")})))
    rig = Rig(tmp_path, limits=Limits(), models={"m": told, "svc": told})
    yield rig
    rig.queue.close()


def features(batch: Batch) -> list[str]:
    """Names of the columns."""
    return [column.name for column in batch.columns]


def decoded_in(item: Item) -> Decoded:
    """What was decoded before it was queued."""
    assert isinstance(item.records, Decoded)
    return item.records


def test_sensitive_values_do_not_enter_the_queue_as_columns(discreet: Rig) -> None:
    """Of a model that the record names; other models keep theirs."""
    for model in ("m", "other"):
        record = b'{"model": "%s", "features": {"x": 1, "ssn": "1"}}' % model.encode()
        discreet.send(Signal.PREDICTIONS, record)
    queued = [batch for item in discreet.queue.take(0) for batch in decoded_in(item).batches]
    assert {batch.model: features(batch) for batch in queued} == {"m": ["x"], "other": ["x", "ssn"]}


def test_sensitive_values_of_a_nameless_model_do_not_leave_the_queue(
    discreet: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer knows which model the records of a service belong to, and conceals them before it counts."""
    seen: dict[str, list[str]] = {}
    monkeypatch.setattr(discreet.fleet, "predict", lambda model, batch, _: seen.update({model: features(batch)}))
    record = log_record({"feature.x": 1, "feature.ssn": "1"}, event_name="model.prediction")
    for service in ("svc", "other"):
        body = logs_request(record, resource={"service.name": service}).SerializeToString()
        discreet.pipeline.ingest(Payload(Door.OTLP_HTTP, Signal.LOGS, Encoding.PROTOBUF, body, T0))
    discreet.pipeline.start()
    discreet.finish()
    assert seen == {"svc": ["x"], "other": ["x", "ssn"]}


def test_sensitive_values_of_small_requests_do_not_leave_the_queue(
    discreet: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that wait as bytes are concealed as soon as they are decoded."""
    seen: dict[str, list[str]] = {}
    monkeypatch.setattr(discreet.fleet, "predict", lambda model, batch, _: seen.update({model: features(batch)}))
    for model in ("m", "other", "m"):
        discreet.pipeline.ingest(otlp({"model.name": model, "feature.x": 1, "feature.ssn": "1"}))
    discreet.pipeline.start()
    discreet.finish()
    assert seen == {"m": ["x"], "other": ["x", "ssn"]}


def test_another_configuration_conceals_other_values(discreet: Rig) -> None:
    """From the next request on."""
    discreet.pipeline.reconfigure(Decoder(Limits()), Settings())
    discreet.send(Signal.PREDICTIONS, b'{"model": "m", "features": {"x": 1, "ssn": "1"}}')
    (item,) = discreet.queue.take(0)
    assert features(decoded_in(item).batches[0]) == ["x", "ssn"]


def test_a_prediction_that_names_only_its_service_is_the_one_that_names_its_model(rig: Rig) -> None:
    """Told at two doors, by id: a log record of a service that hosts one model, and a JSON line that names it."""
    naming = log_record(
        {"model.name": "m", "prediction.id": "0", "feature.x": 1}, event_name="model.prediction", time_ns=0
    )
    nameless = [
        log_record({"prediction.id": id_, "feature.x": 1}, event_name="model.prediction", time_ns=0)
        for id_ in ("5", 5, "6")
    ]
    rig.pipeline.start()
    for records in ([naming], nameless):
        body = logs_request(*records, resource={"service.name": "svc"}).SerializeToString()
        rig.pipeline.ingest(Payload(Door.OTLP_HTTP, Signal.LOGS, Encoding.PROTOBUF, body, T0))
    rig.send(Signal.PREDICTIONS, b'{"model": "m", "id": 5, "features": {"x": 1}}')
    rig.send(Signal.PREDICTIONS, b'{"model": "m", "id": "7", "features": {"x": 1}}')
    rig.finish()
    assert rig.pipeline.snapshot
    (model,) = rig.pipeline.snapshot.models
    (version,) = model.versions
    assert version.predictions == 4  # 0, 5, 6, 7
    assert version.duplicates == 2


def test_what_follows_records_is_done_in_one_step_with_adding_them(rig: Rig) -> None:
    """The next picture has them, and no earlier one; a body without any record is followed as well."""
    pictures: list[int] = []

    def note() -> None:
        pictures.append(rig.pipeline.next_picture)

    def send(body: bytes) -> None:
        payload = Payload(Door.FILE, Signal.PREDICTIONS, Encoding.JSON_LINES, body, T0, context={"model": "m"})
        rig.pipeline.ingest(payload, then=note)

    send(b'{"features": {"x": 1}}')
    send(b"{}")
    assert pictures == []
    rig.pipeline.start()
    rig.finish()
    assert rig.pipeline.snapshot
    assert rig.pipeline.snapshot.models[0].versions[0].predictions == 1
    assert pictures == [rig.pipeline.snapshot.number] * 2


def test_the_writer_goes_on_between_the_models_of_a_picture(rig: Rig) -> None:
    """What it adds meanwhile is not sure to be in the picture that is being drawn, and is in the one after it."""
    for model in ("a", "b"):
        rig.fleet.predict(model, batch_of({"x": [1.0]}), T0)
    steps = rig.pipeline._draw_picture()
    numbers = {rig.pipeline.next_picture: 0}
    models = []
    for number, _ in enumerate(steps):
        rig.fleet.predict("a", batch_of({"x": [1.0]}), T0)
        numbers[rig.pipeline.next_picture] = number + 1
        models.append(number)
    assert len(models) == 2 + 1 + 2 * (3 + 1)  # time passes for each, then for what waits, then each is drawn by window
    assert numbers == {1: 3, 2: 11}
    assert rig.pipeline.snapshot
    assert [model.versions[0].predictions for model in rig.pipeline.snapshot.models] == [7, 1]
    assert rig.pipeline.next_picture == 2


def test_what_follows_records_is_not_done_when_their_outcomes_are_refused(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are handed over again."""
    followed: list[None] = []

    def refuse(*_: object) -> None:
        raise StorageError("no")

    monkeypatch.setattr(rig.store, "tell", refuse)
    body = b'{"model": "m", "id": "1", "outcome": 1}'
    payload = Payload(Door.FILE, Signal.OUTCOMES, Encoding.JSON_LINES, body, T0)
    receipt = rig.pipeline.ingest(payload, then=lambda: followed.append(None))
    rig.pipeline.start()
    assert receipt.safe
    with pytest.raises(OverloadedError):
        receipt.safe.result(10)
    rig.finish()
    assert followed == []
