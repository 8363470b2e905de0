"""What the answers of an exporter mean to a client, and whose logs are kept quiet."""

import logging
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from opentelemetry.exporter.otlp.proto.http import _log_exporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from requests import Response

from model_exporter.client import Client, sdk
from model_exporter.client.doors import NOT_FROM_HERE, Answer, Fate
from model_exporter.client.http_door import MAX_WAIT_SECONDS, HttpDoor, _answer_of
from model_exporter.demo.processes import HOST, free_port


def response(status: int, body: bytes = b"", **headers: str) -> Response:
    """As requests has it."""
    answer = Response()
    answer.status_code = status
    answer._content = body
    answer.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return answer


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (200, Fate.DELIVERED),
        (202, Fate.DELIVERED),
        (301, Fate.REFUSED),
        (400, Fate.REFUSED),
        (401, Fate.REFUSED),
        (404, Fate.REFUSED),
        (413, Fate.TOO_LARGE),
        (408, Fate.AGAIN),
        (429, Fate.AGAIN),
        (500, Fate.REFUSED),
        (502, Fate.AGAIN),
        (503, Fate.AGAIN),
        (504, Fate.AGAIN),
    ],
)
def test_what_a_status_means(status: int, fate: Fate) -> None:
    """As the OTLP specification has it; a redirect has delivered nothing."""
    assert _answer_of(response(status)).fate is fate


def test_when_to_come_again() -> None:
    """A number of seconds or a date; nothing else, and not for ever."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=10), usegmt=True)
    waits = {text: _answer_of(response(503, Retry_After=text)).wait_seconds for text in ("2", "9999", "-1", "x", "nan")}
    assert waits == {"2": 2, "9999": MAX_WAIT_SECONDS, "-1": 0, "x": 0, "nan": 0}
    assert 5 < _answer_of(response(503, Retry_After=later)).wait_seconds <= 10


def test_a_partial_success_is_read() -> None:
    """What is no reply says nothing."""
    told = ExportLogsPartialSuccess(rejected_log_records=3, error_message="no model")
    body = ExportLogsServiceResponse(partial_success=told).SerializeToString()
    assert _answer_of(response(200, body)) == Answer(Fate.DELIVERED, "no model", rejected=3)
    assert _answer_of(response(200, b"{}")) == Answer(Fate.DELIVERED)


def test_a_refused_connection_is_told_in_words() -> None:
    """Not in those of three libraries within each other."""
    door = HttpDoor(f"http://{HOST}:{free_port()}", 1)
    answer = door.send([])
    door.close()
    assert answer.fate is Fate.AGAIN
    assert answer.why == "[Errno 111] Connection refused"


def test_only_the_sending_thread_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """An application with the same exporter hears of it as before, at the same time."""
    logger = logging.getLogger(_log_exporter.__name__)
    HttpDoor("http://127.0.0.1:1", 1).close()
    with NOT_FROM_HERE:
        logger.warning("ours")
        other = threading.Thread(target=logger.warning, args=("theirs",))
        other.start()
        other.join()
    assert [record.message for record in caplog.records] == ["theirs"]


@pytest.mark.parametrize(
    ("base", "target"),
    [
        (None, "http://127.0.0.1:4318/v1/logs"),
        ("http://there:4318", "http://there:4318/v1/logs"),
        ("http://there:4318/", "http://there:4318/v1/logs"),
        ("https://there/x/v1/logs", "https://there/x/v1/logs"),
    ],
)
def test_where_records_go(monkeypatch: pytest.MonkeyPatch, base: str | None, target: str) -> None:
    """To the sidecar, or where the argument says, with the signal's path."""
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", raising=False)
    door = HttpDoor(base, None)
    assert door.target == door._exporter._endpoint == target
    door.close()


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """As to every SDK."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://there:4318")
    door = HttpDoor(None, None)
    assert door._exporter._endpoint == "http://there:4318/v1/logs"
    door.close()


def test_the_protocol_is_one_of_two(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An argument must be right; a variable that the SDK's other languages understand must not stop a service."""
    with pytest.raises(ValueError, match="none of http, http/protobuf, grpc"):
        Client(protocol="carrier pigeon")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    Client().close()
    assert "taking HTTP with protobuf" in caplog.text


def test_records_and_traces_are_of_one_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter tells by the service that a span and a record are about one prediction."""
    tracing = TracerProvider(resource=Resource({"service.name": "api"}), shutdown_on_exit=False)
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: tracing)
    assert sdk.provider_of(None).resource.attributes["service.name"] == "api"
    assert sdk.provider_of("other").resource.attributes["service.name"] == "other"
