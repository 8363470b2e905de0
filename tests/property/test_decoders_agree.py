"""The compiled decoder makes of every request what the one in Python makes of it."""

import operator
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from accounts import account
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.decode.decoder import HAS_COMPILED
from model_exporter.mapping import Mapping as RecordMapping
from model_exporter.ports import Encoding, Signal
from otlp_messages import logs_request, payload
from otlp_strategies import attributes, client_records, log_records, names, odd_records, scopes, texts, usual_records
from wire_messages import field, message, varint

pytestmark = pytest.mark.skipif(not HAS_COMPILED, reason="the compiled decoder is not built")

patient = settings(deadline=None)

LIMITS = (Limits(), Limits(record_attributes=12, nesting=3, name_length=24))


def agree(*bodies: bytes, mappings: Mapping[str, RecordMapping] | None = None) -> None:
    """Hold both decoders to the same, also where the compiled one knows the keys from a request before."""
    for limits in LIMITS:
        compiled, python = Decoder(limits, mappings), Decoder(limits, mappings, compiled=False)
        assert compiled.is_compiled
        assert not python.is_compiled
        for body in (*bodies, *bodies):
            request = payload(Signal.LOGS, Encoding.PROTOBUF, body)
            assert account(compiled, request) == account(python, request)


resources = st.fixed_dictionaries({}, optional={"service.name": texts, "model.name": names, "model.version": names})
requests = st.builds(
    lambda records, resource, scope: logs_request(*records, resource=resource, scope=scope),
    st.lists(usual_records | usual_records | client_records, max_size=9)
    | st.builds(operator.add, st.lists(usual_records, max_size=6), st.lists(odd_records | log_records, max_size=3)),
    resources | resources | attributes,
    st.just("") | scopes,
)


@patient
@given(parts=st.lists(requests, min_size=1, max_size=3))
def test_sound_requests(parts: list[ExportLogsServiceRequest]) -> None:
    """Records as SDKs encode them, of several resources and scopes in one request, and in several."""
    bodies = [part.SerializeToString() for part in parts]
    agree(*bodies, b"".join(bodies))


@patient
@given(request=requests, damage=st.data())
def test_damaged_requests(request: ExportLogsServiceRequest, damage: st.DataObject) -> None:
    """The same cut off, with a bit flipped, with a piece doubled, left out or made up."""
    body = request.SerializeToString()
    start = damage.draw(st.integers(0, len(body)))
    end = damage.draw(st.integers(start, min(len(body), start + 40)))
    for put in (b"", body[start:end] * 2, damage.draw(st.binary(max_size=4)), _flipped(body[start:end], damage)):
        agree(body[:start] + put + body[end:])
    agree(body[:start])


def _flipped(part: bytes, damage: st.DataObject) -> bytes:
    if not part:
        return part
    place = damage.draw(st.integers(0, len(part) - 1))
    return part[:place] + bytes([part[place] ^ 1 << damage.draw(st.integers(0, 7))]) + part[place + 1 :]


paddings = st.sampled_from([0] * 12 + [1, 3, 9])
numbers = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**64 - 1, 2**64, 2**70 - 1])


@st.composite
def wild_fields(draw: st.DrawFn, known: Mapping[int, st.SearchStrategy[bytes]]) -> bytes:
    """A field of a known number and type; at times of another number or type, or of a type that is none."""
    padding = draw(paddings)
    number = draw(st.sampled_from([*known] * 4 + [1, 2, 3, 15, 16, 17, 2**29 - 1, 0]))
    kind = draw(st.sampled_from([2] * 12 + [0, 1, 3, 4, 5, 6, 7]))
    if kind == 2:
        content = draw(known.get(number, st.binary(max_size=6)))
    elif kind == 0:
        content = varint(draw(numbers), padding)
    else:
        content = draw(st.binary(min_size=8, max_size=8)) if kind == 1 else draw(st.binary(min_size=4, max_size=4))
    return field(number, kind, content, padding)


def wild(known: Mapping[int, st.SearchStrategy[bytes]], most: int = 4) -> st.SearchStrategy[bytes]:
    """A message of fields in any order and number."""
    return st.lists(wild_fields(known), max_size=most).map(b"".join)


raw_texts = texts.map(str.encode) | st.sampled_from(
    [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf0\x9f\x98\x80", b"abcdefgh\x80", b"\xe2\x82"]
)
raw_keys = st.sampled_from([b"model.name", b"model.version", b"feature.x", b"feature.y", b"score", b"prediction"])
scalar_fields = (
    st.builds(lambda value: field(4, 1, value), st.binary(min_size=8, max_size=8))
    | st.builds(lambda value, padding: field(3, 0, varint(value, padding)), numbers, paddings)
    | st.builds(lambda value, padding: field(2, 0, varint(value, padding)), numbers, paddings)
    | st.builds(lambda value, padding: field(1, 2, value, padding), raw_texts, paddings)
)
wild_values: st.SearchStrategy[bytes] = st.deferred(
    lambda: (
        scalar_fields
        | scalar_fields
        | st.lists(scalar_fields | wild_values, max_size=2).map(b"".join)
        | wild({1: raw_texts, 5: wild({1: wild_values}), 6: wild({1: wild_pairs}), 7: st.binary(max_size=4)}, 2)
    )
)
wild_pairs: st.SearchStrategy[bytes] = st.builds(
    lambda key, value, more: field(1, 2, key) + field(2, 2, value) + more,
    raw_keys | raw_texts,
    wild_values,
    st.just(b"") | st.deferred(lambda: wild({1: raw_keys, 2: wild_values}, 2)),
)
span_bytes = st.binary(max_size=3)
wild_records = st.builds(
    lambda head, pairs, tail: head + b"".join(field(6, 2, pair) for pair in pairs) + tail,
    st.builds(lambda time: field(1, 1, time.to_bytes(8, "little")), st.integers(10**15, 2**63)) | st.just(b""),
    st.lists(wild_pairs, max_size=4),
    st.sampled_from([field(12, 2, b"model.prediction"), b""])
    | wild(
        {
            3: raw_texts,
            5: wild_values,
            6: wild_pairs,
            9: st.binary(max_size=3),
            10: st.binary(max_size=3),
            12: raw_texts,
        }
    ),
)
usual_bytes = usual_records.map(LogRecord.SerializeToString)
scope_bytes = wild({1: raw_texts, 2: raw_texts, 3: wild_pairs}, 2)
wild_scopes = st.builds(
    lambda records, more: message((2, record) for record in records) + more,
    st.lists(usual_bytes | wild_records, max_size=4),
    st.just(b"") | wild({1: scope_bytes, 2: usual_bytes | wild_records, 3: raw_texts}, 2),
)
wild_resources = st.builds(
    lambda parts, more: message((2, part) for part in parts) + more,
    st.lists(wild_scopes, max_size=2),
    st.just(b"") | wild({1: wild({1: wild_pairs}, 2), 2: wild_scopes, 3: raw_texts}, 2),
)
wild_requests = st.builds(
    lambda parts, more: message((1, part) for part in parts) + more,
    st.lists(wild_resources, max_size=2),
    st.just(b"") | wild({1: wild_resources}, 2),
)


@settings(patient, max_examples=300)
@given(body=wild_requests)
def test_requests_that_no_library_writes(body: bytes) -> None:
    """Fields doubled, out of order, of other types; padded, negative and over-long numbers; text that is none."""
    agree(body)
