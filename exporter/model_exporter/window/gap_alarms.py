"""Alarms on the gaps between the groups of a segment, from all rows since a fixed start."""

from collections import Counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.fairness import Alarm, GroupErrors, GroupRates

MAX_NAMED: Final = 20
"""Pairs of groups that are named, those furthest apart first."""
ALARM_SERIES: Final = MAX_NAMED + 5 + 5
"""Series of one segment: the pairs, and whether there are any and the worst group for each of five metrics."""


class GapAlarms:
    """The alarms of one segment.

    An alarm begins when a confidence sequence puts the gap over the tolerance, so that at any of all looks a metric
    without such a gap has one with chance 5 % at most, and ends when the gap itself is within the tolerance. Both are
    of all rows since the start, in which what came first counts as much as what came last: a gap that opens late is
    found late.

    Attributes:
        detected: by metric that groups can be compared by, whether any alarm is on.
    """

    def __init__(self) -> None:
        self.detected: tuple[tuple[str, bool], ...] = ()
        self._pairs: list[Alarm] = []
        self._apart: list[Alarm] = []

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The pairs of groups that are too far apart, those furthest apart first, at most `MAX_NAMED`."""
        return tuple(sorted(self._pairs, key=lambda alarm: -alarm.value)[:MAX_NAMED])

    @property
    def worst(self) -> tuple[Alarm, ...]:
        """For each metric the group furthest from all others, where that is too far."""
        first: dict[str, Alarm] = {}
        for alarm in self._apart:
            first.setdefault(alarm.metric, alarm)
        return tuple(first.values())

    def look(self, tally: GroupRates | GroupErrors, sums: NDArray[np.float64], share: float) -> None:
        """Compare the groups of `tally` by their `sums` since the start; `share` as in `slo.fairness_gap`."""
        tolerance = tally.tolerance(sums, share)
        self._pairs = tally.alarms(sums, tolerance, self._pairs)
        self._apart = tally.apart(sums, tolerance, self._apart)
        groups = Counter(measure.metric for measure in tally.measures(sums))
        on = {alarm.metric for alarm in self._pairs}
        self.detected = tuple((metric, metric in on) for metric, number in groups.items() if number > 1)
