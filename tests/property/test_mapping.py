"""What holds of mappings whatever the record and whatever the mapping."""

import base64
import gzip
import json
from collections.abc import Mapping as Map

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.decode.rehearsal import Fate, Rehearsal
from model_exporter.errors import DecodeError, MappingError
from model_exporter.mapping import FIELDS, SCOPES, DocumentError, Mapping, PathError, parse_path, read_mapping
from model_exporter.mapping.filters import FILTERS, MAX_ROWS
from model_exporter.ports import Door, Encoding, Payload, Signal
from otlp_messages import key_values, log_record, logs_request, otlp_json, payload, rows, traces_request

patient = settings(deadline=None, max_examples=40)
"""How long an example takes says more about the machine's load than about mappings."""

LIMITS = Limits(record_attributes=12, nesting=3, name_length=24)
REASONS = {
    "bad_base64",
    "bad_capture",
    "bad_csv",
    "bad_gzip",
    "bad_json",
    "bad_path_value",
    "bad_table",
    "bad_tensor",
    "bad_text",
    "no_rows",
    "row_mismatch",
    "too_many_rows",
}
names = st.sampled_from(["a", "b", "name", "shape", "data", "columns", "encoding", "body", "attributes", "door", "x.y"])
json_texts = st.sampled_from(['{"a": [1, 2]}', "[1, [2]]", "{", "[[", '{"a": {"b": "{}"}}', "[]", "NaN", '"a"'])
csv_texts = st.sampled_from(["1,2\n3,x\n", "a,b\n1,2", '"', "", "1\n\n2", "\x00,1"])
packed = st.sampled_from([b"", b"plain", gzip.compress(b'{"a": 1}'), b"\x1f\x8b\x08"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=6)
    | json_texts
    | csv_texts
    | packed.map(lambda raw: base64.b64encode(raw).decode())
    | st.sampled_from(["CSV", "JSON", "BASE64", "\ud800"])
)
tensors = st.lists(
    st.fixed_dictionaries(
        {
            "name": names | scalars,
            "shape": st.lists(st.integers(-1, 3) | st.just(10**12), max_size=3),
            "data": st.lists(scalars, max_size=6),
        }
    ),
    max_size=2,
)
values = st.recursive(
    scalars | tensors,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)
records = st.dictionaries(names, values, max_size=5)
deep = st.integers(1, 3_000).map(lambda depth: json.loads("[" * min(depth, 800) + "]" * min(depth, 800)))
everything = records | st.dictionaries(names, deep, max_size=2)

steps = (
    names.map(lambda name: f'."{name}"')
    | st.integers(-3, 3).map(lambda index: f"[{index}]")
    | st.just("[*]")
    | st.just(".*")
    | st.sampled_from(sorted(FILTERS)).map(lambda name: f"|{name}")
)
paths = st.builds(lambda name, rest: f'"{name}"' + "".join(rest), names, st.lists(steps, max_size=4)).filter(
    lambda path: path.count("[*]") < 2
)
sources = (
    paths
    | st.lists(paths, min_size=1, max_size=3)
    | st.fixed_dictionaries({"path": paths}, optional={"const": scalars, "match": st.sampled_from(["(.)", "^(a+)$"])})
    | st.fixed_dictionaries({"path": paths, "map": st.dictionaries(scalars.map(str), scalars, max_size=2)})
)
conditions = paths | st.dictionaries(paths, scalars | st.lists(scalars, min_size=1, max_size=2), min_size=1, max_size=2)


@st.composite
def mappings(draw: st.DrawFn, *, scope: str = "records") -> Mapping:
    """A valid mapping of anything; most of what it takes it cannot read."""
    fields = draw(st.dictionaries(st.sampled_from(FIELDS), sources, max_size=6))
    document = {
        "from": scope,
        "when": draw(st.lists(conditions, max_size=2))
        or ([{"kind": ["internal", "server"]}, "attributes"][scope == "logs"]),
        "event": draw(st.sampled_from(["prediction", "outcome", "event"])),
        "ignore": draw(st.lists(paths, max_size=1)),
        "columns": draw(st.lists(st.sampled_from(["p", "q"]), max_size=2, unique=True)),
        "fields": {"model": {"path": "nowhere", "const": "m"}, "prediction": "a", "outcome": "b", "change": "a"}
        | fields,
    }
    if scope == "records":
        document["when"] = draw(st.just([]) | st.lists(conditions, max_size=2))
    return read_mapping("any", document)


def accounted(decoded: Decoded, at_most: int = 0) -> None:
    """Every record has an outcome, and every reason is a known word."""
    assert decoded.accepted + decoded.rejected + sum((decoded.ignored or {}).values()) >= at_most
    for reason in (*(rejection.reason for rejection in decoded.rejections), *(decoded.dropped_values or {})):
        assert reason.isidentifier()
        assert len(reason) < 40


@patient
@given(mappings(), everything)
def test_a_mapping_makes_rows_or_raises_its_own_error(mapping: Mapping, record: Map[str, object]) -> None:
    """Only MappingError, by a bounded reason; rows are bounded and hold native fields only."""
    try:
        made = mapping.rows(record)
    except MappingError as error:
        assert error.reason in REASONS  # noqa: PT017  # not the only thing that may happen
        return
    except RecursionError:
        return  # of text that a filter makes of lists in lists, which the decoder refuses
    assert 1 <= len(made) <= MAX_ROWS
    assert all(row.keys() <= set(FIELDS) for row in made)
    mapping.takes(record)


