"""Eight faults of a model in production, each with what an incident of it should say."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from scenarios.traffic import CHANNELS, COUNTRIES, EPOCH, REGIONS, Stretch

STALE_SECONDS: Final = 14_400.0
"""After how long a device has little more than a third in common with what it was."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong between two moments.

    Each hook changes a stretch of traffic in place, in the order of the methods; those of this class change nothing.

    Attributes:
        starts: seconds from the begin of the simulation; on the begin of a stretch.
        lasts: seconds; whole stretches.
    """

    starts: float
    lasts: float

    name: ClassVar[str]
    cause: ClassVar[str]
    deploys: ClassVar[str] = ""
    """Version whose deployment is the fault."""
    stops_pipeline: ClassVar[bool] = False
    """Whether the pipeline of the features does not run."""

    def active(self, since: float) -> bool:
        """Whether it is there, `since` seconds after the begin of the simulation."""
        return self.starts <= since < self.starts + self.lasts

    def rate(self) -> float:
        """How many times as many ask."""
        return 1.0

    def population(self, stretch: Stretch) -> None:
        """Change who asks."""

    def truth(self, stretch: Stretch) -> None:
        """Change what is true."""

    def seen(self, stretch: Stretch) -> None:
        """Change what the model sees."""

    def answered(self, stretch: Stretch) -> None:
        """Change what it answers, and how fast."""


@dataclass(frozen=True, slots=True)
class SchemaChange(Fault):
    """A client sends amounts as text with a currency in front, which is no number any more."""

    name: ClassVar[str] = "schema-change"
    cause: ClassVar[str] = "schema_change"

    def seen(self, stretch: Stretch) -> None:
        """Replace amounts by nothing that the model understands."""
        stretch.amount_as_text = True

    def answered(self, stretch: Stretch) -> None:
        """Have the model go without them."""
        unread = stretch.amount
        stretch.amount = np.full(stretch.rows, np.nan)
        stretch.logit = stretch.risk()
        stretch.amount = unread


@dataclass(frozen=True, slots=True)
class UpstreamStale(Fault):
    """The pipeline of the features stops, so that devices are as they were when it last ran: less and less the same."""

    name: ClassVar[str] = "upstream-stale"
    cause: ClassVar[str] = "upstream_failure"
    stops_pipeline: ClassVar[bool] = True

    def seen(self, stretch: Stretch) -> None:
        """Mix devices with those of others, by how long they have not been looked at."""
        kept = np.exp(-(stretch.start - EPOCH - self.starts) / STALE_SECONDS)
        others = stretch.random.permutation(stretch.device)
        stretch.device = kept * stretch.device + np.sqrt(1 - kept**2) * others


@dataclass(frozen=True, slots=True)
class BadDeployment(Fault):
    """A new version comes that reads ages in the wrong unit and scores too high."""

    name: ClassVar[str] = "bad-deployment"
    cause: ClassVar[str] = "deployment"
    deploys: ClassVar[str] = "1.5.0"

    def answered(self, stretch: Stretch) -> None:
        """Score by a wrong age."""
        stretch.version = self.deploys
        stretch.logit = stretch.logit + 2.5 - 1.5 * stretch.age


@dataclass(frozen=True, slots=True)
class FeatureNulls(Fault):
    """A lookup fails silently for six in ten requests."""

    name: ClassVar[str] = "feature-nulls"
    cause: ClassVar[str] = "data_quality"

    def seen(self, stretch: Stretch) -> None:
        """Lose devices."""
        stretch.device = np.where(stretch.random.random(stretch.rows) < 0.6, np.nan, stretch.device)


@dataclass(frozen=True, slots=True)
class PopulationShift(Fault):
    """A campaign brings younger accounts from elsewhere, on another channel; what makes a fraud is as it was."""

    name: ClassVar[str] = "population-shift"
    cause: ClassVar[str] = "population_shift"

    def population(self, stretch: Stretch) -> None:
        """Replace four in ten of those who ask."""
        new = stretch.random.random(stretch.rows) < 0.4
        stretch.age = np.where(new, stretch.age - 0.8, stretch.age)
        stretch.country = np.where(new, COUNTRIES.index("PL"), stretch.country).astype(np.int32)
        stretch.channel = np.where(new, CHANNELS.index("app"), stretch.channel).astype(np.int32)


@dataclass(frozen=True, slots=True)
class ConceptChange(Fault):
    """Fraudsters learn: of those that looked safe a fifth is fraud, and the inputs look as before."""

    name: ClassVar[str] = "concept-change"
    cause: ClassVar[str] = "concept_shift"

    def truth(self, stretch: Stretch) -> None:
        """Turn a fifth of the truth."""
        stretch.truth = stretch.truth ^ (stretch.random.random(stretch.rows) < 0.2)


@dataclass(frozen=True, slots=True)
class Overload(Fault):
    """Three times the traffic: answers take 25 times as long, and a quarter of them never come."""

    name: ClassVar[str] = "overload"
    cause: ClassVar[str] = "overload"

    def rate(self) -> float:
        """Three times as many."""
        return 3.0

    def answered(self, stretch: Stretch) -> None:
        """Slow down and fail."""
        stretch.latency = stretch.latency * 25
        stretch.failed = stretch.random.random(stretch.rows) < 0.25


@dataclass(frozen=True, slots=True)
class SegmentBroken(Fault):
    """A rule put before the model in one region lets almost all pass that it would have stopped."""

    name: ClassVar[str] = "segment-broken"
    cause: ClassVar[str] = "segment_fault"

    def answered(self, stretch: Stretch) -> None:
        """Answer no fraud in the north."""
        north = stretch.region == REGIONS.index("north")
        stretch.logit = np.where(north, stretch.logit - 4, stretch.logit)


FAULTS: tuple[type[Fault], ...] = (
    SchemaChange,
    UpstreamStale,
    BadDeployment,
    FeatureNulls,
    PopulationShift,
    ConceptChange,
    Overload,
    SegmentBroken,
)
