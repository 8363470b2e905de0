"""Tables of sums as bytes: where they are not 0, and what they are there."""

from typing import Final, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

_NUMBER: Final = "<f8"

Floats = NDArray[np.float64]


class KeptTable(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A table of numbers, most of them 0: score bins and groups that nothing fell in, slots without an outcome.

    Attributes:
        rows: of the table.
        columns: of the table.
        places: a bit for each cell, row by row: 1 where the number is not 0.
        numbers: those numbers, float64, little-endian.
    """

    rows: int
    columns: int
    places: bytes
    numbers: bytes

    @classmethod
    def of(cls, table: Floats) -> Self:
        """The float64[rows, columns] `table`."""
        there = table != 0.0
        rows, columns = table.shape
        return cls(rows, columns, np.packbits(there).tobytes(), table[there].astype(_NUMBER).tobytes())

    def table(self) -> Floats:
        """The table again, float64[rows, columns].

        Raises:
            ValueError: the parts do not belong together.
        """
        cells = self.rows * self.columns
        if min(self.rows, self.columns) < 0 or len(self.places) != (cells + 7) // 8:
            raise ValueError(f"a table of {self.rows} times {self.columns} has no {len(self.places)} bytes of places")
        there = np.unpackbits(np.frombuffer(self.places, np.uint8), count=cells).astype(np.bool_)
        numbers = np.frombuffer(self.numbers, _NUMBER)
        if len(numbers) != np.count_nonzero(there):
            raise ValueError(f"{len(numbers)} numbers for {np.count_nonzero(there)} places")
        if not np.isfinite(numbers).all():
            raise ValueError("a number is not finite")
        flat = np.zeros(cells)
        flat[there] = numbers
        return flat.reshape(self.rows, self.columns)


class KeptCohorts(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Sums by slot.

    Attributes:
        starts: beginnings of the slots, unix seconds, float64, little-endian, ascending.
        sums: a row for each slot.
    """

    starts: bytes
    sums: KeptTable

    @classmethod
    def of(cls, starts: Floats, table: Floats) -> Self:
        """The slots that begin at float64[n] `starts`, with the rows of `table`."""
        return cls(starts.astype(_NUMBER).tobytes(), KeptTable.of(table))

    def slots(self, columns: int) -> tuple[Floats, Floats]:
        """Beginnings of the slots and their rows, float64[n, columns].

        Raises:
            ValueError: there are other columns, or the parts do not belong together.
        """
        starts, table = np.frombuffer(self.starts, _NUMBER).astype(np.float64), self.sums.table()
        if table.shape != (len(starts), columns):
            raise ValueError(f"{len(starts)} slots of {columns} columns have no table of {table.shape}")
        if not (np.isfinite(starts).all() and (np.diff(starts) > 0).all()):
            raise ValueError("the slots are not in order")
        return starts, table


class KeptDelays(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """How long truth takes.

    Attributes:
        step: up to which the memory has faded.
        faded: the memory, one row.
    """

    step: int
    faded: KeptTable


class KeptGroups(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Sums by group and slot.

    Attributes:
        sizes: of each segment, the places for groups.
        names: of each segment, the groups that were seen, in their order; UTF-8 that may hold half of a surrogate pair.
        cohorts: blocks of columns, one for each place of a segment and one for no group, segment after segment.
    """

    sizes: tuple[int, ...]
    names: tuple[tuple[bytes, ...], ...]
    cohorts: KeptCohorts


def to_bytes(texts: tuple[str, ...]) -> tuple[bytes, ...]:
    """Names as bytes: UTF-8 that may hold half of a surrogate pair."""
    return tuple(text.encode("utf-8", "surrogatepass") for text in texts)


def to_texts(names: tuple[bytes, ...]) -> tuple[str, ...]:
    """What `to_bytes` made bytes of.

    Raises:
        ValueError: it did not.
    """
    return tuple(name.decode("utf-8", "surrogatepass") for name in names)
