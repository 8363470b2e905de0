"""The native JSON doors: `/v1/predictions`, `/v1/outcomes`, `/v1/events`."""

import json
import math

import pytest

from model_exporter.batch import Event, Outcome
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder, native
from model_exporter.errors import DecodeError
from model_exporter.ports import Encoding, Signal
from otlp_messages import decode_json, inputs, outputs, payload, rows

BOTH = pytest.mark.parametrize("encoding", [Encoding.JSON, Encoding.JSON_LINES])


def test_a_prediction() -> None:
    """Short names, because nothing can clash with them here."""
    decoded = decode_json(
        Signal.PREDICTIONS,
        {
            "model": "fraud",
            "version": "1.4.2",
            "id": "p-1",
            "features": {"amount": 12.5, "user": {"age": 41}},
            "feature.country": "DE",
            "prediction": "approve",
            "probabilities": {"yes": 0.75},
            "latency_ms": 12,
            "time": "2026-01-01T00:00:00Z",
            "error": "Timeout",
            "segment.region": "eu",
        },
    )
    (batch,) = decoded.batches
    assert (batch.model, batch.version, batch.service, batch.ids) == ("fraud", "1.4.2", "", ("p-1",))
    assert batch.times.tolist() == [1_767_225_600.0]
    assert batch.latency_seconds.tolist() == [0.012]
    assert batch.errors.words == ("Timeout",)
    assert inputs(decoded) == {"amount": 12.5, "user.age": 41.0, "country": "DE"}
    assert outputs(decoded) == {"prediction": "approve", "probabilities.yes": 0.75}


def test_long_names_are_taken_as_well() -> None:
    """The names of the OTLP record work here too."""
    short = {"model": "m", "version": "1", "id": "a", "error": "E", "time": 5, "score": 1}
    long = {
        "model.name": "m",
        "model.version": "1",
        "prediction.id": "a",
        "error.type": "E",
        "timestamp": 5,
        "score": 1,
    }
    assert rows(decode_json(Signal.PREDICTIONS, short)) == rows(decode_json(Signal.PREDICTIONS, long))


@pytest.mark.parametrize(
    "time",
    [
        1_767_225_600,
        1_767_225_600_000,
        1_767_225_600_000_000,
        1_767_225_600_000_000_000,
        "1767225600",
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00+01:00",
        "2026-01-01 00:00:00.000000000",
        "2026-01-01T00:00:00",
    ],
)
def test_times(time: object) -> None:
    """Unix time in any unit that its size tells, or ISO 8601, taken as UTC when it has no offset."""
    decoded = decode_json(Signal.PREDICTIONS, {"model": "m", "score": 1, "time": time})
    assert decoded.batches[0].times.tolist() == [1_767_225_600.0]


def test_an_outcome() -> None:
    """With flat or nested business values, flat ones first."""
    decoded = decode_json(
        Signal.OUTCOMES,
        {"model": "m", "id": 7, "label": "fraud", "time": 1.5, "values": {"a": 1, "b": 2}, "value.b": 3},
    )
    assert decoded.outcomes == (Outcome("m", "7", 1.5, "fraud", (("a", 1.0), ("b", 3.0))),)


def test_an_event() -> None:
    """`change` or `event`."""
    decoded = decode_json(Signal.EVENTS, {"model": "m", "event": "deployment", "version": "2", "time": 1.5})
    assert decoded.events == (Event("m", "deployment", "2", "", 1.5),)


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        '{"model":"m","score":1}\n{"model":"m","score":2}',
        '{"model":"m","score":1}\r\n\r\n{"model":"m","score":2}\r\n',
        '[{"model":"m","score":1},{"model":"m","score":2}]',
        ' [\n {"model":"m",\n"score":1},{"model":"m","score":2}\n]\n',
        '\ufeff{"model":"m","score":1}\n{"model":"m","score":2}\n',
    ],
)
def test_layouts_show_in_the_body(encoding: Encoding, body: str) -> None:
    """Lines and arrays are told apart without the content type, which people set wrongly."""
    decoded = decode_json(Signal.PREDICTIONS, body, encoding)
    assert decoded.batches[0].columns[0].numbers.tolist() == [1.0, 2.0]


@BOTH
def test_one_object_may_span_lines(encoding: Encoding) -> None:
    """Indented JSON, also with a literal NaN in it."""
    assert decode_json(Signal.PREDICTIONS, json.dumps({"model": "m", "score": 1}, indent=2), encoding).accepted == 1
    text = json.dumps({"model": "m", "features": {"a": math.nan, "b": [1]}}, indent=2)
    assert decode_json(Signal.PREDICTIONS, text, encoding).accepted == 1


def test_one_bad_line_is_rejected_alone() -> None:
    """Its number and what is wrong with it are told; the rest is kept."""
    lines = ['{"model":"m","score":1}', '{"model":"m","score":', "", '{"model":"m","score":3}', "5", '{"score":1}']
    decoded = decode_json(Signal.PREDICTIONS, "\n".join(lines), Encoding.JSON_LINES)
    assert decoded.accepted == 2
    told = {rejection.reason: rejection.message for rejection in decoded.rejections}
    assert told["malformed_record"].startswith("line 2: ")
    assert told["not_an_object"] == "line 5: expected an object, got int"
    assert told["model_name"] == 'line 6: the record has no "model"'


