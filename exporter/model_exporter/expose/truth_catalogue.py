"""The metrics of outcomes and of performance; part of the catalogue."""

from functools import partial
from typing import Final

from model_exporter.expose.metric import Group, Metric, MetricType

_COUNTER, _GAUGE, _HISTOGRAM = MetricType.COUNTER, MetricType.GAUGE, MetricType.HISTOGRAM
_MODEL: Final = ("model",)
_VERSION: Final = ("model", "version")
_WINDOW: Final = (*_VERSION, "window")
_MEASURE: Final = (*_VERSION, "metric", "of", "window")

_outcome = partial(Metric, group=Group.OUTCOMES)
OUTCOMES: Final = _outcome("model_outcomes_total", _COUNTER, "Outcomes received.", _MODEL)
UNMATCHED: Final = _outcome(
    "model_outcomes_unmatched_total",
    _COUNTER,
    "Outcomes that told nothing of performance, by reason.",
    (*_MODEL, "reason"),
)
DUPLICATES: Final = _outcome(
    "model_outcome_duplicates_total", _COUNTER, "Outcomes that had been told before, with the same value.", _MODEL
)
EARLY: Final = _outcome(
    "model_outcomes_early_total", _COUNTER, "Outcomes that were there before their predictions.", _MODEL
)
PENDING: Final = _outcome("model_pending_predictions", _GAUGE, "Predictions that wait for their outcome.", _MODEL)
PENDING_OUTCOMES: Final = _outcome("model_pending_outcomes", _GAUGE, "Outcomes that wait for their prediction.", _MODEL)
LOST: Final = _outcome(
    "model_predictions_without_outcome_total",
    _COUNTER,
    "Predictions that stopped waiting for their outcome, by reason.",
    (*_MODEL, "reason"),
)
SAMPLING: Final = _outcome(
    "model_outcome_sampling_ratio",
    _GAUGE,
    "Share of predictions that are kept until their outcome comes; each stands for as many more.",
    _MODEL,
)
JOINED: Final = _outcome("model_outcomes_joined_total", _COUNTER, "Predictions that met their first outcome.", _VERSION)
CORRECTIONS: Final = _outcome(
    "model_outcome_corrections_total",
    _COUNTER,
    "Outcomes that replaced an earlier one; windows follow the last, counters keep the first.",
    _VERSION,
)
DELAY: Final = _outcome(
    "model_outcome_delay_seconds", _HISTOGRAM, "Time from predictions to the arrival of their outcomes.", _VERSION
)

_performance = partial(Metric, group=Group.PERFORMANCE)
PERFORMANCE: Final = _performance(
    "model_performance",
    _GAUGE,
    "Metric of the predictions made in the window, as far as their outcomes are known; `of` names a class, a horizon "
    "or a depth.",
    _MEASURE,
)
PERFORMANCE_LOWER: Final = _performance(
    "model_performance_lower", _GAUGE, "Lower end of the metric's 95 % interval.", _MEASURE
)
PERFORMANCE_UPPER: Final = _performance(
    "model_performance_upper", _GAUGE, "Upper end of the metric's 95 % interval.", _MEASURE
)
PROVISIONAL: Final = _performance(
    "model_performance_provisional",
    _GAUGE,
    "Whether the window's outcomes may be of a biased few: too few are known, or not how long they take.",
    _WINDOW,
)
WINDOW_OUTCOMES: Final = _performance(
    "model_performance_outcomes", _GAUGE, "Predictions of the window whose outcome is known.", _WINDOW
)
COVERAGE: Final = _performance(
    "model_label_coverage_ratio", _GAUGE, "Share of the window's predictions whose outcome is known.", _WINDOW
)
LAG: Final = _performance(
    "model_performance_lag_seconds",
    _GAUGE,
    "How long before now the windows end: the time in which 95 % of outcomes arrive.",
    _VERSION,
)
CONFUSION: Final = _performance(
    "model_confusion_total",
    _COUNTER,
    "Predictions by their first outcome and the class predicted.",
    (*_VERSION, "actual", "predicted"),
)
SCORE_BIN: Final = _performance(
    "model_score_bin_total",
    _COUNTER,
    "Predictions by their first outcome and the bin of their score, which is named by its inclusive upper bound.",
    (*_VERSION, "actual", "bin"),
)
ABSOLUTE_ERROR: Final = _performance(
    "model_absolute_error_total", _COUNTER, "Sum of absolute errors against first outcomes.", _VERSION
)
SQUARED_ERROR: Final = _performance(
    "model_squared_error_total", _COUNTER, "Sum of squared errors against first outcomes.", _VERSION
)

