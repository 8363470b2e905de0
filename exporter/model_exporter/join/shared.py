"""A store that several replicas share, on top of a database that swaps entries in one step."""

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol, Self, TypeVar

from model_exporter.batch import Awaited, Joined, Outcome
from model_exporter.join.entries import (
    EARLY,
    SETTLED,
    WAITING,
    Entry,
    Step,
    add_outcome,
    add_prediction,
    awaited_of,
    decode_entry,
)
from model_exporter.join.matching import at_arrival, dated, hashes_of, is_ahead, key_of, threshold_of, with_rows
from model_exporter.join.sampling import Share
from model_exporter.join.store import DEFAULT_WAIT, Account, Lost, StorageError, StoreLimits, Unmatched

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_CHUNK: Final = 500
"""Entries that one command to the database concerns."""
_REMOVED_PER_CALL: Final = 5_000
_ATTEMPTS: Final = 8
"""Times that an entry is computed anew because another replica was faster."""
_PAUSE_SECONDS: Final = 1.0
"""How long the database is left alone after it failed, so that the writer does not wait for it at every call."""
_BUFFERED: Final = 50_000
"""Predictions that wait in memory while the database fails."""
_COUNT_SECONDS: Final = 10.0


class Change(NamedTuple):
    """An entry to be swapped: `old` is None for a new one."""

    key: str
    hash: int
    old: bytes | None
    new: bytes
    state: int
    due: float


class Counts(NamedTuple):
    """Entries of one model by state."""

    early: int
    waiting: int
    settled: int


