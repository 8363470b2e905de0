"""The series of segments: traffic, rates and errors of their groups, and the gaps between them."""

from itertools import product

from model_exporter.expose import truth_catalogue as catalogue
from model_exporter.expose.metric import Labels
from model_exporter.expose.text import Lines
from model_exporter.window.snapshot import GroupSnapshot, SegmentSnapshot, SegmentWindow

CELLS = tuple(product(("positive", "negative"), repeat=2))
"""Labels `actual` and `predicted` of `GroupSnapshot.confusion`."""


def write_segment(lines: Lines, version: Labels, segment: SegmentSnapshot) -> None:
    """Add the series of `segment` of a model version, whose names are `version`."""
    names = (*version, segment.name)
    for group in segment.groups:
        _write_group(lines, (*names, group.group), group)
    for window in segment.windows:
        _write_window(lines, names, window)
    for metric, is_on in segment.detected:
        lines.sample(catalogue.FAIRNESS_DETECTED, (*names, metric), is_on)
    for alarm in segment.alarms:
        lines.sample(catalogue.FAIRNESS_ALARM, (*names, alarm.metric, alarm.group, alarm.other), alarm.value)
    for worst in segment.worst:
        lines.sample(catalogue.SEGMENT_WORST, (*names, worst.metric, worst.group), worst.value)


def _write_group(lines: Lines, names: Labels, group: GroupSnapshot) -> None:
    lines.sample(catalogue.SEGMENT_PREDICTIONS, names, group.predictions)
    if group.positives is not None:
        lines.sample(catalogue.SEGMENT_POSITIVES, names, group.positives)
    for cell, count in zip(CELLS, group.confusion or (), strict=False):
        lines.sample(catalogue.SEGMENT_CONFUSION, (*names, *cell), count)
    if group.outcomes is not None:
        lines.sample(catalogue.SEGMENT_OUTCOMES, names, group.outcomes)
    if group.absolute_error is not None:
        lines.sample(catalogue.SEGMENT_ABSOLUTE_ERROR, names, group.absolute_error)


def _write_window(lines: Lines, names: Labels, window: SegmentWindow) -> None:
    for measure in window.measures:
        labels = (*names, measure.label, measure.metric, window.name)
        lines.sample(catalogue.SEGMENT_PERFORMANCE, labels, measure.value)
        lines.sample(catalogue.SEGMENT_PERFORMANCE_LOWER, labels, measure.lower)
        lines.sample(catalogue.SEGMENT_PERFORMANCE_UPPER, labels, measure.upper)
    for gap in window.gaps:
        labels = (*names, gap.metric, gap.group, gap.other, window.name)
        lines.sample(catalogue.FAIRNESS_GAP, labels, gap.value)
        lines.sample(catalogue.FAIRNESS_GAP_LOWER, labels, gap.lower)
        lines.sample(catalogue.FAIRNESS_GAP_UPPER, labels, gap.upper)
