"""Every sample of a snapshot, spelt out one by one: what exposition is compared with."""

from collections.abc import Iterator
from math import inf, isnan, log

from model_exporter.baseline.model import Baseline, FeatureType
from model_exporter.expose.text import clean
from model_exporter.window.snapshot import (
    INVALID_REASONS,
    LATENCY_BUCKETS,
    LEVELS,
    QUALITY,
    SHAPES,
    VIOLATIONS,
    BinLayout,
    CallsSnapshot,
    DriftSnapshot,
    FeatureName,
    Histogram,
    ModelSnapshot,
    Snapshot,
    VersionSnapshot,
    WindowSnapshot,
)
from truth_snapshots import expected_of_truth

Sample = tuple[str, tuple[tuple[str, str], ...], float]


def _sample(name: str, value: float, **labels: str) -> Sample:
    """One sample; its labels are in alphabetical order."""
    return name, tuple(sorted((label, clean(text)) for label, text in labels.items())), float(value)


def expected(snapshot: Snapshot) -> Iterator[Sample]:
    """Every sample of the models, spelt out one by one."""
    for model in snapshot.models:
        yield from _of_model(snapshot, model)
        for version in model.versions:
            yield from _of_version(model, version)


def _of_model(snapshot: Snapshot, model: ModelSnapshot) -> Iterator[Sample]:
    settings, name = model.settings, model.name
    yield _sample(
        "model_ownership_timestamp_seconds",
        snapshot.configured_at,
        model=name,
        owner=settings.owner,
        tier=str(settings.tier or ""),
        environment=snapshot.environment,
        runbook_url=settings.runbook_url,
    )
    for change, at in model.changes:
        yield _sample("model_change_timestamp_seconds", at, model=name, change=change)
    for objective in settings.objectives:
        yield _sample("model_threshold", objective.value, model=name, signal=objective.signal, severity="objective")
    yield from _of_thresholds(model)
    for level in LEVELS:
        rules = getattr(settings.drift, level)
        yield _sample("model_threshold", 0, model=name, signal="drift_evidence", severity=level)
        yield _sample("model_drift_patience_seconds", rules.patience_seconds, model=name, level=level)
        yield _sample("model_drift_tolerance", rules.tolerance, model=name, level=level)
    for source, at in model.sources:
        yield _sample("model_source_timestamp_seconds", at, model=name, source=source)
    yield from _of_truth(model)
    if model.learning:
        yield _sample("model_baseline_learning_ratio", model.learning.rows / model.learning.rows_needed, model=name)
    for call in model.upstreams:
        labels = {"model": name, "upstream": call.upstream}
        yield from _of_histogram("model_upstream_duration_seconds", call.duration, labels)
        yield _sample("model_upstream_errors_total", call.errors, **labels)
    if model.baseline:
        yield from _of_baseline(model.baseline, name)


def _of_thresholds(model: ModelSnapshot) -> Iterator[Sample]:
    for told in model.settings.thresholds:
        yield _sample("model_threshold", told.value, model=model.name, signal=told.signal, severity=told.severity)
    for feature, role in model.features:
        own = {"model": model.name, "feature": feature, "role": role.value}
        for told in model.settings.feature_thresholds.get(feature, ()):
            yield _sample("model_feature_threshold", told.value, **own, signal=told.signal, severity=told.severity)


def _of_truth(model: ModelSnapshot) -> Iterator[Sample]:
    yield _sample("model_outcomes_total", model.outcomes, model=model.name)
    if model.truth:
        for name, value, labels in expected_of_truth(model.truth, model.name):
            yield _sample(name, value, **labels)


def _of_baseline(baseline: Baseline, model: str) -> Iterator[Sample]:
    labels = {"model": model, "baseline": baseline.digest}
    yield _sample("model_baseline_rows", baseline.rows, **labels)
    yield _sample("model_baseline_created_timestamp_seconds", baseline.created, **labels)
    yield _sample("model_baseline_stable", baseline.stable, **labels)
    for feature in baseline.features:
        bounds = (*feature.edges, inf) if feature.type is FeatureType.NUMERIC else ()
        own = {**labels, "feature": feature.name, "role": feature.role.value}
        for bin_, count in zip(feature.bins, feature.counts, strict=True):
            yield _sample("model_baseline_bin_observations", count, **own, bin=bin_)
        for bin_, bound in zip(feature.bins, bounds, strict=False):
            yield _sample("model_baseline_bin_upper_bound", bound, **own, bin=bin_)
        if feature.wave is not None:
            yield _sample("model_baseline_wave", feature.wave, **own)


