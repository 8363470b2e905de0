"""Verdicts on traffic with a daily wave, by the days that the baseline spans: `bench_seasons.py` writes SEASONS.md.

Normal features whose mean follows a sine with the period of a day, each with a phase of its own, judged each by itself;
one group also drops at weekends. Baselines of 100,000 rows (200,000 over four weeks), a fair sample of their days, that
end on a Wednesday; then traffic from Thursday to Saturday in slots of 15 s. A baseline of one or two days, which has no
seasons, is also judged as it was, with the wave counted as dependence (`before`). Fixed seeds.
"""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.binning import bin_cells
from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.model import Baseline, FeatureBaseline
from model_exporter.baseline.rhythm import SLOT_SECONDS, scores_of
from model_exporter.baseline.seasons import DAILY_SECONDS
from model_exporter.batch import Column, Kind, Role
from model_exporter.config.settings import ModelSettings
from model_exporter.stats.dependence import dependence
from model_exporter.stats.evidence import EvidenceState
from model_exporter.stats.model_evidence import CLEAR
from model_exporter.stats.normal import normal_share
from model_exporter.window.snapshot import LEVELS, BinLayout
from model_exporter.window.verdicts import Bets

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

DAY: Final = 86_400.0
DAYS: Final = 3
"""Days of traffic without a change, which is also the patience with it."""
T0: Final = 1_764_201_600.0
"""The beginning of a Thursday."""
GROUPS: Final = ((0.0, 0.0), (0.1, 0.0), (0.2, 0.0), (0.3, 0.0), (0.2, 0.2))
"""Height of the daily wave, and by how much the mean is lower on Saturdays and Sundays, standard deviations."""
FEATURES: Final = 3
"""Features of each group."""
SPANS: Final = (0, 1, 2, 7, 28)
"""Days of the baseline; 0 for rows without times."""
SIZES: Final = (25, 250)
"""Predictions a slot."""
SHIFT: Final = 0.5
LONGEST: Final = 0.25
"""Days after which a shift that was not told is given up."""
STARTS: Final = (T0 + 0.1 * DAY, T0 + 0.6 * DAY)
"""When the shift begins."""
_STEP: Final = 0.005
_REACH: Final = 1.2
"""Laws are tabulated for means between minus and plus this, in such steps."""


