"""What is allowed in a configuration and still worth a warning."""

from collections.abc import Iterator

from model_exporter.baseline.model import Baseline
from model_exporter.batch import Role
from model_exporter.config.convert import did_you_mean
from model_exporter.config.document import join
from model_exporter.config.settings import ModelSettings, SegmentSource, Settings, is_named


def advise(settings: Settings) -> tuple[str, ...]:
    """Warnings for the author of the configuration, one sentence each."""
    return tuple(_all(settings))


def _all(settings: Settings) -> Iterator[str]:
    for name, model in settings.models.items():
        if model.baseline:
            yield from _unknown_features(join("models", name), model, model.baseline)
            yield from _concealed_features(join("models", name), model, model.baseline)


def _unknown_features(path: str, model: ModelSettings, baseline: Baseline) -> Iterator[str]:
    known = {feature.name for feature in baseline.features}
    for feature in model.features:
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