def _of_version(model: ModelSnapshot, version: VersionSnapshot) -> Iterator[Sample]:
    labels = {"model": model.name, "version": version.version}
    settings = model.settings
    yield _sample("model_info", 1, **labels, kind=settings.kind.value if settings.kind else "unknown")
    yield from _of_traffic(version, labels)
    if settings.approved_versions:
        yield _sample("model_version_approved", version.version in settings.approved_versions, **labels)
    yield _sample("model_version_active", version.active, **labels)
    yield _sample("model_version_first_seen_timestamp_seconds", version.first_seen, **labels)
    yield _sample("model_violating_predictions_total", version.violating, **labels)
    for reason, count in zip(VIOLATIONS, version.violations, strict=True):
        yield _sample("model_schema_violations_total", count, **labels, reason=reason)
    for feature, row in zip(model.features, version.quality.tolist(), strict=True):
        yield from _of_quality(feature, row, version, labels)
    if version.layout:
        yield from _of_bins(version.layout, version.bins.tolist(), labels)
    for window in version.windows:
        yield from _of_window(version, window, labels)
    for drift in version.drift:
        yield from _of_verdict(version, drift, labels)
    yield from _of_pairs(version, labels)
    yield from _of_anomaly(version, labels)


def _of_traffic(version: VersionSnapshot, labels: dict[str, str]) -> Iterator[Sample]:
    yield _sample("model_predictions_total", version.predictions, **labels)
    yield _sample("model_duplicate_predictions_total", version.duplicates, **labels)
    if version.last_prediction is not None:
        yield _sample("model_last_prediction_timestamp_seconds", version.last_prediction, **labels)
    for error_type, count in version.errors:
        yield _sample("model_prediction_errors_total", count, **labels, error_type=error_type)
    if version.duration:
        yield from _of_histogram("model_prediction_duration_seconds", version.duration, labels)
    for objective, count in version.slow:
        yield _sample("model_slow_predictions_total", count, **labels, objective=objective)
    if version.calls:
        yield from _of_calls(version.calls, labels)


def _of_calls(calls: CallsSnapshot, labels: dict[str, str]) -> Iterator[Sample]:
    for kind, count in calls.tokens:
        if kind in {"input", "output"}:
            yield _sample("model_tokens_total", count, **labels, token_type=kind)
        else:
            yield _sample("model_token_details_total", count, **labels, detail=kind)
    yield _sample("model_metered_predictions_total", calls.metered, **labels)
    if calls.first_token:
        yield from _of_histogram("model_time_to_first_token_seconds", calls.first_token, labels)
    for reason, count in calls.finish_reasons:
        yield _sample("model_finish_reasons_total", count, **labels, finish_reason=reason)


def _of_pairs(version: VersionSnapshot, labels: dict[str, str]) -> Iterator[Sample]:
    for pair_drift in version.pair_drift:
        if not isnan(pair_drift.log_evidence):
            own = {**labels, "level": pair_drift.level}
            yield _sample("model_multivariate_drift_evidence", pair_drift.log_evidence, **own)
            yield _sample("model_multivariate_drift_detected", pair_drift.detected, **own)
        for (one, role), (other, other_role), evidence in pair_drift.pairs:
            own = {**labels, "level": pair_drift.level, "feature": one, "role": role.value}
            yield _sample("model_pair_drift_evidence", evidence, **own, other=other, other_role=other_role.value)


def _of_anomaly(version: VersionSnapshot, labels: dict[str, str]) -> Iterator[Sample]:
    if version.anomaly:
        yield _sample("model_anomaly_evidence", version.anomaly.evidence, **labels)
        for signal, part in zip(version.anomaly.signals, version.anomaly.contributions.tolist(), strict=True):
            if version.anomaly.evidence >= log(0.5) and not isnan(part):
                yield _sample("model_anomaly_contribution", part, **labels, signal=signal)


