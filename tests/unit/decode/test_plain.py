"""Plain predictions are read by columns; `tests/property/test_plain.py` proves that this changes nothing."""

import json
from unittest.mock import patch

import pytest

from model_exporter.batch import Kind
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder, plain_layouts
from model_exporter.decode.plain_layouts import PlainLayouts
from model_exporter.decode.records import RecordReader
from model_exporter.ports import Encoding, Signal
from otlp_messages import payload

Record = dict[str, object]


@pytest.fixture(autouse=True)
def _each_decoder() -> None:
    """The one that these tests name."""


NATIVE: Record = {
    "model": "fraud",
    "version": "1.4.2",
    "id": "p-1",
    "time": 1_767_225_600,
    "features": {"amount": 12.5, "country": "DE", "user": {"age": 41, "vip": True}},
    "prediction": "approve",
    "score": 0.93,
    "probabilities": {"approve": 0.93, "reject": 0.07},
    "latency_ms": 12,
    "error": None,
    "segment.region": "eu",
}


def decode(*records: Record, array: bool = False) -> tuple[Decoded, int]:
    """What is made of the records, and how many of them were read one by one."""
    texts = [json.dumps(record) for record in records]
    body = "[" + ",".join(texts) + "]" if array else "\n".join(texts)
    sent = payload(Signal.PREDICTIONS, Encoding.JSON, body.encode())
    with patch.object(RecordReader, "read_native", autospec=True, side_effect=RecordReader.read_native) as single:
        return Decoder(Limits(), compiled=False).decode(sent), single.call_count


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"features": [1, 2.5, "red", None]},
        {"feature.amount": 1, "features": {"a": 1}},
        {"probabilities": [0.9, 0.1]},
        {"probabilities": 0.4},
        {"segments": {"region": "eu"}, "segment.region": None},
        {"lower": 1, "upper": 2.5, "horizon": "7d"},
        {"time": "2026-01-01T00:00:00Z"},
        {"id": 7, "version": 3},
        {"host": {"name": "a", "cpus": [1, 2]}, "request_id": "r", "source": "batch"},
        {"error": "Timeout", "prediction": None},
    ],
)
def test_alike_records_are_read_by_columns(change: Record, *, array: bool) -> None:
    """All documented forms of a record are plain."""
    record = {key: value for key, value in (NATIVE | change).items() if key not in change or value is not None}
    decoded, single = decode(*[record] * 20, array=array)
    assert (decoded.accepted, single) == (20, 0)


@pytest.mark.parametrize(
    "odd",
    [
        {"model": "fraud"},
        NATIVE | {"prediction": ["a", "b"]},
        NATIVE | {"features": {"amount": {"nested": 1}, "country": "DE", "user": {"age": 41, "vip": True}}},
        NATIVE | {"outcome": 1},
    ],
)
def test_odd_records_are_read_one_by_one(odd: Record) -> None:
    """Plain ones before and after it are not."""
    _, single = decode(*[NATIVE] * 20, odd, *[NATIVE] * 20)
    assert single == 1


def test_a_run_with_an_unreadable_time_is_read_one_by_one() -> None:
    """No type tells such a text from a moment, so that it shows too late."""
    decoded, single = decode(*[NATIVE] * 20, NATIVE | {"time": "soon"})
    assert (decoded.accepted, single) == (21, 21)
    assert decoded.dropped_values == {"bad_time": 1}


def test_records_that_lack_a_feature_are_plain() -> None:
    """Many loggers leave out what is empty. A feature that no row of a model has is no column of it."""
    full = NATIVE | {"features": {"amount": 1, "age": 2, "country": "DE"}}
    other = NATIVE | {"model": "other", "features": {"amount": 1, "country": "DE"}}
    decoded, single = decode(full, *[NATIVE | {"features": {"age": 3}}] * 10, *[other] * 10)
    assert single == 0
    first, second = decoded.batches
    assert [column.name for column in first.columns[:3]] == ["amount", "age", "country"]
    assert first.columns[0].kinds.tolist() == [Kind.NUMBER] + [Kind.ABSENT] * 10
    assert [column.name for column in second.columns[:2]] == ["amount", "country"]


def test_a_body_that_begins_with_a_gap_is_read_by_a_wider_layout() -> None:
    """The one that records were read by last."""
    decoder = Decoder(Limits(), compiled=False)
    full, less = ({"model": "m", "features": features, "score": 1} for features in ({"a": 1, "b": 2}, {"b": 2}))
    with patch.object(RecordReader, "read_native", autospec=True) as single:
        for records in ([full] * 20, [less, *[full] * 19]):
            body = "\n".join(map(json.dumps, records)).encode()
            assert decoder.decode(payload(Signal.PREDICTIONS, Encoding.JSON, body)).accepted == 20
    assert single.call_count == 0


def test_a_body_of_odd_records_is_not_tried_to_its_end() -> None:
    """After some dozens of them, looking for plain ones would only cost time."""
    with patch.object(PlainLayouts, "find", autospec=True, side_effect=PlainLayouts.find) as find:
        _, single = decode(*[{"model": "m", f"feature.{index}": 1} for index in range(200)])
    assert single == 200
    assert find.call_count < 40


def test_a_layout_is_made_of_what_comes_often() -> None:
    """It costs as much as reading many records, which a sender of ever new keys must not make the exporter pay."""
    layouts = PlainLayouts(Limits())
    assert layouts.find(NATIVE, 1) is None
    assert layouts.find(NATIVE, 14) is None
    assert layouts.find(NATIVE, 1) is not None
    assert layouts.find({"score": 1}, 15) is None


def test_layouts_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of ever new keys push each other out."""
    monkeypatch.setattr(plain_layouts, "_MAX_PLACES", 100)
    layouts = PlainLayouts(Limits())
    for index in range(50):
        assert layouts.find({"model": "m", "features": {f"f{index}": 1, "g": 2}}, 20) is not None
        assert len(layouts._layouts) <= 100 // 4
    wide: Record = {"model": "m", "features": {f"f{index}": 1 for index in range(200)}}
    assert layouts.find(wide, 20) is not None
    assert len(layouts._layouts) <= 100 // 4


def test_two_models_in_one_body_become_two_batches() -> None:
    """Each keeps the order of its own rows."""
    records = [NATIVE | {"model": name, "id": f"{name}{index}"} for index in range(10) for name in ("a", "b")]
    decoded, single = decode(*records)
    assert single == 0
    assert [(batch.model, batch.ids) for batch in decoded.batches] == [
        (name, tuple(f"{name}{index}" for index in range(10))) for name in ("a", "b")
    ]


def test_what_is_refused_is_told_in_the_order_of_the_records() -> None:
    """A record that names no model is refused before the line behind it, whatever shape is known."""
    nameless = json.dumps({"feature.a": 5, "prediction": 1.5})
    body = "\n".join([nameless, "5", *[nameless] * 20]).encode()
    decoder = Decoder(Limits(), compiled=False)
    for _ in range(2):
        decoded = decoder.decode(payload(Signal.PREDICTIONS, Encoding.JSON_LINES, body))
        assert [(told.reason, told.records) for told in decoded.rejections] == [
            ("model_name", 21),
            ("not_an_object", 1),
        ]
