"""Many samples at once over label values that stay, spelt anew only when a number is another.

Most lines of a scrape differ from those of the one before in their number only, so all else of them is kept. Numbers
are compared by their bits, block by block: what is equal is not spelt again, whoever measured it anew.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from math import inf, isnan
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from model_exporter.expose.metric import Labels, Metric
from model_exporter.expose.text import Lines, label_pair, number, prefix
from model_exporter.window.snapshot import LATENCY_BUCKETS, Histogram

_NONE: Final = b"null"
_FLAGS: Final = (b"0", b"1", _NONE)

Column = tuple[Metric, Sequence[Labels]]
"""A metric, and the label values of its samples."""


class Block:
    """Samples of the metrics of `columns`; their numbers stand one after the other, column by column."""

    def __init__(self, *columns: Column) -> None:
        self._metrics = [metric for metric, _ in columns]
        self._pieces = [_pieces(metric, labels) for metric, labels in columns]
        self._written: bytes | None = None
        self._lines: list[bytes] = []

    def write(self, lines: Lines, values: NDArray[np.int64] | NDArray[np.float64]) -> None:
        """Add a sample for each of `values`, none where it is NaN."""
        self._write(lines, values.tobytes(), lambda: _spell(values))

    def write_flags(self, lines: Lines, flags: NDArray[np.bool_], *, where: NDArray[np.bool_]) -> None:
        """Add 1 or 0 for each of the `flags` under the mask `where`."""
        codes = np.where(where, flags, 2).astype(np.uint8).tobytes()
        self._write(lines, codes, lambda: [_FLAGS[code] for code in codes])

    def write_numbers(self, lines: Lines, values: Sequence[float]) -> None:
        """Add a sample for each of `values`, spelt by `number`."""
        self.write_spelt(lines, [number(value).encode() for value in values])

    def write_spelt(self, lines: Lines, values: list[bytes]) -> None:
        """Add a sample for each of `values`."""
        self._write(lines, b",".join(values), lambda: values)

    def _write(self, lines: Lines, key: bytes, spell: Callable[[], list[bytes]]) -> None:
        if key != self._written:
            self._lines = list(self._fill(spell()))
            self._written = key
        for metric, text in zip(self._metrics, self._lines, strict=True):
            if text:
                lines.add(metric, text)

    def _fill(self, spelt: list[bytes]) -> Iterator[bytes]:
        """The text of each column."""
        at, whole = 0, _NONE not in spelt
        for pieces in self._pieces:
            end = at + len(pieces) // 2
            pieces[1::2] = spelt[at:end]
            at = end
            yield b"".join(pieces) if whole else _without_none(pieces)


class HistogramBlock:
    """One histogram of durations whose label values stay; `bounds` are those of its buckets, seconds."""

    def __init__(self, metric: Metric, labels: Labels, bounds: Sequence[float] = LATENCY_BUCKETS) -> None:
        self._metric = metric
        # Both formats spell `le` as a float, as Prometheus 3 stores it, so that a series keeps its name across formats.
        ends = [*map(repr, bounds), number(inf)]
        heads = [prefix(f"{metric.name}_bucket", (*metric.labels, "le"), (*labels, end)) for end in ends]
        heads += [prefix(f"{metric.name}_{part}", metric.labels, labels) for part in ("sum", "count")]
        self._pieces = _interleaved(heads)
        self._written: tuple[bytes, float] | None = None
        self._text = b""

    def write(self, lines: Lines, histogram: Histogram) -> None:
        """Add the cumulated buckets, the sum and the count."""
        key = histogram.buckets.tobytes(), histogram.total_seconds
        if key != self._written:
            buckets = _spell(histogram.buckets.cumsum())
            self._pieces[1::2] = [*buckets, number(histogram.total_seconds).encode(), buckets[-1]]
            self._text, self._written = b"".join(self._pieces), key
        lines.add(self._metric, self._text)


def _pieces(metric: Metric, labels: Sequence[Labels]) -> list[bytes]:
    pair = cache(label_pair)  # for the rows of a block share most of their label values
    return _interleaved([prefix(metric.name, metric.labels, values, pair) for values in labels])


def _interleaved(heads: Sequence[bytes]) -> list[bytes]:
    """What stands before, between and after the numbers of lines, with room for the numbers at the odd places."""
    if not heads:
        return []
    between = [head for line in heads[1:] for head in (b"", b"\n" + line)]
    return [heads[0], *between, b"", b"\n"]


def _without_none(pieces: Sequence[bytes]) -> bytes:
    """The lines of those that have a number."""
    lines = [head + value for head, value in zip(pieces[::2], pieces[1::2], strict=False) if value != _NONE]
    return b"".join((*lines, b"\n")).removeprefix(b"\n") if lines else b""


def _spell(values: NDArray[np.int64] | NDArray[np.float64]) -> list[bytes]:
    """Spell each value so that it reads back as itself, NaN as `_NONE`."""
    if not values.size:
        return []
    if values.dtype.kind == "f" and np.isinf(values).any():
        return [_NONE if isnan(value) else number(value).encode() for value in values.tolist()]
    # The shortest digits that read back as the same float, six times as fast as `repr`; JSON has null for NaN.
    return msgspec.json.encode(values.tolist())[1:-1].split(b",")
