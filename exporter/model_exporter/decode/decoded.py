"""What a decoder makes of a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from model_exporter.batch import Batch, Event, Outcome, UpstreamBatch

_CELL_BYTES: Final = 9
"""Of a number and its kind."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Records refused for one reason, with an example for the sender.

    `reason` comes from a small fixed set and is safe as a label value.
    """

    reason: str
    records: int
    message: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """The good records of a request as columns, and an account of the rest.

    `ignored` counts well-formed records that are not about predictions, by reason; they are no fault of the sender.
    `dropped_values` counts values left out of records that were otherwise kept, by reason.
    `told_with_predictions` of the outcomes stood on the record of a prediction, which is counted once;
    `told_twice` spans are a prediction of the model called and a call to an upstream.
    """

    batches: tuple[Batch, ...] = ()
    upstreams: tuple[UpstreamBatch, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    events: tuple[Event, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    ignored: Mapping[str, int] | None = None
    dropped_values: Mapping[str, int] | None = None
    told_with_predictions: int = 0
    told_twice: int = 0

    @property
    def accepted(self) -> int:
        """Records kept."""
        rows = sum(batch.rows for batch in self.batches)
        calls = sum(len(batch.failed) for batch in self.upstreams)
        twice = self.told_with_predictions + self.told_twice
        return rows + calls + len(self.outcomes) - twice + len(self.events)

    @property
    def size(self) -> int:
        """Bytes of the columns, about: more than those of the request when its records share few features."""
        return _CELL_BYTES * sum(batch.rows * (len(batch.columns) + len(batch.context)) for batch in self.batches)

    @property
    def is_all_well(self) -> bool:
        """Whether nothing has to be told to a sender: of what it sent, all was kept or is ignored by design."""
        return not (self.rejections or self.dropped_values or self.outcomes)

    @property
    def rejected(self) -> int:
        """Records refused one by one."""
        return sum(rejection.records for rejection in self.rejections)

    @property
    def message(self) -> str:
        """Why records were refused, for the sender's eyes."""
        return "; ".join(f"{r.records} x {r.reason}: {r.message}" for r in self.rejections)
