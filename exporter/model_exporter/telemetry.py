"""What the exporter counts about itself, from any thread."""

from collections import defaultdict
from dataclasses import dataclass
from threading import Lock

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TelemetrySnapshot:
    """All counts and gauges at one moment; keys are (metric name, label values in the catalogue's order)."""

    counters: dict[tuple[str, Labels], float]
    gauges: dict[tuple[str, Labels], float]


class Telemetry:
    """Counters and gauges of the exporter. Metric names and label order are those of the catalogue.

    Label values given here must come from small fixed sets: doors, outcomes, reasons, limits.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._counters: defaultdict[tuple[str, Labels], float] = defaultdict(float)
        self._gauges: dict[tuple[str, Labels], float] = {}

    def count(self, metric: str, *labels: str, amount: float = 1) -> None:
        """Add `amount`, which is never negative, to a counter. An amount of 0 makes the series exist."""
        with self._lock:
            self._counters[metric, labels] += amount

    def set(self, metric: str, *labels: str, value: float) -> None:
        """Set a gauge."""
        with self._lock:
            self._gauges[metric, labels] = value

    def read(self) -> TelemetrySnapshot:
        """Copy everything, consistently."""
        with self._lock:
            return TelemetrySnapshot(dict(self._counters), dict(self._gauges))
