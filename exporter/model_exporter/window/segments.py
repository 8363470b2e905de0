"""The groups that predictions belong to: attributes, features, bins of a feature."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Batch, Column, Kind, Role, Words
from model_exporter.config.settings import Segment, SegmentSource

OTHER: Final = "_other"
"""The group of all groups that there is no room for."""

_ROLES: Final = {SegmentSource.FEATURE: Role.INPUT, SegmentSource.ATTRIBUTE: Role.CONTEXT}


@dataclass(frozen=True, slots=True)
class Grouped:
    """The groups of some rows.

    Attributes:
        groups: for each segment, in the order of the settings, the group of each row; -1 where it is not known. Codes
            keep their meaning for as long as their reader lives: `words` only grows at its end.
        refused: groups of rows that became `_other` for lack of room, over all segments.
    """

    groups: tuple[Words, ...]
    refused: int


class SegmentReader:
    """Tells the groups of rows. One model's; for one thread.

    A group is a text, a number or a truth value as text, or a range of numbers: `<18`, `[18,30)`, `>=30`. The first
    `limit` groups of a segment have names of their own; ranges always have.

    Args:
        segments: in the order of the settings.
        limit: groups of one segment.
    """

    def __init__(self, segments: Sequence[Segment], *, limit: int) -> None:
        self._segments = tuple(segments)
        self._groups = [_Ranges(s.edges) if s.edges else _Groups(limit) for s in segments]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What it reads."""
        return self._segments

    def groups(self, batch: Batch) -> Grouped:
        """The groups of all rows of `batch`."""
        there = (
            {(column.role, column.name): column for column in (*batch.columns, *batch.context)} if self._groups else {}
        )
        words: list[Words] = []
        refused = 0
        for segment, groups in zip(self._segments, self._groups, strict=True):
            column = there.get((_ROLES[segment.source], _column_name(segment)))
            if column is None:
                words.append(Words(np.full(batch.rows, -1, np.int32), groups.words))
            else:
                codes, over = groups.codes(column)
                words.append(Words(codes, groups.words))
                refused += over
        return Grouped(tuple(words), refused)

    def recode(self, groups: Sequence[Sequence[str]]) -> Grouped:
        """The same for groups told earlier as text, in the order of the settings; empty text is not known."""
        words: list[Words] = []
        refused = 0
        for place, known in enumerate(self._groups):
            codes, over = known.recode([row[place] if place < len(row) else "" for row in groups])
            words.append(Words(codes, known.words))
            refused += over
        return Grouped(tuple(words), refused)


def _column_name(segment: Segment) -> str:
    return segment.field if segment.source is SegmentSource.FEATURE else f"segment.{segment.field}"


class _Groups:
    """Groups named by values, the first ones seen."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._index: dict[str, int] = {}
        self.words: tuple[str, ...] = ()

    def codes(self, column: Column) -> tuple[NDArray[np.int32], int]:
        codes = np.full(len(column.kinds), -1, np.int32)
        refused = 0
        if column.texts is not None:
            rows = np.flatnonzero(column.texts.codes >= 0)
            used, inverse = np.unique(column.texts.codes[rows], return_inverse=True)
            words = column.texts.words
            refused += self._place(codes, rows, [words[code] for code in used.tolist()], inverse)
        for kind, text in ((Kind.NUMBER, _number_text), (Kind.BOOLEAN, _truth_text)):
            rows = np.flatnonzero((column.kinds == kind) & np.isfinite(column.numbers))
            if rows.size:
                values, inverse = np.unique(column.numbers[rows], return_inverse=True)
                refused += self._place(codes, rows, map(text, values.tolist()), inverse)
        return codes, refused

    def recode(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], int]:
        told = Words.from_texts(texts)
        codes = np.full(len(texts), -1, np.int32)
        rows = np.flatnonzero(told.codes >= 0)
        return codes, self._place(codes, rows, told.words, told.codes[rows])

    def _place(
        self, codes: NDArray[np.int32], rows: NDArray[np.intp], texts: Iterable[str], inverse: NDArray[np.integer]
    ) -> int:
        """Write the codes of `texts[inverse]` at `rows` into `codes`; returns how many rows are refused."""
        places = np.array([self._code(text) for text in texts], np.int32)
        if not rows.size:
            return 0
        codes[rows] = found = places[inverse]
        other = self._index.get(OTHER)
        return 0 if other is None else int(np.count_nonzero(found == other))

    def _code(self, text: str) -> int:
        code = self._index.get(text)
        if code is None and len(self._index) - (OTHER in self._index) >= self._limit:
            text = OTHER
            code = self._index.get(text)
        if code is None:
            code = self._index[text] = len(self._index)
            self.words = tuple(self._index)
        return code


class _Ranges:
    """Groups that are ranges of numbers, closed below and open above."""

    def __init__(self, edges: Sequence[float]) -> None:
        self._edges = np.array(edges, np.float64)
        texts = [_number_text(edge) for edge in edges]
        between = [f"[{low},{high})" for low, high in pairwise(texts)]
        self.words: tuple[str, ...] = (f"<{texts[0]}", *between, f">={texts[-1]}")
        self._index = {word: code for code, word in enumerate(self.words)}

    def codes(self, column: Column) -> tuple[NDArray[np.int32], int]:
        places = np.searchsorted(self._edges, column.numbers, side="right").astype(np.int32)
        numeric = (column.kinds == Kind.NUMBER) & ~np.isnan(column.numbers)
        return np.where(numeric, places, np.int32(-1)), 0

    def recode(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], int]:
        return np.array([self._index.get(text, -1) for text in texts], np.int32), 0


def _number_text(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _truth_text(number: float) -> str:
    return "true" if number else "false"
