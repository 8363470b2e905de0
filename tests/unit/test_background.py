"""What takes long, on a thread of its own."""

import threading

from model_exporter.background import Background
from model_exporter.errors import OverloadedError
from model_exporter.window.deferred import Ending


class Desk:
    """The owner of the state: takes endings until it is closed."""

    def __init__(self) -> None:
        self.endings: list[Ending] = []
        self.failures: list[BaseException] = []
        self.closed = False
        self.background = Background(self.take, self.failures.append)

    def take(self, ending: Ending) -> None:
        """Take an ending."""
        if self.closed:
            raise OverloadedError("the exporter is shutting down")
        self.endings.append(ending)


def test_work_is_done_elsewhere_and_ends_where_the_state_is() -> None:
    """In the order in which it was given; its ending is not run by the thread that did it."""
    desk = Desk()
    done: list[tuple[str, threading.Thread]] = []

    def work(name: str) -> Ending:
        done.append((name, threading.current_thread()))
        return lambda: done.append((f"{name} taken over", threading.current_thread()))

    desk.background.defer(lambda: work("first"))
    desk.background.do(lambda: done.append(("kept", threading.current_thread())))
    desk.background.defer(lambda: work("second"))
    assert done == []
    desk.background.start()
    assert desk.background.stop(10)
    assert [name for name, _ in done] == ["first", "kept", "second"]
    for ending in desk.endings:
        ending()
    here = [thread is threading.current_thread() for _, thread in done]
    assert here == [False, False, False, True, True]


def test_what_comes_too_late_is_let_go() -> None:
    """The owner of the state may be gone before the work is done."""
    desk = Desk()
    desk.closed = True
    desk.background.defer(lambda: lambda: None)
    desk.background.start()
    assert desk.background.stop(10)
    assert desk.failures == []


def test_a_bug_is_told() -> None:
    """The exporter then stops, and does not wait for a baseline for ever."""
    desk = Desk()
    desk.background.do([].pop)
    desk.background.start()
    assert desk.background.stop(10)
    (failure,) = desk.failures
    assert isinstance(failure, IndexError)
