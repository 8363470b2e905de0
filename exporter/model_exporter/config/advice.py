"""What is allowed in a configuration and still worth a warning."""

from collections.abc import Iterator

from model_exporter.baseline.model import Baseline
from model_exporter.config.convert import did_you_mean
from model_exporter.config.document import join
from model_exporter.config.settings import ModelSettings, Settings


def advise(settings: Settings) -> tuple[str, ...]:
    """Warnings for the author of the configuration, one sentence each."""
    return tuple(_all(settings))


def _all(settings: Settings) -> Iterator[str]:
    for name, model in settings.models.items():
        if model.baseline:
            yield from _unknown_features(join("models", name), model, model.baseline)


def _unknown_features(path: str, model: ModelSettings, baseline: Baseline) -> Iterator[str]:
    known = {feature.name for feature in baseline.features}
    for feature in model.features:
        if feature not in known:
            question = did_you_mean(feature, known).strip()
            yield f"{join(join(path, 'features'), feature)}: the baseline has no such feature. {question}".rstrip(". ")
