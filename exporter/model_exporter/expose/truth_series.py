"""The series of outcomes and of the performance that they tell of."""

from math import isnan
from operator import is_
from typing import Final

from model_exporter.expose import truth_catalogue as catalogue
from model_exporter.expose.blocks import HistogramBlock
from model_exporter.expose.business_series import write_indicator
from model_exporter.expose.metric import Metric
from model_exporter.expose.performance_verdict_series import write_estimate, write_performance_drift, write_reference
from model_exporter.expose.segment_series import write_segment
from model_exporter.expose.text import Kept, Lines
from model_exporter.stats.measure import Measure
from model_exporter.window.snapshot import DELAY_BUCKETS, CohortSnapshot, Counter, PerformanceSnapshot, TruthSnapshot

_COUNTERS: Final[dict[Counter, Metric]] = {
    Counter.CONFUSION: catalogue.CONFUSION,
    Counter.SCORE_BIN: catalogue.SCORE_BIN,
    Counter.ABSOLUTE_ERROR: catalogue.ABSOLUTE_ERROR,
    Counter.SQUARED_ERROR: catalogue.SQUARED_ERROR,
}


def write_truth(lines: Lines, model: str, truth: TruthSnapshot) -> None:
    """Add what became of the outcomes of `model`, whatever its versions."""
    for reason, outcomes in truth.unmatched:
        lines.sample(catalogue.UNMATCHED, (model, reason), outcomes)
    for reason, predictions in truth.lost:
        lines.sample(catalogue.LOST, (model, reason), predictions)
    lines.sample(catalogue.DUPLICATES, (model,), truth.duplicates)
    lines.sample(catalogue.EARLY, (model,), truth.early)
    lines.sample(catalogue.PENDING, (model,), truth.pending)
    lines.sample(catalogue.PENDING_OUTCOMES, (model,), truth.outcomes_waiting)
    lines.sample(catalogue.SAMPLING, (model,), truth.rate)
    if truth.reference:
        write_reference(lines, model, truth.reference)


class PerformanceText:
    """Lines of one version's performance; those of the very snapshot that was written last are what they were."""

    def __init__(self, model: str, version: str) -> None:
        self._names = (model, version)
        self._delay = HistogramBlock(catalogue.DELAY, self._names, DELAY_BUCKETS)
        self._kept = Kept(is_)

    def write(self, lines: Lines, told: PerformanceSnapshot) -> None:
        """Add the series of `told`."""
        self._kept.write(lines, told, lambda fresh: self._write(fresh, told))

    def _write(self, lines: Lines, told: PerformanceSnapshot) -> None:
        lines.sample(catalogue.JOINED, self._names, told.joined)
        lines.sample(catalogue.CORRECTIONS, self._names, told.corrections)
        self._delay.write(lines, told.delay)
        if not isnan(told.lag):
            lines.sample(catalogue.LAG, self._names, told.lag)
        for counted in told.counters:
            lines.sample(_COUNTERS[counted.counter], (*self._names, *counted.labels), counted.value)
        for window in told.windows:
            self._write_window(lines, window)
        for name, measure in told.recommended:
            self._write_measure(lines, name, measure)
        for segment in told.segments:
            write_segment(lines, self._names, segment)
        for indicator in told.business:
            write_indicator(lines, self._names, indicator)
        for drift in told.drift:
            write_performance_drift(lines, self._names, drift)
        for estimate in told.estimates:
            write_estimate(lines, self._names, estimate)

    def _write_measure(self, lines: Lines, window: str, measure: Measure) -> None:
        labels = (*self._names, measure.metric, measure.label, window)
        lines.sample(catalogue.PERFORMANCE, labels, measure.value)
        lines.sample(catalogue.PERFORMANCE_LOWER, labels, measure.lower)
        lines.sample(catalogue.PERFORMANCE_UPPER, labels, measure.upper)

    def _write_window(self, lines: Lines, window: CohortSnapshot) -> None:
        """Without predictions there is no coverage, and without outcomes nothing that could be good or provisional."""
        names = (*self._names, window.name)
        if not isnan(window.coverage):
            lines.sample(catalogue.COVERAGE, names, window.coverage)
        if window.labelled <= 0:
            return
        lines.sample(catalogue.WINDOW_OUTCOMES, names, window.labelled)
        lines.sample(catalogue.PROVISIONAL, names, window.provisional)
        for measure in window.measures:
            self._write_measure(lines, window.name, measure)
