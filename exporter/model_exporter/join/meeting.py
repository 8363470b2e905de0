"""Predictions and outcomes meet in the tables of the embedded store."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Awaited, Joined, Outcome
from model_exporter.join.early import let_wait, take_waiting
from model_exporter.join.filters import Probe
from model_exporter.join.matching import (
    at_arrival,
    decode_outcome,
    encode_outcome,
    first_row_of,
    hashes_of,
    is_ahead,
    is_ambiguous,
    key_of,
    threshold_of,
    weigh,
    with_rows,
)
from model_exporter.join.partitions import Partition, Row
from model_exporter.join.shelves import Shelves
from model_exporter.join.store import Account, Lost, Unmatched

_SEARCHED_FOR_REPEATS: Final = 2
"""Newest partitions in which a prediction that comes again is found: it is a sender's retry, minutes later at most."""


@dataclass(slots=True)
class _Found:
    """A prediction that is kept, with the newest outcome of it."""

    partition: Partition
    row: Row
    outcome: Outcome | None


@dataclass(slots=True)
class _Early:
    """An outcome that waits; `place` is its partition and row, None while it is not in the tables."""

    place: tuple[Partition, int] | None
    hash: int
    outcome: Outcome
    is_changed: bool = False


@dataclass(slots=True)
class Meeting:
    """Joins one model's records within a transaction.

    Attributes:
        shelves: where all is kept.
        model: its name.
        account: counts what comes to nothing.
        now: unix seconds.
        wait: of the model, in seconds.
        capacity: rows of a partition of predictions, and of one of outcomes.
    """

    shelves: Shelves
    model: str
    account: Account
    now: float
    wait: float
    capacity: tuple[int, int]
    _settled: defaultdict[int, dict[int, bytes]] = field(default_factory=lambda: defaultdict(dict))
    _used: dict[int, Partition] = field(default_factory=dict)

    def keep(self, predictions: Sequence[Awaited]) -> list[Joined]:
        """Keep `predictions`; returns those whose outcome was there."""
        ids = [p.prediction_id for p in predictions]
        keys = [key_of(name) for name in ids]
        several = with_rows(ids)
        hashes = hashes_of(keys)
        chosen = self._fresh(keys, hashes)
        if not chosen:
            return []
        if len(chosen) < len(ids):
            predictions, hashes = [predictions[index] for index in chosen], hashes[chosen]
        shelf = self._shelf(len(predictions), predictions=True)
        names, *others = zip(*predictions, strict=True)
        flags = [1 if name in several else None for name in names] if several else [None] * len(names)
        numbers = self.shelves.tables.append(shelf, hashes, names, flags, *others)
        early = self._find_early(hashes)
        joined = []
        for prediction, number in zip(predictions, numbers, strict=True) if early else ():
            has_rows = prediction.prediction_id in several
            outcome = self._take_early(early, prediction.prediction_id, has_rows=has_rows)
            if outcome:
                self._settle(shelf, number, outcome, is_first=True)
                joined.append(Joined(self.model, prediction, outcome, None, shelf.rate))
        self._write_settled()
        return joined

    def tell(self, outcomes: Sequence[Outcome]) -> list[Joined]:
        """Take `outcomes` in their order; returns those whose prediction is there, and leaves the others waiting."""
        keys = [key_of(o.prediction_id) for o in outcomes]
        hashes = hashes_of(keys)
        found = self._find(hashes, self.shelves.of(self.model, predictions=True))
        missing = [index for index, key in enumerate(keys) if key not in found]
        early = self._find_early(hashes[missing]) if missing else {}
        joined = []
        for told, key, number in zip(outcomes, keys, hashes.tolist(), strict=True):
            outcome = told
            if is_ahead(told, self.now):
                self.account.future[self.model] += 1
                outcome = at_arrival(told, self.now)
            hit = found.get(key)
            if hit is None:
                self._await(early, outcome, number)
            elif hit.row.has_rows and is_ambiguous(told, has_rows=True):
                self.account.unmatched[self.model, Unmatched.AMBIGUOUS] += 1
            elif pair := self._join(hit, outcome):
                joined.append(pair)
        self._write_settled()
        self._write_early(early)
        return joined

    def _fresh(self, keys: Sequence[str], hashes: NDArray[np.int64]) -> list[int]:
        """Indices of the predictions that are in the sample and not kept yet, each key once."""
        rate = self.shelves.share(self.model).rate
        indices = np.flatnonzero(hashes < threshold_of(rate)) if rate < 1 else np.arange(len(hashes))
        self.account.lost[self.model, Lost.SAMPLED_OUT] += len(hashes) - len(indices)
        newest = self.shelves.of(self.model, predictions=True)[-_SEARCHED_FOR_REPEATS:]
        known = self._find(hashes[indices], newest)
        if not known.keys() & set(keys) and len(set(keys)) == len(keys):
            return indices.tolist()
        fresh: dict[str, int] = {}
        for index in indices.tolist():
            if keys[index] not in known:
                fresh.setdefault(keys[index], index)
        return list(fresh.values())

    def _find(self, hashes: NDArray[np.int64], partitions: Sequence[Partition]) -> dict[str, _Found]:
        """Predictions by key, as far as they are under any of `hashes`; the first of a key."""
        found: dict[str, _Found] = {}
        probe = Probe(hashes)
        for partition in partitions:
            candidates = partition.candidates(probe)
            if len(candidates):
                for row in self.shelves.tables.find(partition, candidates):
                    known = decode_outcome(row.outcome, self.model) if row.outcome else None
                    found.setdefault(key_of(row.awaited.prediction_id), _Found(partition, row, known))
        return found

    def _join(self, hit: _Found, outcome: Outcome) -> Joined | None:
        """A prediction's first outcome or a correction; None when it says nothing new."""
        old = hit.outcome
        known, nothing_new = (outcome, None) if old is None else weigh(old, outcome)
        if old is None or not nothing_new or known.time != old.time:
            hit.outcome = known
            self._settle(hit.partition, hit.row.row, known, is_first=old is None)
        if nothing_new:
            self.account.unmatched[self.model, nothing_new] += 1
            return None
        return Joined(self.model, hit.row.awaited, known, old, hit.partition.rate)

    def _await(self, early: dict[str, _Early], outcome: Outcome, number: int) -> None:
        """Let an outcome wait for its prediction, together with what was told of it before."""
        share = self.shelves.share(self.model)
        if share.rate < 1 and number >= threshold_of(share.rate):
            self.account.unmatched[self.model, Unmatched.SAMPLED_OUT] += 1
            return
        names = _names_of(key_of(outcome.prediction_id))
        waiting = {name: early[name].outcome for name in names if name in early}
        if unmatched := let_wait(waiting, outcome):
            self.account.unmatched[self.model, unmatched] += 1
        for name, known in waiting.items():
            kept = early.get(name)
            if kept is None:
                early[name] = _Early(None, number, known)
            elif encode_outcome(known) != encode_outcome(kept.outcome):  # equal would be true and 1, too
                kept.outcome, kept.is_changed = known, True

    def _find_early(self, hashes: NDArray[np.int64]) -> dict[str, _Early]:
        """Waiting outcomes by the id they were told of, as far as they are under any of `hashes`."""
        found: dict[str, _Early] = {}
        probe = Probe(hashes)
        for partition in self.shelves.of(self.model, predictions=False):
            candidates = partition.candidates(probe)
            if len(candidates):
                for row in self.shelves.tables.find_early(partition, candidates):
                    outcome = decode_outcome(row.outcome, self.model)
                    if outcome:
                        found.setdefault(outcome.prediction_id, _Early((partition, row.row), 0, outcome))
        return found

    def _take_early(self, early: dict[str, _Early], prediction_id: str, *, has_rows: bool) -> Outcome | None:
        """What was told of a prediction before it came; it waits no more."""
        waited = [waiting for name in _names_of(key_of(prediction_id)) if (waiting := early.pop(name, None))]
        for waiting in waited:
            if waiting.place:
                partition, row = waiting.place
                self.shelves.tables.delete_early(partition, row)
                self.shelves.touch(partition)
        outcomes = {waiting.outcome.prediction_id: waiting.outcome for waiting in waited}
        known, unmatched = take_waiting(outcomes, has_rows=has_rows)
        self.account.unmatched.update((self.model, reason) for reason in unmatched)
        return known

    def _settle(self, partition: Partition, row: int, outcome: Outcome, *, is_first: bool) -> None:
        self._settled[partition.number][row] = encode_outcome(outcome)
        self._used[partition.number] = partition
        partition.settled += is_first

    def _write_settled(self) -> None:
        for number, outcomes in self._settled.items():
            partition = self._used[number]
            self.shelves.tables.settle(partition, sorted(outcomes.items()))
            self.shelves.touch(partition)

    def _write_early(self, early: dict[str, _Early]) -> None:
        fresh = [waiting for waiting in early.values() if waiting.place is None]
        if fresh:
            shelf = self._shelf(len(fresh), predictions=False)
            hashes = np.array([waiting.hash for waiting in fresh], np.int64)
            self.shelves.tables.append(shelf, hashes, [encode_outcome(w.outcome) for w in fresh])
        for waiting in early.values():
            if waiting.place and waiting.is_changed:
                partition, row = waiting.place
                self.shelves.tables.replace_early(partition, row, encode_outcome(waiting.outcome))

    def _shelf(self, coming: int, *, predictions: bool) -> Partition:
        room = self.capacity[0 if predictions else 1] - coming
        return self.shelves.open(self.model, self.now, self.wait, predictions=predictions, room=room)


def _names_of(key: str) -> tuple[str, str]:
    """What a prediction of this key may be called."""
    return key, first_row_of(key)
