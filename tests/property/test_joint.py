"""Requests that are decoded together against the same, one by one."""

from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.errors import DecodeError
from model_exporter.ports import Encoding, Signal
from otlp_messages import Row, log_record, logs_request, payload, rows

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


@settings(deadline=None, max_examples=300)
@given(st.lists(_bodies(), min_size=1, max_size=4))
@example([_GOOD, _GOOD])
@example([_GOOD[:-3], b"abc" + _GOOD])
@example([_GOOD, b""])
def test_requests_together_are_what_they_are_one_by_one(bodies: list[bytes]) -> None:
    """Every record counts the same, and where anything must be told to one sender, none is answered for the others."""
    payloads = [payload(Signal.LOGS, Encoding.PROTOBUF, body) for body in bodies]
    together = Decoder(Limits()).decode_together(payloads)
    try:
        single = [Decoder(Limits()).decode(one) for one in payloads]
    except DecodeError:
        assert together is None
        return
    if any(one.rejections or one.dropped_values or one.outcomes for one in single):
        assert together is None
    if together is not None:
        parts = [_told(one) for one in single]
        assert _told(together) == tuple(sum((part[which] for part in parts), Counter()) for which in range(3))
        assert together.accepted == sum(one.accepted for one in single)


def test_good_requests_of_equal_senders_are_taken_together() -> None:
    """The common case is no exception."""
    together = Decoder(Limits()).decode_together([payload(Signal.LOGS, Encoding.PROTOBUF, _GOOD)] * 5)
    assert together is not None
    assert together.accepted == 5
    assert len(together.batches) == 1
