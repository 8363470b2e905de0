"""What is allowed in a configuration and still worth a warning."""

from collections.abc import Iterator, Sequence

from model_exporter.baseline.model import Baseline
from model_exporter.batch import Role
from model_exporter.config.convert import did_you_mean
from model_exporter.config.document import join
from model_exporter.config.settings import (
    ForwardSettings,
    ModelSettings,
    SegmentSource,
    Settings,
    Threshold,
    is_named,
)
from model_exporter.config.signals import BY_NAME, is_reached_first


def advise(settings: Settings) -> tuple[str, ...]:
    """Warnings for the author of the configuration, one sentence each."""
    return tuple(_all(settings))


def _all(settings: Settings) -> Iterator[str]:
    if settings.forward != ForwardSettings() and not settings.forward.endpoint:
        yield "forward: there is no endpoint, so that nothing is passed on"
    for name, model in settings.models.items():
        if settings.forward.endpoint and model.privacy:
            yield f"forward: {settings.forward.endpoint} gets the values that models.{name}.privacy conceals here"
        path = join("models", name)
        if model.baseline:
            yield from _unknown_features(path, model, model.baseline)
            yield from _concealed_features(path, model, model.baseline)
        yield from _odd_thresholds(path, model)


def _unknown_features(path: str, model: ModelSettings, baseline: Baseline) -> Iterator[str]:
    known = {feature.name for feature in baseline.features}
    for feature in dict.fromkeys((*model.features, *model.feature_thresholds)):
        if feature not in known:
            question = did_you_mean(feature, known).strip()
            yield f"{join(join(path, 'features'), feature)}: the baseline has no such feature. {question}".rstrip(". ")


def _concealed_features(path: str, model: ModelSettings, baseline: Baseline) -> Iterator[str]:
    privacy = model.privacy
    for feature in baseline.features:
        field = (SegmentSource.FEATURE, feature.name)
        if feature.role is Role.INPUT and is_named(field, privacy.drop):
            yield f"{path}.privacy.drop: the baseline expects {feature.name}, which will be missing from every record"
        elif feature.role is Role.INPUT and is_named(field, privacy.hash):
            yield f"{path}.privacy.hash: the baseline holds {feature.name} as it was sent, so every hash is new to it"


def _odd_thresholds(path: str, model: ModelSettings) -> Iterator[str]:
    types = {feature.name: feature.type for feature in model.baseline.features} if model.baseline else {}
    for feature, told in model.feature_thresholds.items():
        here = join(join(join(path, "features"), feature), "thresholds")
        settings = model.features.get(feature)
        type_ = types.get(feature) or (settings.type if settings else None)
        for name in dict.fromkeys(threshold.signal for threshold in told):
            of = BY_NAME[name].of
            if of and type_ not in {of, None}:
                yield f"{here}.{name}: only a {of.value} feature has it, and this one is {type_.value}"
        yield from (f"{here}.{problem}" for problem in _out_of_order(told, model.thresholds))


def _out_of_order(own: Sequence[Threshold], inherited: Sequence[Threshold]) -> Iterator[str]:
    """Pages of a feature that come before the model's ticket, and the other way round."""
    told = {(threshold.signal, threshold.severity): threshold.value for threshold in own}
    others = {(threshold.signal, threshold.severity): threshold.value for threshold in inherited}
    for (signal, severity), value in told.items():
        other = "ticket" if severity == "page" else "page"
        if (signal, other) in told or (signal, other) not in others:
            continue
        limits = {severity: value, other: others[signal, other]}
        if is_reached_first(BY_NAME[signal], limits["page"], limits["ticket"]):
            yield f"{signal}: with the model's {other}, {limits[other]:g}, it reaches page before ticket"
