"""Plain predictions read by columns equal the same ones read one by one."""

import json
import re
from collections.abc import Mapping
from contextlib import ExitStack
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from json_strategies import records
from model_exporter.batch import Batch, Column, Words
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder, plain, plain_layouts, rows
from model_exporter.decode.plain_layouts import PlainLayouts
from model_exporter.errors import DecodeError
from model_exporter.ports import Door, Encoding, Payload, Signal

patient = settings(deadline=None)

LIMITS = Limits(record_attributes=9, nesting=2, name_length=24)


def decode(body: bytes, context: Mapping[str, object], *, by_columns: bool) -> Decoded | str:
    """What is made of `body`, or why nothing is."""
    decoder = Decoder(LIMITS, compiled=False)
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
