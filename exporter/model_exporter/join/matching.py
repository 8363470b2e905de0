"""Which outcome belongs to which prediction, and which of two outcomes holds.

`<id>` and `<id>#0` name the same prediction, because a request with one row is called by either. A request of several
rows has `<id>#0`, `<id>#1` and so on; what is told of `<id>` alone is then told of none of them: taking it for all
would invent truth for rows that nobody looked at.

An outcome replaces another one when it happened later. Where one of them does not tell its time the order of arrival
decides: senders that give times may deliver late, in parallel and again, and those that give none cannot mean another
order than the one in which they send.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from math import isnan
from typing import Final

import numpy as np
from msgspec import DecodeError, Struct
from msgspec.msgpack import Decoder, Encoder
from numpy.typing import NDArray

from model_exporter.batch import Awaited, Outcome
from model_exporter.join.store import Unmatched

HASH_BITS: Final = 63
"""Bits of a key's hash: as many as fit into the signed integers of databases without a sign."""
FUTURE_SECONDS: Final = 300.0
"""How far ahead of the exporter's clock an outcome's time may be before it is taken for wrong."""

_FIRST_ROW: Final = "#0"
_SECOND_ROW: Final = "#1"


def key_of(prediction_id: str) -> str:
    """What a prediction is found by: its id, without the number of the first row."""
    return prediction_id.removesuffix(_FIRST_ROW)


def first_row_of(key: str) -> str:
    """The other name of what has this key."""
    return key + _FIRST_ROW


def hashes_of(keys: Iterable[str]) -> NDArray[np.int64]:
    """int64[n] from 0 to 2^63 - 1, the same for the same key everywhere and for ever."""
    digests = b"".join([blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest() for key in keys])
    return (np.frombuffer(digests, "<u8") >> np.uint64(64 - HASH_BITS)).astype(np.int64)


def threshold_of(rate: float) -> int:
    """Keys with a hash below it are the sample of `rate`; the samples of two rates contain each other."""
    return int(rate * 2**HASH_BITS)


def with_rows(prediction_ids: Sequence[str]) -> set[str]:
    """The ids `<id>#0` whose request has further rows among `prediction_ids`."""
    firsts = [name for name in prediction_ids if name.endswith(_FIRST_ROW)]
    if not firsts:
        return set()
    seconds = {name for name in prediction_ids if name.endswith(_SECOND_ROW)}
    return {first for first in firsts if key_of(first) + _SECOND_ROW in seconds}


def dated(predictions: Sequence[Awaited], now: float) -> list[Awaited]:
    """`predictions`; those whose time is NaN have that of their arrival."""
    return [p._replace(made_at=now) if isnan(p.made_at) else p for p in predictions]


def is_ambiguous(outcome: Outcome, *, has_rows: bool) -> bool:
    """Whether an outcome that was found by a prediction's key could mean other rows of its request as well."""
    return has_rows and not outcome.prediction_id.endswith(_FIRST_ROW)


def is_ahead(outcome: Outcome, now: float) -> bool:
    """Whether an outcome claims to have happened after it was told."""
    return outcome.time is not None and outcome.time > now + FUTURE_SECONDS


def at_arrival(outcome: Outcome, now: float) -> Outcome:
    """An outcome with the time of its arrival."""
    return replace(outcome, time=now)


def says_the_same(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes of one prediction differ at most in their time."""
    return (
        type(one.value) is type(other.value)  # True is not 1
        and one.value == other.value
        and dict(one.values) == dict(other.values)
        and one.items == other.items
    )


def weigh(old: Outcome, new: Outcome) -> tuple[Outcome, Unmatched | None]:
    """What is known after `new` was told beside `old`, and, where that is nothing new, why."""
    merged = merge(old, new)
    if not says_the_same(merged, old):
        return merged, None
    return merged, Unmatched.DUPLICATE if says_the_same(_overlay(old, new), old) else Unmatched.OUTDATED


def merge(old: Outcome, new: Outcome) -> Outcome:
    """What is known after `old` and then `new` were told of one prediction: each part as the later one has it."""
    is_older = new.time is not None and old.time is not None and new.time < old.time
    return _overlay(new, old) if is_older else _overlay(old, new)


def _overlay(below: Outcome, above: Outcome) -> Outcome:
    """`above`, with what it does not tell taken from `below`."""
    values = below.values
    if above.values:
        values = tuple(sorted((dict(below.values) | dict(above.values)).items())) if below.values else above.values
    return Outcome(
        model=below.model,
        prediction_id=below.prediction_id,
        time=below.time if above.time is None else above.time,
        value=below.value if above.value is None else above.value,
        values=values,
        items=above.items or below.items,
    )


class _Kept(Struct, array_like=True, frozen=True, omit_defaults=True):
    """An outcome as it is stored: what its place does not tell already."""

    prediction_id: str
    time: float | None = None
    value: str | float | bool | None = None
    values: tuple[tuple[str, float], ...] = ()
    items: tuple[tuple[str, float], ...] = ()


_ENCODER: Final = Encoder()
_DECODER: Final = Decoder(_Kept)


def encode_outcome(outcome: Outcome) -> bytes:
    """As `decode_outcome` takes it."""
    return _ENCODER.encode((outcome.prediction_id, outcome.time, outcome.value, outcome.values, outcome.items))


def decode_outcome(encoded: bytes, model: str) -> Outcome | None:
    """The outcome that made `encoded`; None when nothing did, as after a change of this format."""
    try:
        kept = _DECODER.decode(encoded)
    except DecodeError:
        return None
    return Outcome(model, kept.prediction_id, kept.time, kept.value, kept.values, kept.items)
