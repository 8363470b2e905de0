"""Plain predictions read by columns equal the same ones read one by one."""

import json
import math
import re
from collections.abc import Mapping
from contextlib import ExitStack
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from model_exporter.batch import Batch, Column, Words
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder, plain, plain_layouts, rows
from model_exporter.decode.plain_layouts import PlainLayouts
from model_exporter.errors import DecodeError
from model_exporter.ports import Door, Encoding, Payload, Signal

patient = settings(deadline=None)

LIMITS = Limits(record_attributes=9, nesting=2, name_length=24)
names = st.sampled_from(["a", "b", "c"])
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
usual = (
    numbers
    | st.sampled_from(["red", "green", "", "x" * 130, "\u00e9", "[1]", '["i","j"]', "{}"])
    | st.none()
    | st.booleans()
)
odd = (
    usual
    | st.sampled_from([math.nan, math.inf, 10**400, -(10**400), "\ud800", "n" * 30, [], [1], ["i", "j"], {}, {"k": 1}])
    | st.dictionaries(names, numbers | st.dictionaries(names, numbers, max_size=2), max_size=2)
    | st.lists(numbers, max_size=3)
)
identifiers: st.SearchStrategy[object] = st.sampled_from(
    ["1", "2", 1, 2, 3.0, "", None, "x" * 24, "x" * 25, True, 2**63, -(2**63), {}]
)
moments = (
    st.floats(0, 1e20)
    | st.integers(0, 2**64)
    | st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01 00:00:00", "5", "", "soon", None, True, -1.5])
)
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "model": st.sampled_from(["m", "n", "", None, 5, "m" * 25]),
    "model_name": st.just("other"),
    "version": identifiers,
    "id": identifiers,
    "request_id": identifiers,
    "time": moments,
    "latency_ms": st.floats(-1, 1e6) | st.sampled_from([12, 0, "12.5", "", None, "slow", True]),
    "latency_seconds": st.floats(0, 10),
    "error": st.sampled_from(["Timeout", "", None, False, True, 5, "x" * 30, {}]),
    "prediction": usual,
    "score": usual,
    "probabilities": st.dictionaries(names, numbers, max_size=3) | st.lists(numbers, max_size=3) | usual,
    "features": st.dictionaries(names, usual, max_size=3)
    | st.lists(usual, max_size=3)
    | st.sampled_from([None, "", '{"a":1}']),
    "feature.a": usual,
    "feature.d": odd,
    "segment.region": usual,
    "segments": st.dictionaries(names, usual, max_size=2) | usual,
    "lower": numbers | usual,
    "upper": numbers,
    "horizon": usual,
    "outcome": usual,
    "value.kpi": usual,
    "values": st.dictionaries(names, usual, max_size=2),
    "source": usual,
    "ignored": odd,
}
NAMES = sorted(FIELDS)


@st.composite
def alike(draw: st.DrawFn) -> list[dict[str, object]]:
    """Records with the same keys, with model, id and features more often than not; mostly plain, some not."""
    keys = draw(st.permutations(["model", "features", "id", *draw(st.lists(st.sampled_from(NAMES), max_size=5))]))
    keys = [key for key in dict.fromkeys(keys) if draw(st.integers(0, 9))]
    inputs = draw(st.lists(names, unique=True, min_size=1))
    plain_features = st.fixed_dictionaries(dict.fromkeys(inputs, usual))
    kinds: dict[str, st.SearchStrategy[object]] = {
        "model": st.just("m") | st.sampled_from(["m", "m", "n"]),
        "features": plain_features,
        "id": st.sampled_from(["1", "2", "3", 4]),
        "latency_ms": st.floats(0, 1e6) | st.none(),
        "time": st.floats(0, 1e20),
        "prediction": draw(st.sampled_from([numbers, st.sampled_from(["yes", "no"])])),
        "score": numbers,
        "probabilities": st.fixed_dictionaries({"yes": numbers, "no": numbers}),
    }
    record = st.fixed_dictionaries({key: kinds.get(key, FIELDS[key]) for key in keys})
    found = draw(st.lists(record, min_size=1, max_size=6))
    if not draw(st.integers(0, 2)):
        spoilt = draw(st.sampled_from(found))
        spoilt[draw(st.sampled_from(keys or NAMES))] = draw(odd)
    return found


TIDY: dict[str, st.SearchStrategy[object]] = {
    "version": st.sampled_from(["1", "2", 3]),
    "id": st.sampled_from(["1", "2", "3", 4]),
    "time": st.floats(0, 1e20) | st.integers(0, 2**64),
    "latency_ms": st.floats(0, 1e6) | st.none(),
    "error": st.sampled_from(["Timeout", "", None]),
    "prediction": st.sampled_from(["yes", "no"]),
    "score": usual,
    "probabilities": st.fixed_dictionaries({"yes": numbers, "no": numbers}),
    "feature.d": usual,
    "segment.region": usual,
    "ignored": odd,
}


