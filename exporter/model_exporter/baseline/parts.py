"""Rows that are read piece by piece, put together as columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model_exporter.batch import Column, Kind, Role, Words, absent_cells, column_from_values, concatenate


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows. Each column has a cell for every one of them; its name is that of the file, its role is not known yet.

    `columns` lack what no row of the part has.
    """

    rows: int
    columns: Sequence[Column]


class Gathering:
    """Parts one after another. A column that a part lacks is ABSENT in the part's rows."""

    def __init__(self) -> None:
        self.rows = 0
        self._chunks: dict[str, list[Column]] = {}
        self._lengths: dict[str, int] = {}

    def add(self, part: Part) -> None:
        """Add the rows of `part`."""
        for column in part.columns:
            self._fill(column, self.rows)
            self._chunks[column.name].append(column)
            self._lengths[column.name] = self.rows + part.rows
        self.rows += part.rows

    def columns(self) -> tuple[Column, ...]:
        """All columns in the order first seen, each with a cell for every row."""
        for chunks in list(self._chunks.values()):
            self._fill(chunks[0], self.rows)
        return tuple(concatenate(chunks) for chunks in self._chunks.values())

    def _fill(self, column: Column, rows: int) -> None:
        """Bring the column of this name up to `rows` with absent cells."""
        chunks = self._chunks.setdefault(column.name, [])
        lacking = rows - self._lengths.get(column.name, 0)
        if lacking:
            chunks.append(absent_cells(column, lacking))
            self._lengths[column.name] = rows


def column_of_words(name: str, texts: Words) -> Column:
    """A column of `texts`, each kept as `column_from_values` keeps it; rows without one or with an empty one are NULL.

    Costs a step per distinct text and not per row.
    """
    column = column_from_values(name, Role.INPUT, texts.words)
    if column.texts is None:  # no text, or only the empty one
        codes = np.full(len(texts.codes), -1, np.int32)
    else:
        codes = np.append(column.texts.codes, np.int32(-1))[texts.codes]
    kinds = np.where(codes >= 0, np.uint8(Kind.TEXT), np.uint8(Kind.NULL))
    coded = Words(codes, column.texts.words) if column.texts else None
    return Column(name, Role.INPUT, kinds, np.full(len(kinds), np.nan), coded)
