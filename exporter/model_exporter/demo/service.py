"""A small real model behind a pretended service that tells of each prediction through OpenTelemetry."""

import math
import time
from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry._logs import Logger, LogRecord
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Tracer
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

Rows = NDArray[np.float64]

_MODEL: Final = "tumour"
_VERSION: Final = "1.0.0"
_FEATURES: Final = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
    "fractal_dimension",
)
_SCALED: Final = {"texture": 1.3, "smoothness": 0.85}
"""What the shift multiplies: a new camera that shows more texture and smoother outlines."""
_LOST: Final = "symmetry"
"""What the shift takes away from some requests."""
_LOST_SHARE: Final = 0.2
_QUEUE: Final = 16_384
_FLUSH_EVERY: Final = _QUEUE // 2
_SEND_EVERY_MILLIS: Final = 500


class Classifier:
    """Benign or malignant, from ten measures of a cell's nucleus (Wisconsin breast cancer data, as in scikit-learn).

    Trained on half of the 569 rows; `held_out` is float64[rows, 10], the other half, and `accuracy` is the share of
    it that the model gets right.
    """

    def __init__(self, *, seed: int) -> None:
        data = load_breast_cancer()
        x, y = data.data[:, : len(_FEATURES)], data.target
        x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.5, random_state=seed, stratify=y)
        self._pipeline: Pipeline = make_pipeline(StandardScaler(), LogisticRegression())
        self._pipeline.fit(x_train, y_train)
        self._means = x_train.mean(axis=0)
        self._classes: list[str] = data.target_names.tolist()
        self.held_out: Rows = x_test
        self.accuracy = float(self._pipeline.score(x_test, y_test))

    def predict(self, row: Rows) -> tuple[str, float]:
        """The class, and the probability of the first one, `malignant`. The mean stands in for a missing value."""
        known = np.where(np.isnan(row), self._means, row)
        probabilities = self._pipeline.predict_proba(known.reshape(1, -1))[0]
        return self._classes[int(probabilities.argmax())], float(probabilities[0])


class Service:
    """Serves predictions on rows drawn from the held-out half, and logs each with the OpenTelemetry SDK.

    Args:
        classifier: the model.
        endpoint: where the exporter takes OTLP over HTTP, as `http://host:port`.
        seed: of the rows drawn.

    Attributes:
        sent: predictions so far.
        lost: how many of them went without the feature `lossy`.
    """

    model: Final = _MODEL
    version: Final = _VERSION
    scaled: Final = frozenset(_SCALED)
    lossy: Final = _LOST

    def __init__(self, classifier: Classifier, *, endpoint: str, seed: int) -> None:
        self._classifier = classifier
        self._random = np.random.default_rng(seed)
        resource = Resource.create({"service.name": _MODEL, "service.version": _VERSION})
        self._logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(
            BatchLogRecordProcessor(
                OTLPLogExporter(endpoint=f"{endpoint}/v1/logs"),
                max_queue_size=_QUEUE,
                schedule_delay_millis=_SEND_EVERY_MILLIS,
            )
        )
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces"),
                max_queue_size=_QUEUE,
                schedule_delay_millis=_SEND_EVERY_MILLIS,
            )
        )
        self._logger: Logger = self._logs.get_logger("model_exporter.demo")
        self._tracer: Tracer = self._traces.get_tracer("model_exporter.demo")
        self.sent = 0
        self.lost = 0

    def answer(self, requests: int, *, shifted: bool) -> None:
        """Serve `requests` predictions, one row each, as they come or shifted."""
        rows = self._draw(requests, shifted=shifted)
        for row in rows:
            with self._tracer.start_as_current_span(
                "POST /predict",
                kind=SpanKind.SERVER,
                attributes={"http.request.method": "POST", "http.route": "/predict", "http.response.status_code": 200},
            ):
                label, probability = self._classifier.predict(row)
                self._tell(row, label, probability)
            if self.sent % _FLUSH_EVERY == 0:  # the SDK drops what its queue has no room for
                self.flush()

    def flush(self) -> None:
        """Send everything that waits."""
        self._logs.force_flush()
        self._traces.force_flush()

    def close(self) -> None:
        """Send what waits and stop the SDK's threads."""
        self._logs.shutdown()
        self._traces.shutdown()

    def _draw(self, count: int, *, shifted: bool) -> Rows:
        rows = self._classifier.held_out[self._random.integers(len(self._classifier.held_out), size=count)]
        if shifted:
            for name, factor in _SCALED.items():
                rows[:, _FEATURES.index(name)] *= factor
            rows[self._random.random(count) < _LOST_SHARE, _FEATURES.index(_LOST)] = np.nan
        return rows

    def _tell(self, row: Rows, label: str, probability: float) -> None:
        features = {name: value for name, value in zip(_FEATURES, row.tolist(), strict=True) if not math.isnan(value)}
        self._logger.emit(
            LogRecord(
                timestamp=time.time_ns(),
                event_name="model.prediction",
                attributes={
                    "model.name": _MODEL,
                    "model.version": _VERSION,
                    "prediction.id": f"{self._random.integers(2**63):016x}",
                    "features": features,
                    "prediction": label,
                    "score": probability,
                },
            )
        )
        self.sent += 1
        self.lost += _LOST not in features
