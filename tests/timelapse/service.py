"""A replica of a model's service: sends what it predicts, and the truth when that is known, through its whole life."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import numpy as np

from model_exporter.batch import Batch, Event, Origin, Outcome, UpstreamBatch, Words, take_rows
from model_exporter.decode import Decoded, Rejection
from scenarios.faults import Fault
from scenarios.sender import TRUTH_EVERY_SECONDS, _calls_of
from scenarios.traffic import (
    EPOCH,
    STRETCH_SECONDS,
    TRUTH_SECONDS,
    Floats,
    Stretch,
    answer,
    arrivals,
    context,
    decide_truth,
    people,
)
from timelapse.trades import Trade, Truth

USUAL_VERSION: Final = "1.4.2"
"""What the simulator's people are answered by."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is watched.

    Attributes:
        name: of the model.
        trade: what it does.
        owner: who answers for it; empty when it is not in the configuration at all.
        tier: how much depends on it.
        environment: where it runs.
        rate: predictions a second in the mean of a day, over all of its replicas.
        followed: share of its predictions whose truth is told.
        replicas: how many serve it, each beside an exporter of its own.
        segmented: whether its regions are compared with each other.
        pipeline: the source of its features, which a pipeline renews every quarter of an hour; empty without one.
        malformed: how many records that cannot be read it sends for each that can.
        faults: what happens to it.
        appears: seconds from the begin of the simulated day after which it is there.
    """

    name: str
    trade: Trade
    owner: str = ""
    tier: int = 2
    environment: str = "production"
    rate: float = 4.0
    followed: float = 0.4
    replicas: int = 1
    segmented: bool = False
    pipeline: str = ""
    malformed: float = 0.0
    faults: Sequence[Fault] = field(default=())
    appears: float = 0.0


class Service:
    """One replica of a model's service.

    Args:
        model: the model.
        replica: which one of its replicas, from 0.
    """

    def __init__(self, model: Model, replica: int) -> None:
        self._model = model
        self._service = f"{model.name}-{replica}"
        self._random = np.random.default_rng([*model.name.encode(), replica])
        self._number = 0
        self._stretch: tuple[Stretch, Batch, UpstreamBatch] | None = None
        self._truths: list[tuple[Floats, tuple[str, ...], list[Truth]]] = []

    def step(self, start: float, seconds: float) -> Decoded:
        """What it sends in [start, start + seconds), which lies within a stretch."""
        if start - EPOCH < self._model.appears:
            return Decoded()
        begins = start % STRETCH_SECONDS == 0
        if begins:
            self._begin(start)
        assert self._stretch
        stretch, batch, calls = self._stretch
        first, last = np.searchsorted(stretch.times, (start, start + seconds)).tolist()
        rows = np.arange(first, last)
        malformed = int(self._random.poisson(self._model.malformed * len(rows)))
        tells = (start + seconds) % TRUTH_EVERY_SECONDS == 0
        return Decoded(
            batches=(take_rows(batch, rows),) if len(rows) else (),
            upstreams=(_calls_of(calls, slice(first, last)),) if len(rows) else (),
            outcomes=tuple(self._told(start + seconds)) if tells else (),
            events=tuple(self._events(start)) if begins else (),
            rejections=(Rejection("malformed_record", malformed, "no JSON"),) if malformed else (),
        )

    def _begin(self, start: float) -> None:
        """Draw the next stretch."""
        model = self._model
        faults = [fault for fault in model.faults if fault.active(start - EPOCH)]
        rate = model.rate / model.replicas * float(np.prod([fault.rate() for fault in faults]))
        stretch = people(self._random, start, arrivals(self._random, start, STRETCH_SECONDS, rate))
        for fault in faults:
            fault.population(stretch)
        decide_truth(stretch)
        for fault in faults:
            fault.truth(stretch)
        truths = model.trade.truths(stretch)
        for fault in faults:
            fault.seen(stretch)
        answer(stretch)
        for fault in faults:
            fault.answered(stretch)
        ids = self._ids(stretch)
        self._stretch = stretch, self._batch(stretch, ids), self._calls(stretch)
        self._follow(stretch, ids, truths)

    def _follow(self, stretch: Stretch, ids: list[str], truths: list[Truth]) -> None:
        followed = np.flatnonzero([bool(one) for one in ids] & ~stretch.failed)
        delays = np.minimum(self._random.exponential(TRUTH_SECONDS, len(followed)), 6 * TRUTH_SECONDS)
        due = stretch.times[followed] + delays
        order = np.argsort(due)
        rows = followed[order].tolist()
        self._truths.append((due[order], tuple(ids[row] for row in rows), [truths[row] for row in rows]))

    def _ids(self, stretch: Stretch) -> list[str]:
        """Ids of the predictions that are followed; the others have none."""
        self._number += 1
        followed = self._random.random(stretch.rows) < self._model.followed
        return [f"{self._service}-{self._number}-{row}" if one else "" for row, one in enumerate(followed.tolist())]

    def _batch(self, stretch: Stretch, ids: list[str]) -> Batch:
        failed = Words(np.where(stretch.failed, 0, -1).astype(np.int32), ("timeout",))
        return Batch(
            model=self._model.name,
            version=stretch.version,
            service=self._service,
            origin=Origin.LOG,
            times=stretch.times,
            keys=np.array([_key(one) for one in ids], np.int64),
            ids=tuple(ids),
            latency_seconds=stretch.latency,
            errors=failed,
            columns=self._model.trade.columns(stretch),
            context=context(stretch),
        )

    def _calls(self, stretch: Stretch) -> UpstreamBatch:
        return UpstreamBatch(
            model=self._model.name,
            service=self._service,
            upstreams=Words(np.zeros(stretch.rows, np.int32), ("feature-store",)),
            duration_seconds=stretch.upstream,
            failed=stretch.upstream_failed,
            keys=np.zeros(stretch.rows, np.int64),
        )

    def _told(self, until: float) -> Iterator[Outcome]:
        """Truths that are known before `until`."""
        kept = []
        for due, ids, truths in self._truths:
            now = int(np.searchsorted(due, until))
            for name, truth in zip(ids[:now], truths[:now], strict=True):
                yield Outcome(self._model.name, name, None, truth)
            if now < len(due):
                kept.append((due[now:], ids[now:], truths[now:]))
        self._truths = kept

    def _events(self, start: float) -> Iterator[Event]:
        since = start - EPOCH
        active = [fault for fault in self._model.faults if fault.active(since)]
        if self._model.pipeline and not any(fault.stops_pipeline for fault in active):
            yield Event(self._model.name, "pipeline", "", self._model.pipeline, start)
        for fault in self._model.faults:
            version = deployed(fault)
            if version and since == fault.starts:
                yield Event(self._model.name, "deployment", version, "", start)
            if version and since == fault.starts + fault.lasts:
                yield Event(self._model.name, "deployment", USUAL_VERSION, "", start)


def deployed(fault: Fault) -> str:
    """The version that `fault` deploys; empty when it deploys none."""
    return getattr(fault, "version", "") or fault.deploys


def _key(name: str) -> int:
    """A number for an id that is the same in every run, which `hash` is not; 0 for none."""
    return int.from_bytes(blake2b(name.encode(), digest_size=7).digest(), "little") if name else 0
