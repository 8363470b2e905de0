"""Rolling windows against a plain recount."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from batches import T0
from model_exporter.window.rolling import SLOT_SECONDS, Rolling
from model_exporter.window.snapshot import WINDOWS

SLOTS = {"5m": 15.0, "1h": 60.0, "1d": 900.0}

steps = st.lists(
    st.tuples(st.sampled_from([0.0, 0.4, 14.0, 16.0, 61.0, 290.0, 3700.0, 50_000.0, 100_000.0]), st.integers(0, 9)),
    max_size=40,
)


def recount(history: list[tuple[float, int]], now: float, window: str) -> int:
    """What the window holds by its definition: the counts of its slots that are not too old."""
    slot = SLOTS[window]
    oldest = int(now // slot) - int(WINDOWS[window] / slot) + 1
    return sum(count for at, count in history if int((at // SLOT_SECONDS) * SLOT_SECONDS // slot) >= oldest)


@given(steps)
def test_windows_equal_a_recount(moves: list[tuple[float, int]]) -> None:
    """After any history each window is the sum of what was added in its slots, and the total of everything."""
    rolling, now, history = Rolling(1), T0, list[tuple[float, int]]()
    for pause, count in moves:
        now += pause
        rolling.add(np.array([count]), now)
        history.append((now, count))
    rolling.advance(now)
    assert rolling.total.tolist() == [sum(count for _, count in history)]
    for window in WINDOWS:
        assert rolling.window(window).tolist() == [recount(history, now, window)], window


@given(steps, st.lists(st.integers(0, 9), max_size=40))
def test_windows_merge(moves: list[tuple[float, int]], split: list[int]) -> None:
    """Windows of a stream dealt to two states add up to the windows of one."""
    one, left, right, now = Rolling(1), Rolling(1), Rolling(1), T0
    for index, (pause, count) in enumerate(moves):
        now += pause
        share = min(count, split[index] if index < len(split) else 0)
        one.add(np.array([count]), now)
        left.add(np.array([share]), now)
        right.add(np.array([count - share]), now)
    for window in WINDOWS:
        assert one.window(window) == left.window(window) + right.window(window)


def test_time_running_backwards_stands_still() -> None:
    """A clock set back neither loses counts nor keeps them longer."""
    rolling = Rolling(1)
    rolling.add(np.array([1]), T0)
    rolling.add(np.array([2]), T0 - 5000)
    assert rolling.window("5m").tolist() == [3]
    rolling.advance(T0 + 301)
    assert rolling.window("5m").tolist() == [0]


def test_widening_keeps_what_was_counted() -> None:
    """New counts begin at 0 beside the old ones, in every window."""
    rolling = Rolling(1)
    rolling.add(np.array([1]), T0)
    rolling.add(np.array([2]), T0 + 100)
    rolling.widen(3)
    rolling.add(np.array([0, 5, 0]), T0 + 200)
    assert rolling.total.tolist() == [3, 5, 0]
    assert rolling.window("1h").tolist() == [3, 5, 0]
    rolling.advance(T0 + 320)
    assert rolling.window("5m").tolist() == [2, 5, 0]
