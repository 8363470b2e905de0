"""The door over gRPC: the exporter of the OpenTelemetry SDK. Its package is an extra that HTTP does not need."""

import logging
import time
from collections.abc import Sequence
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.grpc import _log_exporter, exporter

from model_exporter.client.doors import ENDPOINTS, NOT_FROM_HERE, Answer, Fate, first_set

DEFAULT: Final = "http://127.0.0.1:4317"
PATIENCE_SECONDS: Final = 60.0
"""How long one batch is tried again, since the SDK does not say whether that can help."""


class GrpcDoor:
    """OTLP over gRPC. The SDK's exporter retries within its timeout, and does not say why it failed in the end."""

    def __init__(self, endpoint: str | None, timeout_seconds: float | None) -> None:
        for module in (_log_exporter, exporter):
            logging.getLogger(module.__name__).addFilter(NOT_FROM_HERE)
        base = endpoint or (None if first_set(ENDPOINTS) else DEFAULT)
        self.target = base or first_set(ENDPOINTS)
        insecure = True if base and not base.startswith("https://") else None
        self._exporter = _log_exporter.OTLPLogExporter(endpoint=base, insecure=insecure, timeout=timeout_seconds)
        self._failing_since: float | None = None

    def send(self, batch: Sequence[Any]) -> Answer:
        """See `Door`."""
        with NOT_FROM_HERE:
            try:
                result = self._exporter.export(batch)
            except Exception as error:  # noqa: BLE001  # old exporters let out whatever their encoders raise
                return Answer(Fate.REFUSED, repr(error))
        now = time.monotonic()
        if result.name == "SUCCESS":
            self._failing_since = None
            return Answer(Fate.DELIVERED)
        since = self._failing_since = self._failing_since or now
        if now - since < PATIENCE_SECONDS:
            return Answer(Fate.AGAIN, "no success over gRPC")
        self._failing_since = None
        return Answer(Fate.REFUSED, f"no success over gRPC for {PATIENCE_SECONDS:g} s")

    def close(self) -> None:
        """See `Door`."""
        with NOT_FROM_HERE:
            self._exporter.shutdown()
