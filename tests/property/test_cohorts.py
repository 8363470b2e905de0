"""Cohorts by the time of prediction against a plain recount, in any order and split over replicas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches import T0
from model_exporter.window.cohorts import Cohorts
from model_exporter.window.snapshot import COHORTS

WAIT = 7 * 86_400.0
HORIZON = WAIT + 7 * 86_400.0

AGES = [0.0, 10.0, 16.0, 299.0, 301.0, 620.0, 910.0, 3000.0, 3700.0, 8000.0, 40_000.0]
AGES += [50_000.0, 90_000.0, 500_000.0, 900_000.0, HORIZON]
pairs = st.lists(
    st.tuples(st.sampled_from(AGES), st.sampled_from([1.0, 600.0, 5000.0, 80_000.0]), st.integers(0, 5)), max_size=60
)


def feed(cohorts: Cohorts, age: float, delay: float, value: int, now: float) -> None:
    """One prediction of that age, and its outcome when its delay is over."""
    made_at = np.array([now - age])
    cohorts.predicted(made_at, np.ones(1))
    if delay <= age:
        cohorts.realised(made_at, np.array([[value, 1.0]]), np.ones(1))
        cohorts.delays.add(np.array([delay]), np.ones(1), now)


def told(cohorts: Cohorts, now: float) -> list[object]:
    """All windows, as far as they can be compared."""
    windows = [cohorts.window(name, now) for name in COHORTS]
    return [
        (w.sums.tolist(), w.predicted, w.labelled, w.coverage if w.predicted else None, str(w.lag), w.provisional)
        for w in windows
    ]


@settings(deadline=None, max_examples=50)
@given(pairs, st.randoms(use_true_random=False), st.sampled_from([0.0, 123.0]))
def test_the_order_of_arrival_does_not_matter(
    moves: list[tuple[float, float, int]],
    random: object,
    offset: float,
) -> None:
    """Any permutation of predictions and outcomes leads to the same windows."""
    now = T0 + offset
    one, other = Cohorts(2, wait=WAIT, now=now), Cohorts(2, wait=WAIT, now=now)
    for move in moves:
        feed(one, *move, now)
    shuffled = list(moves)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    for move in shuffled:
        feed(other, *move, now)
    assert told(one, now) == told(other, now)


@settings(deadline=None, max_examples=50)
@given(pairs, st.lists(st.sampled_from([0.0, 20.0, 200.0, 700.0, 4000.0, 50_000.0, 400_000.0]), min_size=1, max_size=8))
def test_ageing_equals_booking_at_the_end(moves: list[tuple[float, float, int]], pauses: list[float]) -> None:
    """Slots that grew and left one after another hold what is booked into a state of the last moment at once."""
    aged = Cohorts(1, wait=WAIT, now=T0)
    for age, _, value in moves:
        aged.realised(np.array([T0 - age]), np.array([[float(value)]]), np.ones(1))
    now = T0
    for pause in pauses:
        now += pause
        aged.advance(now)
    late = Cohorts(1, wait=WAIT, now=now)
    for age, _, value in moves:
        late.realised(np.array([T0 - age]), np.array([[float(value)]]), np.ones(1))
    assert told(aged, now) == told(late, now)
    assert aged.slots == late.slots


@settings(deadline=None, max_examples=50)
@given(pairs, st.lists(st.booleans(), min_size=60, max_size=60))
def test_replicas_add_up(moves: list[tuple[float, float, int]], left: list[bool]) -> None:
    """Two states that share a stream, merged, are the state of the whole, though one of them is an hour behind."""
    whole, mine, yours = (Cohorts(2, wait=WAIT, now=T0) for _ in range(3))
    for move, is_mine in zip(moves, left, strict=False):
        feed(whole, *move, T0)
        feed(mine if is_mine else yours, *move, T0)
    whole.advance(T0 + 3600)
    mine.advance(T0 + 3600)
    mine.merge(yours)
    assert [str(w) for w in told(mine, T0 + 3600)] == [str(w) for w in told(whole, T0 + 3600)]
    assert mine.delays.snapshot().buckets.tolist() == whole.delays.snapshot().buckets.tolist()


@settings(deadline=None, max_examples=50)
@given(pairs)
def test_a_correction_is_the_outcome_that_came_last(moves: list[tuple[float, float, int]]) -> None:
    """Sums after a correction are those of a stream that told the last outcome at once."""
    corrected, direct = Cohorts(1, wait=WAIT, now=T0), Cohorts(1, wait=WAIT, now=T0)
    for age, _, value in moves:
        made_at = np.array([T0 - age])
        corrected.realised(made_at, np.array([[float(value)]]), np.ones(1))
        corrected.realised(made_at, np.array([[5.0 - value]]), np.zeros(1))
        direct.realised(made_at, np.array([[5.0]]), np.ones(1))
    assert told(corrected, T0) == told(direct, T0)


@pytest.mark.parametrize("days", [0.01, 1, 7, 30])
def test_slots_are_bounded(days: float) -> None:
    """However long the traffic, no more slots are kept than the room's documentation says."""
    wait = days * 86_400
    cohorts = Cohorts(1, wait=wait, now=T0)
    made_at = np.arange(T0 - wait - 8 * 86_400, T0, 300.0)
    cohorts.predicted(made_at, np.ones(len(made_at)))
    most = cohorts.slots
    for step in range(1000):
        cohorts.advance(T0 + step * 15.0)
        cohorts.predicted(np.array([T0 + step * 15.0]), np.ones(1))
        most = max(most, cohorts.slots)
    assert most <= (460 if days <= 7 else 530), most
