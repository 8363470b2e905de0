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

METRICS: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""All of the above, in the order of exposition."""
