"""What the compiled decoder takes upon itself, and where it gives up."""

import math
import random
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from accounts import account_of
from model_exporter.batch import Kind
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder, rows
from model_exporter.decode.decoder import HAS_COMPILED
from model_exporter.decode.identity import key_of_id
from model_exporter.decode.records import RecordReader
from model_exporter.errors import DecodeError, SlowError
from model_exporter.ports import Encoding, Signal
from otlp_messages import T0_NS, inputs, log_record, logs_request, outputs, payload, prediction
from otlp_messages import rows as rows_of
from wire_messages import field, varint


@pytest.fixture(autouse=True)
def _each_decoder() -> None:
    """The one that these tests name."""


pytestmark = pytest.mark.skipif(not HAS_COMPILED, reason="the compiled decoder is not built")


def usual(row: int, **more: object) -> LogRecord:
    """A record as most senders write them."""
    attributes = {
        "model.name": "fraud",
        "model.version": "1.4.2",
        "prediction.id": f"id-{row}",
        "feature.amount": row / 7,
        "feature.count": row - 3,
        "feature.channel": ("web", "app", "", "é")[row % 4],
        "score": row / 1000,
        "prediction": "approve",
        **{name.replace("__", "."): value for name, value in more.items()},
    }
    return log_record(attributes, event_name="model.prediction", time_ns=T0_NS + row, body="Prediction made")


def decode(request: ExportLogsServiceRequest | bytes, **limits: int) -> Decoded:
    """By the compiled decoder, and everything the same by the other."""
    body = request if isinstance(request, bytes) else request.SerializeToString()
    found, other = (
        Decoder(Limits(**limits), compiled=compiled).decode(payload(Signal.LOGS, Encoding.PROTOBUF, body))
        for compiled in (True, False)
    )
    assert sorted(rows_of(found), key=str) == sorted(rows_of(other), key=str)
    assert (found.rejections, found.ignored, found.dropped_values) == (
        other.rejections,
        other.ignored,
        other.dropped_values,
    )
    return found


