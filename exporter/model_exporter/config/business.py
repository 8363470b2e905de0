"""Business indicators and performance objectives of a model, from checked keys."""

from collections.abc import Iterator, Mapping
from typing import Final

from model_exporter.config.convert import did_you_mean, listed
from model_exporter.config.document import Node
from model_exporter.config.outcome_schema import BusinessKeys, RatioKeys
from model_exporter.config.settings import ModelKind, Objective, Privacy, SegmentSource, is_named
from model_exporter.config.templates import template_of
from model_exporter.indicators import Expression, ExpressionError, Form, Indicator, Source, parse

_EACH: Final = "1"
"""What counts predictions."""
_SENSITIVE: Final = {Source.FEATURE: SegmentSource.FEATURE, Source.SEGMENT: SegmentSource.ATTRIBUTE}


def indicators(keys: Mapping[str, BusinessKeys], node: Node, privacy: Privacy) -> Iterator[Indicator]:
    """The business indicators of a model; `node` is where they stand.

    Raises:
        ConfigError: an expression is wrong, or reads what is dropped.
    """
    for name, told in keys.items():
        here = node.find(name)
        if isinstance(told.ratio, RatioKeys):
            of = _expression(told.ratio.of or _EACH, here.find("ratio", "of"), privacy)
            to = _expression(told.ratio.to or _EACH, here.find("ratio", "to"), privacy)
            yield Indicator(name, Form.RATIO, of, to)
        elif told.ratio is not None:
            of = _expression(told.ratio, here.find("ratio"), privacy)
            if of.is_truth is False:
                raise here.find("ratio").mistake(
                    "it is a number, and a ratio counts what is true",
                    "Compare it with something, or write `mean`, or `ratio: {of: ..., to: ...}`",
                )
            yield Indicator(name, Form.RATIO, of)
        elif told.sum is not None:
            yield Indicator(name, Form.SUM, _expression(told.sum, here.find("sum"), privacy))
        elif told.mean is not None:
            yield Indicator(name, Form.MEAN, _expression(told.mean, here.find("mean"), privacy))


def performance_objectives(keys: Mapping[str, float], node: Node, kind: ModelKind | None) -> Iterator[Objective]:
    """The performance objectives of a model, as `performance_METRIC`; `node` is where they stand.

    Raises:
        ConfigError: the kind of model has no such metric, or the metric no such value.
    """
    metrics = {metric.name: metric for metric in template_of(kind).metrics}
    for name, value in keys.items():
        metric = metrics.get(name)
        if metric is None:
            raise node.find(name).mistake(
                f"a model of kind {kind.value} has no metric {name}" if kind else f"there is no metric {name}",
                did_you_mean(name, metrics) + f"The metrics are {listed(metrics)}",
            )
        if metric.is_share and not 0 <= value <= 1:
            raise node.find(name).mistake(f"{name} is between 0 and 1, and {value:g} is not", "Write, for example, 0.9")
        yield Objective(f"performance_{name}", value)


def _expression(text: str, node: Node, privacy: Privacy) -> Expression:
    try:
        expression = parse(text)
    except ExpressionError as error:
        raise node.mistake(f"at column {error.column}: {error.problem}", error.remedy) from error
    for field in expression.fields:
        source = _SENSITIVE.get(field.source)
        if source and is_named((source, field.name), privacy.drop):
            raise node.mistake(f"{field} is dropped by privacy.drop, so that it is never known", "Read another field")
    return expression