@st.composite
def tidy(draw: st.DrawFn) -> list[dict[str, object]]:
    """Plain records of one or two models, some of which lack a feature; now and then one is spoilt."""
    keys = draw(st.lists(st.sampled_from(sorted(TIDY)), unique=True, max_size=6))
    every = dict.fromkeys(draw(st.lists(names, unique=True, min_size=1)), usual)
    lacking = draw(st.booleans())
    inputs = st.fixed_dictionaries({}, optional=every) if lacking else st.fixed_dictionaries(every)
    models = st.sampled_from(draw(st.sampled_from([["m"], ["m", "n"]])))
    record = st.fixed_dictionaries({"model": models, "features": inputs, **{key: TIDY[key] for key in keys}})
    found = draw(st.lists(record, min_size=1, max_size=8))
    if lacking:
        found[0]["features"] = draw(st.fixed_dictionaries(every))
    if not draw(st.integers(0, 3)):
        draw(st.sampled_from(found))[draw(st.sampled_from(NAMES))] = draw(odd)
    return found


anything = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), odd, max_size=5)
groups = st.lists(tidy() | alike() | st.lists(anything, max_size=2), max_size=4)
records = tidy() | groups.map(lambda parts: [record for part in parts for record in part])


def decode(body: bytes, context: Mapping[str, object], *, by_columns: bool) -> Decoded | str:
    """What is made of `body`, or why nothing is."""
    decoder = Decoder(LIMITS)
    sent = Payload(
        door=Door.FILE,
        signal=Signal.PREDICTIONS,
        encoding=Encoding.JSON_LINES,
        body=body,
        received_at=1.8e9,
        context=context,
    )
    with ExitStack() as stack:
        if by_columns:
            stack.enter_context(patch.object(plain, "_FEW", 1))
            stack.enter_context(patch.object(plain_layouts, "_SIGHTS", 1))
        else:
            stack.enter_context(patch.object(PlainLayouts, "find", lambda *_: None))
        try:
            return decoder.decode(sent)
        except DecodeError as error:
            return error.reason


def told(found: Decoded | str) -> object:
    """All of it, to the bit. An id that the decoder makes up is another one each time.

    Members of an object have no order, so columns may be in that of the records before them; nor do batches of
    different models.
    """
    if isinstance(found, str):
        return found
    return (
        [_batch(batch) for batch in sorted(found.batches, key=lambda batch: (batch.model, batch.version))],
        [re.sub(r"~[0-9a-f]{16}", "made", repr(outcome)) for outcome in found.outcomes],
        {rejection.reason: (rejection.records, rejection.message) for rejection in found.rejections},
        found.ignored,
        found.dropped_values,
        found.told_with_predictions,
    )


def _batch(batch: Batch) -> object:
    made = [identifier.startswith("~") for identifier in batch.ids]
    return (
        (batch.model, batch.version, batch.service, batch.origin),
        batch.times.tobytes(),
        [0 if is_made else key for is_made, key in zip(made, batch.keys.tolist(), strict=True)],
        ["made" if is_made else identifier for is_made, identifier in zip(made, batch.ids, strict=True)],
        batch.latency_seconds.tobytes(),
        _words(batch.errors),
        sorted(map(_column, batch.columns)),
        sorted(map(_column, batch.context)),
        batch.rankings,
    )


def _column(column: Column) -> tuple[object, ...]:
    return column.name, column.role.value, column.kinds.tobytes(), column.numbers.tobytes(), _words(column.texts)


def _words(words: Words | None) -> object:
    return words and (words.codes.tobytes(), words.words)


def body_of(sent: list[dict[str, object]], form: str) -> bytes:
    """The records as an array or as lines, some of them blank, some bare NaN in them."""
    texts = [json.dumps(record) for record in sent]
    if form == "array":
        return f"[{', '.join(texts)}]".encode()
    return (" \n\r\n" if form == "blank lines" else "\n").join(texts).encode()


@patient
@given(
    sent=records,
    form=st.sampled_from(["array", "lines", "blank lines"]),
    context=st.sampled_from([{}, {"model": "known"}, {"model": "known", "version": "7"}, {"model": "k" * 25}]),
    most=st.integers(1, 5) | st.just(1000),
)
def test_columns_change_nothing(
    sent: list[dict[str, object]], form: str, context: Mapping[str, object], most: int
) -> None:
    """Whatever the records are, what is kept, left out and refused is the same to the bit, whatever a batch holds."""
    body = body_of(sent, form)
    with patch.object(rows, "MAX_BATCH_ROWS", most), patch.object(plain, "MAX_BATCH_ROWS", most):
        one_by_one = told(decode(body, context, by_columns=False))
        assert told(decode(body, context, by_columns=True)) == one_by_one


@patient
@given(sent=records, cells=st.integers(0, 60), groups=st.integers(1, 3))
def test_columns_do_not_get_round_the_limits_of_a_request(
    sent: list[dict[str, object]], cells: int, groups: int
) -> None:
    """Nor are more models taken, or more cells."""
    body = body_of(sent, "lines")
    with (
        patch.object(rows, "MAX_CELLS", cells),
        patch.object(rows, "SPARE_CELLS", cells // 3),
        patch.object(rows, "SPARSITY", 1 + groups % 2),
        patch.object(rows, "MAX_GROUPS", groups),
    ):
        one_by_one = told(decode(body, {}, by_columns=False))
        assert told(decode(body, {}, by_columns=True)) == one_by_one
