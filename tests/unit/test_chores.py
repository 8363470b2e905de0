"""Chores in steps, between which the work has its turn."""

import time
from collections.abc import Iterator

import pytest

from model_exporter.chores import HOLD_SECONDS, Chore


class Clocks:
    """Time that passes only when a step takes some."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.done = 0
        self.costs: list[float] = []
        monkeypatch.setattr(time, "thread_time", lambda: self.now)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def steps(self, number: int, each: float) -> Iterator[None]:
        """Steps of equal cost."""
        for _ in range(number):
            self.now += each
            self.done += 1
            yield

    def chore(self, number: int, each: float, *, share: float = 1.0) -> Chore:
        """A chore of such steps, due in a second."""
        return Chore(lambda: self.steps(number, each), every=1.0, share=share, told=self.costs.append)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """Clocks that stand still."""
    return Clocks(monkeypatch)


def test_nothing_is_done_before_it_is_due(clocks: Clocks) -> None:
    """The thread can wait as long as it says."""
    chore = clocks.chore(1, 0.0)
    assert chore.wait_seconds == 1.0
    chore.go_on()
    assert clocks.done == 0
    clocks.now += 1.0
    chore.go_on()
    assert clocks.done == 1


def test_the_work_has_its_turn_after_a_step_that_is_long_enough(clocks: Clocks) -> None:
    """However many steps there are, no more than one goes beyond the time that it may hold the thread."""
    chore = clocks.chore(100, 0.4 * HOLD_SECONDS)
    clocks.now += 1.0
    turns: list[int] = []
    while not turns or chore.under_way:
        before = clocks.done
        chore.go_on()
        turns.append(clocks.done - before)
    assert turns == [3] * 33 + [1]
    assert clocks.costs == [pytest.approx(40 * HOLD_SECONDS)]


def test_a_long_step_is_a_turn_of_its_own(clocks: Clocks) -> None:
    """It is done whole, and then the work has its turn."""
    chore = clocks.chore(2, 10 * HOLD_SECONDS)
    clocks.now += 1.0
    chore.go_on()
    assert (clocks.done, chore.under_way, chore.wait_seconds) == (1, True, 0.0)


def test_what_costs_much_is_done_less_often(clocks: Clocks) -> None:
    """A chore of two seconds that may take a twentieth of the time waits for forty."""
    chore = clocks.chore(4, 0.5, share=0.05)
    clocks.now += 1.0
    while clocks.done < 4 or chore.under_way:
        chore.go_on()
    assert chore.wait_seconds == pytest.approx(40.0)


def test_all_of_it_can_be_done_at_once(clocks: Clocks) -> None:
    """From the beginning, also when it was under way."""
    chore = clocks.chore(5, HOLD_SECONDS)
    clocks.now += 1.0
    chore.go_on()
    chore.do_all()
    assert (clocks.done, chore.under_way) == (6, False)
