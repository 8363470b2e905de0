"""Outcomes and performance as people read them; what is absent says why.

Floats that are NaN mean that there is no value; JSON has null in their stead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Final

from model_exporter.expose.performance_prose import performance_sentence
from model_exporter.expose.segment_series import CELLS
from model_exporter.expose.text import clean
from model_exporter.expose.verdict_views import Alarm
from model_exporter.expose.words import moment, percent, short_span
from model_exporter.stats.fairness import Gap
from model_exporter.stats.measure import Measure
from model_exporter.window.snapshot import (
    CohortSnapshot,
    Counted,
    Counter,
    EstimateSnapshot,
    GroupSnapshot,
    ModelSnapshot,
    PerformanceDriftSnapshot,
    PerformanceSnapshot,
    SegmentSnapshot,
    SegmentWindow,
    TruthSnapshot,
)

NEVER_TOLD: Final = "no outcomes yet: predictions begin to wait for theirs with the first one that is told"


@dataclass(frozen=True, slots=True)
class OutcomesView:
    """What became of a model's outcomes since the start, and of the predictions that wait for theirs."""

    received: int
    early: int
    duplicates: int
    pending_predictions: int
    pending_outcomes: int
    sampling_ratio: float
    unmatched: dict[str, int]
    predictions_without_outcome: dict[str, int]


@dataclass(frozen=True, slots=True)
class MeasureView:
    """A metric with its 95 % interval; `of` is the class, horizon, depth or group that it is of, empty for all rows."""

    metric: str
    of: str
    value: float
    lower: float
    upper: float
    rows: float


@dataclass(frozen=True, slots=True)
class PerformanceWindowView:
    """Performance of the predictions of one window, as far as their outcomes are known.

    `provisional` is None without outcomes. `note` says why a number is missing or not to be trusted yet; it is empty
    when nothing is wrong with them.
    """

    window: str
    predictions: float
    outcomes: float
    coverage: float
    provisional: bool | None
    note: str
    measures: tuple[MeasureView, ...]


