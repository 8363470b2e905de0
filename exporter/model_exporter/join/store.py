"""What a store of waiting predictions and outcomes does, whatever it is built on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, Self

from model_exporter.batch import Awaited, Joined, Outcome
from model_exporter.config.settings import DAY
from model_exporter.errors import ModelExporterError

DEFAULT_WAIT: float = 7 * DAY
"""Seconds that a model waits which `expire` has not been told of."""


class StorageError(ModelExporterError):
    """The store cannot be opened, or refuses to write."""


class Lost(Enum):
    """Why a prediction left the store without having met its outcome."""

    TIMED_OUT = "timed_out"
    SAMPLED_OUT = "sampled_out"  # there are more than the limits allow
    STORAGE_FAILURE = "storage_failure"  # it could not be written


class Unmatched(Enum):
    """Why an outcome was joined with no prediction, or changed nothing."""

    NO_PREDICTION = "no_prediction"  # it waited in vain
    SAMPLED_OUT = "sampled_out"  # its prediction, if there was one, is not in the sample
    AMBIGUOUS = "ambiguous"  # it names a request that holds several predictions
    LIMIT = "limit"  # too many outcomes wait
    DUPLICATE = "duplicate"  # told before, with the same value
    OUTDATED = "outdated"  # a newer one was told before


@dataclass(slots=True)
class Account:
    """What happened to predictions and outcomes that came to nothing, by (model, reason).

    Attributes:
        lost: predictions that went without an outcome.
        unmatched: outcomes that were not joined.
        forgotten: predictions with an outcome that had to make room: later corrections will find nothing. By model.
        future: outcomes whose time was ahead of the exporter's clock and was replaced by it. By model.
        set_aside: damaged files that were renamed, and a new one begun.
    """

    lost: Counter[tuple[str, Lost]] = field(default_factory=Counter)
    unmatched: Counter[tuple[str, Unmatched]] = field(default_factory=Counter)
    forgotten: Counter[str] = field(default_factory=Counter)
    future: Counter[str] = field(default_factory=Counter)
    set_aside: int = 0

    def add(self, other: "Account") -> None:
        """Count what `other` counts."""
        self.lost.update(other.lost)
        self.unmatched.update(other.unmatched)
        self.forgotten.update(other.forgotten)
        self.future.update(other.future)
        self.set_aside += other.set_aside


class JoinStore(Protocol):
    """Predictions and outcomes that wait for each other, by model and prediction id.

    One thread uses a store at a time. Of what `wait_for` and `tell` return, each pair is returned once, even where
    several replicas share the store. A prediction is remembered with its outcome until its wait is over, so that
    another outcome for it is told from the first: it corrects it.
    """

    def wait_for(self, model: str, predictions: Sequence[Awaited], now: float) -> list[Joined]:
        """Keep predictions; returns those whose outcome had been waiting for them.

        The rows of one request come in one call: an outcome for `<id>` belongs to `<id>#0` unless there is `<id>#1`.
        An id that is kept already is ignored. When the store fails, the predictions are counted as lost.
        """
        ...

    def tell(self, outcomes: Sequence[tuple[str, Outcome]], now: float) -> list[Joined]:
        """Take outcomes, each with its model; returns those whose prediction is known, corrections among them.

        They are safe from a crash of the exporter when this returns.

        Raises:
            StorageError: the store fails; `outcomes` are to be told again, and those it has already do no harm.
        """
        ...

    def expire(self, now: float, waits: Mapping[str, float]) -> Account:
        """Let time pass and make room; returns what was counted since the last call.

        `waits` are the seconds that predictions and outcomes of a model wait at least; a model that it does not name
        waits as long as before. To be called about once a second: the work of one call is bounded.
        """
        ...

    def pending(self, model: str) -> int:
        """Predictions that wait for their outcome."""
        ...

    def outcomes_waiting(self, model: str) -> int:
        """Outcomes that wait for their prediction."""
        ...

    def rate(self, model: str) -> float:
        """Share of the predictions that are kept now, in (0, 1]: 2^-k."""
        ...

    @property
    def rows(self) -> int:
        """Predictions remembered, with and without an outcome, of all models."""
        ...

    @property
    def early(self) -> int:
        """Outcomes that wait for their prediction, of all models."""
        ...

    @property
    def bytes(self) -> int:
        """Space that the store takes, as far as it is known."""
        ...

    def resize(self, limits: "StoreLimits") -> None:
        """Take over new limits."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...

    def __enter__(self) -> Self:
        """The store itself."""
        ...

    def __exit__(self, *_: object) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """Bounds of a store.

    Attributes:
        predictions: remembered, of all models.
        size: bytes of them all.
        outcomes: that wait for their prediction.
    """

    predictions: int
    size: int
    outcomes: int
