"""Which hours get a baseline of their own.

A model that is asked other things by night than by day would look like one that drifts every evening. A baseline over
`DAILY_SECONDS` or more therefore knows the law of every hour of the day, and one over `WEEKLY_SECONDS` or more, with
rows enough, that of every hour of the week. Hours are UTC throughout: where clocks are changed twice a year, the hours
of local habits move by one against these.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import HOUR_SECONDS, MONDAY_HOURS, SeasonKind, Seasons

DAY: Final = 86_400.0
DAILY_SECONDS: Final = 7 * DAY
"""Span from which on hours of the day are told apart."""
WEEKLY_SECONDS: Final = 28 * DAY
"""Span from which on hours of the week are told apart."""
SEASON_ROWS: Final = 1_000
"""Rows that a season needs. Below that its own error hides more than its law shows."""
SEASON_PERIODS: Final = 3
"""Different days (or weeks) that a season's rows come from, at least: one night alone is no law of the night."""


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
