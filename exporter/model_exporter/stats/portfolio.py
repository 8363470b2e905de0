"""From baselines to tables of bets: which bets a feature gets, their stakes, and where they stand.

Shares in the baseline are smoothed as (c + 1/2) / (m + B/2), so that an empty bin has one too. That moves the law which
the bets on mean and scale compare with by less than a tenth of the baseline's own error, which `z` allows for. The
boundaries of single bins start from exact limits of their shares, which hold for no counts at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from model_exporter.stats.dictionary import (
    CATEGORY_ODDS,
    MEAN_TILTS,
    MISSING_FALLS,
    NUMERIC_ODDS,
    QUALITY_ODDS,
    SCALE_TILTS,
    TILT_LABELS,
    Allowance,
    Label,
    bin_boundaries,
    log_factors,
    odds_bet,
    quality_boundaries,
    tilted,
)
from model_exporter.stats.features import (
    LEAST_BINS,
    FeatureBins,
    Flags,
    FlatBins,
    Floats,
    Indices,
    Kind,
    flatten,
    totals,
)
from model_exporter.stats.scores import location_and_scale
from model_exporter.stats.tables import Adaptive, Odds, Rows, Tables, Tilts
from model_exporter.stats.tails import chi2_quantile

MEMORIES: Final = (100.0, 500.0, 2500.0, 12_500.0)
"""Predictions over which the adaptive bets remember the traffic that they take for the alternative."""
ADAPTIVE_WEIGHT: Final = 0.15
"""Share of a feature's stakes for the adaptive bets."""

NUMERIC_WEIGHTS: Final = (0.4, 0.2, 0.1, 0.12, 0.03, 0.05, ADAPTIVE_WEIGHT)
CATEGORY_WEIGHTS: Final = (0.0, 0.0, 0.65, 0.12, 0.03, 0.05, ADAPTIVE_WEIGHT)
"""Stakes by group of bets: mean, scale, single bins, missing values growing and falling, values out of range or unseen,
adaptive bets. They are shared evenly within a group; those of the dictionary are scaled to what the adaptive bets
leave, and the stakes of a group without a bet go to the others."""
_MEAN, _SCALE, _BIN, _MISSING, _FALL, _RANGE, _ADAPTIVE = range(7)

_NO_ROWS: Final = 1e-9
"""Stands for a baseline without rows, against which no bet can pay."""
_BASELINE_TAIL: Final = 0.001
"""Chance that the baseline's error exceeds what an adaptive bet allows for."""
_FIRST: Final = 0
"""The season that every evidence begins on, whose tables are always held."""
_KEPT_SEASONS: Final = 4
"""Seasons whose tables are held: the first; two because where one ends and the next begins, a model's versions are not
at once in the same; and the one after, which may have been built ahead."""


def build_tables(
    features: Sequence[FeatureBins], allowance: Allowance, *, rho: float = 0.0, every_bet: bool = False
) -> Tables:
    """Tables of the bets against the baselines `features`.

    A feature whose baseline is too small or too poor for a bet to pay gets none, and no evidence ever.

    Args:
        features: one for each feature, in the order of the flat bins.
        allowance: what does not count as a change; a wave by feature is in their order.
        rho: correlation of predictions within a slot for features that have none of their own; 0.001 is cautious.
        every_bet: keep bets on single bins that cannot pay: they get no stake and pay 1. Tables of features with the
            same bins then have the same rows, whatever the counts, so that wealth can move from one to another.

    Raises:
        ValueError: a feature has the wrong number of bins for its kind, a negative count or a phi below 1.
    """
    flat = flatten(features)
    tilts, on_tilts = _tilts(flat, allowance)
    odds, on_odds = _odds(flat, allowance)
    adaptive, on_adaptive = _adaptive(flat, allowance)
    kept = np.ones_like(on_odds.live) if every_bet else on_odds.live
    return Tables(
        starts=flat.starts,
        ordinary=flat.ordinary.astype(np.float64),
        phi=flat.phi,
        rho=np.array([rho if feature.rho is None else feature.rho for feature in features], np.float64),
        tilts=tilts,
        odds=_only(odds, kept),
        adaptive=adaptive,
        memories=np.array(MEMORIES),
        rows=_rows(flat, [on_tilts, on_odds.only(kept), on_adaptive]),
    )


