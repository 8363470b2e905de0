"""Decoded records: predictions as columns, outcomes and events one by one."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch.calls import ModelCalls
from model_exporter.batch.columns import Column, Words


class Origin(Enum):
    """What kind of record told of the predictions in a batch."""

    LOG = "log"
    SPAN = "span"


@dataclass(frozen=True, slots=True)
class Batch:
    """Predictions of one model and version, one row each.

    Attributes:
        model: name as sent; empty when the record names none and only its service is known.
        version: as sent; empty when absent.
        service: `service.name` of the resource; empty when absent.
        origin: prediction logs carry columns; spans carry traffic only.
        times: float64[n], event time in unix seconds, NaN when absent.
        keys: int64[n], what makes a row the same prediction when it comes again; 0 when nothing does.
        ids: prediction ids, n of them, empty where absent.
        latency_seconds: float64[n], NaN when absent.
        errors: the error type of each failed row.
        columns: features and outputs, in the order first seen; names are unique per role.
        context: what a record says beside them that metrics may ask for, as `segment.region` or `lower`; never binned.
        rankings: items in the order predicted, best first, n of them, empty where a row has none; `()` when none has.
        calls: what calls of a language model tell besides; None when no row is one.
    """

    model: str
    version: str
    service: str
    origin: Origin
    times: NDArray[np.float64]
    keys: NDArray[np.int64]
    ids: tuple[str, ...]
    latency_seconds: NDArray[np.float64]
    errors: Words
    columns: tuple[Column, ...]
    context: tuple[Column, ...] = ()
    rankings: tuple[tuple[str, ...], ...] = ()
    calls: ModelCalls | None = None

    @property
    def rows(self) -> int:
        """Number of predictions."""
        return len(self.times)


@dataclass(frozen=True, slots=True)
class UpstreamBatch:
    """Calls that a model's service made to others, from CLIENT spans.

    Attributes:
        model: as in `Batch`.
        service: as in `Batch`.
        upstreams: who was called, never absent.
        duration_seconds: float64[n].
        failed: bool[n].
        keys: as in `Batch`.
    """

    model: str
    service: str
    upstreams: Words
    duration_seconds: NDArray[np.float64]
    failed: NDArray[np.bool_]
    keys: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What really happened, told later, for one prediction.

    Attributes:
        model: as in `Batch`.
        prediction_id: of the prediction.
        time: unix seconds, None when absent.
        value: what happened; None when only business values are told, or items.
        values: business values by indicator.
        items: of a ranking: the items that proved relevant, each with its gain, > 0.
    """

    model: str
    prediction_id: str
    time: float | None
    value: str | float | bool | None
    values: tuple[tuple[str, float], ...] = ()
    items: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a model or its data: a deployment, a pipeline run, a schema change.

    `change` is one of `deployment`, `pipeline`, `schema`; `source` names the data source of a pipeline run.
    """

    model: str
    change: str
    version: str
    source: str
    time: float | None