class Database(Protocol):
    """What a shared store needs of a database. Every method raises StorageError when it fails or does not answer."""

    def read(self, model: str, keys: Sequence[str]) -> list[bytes | None]:
        """Entries of keys, None where there is none."""
        ...

    def swap(self, model: str, changes: Sequence[Change]) -> set[str]:
        """Put new entries in place of old ones, each in one step; the keys whose entry was not the old one."""
        ...

    def take_overdue(self, model: str, state: int, now: float, limit: int) -> list[bytes]:
        """Remove entries whose time is over and return them, each to one caller only."""
        ...

    def take_beyond(self, model: str, threshold: int, limit: int) -> list[bytes]:
        """Remove entries whose hash is not below `threshold` and return them, each to one caller only."""
        ...

    def counts(self) -> dict[str, Counts]:
        """Entries of all models."""
        ...

    def shares(self) -> dict[str, list[Share]]:
        """Shares of the models that do not keep all, oldest first; the last one holds now."""
        ...

    def swap_shares(self, model: str, old: list[Share], new: list[Share]) -> None:
        """Put new shares of a model in place of old ones, unless these are not the old ones any more."""
        ...

    def size(self) -> int:
        """Bytes that the database takes."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class SharedStore:
    """See `JoinStore`. Each pair goes to the replica whose record completed it.

    The limit of predictions is that of all replicas together, and all of them keep the same sample. The database itself
    bounds its memory or disk. While it fails predictions are buffered and outcomes refused. A command that the
    database has executed but whose answer was lost counts as failed: its pairs are then told to nobody.

    Args:
        database: where entries are.
        limits: bounds; `size` is not used.
    """

    def __init__(self, database: Database, limits: StoreLimits) -> None:
        self._database = database
        self._limits = limits
        self._waits: dict[str, float] = {}
        self._shares: dict[str, list[Share]] = {}
        self._counts: dict[str, Counts] = {}
        self._counted_at = -_COUNT_SECONDS
        self._size = 0
        self._account = Account()
        self._rested_at = 0.0
        self._buffer: deque[tuple[str, list[Awaited], float]] = deque()
        self._buffered = 0
        self._ready: list[Joined] = []  # pairs that came about before a call failed; nobody else will tell of them

    @property
    def rows(self) -> int:
        """Predictions remembered by all replicas, as of a few seconds ago."""
        return sum(counts.waiting + counts.settled for counts in self._counts.values())

    @property
    def early(self) -> int:
        """Outcomes that wait for their prediction, as of a few seconds ago."""
        return sum(counts.early for counts in self._counts.values())

    @property
    def bytes(self) -> int:
        """Bytes that the database takes, as of a few seconds ago."""
        return self._size

    def pending(self, model: str) -> int:
        """Predictions that wait for their outcome, as of a few seconds ago."""
        return self._counts[model].waiting if model in self._counts else 0

    def outcomes_waiting(self, model: str) -> int:
        """Outcomes that wait for their prediction, as of a few seconds ago."""
        return self._counts[model].early if model in self._counts else 0

    def rate(self, model: str) -> float:
        """Share of the predictions that are kept now."""
        return self._share(model).rate

    def resize(self, limits: StoreLimits) -> None:
        """Take over new limits."""
        self._limits = limits

    def wait_for(self, model: str, predictions: Sequence[Awaited], now: float) -> list[Joined]:
        """See `JoinStore`."""
        self._keep_for_later(model, dated(predictions, now), now)
        try:
            self._guarded(now, self._flush)
            return self._take_ready()
        except StorageError as error:
            log.debug("predictions are buffered", extra={"error": str(error), "predictions": self._buffered})
            return []

    def tell(self, outcomes: Sequence[tuple[str, Outcome]], now: float) -> list[Joined]:
        """See `JoinStore`."""
        by_model: defaultdict[str, list[Outcome]] = defaultdict(list)
        for model, outcome in outcomes:
            by_model[model].append(outcome)
        # Predictions that wait in memory came first.
        self._guarded(now, self._flush)
        for model, told in by_model.items():
            self._guarded(now, partial(self._tell, model, told, now))
        return self._take_ready()

    def expire(self, now: float, waits: Mapping[str, float]) -> Account:
        """See `JoinStore`; time passes in the database, so that one replica counts what goes."""
        self._waits.update(waits)
        try:
            self._guarded(now, lambda: self._pass_time(now))
        except StorageError as error:
            log.warning("the shared store does not answer", extra={"error": str(error)})
        counted, self._account = self._account, Account()
        return counted

    def close(self) -> None:
        """Let go of the connection; what is buffered still is lost."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _guarded(self, now: float, work: Callable[[], _T]) -> _T:
        """Do `work`, unless the database failed a moment ago."""
        if self._rested_at and 0 <= now - self._rested_at < _PAUSE_SECONDS:
            raise StorageError("the shared store failed a moment ago")
        try:
            done = work()
        except StorageError:
            self._rested_at = now
            raise
        self._rested_at = 0.0
        return done

    def _keep_for_later(self, model: str, predictions: list[Awaited], now: float) -> None:
        room = max(0, _BUFFERED - self._buffered)
        if len(predictions) > room:
            self._account.lost[model, Lost.STORAGE_FAILURE] += len(predictions) - room
            predictions = predictions[:room]
        if predictions:
            self._buffer.append((model, predictions, now))
            self._buffered += len(predictions)

    def _take_ready(self) -> list[Joined]:
        ready, self._ready = self._ready, []
        return ready

    def _flush(self) -> None:
        while self._buffer:
            model, predictions, came = self._buffer[0]
            self._keep(model, predictions, came)
            self._buffer.popleft()
            self._buffered -= len(predictions)

    def _keep(self, model: str, predictions: Sequence[Awaited], now: float) -> None:
        share, due = self._share(model), now + self._wait_of(model)
        names = [p.prediction_id for p in predictions]
        several = with_rows(names)
        coming: dict[str, Entry] = {}
        outside = 0
        for prediction, key, number in zip(predictions, map(key_of, names), _hashes(names), strict=True):
            if share.rate < 1 and number >= threshold_of(share.rate):
                outside += 1
            else:
                has_rows = prediction.prediction_id in several
                coming.setdefault(key, Entry(due, (*prediction,), now, share.rate, has_rows))
        self._swap_all(model, coming, lambda key, old: add_prediction(old, coming[key], model))
        self._account.lost[model, Lost.SAMPLED_OUT] += outside

    def _tell(self, model: str, outcomes: Sequence[Outcome], now: float) -> None:
        share, due = self._share(model), now + self._wait_of(model)
        coming: defaultdict[str, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            told = at_arrival(outcome, now) if is_ahead(outcome, now) else outcome
            coming[key_of(outcome.prediction_id)].append(told)
        outside = {
            key for key, number in zip(coming, _hashes(coming), strict=True) if number >= threshold_of(share.rate)
        }

        def take(key: str, old: Entry | None) -> Step:
            step = Step(old)
            for outcome in coming[key]:
                if step.entry is None and key in outside and share.rate < 1:
                    step.unmatched.append(Unmatched.SAMPLED_OUT)
                else:
                    add_outcome(step, outcome, model, due)
            return step

        self._swap_all(model, coming, take)
        self._account.future[model] += sum(is_ahead(outcome, now) for outcome in outcomes)

    def _swap_all(self, model: str, keys: Iterable[str], compute: Callable[[str, Entry | None], Step]) -> None:
        """Replace the entries of `keys` by what `compute` makes of them, each against no other replica's change."""
        left = list(keys)
        for _ in range(_ATTEMPTS):
            lost: set[str] = set()
            for first in range(0, len(left), _CHUNK):
                lost |= self._swap_chunk(model, left[first : first + _CHUNK], compute)
            left = [key for key in left if key in lost]
            if not left:
                return
        raise StorageError("other replicas changed the same entries all the time")

    def _swap_chunk(self, model: str, keys: list[str], compute: Callable[[str, Entry | None], Step]) -> set[str]:
        found = self._database.read(model, keys)
        hashes = _hashes(keys)
        steps: dict[str, Step] = {}
        changes = []
        for key, number, old in zip(keys, hashes, found, strict=True):
            step = steps[key] = compute(key, decode_entry(old))
            new = step.entry.encode() if step.entry else old
            if step.entry and new and new != old:
                changes.append(Change(key, number, old, new, step.entry.state, step.entry.due))
        refused = self._database.swap(model, changes) if changes else set()
        for key, step in steps.items():
            if key not in refused:
                self._account.unmatched.update((model, reason) for reason in step.unmatched)
                self._ready += [
                    Joined(model, awaited_of(pair.entry), pair.outcome, pair.corrects, self._rate_of(model, pair.entry))
                    for pair in step.pairs
                ]
        return refused

    def _rate_of(self, model: str, entry: Entry) -> float:
        """The probability that an entry is still kept: the smallest share since it came."""
        later = (share.rate for share in self._shares.get(model, []) if share.since >= entry.arrived)
        return min([entry.rate, *later])

    def _pass_time(self, now: float) -> None:
        self._shares = self._database.shares()
        if not 0 <= now - self._counted_at < _COUNT_SECONDS:
            self._counts, self._size, self._counted_at = self._database.counts(), self._database.size(), now
        for model in self._counts:
            for state in (EARLY, WAITING, SETTLED):
                for entry in self._database.take_overdue(model, state, now, _REMOVED_PER_CALL):
                    self._count_gone(model, decode_entry(entry), Lost.TIMED_OUT, Unmatched.NO_PREDICTION)
            share = self._share(model)
            if share.rate < 1:
                gone = self._database.take_beyond(model, threshold_of(share.rate), _REMOVED_PER_CALL)
                for entry in gone:
                    self._count_gone(model, decode_entry(entry), Lost.SAMPLED_OUT, Unmatched.SAMPLED_OUT)
        self._adapt(now)

    def _count_gone(self, model: str, entry: Entry | None, lost: Lost, unmatched: Unmatched) -> None:
        if entry is None:  # a server short of memory dropped it, or another release wrote it
            self._account.lost[model, Lost.STORAGE_FAILURE] += 1
        elif entry.state == EARLY:
            self._account.unmatched[model, unmatched] += len(entry.early)
        elif entry.state == WAITING:
            self._account.lost[model, lost] += 1
        elif lost is Lost.SAMPLED_OUT:
            self._account.forgotten[model] += 1

    def _adapt(self, now: float) -> None:
        """Halve or double one model's share, where the count that this replica has made just now asks for it."""
        if self._counted_at != now or not self._counts:
            return
        rows = {model: counts.waiting + counts.settled for model, counts in self._counts.items()}
        fullness = sum(rows.values()) / self._limits.predictions
        if fullness > 1:
            model = max(rows, key=lambda name: (rows[name], name))
            # The count still has what the last halving is about to remove.
            if now - self._share(model).since > 2 * _COUNT_SECONDS:
                self._keep_share(model, self._share(model).halved(now), now)
            return
        sampled = [(self._share(model).rate, model) for model in self._counts if self._share(model).rate < 1]
        if sampled:
            _, model = min(sampled)
            if self._share(model).may_rise(now, wait=self._wait_of(model), fullness=fullness):
                self._keep_share(model, self._share(model).doubled(now), now)

    def _keep_share(self, model: str, share: Share, now: float) -> None:
        old = self._shares.get(model, [])
        recent = [other for other in old if other.since >= now - 2 * self._wait_of(model)]
        self._database.swap_shares(model, old, [*recent, share])
        self._shares = self._database.shares()

    def _share(self, model: str) -> Share:
        return self._shares[model][-1] if self._shares.get(model) else Share()

    def _wait_of(self, model: str) -> float:
        return self._waits.get(model, DEFAULT_WAIT)


def _hashes(names: Iterable[str]) -> list[int]:
    hashes: list[int] = hashes_of(map(key_of, names)).tolist()
    return hashes
