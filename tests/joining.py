"""Predictions and outcomes for tests of the join, and the plainest store there could be."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from model_exporter.batch import Awaited, Facts, Joined, Outcome, Scalar
from model_exporter.join import StorageError, Unmatched
from model_exporter.join.sampling import Share
from model_exporter.join.shared import Change, Counts

T0 = 1_700_000_000.0
MODEL = "fraud"


def awaited(prediction_id: str, *, made_at: float = T0, version: str = "1", predicted: str = "yes") -> Awaited:
    """A prediction."""
    return Awaited(prediction_id, made_at, version, Facts(predicted=predicted).encode())


def outcome(prediction_id: str, value: Scalar = "yes", *, time: float | None = None, **values: float) -> Outcome:
    """What became of a prediction."""
    return Outcome(MODEL, prediction_id, time, value, tuple(sorted(values.items())))


def told(joined: Joined) -> tuple[str, object, object]:
    """A pair as (prediction id, what happened, what had been told before); the last is None for the first outcome."""
    return joined.prediction.prediction_id, joined.outcome.value, joined.corrects and joined.corrects.value


class Ledger:
    """What a consumer of pairs knows in the end: the outcome that holds for each prediction."""

    def __init__(self) -> None:
        self.known: dict[str, Outcome] = {}

    def book(self, pairs: list[Joined]) -> None:
        """Take over pairs; each says rightly whether it is the first of its prediction."""
        for pair in pairs:
            name = pair.prediction.prediction_id
            assert _content(pair.corrects) == _content(self.known.get(name))
            self.known[name] = pair.outcome

    def contents(self) -> dict[str, object]:
        """By prediction id, what happened."""
        return {name: _content(known) for name, known in self.known.items()}


class PlainJoin:
    """Joins a list of records as the definition says, without regard to cost."""

    def __init__(self) -> None:
        self.predictions: set[str] = set()
        self.told: list[Outcome] = []

    def contents(self) -> dict[str, object]:
        """As `Ledger.contents`."""
        found: dict[str, Outcome] = {}
        for name in self.predictions:
            mine = [o for o in self.told if o.prediction_id in self._names(name)]
            if mine:
                found[name] = _fold(mine)
        return {name: _content(known) for name, known in found.items()}

    def _names(self, prediction_id: str) -> set[str]:
        base = prediction_id.removesuffix("#0")
        if base == prediction_id:
            return {base, f"{base}#0"}
        return {prediction_id} if f"{base}#1" in self.predictions else {base, prediction_id}


def _fold(outcomes: list[Outcome]) -> Outcome:
    known = outcomes[0]
    for other in outcomes[1:]:
        below, above = known, other
        if other.time is not None and known.time is not None and other.time < known.time:
            below, above = other, known
        known = replace(
            above,
            time=below.time if above.time is None else above.time,
            value=below.value if above.value is None else above.value,
            values=tuple(sorted((dict(below.values) | dict(above.values)).items())),
        )
    return known


def _content(known: Outcome | None) -> object:
    return known and (type(known.value), known.value, known.values)


def reasons(unmatched: Counter[tuple[str, Unmatched]]) -> dict[Unmatched, int]:
    """Counts of the one model, without those of nothing."""
    return {reason: count for (_, reason), count in unmatched.items() if count}


class MemoryDatabase:
    """Entries in a dict; fails while `broken`, and refuses swaps when another replica is told to be faster."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.broken = False
        self.asked = 0
        self.fails_after = -1
        self.conflicts = 0

    def _ask(self) -> None:
        self.asked += 1
        self.fails_after -= 1
        if self.broken or self.fails_after == 0:
            raise StorageError("gone")

    def read(self, _: str, keys: Sequence[str]) -> list[bytes | None]:
        """See `shared.Database`."""
        self._ask()
        return [self.entries.get(key) for key in keys]

    def swap(self, _: str, changes: Sequence[Change]) -> set[str]:
        """See `shared.Database`."""
        self._ask()
        if self.conflicts:
            self.conflicts -= 1
            return {change.key for change in changes}
        for change in changes:
            assert self.entries.get(change.key) == change.old
            self.entries[change.key] = change.new
        return set()

    def take_overdue(self, *_: object) -> list[bytes]:
        """See `shared.Database`."""
        return []

    def take_beyond(self, *_: object) -> list[bytes]:
        """See `shared.Database`."""
        return []

    def counts(self) -> dict[str, Counts]:
        """See `shared.Database`."""
        self._ask()
        return {}

    def shares(self) -> dict[str, list[Share]]:
        """See `shared.Database`."""
        self._ask()
        return {}

    def swap_shares(self, *_: object) -> None:
        """See `shared.Database`."""

    def size(self) -> int:
        """See `shared.Database`."""
        return 0

    def close(self) -> None:
        """See `shared.Database`."""
