"""What is allowed in a configuration and still worth a warning."""

from collections.abc import Iterator
from typing import Final

from model_exporter.baseline.model import Baseline
from model_exporter.config.convert import did_you_mean, listed
from model_exporter.config.document import join
from model_exporter.config.settings import ModelSettings, Settings

ENOUGH_ROWS: Final = 10_000
"""Baseline rows from which small drifts are found about as fast as with any number (house statistics, defaults)."""


def advise(settings: Settings) -> tuple[str, ...]:
    """Warnings for the author of the configuration, one sentence each."""
    return tuple(_all(settings))


def advise_on_size(baseline: Baseline) -> str | None:
    """A warning when the baseline is so small that its own noise hides small drifts."""
    if baseline.rows >= ENOUGH_ROWS:
        return None
    return f"the baseline has {baseline.rows} rows; below {ENOUGH_ROWS} its own noise hides small drifts"


def _all(settings: Settings) -> Iterator[str]:
    if settings.unused_keys:
        yield f"checked, but not acted on by this release: {listed(settings.unused_keys)}"
    for name, model in settings.models.items():
        if model.baseline:
            yield from _on_baseline(join("models", name), model, model.baseline)


def _on_baseline(path: str, model: ModelSettings, baseline: Baseline) -> Iterator[str]:
    if warning := advise_on_size(baseline):
        yield f"{join(path, 'baseline')}: {warning}"
    known = {feature.name for feature in baseline.features}
    for feature in model.features:
        if feature not in known:
            question = did_you_mean(feature, known).strip()
            yield f"{join(join(path, 'features'), feature)}: the baseline has no such feature. {question}".rstrip(". ")
