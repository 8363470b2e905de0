"""Writes samples in the Prometheus text format 0.0.4 and in OpenMetrics 1.0.

The two differ in the head of a family and in the last line; sample lines are the same bytes in both. Most lines of a
scrape differ from those of the one before in their number only, so all else of them is kept as a template.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from itertools import accumulate
from math import inf, isfinite, isnan
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from model_exporter.expose.catalogue import CATALOGUE
from model_exporter.expose.metric import Labels, Metric, MetricType
from model_exporter.window.snapshot import LATENCY_BUCKETS, Histogram

_EXACT: Final = 2.0**63
"""Whole floats below this are written as integers; above, an exponent is easier to read than thirty digits."""

_NONE: Final = "null"


class Format(Enum):
    """An exposition format; the value of the label `format`."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"


def number(value: float) -> str:
    """Spell `value` so that reading it back gives the same float: `1`, `0.25`, `1e+300`, `NaN`, `+Inf`, `-Inf`."""
    if isfinite(value):
        return str(int(value)) if value == int(value) and abs(value) < _EXACT else repr(float(value))
    return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"


def clean(text: str) -> str:
    """`text` with the escape of each lone surrogate in its stead, which UTF-8 cannot carry."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def escape(value: str) -> str:
    """A label value as it stands between the quotes."""
    return clean(value).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def prefix(name: str, labels: Sequence[str], values: Sequence[str]) -> str:
    """All of a sample line that stands before its number."""
    if not labels:
        return f"{name} "
    pairs = ",".join(f'{label}="{escape(value)}"' for label, value in zip(labels, values, strict=True))
    return f"{name}{{{pairs}}} "


class Lines:
    """Sample lines collected by metric, in any order, for one exposition."""

    def __init__(self) -> None:
        self._blocks: defaultdict[str, list[bytes]] = defaultdict(list)

    def add(self, metric: Metric, lines: bytes) -> None:
        """Add whole lines of `metric`."""
        self._blocks[metric.name].append(lines)

    def extend(self, others: "Lines") -> None:
        """Add all of `others`, which stay as they are."""
        for name, blocks in others._blocks.items():  # noqa: SLF001  # of the same class
            self._blocks[name].extend(blocks)

    def sample(self, metric: Metric, labels: Labels, value: float) -> None:
        """Add one sample whose label values stand in the metric's order."""
        self.add(metric, f"{prefix(metric.name, metric.labels, labels)}{number(value)}\n".encode())

    def exposition(self, form: Format, *, last: bool) -> bytes:
        """Return the families in the catalogue's order, each with its head, and the closing line after the `last`."""
        parts: list[bytes] = []
        for metric in CATALOGUE:
            blocks = self._blocks.get(metric.name)
            if blocks:
                parts.append(_head(metric, form))
                parts.extend(blocks)
        if last and form is Format.OPENMETRICS:
            parts.append(b"# EOF\n")
        return b"".join(parts)


class Block:
    """Samples of one metric over label values that stay."""

    def __init__(self, metric: Metric, labels: Iterable[Labels]) -> None:
        self._metric = metric
        self._template = "".join(_slot(metric.name, metric.labels, values) for values in labels)

    def write(self, lines: Lines, values: Iterable[int | str]) -> None:
        """Add one sample for each of the labels; `values` are whole numbers, or spelt by `number`."""
        if self._template:
            lines.add(self._metric, (self._template % tuple(values)).encode())


class SparseBlock:
    """Samples of one metric over label values that stay, with a series only where there is a value."""

    def __init__(self, metric: Metric, labels: Iterable[Labels]) -> None:
        self._metric = metric
        self._prefixes = [prefix(metric.name, metric.labels, values) for values in labels]

    def write(self, lines: Lines, values: NDArray[np.float64]) -> None:
        """Add the samples of `values`, one for each of the labels, NaN where there is none."""
        self._write(lines, _spell(values))

    def write_flags(self, lines: Lines, flags: NDArray[np.bool_], *, where: NDArray[np.bool_]) -> None:
        """Add 1 or 0 for each of the `flags` under the mask `where`."""
        spelt = np.where(where, np.where(flags, "1", "0"), _NONE)
        self._write(lines, spelt.tolist())

    def _write(self, lines: Lines, values: list[str]) -> None:
        text = "".join(
            [f"{head}{value}\n" for head, value in zip(self._prefixes, values, strict=True) if value != _NONE]
        )
        if text:
            lines.add(self._metric, text.encode())


class HistogramBlock:
    """One histogram of durations whose label values stay; `bounds` are those of its buckets, seconds."""

    def __init__(self, metric: Metric, labels: Labels, bounds: Sequence[float] = LATENCY_BUCKETS) -> None:
        self._metric = metric
        # Both formats spell `le` as a float, as Prometheus 3 stores it, so that a series keeps its name across formats.
        ends = [*map(repr, bounds), number(inf)]
        slots = [_slot(f"{metric.name}_bucket", (*metric.labels, "le"), (*labels, end)) for end in ends]
        slots += [_slot(f"{metric.name}_{part}", metric.labels, labels) for part in ("sum", "count")]
        self._template = "".join(slots)

    def write(self, lines: Lines, histogram: Histogram) -> None:
        """Add the cumulated buckets, the sum and the count."""
        buckets = list(accumulate(histogram.buckets.tolist()))
        values = (*buckets, number(histogram.total_seconds), buckets[-1])
        lines.add(self._metric, (self._template % values).encode())


def _spell(values: NDArray[np.float64]) -> list[str]:
    """Spell each value as `number` does, and NaN as `_NONE`."""
    if np.isinf(values).any():
        return [_NONE if isnan(value) else number(value) for value in values.tolist()]
    # The shortest digits that read back as the same float, six times as fast as `repr`; JSON has null for NaN.
    return msgspec.json.encode(values.tolist())[1:-1].decode().split(",") if values.size else []


def _slot(name: str, labels: Sequence[str], values: Sequence[str]) -> str:
    return prefix(name, labels, values).replace("%", "%%") + "%s\n"


_TEXT_TYPES: Final[Mapping[MetricType, str]] = {MetricType.INFO: "gauge"}
_SUFFIXES: Final[Mapping[MetricType, str]] = {MetricType.COUNTER: "_total", MetricType.INFO: "_info"}


def _head(metric: Metric, form: Format) -> bytes:
    """HELP and TYPE. OpenMetrics names a family without the suffix of its samples, and escapes quotes in HELP."""
    told = clean(metric.help).replace("\\", "\\\\").replace("\n", "\\n")
    if form is Format.TEXT:
        name, kind = metric.name, _TEXT_TYPES.get(metric.type, metric.type.value)
    else:
        name, kind = metric.name.removesuffix(_SUFFIXES.get(metric.type, "")), metric.type.value
        told = told.replace('"', '\\"')
    return f"# HELP {name} {told}\n# TYPE {name} {kind}\n".encode()
