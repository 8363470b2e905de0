"""A measure of performance with its bounds, and the rows below which none is given."""

from dataclasses import dataclass
from typing import Final

MIN_RATE_ROWS: Final = 30
"""Effective rows in the denominator of a rate (accuracy, precision, recall, coverage)."""
MIN_RELEVANT: Final = 20
"""Effective rows that are positive or called so, for F1."""
MIN_EACH_CLASS: Final = 20
"""Effective rows of either class, for the areas under curves: with 2 to 10 the intervals cover 84 to 91 %."""
MIN_LOSS_OF_CLASS: Final = 5
"""Effective rows of either class, for losses: without a rare positive its large loss is not known either, and 100 rows
of which 2 % are positive have intervals that cover 80 %."""
MIN_MEAN_ROWS: Final = 100
"""Effective rows of a mean of numbers (losses, errors)."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric over the rows of a window.

    Attributes:
        metric: its name, as `recall`.
        value: of the metric.
        lower: lower end of its confidence interval.
        upper: upper end.
        count: effective rows that the interval rests on; without sampling, the rows of the metric's denominator.
        label: the class, horizon or depth that the metric is of; empty for all rows.
    """

    metric: str
    value: float
    lower: float
    upper: float
    count: float
    label: str = ""
