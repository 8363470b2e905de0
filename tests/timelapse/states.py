"""The three states that dashboards are looked at in, and what happens in them when.

The simulated time begins at eight in the morning, six hours before the moment that becomes now; another hour follows,
so that a server can be looked at for a while.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from scenarios.faults import (
    BadDeployment,
    ConceptChange,
    Fault,
    FeatureNulls,
    Overload,
    PopulationShift,
    SegmentBroken,
    UpstreamStale,
)
from scenarios.traffic import EPOCH, Stretch
from timelapse.service import Model
from timelapse.trades import CHURN, CLICKS, DELIVERY, FRAUD, LOANS, SEARCH

BEGIN: Final = 8 * 3600.0
"""Seconds from the simulator's midnight."""
START: Final = EPOCH + BEGIN
HISTORY_SECONDS: Final = 6 * 3600.0
LEAD_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class NewVersion(Fault):
    """A version comes that answers as the one before; nobody approved it."""

    version: str = "2.0.0"

    name: ClassVar[str] = "new-version"
    cause: ClassVar[str] = ""

    def answered(self, stretch: Stretch) -> None:
        """Answer under another name."""
        stretch.version = self.version


@dataclass(frozen=True, slots=True)
class LookupFails(FeatureNulls):
    """The calls for a feature are slow and fail, and what was asked for is missing."""

    name: ClassVar[str] = "lookup-fails"
    cause: ClassVar[str] = "upstream_failure"

    def answered(self, stretch: Stretch) -> None:
        """Fail where the feature is missing."""
        stretch.upstream = stretch.upstream * 4
        stretch.upstream_failed = np.isnan(stretch.device)


@dataclass(frozen=True, slots=True)
class NoHabits(Fault):
    """Who asks is the same at any hour: no fault, but what a baseline that was learned in an hour can know."""

    name: ClassVar[str] = "no-habits"
    cause: ClassVar[str] = ""

    def population(self, stretch: Stretch) -> None:
        """Draw anew what has a daily wave."""
        stretch.amount = stretch.random.normal(size=stretch.rows)
        stretch.device = stretch.random.normal(size=stretch.rows)


@dataclass(frozen=True, slots=True)
class State:
    """A fleet through a stretch of time.

    Attributes:
        name: of the state.
        models: those that are watched.
        room: how many models there may be in production beside the configured ones.
        history: simulated seconds before the moment that becomes now.
        lead: simulated seconds after it.
    """

    name: str
    models: Sequence[Model]
    room: int = 2
    history: float = HISTORY_SECONDS
    lead: float = LEAD_SECONDS


def _between(kind: type[Fault], first: int, last: int) -> Fault:
    """A fault between two minutes from the begin; multiples of 15."""
    return kind(BEGIN + 60.0 * first, 60.0 * (last - first))


_GOES_ON: Final = 24 * 60
_STEADY: Final = _between(NoHabits, 0, _GOES_ON)

_FRAUD: Final = Model("fraud-check", FRAUD, "payments-ml", tier=1, replicas=2, rate=6.0, segmented=True)
_LOANS: Final = Model("loan-approval", LOANS, "lending", tier=1, segmented=True)
_DELIVERY: Final = Model("delivery-time", DELIVERY, "logistics", tier=2, segmented=True)
_CHURN: Final = Model("churn-risk", CHURN, "growth", tier=3, pipeline="crm")
_CLICKS: Final = Model("ad-click", CLICKS, "ads", tier=2, followed=0.6)
_SEARCH: Final = Model("search-ranking", SEARCH, rate=3.0, followed=0.0, faults=(_STEADY,))
_CANDIDATE: Final = Model(
    "fraud-check-candidate", FRAUD, "payments-ml", tier=3, environment="staging", rate=3.0, segmented=True
)


def _with(model: Model, *faults: Fault) -> Model:
    return replace(model, faults=faults)


QUIET: Final = State("quiet", (_FRAUD, _LOANS, _DELIVERY, _CHURN, _CLICKS, _SEARCH, _CANDIDATE))
DRIFTING: Final = State(
    "drifting",
    (
        _with(_FRAUD, _between(PopulationShift, 255, _GOES_ON)),
        _with(_LOANS, _between(BadDeployment, 105, 165)),
        _with(_DELIVERY, _between(Overload, 45, 75), _between(NewVersion, 195, _GOES_ON)),
        _with(_CHURN, _between(UpstreamStale, 150, 270), _between(LookupFails, 180, 240)),
        _with(_CLICKS, _between(ConceptChange, 285, _GOES_ON)),
        replace(_SEARCH, malformed=0.02),
        _with(_CANDIDATE, _between(SegmentBroken, 120, _GOES_ON)),
        *(
            replace(_SEARCH, name=f"search-ranking-test-{number}", rate=0.3, appears=BEGIN + 225 * 60)
            for number in range(3)
        ),
    ),
)
EMPTY: Final = State("empty", (), history=1800.0)
STATES: Final = {state.name: state for state in (QUIET, DRIFTING, EMPTY)}
