"""Bets on a changed dependence between two features: Gaussian copulas nearer to and farther from independence.

The null hypothesis of a pair is that its joint law has the baseline's odds ratios: P(k, l) is proportional to
p(k, l) a(k) b(l) with any a and b. That is what remains when the traffic moves by one feature and the other follows as
it always did, and when the values of a Gaussian pair are shifted. What breaks it is a changed law of one feature given
the other: another correlation, but also another scale of one of two correlated features.

So that margins earn nothing, the alternatives q have the margins of p. Then g = q/p - 1 has mean 0 in every row and
column of the table, and a margin that moves alone, in an independent pair or by a changed mix of the traffic, pays
nothing on average. Where both margins move, `model_exporter.stats.pair_evidence` takes off what they alone would pay.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from model_exporter.stats.copula import LEVELS, Floats, fit_margins, normal_cells, table_correlation
from model_exporter.stats.dictionary import Allowance, log_factors
from model_exporter.stats.pairs import CELLS, Counts, Flags, PairBaseline

TILTS: Final = (-0.6, -0.3, -0.15, 0.15, 0.3, 0.6)
"""What the alternatives add to artanh of the pair's correlation."""
PAIR_ALLOWANCE: Final = Allowance(tolerance=0.001)
"""A divergence of 0.001 is a correlation of 0.035 from none. It may be smaller than a feature's: seasons move margins
more than dependence."""

_FITTING_STEPS: Final = 60
"""Enough for margins right to 1e-12 up to a correlation of 0.98."""


@dataclass(frozen=True, slots=True)
class PairBets:
    """What is bet on each cell of P pairs by J alternatives, in the order of `TILTS`.

    Attributes:
        log_factors: float64[P, J, 25], what a row in a cell pays; 0 in cells that the pair does not have.
        weights: float64[P, J], shares of a pair's stakes. They sum to 1, or are all 0 in a pair whose baseline is too
            small for any bet to pay.
        cells: float64[P, 25], the baseline's smoothed probabilities.
        correlation: float64[P], of the Gaussian copula nearest to the baseline.
    """

    log_factors: Floats
    weights: Floats
    cells: Floats
    correlation: Floats

    @property
    def has_bets(self) -> Flags:
        """bool[P]: whether the pair has anything to bet on."""
        flags: Flags = self.weights.sum(axis=1) > 0
        return flags


def build_pair_bets(
    baseline: PairBaseline, *, allowance: Allowance = PAIR_ALLOWANCE, phi: Floats | float = 1.0
) -> PairBets:
    """The bets against a baseline of pairs.

    An alternative has p's margins and p's odds ratios times those of normal_cells(tanh(artanh rho + tilt)) over those
    of normal_cells(rho), where rho is the correlation fitted to p. What it pays is in
    `model_exporter.stats.dictionary.log_factors`. A bet that cannot pay has no stake.

    Args:
        baseline: joint tables.
        allowance: what does not count as a change; its tolerance and z apply.
        phi: by how much dependence inflates the variance of the baseline's counts, >= 1, one for all or float64[P].
    """
    counts = baseline.counts.reshape(-1, LEVELS, LEVELS)
    rows = np.maximum(counts.sum(axis=(1, 2)), 1).astype(np.float64)
    cells = _smoothed(counts)
    rho = table_correlation(cells)
    p, q = cells.reshape(-1, CELLS), _tilted(cells, rho, rows).reshape(-1, len(TILTS), CELLS)
    logs, pays = log_factors(p, q, rows / phi, allowance)
    return PairBets(logs, pays / np.maximum(pays.sum(axis=1, keepdims=True), 1), p, rho)


def _smoothed(counts: Counts) -> Floats:
    """Shares float64[P, 5, 5], with half a row more in each cell of the levels that have rows."""
    has = (counts.sum(axis=2) > 0)[:, :, None] & (counts.sum(axis=1) > 0)[:, None, :]
    weighted = np.where(has, counts + 0.5, 0.0)
    smoothed: Floats = weighted / np.maximum(weighted.sum(axis=(1, 2), keepdims=True), 0.5)
    return smoothed


def _tilted(cells: Floats, rho: Floats, rows: Floats) -> Floats:
    """The alternatives, float64[P, J, 5, 5].

    Cells in which the copula expects less than half a row are hardly tilted: there the ratio of two copulas is wild,
    and the baseline cannot tell what is usual.
    """
    margins = cells.sum(axis=2), cells.sum(axis=1)
    half_a_row = 0.5 / rows[:, None, None]
    before = normal_cells(rho, *margins) + half_a_row
    tilted = []
    for tilt in TILTS:
        after = normal_cells(np.tanh(np.arctanh(rho) + tilt), *margins) + half_a_row
        tilted.append(fit_margins(cells * after / before, *margins, steps=_FITTING_STEPS))
    return np.stack(tilted, axis=1)
