from threading import Thread

from model_exporter.telemetry import Telemetry


def test_counts_add_up_by_metric_and_labels() -> None:
    """Each (metric, labels) is a counter of its own."""
    telemetry = Telemetry()
    telemetry.count("a_total", "x")
    telemetry.count("a_total", "x", amount=2.5)
    telemetry.count("a_total", "y")
    telemetry.count("b_total")
    assert telemetry.read().counters == {("a_total", ("x",)): 3.5, ("a_total", ("y",)): 1, ("b_total", ()): 1}


def test_an_amount_of_zero_makes_the_series_exist() -> None:
    """A counter can be shown at 0 before its first event."""
    telemetry = Telemetry()
    telemetry.count("a_total", "x", amount=0)
    assert telemetry.read().counters == {("a_total", ("x",)): 0}


def test_a_gauge_keeps_its_last_value() -> None:
    """Setting a gauge replaces what it showed."""
    telemetry = Telemetry()
    telemetry.set("queue", value=3)
    telemetry.set("queue", value=1)
    assert telemetry.read().gauges == {("queue", ()): 1}


def test_a_reading_does_not_change_afterwards() -> None:
    """A snapshot is a copy: later counts do not reach it."""
    telemetry = Telemetry()
    telemetry.count("a_total")
    before = telemetry.read()
    telemetry.count("a_total")
    telemetry.set("g", value=1)
    assert before.counters == {("a_total", ()): 1}
    assert before.gauges == {}


def test_reading_invents_no_series() -> None:
    """Looking up a counter that was never counted finds nothing, before and after."""
    telemetry = Telemetry()
    assert telemetry.read().counters.get(("a_total", ())) is None
    assert telemetry.read().counters == {}


def test_no_count_is_lost_between_threads() -> None:
    """Four threads that count at the same time end at the exact sum."""
    telemetry = Telemetry()

    def count() -> None:
        for _ in range(5_000):
            telemetry.count("a_total", "x")

    threads = [Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert telemetry.read().counters == {("a_total", ("x",)): 20_000}