@dataclass(frozen=True, slots=True)
class GapView:
    """How much more of a metric a group has than another, with the interval of all gaps of the metric together."""

    metric: str
    group: str
    other: str
    value: float
    lower: float
    upper: float
    rows: float

    @property
    def stands_out(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.lower > 0 or self.upper < 0


@dataclass(frozen=True, slots=True)
class GroupView:
    """Counts of one group since the start; None where they have no meaning for the kind of model."""

    group: str
    predictions: int
    positives: float | None
    confusion: dict[str, dict[str, float]] | None  # actual, predicted
    outcomes: float | None
    absolute_error: float | None


@dataclass(frozen=True, slots=True)
class SegmentWindowView:
    """Groups over one window; those below the minimum size are not shown."""

    window: str
    measures: tuple[MeasureView, ...]
    gaps: tuple[GapView, ...]


@dataclass(frozen=True, slots=True)
class SegmentView:
    """The groups of one segment."""

    segment: str
    groups: tuple[GroupView, ...]
    windows: tuple[SegmentWindowView, ...]


@dataclass(frozen=True, slots=True)
class PerformanceVerdictView:
    """What outcomes say of a version at one level; an alarm begins at a log evidence of 0.

    `onset` is when outcomes began to be worse, by estimate, ISO 8601, and `metric` is what they are worse in; both
    only while the alarm is on.
    """

    level: str
    detected: bool
    evidence: float
    onset: str | None
    onset_unix: float
    metric: str


@dataclass(frozen=True, slots=True)
class EstimateErrorView:
    """Estimate less realised value of a metric, for predictions whose outcomes are known."""

    metric: str
    of: str
    value: float


@dataclass(frozen=True, slots=True)
class EstimateView:
    """Performance of all predictions of a window up to now, estimated from their scores.

    It assumes that a score still means what it meant. `withdrawn` is why there is none; empty when there is.
    """

    window: str
    measures: tuple[MeasureView, ...]
    withdrawn: str
    errors: tuple[EstimateErrorView, ...]


@dataclass(frozen=True, slots=True)
class PerformanceView:
    """What outcomes tell of one version.

    Attributes:
        joined: predictions that met their outcome, since the start.
        corrections: outcomes that replaced earlier ones.
        lag_seconds: how long before now the windows end, NaN while that is not known.
        mean_delay_seconds: from prediction to outcome, NaN without any.
        note: why there is nothing to tell; empty when there is.
        windows: shortest first.
        confusion: first outcomes since the start by actual and predicted class; empty unless the model is a classifier.
        segments: those that are configured.
        compared: whether outcomes have become worse, and than what, in words; empty where nothing is compared.
        verdicts: gravest level first; empty until outcomes were compared.
        estimates: before outcomes are known; empty for models whose scores are not compared.
    """

    joined: int
    corrections: int
    lag_seconds: float
    mean_delay_seconds: float
    note: str
    windows: tuple[PerformanceWindowView, ...]
    confusion: dict[str, dict[str, float]]
    segments: tuple[SegmentView, ...]
    compared: str = ""
    verdicts: tuple[PerformanceVerdictView, ...] = ()
    estimates: tuple[EstimateView, ...] = ()

    @property
    def alarm(self) -> Alarm | None:
        """The gravest alarm that is on; None without any."""
        return next((Alarm(verdict.level) for verdict in self.verdicts if verdict.detected), None)

    @property
    def shown(self) -> PerformanceWindowView | None:
        """The window to look at: the shortest with metrics that is not provisional, else the one that knows most."""
        told = [window for window in self.windows if window.measures]
        sound = (window for window in told if not window.provisional)
        return next(sound, None) or max(told, key=lambda window: window.outcomes, default=None)


def view_outcomes(model: ModelSnapshot) -> OutcomesView | None:
    """What became of the outcomes of `model`; None while no prediction waits for any."""
    truth = model.truth
    if truth is None:
        return None
    return OutcomesView(
        received=model.outcomes,
        early=truth.early,
        duplicates=truth.duplicates,
        pending_predictions=truth.pending,
        pending_outcomes=truth.outcomes_waiting,
        sampling_ratio=truth.rate,
        unmatched=dict(truth.unmatched),
        predictions_without_outcome=dict(truth.lost),
    )


def view_performance(model: ModelSnapshot, version: str) -> PerformanceView:
    """What outcomes tell of `version` of `model`, or why they tell nothing."""
    truth = model.truth
    told = next((one for one in truth.performance if one.version == version), None) if truth else None
    if told is None:
        return PerformanceView(0, 0, nan, nan, _none_of(truth), (), {}, ())
    delays = int(told.delay.buckets.sum())
    return PerformanceView(
        joined=told.joined,
        corrections=told.corrections,
        lag_seconds=told.lag,
        mean_delay_seconds=told.delay.total_seconds / delays if delays else nan,
        note="" if told.joined else _none_of(truth),
        windows=tuple(_window(told, window) for window in told.windows),
        confusion=_confusion(told.counters),
        segments=tuple(map(_segment, told.segments)),
        compared=performance_sentence(model, version),
        verdicts=tuple(map(_verdict, told.drift)),
        estimates=tuple(map(_estimate, told.estimates)),
    )


def _verdict(drift: PerformanceDriftSnapshot) -> PerformanceVerdictView:
    return PerformanceVerdictView(
        drift.level, drift.detected, drift.log_evidence, moment(drift.onset), drift.onset, drift.metric
    )


def _estimate(estimate: EstimateSnapshot) -> EstimateView:
    return EstimateView(
        estimate.name,
        tuple(map(_measure, estimate.measures)),
        estimate.withdrawn,
        tuple(EstimateErrorView(error.metric, clean(error.label), error.value) for error in estimate.errors),
    )


def _none_of(truth: TruthSnapshot | None) -> str:
    if truth is None:
        return NEVER_TOLD
    return f"no outcomes yet: {truth.pending:,} predictions wait for theirs"


def _window(told: PerformanceSnapshot, window: CohortSnapshot) -> PerformanceWindowView:
    return PerformanceWindowView(
        window=window.name,
        predictions=window.predicted,
        outcomes=window.labelled,
        coverage=window.coverage,
        provisional=window.provisional if window.labelled > 0 else None,
        note=_note(window, told.lag),
        measures=tuple(map(_measure, window.measures)),
    )


def _note(window: CohortSnapshot, lag: float) -> str:
    """Why a window's numbers are missing, or provisional."""
    if isnan(window.coverage):
        ends = "" if isnan(lag) else f": it ends {short_span(lag)} ago, when outcomes have had time to arrive"
        return f"no predictions in this window{ends}"
    if window.labelled <= 0:
        return f"no outcomes yet of {window.predicted:,.0f} predictions in this window"
    few = "" if window.measures else f"; {window.labelled:,.0f} are too few for a metric"
    if not window.provisional:
        return few.removeprefix("; ")
    if isnan(lag):
        return f"provisional: too few outcomes to know how long they take{few}"
    return f"provisional: {percent(window.coverage)} of the predictions of this window have their outcome{few}"


def _measure(measure: Measure) -> MeasureView:
    return MeasureView(
        measure.metric, clean(measure.label), measure.value, measure.lower, measure.upper, rows=measure.count
    )


def _confusion(counters: Sequence[Counted]) -> dict[str, dict[str, float]]:
    cells: dict[str, dict[str, float]] = {}
    for counted in counters:
        if counted.counter is Counter.CONFUSION:
            actual, predicted = map(clean, counted.labels)
            cells.setdefault(actual, {})[predicted] = counted.value
    return cells


def _segment(segment: SegmentSnapshot) -> SegmentView:
    return SegmentView(clean(segment.name), tuple(map(_group, segment.groups)), tuple(map(_of_groups, segment.windows)))


def _group(group: GroupSnapshot) -> GroupView:
    confusion: dict[str, dict[str, float]] = {}
    for (actual, predicted), count in zip(CELLS, group.confusion or (), strict=False):
        confusion.setdefault(actual, {})[predicted] = count
    return GroupView(
        clean(group.group),
        group.predictions,
        group.positives,
        confusion or None,
        group.outcomes,
        group.absolute_error,
    )


def _of_groups(window: SegmentWindow) -> SegmentWindowView:
    gaps = sorted(map(_gap, window.gaps), key=lambda gap: (not gap.stands_out, -abs(gap.value)))
    return SegmentWindowView(window.name, tuple(map(_measure, window.measures)), tuple(gaps))


def _gap(gap: Gap) -> GapView:
    return GapView(gap.metric, clean(gap.group), clean(gap.other), gap.value, gap.lower, gap.upper, rows=gap.count)
