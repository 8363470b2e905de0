"""A scan's matrices as batches."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Batch, Column, Kind, Role, Words, words_in_use
from model_exporter.batch.columns import MAX_TEXT
from model_exporter.decode import _scanner
from model_exporter.decode.identity import Stamp, key_of_packed
from model_exporter.decode.rows import Group
from model_exporter.decode.values import bounded_text

_ROLES: Final = {
    _scanner.FEATURE: Role.INPUT,
    _scanner.PREDICTION: Role.OUTPUT,
    _scanner.SCORE: Role.OUTPUT,
    _scanner.PROBABILITY: Role.OUTPUT,
    _scanner.SEGMENT: Role.CONTEXT,
}


class Part(NamedTuple):
    """The rows of one group in one scan, and which records of it they are: int32[rows], rising."""

    group: Group
    records: NDArray[np.int32]
    batch: Batch


class _Matrices(NamedTuple):
    """The cells of n rows, columns first: [columns, n], [columns, n], [columns of text, n]; and what else a row has."""

    numbers: NDArray[np.float64]
    kinds: NDArray[np.uint8]
    codes: NDArray[np.int32]
    times: NDArray[np.float64]
    latencies: NDArray[np.float64]
    records: NDArray[np.int32]
    keys: NDArray[np.int64]
    ids: tuple[str, ...]

    @classmethod
    def of(cls, scan: _scanner.Scan, groups: Sequence[Group]) -> "_Matrices":
        rows, columns, texts = scan.rows, len(scan.columns), len(scan.words)
        return cls(
            _matrix(scan.numbers, np.float64, columns, scan.stride)[:, :rows],
            _matrix(scan.kinds, np.uint8, columns, scan.stride)[:, :rows],
            _matrix(scan.codes, np.int32, texts, scan.stride)[:, :rows],
            _row(scan.times, np.float64, rows),
            _row(scan.latencies, np.float64, rows),
            _row(scan.records, np.int32, rows),
            _keys(scan, groups),
            scan.ids,
        )

    def take(self, rows: NDArray[np.intp]) -> "_Matrices":
        """The rows at these indices."""
        return _Matrices(
            self.numbers[:, rows],
            self.kinds[:, rows],
            self.codes[:, rows],
            self.times[rows],
            self.latencies[rows],
            self.records[rows],
            self.keys[rows],
            tuple(map(self.ids.__getitem__, rows.tolist())),
        )


def fewest_values(scan: _scanner.Scan) -> int | None:
    """What the row that has the fewest cells has; None without rows."""
    kinds = _matrix(scan.kinds, np.uint8, len(scan.columns), scan.stride)[:, : scan.rows]
    return int(np.count_nonzero(kinds != Kind.ABSENT, axis=0).min()) if scan.rows else None


def parts_of(scan: _scanner.Scan, groups: Sequence[Group]) -> Iterator[Part]:
    """The rows of `scan` by group; `groups` are what its groups stand for, some perhaps for the same."""
    if not scan.rows:
        return
    matrices = _Matrices.of(scan, groups)
    distinct = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    if len(distinct) == 1:
        yield Part(groups[0], matrices.records, _batch(groups[0], scan, matrices))
        return
    group_of = np.array([distinct[group] for group in groups])[_row(scan.groups, np.int32, scan.rows)]
    for group, index in distinct.items():
        rows = np.flatnonzero(group_of == index)
        if rows.size:
            taken = matrices.take(rows)
            yield Part(group, taken.records, _batch(group, scan, taken, thin=True))


def _batch(group: Group, scan: _scanner.Scan, matrices: _Matrices, *, thin: bool = False) -> Batch:
    """Rows as a batch. Without columns and words that none of them has, if there can be any: if `thin`."""
    told, kinds = scan.columns, list(matrices.kinds)
    words = scan.words
    if scan.longest_word > MAX_TEXT:
        words = [tuple(map(bounded_text, of)) for of in words]
    texts = _scanner.words_of(Words, list(matrices.codes), words)
    if thin:
        told = [column for column in told if kinds[column[2]].any()]
        texts = list(map(words_in_use, texts))
    columns = _scanner.columns_of(Column, told, list(matrices.numbers), kinds, texts, _ROLES)
    errors = texts[scan.errors] if scan.errors >= 0 else None
    rows = len(matrices.ids)
    return Batch(
        model=group.model,
        version=group.version,
        service=group.service,
        origin=group.origin,
        times=matrices.times,
        keys=matrices.keys,
        ids=matrices.ids,
        latency_seconds=matrices.latencies,
        errors=errors or Words(np.full(rows, -1, np.int32), ()),
        columns=(*columns[Role.INPUT], *columns[Role.OUTPUT]),
        context=tuple(columns[Role.CONTEXT]),
    )


def _keys(scan: _scanner.Scan, groups: Sequence[Group]) -> NDArray[np.int64]:
    """What makes each row the same prediction when it comes again; 0 when nothing does."""
    keys = _row(_scanner.keys_of([group.model or group.service for group in groups], scan), np.int64, scan.rows)
    if scan.contents:
        group_of = _row(scan.groups, np.int32, scan.rows)
        for row, time_ns, trace_id, span_id, content in scan.contents:
            group, stamp = groups[group_of[row]], Stamp(time_ns, 0, trace_id, span_id)
            keys[row] = key_of_packed(stamp, group.model, group.version, scan.ids[row], content)
    return keys


def _matrix(block: _scanner.Block, kind: type[Any], rows: int, stride: int) -> NDArray[Any]:
    return np.ndarray((rows, stride), kind, block)  # type: ignore[arg-type]  # numpy takes any buffer


def _row(block: _scanner.Block, kind: type[Any], size: int) -> NDArray[Any]:
    return np.ndarray(size, kind, block)  # type: ignore[arg-type]  # the same
