"""A prediction while it is made."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from model_exporter.client.model import Model


class Prediction:
    """Measures a block and records it at its end. Made by `Model.prediction`.

    An exception that leaves the block is recorded as the prediction's error, and goes on; one that only ends the
    request or the process (`CancelledError`, `KeyboardInterrupt`) is no error of the model, and records nothing.

    Attributes:
        id: of the prediction, as text.
        features: as `Model.log` takes them; may be set within the block, as all that follows.
        prediction: the class, the number or the items.
        score: the score.
        probabilities: of the classes.
        segments: groups to watch apart.
        error: the type of an error that the service dealt with itself.
        lower: lower end of a forecast's interval.
        upper: its upper end.
        horizon: how far ahead a forecast looks.
    """

    __slots__ = (
        "_model",
        "_started",
        "error",
        "features",
        "horizon",
        "id",
        "lower",
        "prediction",
        "probabilities",
        "score",
        "segments",
        "upper",
    )

    def __init__(self, model: "Model", features: object, *, id: str, segments: Mapping[str, object]) -> None:  # noqa: A002
        self.id = id
        self.features = features
        self.prediction: object = None
        self.score: object = None
        self.probabilities: object = None
        self.segments = dict(segments)
        self.error: object = None
        self.lower: object = None
        self.upper: object = None
        self.horizon: object = None
        self._model = model
        self._started = time.perf_counter()

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        latency = time.perf_counter() - self._started
        if kind is not None and not issubclass(kind, Exception):
            return
        self._model.log(
            self.features,
            id=self.id,
            prediction=self.prediction,
            score=self.score,
            probabilities=self.probabilities,
            segments=self.segments,
            latency=latency,
            error=error or self.error,
            lower=self.lower,
            upper=self.upper,
            horizon=self.horizon,
        )
