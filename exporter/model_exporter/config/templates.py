"""The kinds of model: what their records mean and which metrics they have, unless the configuration says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from model_exporter.config.settings import ModelKind

POSITIVE: Final = "1"
"""The positive class of two that are true and false, or 1 and 0."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of performance: whether more of it is better, and whether its values are shares of one."""

    name: str
    higher_is_better: bool
    is_share: bool = True


@dataclass(frozen=True, slots=True)
class Template:
    """What is read of a record of one kind of model, and what is made of it.

    Attributes:
        meaning: in a few words, what the kind predicts.
        predicted: outputs that hold the prediction; the first that is there.
        metrics: what performance is told by, given what they need.
        classes: the prediction is a class, and the score and the probabilities are of classes.
        intervals: `lower` and `upper` are read.
        forecasts: `horizon` and `naive` are read.
        items: a list as prediction is a ranking.
        ranks: the k of metrics at k.
    """

    meaning: str
    predicted: tuple[str, ...] = ("prediction",)
    metrics: tuple[Metric, ...] = ()
    classes: bool = False
    intervals: bool = False
    forecasts: bool = False
    items: bool = False
    ranks: tuple[int, ...] = ()


_CLASSES: Final = (
    Metric("accuracy", higher_is_better=True),
    Metric("precision", higher_is_better=True),
    Metric("recall", higher_is_better=True),
    Metric("f1", higher_is_better=True),
    Metric("roc_auc", higher_is_better=True),
    Metric("pr_auc", higher_is_better=True),
    Metric("log_loss", higher_is_better=False, is_share=False),
    Metric("brier", higher_is_better=False, is_share=False),
    Metric("calibration_error", higher_is_better=False),
)
_NUMBERS: Final = (
    Metric("mae", higher_is_better=False, is_share=False),
    Metric("rmse", higher_is_better=False, is_share=False),
    Metric("bias", higher_is_better=False, is_share=False),
    Metric("r2", higher_is_better=True, is_share=False),
    Metric("coverage", higher_is_better=True),
)
_FORECASTS: Final = (
    Metric("mape", higher_is_better=False, is_share=False),
    Metric("smape", higher_is_better=False, is_share=False),
    Metric("mase", higher_is_better=False, is_share=False),
    Metric("bias", higher_is_better=False, is_share=False),
    Metric("coverage", higher_is_better=True),
)
_RANKINGS: Final = (
    Metric("ndcg", higher_is_better=True),
    Metric("mrr", higher_is_better=True),
    Metric("map", higher_is_better=True),
    Metric("hit_rate", higher_is_better=True),
)
_RECOMMENDATIONS: Final = (
    *_RANKINGS,
    Metric("catalogue_coverage", higher_is_better=True),
    Metric("novelty", higher_is_better=True, is_share=False),
)

TEMPLATES: Final[Mapping[ModelKind, Template]] = MappingProxyType(
    {
        ModelKind.CLASSIFICATION: Template("a class", metrics=_CLASSES, classes=True),
        ModelKind.REGRESSION: Template("a number", predicted=("prediction", "score"), metrics=_NUMBERS, intervals=True),
        ModelKind.FORECASTING: Template(
            "a number ahead of time",
            predicted=("prediction", "score"),
            metrics=_FORECASTS,
            intervals=True,
            forecasts=True,
        ),
        ModelKind.RECOMMENDATION: Template("items to offer", metrics=_RECOMMENDATIONS, items=True, ranks=(1, 5, 10)),
        ModelKind.RANKING: Template("the order of items", metrics=_RANKINGS, items=True, ranks=(1, 5, 10)),
    }
)

UNTOLD: Final = Template(
    "whatever its records hold",
    metrics=tuple(dict.fromkeys((*_CLASSES, *_NUMBERS, *_FORECASTS, *_RECOMMENDATIONS))),
    classes=True,
    intervals=True,
    forecasts=True,
    items=True,
    ranks=(1, 5, 10),
)
"""For a model whose kind is not configured: everything that its records hold is read."""


def template_of(kind: ModelKind | None) -> Template:
    """The template of `kind`; None is a model whose kind is not configured."""
    return UNTOLD if kind is None else TEMPLATES[kind]
