"""What a metric family is."""

from dataclasses import dataclass
from enum import Enum

Labels = tuple[str, ...]


class MetricType(Enum):
    """How a family's samples are to be read. INFO is written as a gauge where the format knows no better."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


class Group(Enum):
    """Families that answer one question, in the order of documentation and exposition."""

    IDENTITY = "identity"
    TRAFFIC = "traffic"
    CALLS = "language models"
    QUALITY = "data quality"
    DISTRIBUTION = "distribution"
    VERDICTS = "verdicts of drift, this replica"
    DRIFT = "drift, this replica"
    OUTCOMES = "outcomes"
    PERFORMANCE = "performance"
    SEGMENTS = "segments and fairness"
    BUSINESS = "business"
    EXPORTER = "the exporter itself"
    PROCESS = "the process"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family.

    Attributes:
        name: as queried, so counters end in `_total`.
        help: one sentence.
        labels: label names in order; `le` of histograms goes without saying.
        zeros: label values known in advance, whose series exist from 0 on.
    """

    name: str
    type: MetricType
    help: str
    labels: Labels = ()
    zeros: tuple[Labels, ...] = ()
    group: Group = Group.EXPORTER


def each(*values: str) -> tuple[Labels, ...]:
    """Label sets of one label that takes these values."""
    return tuple((value,) for value in values)
