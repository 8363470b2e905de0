"""Performance in sentences and table cells. Each says what the numbers prove and no more."""

from collections.abc import Iterator
from math import isnan
from typing import Final

from model_exporter.expose.truth_views import GapView, MeasureView, PerformanceView, PerformanceWindowView
from model_exporter.expose.words import percent, quantity, short_span
from model_exporter.stats.fairness import REST

METRIC_WORDS: Final = {
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "brier": "Brier score",
    "macro_f1": "macro F1",
    "macro_roc_auc": "macro ROC AUC",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R2",
    "mape": "MAPE",
    "smape": "sMAPE",
    "mase": "MASE",
    "ndcg": "NDCG",
    "mrr": "MRR",
    "map": "MAP",
}
WITHDRAWN_WORDS: Final = {
    "no_scores": "there are no scores",
    "few_rows": "there are too few predictions",
    "few_labels": "there are too few outcomes to learn from",
    "extrapolation": "predictions lie where there were few outcomes to learn from",
}
COHORT_WORDS: Final = {"1h": "hour", "1d": "day", "7d": "7 days"}
_TOLD: Final = 4
_GAPS: Final = 3


def sentence(note: str) -> str:
    """A note with a capital and a full stop."""
    return f"{note[:1].upper()}{note[1:]}."


def metric_words(metric: str) -> str:
    """The name of a metric as people write it."""
    return METRIC_WORDS.get(metric, metric.replace("_", " "))


def headline(window: PerformanceWindowView) -> tuple[MeasureView, ...]:
    """The metrics of all rows; where each is of a part, as for horizons or depths, those of the first part."""
    of_all = tuple(measure for measure in window.measures if not measure.of)
    if of_all or not window.measures:
        return of_all
    first = window.measures[0].of
    return tuple(measure for measure in window.measures if measure.of == first)


def between(lower: float, upper: float) -> str:
    """An interval."""
    return f"{quantity(lower)} to {quantity(upper)}"


def window_words(told: PerformanceView, window: PerformanceWindowView) -> str:
    """Which predictions a window is of, and how many of them have their outcome, as a sentence."""
    length = COHORT_WORDS.get(window.window, window.window)
    ended = "" if isnan(told.lag_seconds) else f" that ended {short_span(told.lag_seconds)} ago"
    of = f"{percent(window.coverage)} of the {window.predictions:,.0f} predictions"
    return f"{of} of the {length}{ended} have their outcome."


def estimate_sentence(told: PerformanceView) -> str:
    """What is estimated without outcomes over the shortest window, and how far off it was; may be empty."""
    if not told.estimates:
        return ""
    estimate = told.estimates[0]
    length = COHORT_WORDS.get(estimate.window, estimate.window)
    if estimate.withdrawn:
        reason = WITHDRAWN_WORDS.get(estimate.withdrawn, estimate.withdrawn)
        return f"Nothing is estimated without outcomes over the last {length}: {reason}."
    if not estimate.measures:
        return ""
    first = estimate.measures[0]
    error = next((one for one in estimate.errors if (one.metric, one.of) == (first.metric, first.of)), None)
    off = f", {error.value:+.3f} off where outcomes are known" if error else ""
    return (
        f"Estimated from scores, if they still mean what they meant, {metric_words(first.metric)} of the last {length} "
        f"is {quantity(first.value)} ({between(first.lower, first.upper)}){off}."
    )


def performance_state(told: PerformanceView) -> str:
    """Performance in a word or two."""
    if told.alarm:
        return f"ALARM ({told.alarm.value})"
    shown = told.shown
    if shown is None:
        return "unknown"
    return "provisional" if shown.provisional else "known"


def performance_sentences(told: PerformanceView) -> Iterator[str]:
    """How good a version is by its outcomes, or why nobody knows."""
    shown = told.shown
    if shown is None:
        reason = told.note or next((window.note for window in told.windows if window.note), "too few outcomes")
        yield f"How good the predictions are is not known. {sentence(reason)}"
        yield from filter(None, (told.compared, estimate_sentence(told)))
        return
    measures = ", ".join(
        f"{metric_words(one.metric)}{f' of {one.of}' if one.of else ''} {quantity(one.value)} "
        f"({between(one.lower, one.upper)})"
        for one in headline(shown)[:_TOLD]
    )
    yield f"{window_words(told, shown)} By these, {measures}."
    if shown.note:
        yield sentence(shown.note)
    yield from filter(None, (told.compared, estimate_sentence(told)))
    for segment in told.segments:
        of = next((window for window in segment.windows if window.window == shown.window), None)
        gaps = [gap for gap in of.gaps if gap.stands_out][:_GAPS] if of else []
        if gaps:
            yield f"Groups of {segment.segment} differ: {'; '.join(map(gap_words, gaps))}."


def gap_words(gap: GapView) -> str:
    """A gap with its interval."""
    group, other = ("all others" if name == REST else name for name in (gap.group, gap.other))
    return (
        f"{metric_words(gap.metric)} of {group} less that of {other} {gap.value:+.3g} ({between(gap.lower, gap.upper)})"
    )
