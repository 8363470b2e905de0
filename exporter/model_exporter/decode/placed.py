"""What compiled scanners and readers in Python have found in one request, put together in the order of its records."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np

from model_exporter.batch import Batch, join_batches, take_rows
from model_exporter.config.settings import Limits
from model_exporter.decode import _scanner, rows
from model_exporter.decode.rows import Group, Ledger
from model_exporter.decode.scanned import Part, fewest_values

MAX_ODD: Final = 4096
"""Odd records of one request; with more of them, or more than half, Python reads all at once."""

_MAX_KNOWN: Final = 256
"""Scopes, and groups, that are remembered between requests, and the bytes of each."""
_MAX_KNOWN_BYTES: Final = 16_384
_NO_ROWS: Final = np.empty(0, np.intp)

Place = tuple[int, int]
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class PlacedLedger(Ledger):
    """A ledger that knows where its rows came from.

    Attributes:
        place: of the record that is read: which scan, and which of its records.
        places: of the rows of each batch.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.place: Place = (0, 0)
        self.places: dict[Group, list[Place]] = {}

    def add_prediction(self, group: Group, **row: Any) -> None:  # noqa: ANN401  # those of the ledger
        """Add a row, and its place."""
        super().add_prediction(group, **row)
        self.places.setdefault(group, []).append(self.place)


def together(
    scans: Sequence[Sequence[Part]], odd: Sequence[Batch], places: Mapping[Group, Sequence[Place]]
) -> Iterator[Batch]:
    """The rows of scans with the odd ones among them, in the order of their records."""
    batches = {Group(batch.model, batch.version, batch.service, batch.origin): batch for batch in odd}
    for number, parts in enumerate(scans):
        left = {
            group: np.array([row for row, (scan, _) in enumerate(told) if scan == number], np.intp)
            for group, told in places.items()
        }
        for part in parts:
            found = left.pop(part.group, _NO_ROWS)
            if not found.size:
                yield part.batch
                continue
            records = [places[part.group][row][1] for row in found.tolist()]
            joined = join_batches([part.batch, take_rows(batches[part.group], found)])
            yield take_rows(joined, np.argsort(np.concatenate([part.records, records]), kind="stable"))
        yield from (take_rows(batches[group], found) for group, found in left.items() if found.size)


def within_limits(batches: Iterable[Batch], records: int, limits: Limits) -> tuple[Batch, ...]:
    """All `batches`, of a request of so many records.

    Raises:
        ValueError: they have more columns than is sure to be allowed.
    """
    found = tuple(batches)
    columns = Counter(role for role, _ in {(c.role, c.name) for b in found for c in (*b.columns, *b.context)})
    if max(columns.values(), default=0) > limits.record_attributes or columns.total() * records > min(
        rows.SPARE_CELLS, rows.MAX_CELLS
    ):
        raise ValueError("odd records have columns of their own, too many")
    return found


def is_sparse(scans: Sequence[_scanner.Scan], records: int) -> bool:
    """Whether so many records in one batch may leave more cells empty than `rows.Ledger` allows, after any of them."""
    columns = len({column[:2] for scan in scans for column in scan.columns})
    cells = records * columns
    if cells <= min(rows.SPARE_CELLS, rows.MAX_CELLS):
        return False
    return cells > rows.MAX_CELLS or any(
        rows.SPARSITY * least < columns for scan in scans if (least := fewest_values(scan)) is not None
    )


def remember(known: dict[_Key, _Value], key: _Key, value: _Value, size: int) -> None:
    """Keep `value`, unless it is large; forget all others when they are too many."""
    if size <= _MAX_KNOWN_BYTES:
        if len(known) >= _MAX_KNOWN:
            known.clear()
        known[key] = value
