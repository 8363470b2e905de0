"""How the rows of a baseline lie in time: by which seasons their laws differ, and how they depend on each other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.binning import bin_cells
from model_exporter.baseline.model import OTHER, UNSEEN, FeatureBaseline, FeatureType, SeasonKind, Seasons
from model_exporter.baseline.seasons import find_hours, find_seasons, seasons_at
from model_exporter.baseline.times import EARLIEST
from model_exporter.batch import Column
from model_exporter.stats.dependence import LONG, dependence
from model_exporter.stats.scores import location_and_scale
from model_exporter.stats.seasonality import FALSE_SEASON, seasons_differ, wave_height

SLOT_SECONDS: Final = 15.0
"""Length of the slots whose dependence is measured: that of the slots which evidence is gathered by."""
MIN_SLOTS: Final = 100
"""Slots with rows that dependence is measured from, at least."""
_SCORED: Final = 8
"""Categories that have a score of their own, the most frequent ones."""
_COMMON: Final = 0.05
"""Share from which on a category has one."""
_BURSTS: Final = 0.001
"""Share of missing values from which on it is measured whether they come in bursts."""

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def with_rhythm(
    features: Sequence[FeatureBaseline],
    columns: Sequence[Column],
    times: Floats,
    missing: Mapping[str, frozenset[str]],
) -> tuple[tuple[FeatureBaseline, ...], tuple[Seasons, ...]]:
    """The features with what the rows' times tell of them, and the seasons that their season counts are by.

    A feature gets seasons only if its law differs by them: hours of the week if it differs by more than the hour of the
    day, hours of the day if it differs by that. One that is always the same keeps all rows as one baseline, because a
    larger one has less error. Where the rows touch every hour of a day, each feature is told how high its wave over the
    hours is. Dependence is measured within the seasons of a feature, or within the hours of that wave, so that a
    daily wave is no dependence; where it is not known because the rows span less than a day, it counts as dependence.

    Args:
        features: out of the columns, in the same order.
        columns: one cell for every row.
        times: float64[n], unix seconds of each row, NaN where there is none.
        missing: texts that stand for a missing value, by name.
    """
    clock = _Clock(times)
    if len(clock.rows) < MIN_SLOTS:
        return tuple(features), ()
    tail = FALSE_SEASON / max(1, len(features))
    laws = [
        _Law(feature, clock, bin_cells(feature, column, missing.get(feature.name, frozenset())), tail=tail)
        if feature.bins
        else None
        for feature, column in zip(features, columns, strict=True)
    ]
    described = tuple(law.describe(feature) if law else feature for feature, law in zip(features, laws, strict=True))
    if len(clock.rows) < LONG:
        described = _at_least_typical(described)
    used = {feature.seasons for feature in described}
    return described, tuple(seasons for seasons in clock.seasons if seasons.kind in used)


def scores_of(feature: FeatureBaseline) -> Floats:
    """What the dependence of a feature is seen by: float64[H, B], each of mean 0 under the baseline.

    Numbers: location and scale. Others: frequent categories, one by one. All: missing values, unless they are rare.
    """
    p = np.array(feature.counts) / feature.rows
    scores = []
    if feature.type is FeatureType.NUMERIC:
        ordinal = p[:-1].sum()
        both = location_and_scale(p[:-1] / max(ordinal, 1e-300), np.array([0, len(p) - 1]))
        scores += [np.append(score, 0.0) for score in both]
        shown: list[int] = []
    else:
        shown = [place for place in range(len(p) - 1) if p[place] >= _COMMON][:_SCORED]
    if p[-1] >= _BURSTS:
        shown.append(len(p) - 1)
    scores += [(np.arange(len(p)) == place) - p[place] for place in shown]
    return np.array(scores).reshape(-1, len(p))


def _at_least_typical(features: Sequence[FeatureBaseline]) -> tuple[FeatureBaseline, ...]:
    """Features whose dependence is no less than the (lower) median of all.

    What is measured of a feature in a short time scatters several times over. Features of a model share their traffic,
    so where most of them move, one that does not seem to has most likely been seen in a quiet moment.
    """
    measured = [(feature.phi, feature.rho) for feature in features if feature.phi is not None]
    if not measured:
        return tuple(features)
    phi, rho = np.quantile(np.array(measured, np.float64), 0.5, axis=0, method="lower").tolist()
    return tuple(
        feature
        if feature.phi is None or feature.rho is None
        else replace(feature, phi=max(feature.phi, phi), rho=max(feature.rho, rho))
        for feature in features
    )


class _Clock:
    """The times of the rows that have one: slots with rows in order, their hours, and the seasons that there may be."""

    def __init__(self, times: Floats) -> None:
        self.known = np.isfinite(times)
        seconds = times[self.known]
        slots, self.slot = np.unique(seconds // SLOT_SECONDS, return_inverse=True)
        self.starts = slots * SLOT_SECONDS
        self.rows = np.bincount(self.slot, minlength=len(slots)).astype(np.int64, copy=False)
        # Seconds since some start, which are no dates, tell no hour.
        dated = len(seconds) > 0 and float(seconds.min()) >= EARLIEST
        self.seasons = find_seasons(seconds) if dated else ()
        self.hours = find_hours(self.starts, self.rows) if dated else None


class _Law:
    """What was measured of one feature, without seasons and with the finest by which its law differs."""

    def __init__(self, feature: FeatureBaseline, clock: _Clock, bins: Indices, *, tail: float) -> None:
        bins = bins[clock.known]
        size = len(feature.bins)
        scores = scores_of(feature)
        counts = np.bincount(bins, minlength=size)
        sums = np.array([np.bincount(clock.slot, row[bins], len(clock.rows)) for row in scores])
        squares = scores**2 @ counts
        self._seasons: SeasonKind | None = None
        self._table = np.zeros((0, size), np.int64)
        self._wave: float | None = None
        if clock.hours:
            free = clock.hours.without_trend(sums, clock.rows)
            self._dependence = dependence(free, clock.rows, squares, group=clock.hours.group)
            table = _table(clock.hours.group[clock.slot], bins, size)
            self._keep_wave(table, scores, clock.hours.width)
        else:
            self._dependence = dependence(sums, clock.rows, squares)
        coarser, coarser_table = np.zeros(len(clock.rows), np.intp), counts[None, :]
        for seasons in clock.seasons:
            season = seasons_at(seasons, clock.starts)
            table = _table(season[clock.slot], bins, size)
            within = dependence(sums, clock.rows, squares, group=season)
            # Rows of each season by coarser season, and the counts that these would give it.
            shared = np.zeros((len(table), len(coarser_table)))
            np.add.at(shared, (season, coarser), clock.rows)
            expected = shared @ (coarser_table / coarser_table.sum(axis=1, keepdims=True))
            degrees, phi = len(table) - len(coarser_table), within.phi if within else 1.0
            if seasons_differ(table, expected, scores, degrees=degrees, phi=phi, tail=tail):
                self._seasons, self._table, self._dependence = seasons.kind, table, within
                self._keep_wave(table, scores, np.bincount(seasons.season_of_hour).astype(np.float64))
            coarser, coarser_table = season, table

    def _keep_wave(self, table: Counts, scores: Floats, hours: Floats) -> None:
        # What does not vary has neither dependence nor a wave.
        self._wave = wave_height(table, scores, hours, phi=self._dependence.phi) if self._dependence else None

    def describe(self, feature: FeatureBaseline) -> FeatureBaseline:
        """`feature` with its law."""
        found = self._dependence
        return replace(
            feature,
            # More digits than these are noise, and would only make files longer.
            phi=round(found.phi, 3) if found else None,
            rho=float(f"{found.rho:.4g}") if found else None,
            wave=None if self._wave is None else float(f"{self._wave:.4g}"),
            seasons=self._seasons,
            season_counts=_by_season(feature, self._table),
        )


def _table(group: Indices, bins: Indices, size: int) -> Counts:
    """Counts by group and bin, int64[G, B], of rows that each have a group and a bin."""
    groups = int(group.max()) + 1
    return np.bincount(group * size + bins, minlength=groups * size).reshape(groups, size).astype(np.int64, copy=False)


def _by_season(feature: FeatureBaseline, table: Counts) -> tuple[tuple[int, ...], ...]:
    """Counts by season of a feature, out of those of its cells.

    The count of `_unseen` is an estimate that was taken from `_other` (see `categories`), so each season's part of it
    is what it has of the two.
    """
    table = table.copy()
    if feature.type is FeatureType.CATEGORICAL:
        other, unseen = feature.bins.index(OTHER), feature.bins.index(UNSEEN)
        both = table[:, other] + table[:, unseen]
        rare = feature.counts[other] + feature.counts[unseen]
        until = np.concatenate([[0], np.cumsum(both)]) * feature.counts[unseen] // max(rare, 1)
        table[:, unseen] = np.diff(until)
        table[:, other] = both - table[:, unseen]
    return tuple(tuple(row) for row in table.tolist())
