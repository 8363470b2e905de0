"""Changes that are to be told, for `bench_delay.py`: baselines and the laws of traffic before and after each.

Numbers are cut into bins as the product cuts them, at the baseline's own quantiles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.bins import TAIL_REFINED, ordinal_bins, tail_refined_edges
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.normal import normal_score, normal_share

Values = NDArray[np.float64]
Cumulated = Callable[[Values], Values]

MISSING: Final = 0.01
EXACT_ROWS: Final = 10**12


@dataclass(frozen=True, slots=True)
class Sample:
    """One baseline: its counts by bin, and the laws of the traffic before and after the change over the same bins."""

    bins: FeatureBins
    before: Values
    after: Values


Draw = Callable[[np.random.Generator, int], Sample]


@dataclass(frozen=True, slots=True)
class Shift:
    """A change.

    Attributes:
        name: for the report.
        draw: makes a sample from a baseline of so many rows, `EXACT_ROWS` for one without error.
        divergence: Kullback-Leibler divergence of the values after the change, nats a prediction.
    """

    name: str
    draw: Draw
    divergence: float


def numeric(
    quantile: Cumulated,
    values_of: Callable[[np.random.Generator, int], Values],
    before: Cumulated,
    after: Cumulated,
    *,
    stuck: float = 0.0,
) -> Draw:
    """Samples of a numeric feature with 1 % of its values missing.

    Args:
        quantile: of the baseline's law.
        values_of: so many values of it.
        before: distribution function of the values before the change.
        after: the same after it.
        stuck: share of all predictions that come to stand on the baseline's 45 % quantile.
    """

    def draw(rng: np.random.Generator, rows: int) -> Sample:
        if rows == EXACT_ROWS:
            edges = np.array([-np.inf, *quantile(np.array(TAIL_REFINED)), np.inf])
            counts = np.round(law(before, edges) * rows).astype(np.int64)
        else:
            missing = rng.binomial(rows, MISSING)
            values = np.sort(values_of(rng, rows - missing))
            edges = tail_refined_edges(values)
            inner = np.diff(np.searchsorted(values, edges, side="right"), prepend=0)
            counts = np.array([*inner, 0, missing], np.int64)
        changed = law(after, edges) * (1 - stuck)
        changed[ordinal_bins(quantile(np.array([0.45])), edges)] += stuck
        return Sample(FeatureBins(Kind.NUMERIC, counts), law(before, edges), changed)

    return draw


def standard_normal(rng: np.random.Generator, rows: int) -> Values:
    """Values of the usual feature."""
    return rng.standard_normal(rows)


def law(cumulated: Cumulated, edges: Values) -> Values:
    """Probabilities of the bins between edges, of values out of range and of missing ones."""
    with np.errstate(over="ignore"):
        below = np.concatenate([cumulated(edges), [1.0]])
    return np.append(np.diff(below, prepend=0.0) * (1 - MISSING), MISSING)


def shares(kind: Kind, before: Values, after: Values) -> Draw:
    """Samples of a feature whose bins stand fast."""

    def draw(rng: np.random.Generator, rows: int) -> Sample:
        counts = np.round(before * rows) if rows == EXACT_ROWS else rng.multinomial(rows, before)
        return Sample(FeatureBins(kind, counts.astype(np.int64)), before, after)

    return draw


def missing_more(share: float) -> Draw:
    """Samples of a normal feature whose share of missing values changes."""
    usual = numeric(normal_score, standard_normal, normal_share, normal_share)

    def draw(rng: np.random.Generator, rows: int) -> Sample:
        sample = usual(rng, rows)
        after = sample.before * (1 - share) / (1 - MISSING)
        after[-1] = share
        return Sample(sample.bins, sample.before, after)

    return draw


def divergence(after: Values, before: Values) -> float:
    """Kullback-Leibler divergence of laws without empty bins, nats."""
    return float((after * np.log(after / before)).sum())


def normal_shift(mean: float, sd: float = 1.0) -> Draw:
    """Samples of a standard normal feature that gets another mean and standard deviation."""
    return numeric(normal_score, standard_normal, normal_share, lambda x: normal_share((x - mean) / sd))


CATEGORIES: Final = np.array([0.35, 0.25, 0.2, 0.1, 0.05, 0.05])
"""The fifth doubles; after them come the bins of other, unseen and missing values."""


def categories(share: float) -> Values:
    """The law of the categories when the fifth has a share."""
    changed = CATEGORIES * (1 - share) / (1 - CATEGORIES[4])
    changed[4] = share
    return np.append(changed, np.zeros(3))


SHIFTS: Final = (
    *(Shift(f"mean +{d:g} sd", normal_shift(d), (1 - MISSING) * d**2 / 2) for d in (0.1, 0.25, 0.5, 1.0)),
    Shift("variance x1.5", normal_shift(0.0, float(np.sqrt(1.5))), (1 - MISSING) * (0.5 - np.log(1.5)) / 2),
    Shift(
        "category 5 to 10 %",
        shares(Kind.CATEGORICAL, categories(0.05), categories(0.1)),
        divergence(np.array([0.1, 0.9]), np.array([0.05, 0.95])),
    ),
    Shift("missing 1 to 3 %", missing_more(0.03), divergence(np.array([0.03, 0.97]), np.array([0.01, 0.99]))),
    Shift(
        "exponential x1.25",
        numeric(
            lambda share: -np.log1p(-share),
            lambda rng, rows: rng.standard_exponential(rows),
            lambda x: -np.expm1(-np.maximum(x, 0.0)),
            lambda x: -np.expm1(-np.maximum(x, 0.0) / 1.25),
        ),
        (1 - MISSING) * (0.25 - np.log(1.25)),
    ),
    Shift(
        "8 % stuck in one bin",
        numeric(normal_score, standard_normal, normal_share, normal_share, stuck=0.08),
        divergence(np.array([0.92 * 0.099 + 0.08, 0.92 * 0.901]), np.array([0.099, 0.901])),
    ),
)