class SeasonalBins(Protocol):
    """The bins of all features by season: a list of lists, or what makes them when asked."""

    def __len__(self) -> int:
        """How many seasons there are."""

    def __getitem__(self, season: int, /) -> Sequence[FeatureBins]:
        """The features in one of them."""


class SeasonalTables:
    """Tables of the same bets against the baselines of several seasons, as the hours of the day.

    They have the same rows in the same order, so that wealth can move from one season to the next. A bet that cannot
    pay in a season, because its baseline is small, has no stake and pays 1 there. Tables are built when their season is
    asked for, or ahead of that, and kept until three others have been, because all of them together are large.

    Args:
        seasons: at least one, all with the same features, kinds and numbers of bins; read again for each table.
        allowance: as for `build_tables`.
        rho: as for `build_tables`.

    Raises:
        ValueError: as for `build_tables`, or the seasons' features differ.
    """

    def __init__(self, seasons: SeasonalBins, allowance: Allowance, *, rho: float = 0.0) -> None:
        every = (seasons[season] for season in range(len(seasons)))
        if len({tuple((feature.kind, len(feature.counts)) for feature in features) for features in every}) != 1:
            raise ValueError("all seasons have the same features with the same bins")
        self._seasons = seasons
        self._allowance = allowance
        self._rho = rho
        self._built: dict[int, Tables] = {}

    def __len__(self) -> int:
        return len(self._seasons)

    def __contains__(self, season: int) -> bool:
        return season in self._built

    def __getitem__(self, season: int) -> Tables:
        tables = self._built.get(season) or self.build(season)
        self.keep(season, tables)
        return tables

    def build(self, season: int) -> Tables:
        """The tables of a season, made anew. Any thread may do so."""
        return build_tables(self._seasons[season], self._allowance, rho=self._rho, every_bet=len(self) > 1)

    def keep(self, season: int, tables: Tables) -> None:
        """Keep tables that were built, as the newest."""
        self._built.pop(season, None)
        self._built[season] = tables
        while len(self._built) > _KEPT_SEASONS:
            del self._built[next(oldest for oldest in self._built if oldest != _FIRST)]


@dataclass(frozen=True, slots=True)
class _Bets:
    """Bets in their order: whose they are, what counts for them, their group and label; `live` ones can pay."""

    feature: Indices
    base: Indices
    group: Indices
    label: Indices
    live: Flags

    @classmethod
    def joined(cls, parts: "Sequence[_Bets]") -> "_Bets":
        """All of `parts`, one after another."""
        return cls(
            np.concatenate([part.feature for part in parts]),
            np.concatenate([part.base for part in parts]),
            np.concatenate([part.group for part in parts]),
            np.concatenate([part.label for part in parts]),
            np.concatenate([part.live for part in parts]),
        )

    def only(self, which: Indices | Flags) -> "_Bets":
        """Those that an index or a mask picks."""
        return _Bets(self.feature[which], self.base[which], self.group[which], self.label[which], self.live[which])