@patient
@given(mappings(), st.lists(everything | scalars, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_records_are_read_or_counted(mapping: Mapping, bodies: list[object], named: bool, twice: bool) -> None:  # noqa: FBT001  # drawn
    """The decoder raises DecodeError at most, and does the same for the same body again."""
    text = "\n".join(json.dumps(record, allow_nan=True) for record in bodies).encode()
    body = Payload(Door.HTTP, Signal.RECORDS, Encoding.JSON_LINES, text, 0.0, mapping="any" if named else "")
    decoder = Decoder(LIMITS, {"any": mapping})
    try:
        decoded = decoder.decode(body)
    except DecodeError as error:
        assert error.reason.isidentifier()  # noqa: PT017  # not the only thing that may happen
        return
    accounted(decoded, len(bodies))
    if twice:
        again = decoder.decode(body)
        assert [row["inputs"] for row in rows(decoded)] == [row["inputs"] for row in rows(again)]


sendable = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=6)
    | st.binary(max_size=4)
    | json_texts
    | csv_texts
)
attributes = st.dictionaries(names, sendable | st.lists(sendable, max_size=3), max_size=3)
log_records = st.builds(
    log_record,
    attributes,
    body=attributes | json_texts,
    event_name=st.sampled_from(["", "model.prediction", "x"]),
    time_ns=st.integers(0, 2**64 - 1),
)
spans = st.builds(
    lambda kind, told, start, end: Span(
        kind=kind, attributes=key_values(told), start_time_unix_nano=start, end_time_unix_nano=end
    ),
    st.integers(0, 5),
    attributes,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
)


@patient
@given(mappings(scope="logs"), st.lists(log_records, min_size=1, max_size=3))
def test_log_records_are_the_same_in_both_codecs(mapping: Mapping, sent: list[LogRecord]) -> None:
    """Every record is read or counted, and what is made of it does not depend on the codec."""
    request = logs_request(*sent, resource={"service.name": "api"})
    decoder = Decoder(LIMITS, {"any": mapping})
    binary = decoder.decode(payload(Signal.LOGS, Encoding.PROTOBUF, request.SerializeToString()))
    text = decoder.decode(payload(Signal.LOGS, Encoding.JSON, otlp_json(request)))
    accounted(binary, len(sent))
    assert [row["inputs"] for row in rows(binary)] == [row["inputs"] for row in rows(text)]
    assert binary.rejected == text.rejected


@patient
@given(mappings(scope="spans"), st.lists(spans, min_size=1, max_size=3))
def test_spans_are_the_same_in_both_codecs(mapping: Mapping, sent: list[Span]) -> None:
    """As log records."""
    request = traces_request(*sent, resource={"service.name": "api"})
    decoder = Decoder(LIMITS, {"any": mapping})
    binary = decoder.decode(payload(Signal.TRACES, Encoding.PROTOBUF, request.SerializeToString()))
    text = decoder.decode(payload(Signal.TRACES, Encoding.JSON, otlp_json(request)))
    accounted(binary, len(sent))
    assert [row["inputs"] for row in rows(binary)] == [row["inputs"] for row in rows(text)]


@patient
@given(mappings(), everything)
def test_a_rehearsal_tells_what_the_decoder_does(mapping: Mapping, record: Map[str, object]) -> None:
    """A record that it calls mapped is accepted, one that it calls refused is rejected."""
    text = json.dumps(record, allow_nan=True).encode()
    (trial,) = Rehearsal({"any": mapping}, LIMITS).try_text(text, "line 1")
    try:
        decoded = Decoder(LIMITS, {"any": mapping}).decode(Payload(Door.HTTP, Signal.RECORDS, Encoding.JSON, text, 0.0))
    except DecodeError:
        assert trial.fate is Fate.REFUSED
        return
    assert (trial.fate is Fate.REFUSED) == bool(decoded.rejected)
    assert (trial.fate is Fate.IGNORED) == bool(decoded.ignored)


@patient
@given(st.text(st.sampled_from('ab."[]*|\\-0 \n{json'), max_size=30) | st.text(max_size=20))
def test_any_text_is_a_path_or_has_a_column(text: str) -> None:
    """A path that parses can be followed."""
    try:
        path = parse_path(text)
    except PathError as error:
        assert 1 <= error.column <= max(1, len(text) + 1)  # noqa: PT017  # not the only thing that may happen
        return
    try:
        path.value({"a": {"b": [1, {"a": 2}]}})
    except MappingError as error:
        assert error.reason in REASONS  # noqa: PT017  # as above


documents = st.recursive(
    scalars | paths | st.sampled_from([*FIELDS, *SCOPES]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["when", "fields", "event", "ignore", "columns", "from", "path", "paths", "const", "match"])
            | st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@patient
@given(documents)
def test_any_document_is_a_mapping_or_has_a_mistake(document: object) -> None:
    """With a place, what is wrong and what to write."""
    try:
        mapping = read_mapping("any", document)
    except DocumentError as error:
        assert error.problem  # noqa: PT017  # not the only thing that may happen
        assert error.remedy  # noqa: PT017  # as above
        return
    assert mapping.fields
