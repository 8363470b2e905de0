from dataclasses import dataclass, field

import pytest

from model_exporter.demo.traffic import CIRCLE, Act, _options, play


@dataclass
class _Sender:
    """Counts what it is asked for by what it is like."""

    sent: dict[tuple[bool, bool], int] = field(default_factory=dict)
    largest: int = 0

    def answer(self, requests: int, *, shifted: bool = False, relabelled: bool = False) -> None:
        self.sent[shifted, relabelled] = self.sent.get((shifted, relabelled), 0) + requests
        self.largest = max(self.largest, requests)


@dataclass
class _Time:
    """A clock that goes on when somebody waits, by `factor` times as much; it is over after `ends` seconds."""

    now: float = 1000.0
    factor: float = 1.0
    ends: float = float("inf")

    def wait(self, seconds: float) -> bool:
        self.now += seconds * self.factor
        return self.now > self.ends


def _play(sender: _Sender, time: _Time, *acts: Act, rate: float = 20.0) -> tuple[list[str], int]:
    """What was said, and how often a sign of life was given."""
    said: list[str] = []
    beats: list[float] = []
    play(
        sender,
        acts,
        rate=rate,
        clock=lambda: time.now,
        wait=time.wait,
        say=said.append,
        beat=lambda: beats.append(time.now),
    )
    return said, len(beats)


def test_acts_follow_each_other() -> None:
    """Each at the rate, for its time, with its inputs and its truth."""
    sender = _Sender()
    acts = [Act("one", 100.0), Act("two", 50.0, shifted=True), Act("three", 25.0, relabelled=True)]
    said, _ = _play(sender, _Time(), *acts)
    assert said == ["one", "two", "three"]
    assert sender.sent == {
        (False, False): pytest.approx(2000, abs=5),
        (True, False): pytest.approx(1000, abs=5),
        (False, True): pytest.approx(500, abs=5),
    }


def test_who_is_slow_falls_behind() -> None:
    """A machine that takes ten times as long sends fewer, never a burst."""
    sender = _Sender()
    _play(sender, _Time(factor=10.0), Act("one", 100.0), rate=20.0)
    assert sender.largest <= 4
    assert sum(sender.sent.values()) <= 500


def test_it_ends_when_told_so() -> None:
    """In the middle of an act."""
    sender = _Sender()
    said, _ = _play(sender, _Time(ends=1010.0), Act("one", 100.0), Act("two", 100.0))
    assert said == ["one"]
    assert sum(sender.sent.values()) == pytest.approx(200, abs=5)


def test_signs_of_life_come_while_it_sends() -> None:
    """Every five seconds, more often than the health check of the stack allows."""
    _, beats = _play(_Sender(), _Time(), Act("one", 100.0))
    assert beats == pytest.approx(20, abs=2)


def test_the_circle_shows_every_state() -> None:
    """Normal, shifted and relabelled traffic, with normal traffic before each change of the inputs."""
    assert [(act.shifted, act.relabelled) for act in CIRCLE] == [
        (False, False),
        (True, False),
        (False, False),
        (False, True),
    ]


def test_every_start_has_ids_of_its_own() -> None:
    """An exporter that outlives what sends would otherwise take new outcomes for corrections of old ones."""
    assert _options([]).seed != _options([]).seed