def _of_bins(layout: BinLayout, bins: list[int], labels: dict[str, str]) -> Iterator[Sample]:
    digest = layout.baseline.digest
    for place, own in enumerate(_binned(layout, labels)):
        names = layout.baseline.features[layout.features[place]].bins
        for offset, bin_ in enumerate(names):
            value = bins[int(layout.starts[place]) + offset]
            yield _sample("model_feature_bin_observations_total", value, **own, baseline=digest, bin=bin_)


def _of_quality(
    feature: FeatureName, row: list[int], version: VersionSnapshot, labels: dict[str, str]
) -> Iterator[Sample]:
    counts = dict(zip(QUALITY, row, strict=True))
    own = {**labels, "feature": feature.name, "role": feature.role.value}
    yield _sample("model_feature_values_total", counts["values"], **own)
    yield _sample("model_feature_missing_total", counts["missing"], **own)
    for reason in INVALID_REASONS:
        yield _sample("model_feature_invalid_total", counts[reason], **own, reason=reason)
    known = version.layout.baseline.features if version.layout else ()
    if any((f.name, f.role) == (feature.name, feature.role) and f.type is FeatureType.NUMERIC for f in known):
        yield _sample("model_feature_outliers_total", counts["outliers"], **own)


def _of_window(version: VersionSnapshot, window: WindowSnapshot, labels: dict[str, str]) -> Iterator[Sample]:
    yield _sample("model_window_predictions", window.predictions, **labels, window=window.name)
    for place, own in enumerate(_binned(version.layout, labels) if version.layout else ()):
        own["window"] = window.name
        yield _sample("model_window_observations", window.observations[place], **own)
        for name, values in (
            ("model_drift_psi", window.psi),
            ("model_drift_psi_null", window.psi_null),
            ("model_drift_psi_debiased", window.psi_debiased),
            ("model_drift_psi_threshold", window.psi_threshold),
            ("model_drift_shift_score", window.shift_score),
            ("model_drift_js_distance", window.js_distance),
            ("model_drift_ks_distance", window.ks_distance),
            ("model_drift_wasserstein_ratio", window.wasserstein_ratio),
        ):
            if not isnan(values[place]):
                yield _sample(name, values[place], **own)


def _of_verdict(version: VersionSnapshot, drift: DriftSnapshot, labels: dict[str, str]) -> Iterator[Sample]:
    assert version.layout
    if not isnan(drift.log_evidence):
        yield _sample("model_drift_evidence", drift.log_evidence, **labels, level=drift.level)
        yield _sample("model_drift_detected", drift.detected, **labels, level=drift.level)
    if drift.detected:
        yield _sample("model_drift_onset_timestamp_seconds", drift.onset, **labels, level=drift.level)
    for place, own in enumerate(_binned(version.layout, labels)):
        own["level"] = drift.level
        evidence, detected = drift.feature_log_evidence[place], drift.feature_detected[place]
        if not isnan(evidence):
            yield _sample("model_feature_drift_evidence", evidence, **own)
            yield _sample("model_feature_drift_detected", detected, **own)
        if detected:
            yield _sample("model_feature_drift_onset_timestamp_seconds", drift.feature_onset[place], **own)
            for shape, share in zip(SHAPES, drift.shares[place], strict=True):
                yield _sample("model_feature_drift_shape_ratio", share, **own, shape=shape)


def _of_histogram(name: str, histogram: Histogram, labels: dict[str, str]) -> Iterator[Sample]:
    total = 0
    for bound, count in zip((*LATENCY_BUCKETS, inf), histogram.buckets.tolist(), strict=True):
        total += count
        yield _sample(f"{name}_bucket", total, **labels, le="+Inf" if bound == inf else str(bound))
    yield _sample(f"{name}_count", total, **labels)
    yield _sample(f"{name}_sum", histogram.total_seconds, **labels)


def _binned(layout: BinLayout, labels: dict[str, str]) -> list[dict[str, str]]:
    features = (layout.baseline.features[index] for index in layout.features)
    return [{**labels, "feature": feature.name, "role": feature.role.value} for feature in features]
