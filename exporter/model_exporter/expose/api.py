"""The JSON API, in the envelope of Prometheus's own: `{"status": "success", "data": ...}`."""

from dataclasses import dataclass

import msgspec

from model_exporter.expose.explain_text import render
from model_exporter.expose.explanation import Explanation
from model_exporter.expose.feature_views import FeatureView, view_features
from model_exporter.expose.text import clean
from model_exporter.expose.truth_views import OutcomesView, PerformanceView, view_outcomes, view_performance
from model_exporter.expose.verdict_views import (
    Alarm,
    AnomalyView,
    LevelView,
    PairsView,
    alarm_of,
    view_anomaly,
    view_levels,
    view_pairs,
)
from model_exporter.expose.version_series import numeric_rows
from model_exporter.expose.views import ModelView, view_model
from model_exporter.window.snapshot import (
    INVALID_REASONS,
    QUALITY,
    VIOLATIONS,
    FeatureName,
    Histogram,
    ModelSnapshot,
    VersionSnapshot,
)


@dataclass(frozen=True, slots=True)
class QualityView:
    """What became of a feature's values since the start; `outliers` is None where no baseline says what one is."""

    feature: str
    role: str
    values: int
    missing: int
    invalid: dict[str, int]
    outliers: int | None


@dataclass(frozen=True, slots=True)
class LatencyView:
    """A latency histogram in short: how many, and how long all of them took together."""

    count: int
    total_seconds: float


@dataclass(frozen=True, slots=True)
class WindowView:
    """One window of a version."""

    window: str
    predictions: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of a model.

    `approved` is None when the configuration does not say; `drift` is None, and `verdicts` are empty, while nothing was
    judged. `features` are those with bins, in the order of the baseline.
    """

    version: str
    active: bool
    approved: bool | None
    first_seen: float
    last_prediction: float | None
    predictions: int
    duplicates: int
    errors: dict[str, int]
    latency: LatencyView | None
    schema_violations: dict[str, int]
    quality: tuple[QualityView, ...]
    windows: tuple[WindowView, ...]
    drift: Alarm | None
    verdicts: tuple[LevelView, ...]
    pairs: tuple[PairsView, ...]
    anomaly: AnomalyView | None
    features: tuple[FeatureView, ...]
    performance: PerformanceView


@dataclass(frozen=True, slots=True)
class UpstreamView:
    """Calls to one upstream."""

    upstream: str
    errors: int
    latency: LatencyView


@dataclass(frozen=True, slots=True)
class ModelDetail:
    """One model with everything that is known of it; times in unix seconds.

    `outcomes` were received; `truth` is what became of them, None while no prediction waits for any.
    """

    summary: ModelView
    tier: int | None
    runbook_url: str
    objectives: dict[str, float]
    changes: dict[str, float]
    sources: dict[str, float]
    outcomes: int
    truth: OutcomesView | None
    upstreams: tuple[UpstreamView, ...]
    versions: tuple[VersionView, ...]


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """An explanation, as text for a terminal and in its parts."""

    text: str
    explanation: Explanation


def success(data: object) -> bytes:
    """Body of a good answer. NaN and infinities become null, as JSON has neither."""
    return msgspec.json.encode({"status": "success", "data": data})


def failure(kind: str, error: str) -> bytes:
    """Body of a bad answer; `kind` is one of a few fixed words."""
    return msgspec.json.encode({"status": "error", "errorType": kind, "error": clean(error)})


def view_detail(model: ModelSnapshot, *, at: float) -> ModelDetail:
    """Everything known of `model` as of `at` (unix seconds)."""
    settings = model.settings
    return ModelDetail(
        summary=view_model(model),
        tier=settings.tier,
        runbook_url=clean(settings.runbook_url),
        objectives={clean(objective.signal): objective.value for objective in settings.objectives},
        changes={clean(change): at for change, at in model.changes},
        sources={clean(source): at for source, at in model.sources},
        outcomes=model.outcomes,
        truth=view_outcomes(model),
        upstreams=tuple(UpstreamView(clean(u.upstream), u.errors, _latency(u.duration)) for u in model.upstreams),
        versions=tuple(_version(model, version, at) for version in model.versions),
    )


def view_explanation(explanation: Explanation, *, width: int, ascii_only: bool) -> ExplanationView:
    """`explanation` with its text; arguments as for `explain_text.render`."""
    return ExplanationView(render(explanation, width=width, ascii_only=ascii_only), explanation)


def _version(model: ModelSnapshot, version: VersionSnapshot, at: float) -> VersionView:
    places = range(len(version.layout.features)) if version.layout else ()
    approved = model.settings.approved_versions
    fenced = set(numeric_rows(model.features, version.layout))
    quality = zip(model.features, version.quality.tolist(), strict=True)
    return VersionView(
        version=clean(version.version),
        active=version.active,
        approved=version.version in approved if approved else None,
        first_seen=version.first_seen,
        last_prediction=version.last_prediction,
        predictions=version.predictions,
        duplicates=version.duplicates,
        errors={clean(error_type): count for error_type, count in version.errors},
        latency=_latency(version.duration) if version.duration else None,
        schema_violations=dict(zip(VIOLATIONS, version.violations.tolist(), strict=True)),
        quality=tuple(_quality(feature, row, fenced=i in fenced) for i, (feature, row) in enumerate(quality)),
        windows=tuple(WindowView(w.name, w.predictions, w.duplicates) for w in version.windows),
        drift=alarm_of(version),
        verdicts=view_levels(version, model.settings),
        pairs=view_pairs(version),
        anomaly=view_anomaly(version),
        features=view_features(version, places, at=at),
        performance=view_performance(model, version.version),
    )


def _quality(feature: FeatureName, row: list[int], *, fenced: bool) -> QualityView:
    counts = dict(zip(QUALITY, row, strict=True))
    return QualityView(
        feature=clean(feature.name),
        role=feature.role.value,
        values=counts["values"],
        missing=counts["missing"],
        invalid={reason: counts[reason] for reason in INVALID_REASONS},
        outliers=counts["outliers"] if fenced else None,
    )


def _latency(histogram: Histogram) -> LatencyView:
    return LatencyView(int(histogram.buckets.sum()), histogram.total_seconds)
