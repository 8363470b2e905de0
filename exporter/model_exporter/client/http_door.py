"""The door over HTTP: the exporter of the OpenTelemetry SDK, made to say why something did not arrive."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http import _log_exporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from requests import PreparedRequest, RequestException, Response, Session

from model_exporter.client.doors import ENDPOINTS, NOT_FROM_HERE, Answer, Fate, first_set

DEFAULT: Final = "http://127.0.0.1:4318"
MAX_WAIT_SECONDS: Final = 30.0
"""What a server may ask for before the next attempt."""

_RETRYABLE: Final = frozenset({408, 429, 502, 503, 504})


class _UndeliveredError(Exception):
    """Ends an attempt within the SDK's exporter, which knows nothing of it and so does not retry."""


class _Session(Session):
    """A session of HTTP that keeps what the server said."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Answer | None = None

    def forget(self) -> None:
        """Have no answer yet."""
        self.answer = None

    def send(self, request: PreparedRequest, **options: Any) -> Response:  # noqa: ANN401  # what requests hands on
        """Send, and keep the answer. Raises `_UndeliveredError` for anything but a success."""
        try:
            response = super().send(request, **options)
        except RequestException as error:
            self.answer = Answer(Fate.AGAIN, _cause(error))
            raise _UndeliveredError from error
        self.answer = _answer_of(response)
        if self.answer.fate is not Fate.DELIVERED:
            raise _UndeliveredError
        return response


class HttpDoor:
    """OTLP over HTTP. Headers, certificates, compression and timeout are those of the environment."""

    def __init__(self, endpoint: str | None, timeout_seconds: float | None) -> None:
        logging.getLogger(_log_exporter.__name__).addFilter(NOT_FROM_HERE)
        base = endpoint or (None if first_set(ENDPOINTS) else DEFAULT)
        url = None if base is None else base if "/v1/" in base else f"{base.rstrip('/')}/v1/logs"
        self.target = url or first_set(ENDPOINTS)
        self._session = _Session()
        self._exporter = _log_exporter.OTLPLogExporter(endpoint=url, session=self._session, timeout=timeout_seconds)

    def send(self, batch: Sequence[Any]) -> Answer:
        """See `Door`."""
        self._session.forget()
        why = "the batch could not be encoded"
        with NOT_FROM_HERE:
            try:
                self._exporter.export(batch)
            except _UndeliveredError:
                pass
            except Exception as error:  # noqa: BLE001  # old exporters let out whatever their encoders raise
                why = repr(error)
        return self._session.answer or Answer(Fate.REFUSED, why)

    def close(self) -> None:
        """See `Door`."""
        self._session.close()


def _cause(error: BaseException) -> str:
    """The innermost reason, which has the words that people know."""
    inner = error.__cause__ if error.__cause__ is not None else error.__context__
    if inner is not None:
        return _cause(inner)
    return str(error) or type(error).__name__


def _answer_of(response: Response) -> Answer:
    status = response.status_code
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _partial(response.content)
    why = f"status {status}"
    if status in _RETRYABLE:
        return Answer(Fate.AGAIN, why, wait_seconds=_retry_after(response.headers.get("Retry-After", "")))
    return Answer(Fate.TOO_LARGE if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else Fate.REFUSED, why)


def _partial(content: bytes) -> Answer:
    """A success, with the records that the exporter says it could not take."""
    reply = ExportLogsServiceResponse()
    try:
        reply.ParseFromString(content)
    except Exception:  # noqa: BLE001  # the errors of protobuf have moved, too; what is no reply says nothing
        return Answer(Fate.DELIVERED)
    told = reply.partial_success
    return Answer(Fate.DELIVERED, told.error_message, rejected=max(0, told.rejected_log_records))


def _retry_after(text: str) -> float:
    """Seconds, as a number or until a date; 0 for anything else."""
    try:
        wait = float(text)
    except ValueError:
        try:
            wait = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return 0.0
    return min(max(wait, 0.0), MAX_WAIT_SECONDS) if wait == wait else 0.0  # noqa: PLR0124  # NaN is a float, too
