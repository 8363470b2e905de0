"""Laws of the join: whatever comes in whatever order, the same pairs hold in the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from joining import MODEL, T0, Ledger, PlainJoin, awaited, outcome
from model_exporter.batch import Outcome
from model_exporter.join import SqliteStore, StoreLimits

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


@contextmanager
def store() -> Iterator[SqliteStore]:
    """An empty one."""
    with TemporaryDirectory() as folder, SqliteStore(Path(folder) / "join.db", LIMITS) as opened:
        yield opened


@settings(max_examples=100, deadline=None)
@given(records, st.randoms(use_true_random=False))
def test_any_interleaving_gives_the_pairs_of_the_definition(order: list[object], random: np.random.Generator) -> None:
    """Predictions, outcomes, corrections and repeats, in any order and cut into any calls, reopened in between."""
    plain, ledger = PlainJoin(), Ledger()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "join.db"
        opened = SqliteStore(path, LIMITS)
        waiting: list[Outcome] = []
        for record in order:
            if isinstance(record, Outcome):
                plain.told.append(record)
                waiting.append(record)
                if random.random() < 0.5:
                    continue
            ledger.book(opened.tell([(MODEL, told) for told in waiting], T0))
            waiting = []
            if isinstance(record, tuple):
                plain.predictions.update(record)
                ledger.book(opened.wait_for(MODEL, [awaited(name) for name in record], T0))
            if random.random() < 0.1:
                opened.close()
                opened = SqliteStore(path, LIMITS)
        ledger.book(opened.tell([(MODEL, told) for told in waiting], T0))
        opened.close()
    assert ledger.contents() == plain.contents()