def _tilts(bins: FlatBins, allowance: Allowance) -> tuple[Tilts, _Bets]:
    """Bets on mean and scale, for numeric features with at least two ordered bins."""
    chosen = np.flatnonzero(bins.numeric & (np.diff(bins.starts) > LEAST_BINS[Kind.NUMERIC]))
    first, stop = bins.starts[:-1][chosen] + 1, bins.starts[1:][chosen] - 2
    width = int((stop - first).max(initial=0))
    inner = first[:, None] + np.arange(width)
    real = inner < stop[:, None]
    counts = np.where(real, bins.counts[np.where(real, inner, 0)], 0.0)
    # What the baseline has out of its own range, if anything, lies in the outermost bins.
    counts[:, :1] += bins.counts[first - 1, None]
    counts[np.arange(len(chosen)), stop - first - 1] += bins.counts[stop]
    p = np.where(real, counts + 0.5, 0.0)
    p = p / p.sum(axis=1, keepdims=True)
    rows = np.maximum(counts.sum(axis=1) / bins.phi[chosen], _NO_ROWS)
    logs, pays = log_factors(p, tilted(p), rows, allowance.of(chosen))
    # Columns of the table: below as the first bin, the ordered bins, above as the last one.
    place = np.clip(np.arange(-1, width + 1), 0, (stop - first - 1)[:, None])
    every = first[:, None] + np.arange(-1, width + 1)
    padding = every > stop[:, None]
    spread = np.where(padding[:, None, :], 0.0, np.take_along_axis(logs, place[:, None, :], axis=2))
    owner = np.repeat(chosen, len(TILT_LABELS))
    bets = _Bets(
        feature=owner,
        base=owner,
        group=np.tile(np.repeat([_MEAN, _SCALE], [len(MEAN_TILTS), len(SCALE_TILTS)]), len(chosen)),
        label=np.tile(np.array(TILT_LABELS, np.intp), len(chosen)),
        live=pays.ravel(),
    )
    return Tilts(np.where(padding, len(bins.counts), every), spread), bets


def _odds(bins: FlatBins, allowance: Allowance) -> tuple[Odds, _Bets]:
    """Bets on single bins, sorted by feature, with those that cannot pay."""
    parts = [*_ordinary_odds(bins, allowance), *_quality_odds(bins, allowance)]
    bets = _Bets.joined([part[3] for part in parts])
    order = np.argsort(bets.feature, kind="stable")
    bets = bets.only(order)
    place, inside, outside = (np.concatenate([part[column] for part in parts])[order] for column in range(3))
    return Odds(place, bets.base, outside, inside - outside), bets


def _only(odds: Odds, kept: Flags) -> Odds:
    return Odds(odds.bins[kept], odds.base[kept], odds.outside[kept], odds.step[kept])


_OddsPart = tuple[Indices, Floats, Floats, _Bets]


def _ordinary_odds(bins: FlatBins, allowance: Allowance) -> Iterator[_OddsPart]:
    chosen = np.flatnonzero(bins.ordinary)
    owner = bins.owner[chosen]
    counts, rows, phi = bins.counts[chosen], bins.ordinary_rows[owner], bins.phi[owner]
    p = (counts + 0.5) / (rows + 1)
    low, high = bin_boundaries(p, counts / phi, np.maximum(rows / phi, _NO_ROWS), allowance.of(owner))
    for factors, mask in ((NUMERIC_ODDS, bins.numeric[owner]), (CATEGORY_ODDS, ~bins.numeric[owner])):
        rising, falling = [f for f in factors if f > 1], [f for f in factors if f < 1]
        for factor in factors:
            boundary, mildest = (high, min(rising)) if factor > 1 else (low, max(falling))
            payments = odds_bet(p[mask], boundary[mask], factor, mildest)
            yield _odds_part(bins, chosen[mask], payments, group=_BIN)


def _quality_odds(bins: FlatBins, allowance: Allowance) -> Iterator[_OddsPart]:
    chosen = np.flatnonzero(~bins.ordinary)
    owner = bins.owner[chosen]
    counts, rows, phi = bins.counts[chosen], bins.rows[owner], bins.phi[owner]
    p = (counts + 0.5) / (rows + 1)
    effective = np.maximum(rows / phi, _NO_ROWS)
    low, high = quality_boundaries(p, counts / phi, effective, bins.unseen[chosen], allowance.of(owner))
    missing = bins.missing[chosen]
    for group, mask in ((_MISSING, missing), (_RANGE, ~missing)):
        for factor in QUALITY_ODDS:
            payments = odds_bet(p[mask], high[mask], factor, min(QUALITY_ODDS))
            yield _odds_part(bins, chosen[mask], payments, group=group)
    for factor in MISSING_FALLS:
        payments = odds_bet(p[missing], low[missing], factor, max(MISSING_FALLS))
        yield _odds_part(bins, chosen[missing], payments, group=_FALL)


