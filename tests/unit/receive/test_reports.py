import pytest

from model_exporter.errors import DecodeError
from model_exporter.receive.outcomes import answer_to_error
from model_exporter.receive.reports import Reporter


def _tell(reporter: Reporter, error: Exception) -> None:
    reporter.refused(answer_to_error(error), error, peer="127.0.0.1", path="/v1/logs")


def test_a_bug_that_every_request_meets_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The next line says how many requests failed in silence since."""
    moments = iter([1_000.0, 1_001.0, 1_059.0, 1_060.0])
    reporter = Reporter(clock=lambda: next(moments))
    for _ in range(4):
        _tell(reporter, ZeroDivisionError())
    assert [vars(record)["failed_since_last_line"] for record in caplog.records] == [0, 2]
    assert all(record.exc_info for record in caplog.records)


def test_a_refused_request_says_nothing_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    """What clients do wrong is counted; the log of an operator stays quiet."""
    caplog.set_level("INFO", logger="model_exporter")
    _tell(Reporter(), DecodeError("wire", "x"))
    assert not caplog.records
