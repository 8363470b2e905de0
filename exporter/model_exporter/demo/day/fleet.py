"""The services of the day: each tells of its predictions through OpenTelemetry, and of the truth a little later."""

import time
from collections import deque
from typing import Final, NamedTuple

import numpy as np
from opentelemetry.trace import SpanKind, Status, StatusCode

from model_exporter.demo.day.models import Indices, Model, Rows
from model_exporter.demo.day.story import LOST, LOST_SHARE, UPSTREAM, Fault
from model_exporter.demo.sender import Sender

_VERSION: Final = "1.0.0"
_NEXT_VERSION: Final = "1.1.0"
_DELAY_SECONDS: Final = 3.0
"""Until the truth about a prediction is told."""


class _Truth(NamedTuple):
    due: float  # unix seconds
    prediction: str
    outcome: str | float


class Server:
    """Serves one model, whose fault has begun or not.

    Args:
        model: what it serves.
        endpoint: where the exporter takes OTLP over HTTP, as `http://host:port`.
        seed: of the rows drawn.

    Attributes:
        sent: predictions so far.
        fault: what has begun; `Fault.NONE` until `break_down`.
    """

    def __init__(self, model: Model, *, endpoint: str, seed: int) -> None:
        self.model = model
        self.sent = 0
        self.fault = Fault.NONE
        self._random = np.random.default_rng(seed)
        self._sender = Sender(endpoint=endpoint, service=f"{model.role.name}-api", version=_VERSION)
        self._lost = np.isin(model.data.features, LOST)
        self._truths: deque[_Truth] = deque()

    def break_down(self) -> None:
        """Let the fault of the model's role begin."""
        self.fault = self.model.role.fault
        if self.fault is Fault.DEPLOYMENT:
            self._sender.log("model.event", {"model.name": self.model.role.name, "change": "deployment"})

    def answer(self, requests: int) -> None:
        """Serve `requests` predictions, and tell the truth that is due."""
        if requests:
            places = self._places(requests)
            failed = self._random.random(requests) < LOST_SHARE * (self.fault is Fault.UPSTREAM)
            rows = self.model.data.rows[places]
            rows[np.ix_(failed, self._lost)] = np.nan
            self._tell(places, rows)
            if self.model.role.fault is Fault.UPSTREAM:
                for one in failed.tolist():
                    self._trace(failed=one)
        now = time.time()
        while self._truths and self._truths[0].due <= now:
            truth = self._truths.popleft()
            self._sender.log(
                "model.outcome",
                {"model.name": self.model.role.name, "prediction.id": truth.prediction, "outcome": truth.outcome},
            )

    def close(self) -> None:
        """Send what waits and stop the SDK's threads."""
        self._sender.close()

    def _places(self, requests: int) -> Indices:
        data = self.model.data
        everywhere = np.arange(len(data.rows))
        return self._random.choice(data.elsewhere if self.fault is Fault.POPULATION else everywhere, requests)

    def _tell(self, places: Indices, rows: Rows) -> None:
        data, deployed = self.model.data, self.fault is Fault.DEPLOYMENT
        answers = self.model.predict(rows, reversed_columns=deployed).tolist()
        truths = (data.new_truth if self.fault is Fault.CONCEPT else data.truth)[places].tolist()
        for row, answer, truth in zip(rows.tolist(), answers, truths, strict=True):
            prediction = f"{self._random.integers(2**63):016x}"
            at = self._sender.log(
                "model.prediction",
                {
                    "model.name": self.model.role.name,
                    "model.version": _NEXT_VERSION if deployed else _VERSION,
                    "prediction.id": prediction,
                    "features": {
                        name: value
                        for name, value in zip(data.features, row, strict=True)
                        if value == value  # noqa: PLR0124  # not NaN
                    },
                    "prediction": answer,
                },
            )
            self._truths.append(_Truth(at + _DELAY_SECONDS, prediction, truth))
            self.sent += 1

    def _trace(self, *, failed: bool) -> None:
        """A request, and within it the call to the upstream."""
        named = {"model.name": self.model.role.name}
        tracer = self._sender.tracer
        with (
            tracer.start_as_current_span("POST /predict", kind=SpanKind.SERVER, attributes=named),
            tracer.start_as_current_span(
                f"GET {UPSTREAM}", kind=SpanKind.CLIENT, attributes={**named, "peer.service": UPSTREAM}
            ) as call,
        ):
            if failed:
                call.set_status(Status(StatusCode.ERROR))