_LEVEL: Final = (*_VERSION, "level")
PERFORMANCE_DRIFT_EVIDENCE: Final = _performance(
    "model_performance_drift_evidence",
    _GAUGE,
    "Log evidence that outcomes are worse than the reference's by more than the tolerance, or than the objective; "
    "0 is the alarm.",
    _LEVEL,
)
PERFORMANCE_DRIFT_DETECTED: Final = _performance(
    "model_performance_drift_detected",
    _GAUGE,
    "Whether the alarm of the level is on; it ends well below where it began.",
    _LEVEL,
)
PERFORMANCE_DRIFT_ONSET: Final = _performance(
    "model_performance_drift_onset_timestamp_seconds",
    _GAUGE,
    "When outcomes that arrived began to be worse, by estimate.",
    _LEVEL,
)
REFERENCE: Final = _performance(
    "model_performance_reference",
    _GAUGE,
    "What performance is compared with: that of the model's first outcomes, or the objective.",
    (*_MODEL, "metric"),
)
REFERENCE_OUTCOMES: Final = _performance(
    "model_performance_reference_outcomes",
    _GAUGE,
    "Outcomes that the reference of performance holds, or has so far; none with an objective in its place.",
    _MODEL,
)
ESTIMATED: Final = _performance(
    "model_estimated_performance",
    _GAUGE,
    "Metric of all predictions made in the window up to now, estimated from their scores without outcomes; it assumes "
    "that P(outcome|score) has not changed since the reference.",
    _MEASURE,
)
ESTIMATED_LOWER: Final = _performance(
    "model_estimated_performance_lower",
    _GAUGE,
    "Lower end of the 95 % interval for the value that outcomes will show, if P(outcome|score) has not changed.",
    _MEASURE,
)
ESTIMATED_UPPER: Final = _performance(
    "model_estimated_performance_upper", _GAUGE, "Upper end of that interval.", _MEASURE
)
ESTIMATE_WITHDRAWN: Final = _performance(
    "model_estimated_performance_withdrawn",
    _GAUGE,
    "Whether there is no estimate for this reason: too few rows or labels, no scores, or rows where the reference has "
    "few.",
    (*_VERSION, "reason", "window"),
)
ESTIMATE_ERROR: Final = _performance(
    "model_estimated_performance_error",
    _GAUGE,
    "Estimate less realised value for the predictions of the window whose outcomes are known; far from 0 after a "
    "change of P(outcome|score).",
    _MEASURE,
)

_GROUP: Final = (*_VERSION, "segment", "group")
_GROUP_MEASURE: Final = (*_GROUP, "metric", "window")
_GAP: Final = (*_VERSION, "segment", "metric", "group", "other", "window")

