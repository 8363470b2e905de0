"""What the times of a baseline's rows tell: seasons, waves and dependence, feature by feature."""

import numpy as np
import pytest
from numpy.typing import NDArray

from baselines import column
from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.model import Baseline, FeatureBaseline, FeatureType, SeasonKind
from model_exporter.batch import Column, Kind, Role

T0 = 1_764_000_000.0
DAY = 86_400.0


def numbers(values: NDArray[np.float64], name: str) -> Column:
    """A column of floats."""
    return Column(name, Role.INPUT, np.full(len(values), Kind.NUMBER, np.uint8), values)


def built(times: NDArray[np.float64], *columns: Column) -> Baseline:
    """A baseline of rows with times."""
    return build_baseline(columns, model="m", created=0.0, source="", span_seconds=None, times=times)


def at(days: float, rows: int, *, seed: int = 1) -> NDArray[np.float64]:
    """Times of rows that come evenly, in order."""
    return T0 + np.sort(np.random.default_rng(seed).random(rows)) * days * DAY


def daily(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """A wave with the period of a day, from -1 to 1."""
    return np.sin(2 * np.pi * times / DAY)


def by_name(baseline: Baseline) -> dict[str, FeatureBaseline]:
    """Features by their name."""
    return {feature.name: feature for feature in baseline.features}


def test_only_features_that_differ_by_the_hour_have_seasons() -> None:
    """A daily wave gets a baseline an hour; a feature that is always the same keeps all of its rows as one."""
    times, rng = at(8, 60_000), np.random.default_rng(2)
    wave = daily(times)
    said = np.where(rng.random(60_000) < 0.5 + 0.1 * wave, "a", "b").tolist()
    found = built(
        times,
        numbers(rng.normal(size=60_000) + 0.3 * wave, "wave"),
        numbers(rng.normal(size=60_000), "flat"),
        column(said, "said"),
        column([f"id{row}" for row in range(60_000)], "id"),
    )
    features = by_name(found)
    assert [features[name].seasons for name in ("wave", "flat", "said", "id")] == [
        SeasonKind.HOUR_OF_DAY,
        None,
        SeasonKind.HOUR_OF_DAY,
        None,
    ]
    assert [seasons.kind for seasons in found.seasons] == [SeasonKind.HOUR_OF_DAY]
    assert [len(features[name].season_counts) for name in ("wave", "flat", "said", "id")] == [24, 0, 24, 0]
    assert features["id"].phi is None
    assert max(features[name].phi or np.inf for name in ("wave", "flat", "said")) < 2


def test_counts_by_season_are_counts() -> None:
    """They sum to the counts of the bins, and to the rows of the seasons."""
    times, rng = at(8, 60_000), np.random.default_rng(3)
    found = built(times, numbers(rng.normal(size=60_000) + 0.5 * daily(times), "wave"))
    table = np.array(found.features[0].season_counts)
    assert table.sum(axis=0).tolist() == list(found.features[0].counts)
    assert table.sum(axis=1).tolist() == list(found.seasons[0].rows)


def test_the_estimate_of_unseen_categories_is_shared_out() -> None:
    """`_unseen` is an estimate taken from `_other`: each season has a part of both, and they add up."""
    times, rng = at(8, 60_000), np.random.default_rng(4)
    rare = np.where(rng.random(60_000) < 0.3, rng.zipf(1.5, 60_000), 0)
    said = np.where(rng.random(60_000) < 0.5 + 0.3 * daily(times), "day", np.char.add("r", rare.astype(str)))
    [feature] = built(times, column(said.tolist(), "said")).features
    assert feature.type is FeatureType.CATEGORICAL
    assert feature.counts[feature.bins.index("_unseen")] > 24
    table = np.array(feature.season_counts)
    assert table.min() >= 0
    assert table.sum(axis=0).tolist() == list(feature.counts)


def test_features_have_the_finest_seasons_that_they_need() -> None:
    """Four weeks: what differs by the weekday gets hours of the week, what differs by the hour hours of the day."""
    times, rng = at(29, 200_000), np.random.default_rng(5)
    weekend = (times // DAY + 3) % 7 >= 5
    found = built(
        times,
        numbers(rng.normal(size=200_000) + 0.3 * weekend, "weekend"),
        numbers(rng.normal(size=200_000) + 0.3 * daily(times), "wave"),
        numbers(rng.normal(size=200_000), "flat"),
    )
    assert [feature.seasons for feature in found.features] == [
        SeasonKind.HOUR_OF_WEEK,
        SeasonKind.HOUR_OF_DAY,
        None,
    ]
    assert [seasons.kind for seasons in found.seasons] == [SeasonKind.HOUR_OF_DAY, SeasonKind.HOUR_OF_WEEK]
    assert max(feature.phi or np.inf for feature in found.features) < 2


@pytest.mark.parametrize("days", [1, 3])
def test_without_seasons_a_wave_has_a_height(days: float) -> None:
    """From a day on it is known how far the hours differ, and that is no dependence."""
    times, rng = at(days, 60_000), np.random.default_rng(6)
    found = by_name(
        built(
            times,
            numbers(rng.normal(size=60_000) + 0.3 * daily(times), "wave"),
            numbers(rng.normal(size=60_000), "flat"),
            column(["one"] * 60_000, "constant"),
        )
    )
    assert found["wave"].seasons is None
    assert np.sqrt(found["wave"].wave or 0) == pytest.approx(0.32, abs=0.03)
    assert (found["wave"].phi or np.inf) < 2
    assert (found["flat"].wave or 0) < 0.01
    assert (found["flat"].phi or np.inf) < 2
    assert found["constant"].wave is None


def test_features_with_seasons_have_a_wave_too() -> None:
    """What compares with all rows at every hour has to know it."""
    times, rng = at(8, 60_000), np.random.default_rng(16)
    [feature] = built(times, numbers(rng.normal(size=60_000) + 0.3 * daily(times), "x")).features
    assert feature.seasons is SeasonKind.HOUR_OF_DAY
    assert np.sqrt(feature.wave or 0) == pytest.approx(0.32, abs=0.03)


def test_slow_waves_within_the_hour_are_dependence_still() -> None:
    """A wave of ten minutes on top of a daily one: phi is that of the former alone."""
    rng = np.random.default_rng(17)
    times = T0 + np.repeat(np.arange(0.0, DAY, 15.0), 20)
    noise = numbers(rng.normal(size=len(times)), "x")
    minutes = 0.2 * np.sin(2 * np.pi * times / 600)
    phis = [
        built(times, numbers(noise.numbers + minutes + height * daily(times), "x")).features[0].phi
        for height in (0.0, 0.3)
    ]
    assert phis[0] == pytest.approx(phis[1], rel=0.15)
    assert (phis[0] or 0) > 3


def test_less_than_a_day_of_a_wave_is_dependence() -> None:
    """Half a day cannot tell a daily wave from a slow one: phi says that counts vary with it."""
    times, rng = at(0.5, 60_000), np.random.default_rng(6)
    found = by_name(
        built(
            times,
            numbers(rng.normal(size=60_000) + 0.3 * daily(times), "wave"),
            numbers(rng.normal(size=60_000), "flat"),
        )
    )
    assert (found["wave"].seasons, found["wave"].wave) == (None, None)
    assert (found["wave"].phi or 0) > 20
    assert (found["flat"].phi or np.inf) < 2


@pytest.mark.parametrize(("slots", "raised"), [(200, True), (21_000, False)])
def test_a_short_time_tells_the_dependence_of_most_features_for_all(slots: int, *, raised: bool) -> None:
    """Among features that move a still one gets the median of all, unless the rows span days."""
    rng = np.random.default_rng(13)
    times = T0 + np.repeat(np.arange(slots) * 15.0, 5)
    moving = [rng.normal(size=5 * slots) + np.repeat(rng.normal(size=slots), 5) for _ in range(3)]
    found = by_name(
        built(
            times,
            *(numbers(values, f"moving_{number}") for number, values in enumerate(moving)),
            numbers(rng.normal(size=5 * slots), "still"),
            column([7] * (5 * slots), "constant"),
        )
    )
    phis = [found[f"moving_{number}"].phi or np.nan for number in range(3)]
    assert min(phis) > 2
    assert ((found["still"].phi or 0) >= min(phis)) == raised
    assert found["constant"].phi is None


def test_missing_values_in_bursts_are_dependence() -> None:
    """An upstream that fails for a slot at a time makes slots, not rows, the units of chance."""
    rng = np.random.default_rng(7)
    times = T0 + np.repeat(np.arange(6000) * 15.0, 10)
    fails = np.repeat(rng.random(6000) < 0.02, 10)
    values = rng.normal(size=60_000)
    kinds = np.where(fails, np.uint8(Kind.NULL), np.uint8(Kind.NUMBER))
    [feature] = built(times, Column("x", Role.INPUT, kinds, np.where(fails, np.nan, values))).features
    assert feature.phi == pytest.approx(10, rel=0.3)


def test_rows_without_a_time_are_left_out_of_seasons() -> None:
    """They count in the bins and in no hour."""
    times, rng = at(8, 60_000), np.random.default_rng(8)
    values = rng.normal(size=60_000) + 0.5 * daily(times)
    times[::3] = np.nan
    [feature] = built(times, numbers(values, "x")).features
    assert np.sum(feature.season_counts) == 40_000
    assert sum(feature.counts) == 60_000


def test_seconds_since_a_start_are_no_hours() -> None:
    """A clock without a date tells dependence, but not what time of the day it is."""
    times, rng = at(8, 60_000) - T0, np.random.default_rng(9)
    found = built(times, numbers(rng.normal(size=60_000) + 0.5 * daily(times), "x"))
    assert (found.seasons, found.features[0].wave) == ((), None)
    assert (found.features[0].phi or 0) > 5


@pytest.mark.parametrize("times", [np.full(500, np.nan), np.full(500, T0), T0 + np.arange(500) // 10 * 15.0])
def test_rows_of_few_slots_tell_nothing(times: NDArray[np.float64]) -> None:
    """Without times, at one moment, or in fifty slots: neither seasons nor dependence."""
    found = built(times, numbers(np.random.default_rng(10).normal(size=500), "x"))
    assert (found.seasons, found.features[0].phi, found.features[0].rho) == ((), None, None)


def test_a_constant_feature_has_no_phi() -> None:
    """What does not vary has no variance to compare."""
    [feature] = built(at(2, 5_000), column([7] * 5_000, "x")).features
    assert (feature.phi, feature.seasons) == (None, None)


def test_the_digest_covers_what_the_times_tell() -> None:
    """The same bins with other seasons, or other dependence, are another baseline."""
    times, rng = at(8, 60_000), np.random.default_rng(11)
    values = numbers(rng.normal(size=60_000) + 0.5 * daily(times), "x")
    digests = {built(moments, values).digest for moments in (times, times + 6 * 3600, np.full(60_000, np.nan))}
    assert len(digests) == 3
