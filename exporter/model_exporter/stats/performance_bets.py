"""Bets that performance has become worse, and none that it has become better.

Every row is one number, its error: of a classifier 1 for a wrong class and 0 for the right one, of a model that
predicts numbers the prediction less the outcome. They are bet on as the values of features are, in the tables of
`model_exporter.stats.portfolio`, but only by bets that pay more the larger the error:

- of {right, wrong} those that the share of wrong ones has grown;
- of the signed error, in bins between quantiles of the reference's, those that its mean has moved to where the mean
  absolute error is larger than the reference's;
- of the absolute error, those that it has grown, or left the reference's range.

The others get no stake, and their stakes go to the ones that are left; a portfolio of any of the bets is a bet. What is
left pays a mean of at most 1 not only within the allowance around the reference but wherever it gets better from there:
a payment that grows with the error has a smaller mean where errors are stochastically smaller (a smaller share of wrong
ones, smaller absolute errors); and the payments for a moved mean are convex in the signed error's normal score, so that
errors which contract about their mean pay less too (Jensen). Hence improvement is no alarm.

Against an objective, the mean of a loss X >= 0 is at most c, no reference is needed: 1 + lambda (X/c - 1) has a mean of
at most 1 for every 0 <= lambda < 1, whatever the law. With X = 1 for a wrong class it is the bet that the share of
wrong ones is c + lambda (1 - c). Losses are taken at the lower end of their bin, which can only lower the payment.

Source of the last: I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, J. R. Stat.
Soc. B 86 (2024).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.bins import ordinal_bins, tail_refined_edges
from model_exporter.stats.dependence import RHO
from model_exporter.stats.dictionary import MEAN_TILTS, TILT_LABELS, Allowance, Label, tilted
from model_exporter.stats.features import LEAST_BINS, FeatureBins, Flags, Floats, Indices, Kind, totals
from model_exporter.stats.portfolio import MEMORIES, build_tables
from model_exporter.stats.tables import Adaptive, Odds, Rows, Tables, Tilts

ACCURACY: Final = "accuracy"
BIAS: Final = "bias"
ABSOLUTE_ERROR: Final = "mae"
SQUARED_ERROR: Final = "rmse"
"""Names of what is bet on, after the metric that would show it."""

STAKES: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7)
"""The lambdas of bets against an objective: from a loss that grew by some percent to one that doubled."""
_RATIOS: Final = np.concatenate([np.arange(0, 3, 0.02), np.geomspace(3, 1000, 62)])
"""Lower ends of the bins of a loss over its objective."""
_HELD_BACK: Final = 0.001

Counts = NDArray[np.int64]


class PerformanceBins(Protocol):
    """How errors fall into bins, and what is bet on these."""

    @property
    def names(self) -> tuple[str, ...]:
        """What is bet on, feature by feature."""
        ...

    def counts(self, errors: Floats) -> Counts:
        """Rows by bin of each feature, int64[B] flat, of float64[n] `errors`, finite."""
        ...

    def tables(self, allowance: Allowance) -> Tables:
        """The bets; objectives have no use for the allowance."""
        ...


class ErrorShares:
    """Against the share of wrong classes in a reference.

    Args:
        errors: float64[n] of the reference, 0 or 1.
    """

    names: Final = (ACCURACY,)

    def __init__(self, errors: Floats) -> None:
        self._bins = FeatureBins(Kind.BOOLEAN, self.counts(errors))

    def counts(self, errors: Floats) -> Counts:
        """See `PerformanceBins`: right, wrong, and none that are missing."""
        wrong = int(np.count_nonzero(errors))
        return np.array([len(errors) - wrong, wrong, 0], np.int64)

    def tables(self, allowance: Allowance) -> Tables:
        """See `PerformanceBins`."""
        return share_tables([self._bins], allowance)


class ErrorBins:
    """Against the law of signed and of absolute errors in a reference.

    Args:
        errors: float64[n] of the reference, finite, n > 0.
    """

    names: Final = (BIAS, ABSOLUTE_ERROR)

    def __init__(self, errors: Floats) -> None:
        self._edges = [tail_refined_edges(np.sort(values)) for values in (errors, np.abs(errors))]
        counts = self.counts(errors)
        first = len(self._edges[0]) + 2
        self._bins = [FeatureBins(Kind.NUMERIC, part) for part in (counts[:first], counts[first:])]
        self._worse = _worse_tilts(errors, counts[1 : first - 2], self._edges[0])

    def counts(self, errors: Floats) -> Counts:
        """See `PerformanceBins`: below, the reference's bins, above, and none that are missing; for both."""
        parts = zip((errors, np.abs(errors)), self._edges, strict=True)
        return np.concatenate(
            [np.bincount(ordinal_bins(values, edges), minlength=len(edges) + 2) for values, edges in parts]
        ).astype(np.int64)

    def tables(self, allowance: Allowance) -> Tables:
        """See `PerformanceBins`."""
        tables = build_tables(self._bins, allowance, rho=RHO)
        up = np.array([label is Label.UP for label in TILT_LABELS])
        owners = tables.rows.feature[: tables.tilts.log_factors.shape[0] * len(TILT_LABELS)]
        tilts = np.concatenate([(self._worse, up)[owner] for owner in owners[:: len(TILT_LABELS)]] or [up[:0]])
        above = int(tables.starts[2]) - 2
        return _only(tables, tilts, (tables.odds.bins == above) & (tables.odds.step > 0))


