import threading

from model_exporter.receive.stalls import StallWatch


class _Call:
    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()


def test_a_call_that_waits_too_long_is_cancelled() -> None:
    """Its end is told apart from a call that ended by itself."""
    watch = StallWatch(0.05)
    watch.start()
    try:
        quick, stalled = _Call(), _Call()
        watch.begin(quick)
        assert watch.end(quick) is False
        watch.begin(stalled)
        assert stalled.cancelled.wait(10)
        assert watch.end(stalled) is True
        assert not quick.cancelled.is_set()
    finally:
        watch.stop()


def test_a_call_within_its_patience_is_left_alone() -> None:
    """Another call's stall does not touch it."""
    watch = StallWatch(60.0)
    watch.start()
    call = _Call()
    watch.begin(call)
    watch.stop()
    assert watch.end(call) is False
    assert not call.cancelled.is_set()
