"""What the rolling state has to tell the operator: it may not log, so it hands these over."""

from collections.abc import Callable
from dataclasses import dataclass

from model_exporter.baseline.model import Baseline


@dataclass(frozen=True, slots=True)
class ModelAppeared:
    """A model was seen for the first time."""

    model: str
    configured: bool


@dataclass(frozen=True, slots=True)
class BaselineLearned:
    """A baseline was learned from live traffic and frozen; `doubt` says why it may be a poor one, or is empty."""

    baseline: Baseline
    doubt: str


@dataclass(frozen=True, slots=True)
class LearningRestarted:
    """Parts of the learning stretch differ too much; its older half was let go."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class LimitHit:
    """A bound was hit for the first time, by `model`; `what` was refused. The counter tells how often since."""

    limit: str
    model: str
    what: str


@dataclass(frozen=True, slots=True)
class Expired:
    """The series of a silent model version were dropped."""

    model: str
    version: str


@dataclass(frozen=True, slots=True)
class EvidenceDropped:
    """What an earlier run kept of a model does not fit its baseline or settings of now: its verdicts begin anew."""

    model: str


@dataclass(frozen=True, slots=True)
class PerformanceDropped:
    """What an earlier run kept of a version's outcomes does not fit the settings of now, or is damaged."""

    model: str
    version: str


@dataclass(frozen=True, slots=True)
class PerformanceLearned:
    """The first outcomes of a model are complete: from now on its performance is compared with theirs."""

    model: str
    outcomes: int
    metric: str
    value: float


Notice = (
    ModelAppeared
    | BaselineLearned
    | LearningRestarted
    | LimitHit
    | Expired
    | EvidenceDropped
    | PerformanceDropped
    | PerformanceLearned
)
Notify = Callable[[Notice], None]
