"""Performance of a model on the page: metrics with their bounds, what they rest on, and where groups differ."""

from collections.abc import Iterator
from html import escape
from math import isnan
from typing import Final

from model_exporter.expose.markup import facts_list, pill
from model_exporter.expose.pictures import gauge, matrix
from model_exporter.expose.truth_prose import (
    between,
    estimate_sentence,
    gap_words,
    headline,
    metric_words,
    sentence,
    window_words,
)
from model_exporter.expose.truth_views import OutcomesView, PerformanceView, PerformanceWindowView, SegmentView
from model_exporter.expose.words import quantity, short_span, signed

_METRICS: Final = 10
_GAPS: Final = 3


def render_performance(outcomes: OutcomesView | None, performance: PerformanceView | None) -> str:
    """The section of a version; a line that says why where there is nothing to show, and empty without a version."""
    if performance is None:
        return ""
    shown = performance.shown
    if shown is None:
        return _section("", _why_none(performance))
    look = pill("learning", "provisional") if shown.provisional else ""
    note = f'<div class="soft small">{escape(sentence(shown.note))}</div>' if shown.note else ""
    body = (
        f'<div class="soft small">{escape(window_words(performance, shown))} Intervals are at 95 %.</div>{note}'
        f"{_verdicts(performance)}{_metrics(shown)}{_sides(performance, shown)}{_counts(outcomes, performance)}"
    )
    return _section(look, body)


def _verdicts(performance: PerformanceView) -> str:
    """Evidence that outcomes have become worse, level by level, and what is estimated without them."""
    rows = []
    for verdict in performance.verdicts:
        if isnan(verdict.evidence):
            continue
        look = verdict.level if verdict.detected else ""
        told = f'<span class="told">worse {escape(metric_words(verdict.metric))}</span>' if verdict.detected else ""
        rows.append(
            f'<li><span class="level">{verdict.level}</span>{gauge(verdict.evidence, look)}'
            f'<span class="figure{f" on {look}" if look else ""}">{signed(verdict.evidence)}</span>{told}</li>'
        )
    lines = f'<ul class="verdicts">{"".join(rows)}</ul>' if rows else ""
    sentences = filter(None, (performance.compared, estimate_sentence(performance)))
    return lines + "".join(f'<div class="soft small">{escape(one)}</div>' for one in sentences)


def _section(look: str, body: str) -> str:
    return f'<section><div class="top"><h4>Performance</h4>{look}</div>{body}</section>'


def _why_none(performance: PerformanceView) -> str:
    reason = performance.note or next((window.note for window in performance.windows if window.note), "")
    return f'<div class="soft small">{escape(sentence(reason or "too few outcomes"))}</div>{_verdicts(performance)}'


def _metrics(window: PerformanceWindowView) -> str:
    measures = headline(window)
    facts = [
        (
            f"{metric_words(one.metric)}{f' of {one.of}' if one.of else ''}",
            f'<b>{quantity(one.value)}</b> <span class="soft small">{between(one.lower, one.upper)}</span>',
        )
        for one in measures[:_METRICS]
    ]
    more = len(window.measures) - len(facts)
    others = f'<div class="soft small">and {more} more by class, horizon or depth</div>' if more > 0 else ""
    return facts_list(facts) + others


def _sides(performance: PerformanceView, shown: PerformanceWindowView) -> str:
    """The confusion matrix and the gaps between groups, side by side."""
    picture = matrix(performance.confusion)
    parts = [
        f'<figure><figcaption class="soft small">Actual classes by predicted ones, first outcomes since the start'
        f"</figcaption>{picture}</figure>"
        if picture
        else "",
        *(_segment(segment, shown.window) for segment in performance.segments),
    ]
    return f'<div class="sides">{"".join(parts)}</div>' if any(parts) else ""


def _segment(segment: SegmentView, window: str) -> str:
    """Where the groups of a segment differ, or that none does beyond chance."""
    gaps = next((of.gaps for of in segment.windows if of.window == window), ())
    wide = [gap for gap in gaps if gap.stands_out]
    lines = [f"<li>{escape(gap_words(gap))}</li>" for gap in wide[:_GAPS]]
    if len(wide) > _GAPS:
        lines.append(f'<li class="soft">and {len(wide) - _GAPS} more</li>')
    if not lines:
        told = f"none of {len(gaps)} gaps is beyond chance" if gaps else "no two groups are large enough to compare"
        lines = [f'<li class="soft">{told}</li>']
    return (
        f'<div><div class="soft small">Groups of {escape(segment.segment)}, {len(segment.groups):,} seen</div>'
        f'<ul class="gaps">{"".join(lines)}</ul></div>'
    )


def _counts(outcomes: OutcomesView | None, performance: PerformanceView) -> str:
    return f'<div class="soft small">{", ".join(_told(outcomes, performance))}.</div>'


def _told(outcomes: OutcomesView | None, performance: PerformanceView) -> Iterator[str]:
    yield f"{performance.joined:,} outcomes met their prediction"
    if not isnan(performance.mean_delay_seconds):
        yield f"{short_span(performance.mean_delay_seconds)} after it in the mean"
    if performance.corrections:
        yield f"{performance.corrections:,} were corrected"
    if outcomes is None:
        return
    yield f"{outcomes.pending_predictions:,} predictions wait for theirs"
    if lost := sum(outcomes.predictions_without_outcome.values()):
        yield f"{lost:,} waited in vain"
    if unused := sum(outcomes.unmatched.values()):
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in outcomes.unmatched.items() if count)
        yield f"{unused:,} outcomes told nothing ({reasons})"
    if outcomes.sampling_ratio < 1:
        yield f"{outcomes.sampling_ratio:.2g} of the predictions are kept until theirs comes"