@pytest.fixture
def read_in_python(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The attributes of records that Python read, from now on."""
    read: list[object] = []
    plain = RecordReader.read_log

    def noting(self: RecordReader, *args: object) -> None:
        read.append(args[3])
        plain(self, *args)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(RecordReader, "read_log", noting)
    return read


def scan(*records: LogRecord) -> Decoded:
    """By the compiled decoder alone."""
    body = logs_request(*records, resource={"service.name": "scoring"}).SerializeToString()
    return Decoder(Limits()).decode(payload(Signal.LOGS, Encoding.PROTOBUF, body))


MAPS = {"features": {"a": 1.5, "b": "x"}, "probabilities": {"yes": 0.7, "no": 0.3}, "segments": {"region": "eu"}}
USUAL: dict[str, Callable[[int], LogRecord]] = {
    "plain": usual,
    "without a version": lambda row: usual(row, model__version=None),
    "a number for a version": lambda row: usual(row, model__version=3),
    "service alone": lambda row: usual(row, model__name=""),
    "no id and no span": lambda row: usual(row, prediction__id=None),
    "the id of its request": lambda row: usual(row, request_id="r"),
    "no id in a span": lambda row: log_record(
        {"model.name": "m", "feature.a": row}, time_ns=T0_NS + row, trace_id=b"t" * 16, span_id=b"s" * 8
    ),
    "no id but that of its request": lambda row: log_record({"model.name": "m", "request_id": "r", "score": row}),
    "segments": lambda row: usual(row, segment__region="eu", segment__age=row),
    "latency": lambda row: usual(row, latency_ms=row),
    "an error": lambda row: usual(row, error__type="Timeout"),
    "booleans, nulls and lists": lambda row: usual(row, feature__a=True, feature__b=None, feature__c=[1.0, 2.0]),
    "further attributes": lambda row: usual(row, thread="main", tags=["a"], nested={"a": {"b": [1]}}),
    "no event": lambda row: log_record({"model.name": "m", "feature.a": row, "prediction.id": str(row)}),
    "maps of features, probabilities and segments": lambda row: log_record(
        {"model.name": "m", "prediction.id": str(row), **MAPS}
    ),
    "a body": lambda row: log_record(
        {"thread": "main"}, body={"model.name": "m", "prediction.id": str(row), "thread": 1, **MAPS}
    ),
    "an event's name beside a body": lambda row: log_record({"event.name": "model.prediction"}, body={"score": row}),
    "many names that differ at their ends": lambda row: usual(
        row, **{f"feature.numeric_feature_{n}": row for n in range(400)}
    ),
    "many words that differ at their ends": lambda row: usual(
        row, **{f"feature.{n}": f"numeric_feature_{n % 100 + 100 * row}" for n in range(200)}
    ),
    "other logs": lambda row: log_record({"thread": "main"}, body=f"line {row}"),
}


@pytest.mark.parametrize("record", USUAL.values(), ids=USUAL)
def test_usual_records_never_reach_python(record: Callable[[int], LogRecord], read_in_python: list[object]) -> None:
    """All that makes the compiled decoder fast is in vain when it hands records back."""
    decoded = scan(*(record(row) for row in range(5)))
    assert decoded.accepted + sum((decoded.ignored or {}).values()) == 5
    assert read_in_python == []


def test_an_odd_record_alone_is_read_by_python(read_in_python: list[object]) -> None:
    """The rows are in the order of the records all the same."""
    decoded = scan(*(usual(row, **({"features": {"more": 1}} if row == 2 else {})) for row in range(5)))
    (batch,) = decoded.batches
    assert batch.ids == ("id-0", "id-1", "id-2", "id-3", "id-4")
    assert len(read_in_python) == 1
    more = next(column for column in batch.columns if column.name == "more")
    assert more.kinds.tolist() == [Kind.ABSENT, Kind.ABSENT, Kind.NUMBER, Kind.ABSENT, Kind.ABSENT]


def test_a_row_says_what_its_record_said() -> None:
    """Numbers, texts, ids, keys and times are exact."""
    decoded = decode(logs_request(usual(7, latency_ms=250, error_type="Late"), resource={"service.name": "s"}))
    (batch,) = decoded.batches
    assert (batch.model, batch.version, batch.service) == ("fraud", "1.4.2", "s")
    assert inputs(decoded) == {"amount": 1.0, "count": 4.0, "channel": "é"}
    assert outputs(decoded) == {"score": 0.007, "prediction": "approve"}
    assert batch.times.tolist() == [(T0_NS + 7) / 10**9]
    assert batch.keys.tolist() == [key_of_id("fraud", "s", "id-7")]
    assert batch.latency_seconds.tolist() == [0.25]
    assert (batch.errors.words, batch.errors.codes.tolist()) == (("Late",), [0])


@pytest.mark.parametrize(
    "value",
    [
        *(0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1),
        *(-1, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, -(2**63)),
        *(True, False, None, "", math.nan, -0.0, 1e300, "x" * 31, "é" * 16, "x" * 255, "x" * 256, "x" * 70000),
    ],
    ids=lambda value: f"{value:.30}" if isinstance(value, str) else str(value),
)
def test_content_makes_the_same_key(value: object) -> None:
    """Whichever decoder reads a record without an id, its repetition is known: keys are compared with the rows."""
    attributes = {"model.name": "m", "feature.a": value, "probabilities": {"yes": 0.5}, "prediction": value}
    record = log_record(attributes, time_ns=T0_NS, trace_id=b"t" * 16, span_id=b"s" * 8)
    (batch,) = decode(logs_request(record)).batches
    assert batch.keys.all()


@pytest.mark.parametrize("features", [14, 15, 16, 17, 4000])
def test_content_of_any_width_makes_the_same_key(features: int) -> None:
    """The same for records of few and of many features."""
    names = {f"feature.f{index}": 1.5 for index in range(features)}
    record = log_record({"model.name": "m", **names}, observed_ns=T0_NS, trace_id=b"t", span_id=b"s")
    (batch,) = decode(logs_request(record), record_attributes=100_000).batches
    assert batch.keys.all()


def test_moments_are_divided_exactly() -> None:
    """Nanoseconds become the nearest float of seconds, whatever the moment."""
    rng = random.Random(8)  # noqa: S311  # no secret
    moments = [rng.randrange(2**bits) for bits in range(40, 64) for _ in range(40)]
    records = (log_record({"model.name": "m", "score": 1}, time_ns=moment) for moment in moments)
    (batch,) = decode(logs_request(*records)).batches
    assert batch.times.tolist() == [moment / 10**9 if moment else pytest.approx(0, nan_ok=True) for moment in moments]


def test_a_request_of_any_size_becomes_batches_of_bounded_size() -> None:
    """As many rows as records, in order, with odd ones among them."""
    count = 2 * rows.MAX_BATCH_ROWS + 5
    records = [
        log_record(
            {"model.name": "m", "prediction.id": str(row), "score": row, **({"features": {}} if not row % 5000 else {})}
        )
        for row in range(count)
    ]
    body = logs_request(*records).SerializeToString()
    decoded = Decoder(Limits()).decode(payload(Signal.LOGS, Encoding.PROTOBUF, body))
    assert [batch.rows for batch in decoded.batches] == [rows.MAX_BATCH_ROWS, rows.MAX_BATCH_ROWS, 5]
    assert [name for batch in decoded.batches for name in batch.ids] == [str(row) for row in range(count)]


def test_many_models_versions_and_scopes_in_one_request() -> None:
    """Each has a batch with its own columns and words, whichever of its resources and scopes told of it."""
    parts = [
        logs_request(
            *(
                log_record({"model.name": f"m{row % 3}", "score": row, f"feature.f{row % 3}": f"t{row % 2}{row % 3}"})
                for row in range(12)
            ),
            resource={"service.name": service, "model.version": version},
            scope=scope,
        ).SerializeToString()
        for service, version, scope in (("a", "1", ""), ("b", "1", "x"), ("a", "1", "y"), ("a", "2", ""))
    ]
    decoded = decode(b"".join(parts))
    assert len(decoded.batches) == 9
    for batch in decoded.batches:
        feature, score = batch.columns
        assert (feature.name, score.name) == (f"f{batch.model[1]}", "score")
        assert feature.texts is not None
        assert {word[2] for word in feature.texts.words} == {batch.model[1]}


@pytest.mark.parametrize("count", [257, 300])
def test_more_models_than_the_scanner_tells_apart(count: int) -> None:
    """Then Python does."""
    decoded = decode(logs_request(*(prediction(f"m{index}", score=1) for index in range(count))))
    assert len(decoded.batches) == count


def test_more_columns_than_a_request_may_have() -> None:
    """The limit counts the columns of odd records, too."""
    usual_ones = [usual(row, **{f"feature__{row}": 1}) for row in range(3)]
    odd = usual(9, features={f"more{index}": 1 for index in range(4)})
    assert decode(logs_request(*usual_ones, odd), record_attributes=12).dropped_values is None
    assert decode(logs_request(*usual_ones, odd), record_attributes=9).dropped_values == {"attribute_limit": 1}
    assert decode(logs_request(*usual_ones), record_attributes=5).dropped_values == {"attribute_limit": 3}


def test_words_without_end() -> None:
    """Free text has a word a row; long ones keep their head and a digest."""
    records = [usual(row, feature__text=f"{row}" + "é" * (row % 200), feature__other=f"{row}") for row in range(3000)]
    (batch,) = decode(logs_request(*records)).batches
    text = next(column for column in batch.columns if column.name == "text")
    assert text.texts is not None
    assert len(text.texts.words) == 3000
    assert max(map(len, text.texts.words)) == 128


def test_keys_without_end_are_forgotten() -> None:
    """A sender with keys of its own in each record cannot make the decoder remember them all."""
    decoder = Decoder(Limits())
    for request in range(12):
        records = [log_record({f"k{request}-{row}": 1, "feature.x": row, "model.name": "m"}) for row in range(3000)]
        body = logs_request(*records).SerializeToString()
        (batch,) = decoder.decode(payload(Signal.LOGS, Encoding.PROTOBUF, body)).batches
        assert batch.rows == 3000
        assert [column.name for column in batch.columns] == ["x"]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("levels", "is_map", "accepted"),
    [
        *((5, False, 4), (16, False, 4), (25, False, 4), (47, False, 4), (48, False, None), (50, False, 3)),
        *((5, True, 4), (16, True, 4), (25, True, 4), (31, True, 4), (32, True, None), (34, True, 3)),
    ],
)
def test_nesting(levels: int, accepted: int | None, *, is_map: bool, compiled: bool) -> None:
    """Lists and maps within themselves go as deep as protobuf reads them in a request, in odd records, too."""
    value = field(3, 0, varint(1))
    for _ in range(levels):
        value = field(6, 2, field(1, 2, field(2, 2, value))) if is_map else field(5, 2, field(1, 2, value))
    nested = field(6, 2, field(1, 2, b"nested") + field(2, 2, value))
    records = [usual(row).SerializeToString() + (nested if row == 1 else b"") for row in range(4)]
    body = field(1, 2, field(2, 2, b"".join(field(2, 2, record) for record in records)))
    request = payload(Signal.LOGS, Encoding.PROTOBUF, body)
    with nullcontext() if accepted else pytest.raises(DecodeError, match="MaxDepth"):
        assert Decoder(Limits(), compiled=compiled).decode(request).accepted == accepted


def test_the_scanner_knows_all_fields_that_the_library_knows() -> None:
    """Text in a field that only the library knows has to be UTF-8 for one decoder only."""
    told = {
        kind.DESCRIPTOR.name: {field.number for field in kind.DESCRIPTOR.fields}
        for kind in (
            logs_pb2.LogRecord,
            logs_pb2.ScopeLogs,
            logs_pb2.ResourceLogs,
            common_pb2.KeyValue,
            common_pb2.AnyValue,
            common_pb2.ArrayValue,
            common_pb2.KeyValueList,
        )
    }
    assert told["LogRecord"] <= {1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12}
    assert told["ScopeLogs"] <= {1, 2, 3}
    assert told["ResourceLogs"] <= {1, 2, 3}
    assert told["KeyValue"] <= {1, 2, 3}
    assert told["AnyValue"] <= {1, 2, 3, 4, 5, 6, 7, 8}
    assert told["ArrayValue"] | told["KeyValueList"] == {1}


@pytest.mark.parametrize("limit", [4, 9, 10])
def test_fields_whose_own_names_are_too_long_are_left_out_by_both_decoders(limit: int) -> None:
    """`prediction` and `score` are columns as well, and have names."""
    record = log_record(
        {"model.name": "m", "prediction": "yes", "score": 0.5, "feature.x": 1}, event_name="model.prediction"
    )
    request = payload(Signal.LOGS, Encoding.PROTOBUF, logs_request(record).SerializeToString())
    limits = Limits(name_length=limit)
    python = Decoder(limits, compiled=False).decode(request)
    assert account_of(Decoder(limits).decode(request)) == account_of(python)
    assert (Decoder(limits).probe(request) is None) or python.is_all_well
    line = b'{"model": "m", "prediction": "yes", "score": 0.5, "features": {"x": 1}}\n'
    lines = payload(Signal.PREDICTIONS, Encoding.JSON_LINES, line * 2)
    assert account_of(Decoder(limits).decode(lines)) == account_of(Decoder(limits, compiled=False).decode(lines))


@pytest.mark.parametrize(("odd", "taken"), [(0, True), (32, True), (33, False)])
def test_a_request_is_read_at_once_unless_much_of_it_is_for_python(odd: int, *, taken: bool) -> None:
    """Each record that the scanner hands back takes as long as fifty others; nothing of a refused request is kept."""
    records = [usual(row, **({"outcome": 1.0} if row < odd else {})) for row in range(200)]
    body = logs_request(*records).SerializeToString()
    request = payload(Signal.LOGS, Encoding.PROTOBUF, body)
    usually = Decoder(Limits()).decode(request)
    with nullcontext() if taken else pytest.raises(SlowError):
        found = Decoder(Limits()).decode(request._replace(at_once=True))
        assert sorted(rows_of(found), key=str) == sorted(rows_of(usually), key=str)


def test_a_request_of_many_groups_is_not_read_at_once() -> None:
    """Each group is a batch of its own, and each scope is looked at by Python when it is new."""
    body = logs_request(*(usual(row, model__version=f"{row % 40}") for row in range(80))).SerializeToString()
    with pytest.raises(SlowError):
        Decoder(Limits()).decode(payload(Signal.LOGS, Encoding.PROTOBUF, body)._replace(at_once=True))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("signal", "encoding"), [(Signal.LOGS, Encoding.JSON), (Signal.TRACES, Encoding.PROTOBUF)])
def test_nothing_but_logs_in_protobuf_is_read_at_once(signal: Signal, encoding: Encoding, *, compiled: bool) -> None:
    """What is read in Python holds up its reader."""
    body = b"{}" if encoding is Encoding.JSON else b""
    with pytest.raises(SlowError):
        Decoder(Limits(), compiled=compiled).decode(payload(signal, encoding, body)._replace(at_once=True))
