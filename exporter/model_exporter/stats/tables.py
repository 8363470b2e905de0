"""All bets on a baseline's features as flat tables, built once and shared by every state that uses them.

The bins of all features stand one after another as in the rolling windows: feature f has bins[starts[f]:starts[f+1]].
Values of a data-quality bin (missing, unseen, out of range) are judged by their share of all rows. All other bets are
on the law of a feature given that a value is an ordinary one, and pay 1 for the others, so that an outage that loses
half of the values is told as missing values and not as a shift of those that are left. (For the bets on mean and scale
a value out of range is ordinary too: it counts as one of the outermost bin.)
"""

from dataclasses import dataclass
from typing import Protocol

from model_exporter.stats.features import Flags, Floats, Indices, totals


@dataclass(frozen=True, slots=True)
class Tilts:
    """Bets with a factor of its own for each bin: N features, J bets each, up to B bins.

    `bins` is intp[N, B], flat indices padded with the number of flat bins; `log_factors` is float64[N, J, B], 0 in the
    padding.
    """

    bins: Indices
    log_factors: Floats


@dataclass(frozen=True, slots=True)
class Odds:
    """Bets on one bin each, P in all: n predictions of which x in the bin pay n * outside + x * step.

    All arrays have length P; `base` says which predictions count, as `Rows.base`.
    """

    bins: Indices
    base: Indices
    outside: Floats
    step: Floats


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Bets on what the traffic has lately been, one a memory, for A features.

    Attributes:
        features: intp[A].
        bins: intp[b], the flat indices of their ordinary bins, feature after feature.
        owner: intp[b], the place among the A of each bin's feature.
        starts: intp[A+1]: the bins of the i-th feature are bins[starts[i]:starts[i+1]].
        p: float64[b], the bins' shares in the baseline given an ordinary value.
        location: float64[b], scores of a numeric feature's bins (see `location_and_scale`); 0 for others.
        scale: the same.
        delta: float64[A], what is allowed for.
    """

    features: Indices
    bins: Indices
    owner: Indices
    starts: Indices
    p: Floats
    location: Floats
    scale: Floats
    delta: Floats


@dataclass(frozen=True, slots=True)
class Rows:
    """What all J bets have in common, whatever their kind: first the tilts, then the odds, then the adaptive bets.

    Attributes:
        feature: intp[J].
        base: intp[J]: the feature's index f for a bet that ordinary predictions move, F + f for one that all do.
        weight: float64[J]: share of the feature's stakes; they sum to 1 over a feature that has a bet that can pay.
        label: intp[J] of `Label`.
        segments: intp[S]: where each run of rows of one feature begins.
        segment_feature: intp[S].
    """

    feature: Indices
    base: Indices
    weight: Floats
    label: Indices
    segments: Indices
    segment_feature: Indices


@dataclass(frozen=True, slots=True)
class Tables:
    """A portfolio of bets for each of F features over B flat bins.

    Attributes:
        starts: intp[F+1].
        ordinary: float64[B], 1 for ordinary bins and 0 for data-quality bins.
        phi: float64[F], the least tempering.
        rho: float64[F], correlation of predictions within a slot: a slot of n is tempered by 1 + (n-1) rho at least.
        tilts: bets on mean and scale.
        odds: bets on single bins.
        adaptive: bets on lately seen laws.
        memories: float64[M], predictions over which the adaptive bets remember.
        rows: what they have in common.
    """

    starts: Indices
    ordinary: Floats
    phi: Floats
    rho: Floats
    tilts: Tilts
    odds: Odds
    adaptive: Adaptive
    memories: Floats
    rows: Rows

    @property
    def features(self) -> int:
        """F."""
        return len(self.starts) - 1

    @property
    def has_bets(self) -> Flags:
        """bool[F]: whether the baseline leaves anything to bet on (one row, say, leaves nothing)."""
        return totals(self.rows.feature, self.rows.weight, self.features) > 0


class Seasons(Protocol):
    """Tables by season, all with the same rows: one in a list, or `portfolio.SeasonalTables`."""

    def __len__(self) -> int:
        """How many seasons there are."""

    def __getitem__(self, season: int, /) -> Tables:
        """The tables of one of them."""
