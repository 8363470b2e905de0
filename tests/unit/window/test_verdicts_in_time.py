"""Verdicts on traffic that has a rhythm, or whose slots depend on each other."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from math import erf, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from batches import T0
from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.model import Baseline, SeasonKind
from model_exporter.batch import Column, Kind, Role
from model_exporter.config.settings import Drift, DriftLevel, ModelSettings
from model_exporter.stats.dependence import RHO
from model_exporter.window.snapshot import LEVELS, SHAPES, BinLayout
from model_exporter.window.verdicts import Bets, Verdicts

Floats = NDArray[np.float64]
Means = Callable[[Floats, np.random.Generator], Floats]
DAY = 86_400.0
SLOT = 15.0
PATIENCE = 1000 * SLOT
"""A short mean time between false alarms: with 3,000 slots there may be three, and too many show."""
SETTINGS = ModelSettings(drift=Drift(DriftLevel(PATIENCE, 0.01), DriftLevel(PATIENCE, 0.0025)))


def steady(times: Floats, _: np.random.Generator) -> Floats:
    """No rhythm at all."""
    return np.zeros(len(times))


def daily(times: Floats, _: np.random.Generator) -> Floats:
    """A wave of 0.3 sd with the period of a day."""
    return 0.3 * np.sin(2 * np.pi * times / DAY)


def slow(times: Floats, random: np.random.Generator) -> Floats:
    """Waves of 0.1 sd that are nine tenths of themselves a slot later: a first-order autoregression."""
    level = np.zeros(len(times))
    for slot, noise in enumerate(random.normal(scale=0.1 * sqrt(1 - 0.9**2), size=len(times) - 1)):
        level[slot + 1] = 0.9 * level[slot] + noise
    return level


@cache
def learned(means: Means, *, days: float, every: float = SLOT, rows: int = 25, timed: bool = True) -> Baseline:
    """A baseline of one feature, with slots of some rows at regular times."""
    random = np.random.default_rng(1)
    slots: Floats = T0 - 30 * DAY + np.arange(0.0, days * DAY, every)
    times = np.repeat(slots, rows)
    values = random.normal(size=len(times)) + np.repeat(means(slots, random), rows)
    cells = Column("x", Role.INPUT, np.full(len(times), Kind.NUMBER, np.uint8), values)
    return build_baseline(
        [cells], model="m", created=T0, source="", span_seconds=days * DAY, times=times if timed else None
    )


def bets_on(baseline: Baseline) -> Bets:
    """What is bet against a baseline under `SETTINGS`."""
    starts = np.cumsum([0, *(len(feature.bins) for feature in baseline.features)])
    counts = np.concatenate([feature.counts for feature in baseline.features])
    return Bets(BinLayout(baseline, tuple(range(len(baseline.features))), starts, counts), SETTINGS)


def judge(
    baseline: Baseline, means: Means, *, slots: int, every: float = SLOT, rows: int = 25, start: float = T0
) -> tuple[Verdicts, list[int]]:
    """Verdicts after traffic with the given means, and how many alarms began at each level."""
    verdicts = Verdicts(bets_on(baseline))
    random = np.random.default_rng(2)
    moments: Floats = start + np.arange(slots, dtype=np.float64) * every
    edges = np.array(baseline.features[0].edges)
    phi = np.vectorize(lambda x: (1 + erf(x / sqrt(2))) / 2)
    up_to = phi(edges - means(moments, random)[:, None])
    shares = np.diff(up_to, axis=1, prepend=0.0, append=1.0)
    began = [0] * len(LEVELS)
    before = [False] * len(LEVELS)
    for moment, share in zip(moments.tolist(), shares, strict=True):
        verdicts.take_slot(moment, np.append(random.multinomial(rows, share), 0))
        now = [drift.detected for drift in verdicts.snapshot]
        began = [n + (on and not was) for n, on, was in zip(began, now, before, strict=True)]
        before = now
    return verdicts, began


def test_a_daily_rhythm_is_drift_where_the_hours_are_not_known() -> None:
    """Against a baseline without times 0.3 sd up and down alarm on the first day, at both levels."""
    _, began = judge(learned(daily, days=1, timed=False), daily, slots=1440, every=60, rows=100)
    assert min(began) >= 1


@pytest.mark.parametrize("rows", [25, 250])
def test_a_daily_rhythm_is_no_drift_where_they_are(rows: int) -> None:
    """Against 24 hourly baselines two days have no more false alarms than the patience allows; here, none."""
    baseline = learned(daily, days=8, every=60)
    assert baseline.features[0].seasons is SeasonKind.HOUR_OF_DAY
    _, began = judge(baseline, daily, slots=2880, every=60, rows=rows)
    assert max(began) * PATIENCE <= 2880 * SLOT
    assert began == [0, 0]


@pytest.mark.parametrize("rows", [25, 250])
@pytest.mark.parametrize("days", [1, 3])
def test_a_rhythm_within_the_known_wave_is_no_drift(days: float, rows: int) -> None:
    """A day or three are too few for seasons, but show how far the hours differ: no false alarm in two days."""
    baseline = learned(daily, days=days, every=60)
    assert baseline.seasons == ()
    _, began = judge(baseline, daily, slots=2880, every=60, rows=rows)
    assert began == [0, 0]


def test_drift_beyond_the_known_wave_is_found_soon() -> None:
    """With the wave as dependence a shift of 0.7 sd is not told within half an hour; with its height it is."""
    found = learned(daily, days=3, every=60)
    [feature] = found.features
    as_dependence = replace(found, features=(replace(feature, wave=None, phi=200.0, rho=5.0),))
    shifted: Means = lambda times, random: daily(times, random) + 0.7  # noqa: E731  # a traffic in one line
    assert judge(found, shifted, slots=120)[1] == [1, 1]
    assert judge(as_dependence, shifted, slots=120)[1] == [0, 0]


def test_a_rhythm_that_only_phi_knows_is_no_drift() -> None:
    """A file from before waves were measured has the wave in phi: no false alarm."""
    found = learned(daily, days=3, every=60)
    old = replace(found, features=(replace(found.features[0], wave=None, phi=200.0, rho=5.0),))
    _, began = judge(old, daily, slots=2880, every=60)
    assert began == [0, 0]


def test_the_wave_of_a_feature_with_seasons_is_no_tolerance() -> None:
    """Its hours have laws of their own, so that the tolerance of the level is all that is allowed."""
    seasonal, plain = learned(daily, days=8, every=60), learned(daily, days=3, every=60)
    allowed = [bets_on(baseline).levels[1].tables._allowance.divergence[0] for baseline in (seasonal, plain)]
    assert allowed[0] == 0.0025
    assert allowed[1] == plain.features[0].wave


def test_missing_values_that_come_and_go_with_the_day_are_no_drift() -> None:
    """2 % by day, 8 % by night, in the baseline as in the traffic: no alarm; 20 % all the time is one."""
    random = np.random.default_rng(4)
    times = np.repeat(T0 // DAY * DAY - DAY + np.arange(0.0, DAY, 15.0), 20)
    night: Callable[[Floats], Floats] = lambda moments: 0.05 + 0.03 * np.sin(2 * np.pi * moments / DAY)  # noqa: E731
    missing = random.random(len(times)) < night(times)
    kinds = np.where(missing, np.uint8(Kind.NULL), np.uint8(Kind.NUMBER))
    values = np.where(missing, np.nan, random.normal(size=len(times)))
    baseline = build_baseline(
        [Column("x", Role.INPUT, kinds, values)], model="m", created=T0, source="", span_seconds=DAY, times=times
    )
    law = np.array(baseline.features[0].counts[:-1]) / sum(baseline.features[0].counts[:-1])
    for share, alarms in ((night, [0, 0]), (lambda moments: np.full(len(moments), 0.2), [1, 1])):
        verdicts, began = Verdicts(bets_on(baseline)), [False, False]
        moments = T0 // DAY * DAY + np.arange(0.0, DAY, 60.0)
        for moment, part in zip(moments.tolist(), share(moments).tolist(), strict=True):
            verdicts.take_slot(moment, random.multinomial(100, np.append(law * (1 - part), part)))
            began = [was or drift.detected for was, drift in zip(began, verdicts.snapshot, strict=True)]
        assert began == [bool(alarm) for alarm in alarms]


@pytest.mark.parametrize("hour", [0, 6, 12, 18])
def test_drift_on_top_of_the_rhythm_is_found_at_any_hour(hour: int) -> None:
    """Half a deviation more than is usual at that hour: within 60 slots of 25 predictions, told as upwards."""
    verdicts, began = judge(
        learned(daily, days=8, every=60),
        lambda times, random: daily(times, random) + 0.5,
        slots=60,
        start=T0 + hour * 3600,
    )
    assert began == [1, 1]
    assert SHAPES[int(np.argmax(verdicts.snapshot[0].shares[0]))] == "up"


def test_evidence_goes_on_from_one_hour_to_the_next() -> None:
    """Drift that begins five minutes before the hour has most of its evidence when the hour strikes, and keeps it."""
    start = T0 // 3600 * 3600 + 3300
    shifted: Means = lambda times, random: daily(times, random) + 0.5  # noqa: E731  # a traffic in one line
    baseline = learned(daily, days=8, every=60)
    evidence = [
        judge(baseline, shifted, slots=slots, start=start)[0].snapshot[1].log_evidence for slots in (19, 20, 21, 22)
    ]
    assert min(evidence) > 0
    assert evidence == sorted(evidence)


def test_measured_dependence_has_no_more_alarms_than_allowed() -> None:
    """Slow waves: alarm upon alarm with the default correlation, none with phi from two days of slots."""
    blind, measured = (learned(slow, days=2, timed=timed) for timed in (False, True))
    assert min(judge(blind, slow, slots=3000, rows=200)[1]) > 3
    assert judge(measured, slow, slots=3000, rows=25)[1] == [0, 0]


def test_denser_traffic_than_the_baselines_is_tempered_more() -> None:
    """Ten times the predictions a slot, with the same waves: rho from the baseline still holds."""
    assert judge(learned(slow, days=2), slow, slots=3000, rows=250)[1] == [0, 0]


def tempering(baseline: Baseline) -> tuple[float, float]:
    """Both that the page level uses, phi and rho."""
    tables = bets_on(baseline).levels[0].tables[0]
    return float(tables.phi[0]), float(tables.rho[0])


def test_dependence_is_assumed_where_it_was_not_measured() -> None:
    """Without times the default correlation holds."""
    assert tempering(learned(steady, days=1, timed=False)) == (1.0, RHO)


def test_dependence_of_less_than_a_day_is_not_trusted_alone() -> None:
    """An hour misses what is slow: the default correlation is the least. A day is believed."""
    baseline = learned(steady, days=1)
    [feature] = baseline.features
    assert feature.rho is not None
    sure = replace(baseline, features=(replace(feature, phi=1.5, rho=0.0),))
    assert tempering(sure) == (1.5, 0.0)
    assert tempering(replace(sure, span_seconds=3600.0)) == (1.5, RHO)


def test_small_seasons_are_small_baselines() -> None:
    """The allowance for the baseline's error follows the rows that a slot is compared with."""
    large, small = learned(daily, days=8, every=60), learned(daily, days=8, every=600)
    assert min(large.seasons[0].rows) > 5_000 > min(small.seasons[0].rows)
    z = [bets_on(baseline).levels[0].tables._allowance.z for baseline in (large, small)]
    assert z == [3.0, 2.0]


