"""Ratios, sums and means of expressions, as sums that add up over rows, slots and replicas."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_exporter.indicators.evaluate import Columns, evaluate
from model_exporter.indicators.syntax import AFTERWARDS, Expression, FieldName

SUMS: Final = ("rows", "of", "to", "of_of", "of_to", "to_to", "squares")
"""What a row adds: that it counts, its two terms, their products, which the variance of a ratio needs, and the square
of its weight."""


class Form(Enum):
    """What is made of the terms."""

    RATIO = "ratio"
    SUM = "sum"
    MEAN = "mean"


class Terms(NamedTuple):
    """The two terms of each row, float64[n]; NaN in both where the row does not count."""

    of: NDArray[np.float64]
    to: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Indicator:
    """A business indicator.

    Attributes:
        name: the value of the label `kpi`.
        form: ratio, sum or mean.
        of: what is summed.
        to: what a ratio divides it by; None for the number of rows.
    """

    name: str
    form: Form
    of: Expression
    to: Expression | None = None

    @property
    def is_share(self) -> bool:
        """Whether it is the share of predictions for which something is true."""
        return self.form is Form.RATIO and self.to is None

    @property
    def fields(self) -> tuple[FieldName, ...]:
        """What it reads, each once."""
        return tuple(dict.fromkeys((*self.of.fields, *(self.to.fields if self.to else ()))))

    @property
    def needs_outcome(self) -> bool:
        """Whether it can be evaluated only once the outcome is known."""
        return self.of.needs_outcome or (self.to is not None and self.to.needs_outcome)

    def terms(self, columns: Columns, rows: int) -> Terms:
        """The terms of `rows` rows. A row counts when everything that it needs is known."""
        of = evaluate(self.of, columns, rows, truth=self.is_share)
        to = np.ones(rows) if self.to is None else evaluate(self.to, columns, rows)
        unknown = np.isnan(of) | np.isnan(to)
        return Terms(np.where(unknown, np.nan, of), np.where(unknown, np.nan, to))

    def value(self, sums: NDArray[np.float64]) -> float | None:
        """The indicator of `sums`, float64[len(SUMS)] in the order of `SUMS`; None where there is nothing to tell."""
        rows, of, to = (float(part) for part in sums[:3])
        if rows <= 0:
            return None
        if self.form is Form.SUM:
            return of
        return of / to if to else None


def sums_of(terms: Terms, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """What rows add up to: float64[len(SUMS)] in the order of `SUMS`. A row stands for `weights` rows, or one."""
    rows = len(terms.of)
    sums: NDArray[np.float64] = sums_by(
        terms, np.ones(rows) if weights is None else weights, np.zeros(rows, np.int64), 1
    )[0]
    return sums


def sums_by(terms: Terms, weights: NDArray[np.float64], places: NDArray[np.int64], number: int) -> NDArray[np.float64]:
    """The sums of the rows of each place, float64[number, len(SUMS)]; row i goes to `places[i]`."""
    counts = ~np.isnan(terms.of)
    of, to, w, places = terms.of[counts], terms.to[counts], weights[counts], places[counts]
    columns = (w, w * of, w * to, w * of * of, w * of * to, w * to * to, w * w)
    return np.column_stack([np.bincount(places, column, number) for column in columns]).astype(np.float64, copy=False)


def kept_fields(indicators: Iterable[Indicator]) -> tuple[FieldName, ...]:
    """What has to be kept of a prediction for the indicators that wait for its outcome, each once, in their order."""
    waiting = (name for indicator in indicators if indicator.needs_outcome for name in indicator.fields)
    return tuple(dict.fromkeys(name for name in waiting if name.source not in AFTERWARDS))