def test_a_bad_element_is_rejected_alone() -> None:
    """In an array its position is told."""
    decoded = decode_json(Signal.PREDICTIONS, [{"model": "m", "score": 1}, None, {"model": 5, "score": 1}])
    assert decoded.accepted == 1
    assert [rejection.message for rejection in decoded.rejections] == [
        "record 2: expected an object, got null",
        "record 3: the model's name is not text but int",
    ]


def test_line_numbers_are_those_of_the_body() -> None:
    """When every line is sound JSON as well."""
    decoded = decode_json(Signal.EVENTS, '{"model":"m","change":"schema"}\n{"model":"m","change":"x"}\n')
    assert decoded.rejections[0].message.startswith("line 2: ")


@pytest.mark.parametrize(
    ("signal", "reason"),
    [(Signal.PREDICTIONS, "empty_record"), (Signal.OUTCOMES, "outcome_without_id"), (Signal.EVENTS, "bad_event")],
)
def test_an_empty_record_is_rejected_by_every_door(signal: Signal, reason: str) -> None:
    """With the reason of that door."""
    (rejection,) = decode_json(signal, {"model": "m"}).rejections
    assert rejection.reason == reason


@pytest.mark.parametrize(
    ("text", "check"), [("NaN", math.isnan), ("Infinity", math.isinf), ("-Infinity", math.isinf), ("1e400", math.isinf)]
)
def test_numbers_that_are_no_json_are_salvaged(text: str, check: object) -> None:
    """Pandas and Python loggers write them; the cell is a number that is not finite, and the other lines are kept."""
    body = f'{{"model":"m","features":{{"a":{text}}}}}\n{{"model":"m","features":{{"a":1}}}}'
    decoded = decode_json(Signal.PREDICTIONS, body, Encoding.JSON_LINES)
    assert decoded.accepted == 2
    assert check(inputs(decoded)["a"])  # type: ignore[operator]  # parametrize hides the type


def test_lone_surrogates_become_escapes() -> None:
    """Nothing after the decoder could write them as UTF-8."""
    body = (
        '{"model":"m\\ud800","id":"\\udfff","score":1,"feature.\\ud800":"\\ud800","features":{"ok":"\\ud83d\\ude00"}}'
    )
    decoded = decode_json(Signal.PREDICTIONS, body)
    (batch,) = decoded.batches
    assert (batch.model, batch.ids) == (r"m\ud800", (r"\udfff",))
    assert inputs(decoded) == {"ok": "\U0001f600", r"\ud800": r"\ud800"}


@BOTH
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"\n \n", "empty_body"),
        (b"nope", "malformed_json"),
        (b"nope\nnope", "malformed_json"),
        (b'{"model":"m"', "malformed_json"),
        (b'[{"model":"m","score":1},', "malformed_json"),
        (b"3", "not_an_object"),
        (b"1\n2", "not_an_object"),
        (b"[1,2]", "not_an_object"),
        (b'"\xff"', "not_utf8"),
        (b"[" * 10_000, "malformed_json"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "malformed_json"),
    ],
)
def test_a_body_without_an_object_is_refused(encoding: Encoding, body: bytes, reason: str) -> None:
    """As a whole, with a reason from a fixed set."""
    with pytest.raises(DecodeError) as caught:
        decode_json(Signal.PREDICTIONS, body, encoding)
    assert caught.value.reason == reason


def test_a_deep_line_is_rejected_alone() -> None:
    """10,000 levels in one line do not hurt its neighbours."""
    deep = '{"a":' * 10_000 + "1" + "}" * 10_000
    decoded = decode_json(Signal.PREDICTIONS, f'{deep}\n{{"model":"m","score":1}}')
    assert (decoded.accepted, decoded.rejected) == (1, 1)


def test_a_body_of_bad_lines_gets_a_bounded_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines past the first many bad ones must be strict JSON; good ones are still kept."""
    monkeypatch.setattr(native, "_PATIENCE", 2)
    nan, good = '{"model":"m","score":NaN}', '{"model":"m","score":1}'
    decoded = decode_json(Signal.PREDICTIONS, f"{nan}\n{{\n{nan}\n{{\n{nan}\n{good}")
    assert (decoded.accepted, decoded.rejected) == (3, 3)


@BOTH
def test_an_empty_array_is_a_success(encoding: Encoding) -> None:
    """There is nothing wrong with nothing."""
    assert decode_json(Signal.PREDICTIONS, "[]", encoding).accepted == 0


def test_protobuf_has_no_native_records() -> None:
    """The native doors take JSON only."""
    with pytest.raises(DecodeError) as caught:
        Decoder(Limits()).decode(payload(Signal.EVENTS, Encoding.PROTOBUF, b"x"))
    assert caught.value.reason == "wrong_encoding"
