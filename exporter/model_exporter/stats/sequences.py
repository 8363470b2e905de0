"""Confidence sequences: intervals that hold at every look together, however long one looks.

A 95 % Wilson interval that is looked at after every 10 outcomes, up to 10,000, misses the truth at some look in half of
the runs. These miss it in one run in twenty, and are 1.5 to 1.7 times as wide. They are about all rows since a fixed
start, not about a rolling window: sums must only grow.

Source: I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, Time-uniform central limit theory and asymptotic
confidence sequences, Ann. Statist. 52 (2024), with the boundary tuned to be narrowest at 500 rows. They hold
asymptotically: see the minimum rows of the callers.
"""

from math import log, sqrt
from typing import Final

from model_exporter.stats.intervals import Interval, Moments

NARROWEST_AT: Final = 500
"""Rows at which the sequence is as narrow as it can be."""


def sequence_radius(sd: float, n: float, alpha: float) -> float:
    """Half-width after n > 0 rows with standard deviation `sd` of a sequence that fails with chance `alpha`, 0 to 1.

    sd sqrt(2 (n r + 1) / (n^2 r) log(sqrt(n r + 1) / alpha)) with r = (-2 ln alpha + ln(1 - 2 ln alpha)) / 500.

    >>> round(sequence_radius(1.0, 500, 0.05), 4)
    0.1357
    """
    r = (-2 * log(alpha) + log(1 - 2 * log(alpha))) / NARROWEST_AT
    grown = n * r + 1
    return sd * sqrt(2 * grown / (n * n * r) * log(sqrt(grown) / alpha))


def mean_sequence(moments: Moments, alpha: float) -> Interval:
    """Where the mean lies at every look together, from more than one effective row.

    >>> [round(end, 2) for end in mean_sequence(Moments(500, 500, 0.0, 499.0, 0.0), 0.05)]
    [-0.14, 0.14]
    """
    radius = sequence_radius(moments.sd, moments.rows, alpha)
    return Interval(moments.mean - radius, moments.mean + radius)


def share_sequence(share: float, n: float, alpha: float) -> Interval:
    """Where a share lies at every look together, seen as `share` among n > 0 rows; 0 to 1.

    The standard deviation is that of the share after two more rows on either side (A. Agresti and B. A. Coull, 1998),
    since 0 of n would else claim to be certain.

    >>> [round(end, 3) for end in share_sequence(0.3, 500, 0.05)]
    [0.238, 0.362]
    """
    likely = (share * n + 2) / (n + 4)
    radius = sequence_radius(sqrt(likely * (1 - likely)), n, alpha)
    return Interval(max(share - radius, 0.0), min(share + radius, 1.0))


def gap_at_least(one: Interval, other: Interval) -> float:
    """The smallest gap, without its sign, that two sequences leave room for; not positive where they overlap.

    With sequences that fail with alpha/2 each the gap is smaller at any look with chance alpha at most.

    >>> gap = gap_at_least(Interval(0.5, 0.6), Interval(0.2, 0.4))
    >>> round(gap, 2)
    0.1
    """
    return max(one.lower - other.upper, other.lower - one.upper)