def _odds_part(bins: FlatBins, place: Indices, payments: tuple[Floats, Floats, Flags], *, group: int) -> _OddsPart:
    inside, outside, pays = payments
    owner = bins.owner[place]
    bets = _Bets(
        feature=owner,
        base=owner if group == _BIN else owner + len(bins.rows),
        group=np.full(len(place), group),
        label=np.full(len(place), Label.BIN if group in {_BIN, _RANGE} else Label.MISSING),
        live=pays,
    )
    return place, inside, outside, bets


def _adaptive(bins: FlatBins, allowance: Allowance) -> tuple[Adaptive, _Bets]:
    """Bets on remembered laws, for features with at least two ordinary bins."""
    size = np.bincount(bins.owner[bins.ordinary], minlength=len(bins.rows))
    chosen = np.flatnonzero(size > 1)
    place = np.flatnonzero(bins.ordinary & np.isin(bins.owner, chosen))
    owner = bins.owner[place]
    p = (bins.counts[place] + 0.5) / (bins.ordinary_rows + size / 2)[owner]
    spread = np.array([chi2_quantile(degrees, _BASELINE_TAIL) for degrees in range(1, size.max(initial=2))])
    rows = np.maximum(bins.ordinary_rows / bins.phi, _NO_ROWS)[chosen]
    delta = np.sqrt(allowance.of(chosen).divergence) + np.sqrt(spread[size[chosen] - 2] / rows)
    starts = np.concatenate([[0], np.cumsum(size[chosen])]).astype(np.intp)
    # Even when all traffic falls in the rarest bin a bet pays only if this exceeds delta.
    reach = np.sqrt(1 / np.minimum.reduceat(np.append(p, 1.0), starts)[:-1] - 1)
    better = np.repeat(chosen, len(MEMORIES))
    bets = _Bets(
        feature=better,
        base=better,
        group=np.full(len(better), _ADAPTIVE),
        label=np.full(len(better), Label.OTHER),
        live=np.repeat(reach > delta, len(MEMORIES)),
    )
    ordered = bins.numeric[owner]
    location, scale = (np.where(ordered, score, 0.0) for score in location_and_scale(p, starts))
    table = Adaptive(
        features=chosen,
        bins=place,
        owner=np.repeat(np.arange(len(chosen)), size[chosen]),
        starts=starts,
        p=p,
        location=location,
        scale=scale,
        delta=delta,
    )
    return table, bets


def _rows(bins: FlatBins, blocks: Sequence[_Bets]) -> Rows:
    """Stakes and segments of all bets: the tilts, the odds, the adaptive bets."""
    bets = _Bets.joined(blocks)
    weight = np.where(bins.numeric[:, None], NUMERIC_WEIGHTS, CATEGORY_WEIGHTS)
    key = bets.feature * weight.shape[1] + bets.group
    sharers = np.bincount(key[bets.live], minlength=weight.size)
    stake = np.where(bets.live, weight.ravel()[key] / np.maximum(sharers[key], 1), 0.0)
    # The dictionary and the adaptive bets each get their part; where one of them has no bet the other gets all.
    adapts = bets.group == _ADAPTIVE
    part = totals(bets.feature[adapts], stake[adapts], len(bins.rows))
    rest = totals(bets.feature[~adapts], stake[~adapts], len(bins.rows))
    stake *= np.where(adapts, 1.0, ((1 - part) / np.where(rest > 0, rest, 1.0))[bets.feature])
    stake *= np.where(adapts & (rest <= 0)[bets.feature], 1 / ADAPTIVE_WEIGHT, 1.0)
    # Runs of one feature's rows end where the feature changes and where a block ends.
    new = np.diff(bets.feature, prepend=-1) != 0
    ends = np.cumsum([len(block.feature) for block in blocks])
    new[ends[ends < len(new)]] = True
    segments = np.flatnonzero(new)
    return Rows(
        feature=bets.feature,
        base=bets.base,
        weight=stake,
        label=bets.label,
        segments=segments,
        segment_feature=bets.feature[segments],
    )