class Traffic:
    """The means of all features over time."""

    def __init__(self) -> None:
        heights, drops = np.repeat(np.array(GROUPS).T, FEATURES, axis=1)
        self._heights, self._drops = heights[:, None], drops[:, None]
        self._phases = (np.arange(len(heights)) * 0.618 % 1)[:, None]

    def means(self, times: Floats) -> Floats:
        """float64[F, T] at `times`."""
        weekend = (times // DAY + 3) % 7 >= 5  # Saturday and Sunday
        wave: Floats = self._heights * np.sin(2 * np.pi * (times / DAY + self._phases)) - self._drops * weekend
        return wave


def learned(days: int) -> tuple[Baseline, Baseline]:
    """The baseline over some days before T0, as it was and as it is."""
    rng = np.random.default_rng(days)
    rows = 200_000 if days == max(SPANS) else 100_000
    times = T0 - (days or 7) * DAY * (1 - np.sort(rng.random(rows)))
    kinds = np.full(rows, Kind.NUMBER, np.uint8)
    values = (rng.normal(size=rows) + mean for mean in Traffic().means(times))
    columns = [Column(f"x{place}", Role.INPUT, kinds, value) for place, value in enumerate(values)]
    span = days * DAY if days else None
    known = times if days else None
    now = build_baseline(columns, model="m", created=T0, source="", span_seconds=span, times=known)
    pairs = zip(now.features, columns, strict=True)
    before = tuple(_as_before(feature, column, times) if days else feature for feature, column in pairs)
    return replace(now, features=before), now


def _as_before(feature: FeatureBaseline, column: Column, times: Floats) -> FeatureBaseline:
    """A feature whose wave, unless it has seasons, is a part of its dependence."""
    if feature.seasons:
        return replace(feature, wave=None)
    slots, slot = np.unique(times // SLOT_SECONDS, return_inverse=True)
    bins, scores = bin_cells(feature, column, frozenset()), scores_of(feature)
    sums = np.array([np.bincount(slot, score[bins], len(slots)) for score in scores])
    found = dependence(sums, np.bincount(slot), scores**2 @ np.array(feature.counts))
    if not found:
        raise ValueError("a benchmark's feature varies")
    return replace(feature, wave=None, phi=found.phi, rho=found.rho)


class Stream:
    """Counts of traffic in the bins of a baseline, slot by slot."""

    def __init__(self, baseline: Baseline, size: int) -> None:
        self._size = size
        means = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
        self._laws = np.array([self._tabulated(feature, means) for feature in baseline.features])

    @staticmethod
    def _tabulated(feature: FeatureBaseline, means: Floats) -> Floats:
        up_to = normal_share(np.array(feature.edges) - means[:, None])
        law = np.diff(up_to, axis=1, prepend=0.0, append=1.0)
        return np.column_stack([law, np.zeros(len(means))])

    def slots(self, start: float, days: float, *, shift: float, seed: int) -> Iterator[tuple[float, Counts]]:
        """Start and counts int64[B] of each slot from `start` on, an hour of them drawn at a time."""
        rng, traffic = np.random.default_rng(seed), Traffic()
        owner = np.arange(len(self._laws))[:, None]
        for hour in range(round(days * 24)):
            times = start + hour * 3600 + np.arange(0.0, 3600.0, SLOT_SECONDS)
            place = np.rint((traffic.means(times) + shift + _REACH) / _STEP).astype(np.intp)
            counts = rng.multinomial(self._size, self._laws[owner, place]).astype(np.int64)
            yield from zip(times.tolist(), counts.swapaxes(0, 1).reshape(len(times), -1), strict=True)


TICKET: Final = LEVELS.index("ticket")
"""The level with the smaller tolerance, at which false episodes are counted."""


@dataclass(frozen=True)
class Cell:
    """What was measured of one baseline and slot size: float64[groups], then float64[levels, groups] twice."""

    episodes: Floats
    delay: Floats
    missed: Floats


Results = dict[tuple[int, int], tuple[Baseline, Cell | None, Cell]]
"""By days of the baseline and predictions a slot."""


def judge(baseline: Baseline, size: int) -> Cell:
    """Episodes a feature in its patience, and delays in seconds with the patience of each level."""
    starts = np.cumsum([0, *(len(feature.bins) for feature in baseline.features)])
    counts = np.concatenate([feature.counts for feature in baseline.features])
    bets = Bets(BinLayout(baseline, tuple(range(len(baseline.features))), starts, counts), ModelSettings())
    stream = Stream(baseline, size)
    episodes = _episodes(bets, stream)
    delays = np.array([_delays(bets, stream, start) for start in STARTS])
    by_group = delays.reshape(len(STARTS), len(LEVELS), len(GROUPS), FEATURES)
    return Cell(
        episodes.reshape(len(GROUPS), FEATURES).mean(axis=1),
        np.minimum(by_group, LONGEST * DAY).mean(axis=(0, 3)),
        np.isinf(by_group).mean(axis=(0, 3)),
    )


def _episodes(bets: Bets, stream: Stream) -> Floats:
    """Alarms that began, float64[F]."""
    states = [EvidenceState(level.tables, patience_seconds=DAYS * DAY) for level in bets.levels[TICKET:]]
    began = np.zeros((len(states), len(bets.prior)))
    on = np.zeros(began.shape, np.bool_)
    for start, counts in stream.slots(T0, DAYS, shift=0.0, seed=1):
        for place, state in enumerate(states):
            state.update(counts, start=start, seconds=SLOT_SECONDS, season=bets.season(start))
            evidence = state.log_evidence
            began[place] += (evidence >= 0) & ~on[place]
            over = on[place] & (evidence < CLEAR)
            on[place] = (on[place] | (evidence >= 0)) & ~over
            state.forget(over)
    return began


def _delays(bets: Bets, stream: Stream, began: float) -> Floats:
    """Seconds to the alarm of each level and feature, infinite for none within `LONGEST`."""
    states = [EvidenceState(level.tables, patience_seconds=level.patience_seconds) for level in bets.levels]
    delay = np.full((len(states), len(bets.prior)), np.inf)
    for start, counts in stream.slots(began, LONGEST, shift=SHIFT, seed=2):
        for place, state in enumerate(states):
            state.update(counts, start=start, seconds=SLOT_SECONDS, season=bets.season(start))
            late = start + SLOT_SECONDS - began
            delay[place] = np.where(state.log_evidence >= 0, np.minimum(delay[place], late), delay[place])
        if np.isfinite(delay).all():
            break
    return delay


def measure(case: tuple[int, int]) -> tuple[Baseline, Cell | None, Cell]:
    """The baseline over so many days, and what it makes of slots of such a size: before if that differs, and now."""
    days, size = case
    before, now = learned(days)
    old = judge(before, size) if 0 < days < DAILY_SECONDS / DAY else None
    new = judge(now, size)
    print(f"{days} days, slots of {size}", file=sys.stderr, flush=True)
    return now, old, new


def _span(days: int) -> str:
    return {0: "no times", 1: "1 day"}.get(days, f"{days} days")


def _group(group: int) -> str:
    height, drop = GROUPS[group]
    return f"{height:g} sd{f', weekend -{drop:g}' if drop else ''}"


def _delays_of(cell: Cell, group: int) -> str:
    """Minutes of page / ticket, and how many of a hundred shifts were not told in time."""
    texts = []
    for level in range(len(LEVELS)):
        missed = f" ({cell.missed[level, group]:.0%} never)" if cell.missed[level, group] else ""
        texts.append(f"{cell.delay[level, group] / 60:,.0f}{missed}")
    return " / ".join(texts)


def _episodes_of(cell: Cell, group: int) -> str:
    return f"{cell.episodes[group]:.2f}"


def _table(results: Results, figure: Callable[[Cell, int], str]) -> str:
    """A figure by group, a line for each baseline, size and rule."""
    names = [_group(group) for group in range(len(GROUPS))]
    lines = [f"| baseline | a slot | rule | {' | '.join(names)} |", "|---" * (3 + len(GROUPS)) + "|"]
    for (days, size), (_, before, now) in results.items():
        for rule, cell in (("before", before), ("now", now)):
            if cell:
                figures = " | ".join(figure(cell, group) for group in range(len(GROUPS)))
                lines.append(f"| {_span(days)} | {size} | {rule} | {figures} |")
    return "\n".join(lines)


def _waves(results: Results) -> str:
    lines = ["| baseline | group | seasons | wave, sd | phi |", "|---|---|---|---|---|"]
    for days, group in product(SPANS[1:], range(len(GROUPS))):
        features = results[days, SIZES[0]][0].features[group * FEATURES : (group + 1) * FEATURES]
        wave = np.sqrt([feature.wave or 0.0 for feature in features])
        phi = [feature.phi or 1.0 for feature in features]
        kinds = {feature.seasons.value if feature.seasons else "none" for feature in features}
        lines.append(
            f"| {_span(days)} | {_group(group)} | {', '.join(sorted(kinds))} "
            f"| {wave.min():.3f} to {wave.max():.3f} | {min(phi):.1f} to {max(phi):.1f} |"
        )
    return "\n".join(lines)


REPORT: Final = """# Daily waves, by what the baseline knows of them

Written by `python tests/benchmarks/bench_seasons.py`; see there for the set-up. Groups of {features} features by the
height of their daily wave in standard deviations, at the default tolerances (0.1 sd for pages, 0.05 for tickets).
`before`: the wave of a baseline without seasons counts as dependence. `now`: it is allowed for as a tolerance. A
baseline of one or two days ends before the weekend and cannot know it.

## False episodes times patience: at most 1 is promised

Tickets, {days} days of traffic that does not change, with a patience as long for each feature.

{episodes}

## Minutes until a shift of half a standard deviation is told, page / ticket

Patience of a year (page) and of 30 days (ticket). Means; what was not told within {longest:.0f} hours counts as that.

{delays}

## What the baselines say of themselves

{waves}

{cost}
"""


def _processor_seconds() -> float:
    """Of this process and of those that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def main() -> None:
    """Measure everything and write the report."""
    cases = sorted(product(SPANS, SIZES))
    with ProcessPoolExecutor(2) as pool:
        results = dict(zip(cases, pool.map(measure, cases), strict=True))
    text = REPORT.format(
        features=FEATURES,
        days=DAYS,
        longest=LONGEST * 24,
        episodes=_table(results, _episodes_of),
        delays=_table(results, _delays_of),
        waves=_waves(results),
        cost=f"Took {_processor_seconds():.0f} seconds of processor time.",
    )
    Path(__file__).with_name("SEASONS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
