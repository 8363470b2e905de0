"""The series of the verdicts on performance, and of what is estimated before outcomes are known."""

from math import isnan

from model_exporter.expose import truth_catalogue as catalogue
from model_exporter.expose.metric import Labels
from model_exporter.expose.text import Lines
from model_exporter.stats.estimates import REASONS
from model_exporter.window.snapshot import EstimateSnapshot, PerformanceDriftSnapshot, ReferenceSnapshot


def write_reference(lines: Lines, model: str, reference: ReferenceSnapshot) -> None:
    """Add what the performance of `model` is compared with."""
    for metric, value in reference.values:
        lines.sample(catalogue.REFERENCE, (model, metric), value)
    if reference.outcomes is not None:
        lines.sample(catalogue.REFERENCE_OUTCOMES, (model,), reference.outcomes)


def write_performance_drift(lines: Lines, names: Labels, drift: PerformanceDriftSnapshot) -> None:
    """Add the verdict at one level. Where there is no evidence nothing was judged, and nothing is told."""
    labels = (*names, drift.level)
    if not isnan(drift.log_evidence):
        lines.sample(catalogue.PERFORMANCE_DRIFT_EVIDENCE, labels, drift.log_evidence)
        lines.sample(catalogue.PERFORMANCE_DRIFT_DETECTED, labels, drift.detected)
    if not isnan(drift.onset):
        lines.sample(catalogue.PERFORMANCE_DRIFT_ONSET, labels, drift.onset)


def write_estimate(lines: Lines, names: Labels, estimate: EstimateSnapshot) -> None:
    """Add the estimates of one window, or why there are none."""
    for measure in estimate.measures:
        labels = (*names, measure.metric, measure.label, estimate.name)
        lines.sample(catalogue.ESTIMATED, labels, measure.value)
        lines.sample(catalogue.ESTIMATED_LOWER, labels, measure.lower)
        lines.sample(catalogue.ESTIMATED_UPPER, labels, measure.upper)
    for reason in REASONS:
        lines.sample(catalogue.ESTIMATE_WITHDRAWN, (*names, reason, estimate.name), estimate.withdrawn == reason)
    for error in estimate.errors:
        lines.sample(catalogue.ESTIMATE_ERROR, (*names, error.metric, error.label, estimate.name), error.value)
