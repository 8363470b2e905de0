"""Which hours get a baseline of their own.

A model that is asked other things by night than by day would look like one that drifts every evening. A baseline over
`DAILY_SECONDS` or more therefore knows the law of every hour of the day, and one over `WEEKLY_SECONDS` or more, with
rows enough, that of every hour of the week. Hours are UTC throughout: where clocks are changed twice a year, the hours
of local habits move by one against these.

What a shorter baseline knows is how far the hours differ from each other: the wave, see `Hours`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import HOUR_SECONDS, MONDAY_HOURS, SeasonKind, Seasons

DAY: Final = 86_400.0
DAILY_SECONDS: Final = 7 * DAY - HOUR_SECONDS
"""Span from which on hours of the day are told apart: of seven whole days the first row is seldom the first second."""
WEEKLY_SECONDS: Final = 28 * DAY - HOUR_SECONDS
"""Span from which on hours of the week are told apart."""
SEASON_ROWS: Final = 1_000
"""Rows that a season needs. Below that its own error hides more than its law shows."""
SEASON_PERIODS: Final = 3
"""Different days (or weeks) that a season's rows come from, at least: one night alone is no law of the night."""
WAVE_HOURS: Final = 24
"""Hours of the clock that a baseline has to touch, from the first to the last, before its wave is measured."""
_GROUPS_A_DAY: Final = 8
"""Groups of hours that a day gets, however few its rows are."""


def find_seasons(times: NDArray[np.float64]) -> tuple[Seasons, ...]:
    """The seasons that rows at `times` are enough for, hours of the day first.

    Neighbouring hours with few rows are put together until every season has `SEASON_ROWS` from `SEASON_PERIODS`
    different days (or weeks). Hours of the week are for baselines with `SEASON_ROWS` for each of them in the mean;
    with fewer, hours of the day say more.

    Args:
        times: float64[n], unix seconds, finite, in any order.
    """
    span = float(np.ptp(times)) if len(times) else 0.0
    kinds = []
    if span >= DAILY_SECONDS:
        kinds.append(SeasonKind.HOUR_OF_DAY)
    if span >= WEEKLY_SECONDS and len(times) >= SEASON_ROWS * SeasonKind.HOUR_OF_WEEK.hours:
        kinds.append(SeasonKind.HOUR_OF_WEEK)
    found = (_seasons(times, kind) for kind in kinds)
    return tuple(seasons for seasons in found if len(seasons.rows) > 1)


def seasons_at(seasons: Seasons, times: NDArray[np.float64]) -> NDArray[np.intp]:
    """The season of each of `times`, as `Seasons.at`, intp[n]."""
    hours = _hours(times) % seasons.kind.hours
    return np.array(seasons.season_of_hour, np.intp)[hours]


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours, or groups of neighbouring ones, whose laws a wave is measured by.

    Up to `DAILY_SECONDS` each hour of each day stands by itself: what changed from one day to the next is then part of
    the wave. Beyond, it is the hours of the day, because one bad hour in weeks is no rhythm.

    Attributes:
        group: intp[T], the group of each slot.
        width: float64[G], hours from the first to the last of each group.
        moment: float64[T], seconds of each slot on the clock that the groups are on.
        period: seconds after which that clock starts anew, None where it does not.
    """

    group: NDArray[np.intp]
    width: NDArray[np.float64]
    moment: NDArray[np.float64]
    period: float | None

    def without_trend(self, sums: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Sums float64[H, T] of scores by slot, less the wave: the line from each group's mean to that of the next.

        With the mean alone taken away, the slope of a wave within the hour would look like dependence.
        """
        by_group = np.bincount(self.group, rows)
        centres = np.bincount(self.group, rows * self.moment) / by_group
        means = (np.bincount(self.group, row) / by_group for row in sums)
        lines = [np.interp(self.moment, centres, mean, period=self.period) for mean in means]
        return sums - rows * np.array(lines).reshape(sums.shape)


def find_hours(starts: NDArray[np.float64], rows: NDArray[np.int64]) -> Hours | None:
    """The hours that the wave of a baseline is measured by, None for one of less than `WAVE_HOURS`.

    Neighbouring hours are put together until each group has `SEASON_ROWS` rows, or as many as make about eight groups
    a day.

    Args:
        starts: float64[T], ascending starts of slots, unix seconds.
        rows: int64[T], rows of each, at least one.
    """
    hour = _hours(starts)
    if not len(hour) or hour[-1] - hour[0] + 1 < WAVE_HOURS:
        return None
    daily = float(starts[-1] - starts[0]) >= DAILY_SECONDS
    if daily:
        hour %= SeasonKind.HOUR_OF_DAY.hours
    days = 1 if daily else (hour[-1] - hour[0] + 1) / 24
    least = min(float(SEASON_ROWS), rows.sum() / (_GROUPS_A_DAY * days))
    present, place = np.unique(hour, return_inverse=True)
    firsts, held = [0], 0
    for index, more in enumerate(np.bincount(place, rows).tolist()):
        if held >= least:
            firsts.append(index)
            held = 0
        held += more
    if held < least and len(firsts) > 1:
        firsts.pop()
    group = np.searchsorted(firsts, place, side="right") - 1
    lasts = np.append(firsts[1:], len(present)) - 1
    return Hours(
        group,
        (present[lasts] - present[firsts] + 1).astype(np.float64),
        starts % DAY if daily else starts,
        DAY if daily else None,
    )


def _hours(times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Hours since the Monday before the beginning of unix time."""
    return (times // HOUR_SECONDS).astype(np.int64) + MONDAY_HOURS


def _seasons(times: NDArray[np.float64], kind: SeasonKind) -> Seasons:
    periods, hours = np.divmod(_hours(times), kind.hours)
    rows = np.bincount(hours, minlength=kind.hours)
    _, period = np.unique(periods, return_inverse=True)
    present = np.zeros((kind.hours, int(period.max()) + 1), np.bool_)
    present[hours, period] = True
    season_of_hour = _merged(rows, present)
    by_season = np.bincount(season_of_hour, rows).astype(np.int64)
    return Seasons(kind, tuple(season_of_hour.tolist()), tuple(by_season.tolist()))


def _merged(rows: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The season of each hour, when the poorest season joins its poorer neighbour until none is poor.

    Args:
        rows: int64[H] by hour; the last hour and the first are neighbours.
        present: bool[H, P], whether the hour has a row in each of P periods.
    """
    hours = [[hour] for hour in range(len(rows))]
    held, seen = rows.tolist(), list(present)
    while len(hours) > 1:
        poor = [s for s in range(len(hours)) if held[s] < SEASON_ROWS or seen[s].sum() < SEASON_PERIODS]
        if not poor:
            break
        one = min(poor, key=lambda season: held[season])
        before, after = (one - 1) % len(hours), (one + 1) % len(hours)
        other = before if held[before] < held[after] else after
        hours[other] += hours[one]
        held[other] += held[one]
        seen[other] = seen[other] | seen[one]
        del hours[one], held[one], seen[one]
    season_of_hour = np.zeros(len(rows), np.intp)
    for season, members in enumerate(sorted(hours, key=min)):
        season_of_hour[members] = season
    return season_of_hour
