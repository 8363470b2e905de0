"""OTLP/protobuf that cannot be read as a whole."""

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.decode.wire import WireError, without
from model_exporter.errors import DecodeError
from model_exporter.ports import Encoding, Signal
from otlp_messages import decode_logs, inputs, logs_request, payload, prediction, rows, traces_request

MARK = b"%MARK%"
BAD = b"\xff" * len(MARK)


def decode(body: bytes, signal: Signal = Signal.LOGS) -> Decoded:
    """Decode protobuf."""
    return Decoder(Limits()).decode(payload(signal, Encoding.PROTOBUF, body))


def test_text_that_is_not_utf8_rejects_its_record_only() -> None:
    """The protobuf library refuses the whole message for it; the other records must not be lost."""
    good = [prediction(feature__a=1.0), prediction(feature__a=2.0)]
    request = logs_request(good[0], prediction(feature__a=MARK.decode()), good[1], resource={"service.name": "s"})
    decoded = decode(request.SerializeToString().replace(MARK, BAD))
    assert rows(decoded) == rows(decode_logs(*good, resource={"service.name": "s"}))
    assert [(rejection.reason, rejection.records) for rejection in decoded.rejections] == [("malformed_record", 1)]


def test_a_record_nested_too_deeply_is_rejected_alone() -> None:
    """The protobuf library stops at 100 messages within each other."""
    deep: dict[str, object] = {"x": 1}
    for _ in range(60):
        deep = {"k": deep}
    # Serialising has the same limit as parsing, hence the detour over nested bytes.
    request = logs_request(prediction(feature__a=1.0)).SerializeToString()
    nested = b""
    for _ in range(60):
        pair = b"\x0a\x01k\x12" + _sized(nested)
        nested = b"\x32" + _sized(b"\x0a" + _sized(pair))
    record = b"\x32" + _sized(b"\x0a\x08features\x12" + _sized(nested))
    scope = b"\x12" + _sized(record)
    body = request + b"\x0a" + _sized(b"\x12" + _sized(scope))
    decoded = decode(body)
    assert inputs(decoded) == {"a": 1.0}
    assert decoded.rejected == 1


def test_spans_are_salvaged_as_well() -> None:
    """Both requests have the same outer layout."""
    spans = [Span(kind=Span.SPAN_KIND_SERVER), Span(kind=Span.SPAN_KIND_SERVER, name=MARK.decode())]
    decoded = decode(traces_request(*spans).SerializeToString().replace(MARK, BAD), Signal.TRACES)
    assert (decoded.accepted, decoded.rejected) == (1, 1)


def test_a_truncated_request_is_refused_wherever_it_ends() -> None:
    """A body that was cut off says nothing certain about what it still holds: the sender must repeat all of it."""
    body = logs_request(prediction(feature__a=1.0), prediction(feature__a=2.0)).SerializeToString()
    for end in range(1, len(body)):
        with pytest.raises(DecodeError) as caught:
            decode(body[:end])
        assert caught.value.reason == "malformed_protobuf"


def test_records_of_an_unreadable_resource_are_refused() -> None:
    """There is no telling whose they are."""
    body = logs_request(prediction(feature__a=1.0), resource={"service.name": MARK.decode()}).SerializeToString()
    with pytest.raises(DecodeError):
        decode(body.replace(MARK, BAD))


@pytest.mark.parametrize(
    "body", [b"\xff", b"\x00", b"\x0b", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"{}"]
)
def test_garbage_is_refused(body: bytes) -> None:
    """Bad tags, an open group, overlong lengths, JSON sent as protobuf."""
    with pytest.raises(DecodeError) as caught:
        decode(body)
    assert caught.value.reason == "malformed_protobuf"


def test_nothing_is_taken_out_of_a_sound_message() -> None:
    """Without an unwanted part the message means what it meant; unknown fields of other types go."""
    body = logs_request(prediction(feature__a=1.0), resource={"a": "b"}).SerializeToString()
    unknown = b"\x98\x06\x05" + b"\xa1\x06" + bytes(8) + b"\xa5\x06" + bytes(4)
    kept, removed = without(body + unknown, (1, 2, 2), lambda _: False)
    assert removed == 0
    assert ExportLogsServiceRequest.FromString(kept) == ExportLogsServiceRequest.FromString(body)


@pytest.mark.parametrize("message", [b"\x0a", b"\x0a\x02a", b"\x08", b"\x09\x00", b"\x0f", b"\x02\x00", b"\x80" * 11])
def test_the_wire_is_read_strictly(message: bytes) -> None:
    """Cut off, of an unknown wire type, of field number 0, or with a number without end."""
    with pytest.raises(WireError):
        without(message, (1,), lambda _: False)


def _sized(content: bytes) -> bytes:
    length = bytearray()
    value = len(content)
    while value >= 0x80:
        length.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(length) + bytes([value]) + content
