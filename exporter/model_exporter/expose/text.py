"""Writes samples in the Prometheus text format 0.0.4 and in OpenMetrics 1.0.

The two differ in the head of a family and in the last line; sample lines are the same bytes in both.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from itertools import chain
from math import isfinite, isnan
from typing import Final, Generic, TypeVar

from model_exporter.expose.catalogue import CATALOGUE
from model_exporter.expose.metric import Labels, Metric, MetricType

_EXACT: Final = 2.0**63
"""Whole floats below this are written as integers; above, an exponent is easier to read than thirty digits."""


Prefixes = dict[tuple[str, Labels], bytes]
"""What stands before the number of a sample, by metric and label values."""
_T = TypeVar("_T")


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
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def escape(value: str) -> str:
    """A label value as it stands between the quotes."""
    return clean(value).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def label_pair(label: str, value: str) -> str:
    """A label as it stands between the braces."""
    return f'{label}="{escape(value)}"'


def prefix(
    name: str, labels: Sequence[str], values: Sequence[str], pair: Callable[[str, str], str] = label_pair
) -> bytes:
    """All of a sample line that stands before its number; `pair` is `label_pair`, or as good."""
    if not labels:
        return f"{name} ".encode()
    if len(labels) != len(values):
        raise ValueError(f"{name} has the labels {labels}, not {len(values)} of them")
    return f"{name}{{{','.join(map(pair, labels, values))}}} ".encode()


class Lines:
    """Sample lines collected by metric, in any order, for one exposition.

    Args:
        known: `prefixes` of lines written earlier, which need not be spelt again; taken from there when used.

    Attributes:
        prefixes: what stands before the numbers of single samples.
    """

    def __init__(self, known: Prefixes | None = None) -> None:
        self.prefixes: Prefixes = {}
        self._known: Prefixes = {} if known is None else known
        self._blocks: defaultdict[str, list[bytes]] = defaultdict(list)

    def add(self, metric: Metric, lines: bytes) -> None:
        """Add whole lines of `metric`."""
        self._blocks[metric.name].append(lines)

    def extend(self, others: "Lines") -> None:
        """Add all of `others`, which stay as they are."""
        blocks = self._blocks
        for name, more in others._blocks.items():  # noqa: SLF001  # of the same class
            blocks[name] += more

    def sample(self, metric: Metric, labels: Labels, value: float) -> None:
        """Add one sample whose label values stand in the metric's order."""
        key = metric.name, labels
        before = self.prefixes[key] = self._known.pop(key, b"") or prefix(metric.name, metric.labels, labels)
        self._blocks[metric.name].append(b"%b%b\n" % (before, number(value).encode()))

    def families(self, form: Format) -> list[list[bytes]]:
        """Each family with its head and its lines, in the catalogue's order."""
        heads = _HEADS[form]
        return [[head, *blocks] for name, head in heads.items() if (blocks := self._blocks.get(name))]

    def exposition(self, form: Format, *, last: bool) -> bytes:
        """Return the families in the catalogue's order, each with its head, and the closing line after the `last`."""
        end = [END] if last and form is Format.OPENMETRICS else []
        return b"".join(chain(*self.families(form), end))


class Kept(Generic[_T]):
    """Lines that are written again only when what they tell of is another.

    Args:
        same: whether what they told of and what they are to tell of are the same.
    """

    def __init__(self, same: Callable[[_T, _T], bool]) -> None:
        self._same = same
        self._of: _T | None = None
        self._lines = Lines()

    def write(self, lines: Lines, of: _T, write: Callable[[Lines], None]) -> None:
        """Add the lines that `write` writes of `of`."""
        if self._of is None or not self._same(self._of, of):
            fresh = Lines(self._lines.prefixes)
            write(fresh)
            self._of, self._lines = of, fresh
        lines.extend(self._lines)


END: Final = b"# EOF\n"
"""The last line of OpenMetrics."""
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


_HEADS: Final = {form: {metric.name: _head(metric, form) for metric in CATALOGUE} for form in Format}
