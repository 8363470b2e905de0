"""Requests that are probed and decoded together against the same, decoded one by one."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model_exporter.config.settings import Limits
from model_exporter.decode import HAS_COMPILED, Decoded, Decoder
from model_exporter.mapping import built_in_mappings
from model_exporter.ports import Encoding, Signal
from otlp_messages import Row, log_record, logs_request, payload, rows

pytestmark = pytest.mark.skipif(not HAS_COMPILED, reason="the compiled decoder is not built")

_NAMES = st.sampled_from(["a", "b"])
_VALUES = (
    st.none()
    | st.floats(allow_nan=False)
    | st.integers(-5, 5)
    | st.text("xy", max_size=2)
    | st.lists(_NAMES, max_size=1)
)
_ATTRIBUTES = st.fixed_dictionaries(
    {"model.name": _NAMES},
    optional={
        "model.version": _NAMES | st.integers(0, 1),
        "prediction.id": _NAMES,
        "features": st.dictionaries(_NAMES, _VALUES, max_size=2),
        "feature.c": _VALUES,
        "score": _VALUES,
        "error.type": _NAMES,
        "latency_ms": st.integers(-1, 3),
        "outcome": _NAMES,
        "segment.a": _NAMES,
        "timestamp": st.integers(1, 2_000_000_000),
    },
)
_RECORDS = st.builds(
    log_record,
    _ATTRIBUTES,
    event_name=st.sampled_from(["", "model.prediction", "model.prediction", "model.event", "other"]),
    time_ns=st.integers(0, 2**62),
)


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    """A request of few records, sometimes cut off, twice over, or with something after it."""
    scope = draw(st.sampled_from(["", "", "bentoml_monitor_data"]))
    body = logs_request(*draw(st.lists(_RECORDS, max_size=3)), scope=scope).SerializeToString()
    wrong = draw(st.sampled_from(["", "", "", "", "cut", "twice", "more"]))
    if wrong == "cut":
        return body[: draw(st.integers(0, len(body)))]
    return body + {"": b"", "twice": body, "more": draw(st.binary(max_size=3))}[wrong]


def _comparable(row: Row) -> str:
    """A row, in whatever order its columns came."""
    return repr({name: sorted(cells.items()) if isinstance(cells, dict) else cells for name, cells in row.items()})


def _told(decoded: Decoded) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Rows and events in any order, and what was ignored by reason."""
    events = Counter(map(repr, decoded.events))
    return Counter(map(_comparable, rows(decoded))), events, Counter(decoded.ignored or {})


_GOOD = logs_request(log_record({"model.name": "a", "feature.c": 1}, event_name="model.prediction")).SerializeToString()


def _told_one_by_one(bodies: Sequence[bytes], *, compiled: bool) -> list[Decoded]:
    decoder = Decoder(Limits(), compiled=compiled)
    return [decoder.decode(payload(Signal.LOGS, Encoding.PROTOBUF, body)) for body in bodies]


@settings(deadline=None, max_examples=300)
@given(bodies=st.lists(_bodies(), min_size=1, max_size=4))
@example(bodies=[_GOOD, _GOOD])
@example(bodies=[_GOOD[:-3], b"abc" + _GOOD])
@example(bodies=[_GOOD, b""])
def test_what_a_probe_is_sure_of_is_so(bodies: list[bytes]) -> None:
    """Both decoders take as many records as it says and have nothing to tell; so it is with all of them together."""
    decoder = Decoder(Limits())
    probes = {body: decoder.probe(payload(Signal.LOGS, Encoding.PROTOBUF, body)) for body in bodies}
    sure = [body for body in bodies if probes[body] is not None]
    for compiled in (True, False):
        for body, decoded in zip(sure, _told_one_by_one(sure, compiled=compiled), strict=True):
            assert decoded.is_all_well
            assert not decoded.events
            assert probes[body] == (decoded.accepted, sum((decoded.ignored or {}).values()))
    parts = [_told(one) for one in _told_one_by_one(sure, compiled=False)]
    together = [_told(part) for part in decoder.decode_probed(sure)]
    for which in range(3):
        assert sum((told[which] for told in together), Counter()) == sum((told[which] for told in parts), Counter())


@settings(deadline=None, max_examples=300)
@given(body=_bodies(), mapped=st.booleans())
def test_limits_and_mappings_are_known_to_a_probe(body: bytes, mapped: bool) -> None:  # noqa: FBT001  # drawn
    """With limits that are easily hit, and where mappings may take records, as well."""
    limits = Limits(record_attributes=2, nesting=1, name_length=16)
    mappings = built_in_mappings() if mapped else None
    request = payload(Signal.LOGS, Encoding.PROTOBUF, body)
    probed = Decoder(limits, mappings).probe(request)
    if probed is not None:
        for compiled in (True, False):
            decoded = Decoder(limits, mappings, compiled=compiled).decode(request)
            assert decoded.is_all_well
            assert probed == (decoded.accepted, sum((decoded.ignored or {}).values()))


def test_good_requests_of_equal_senders_are_one_batch() -> None:
    """The common case is no exception."""
    decoder = Decoder(Limits())
    assert decoder.probe(payload(Signal.LOGS, Encoding.PROTOBUF, _GOOD)) == (1, 0)
    (together,) = decoder.decode_probed([_GOOD] * 1000)
    assert together.accepted == 1000
    assert len(together.batches) == 1


def test_senders_and_columns_too_many_for_one_request_become_several() -> None:
    """Nothing is lost where a joint request would have more resources, groups or columns than one may have."""
    bodies = [
        logs_request(
            log_record({"model.name": f"m{number % 300}", f"feature.{number}": 1}, event_name="model.prediction"),
            resource={"service.name": f"s{number % 400}"},
        ).SerializeToString()
        for number in range(900)
    ]
    decoder = Decoder(Limits(record_attributes=500))
    assert all(decoder.probe(payload(Signal.LOGS, Encoding.PROTOBUF, body)) == (1, 0) for body in bodies)
    parts = list(decoder.decode_probed(bodies))
    assert 1 < len(parts) < 100
    assert all(part.is_all_well for part in parts)
    told = sum((_told(part)[0] for part in parts), Counter[str]())
    assert told == sum((_told(one)[0] for one in _told_one_by_one(bodies, compiled=False)), Counter[str]())


def test_a_request_that_should_not_have_been_probed_is_rejected_alone() -> None:
    """Its sender was told otherwise, and the writer, which decodes it, has to go on."""
    parts = list(Decoder(Limits()).decode_probed([_GOOD, b"\xff\xff", _GOOD]))
    assert sum(part.accepted for part in parts) == 2
    assert [rejection.reason for part in parts for rejection in part.rejections] == ["malformed_protobuf"]
