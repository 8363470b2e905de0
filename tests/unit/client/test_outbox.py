"""The queue of a client: every record comes to an end that is counted."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_exporter.client.doors import Answer, Fate
from model_exporter.client.notices import Notices
from model_exporter.client.outbox import BATCH_RECORDS, VALUES_PER_RECORD, Outbox, Stats

DELIVERED = Answer(Fate.DELIVERED)
AGAIN = Answer(Fate.AGAIN, "busy", wait_seconds=0.01)
SECONDS = 10.0


class ScriptedDoor:
    """Answers as it is told, then always the same; holds each batch while it is shut."""

    target = "there"

    def __init__(self, *answers: Answer, last: Answer = DELIVERED) -> None:
        self._answers = deque(answers)
        self._last = last
        self.batches: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()
        self.closed = False

    def send(self, batch: Sequence[Any]) -> Answer:
        """Keep the numbers of the batch; the next answer."""
        self.batches.append([record.number for record in batch])
        assert self.open.wait(SECONDS)
        return self._answers.popleft() if self._answers else self._last

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def record(number: int, values: int = 1) -> SimpleNamespace:
    """As much of a record as the queue looks at."""
    return SimpleNamespace(number=number, log_record=SimpleNamespace(body=SimpleNamespace(values_held=values)))


@contextmanager
def outbox_of(door: ScriptedDoor, *, records: int = 10_000) -> Iterator[Outbox]:
    """A queue in front of `door`, which sends what waits in the end."""
    outbox = Outbox(lambda: door, notices=Notices(), records=records)
    try:
        yield outbox
    finally:
        door.open.set()
        outbox.close(SECONDS)
        assert outbox.stats.waiting == 0
        assert balanced(outbox.stats)


def balanced(stats: Stats) -> bool:
    """Whether every record is somewhere."""
    return stats.recorded == stats.delivered + stats.waiting + sum(stats.dropped.values())


def test_records_arrive_once_and_in_order() -> None:
    """In batches of at most so many."""
    door = ScriptedDoor()
    with outbox_of(door) as outbox:
        for number in range(1300):
            outbox.on_emit(record(number))
        assert outbox.force_flush(10_000)
        assert outbox.stats == Stats(1300, 1300, 0, {}, {})
    assert [number for batch in door.batches for number in batch] == list(range(1300))
    assert max(map(len, door.batches)) == BATCH_RECORDS
    assert door.closed


def test_a_record_waits_a_second_at_most() -> None:
    """Nobody has to flush."""
    with outbox_of(ScriptedDoor()) as outbox:
        outbox.on_emit(record(0))
        with outbox._changed:
            assert outbox._changed.wait_for(lambda: outbox._delivered == 1, SECONDS)


def test_what_cannot_be_taken_now_is_sent_again() -> None:
    """A batch stays the same, and those behind it wait."""
    door = ScriptedDoor(AGAIN, AGAIN)
    with outbox_of(door) as outbox:
        outbox.on_emit(record(0))
        assert outbox.force_flush(10_000)
    assert door.batches == [[0], [0], [0]]


def test_a_full_queue_drops_the_next_records() -> None:
    """The first ones wait, the others are counted, and none waits to be taken."""
    door = ScriptedDoor()
    door.open.clear()
    with outbox_of(door, records=10) as outbox:
        for number in range(25):
            outbox.on_emit(record(number))
        assert outbox.stats == Stats(25, 0, 10, {"queue_full": 15}, {})
        door.open.set()
        assert outbox.force_flush(10_000)
        assert outbox.stats.delivered == 10
    assert [number for batch in door.batches for number in batch] == list(range(10))


def test_memory_is_bounded_by_values_too() -> None:
    """A few large records fill the queue as many small ones do."""
    door = ScriptedDoor()
    door.open.clear()
    with outbox_of(door, records=10) as outbox:
        outbox.on_emit(record(0, 4 * VALUES_PER_RECORD))
        outbox.on_emit(record(1, 4 * VALUES_PER_RECORD))
        outbox.on_emit(record(2, 8 * VALUES_PER_RECORD))
        assert outbox.stats.dropped in ({"queue_full": 1}, {})  # none, when the first one has left by then


def test_what_is_refused_is_counted_and_no_more() -> None:
    """The next batch goes on."""
    door = ScriptedDoor(Answer(Fate.REFUSED, "status 400"))
    with outbox_of(door) as outbox:
        for number in range(2):
            outbox.on_emit(record(number))
            assert outbox.force_flush(10_000)
        assert outbox.stats == Stats(2, 1, 0, {"refused": 1}, {})


def test_records_that_the_exporter_rejects_are_counted() -> None:
    """A success may be partial; SDKs say nothing of it."""
    door = ScriptedDoor(Answer(Fate.DELIVERED, "no model", rejected=2))
    with outbox_of(door) as outbox:
        for number in range(5):
            outbox.on_emit(record(number))
        assert outbox.force_flush(10_000)
        assert outbox.stats == Stats(5, 3, 0, {"rejected": 2}, {})


def test_a_batch_that_is_too_large_goes_in_halves() -> None:
    """Down to the one record that is too large, which is refused."""
    too_large = Answer(Fate.TOO_LARGE, "status 413")
    door = ScriptedDoor(too_large, too_large, too_large)
    with outbox_of(door) as outbox:
        for number in range(4):
            outbox.on_emit(record(number))
        assert outbox.force_flush(10_000)
        assert outbox.stats == Stats(4, 3, 0, {"refused": 1}, {})
    assert door.batches == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3]]


def test_the_end_waits_only_so_long() -> None:
    """What an exporter that is away has not taken by then is counted as lost."""
    door = ScriptedDoor(last=Answer(Fate.AGAIN, "refused", wait_seconds=30))
    outbox = Outbox(lambda: door, notices=Notices(), records=10)
    for number in range(3):
        outbox.on_emit(record(number))
    outbox.close(0.2)
    outbox.on_emit(record(3))
    assert outbox.stats == Stats(4, 0, 0, {"closed": 4}, {})
    assert outbox._thread is not None
    outbox._thread.join(SECONDS)
    assert not outbox._thread.is_alive()


def test_a_flush_waits_only_so_long() -> None:
    """And says that it was in vain."""
    door = ScriptedDoor()
    door.open.clear()
    with outbox_of(door) as outbox:
        outbox.on_emit(record(0))
        assert not outbox.force_flush(50)


def test_a_door_that_cannot_be_opened_refuses() -> None:
    """Such as one with a certificate that is not there."""

    def fail() -> ScriptedDoor:
        raise OSError("no such file")

    outbox = Outbox(fail, notices=Notices(), records=10)
    outbox.on_emit(record(0))
    assert outbox.force_flush(10_000)
    assert outbox.stats.dropped == {"refused": 1}
    outbox.close(SECONDS)


def test_threads_lose_no_count() -> None:
    """All threads of a service may log at once."""
    door = ScriptedDoor()
    with outbox_of(door, records=100_000) as outbox:

        def log() -> None:
            for number in range(2000):
                outbox.on_emit(record(number))

        threads = [threading.Thread(target=log) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outbox.force_flush(10_000)
        assert outbox.stats == Stats(12_000, 12_000, 0, {}, {})


def test_an_outage_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """However long it takes, and its end."""
    caplog.set_level("INFO", logger="model_exporter.client")
    door = ScriptedDoor(*[AGAIN] * 5)
    with outbox_of(door) as outbox:
        outbox.on_emit(record(0))
        assert outbox.force_flush(10_000)
    assert [entry.levelname for entry in caplog.records] == ["WARNING", "INFO"]
    assert "there takes no records (busy)" in caplog.text


@given(st.lists(st.sampled_from([DELIVERED, AGAIN, Answer(Fate.REFUSED), Answer(Fate.DELIVERED, "", 1)]), max_size=8))
def test_every_record_has_one_end(answers: list[Answer]) -> None:
    """Whatever the exporter answers, the counts add up."""
    quick = [Answer(answer.fate, answer.why, answer.rejected, 0.001) for answer in answers]
    door = ScriptedDoor(*quick)
    with outbox_of(door, records=6) as outbox:
        for number in range(9):
            outbox.on_emit(record(number))
            assert balanced(outbox.stats)
        assert outbox.force_flush(10_000)
