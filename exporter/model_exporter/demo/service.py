"""A small real model behind a pretended service that tells of each prediction through OpenTelemetry."""

import math
import time
from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.trace import SpanKind
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from model_exporter.demo.laboratory import Laboratory
from model_exporter.demo.sender import QUEUE, Sender

Rows = NDArray[np.float64]
Indices = NDArray[np.int64]

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
_POSITIVE: Final = "malignant"
_DISPUTED: Final = "texture"
"""What a new pathologist goes by: a benign cell with more of it than the median is called malignant from then on."""
_FLUSH_EVERY: Final = QUEUE // 2


class Classifier:
    """Benign or malignant, from ten measures of a cell's nucleus (Wisconsin breast cancer data, as in scikit-learn).

    Trained on half of the 569 rows; `held_out` is float64[rows, 10], the other half, `truth` names the classes of its
    rows, and `accuracy` is the share of it that the model gets right. `new_truth` is what the rows are called after the
    concept has changed.
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
        self.truth: list[str] = [self._classes[place] for place in y_test]
        disputed = x_test[:, _FEATURES.index(_DISPUTED)]
        more = disputed > np.median(disputed)
        self.new_truth: list[str] = [
            _POSITIVE if above else truth for above, truth in zip(more.tolist(), self.truth, strict=True)
        ]
        self.accuracy = float(self._pipeline.score(x_test, y_test))

    def predict(self, row: Rows) -> tuple[str, float]:
        """The class, and the probability of the first one, `malignant`. The mean stands in for a missing value."""
        known = np.where(np.isnan(row), self._means, row)
        probabilities = self._pipeline.predict_proba(known.reshape(1, -1))[0]
        return self._classes[int(probabilities.argmax())], float(probabilities[0])


class Service:
    """Serves predictions on rows drawn from the held-out half, and logs each with the OpenTelemetry SDK.

    The truth about them is logged by a laboratory, for most of them and some seconds later.

    Args:
        classifier: the model.
        endpoint: where the exporter takes OTLP over HTTP, as `http://host:port`.
        seed: of the rows drawn.

    Attributes:
        laboratory: knows how many were right.
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
        self.laboratory = Laboratory(seed=seed)
        self._sender = Sender(endpoint=endpoint, service=_MODEL, version=_VERSION)
        self.sent = 0
        self.lost = 0

    def answer(self, requests: int, *, shifted: bool = False, relabelled: bool = False) -> None:
        """Serve `requests` predictions, one row each, and tell the outcomes that are due.

        The inputs are as they come or `shifted`, the truth is as it was or `relabelled`.
        """
        places = self._random.integers(len(self._classifier.held_out), size=requests)
        truth = self._classifier.new_truth if relabelled else self._classifier.truth
        for place, row in zip(places.tolist(), self._rows(places, shifted=shifted), strict=True):
            with self._sender.tracer.start_as_current_span(
                "POST /predict",
                kind=SpanKind.SERVER,
                attributes={"http.request.method": "POST", "http.route": "/predict", "http.response.status_code": 200},
            ):
                label, probability = self._classifier.predict(row)
                self._tell(row, label, probability, truth=truth[place])
            if self.sent % _FLUSH_EVERY == 0:  # the SDK drops what its queue has no room for
                self.flush()
        self.report()

    def report(self) -> None:
        """Tell the outcomes that are due."""
        for report in self.laboratory.due(time.time()):
            self._sender.log(
                "model.outcome",
                {"model.name": _MODEL, "prediction.id": report.prediction, "outcome": report.truth},
            )

    def flush(self) -> None:
        """Send everything that waits."""
        self._sender.flush()

    def close(self) -> None:
        """Send what waits and stop the SDK's threads."""
        self._sender.close()

    def _rows(self, places: Indices, *, shifted: bool) -> Rows:
        rows = self._classifier.held_out[places]
        if shifted:
            for name, factor in _SCALED.items():
                rows[:, _FEATURES.index(name)] *= factor
            rows[self._random.random(len(rows)) < _LOST_SHARE, _FEATURES.index(_LOST)] = np.nan
        return rows

    def _tell(self, row: Rows, label: str, probability: float, *, truth: str) -> None:
        features = {name: value for name, value in zip(_FEATURES, row.tolist(), strict=True) if not math.isnan(value)}
        prediction = f"{self._random.integers(2**63):016x}"
        at = self._sender.log(
            "model.prediction",
            {
                "model.name": _MODEL,
                "model.version": _VERSION,
                "prediction.id": prediction,
                "features": features,
                "prediction": label,
                "score": probability,
            },
        )
        self.laboratory.take(prediction, predicted=label, truth=truth, at=at)
        self.sent += 1
        self.lost += _LOST not in features
