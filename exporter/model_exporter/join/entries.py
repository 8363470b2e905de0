"""What a shared store holds of one prediction and its outcome, and what becomes of it when one of the two comes.

Here is no store and no clock: an entry and a record make a new entry and perhaps a pair. A store that swaps the old
entry for the new one in one step, and only if it still is the old one, therefore gives each pair to one replica.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from msgspec import DecodeError, Struct
from msgspec.msgpack import Decoder, Encoder
from msgspec.structs import replace

from model_exporter.batch import Awaited, Outcome
from model_exporter.join.early import let_wait, take_waiting
from model_exporter.join.matching import decode_outcome, encode_outcome, is_ambiguous, weigh
from model_exporter.join.store import Unmatched


class Entry(Struct, array_like=True, frozen=True, omit_defaults=True):
    """One key's prediction and outcomes.

    Attributes:
        due: unix seconds at which its wait is over.
        prediction: (id, made at, version, facts), None while outcomes wait for it.
        arrived: unix seconds at which the prediction came.
        rate: share of the predictions that were kept then.
        has_rows: its request has further rows.
        settled: the outcome that holds.
        early: outcomes that wait for the prediction, one for each id that it is called; see `early.let_wait`.
    """

    due: float
    prediction: tuple[str, float, str, bytes] | None = None
    arrived: float = 0.0
    rate: float = 1.0
    has_rows: bool = False
    settled: bytes | None = None
    early: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """As `decode_entry` takes it."""
        return _ENCODER.encode(self)

    @property
    def state(self) -> int:
        """`EARLY`, `WAITING` or `SETTLED`."""
        if self.prediction is None:
            return EARLY
        return WAITING if self.settled is None else SETTLED


EARLY: Final = 0
WAITING: Final = 1
SETTLED: Final = 2
STATES: Final = (EARLY, WAITING, SETTLED)
_ENCODER: Final = Encoder()
_DECODER: Final = Decoder(Entry)


def decode_entry(encoded: bytes | None) -> Entry | None:
    """The entry that made `encoded`; None when nothing did, as after a change of this format."""
    try:
        return _DECODER.decode(encoded) if encoded else None
    except DecodeError:
        return None


class Pair(NamedTuple):
    """A prediction with its outcome, as it came about."""

    entry: Entry
    outcome: Outcome
    corrects: Outcome | None


@dataclass(slots=True)
class Step:
    """What became of an entry: the new one, pairs, and why outcomes made none."""

    entry: Entry | None
    pairs: list[Pair] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)


def add_prediction(old: Entry | None, new: Entry, model: str) -> Step:
    """A prediction comes; one that is known already stays as it was."""
    if old is None:
        return Step(new)
    if old.prediction is not None:
        return Step(old)
    step = Step(new)
    known, step.unmatched = take_waiting(_decoded(old.early, model), has_rows=new.has_rows)
    if known is not None:
        step.entry = replace(new, settled=encode_outcome(known))
        step.pairs.append(Pair(step.entry, known, None))
    return step


def add_outcome(step: Step, outcome: Outcome, model: str, due: float) -> None:
    """An outcome comes; until `due` it waits for its prediction, where that is not there yet."""
    entry = step.entry or Entry(due)
    if entry.prediction is None:
        _add_early(step, entry, outcome, model)
    elif is_ambiguous(outcome, has_rows=entry.has_rows):
        step.unmatched.append(Unmatched.AMBIGUOUS)
    else:
        _settle(step, entry, outcome, model)


def _settle(step: Step, entry: Entry, outcome: Outcome, model: str) -> None:
    old = decode_outcome(entry.settled, model) if entry.settled else None
    known, nothing_new = (outcome, None) if old is None else weigh(old, outcome)
    step.entry = replace(entry, settled=encode_outcome(known))
    if nothing_new:
        step.unmatched.append(nothing_new)
    else:
        step.pairs.append(Pair(step.entry, known, old))


def _add_early(step: Step, entry: Entry, outcome: Outcome, model: str) -> None:
    waiting = _decoded(entry.early, model)
    if unmatched := let_wait(waiting, outcome):
        step.unmatched.append(unmatched)
    step.entry = replace(entry, early=tuple(map(encode_outcome, waiting.values())))


def awaited_of(entry: Entry) -> Awaited:
    """The prediction of an entry that has one."""
    if entry.prediction is None:
        raise ValueError("the entry holds no prediction")
    return Awaited(*entry.prediction)


def _decoded(outcomes: tuple[bytes, ...], model: str) -> dict[str, Outcome]:
    decoded = [outcome for encoded in outcomes if (outcome := decode_outcome(encoded, model))]
    return {outcome.prediction_id: outcome for outcome in decoded}
