"""The cells of one role, collected over the rows of a batch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Column, Kind, Role, column_from_values
from model_exporter.batch.columns import ABSENT
from model_exporter.decode.layouts import Row

Values = Sequence[object] | NDArray[np.float64]
"""The values of one cell over some rows. An array holds numbers only."""
CellColumns = tuple[tuple[str, ...], tuple[Values, ...]]
"""Names of some cells, which are distinct, and the values of each."""

NO_COLUMNS: Final[CellColumns] = ((), ())


@dataclass(slots=True)
class _Run:
    """Rows with the same names: as bare values, because a dictionary a row would be five times as large, and slower."""

    names: tuple[str, ...]
    rows: list[tuple[object, ...]]  # those that came one by one
    columns: tuple[Values, ...] = ()  # or of those that came at once
    size: int = 0  # of these

    def __len__(self) -> int:
        return self.size or len(self.rows)

    def values(self) -> Iterable[Values]:
        return self.columns if self.size else zip(*self.rows, strict=True)


class Side:
    """The cells of one role over the rows.

    Attributes:
        names: of all rows, in the order first seen.
        shape: names of the last row.
    """

    __slots__ = ("_may_grow", "_role", "_runs", "names", "shape")

    def __init__(self, role: Role) -> None:
        self.names: dict[str, None] = {}
        self.shape: tuple[str, ...] = ()
        self._role = role
        self._runs: list[_Run] = []
        self._may_grow = False  # the last run, by rows like its own

    def add(self, row: Row) -> None:
        """Add a row, whose names are known."""
        names, values = row
        if not self._may_grow or names != self.shape:
            self._begin(_Run(names, []))
            self._may_grow = True
        self._runs[-1].rows.append(values)

    def extend(self, cells: CellColumns, rows: int) -> None:
        """Add `rows` rows, at least one, whose names become known."""
        names, columns = cells
        self.names.update(dict.fromkeys(names))
        self._begin(_Run(names, [], columns, rows))
        self._may_grow = False

    def columns(self) -> list[Column]:
        """All of them that a row has."""
        return [self._column(name, values) for name, values in self._values() if _is_there(values)]

    def _column(self, name: str, values: Values) -> Column:
        if isinstance(values, np.ndarray):
            return Column(name, self._role, np.full(len(values), Kind.NUMBER, np.uint8), values)
        return column_from_values(name, self._role, values)

    def _begin(self, run: _Run) -> None:
        self._runs.append(run)
        self.shape = run.names

    def _values(self) -> Iterator[tuple[str, Values]]:
        if len(self._runs) == 1:
            (run,) = self._runs
            yield from zip(run.names, run.values(), strict=True)
            return
        parts: list[tuple[int, Mapping[str, Sequence[object]]]] = [
            (len(run), dict(zip(run.names, map(_listed, run.values()), strict=True))) for run in self._runs
        ]
        for name in self.names:
            yield name, list(chain.from_iterable(part.get(name) or repeat(ABSENT, size) for size, part in parts))


def _listed(values: Values) -> Sequence[object]:
    return list(values.tolist()) if isinstance(values, np.ndarray) else values


def _is_there(values: Values) -> bool:
    """Whether a row has the cell: of rows that came at once, those of one batch may all lack it."""
    return values[0] is not ABSENT or any(value is not ABSENT for value in values)
