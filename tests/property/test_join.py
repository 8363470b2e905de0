"""Laws of the join: whatever comes in whatever order, the same pairs hold in the end."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from joining import MODEL, T0, Ledger, MemoryDatabase, PlainJoin, awaited, outcome
from model_exporter.batch import Outcome
from model_exporter.join import JoinStore, SqliteStore, StoreLimits
from model_exporter.join.shared import SharedStore

LIMITS = StoreLimits(predictions=100_000, size=1 << 30, outcomes=100_000)
REQUESTS = [("a",), ("b#0",), ("c#0", "c#1"), ("d#0", "d#1", "d#2"), ("e",)]
NAMES = ["a", "a#0", "b", "b#0", "c", "c#0", "c#1", "d", "d#2", "e"]

outcomes = st.builds(
    outcome,
    st.sampled_from(NAMES),
    st.sampled_from(["yes", "no", None, True, 1.0]),
    time=st.one_of(st.none(), st.integers(0, 3).map(lambda hours: T0 - 3600.0 * hours)),
)
records = st.lists(st.one_of(st.sampled_from(REQUESTS), outcomes), max_size=30)


class _Embedded:
    """A file, opened as often as wanted."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder) / "join.db"

    def open(self) -> JoinStore:
        """The store as it was left."""
        return SqliteStore(self._path, LIMITS)


class _Shared:
    """A database that is replaced by a dict; opening it again is another replica."""

    def __init__(self, _: str) -> None:
        self._database = MemoryDatabase()

    def open(self) -> JoinStore:
        """The store as it was left."""
        return SharedStore(self._database, LIMITS)


@pytest.mark.parametrize("kind", [_Embedded, _Shared])
@settings(max_examples=60, deadline=None)
@given(order=records, random=st.randoms(use_true_random=False))
@example(order=[outcome("a"), outcome("a#0", "no"), outcome("a"), ("a",)], random=Random(0))  # noqa: S311  # no secret
def test_any_interleaving_gives_the_pairs_of_the_definition(
    kind: type[_Embedded | _Shared], order: list[object], random: Random
) -> None:
    """Predictions, outcomes, corrections and repeats, in any order and cut into any calls, reopened in between."""
    plain, ledger = PlainJoin(), Ledger()
    with TemporaryDirectory() as folder:
        place = kind(folder)
        store = place.open()
        waiting: list[Outcome] = []
        for record in order:
            if isinstance(record, Outcome):
                plain.told.append(record)
                waiting.append(record)
                if random.random() < 0.5:
                    continue
            ledger.book(store.tell([(MODEL, told) for told in waiting], T0))
            waiting = []
            if isinstance(record, tuple):
                plain.predictions.update(record)
                ledger.book(store.wait_for(MODEL, [awaited(name) for name in record], T0))
            if random.random() < 0.1:
                store.close()
                store = place.open()
        ledger.book(store.tell([(MODEL, told) for told in waiting], T0))
        store.close()
    assert ledger.contents() == plain.contents()