@dataclass(frozen=True, slots=True)
class Objective:
    """The mean of the loss may be at most `limit` > 0; the loss is the absolute error to the power of `power`."""

    name: str
    limit: float
    power: int = 1


class Objectives:
    """Against objectives, one feature each.

    Args:
        objectives: at least one.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self.names = tuple(objective.name for objective in objectives)
        self._objectives = objectives
        # A wrong class is a loss of 1, which gets a bin that begins there.
        self._ratios = [
            np.array([0.0, 1 / objective.limit]) if objective.name == ACCURACY else _RATIOS for objective in objectives
        ]

    def counts(self, errors: Floats) -> Counts:
        """See `PerformanceBins`."""
        parts = []
        for objective, ratios in zip(self._objectives, self._ratios, strict=True):
            loss = np.abs(errors) ** objective.power / objective.limit
            place = np.searchsorted(ratios * (1 - 1e-12), loss, side="right") - 1
            parts.append(np.bincount(np.maximum(place, 0), minlength=len(ratios)))
        return np.concatenate(parts).astype(np.int64)

    def tables(self, allowance: Allowance) -> Tables:  # noqa: ARG002  # an objective is a boundary as it stands
        """See `PerformanceBins`."""
        sizes = [len(ratios) for ratios in self._ratios]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
        features, flat, bets = len(sizes), int(starts[-1]), len(STAKES)
        bins = starts[:-1, None] + np.arange(max(sizes))
        padding = np.arange(max(sizes)) >= np.array(sizes)[:, None]
        ratios = np.array([np.pad(ratios, (0, max(sizes) - len(ratios))) for ratios in self._ratios])
        paid = 1 + np.array(STAKES)[:, None] * (ratios[:, None, :] - 1)
        logs = np.where(padding[:, None, :], 0.0, np.log((1 - _HELD_BACK) * paid + _HELD_BACK))
        owner = np.repeat(np.arange(features), bets)
        return Tables(
            starts=starts,
            ordinary=np.ones(flat),
            phi=np.ones(features),
            rho=np.full(features, RHO),
            tilts=Tilts(np.where(padding, flat, bins), logs),
            odds=_no_odds(),
            adaptive=_no_adaptive(),
            memories=np.array(MEMORIES),
            rows=Rows(
                feature=owner,
                base=owner,
                weight=np.full(len(owner), 1 / bets),
                label=np.full(len(owner), Label.UP, np.intp),
                segments=np.arange(features) * bets,
                segment_feature=np.arange(features),
            ),
        )


def share_tables(references: Sequence[FeatureBins], allowance: Allowance) -> Tables:
    """Bets that the share of wrong ones has grown, one feature for each reference: boolean bins of right and wrong."""
    tables = build_tables(references, allowance, rho=RHO)
    bin_ = tables.odds.bins % LEAST_BINS[Kind.BOOLEAN]
    pays_for_wrong = np.where(bin_ == 1, tables.odds.step > 0, (bin_ == 0) & (tables.odds.step < 0))
    return _only(tables, np.zeros(0, np.bool_), pays_for_wrong)


def _only(tables: Tables, tilts: Flags, odds: Flags) -> Tables:
    """The same with stakes for some of the bets alone, which sum to 1 again where there are any; adaptive ones go."""
    rows = tables.rows
    kept = np.concatenate([tilts, odds, np.zeros(len(rows.weight) - len(tilts) - len(odds), np.bool_)])
    weight = np.where(kept, rows.weight, 0.0)
    left = totals(rows.feature, weight, tables.features)
    return replace(tables, rows=replace(rows, weight=weight / np.where(left > 0, left, 1.0)[rows.feature]))


def _worse_tilts(errors: Floats, counts: Counts, edges: Floats) -> Flags:
    """Which bets on the mean of the signed error are on a larger mean absolute error; those on its scale are not used.

    The law that a bet is on is the reference with its rows weighted anew, bin by bin.
    """
    p = (counts + 0.5) / (counts.sum() + len(counts) / 2)
    place = ordinal_bins(errors, edges) - 1
    size = np.bincount(place, np.abs(errors), len(counts)) / np.maximum(np.bincount(place, minlength=len(counts)), 1)
    after = tilted(p[None, :])[0, : len(MEAN_TILTS)] @ size
    worse: Flags = after >= p @ size
    return np.concatenate([worse, np.zeros(len(TILT_LABELS) - len(MEAN_TILTS), np.bool_)])


def _no_odds() -> Odds:
    none: Indices = np.zeros(0, np.intp)
    return Odds(none, none, np.zeros(0), np.zeros(0))


def _no_adaptive() -> Adaptive:
    none: Indices = np.zeros(0, np.intp)
    nothing = np.zeros(0)
    return Adaptive(none, none, none, np.zeros(1, np.intp), nothing, nothing, nothing, nothing)
