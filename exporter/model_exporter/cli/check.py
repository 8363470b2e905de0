"""`model_exporter check-config`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model_exporter.config.durations import format_duration

if TYPE_CHECKING:
    from model_exporter.baseline.model import Baseline
    from model_exporter.config.settings import (
        FeatureSettings,
        ForwardSettings,
        Learn,
        ModelSettings,
        OutcomeSettings,
        Settings,
        Threshold,
    )

_EPILOG = """
\b
Examples:
  model_exporter check-config exporter.yml
  model_exporter check-config --reference
"""


@click.command("check-config", short_help="Check a configuration file.", epilog=_EPILOG)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--reference", "reference_", is_flag=True, help="Print every key with its type, default and meaning.")
def check_config(file: Path | None, reference_: bool) -> None:
    """Check the configuration FILE and print what it says.

    Exits with 0 when `serve` would take the file, with the baselines that it names, and with 2 when not. Warnings go
    to standard error and change nothing.
    """
    if reference_:
        from model_exporter.config.reference import reference

        click.echo(reference())
        return
    if file is None:
        raise click.UsageError("give the FILE to check, or --reference")
    from model_exporter.config.advice import advise
    from model_exporter.config.load import load_settings

    settings = load_settings(file)
    click.echo("\n".join(_summary(file, settings)))
    for warning in (*advise(settings), *_doubts(settings)):
        click.echo(f"warning: {warning}", err=True)


def _doubts(settings: "Settings") -> Iterator[str]:
    """What speaks against the baselines."""
    from model_exporter.baseline.show import warnings

    for name, model in settings.models.items():
        if model.baseline:
            yield from (f"baseline of {name}: {warning}" for warning in warnings(model.baseline))


def _summary(file: Path, settings: "Settings") -> Iterator[str]:
    yield f"{file} is valid"
    yield ""
    yield f"environment  {settings.environment or '-'}"
    yield f"models       {len(settings.models)}, and any other as it appears, up to {settings.limits.models}"
    yield f"baselines    {_learning(settings.learn)}, unless configured"
    if settings.mappings:
        yield f"mappings     {', '.join(settings.mappings)}, and those that are built in"
    if settings.forward.endpoint:
        yield f"forward      {_forward(settings.forward)}"
    for name, model in settings.models.items():
        yield ""
        yield from _model(name, model)


def _forward(forward: "ForwardSettings") -> str:
    signals = ", ".join(sorted(signal.value for signal in forward.signals))
    return f"{signals} as they came to {forward.endpoint}, tried for {format_duration(forward.retry_seconds)}"


def _model(name: str, model: "ModelSettings") -> Iterator[str]:
    yield f"model {name}"
    about = [model.kind.value if model.kind else "", f"tier {model.tier}" if model.tier else ""]
    told = {
        "about": ", ".join(filter(None, about)),
        "owner": model.owner,
        "runbook": model.runbook_url,
        "baseline": _baseline(model.baseline_file, model.baseline) if model.baseline else _learning(model.learn),
        "approved": ", ".join(model.approved_versions),
        "objectives": ", ".join(f"{objective.signal} {objective.value:g}" for objective in model.objectives),
        "thresholds": _thresholds(model.thresholds),
        "outcome": _outcome(model.outcome) if model.outcome.expected else "",
        "segments": ", ".join(segment.name for segment in model.segments),
        "business": ", ".join(f"{indicator.name} ({indicator.form.value})" for indicator in model.business),
        "dropped": ", ".join(sorted(f"{source.value}.{name}" for source, name in model.privacy.drop)),
        "hashed": ", ".join(sorted(f"{source.value}.{name}" for source, name in model.privacy.hash)),
    }
    for word, text in told.items():
        if text:
            yield f"  {word:<12}{text}"
    for place, feature in enumerate(dict.fromkeys((*model.features, *model.feature_thresholds))):
        yield f"  {'' if place else 'features':<12}{feature}{_feature(feature, model)}"


def _baseline(file: str, baseline: "Baseline") -> str:
    return f"{file}: of {baseline.model}, {baseline.rows} rows, {len(baseline.features)} features"


def _outcome(outcome: "OutcomeSettings") -> str:
    positive = f"{outcome.positive} is positive, " if outcome.positive else ""
    return f"{positive}awaited for {format_duration(outcome.wait_seconds)}"


def _learning(learn: "Learn") -> str:
    return f"learned from the first {learn.rows} predictions over at least {format_duration(learn.stable_for_seconds)}"


def _thresholds(thresholds: "Sequence[Threshold]") -> str:
    return ", ".join(f"{told.signal} {told.severity} {told.value:g}" for told in thresholds)


def _feature(name: str, model: "ModelSettings") -> str:
    """What is said of a feature, with a colon before it; empty when nothing is."""
    parts = [_thresholds(model.feature_thresholds.get(name, ()))]
    if name in model.features:
        parts = [*_schema(model.features[name]), *parts]
    told = ", ".join(filter(None, parts))
    return f": {told}" if told else ""


def _schema(settings: "FeatureSettings") -> list[str]:
    return [
        settings.type.value if settings.type else "",
        "" if settings.minimum is None else f"from {settings.minimum:g}",
        "" if settings.maximum is None else f"up to {settings.maximum:g}",
        "" if settings.categories is None else f"{len(settings.categories)} categories",
        {None: "", True: "required", False: "optional"}[settings.required],
        f"missing as {', '.join(map(repr, sorted(settings.missing)))}" if settings.missing else "",
    ]
