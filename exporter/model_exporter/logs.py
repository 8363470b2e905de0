"""Log lines an operator can read: logfmt or JSON on standard error."""

import json
import logging
import math
import sys
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["logfmt", "json"]
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+,")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LEVELS = {"WARNING": "warn"}  # as the flag --log.level and Prometheus itself spell it


class _Formatter(logging.Formatter):
    """Fields in a fixed order first, then what the call passed as `extra`, then the stack of an exception.

    An `extra` field never hides one of the first: `level` given as extra becomes `level_`.
    """

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": _LEVELS.get(record.levelname, record.levelname.lower()),
            "source": record.name.removeprefix("model_exporter."),
            "msg": record.getMessage(),
        }
        for key, value in vars(record).items():
            if key not in _STANDARD:
                fields[f"{key}_" if key in fields else key] = value
        if record.exc_info:
            fields["stack"] = self.formatException(record.exc_info)
        elif record.stack_info:
            fields["stack"] = record.stack_info
        if self._form == "json":
            return json.dumps({key: _scalar(value) for key, value in fields.items()})
        return " ".join(f"{key}={_logfmt(_scalar(value))}" for key, value in fields.items())


_Scalar = str | float | bool | None


def _scalar(value: object) -> _Scalar:
    """`value` as JSON can carry it; text that UTF-8 cannot carry (a lone surrogate) keeps its escape."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def _logfmt(value: _Scalar) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if text and _PLAIN.issuperset(text) else json.dumps(text)


def _is_not_the_clients_fault(record: logging.LogRecord) -> bool:
    """False for an exception that aiohttp raised about what a client sent; the doors count those."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, ConnectionError) or type(error).__module__.startswith("aiohttp."))


def configure_logging(*, level: str, form: LogFormat) -> None:
    """Send all log lines to standard error, in `form`, from `level` (debug, info, warn, error) up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # aiohttp logs each client that hangs up half-way, or speaks no HTTP, as an error with a stack.
    server = logging.getLogger("aiohttp.server")
    if _is_not_the_clients_fault not in server.filters:
        server.addFilter(_is_not_the_clients_fault)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # a line for each request is what metrics are for
