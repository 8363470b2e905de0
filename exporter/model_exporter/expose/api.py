"""The JSON API, in the envelope of Prometheus's own: `{"status": "success", "data": ...}`."""

from dataclasses import dataclass

import msgspec

from model_exporter.expose.text import clean
from model_exporter.expose.version_series import numeric_rows
from model_exporter.expose.views import DriftView, ModelView, view_drift, view_model
from model_exporter.window.snapshot import (
    INVALID_REASONS,
    QUALITY,
    VIOLATIONS,
    FeatureName,
    Histogram,
    ModelSnapshot,
    VersionSnapshot,
    WindowSnapshot,
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
    drift: tuple[DriftView, ...]


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of a model. `approved` is None when the configuration does not say."""

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


@dataclass(frozen=True, slots=True)
class UpstreamView:
    """Calls to one upstream."""

    upstream: str
    errors: int
    latency: LatencyView


@dataclass(frozen=True, slots=True)
class ModelDetail:
    """One model with everything that is known of it; times in unix seconds."""

    summary: ModelView
    tier: int | None
    runbook_url: str
    objectives: dict[str, float]
    changes: dict[str, float]
    sources: dict[str, float]
    outcomes: int
    upstreams: tuple[UpstreamView, ...]
    versions: tuple[VersionView, ...]


def success(data: object) -> bytes:
    """Body of a good answer. NaN and infinities become null, as JSON has neither."""
    return msgspec.json.encode({"status": "success", "data": data})


def failure(kind: str, error: str) -> bytes:
    """Body of a bad answer; `kind` is one of a few fixed words."""
    return msgspec.json.encode({"status": "error", "errorType": kind, "error": clean(error)})


def view_detail(model: ModelSnapshot) -> ModelDetail:
    """Everything known of `model`."""
    settings = model.settings
    return ModelDetail(
        summary=view_model(model),
        tier=settings.tier,
        runbook_url=clean(settings.runbook_url),
        objectives={clean(objective.signal): objective.value for objective in settings.objectives},
        changes={clean(change): at for change, at in model.changes},
        sources={clean(source): at for source, at in model.sources},
        outcomes=model.outcomes,
        upstreams=tuple(UpstreamView(clean(u.upstream), u.errors, _latency(u.duration)) for u in model.upstreams),
        versions=tuple(_version(model, version) for version in model.versions),
    )


def _version(model: ModelSnapshot, version: VersionSnapshot) -> VersionView:
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
        windows=tuple(_window(version, window) for window in version.windows),
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


def _window(version: VersionSnapshot, window: WindowSnapshot) -> WindowView:
    layout = version.layout
    drift = tuple(view_drift(layout, window, place) for place in range(len(layout.features))) if layout else ()
    return WindowView(window.name, window.predictions, window.duplicates, drift)


def _latency(histogram: Histogram) -> LatencyView:
    return LatencyView(int(histogram.buckets.sum()), histogram.total_seconds)