_segment = partial(Metric, group=Group.SEGMENTS)
SEGMENT_PREDICTIONS: Final = _segment(
    "model_segment_predictions_total", _COUNTER, "Predictions by the group that they belong to.", _GROUP
)
SEGMENT_POSITIVES: Final = _segment(
    "model_segment_positives_total", _COUNTER, "Predictions of the positive class.", _GROUP
)
SEGMENT_CONFUSION: Final = _segment(
    "model_segment_confusion_total",
    _COUNTER,
    "Predictions by their first outcome and the class predicted: positive or negative.",
    (*_GROUP, "actual", "predicted"),
)
SEGMENT_OUTCOMES: Final = _segment(
    "model_segment_outcomes_total", _COUNTER, "Predicted numbers that met their first outcome.", _GROUP
)
SEGMENT_ABSOLUTE_ERROR: Final = _segment(
    "model_segment_absolute_error_total", _COUNTER, "Sum of their absolute errors.", _GROUP
)
SEGMENT_PERFORMANCE: Final = _segment(
    "model_segment_performance",
    _GAUGE,
    "Rate or error of the group's predictions made in the window; groups that are too small are not shown.",
    _GROUP_MEASURE,
)
SEGMENT_PERFORMANCE_LOWER: Final = _segment(
    "model_segment_performance_lower", _GAUGE, "Lower end of its 95 % interval.", _GROUP_MEASURE
)
SEGMENT_PERFORMANCE_UPPER: Final = _segment(
    "model_segment_performance_upper", _GAUGE, "Upper end of its 95 % interval.", _GROUP_MEASURE
)
FAIRNESS_GAP: Final = _segment(
    "model_fairness_gap",
    _GAUGE,
    "How much more of the metric the group has than the other: the largest gap, and each group against the rest.",
    _GAP,
)
FAIRNESS_GAP_LOWER: Final = _segment(
    "model_fairness_gap_lower", _GAUGE, "Lower end of the gap's interval, at 95 % for all gaps together.", _GAP
)
FAIRNESS_GAP_UPPER: Final = _segment("model_fairness_gap_upper", _GAUGE, "Upper end of the gap's interval.", _GAP)

_SEGMENT_METRIC: Final = (*_VERSION, "segment", "metric")
FAIRNESS_DETECTED: Final = _segment(
    "model_fairness_detected",
    _GAUGE,
    "Whether any two groups differ by more than the objective, by all rows since the start, whenever one looks.",
    _SEGMENT_METRIC,
)
FAIRNESS_ALARM: Final = _segment(
    "model_fairness_alarm",
    _GAUGE,
    "How much more of the metric the group has than the other, since the start, while the alarm on the two is on; at "
    "most 20 pairs of a segment.",
    (*_SEGMENT_METRIC, "group", "other"),
)
SEGMENT_WORST: Final = _segment(
    "model_segment_worst",
    _GAUGE,
    "How much more of the metric, or less below 0, the group has than all others, since the start: the group that "
    "differs most, where that is more than the objective, whenever one looks.",
    (*_SEGMENT_METRIC, "group"),
)

_KPI: Final = (*_VERSION, "kpi")
_business = partial(Metric, group=Group.BUSINESS)
BUSINESS_VALUE: Final = _business(
    "model_business_value_total",
    _COUNTER,
    "What the indicator sums: of a share the predictions for which it holds, else the amounts above 0.",
    _KPI,
)
BUSINESS_EVENTS: Final = _business(
    "model_business_events_total",
    _COUNTER,
    "What the indicator divides by: the predictions that tell it, or the amounts above 0 that it names.",
    _KPI,
)
BUSINESS_NEGATIVE: Final = _business(
    "model_business_negative_total",
    _COUNTER,
    "Amounts below 0, without sign, to be taken off: `term` is value or events.",
    (*_KPI, "term"),
)
BUSINESS_KPI: Final = _business(
    "model_business_kpi", _GAUGE, "The indicator of the predictions made in the window.", (*_KPI, "window")
)
BUSINESS_KPI_LOWER: Final = _business(
    "model_business_kpi_lower", _GAUGE, "Lower end of its 95 % interval; sums have none.", (*_KPI, "window")
)
BUSINESS_KPI_UPPER: Final = _business(
    "model_business_kpi_upper", _GAUGE, "Upper end of its 95 % interval.", (*_KPI, "window")
)
BUSINESS_EVIDENCE: Final = _business(
    "model_business_evidence",
    _GAUGE,
    "Log evidence that a share among the indicators has moved by more than the tolerance; 0 is the alarm.",
    (*_KPI, "level"),
)
BUSINESS_DETECTED: Final = _business(
    "model_business_detected", _GAUGE, "Whether the alarm of the level on the indicator is on.", (*_KPI, "level")
)

METRICS: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""All of the above, in the order of exposition."""
