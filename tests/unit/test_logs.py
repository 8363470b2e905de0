import json
import logging
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from aiohttp.http_exceptions import BadStatusLine

from model_exporter.logs import configure_logging


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def _logged(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The one JSON line on standard error."""
    (line,) = capsys.readouterr().err.splitlines()
    fields: dict[str, object] = json.loads(line, parse_constant=_no_constant)
    return fields


def _no_constant(name: str) -> float:
    raise AssertionError(f"{name} is not JSON")


def test_a_logfmt_line_has_time_level_source_message_and_extra_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """The line reads ts, level, source, msg, then the extra fields as given."""
    configure_logging(level="info", form="logfmt")
    logging.getLogger("model_exporter.receive.http").info("listening", extra={"address": "127.0.0.1:4318", "n": 2})
    line = capsys.readouterr().err
    assert re.fullmatch(
        r"ts=\S+Z level=info source=receive\.http msg=listening address=127\.0\.0\.1:4318 n=2\n", line
    ), line


def test_the_time_is_utc_to_the_millisecond(capsys: pytest.CaptureFixture[str]) -> None:
    """The field ts is ISO 8601 with Z and three decimals."""
    configure_logging(level="info", form="json")
    record = logging.makeLogRecord({"name": "x", "levelno": 20, "levelname": "INFO", "msg": "m", "created": 1e9 + 0.5})
    logging.getLogger().handle(record)
    assert _logged(capsys)["ts"] == datetime.fromtimestamp(1e9 + 0.5, UTC).strftime("%Y-%m-%dT%H:%M:%S.500Z")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("two words", '"two words"'),
        ('say "hi"', r'"say \"hi\""'),
        ("a=b", '"a=b"'),
        ("line\nbreak\r\x00", r'"line\nbreak\r\u0000"'),
        ("Österreich", r'"\u00d6sterreich"'),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        (math.nan, "nan"),
        (["a", 1], "\"['a', 1]\""),
    ],
)
def test_a_logfmt_value_stays_one_field_on_one_line(
    capsys: pytest.CaptureFixture[str], value: object, written: str
) -> None:
    """Whatever a value holds, it is bare or quoted with escapes, and the record is one line."""
    configure_logging(level="info", form="logfmt")
    logging.getLogger("x").info("m", extra={"value": value})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f" value={written}")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {1: {2}}, object(), b"\xff", "\ud800"])
def test_a_json_line_is_json_whatever_the_extra_holds(capsys: pytest.CaptureFixture[str], value: object) -> None:
    """No value makes the line invalid JSON: NaN and objects become text, a lone surrogate its escape."""
    configure_logging(level="info", form="json")
    logging.getLogger("x").info("m", extra={"value": value})
    text = _logged(capsys)["value"]
    assert isinstance(text, str)
    text.encode("utf-8")


def test_extra_fields_never_hide_the_first_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """An extra field called level or source is kept under another name."""
    configure_logging(level="info", form="json")
    logging.getLogger("model_exporter.app").warning("m", extra={"level": 9, "source": "warehouse"})
    fields = _logged(capsys)
    assert (fields["level"], fields["level_"]) == ("warn", 9)
    assert (fields["source"], fields["source_"]) == ("app", "warehouse")


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_an_exception_stays_on_the_line_of_its_record(capsys: pytest.CaptureFixture[str], form: str) -> None:
    """The stack is a field, its newlines escaped."""
    configure_logging(level="info", form="json" if form == "json" else "logfmt")
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("x").exception("failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert "Traceback" in line
    assert r"two\nlines" in line or r"two\\nlines" in line


def test_a_requested_stack_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """stack_info=True adds the stack of the call."""
    configure_logging(level="info", form="json")
    logging.getLogger("x").info("here", stack_info=True)
    assert "test_a_requested_stack_is_logged" in str(_logged(capsys)["stack"])


def test_lines_under_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """From warn up means no info."""
    configure_logging(level="warn", form="logfmt")
    logging.getLogger("x").info("quiet")
    logging.getLogger("x").warning("loud")
    assert [line.split("msg=")[1] for line in capsys.readouterr().err.splitlines()] == ["loud"]


def test_configuring_twice_does_not_log_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """The second call replaces the first."""
    configure_logging(level="info", form="logfmt")
    configure_logging(level="info", form="json")
    logging.getLogger("x").info("once")
    assert _logged(capsys)["msg"] == "once"


@pytest.mark.parametrize("error", [BadStatusLine("GARBAGE"), ConnectionResetError("gone")])
def test_a_client_that_speaks_no_http_is_not_logged(capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    """What aiohttp.server logs about a client's mistake is left to the doors' counters."""
    configure_logging(level="info", form="logfmt")
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=error)
    assert capsys.readouterr().err == ""


def test_a_bug_in_a_handler_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception of our own that reaches aiohttp.server appears with its stack."""
    configure_logging(level="info", form="logfmt")
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=KeyError("oops"))
    assert "KeyError: 'oops'" in capsys.readouterr().err


def test_requests_are_not_logged_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    """The access log of aiohttp is off at level info."""
    configure_logging(level="info", form="logfmt")
    logging.getLogger("aiohttp.access").info("GET /metrics 200")
    assert capsys.readouterr().err == ""
