"""Which spans wait for the logs of their service, and for how long."""

from dataclasses import replace

from batches import T0, batch_of, calls_of
from model_exporter.batch import Batch, Origin
from model_exporter.route import EarlySpans
from model_exporter.route.waiting import WAIT_SECONDS, Spans


def _spans(service: str, rows: int = 3) -> Batch:
    return replace(batch_of(rows=rows, origin=Origin.SPAN, version=""), model="", service=service)


def _passed(early: EarlySpans, *arrived: Spans, now: float = T0) -> list[str]:
    return [spans.service for spans in early.let_pass(arrived, now)]


def _early(rows: int = 100, services: int = 10) -> EarlySpans:
    return EarlySpans(rows=rows, services=services)


def test_early_spans_wait_for_the_logs_of_their_service() -> None:
    """They pass, in order, with the first look after the service has logged; later ones do not wait."""
    early = _early()
    assert _passed(early, _spans("api"), _spans("other")) == []
    early.hear_logs("api")
    assert _passed(early, _spans("api")) == ["api", "api"]
    assert _passed(early, _spans("api")) == ["api"]


def test_a_service_that_does_not_log_waits_once() -> None:
    """After the wait its spans pass, and those that come later pass at once."""
    early = _early()
    assert _passed(early, _spans("api"), now=T0) == []
    assert _passed(early, _spans("api"), now=T0 + WAIT_SECONDS - 1) == []
    assert _passed(early, now=T0 + WAIT_SECONDS) == ["api", "api"]
    assert _passed(early, _spans("api"), now=T0 + WAIT_SECONDS + 1) == ["api"]


def test_calls_to_upstreams_wait_too() -> None:
    """CLIENT spans would otherwise make a model of the service's name."""
    early = _early()
    calls = calls_of(["db"], [0.1], [False])
    assert _passed(early, calls) == []
    early.hear_logs("svc")
    assert early.let_pass([], T0) == [calls]


def test_spans_without_a_service_do_not_wait() -> None:
    """Nothing that comes later could tell whose they are."""
    assert _passed(_early(), _spans("")) == [""]


def test_spans_without_room_do_not_wait() -> None:
    """Nothing is dropped; room that was given back can be taken again."""
    early = _early(rows=5)
    assert _passed(early, _spans("a", 5), _spans("b", 1)) == ["b"]
    early.hear_logs("a")
    assert _passed(early, _spans("c", 5)) == ["a"]


def test_the_memory_of_services_is_bounded() -> None:
    """The service known longest is forgotten, and its next spans wait."""
    early = _early(services=2)
    for service in ("a", "b", "c"):
        early.hear_logs(service)
    assert _passed(early, _spans("a"), _spans("b"), _spans("c")) == ["b", "c"]


def test_everything_passes_at_the_end() -> None:
    """What was acknowledged is counted, whatever it waited for."""
    early = _early()
    _passed(early, _spans("a"), _spans("b"))
    assert [spans.service for spans in early.let_all_pass()] == ["a", "b"]
    assert early.let_all_pass() == []
