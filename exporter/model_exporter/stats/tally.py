"""Performance as sums: what rows add to a fixed vector of sums, from which the measures are read.

The sums of two sets of rows add up to those of both, whatever the order and split, so windows, replicas and cohorts
are added before anything is measured. A row that turns out to have been wrong is taken off by subtracting its sums.

A row that stands for 1/rate others, because only a sample was kept, has that weight w. Sums of w stay unbiased; an
interval counts (sum w)^2 / sum w^2 rows (L. Kish, Survey Sampling, 1965), which is their number when all weights are
equal. Every tally keeps the sums of w^2 that this takes.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.measure import Measure

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]
Rows = TypeVar("Rows")

_RESIDUE: Final = 1e-6
"""What rounding may leave of sums that were added and taken off again; a row weighs 1 or more."""


class Entries:
    """What each of `rows` rows adds to which column of the sums."""

    def __init__(self, rows: int) -> None:
        self._all = np.arange(rows)
        self._rows: list[Indices] = []
        self._columns: list[Indices] = []
        self._values: list[Floats] = []

    def add(
        self, column: Indices | int, values: Floats, where: Flags | None = None, rows: Indices | None = None
    ) -> None:
        """Let every row, or those `where` says, add its value to its column.

        Args:
            column: one for all, or int64[m].
            values: float64[m], one a row; or m of them, and the row of each in `rows`.
            where: bool[m]; None for all.
            rows: int64[m]; None where there is one value a row.
        """
        rows = self._all if rows is None else rows
        columns = np.full(len(rows), column) if isinstance(column, int) else column
        if where is not None:
            rows, columns, values = rows[where], columns[where], values[where]
        self._rows.append(rows)
        self._columns.append(columns)
        self._values.append(values)

    def add_columns(self, where: Flags, first: int, values: Sequence[Floats]) -> None:
        """Let each row that `where` says add its one of `values[i]` to column `first + i`, for all i."""
        rows = self._all[where]
        self._rows.append(np.tile(rows, len(values)))
        self._columns.append(np.repeat(np.arange(first, first + len(values)), len(rows)))
        self._values.append(np.concatenate(values))

    def moved(self, offsets: Indices) -> "Entries":
        """The same, with the columns of row i moved up by `offsets[i]`."""
        self._columns = [columns + offsets[rows] for rows, columns in zip(self._rows, self._columns, strict=True)]
        return self

    def total(self, width: int) -> Floats:
        """Sums over all rows, float64[width]."""
        if not self._columns:
            return np.zeros(width)
        return _sums(np.concatenate(self._columns), np.concatenate(self._values), width)

    def total_by(self, places: Indices, number: int, width: int) -> Floats:
        """Sums of the rows of each place, float64[number, width]; row i goes to `places[i]`, 0 to number - 1."""
        if not self._columns:
            return np.zeros((number, width))
        flat = places[np.concatenate(self._rows)] * width + np.concatenate(self._columns)
        return _sums(flat, np.concatenate(self._values), number * width).reshape(number, width)


class Tally(ABC, Generic[Rows]):
    """The layout of the sums of one kind of model."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Length of the sums."""

    @abstractmethod
    def entries(self, rows: Rows) -> Entries:
        """What `rows` add to which sum."""

    @abstractmethod
    def measures(self, sums: Floats) -> list[Measure]:
        """What `sums`, float64[width], say; metrics below their minimum count are left out, and none is NaN."""

    def sums(self, rows: Rows) -> Floats:
        """Sums of `rows`, float64[width]."""
        return self.entries(rows).total(self.width)

    def sums_by(self, rows: Rows, places: Indices, number: int) -> Floats:
        """Sums of the rows of each place (a cohort, a group), float64[number, width].

        Args:
            rows: n of them.
            places: int64[n], 0 to number - 1.
            number: of places.
        """
        return self.entries(rows).total_by(places, number, self.width)


def _sums(places: Indices, values: Floats, size: int) -> Floats:
    sums: Floats = np.bincount(places, values, size).astype(np.float64, copy=False)
    return sums


def effective_rows(weight: float, squares: float) -> float:
    """Rows of equal weight that tell as much: (sum w)^2 / sum w^2; 0 where there is none.

    >>> effective_rows(30.0, 300.0)
    3.0
    """
    return weight * weight / squares if weight > _RESIDUE and squares > _RESIDUE else 0.0


def cleared(sums: Floats) -> Floats:
    """Sums of weights without what rounding leaves where all rows were taken off again.

    >>> cleared(np.array([2.0, 1e-12, -1e-12])).tolist()
    [2.0, 0.0, 0.0]
    """
    return np.where(sums > _RESIDUE, sums, 0.0)


def weights_of(weights: Floats | None, rows: int) -> Floats:
    """`weights`, or ones for `rows` rows where there are none."""
    return np.ones(rows) if weights is None else weights
