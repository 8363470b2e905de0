import logging

import pytest

from model_exporter.forward.answers import Later, Never, Taken
from model_exporter.forward.outbox import Parcel
from model_exporter.forward.report import Report
from model_exporter.ports import Encoding, Signal
from model_exporter.telemetry import Telemetry

PARCEL = Parcel(Signal.LOGS, Encoding.PROTOBUF, b"12345", "", 0.0)


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def test_losses_are_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """With how many there were since the last line, by what became of them."""
    clock = Clock()
    report = Report(Telemetry(), clock)
    with caplog.at_level(logging.INFO):
        for clock.now in range(61):
            report.done(PARCEL, Never("HTTP 400"))
            report.lost(Signal.LOGS, 5, "queue_full", "too many")
    lines = [(record.refused, getattr(record, "queue_full", 0)) for record in caplog.records]  # type: ignore[attr-defined]
    assert lines == [(1, 0), (60, 60)]
    assert [record.last for record in caplog.records] == ["refused: HTTP 400"] * 2  # type: ignore[attr-defined]


def test_a_target_that_fails_is_told_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    """A line at each, however many attempts fail between."""
    clock = Clock()
    report = Report(Telemetry(), clock)
    with caplog.at_level(logging.INFO):
        for clock.now in (1.0, 2.0, 3.0):
            report.failed(Later("status", "HTTP 503"))
        for clock.now in (4.5, 5.0):
            report.done(PARCEL, Taken())
    assert [record.getMessage() for record in caplog.records] == [
        "requests cannot be passed on now; they are tried again",
        "requests are passed on again",
    ]
    assert caplog.records[1].after_seconds == 3.5  # type: ignore[attr-defined]


def test_bytes_are_counted_with_requests() -> None:
    """By the same labels."""
    telemetry = Telemetry()
    report = Report(telemetry, Clock())
    report.begin([Signal.LOGS])
    report.done(PARCEL, Taken(2, "no"))
    counters = telemetry.read().counters
    assert counters["model_exporter_forwarded_requests_total", ("logs", "partial")] == 1
    assert counters["model_exporter_forwarded_bytes_total", ("logs", "partial")] == 5
    assert counters["model_exporter_forwarded_bytes_total", ("logs", "delivered")] == 0
    assert counters["model_exporter_forward_rejected_records_total", ("logs",)] == 2
