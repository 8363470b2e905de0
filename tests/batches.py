"""Batches and baselines made by hand, for tests of what comes after the decoder."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.model import Baseline
from model_exporter.batch import Batch, Column, Origin, Role, UpstreamBatch, Words, column_from_values

T0 = 1_800_000_000.0
"""A moment on every slot's boundary."""


def columns_of(inputs: Mapping[str, Sequence[object]], outputs: Mapping[str, Sequence[object]]) -> list[Column]:
    """Columns of both roles from lists of values."""
    made = [column_from_values(name, Role.INPUT, values) for name, values in inputs.items()]
    return made + [column_from_values(name, Role.OUTPUT, values) for name, values in outputs.items()]


def batch_of(
    inputs: Mapping[str, Sequence[object]] | None = None,
    outputs: Mapping[str, Sequence[object]] | None = None,
    *,
    rows: int | None = None,
    version: str = "1",
    origin: Origin = Origin.LOG,
    ids: Sequence[str] | None = None,
    times: Sequence[float] | None = None,
    latency: Sequence[float] | None = None,
    errors: Sequence[str | None] | None = None,
    context: Mapping[str, Sequence[object]] | None = None,
    rankings: Sequence[tuple[str, ...]] = (),
) -> Batch:
    """A batch of one model; whatever is not given is absent."""
    columns = columns_of(inputs or {}, outputs or {})
    n = rows if rows is not None else len(columns[0].kinds)
    return Batch(
        model="m",
        version=version,
        service="svc",
        origin=origin,
        times=_floats(times, n),
        keys=np.array([hash(i) if i else 0 for i in ids] if ids else [0] * n, np.int64),
        ids=tuple(ids) if ids else ("",) * n,
        latency_seconds=_floats(latency, n),
        errors=Words.from_texts(errors or [None] * n),
        columns=tuple(columns),
        context=tuple(column_from_values(name, Role.CONTEXT, values) for name, values in (context or {}).items()),
        rankings=tuple(rankings),
    )


def calls_of(upstreams: Sequence[str], seconds: Sequence[float], failed: Sequence[bool]) -> UpstreamBatch:
    """Calls without keys."""
    return UpstreamBatch(
        model="m",
        service="svc",
        upstreams=Words.from_texts(upstreams),
        duration_seconds=np.array(seconds, np.float64),
        failed=np.array(failed, np.bool_),
        keys=np.zeros(len(upstreams), np.int64),
    )


def baseline_of(
    inputs: Mapping[str, Sequence[object]], outputs: Mapping[str, Sequence[object]] | None = None
) -> Baseline:
    """A baseline of model `m` from lists of values."""
    return build_baseline(columns_of(inputs, outputs or {}), model="m", created=T0, source="test", span_seconds=None)


def _floats(values: Sequence[float] | None, rows: int) -> NDArray[np.float64]:
    return np.full(rows, np.nan) if values is None else np.array(values, np.float64)
