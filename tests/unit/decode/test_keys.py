"""Keys tell a prediction that comes again from another one."""

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from model_exporter.decode import Decoded
from model_exporter.ports import Signal
from otlp_messages import T0_NS, decode_json, decode_logs, decode_spans, log_record, prediction

TRACE = bytes(range(16))
SPAN = bytes(range(8))


def keys(*decoded: Decoded) -> list[int]:
    """Keys of all rows."""
    return [key for one in decoded for batch in one.batches for key in batch.keys.tolist()]


def test_an_id_and_its_model_make_the_key() -> None:
    """A retry has the same key whatever else changed; another id or another model has not."""
    first, again, other, elsewhere = keys(
        decode_logs(
            prediction(prediction__id="1", score=0.5),
            prediction(prediction__id="1", score=0.75),
            prediction(prediction__id="2", score=0.5),
            prediction("churn", prediction__id="1", score=0.5),
        )
    )
    assert first == again
    assert len({first, other, elsewhere, 0}) == 4


def test_every_door_gives_the_same_key() -> None:
    """The same prediction as a log record and through `/v1/predictions`, with its id as text or number."""
    record = {"model": "fraud", "id": 17, "score": 0.5}
    assert (
        len(set(keys(decode_logs(prediction(prediction__id="17", score=1)), decode_json(Signal.PREDICTIONS, record))))
        == 1
    )


def test_without_an_id_span_time_and_content_make_the_key() -> None:
    """SDKs resend a batch when a connection drops; the record is the same down to the nanosecond."""

    def record(a: float, time_ns: int) -> Decoded:
        return decode_logs(
            log_record({"model.name": "m", "feature.a": a}, time_ns=time_ns, trace_id=TRACE, span_id=SPAN)
        )

    first, again, later, other = keys(
        record(1.0, T0_NS), record(1.0, T0_NS), record(1.0, T0_NS + 1), record(2.0, T0_NS)
    )
    assert first == again
    assert len({first, later, other, 0}) == 4


def test_content_may_be_anything() -> None:
    """NaN equals itself here, and arrays and maps count as well."""

    def record(item: float) -> Decoded:
        features = {"nan": float("nan"), "array": [1.0, [item]], "map": {"x": b"\x00"}, "none": None}
        return decode_logs(log_record({"features": features}, observed_ns=T0_NS, trace_id=TRACE, span_id=SPAN))

    first, again, other = keys(record(1.0), record(1.0), record(2.0))
    assert first == again != other


def test_integers_of_any_size_have_a_key() -> None:
    """OTLP/JSON can carry integers beyond 64 bits."""
    record = {
        "timeUnixNano": "1",
        "traceId": TRACE.hex(),
        "spanId": SPAN.hex(),
        "attributes": [{"key": "feature.a", "value": {"intValue": 10**30}}],
    }
    decoded = decode_json(Signal.LOGS, {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})
    assert keys(decoded) != [0]


def test_a_record_without_id_or_span_has_no_key() -> None:
    """Two equal predictions are then two predictions."""
    assert keys(decode_logs(log_record({"feature.a": 1.0}, time_ns=T0_NS, trace_id=TRACE))) == [0]


def test_a_span_is_known_by_its_ids() -> None:
    """And has no key without them."""
    spans = [
        Span(kind=Span.SPAN_KIND_SERVER, trace_id=TRACE, span_id=SPAN),
        Span(kind=Span.SPAN_KIND_SERVER, trace_id=TRACE, span_id=SPAN, name="again"),
        Span(kind=Span.SPAN_KIND_SERVER, trace_id=TRACE),
    ]
    first, again, none = keys(decode_spans(*spans))
    assert first == again != 0
    assert none == 0
