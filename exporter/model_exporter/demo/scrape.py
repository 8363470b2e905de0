"""Just enough of the Prometheus text format to read the exporter's own page of metrics."""

import re
from dataclasses import dataclass
from typing import Final

_SAMPLE: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL: Final = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: labels and value."""

    labels: dict[str, str]
    value: float


class Scrape:
    r"""The samples of one scrape, by metric name.

    >>> page = Scrape('up 1\nseen_total{model="a",door="x"} 2\nseen_total{model="b",door="x"} 3\n')
    >>> page.total("seen_total", door="x")
    5.0
    >>> page.total("lost_total") is None
    True
    """

    def __init__(self, text: str) -> None:
        self._samples: dict[str, list[Sample]] = {}
        for line in text.splitlines():
            match = _SAMPLE.match(line)
            if match:
                name, labels, value = match.groups()
                self._samples.setdefault(name, []).append(Sample(_labels(labels or ""), float(value)))

    def samples(self, name: str, **labels: str) -> list[Sample]:
        """Samples of metric `name` that carry at least `labels`."""
        return [sample for sample in self._samples.get(name, ()) if labels.items() <= sample.labels.items()]

    def total(self, name: str, **labels: str) -> float | None:
        """Sum of `samples`; None when there are none."""
        found = self.samples(name, **labels)
        return sum(sample.value for sample in found) if found else None


def _labels(text: str) -> dict[str, str]:
    return {name: _ESCAPE.sub(_unescape, value) for name, value in _LABEL.findall(text)}


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n"}.get(match[1], match[1])
