"""Which hours get a baseline of their own, and which a wave is measured by."""

from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from model_exporter.baseline.model import SeasonKind, Seasons
from model_exporter.baseline.seasons import find_hours, find_seasons, seasons_at

MONDAY = datetime(2025, 11, 24, tzinfo=UTC).timestamp()
DAILY = Seasons(SeasonKind.HOUR_OF_DAY, tuple(range(24)), (1000,) * 24)
WEEKLY = Seasons(SeasonKind.HOUR_OF_WEEK, tuple(range(168)), (1000,) * 168)


def spread(days: int, rows: int, *, per_hour: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Times of `rows` rows a day over some days, in proportion to `per_hour`."""
    weights = np.ones(24) if per_hour is None else per_hour
    rng = np.random.default_rng(days)
    hours = rng.choice(24, size=rows * days, p=weights / weights.sum())
    return MONDAY + np.repeat(np.arange(days), rows) * 86_400.0 + hours * 3600.0 + rng.random(rows * days) * 3600


@pytest.mark.parametrize(
    ("moment", "hour", "hour_of_week"),
    [
        (MONDAY, 0, 0),
        (MONDAY - 0.001, 23, 167),
        (MONDAY + 3599.999, 0, 0),
        (MONDAY + 3600, 1, 1),
        (0.0, 0, 72),
        (-1.0, 23, 71),
        (-4 * 86_400.0, 0, 144),
        (4e9, 7, 31),
    ],
)
def test_hours_are_those_of_the_utc_calendar(moment: float, hour: int, hour_of_week: int) -> None:
    """The arithmetic on unix seconds agrees with the calendar, at the edges of hours and before 1970 too."""
    calendar = datetime.fromtimestamp(moment, UTC)
    assert (calendar.hour, calendar.weekday() * 24 + calendar.hour) == (hour, hour_of_week)
    assert (DAILY.at(moment), WEEKLY.at(moment)) == (hour, hour_of_week)


def test_hours_of_arrays_are_those_of_single_moments() -> None:
    """The baseline and the live traffic count the same hours."""
    moments = np.random.default_rng(1).uniform(-1e9, 4e9, 500)
    for seasons in (DAILY, WEEKLY):
        assert seasons_at(seasons, moments).tolist() == [seasons.at(moment) for moment in moments.tolist()]


@pytest.mark.parametrize(
    ("days", "rows", "expected"),
    [
        (6, 100_000, []),
        (7, 100_000, [SeasonKind.HOUR_OF_DAY]),
        (27, 100_000, [SeasonKind.HOUR_OF_DAY]),
        (30, 5_000, [SeasonKind.HOUR_OF_DAY]),
        (28, 20_000, [SeasonKind.HOUR_OF_DAY, SeasonKind.HOUR_OF_WEEK]),
    ],
)
def test_seasons_take_time_and_rows(days: int, rows: int, expected: list[SeasonKind]) -> None:
    """Seven days for hours of the day; four weeks, and a thousand rows each, for hours of the week."""
    assert [seasons.kind for seasons in find_seasons(spread(days, rows))] == expected


def test_quiet_hours_share_a_season() -> None:
    """Neighbours are put together until there are a thousand rows; busy hours stay alone."""
    busy = np.r_[np.full(8, 1.0), np.full(16, 100.0)]
    [seasons] = find_seasons(spread(8, 30_000, per_hour=busy))
    assert len(seasons.rows) == 17
    assert seasons.season_of_hour[:8] == (0,) * 8
    assert len(set(seasons.season_of_hour[8:])) == 16
    assert min(seasons.rows) >= 1_000
    assert sum(seasons.rows) == 240_000


def test_midnight_is_no_border() -> None:
    """The last hour of the day and the first are neighbours."""
    night = np.full(24, 100.0)
    night[[22, 23, 0, 1]] = 4.0
    [seasons] = find_seasons(spread(8, 20_000, per_hour=night))
    assert {seasons.season_of_hour[hour] for hour in (22, 23, 0, 1)} == {0}
    assert len(seasons.rows) == 21


def test_rows_of_one_night_are_no_law_of_the_night() -> None:
    """An hour that was busy on a single day joins its neighbours, however many rows it had."""
    day = spread(8, 20_000, per_hour=np.r_[0.0, np.ones(23)])
    flood = MONDAY + np.linspace(0, 3599, 50_000)
    [seasons] = find_seasons(np.concatenate([day, flood]))
    assert seasons.season_of_hour.count(seasons.season_of_hour[0]) > 1


@pytest.mark.parametrize("times", [[], [MONDAY], [MONDAY, MONDAY + 1e7], [MONDAY] * 5000 + [MONDAY + 1e7]])
def test_few_rows_have_no_seasons(times: list[float]) -> None:
    """Neither none nor one nor rows of one hour: there is nothing to tell apart."""
    assert find_seasons(np.array(times, np.float64)) == ()


def slots(hours: float, *, rows: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Starts of all slots from a Monday on, and their rows."""
    starts = MONDAY + np.arange(0.0, hours * 3600, 15.0)
    return starts, np.full(len(starts), rows, np.int64)


def test_a_wave_takes_all_hours_of_a_day() -> None:
    """A baseline of 23 hours has no hours to tell apart; one of a calendar day has 24."""
    assert find_hours(*slots(23, rows=10)) is None
    found = find_hours(*slots(24, rows=10))
    assert found
    assert found.group.tolist() == np.repeat(np.arange(24), 240).tolist()
    assert found.width.tolist() == [1.0] * 24
    assert find_hours(np.zeros(0), np.zeros(0, np.int64)) is None


@pytest.mark.parametrize(("hours", "groups", "period"), [(48, 48, None), (6.5 * 24, 156, None), (7 * 24, 24, 86_400.0)])
def test_hours_of_each_day_stand_alone_until_seasons_can_be_told(
    hours: float, groups: int, period: float | None
) -> None:
    """Up to a week the days differ as the hours do; from a week on the hours of the day are what a wave is of."""
    found = find_hours(*slots(hours, rows=10))
    assert found
    assert (int(found.group.max()) + 1, len(found.width), found.period) == (groups, groups, period)
    assert found.moment.max() < (period or np.inf)


@pytest.mark.parametrize(("rows", "groups"), [(5, 24), (4, 12), (2, 8), (1, 8)])
def test_hours_with_few_rows_are_put_together(rows: int, groups: int) -> None:
    """Until a group has 1,000 rows, or a day eight groups."""
    found = find_hours(*slots(24, rows=rows))
    assert found
    assert len(found.width) == groups
    assert found.width.sum() == 24
    assert np.bincount(found.group).min() * rows >= min(1000, 5760 * rows / 8)


def test_a_night_without_rows_makes_its_group_longer() -> None:
    """A group is as wide as the hours from its first to its last, those without rows too."""
    starts, rows = slots(24, rows=1)
    day = (starts - MONDAY < 7 * 3600) | (starts - MONDAY >= 18 * 3600)
    found = find_hours(starts[day], rows[day])
    assert found
    assert max(found.width) > 10


def test_the_trend_of_a_wave_is_taken_away() -> None:
    """A straight rise over the day is gone between the middles of its first and last hour."""
    starts, rows = slots(24, rows=3)
    found = find_hours(starts, rows)
    assert found
    rise = (starts - MONDAY) / 86_400
    left = found.without_trend((rows * rise)[None, :], rows)[0]
    middle = (starts >= MONDAY + 5400) & (starts < MONDAY + 22 * 3600)
    assert abs(left[middle]).max() < 1e-9