def test_features_are_judged_by_their_own_seasons() -> None:
    """Hours of the week for one feature, of the day for another, none for a third: each table holds what is due."""
    random = np.random.default_rng(3)
    times = T0 + np.sort(random.random(200_000)) * 29 * DAY
    weekend = (times // DAY + 3) % 7 >= 5
    means = {"weekend": 0.3 * weekend, "wave": 0.3 * np.sin(2 * np.pi * times / DAY), "flat": np.zeros(len(times))}
    kinds = np.full(len(times), Kind.NUMBER, np.uint8)
    baseline = build_baseline(
        [Column(name, Role.INPUT, kinds, random.normal(size=len(times)) + mean) for name, mean in means.items()],
        model="m",
        created=T0,
        source="",
        span_seconds=29 * DAY,
        times=times,
    )
    bets = bets_on(baseline)
    by_kind = {seasons.kind: seasons for seasons in baseline.seasons}
    for moment in (T0, T0 + 3600, T0 + 2.5 * DAY, T0 - 1):
        adaptive = bets.levels[0].tables[bets.season(moment)].adaptive
        for index, feature in enumerate(baseline.features):
            counts = np.array(feature.counts)
            if feature.seasons:
                counts = np.array(feature.season_counts[by_kind[feature.seasons].at(moment)])
            inner = counts[1:-2]
            expected = (inner + 0.5) / (inner.sum() + len(inner) / 2)
            assert adaptive.p[adaptive.starts[index] : adaptive.starts[index + 1]] == pytest.approx(expected)
