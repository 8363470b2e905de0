"""What outcomes tell, with something of everything, and its samples spelt out one by one."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import inf, isnan, nan

import numpy as np

from model_exporter.stats.estimates import REASONS
from model_exporter.stats.fairness import Alarm, Gap
from model_exporter.stats.measure import Measure
from model_exporter.window.snapshot import (
    DELAY_BUCKETS,
    LOST,
    UNMATCHED,
    CohortSnapshot,
    Counted,
    Counter,
    EstimateError,
    EstimateSnapshot,
    GroupSnapshot,
    Histogram,
    IndicatorSnapshot,
    IndicatorWindow,
    PerformanceDriftSnapshot,
    PerformanceSnapshot,
    ReferenceSnapshot,
    SegmentSnapshot,
    SegmentWindow,
    ShareVerdict,
    TruthSnapshot,
)

COUNTERS = {
    Counter.CONFUSION: ("model_confusion_total", ("actual", "predicted")),
    Counter.SCORE_BIN: ("model_score_bin_total", ("actual", "bin")),
    Counter.ABSOLUTE_ERROR: ("model_absolute_error_total", ()),
    Counter.SQUARED_ERROR: ("model_squared_error_total", ()),
}


def truth(versions: Sequence[str], name: str) -> TruthSnapshot:
    """Outcomes of some versions, one of whose classes is called `name`."""
    return TruthSnapshot(
        early=3,
        duplicates=4,
        pending=1000,
        outcomes_waiting=12,
        rate=0.25,
        unmatched=tuple((reason, place) for place, reason in enumerate(UNMATCHED)),
        lost=tuple((reason, place) for place, reason in enumerate(LOST)),
        performance=tuple(performance(version, name) for version in versions),
        reference=ReferenceSnapshot(1000, (("accuracy", 0.93),)),
    )


def performance(version: str, name: str) -> PerformanceSnapshot:
    """A window that is good, one that has no outcomes yet, and one without predictions."""
    measures = (Measure("accuracy", 0.9, 0.85, 0.93, 412.0), Measure("recall", 0.7, 0.6, 0.8, 112.0, name))
    counters = (
        Counted(Counter.CONFUSION, (name, "ok"), 17.0),
        Counted(Counter.CONFUSION, ("ok", "ok"), 0.0),
        Counted(Counter.SCORE_BIN, ("positive", "+Inf"), 3.5),
        Counted(Counter.ABSOLUTE_ERROR, (), 123.5),
        Counted(Counter.SQUARED_ERROR, (), 1e30),
    )
    return PerformanceSnapshot(
        version=version,
        joined=412,
        corrections=9,
        delay=Histogram(np.arange(len(DELAY_BUCKETS) + 1), 99_000.5),
        lag=4096.0,
        windows=(
            CohortSnapshot("1h", 500.0, 412.0, 0.824, provisional=False, measures=measures),
            CohortSnapshot("1d", 500.0, 0.0, 0.0, provisional=True, measures=()),
            CohortSnapshot("7d", 0.0, 0.0, nan, provisional=True, measures=()),
        ),
        counters=counters,
        segments=(segment(name),),
        recommended=(("1h", Measure("novelty", 8.5, 8.4, 8.6, 900.0)),),
        business=(
            IndicatorSnapshot(
                "approved",
                40.0,
                0.0,
                70.0,
                0.0,
                (IndicatorWindow("1h", 0.5, 0.4, 0.6),),
                is_share=True,
                verdicts=(
                    ShareVerdict("page", detected=True, log_evidence=1.5),
                    ShareVerdict("ticket", detected=False, log_evidence=nan),
                ),
            ),
            IndicatorSnapshot("loss", 1e6, 5.5, 70.0, 0.0, (IndicatorWindow("1d", -3.5, nan, nan),), is_share=False),
        ),
        drift=(
            PerformanceDriftSnapshot("page", detected=False, log_evidence=-3.5, onset=nan, metric=""),
            PerformanceDriftSnapshot("ticket", detected=True, log_evidence=1.25, onset=1.7e9, metric="accuracy"),
        ),
        estimates=(
            EstimateSnapshot(
                "1h",
                (Measure("accuracy", 0.91, 0.88, 0.94, 800.0), Measure("precision", 0.7, 0.6, 0.8, 90.0, name)),
                withdrawn="",
                errors=(EstimateError("accuracy", "", 0.08), EstimateError("precision", name, -0.01)),
            ),
            EstimateSnapshot("1d", (), withdrawn="few_labels", errors=()),
        ),
    )


def segment(name: str) -> SegmentSnapshot:
    """A group of a classifier and one of a regression, which no model has both, and a window with a gap."""
    return SegmentSnapshot(
        "region",
        (
            GroupSnapshot(name, 70, positives=30.0, confusion=(5.0, 6.0, 7.0, 8.0)),
            GroupSnapshot("north", 80, outcomes=40.0, absolute_error=99.5),
        ),
        (
            SegmentWindow(
                "1d",
                (Measure("selection_rate", 0.4, 0.3, 0.5, 70.0, name),),
                (Gap("selection_rate", name, "north", 0.2, 0.05, 0.35, 70.0),),
            ),
        ),
        detected=(("selection_rate", True), ("accuracy", False)),
        alarms=(Alarm("selection_rate", name, "north", 0.25, 0.07),),
        worst=(Alarm("selection_rate", name, "_rest", -0.25, 0.06),),
    )


def expected_of_truth(told: TruthSnapshot, model: str) -> Iterator[tuple[str, float, dict[str, str]]]:
    """Name, number and labels of each sample."""
    labels = {"model": model}
    for reason, count in told.unmatched:
        yield "model_outcomes_unmatched_total", count, {**labels, "reason": reason}
    for reason, count in told.lost:
        yield "model_predictions_without_outcome_total", count, {**labels, "reason": reason}
    yield "model_outcome_duplicates_total", told.duplicates, labels
    yield "model_outcomes_early_total", told.early, labels
    yield "model_pending_predictions", told.pending, labels
    yield "model_pending_outcomes", told.outcomes_waiting, labels
    yield "model_outcome_sampling_ratio", told.rate, labels
    if told.reference:
        yield "model_performance_reference_outcomes", 1000, labels
        yield "model_performance_reference", 0.93, {**labels, "metric": "accuracy"}
    for performance in told.performance:
        yield from _of_performance(performance, {**labels, "version": performance.version})


def _of_performance(told: PerformanceSnapshot, labels: dict[str, str]) -> Iterator[tuple[str, float, dict[str, str]]]:
    yield "model_outcomes_joined_total", told.joined, labels
    yield "model_outcome_corrections_total", told.corrections, labels
    counts = list(accumulate(told.delay.buckets.tolist()))
    for bound, count in zip((*DELAY_BUCKETS, inf), counts, strict=True):
        end = "+Inf" if bound == inf else str(bound)
        yield "model_outcome_delay_seconds_bucket", count, {**labels, "le": end}
    yield "model_outcome_delay_seconds_count", counts[-1], labels
    yield "model_outcome_delay_seconds_sum", told.delay.total_seconds, labels
    yield "model_performance_lag_seconds", told.lag, labels
    for counted in told.counters:
        name, names = COUNTERS[counted.counter]
        yield name, counted.value, {**labels, **dict(zip(names, counted.labels, strict=True))}
    for window in told.windows:
        own = {**labels, "window": window.name}
        if not isnan(window.coverage):
            yield "model_label_coverage_ratio", window.coverage, own
        if window.labelled:
            yield "model_performance_outcomes", window.labelled, own
            yield "model_performance_provisional", window.provisional, own
        for measure in window.measures:
            of = {**own, "metric": measure.metric, "of": measure.label}
            yield "model_performance", measure.value, of
            yield "model_performance_lower", measure.lower, of
            yield "model_performance_upper", measure.upper, of
    for segment in told.segments:
        yield from _of_segment(segment, {**labels, "segment": segment.name})
    for name, measure in told.recommended:
        yield "model_performance", measure.value, {**labels, "window": name, "metric": measure.metric, "of": ""}
        yield "model_performance_lower", 8.4, {**labels, "window": name, "metric": measure.metric, "of": ""}
        yield "model_performance_upper", 8.6, {**labels, "window": name, "metric": measure.metric, "of": ""}
    yield from _of_business(labels)
    yield from _of_verdicts(told, labels)


def _of_business(labels: dict[str, str]) -> Iterator[tuple[str, float, dict[str, str]]]:
    approved, loss = {**labels, "kpi": "approved"}, {**labels, "kpi": "loss"}
    yield "model_business_value_total", 40, approved
    yield "model_business_value_total", 1e6, loss
    yield "model_business_events_total", 70, approved
    yield "model_business_events_total", 70, loss
    yield "model_business_negative_total", 5.5, {**loss, "term": "value"}
    yield "model_business_negative_total", 0, {**loss, "term": "events"}
    yield "model_business_evidence", 1.5, {**approved, "level": "page"}
    yield "model_business_detected", 1, {**approved, "level": "page"}
    yield "model_business_detected", 0, {**approved, "level": "ticket"}
    yield "model_business_kpi", 0.5, {**approved, "window": "1h"}
    yield "model_business_kpi", -3.5, {**loss, "window": "1d"}
    yield "model_business_kpi_lower", 0.4, {**approved, "window": "1h"}
    yield "model_business_kpi_upper", 0.6, {**approved, "window": "1h"}


def _of_verdicts(told: PerformanceSnapshot, labels: dict[str, str]) -> Iterator[tuple[str, float, dict[str, str]]]:
    for drift in told.drift:
        level = {**labels, "level": drift.level}
        yield "model_performance_drift_evidence", drift.log_evidence, level
        yield "model_performance_drift_detected", drift.detected, level
        if drift.detected:
            yield "model_performance_drift_onset_timestamp_seconds", drift.onset, level
    for estimate in told.estimates:
        yield from _of_estimate(estimate, {**labels, "window": estimate.name})


def _of_estimate(told: EstimateSnapshot, labels: dict[str, str]) -> Iterator[tuple[str, float, dict[str, str]]]:
    for measure in told.measures:
        of = {**labels, "metric": measure.metric, "of": measure.label}
        yield "model_estimated_performance", measure.value, of
        yield "model_estimated_performance_lower", measure.lower, of
        yield "model_estimated_performance_upper", measure.upper, of
    for error in told.errors:
        of = {**labels, "metric": error.metric, "of": error.label}
        yield "model_estimated_performance_error", error.value, of
    for reason in REASONS:
        yield "model_estimated_performance_withdrawn", told.withdrawn == reason, {**labels, "reason": reason}


def _of_segment(told: SegmentSnapshot, labels: dict[str, str]) -> Iterator[tuple[str, float, dict[str, str]]]:
    first, second = told.groups
    hostile, north = {**labels, "group": first.group}, {**labels, "group": second.group}
    yield "model_segment_predictions_total", 70, hostile
    yield "model_segment_predictions_total", 80, north
    yield "model_segment_positives_total", 30, hostile
    yield "model_segment_confusion_total", 5, {**hostile, "actual": "positive", "predicted": "positive"}
    yield "model_segment_confusion_total", 6, {**hostile, "actual": "positive", "predicted": "negative"}
    yield "model_segment_confusion_total", 7, {**hostile, "actual": "negative", "predicted": "positive"}
    yield "model_segment_confusion_total", 8, {**hostile, "actual": "negative", "predicted": "negative"}
    yield "model_segment_outcomes_total", 40, north
    yield "model_segment_absolute_error_total", 99.5, north
    of = {"metric": "selection_rate", "window": "1d"}
    yield "model_segment_performance", 0.4, {**hostile, **of}
    yield "model_segment_performance_lower", 0.3, {**hostile, **of}
    yield "model_segment_performance_upper", 0.5, {**hostile, **of}
    yield "model_fairness_gap", 0.2, {**hostile, **of, "other": "north"}
    yield "model_fairness_gap_lower", 0.05, {**hostile, **of, "other": "north"}
    yield "model_fairness_gap_upper", 0.35, {**hostile, **of, "other": "north"}
    yield "model_fairness_detected", 1, {**labels, "metric": "selection_rate"}
    yield "model_fairness_detected", 0, {**labels, "metric": "accuracy"}
    yield "model_fairness_alarm", 0.25, {**hostile, "metric": "selection_rate", "other": "north"}
    yield "model_segment_worst", -0.25, {**hostile, "metric": "selection_rate"}
