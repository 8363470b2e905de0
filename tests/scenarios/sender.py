"""Sends a model's simulated traffic, and its truth when that is known, as what the decoder makes of records."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

import numpy as np

from model_exporter.batch import Batch, Event, Origin, Outcome, UpstreamBatch, Words, take_rows
from model_exporter.decode import Decoded
from scenarios.faults import Fault
from scenarios.traffic import (
    EPOCH,
    FRAUD,
    LEGIT,
    STRETCH_SECONDS,
    TRUTH_SECONDS,
    Floats,
    Mask,
    Stretch,
    answer,
    arrivals,
    columns,
    context,
    decide_truth,
    people,
)

TRUTH_EVERY_SECONDS: Final = 60.0
"""How often truths are sent."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model that is watched.

    Attributes:
        name: of the model.
        fault: what happens to it; None for a healthy one.
        rate: predictions a second in the mean of a day, over all of its replicas.
        followed: share of its predictions whose truth is told.
        replicas: how many serve it, each beside an exporter of its own.
        segmented: whether its regions are compared with each other.
    """

    name: str
    fault: Fault | None = None
    rate: float = 20.0
    followed: float = 0.2
    replicas: int = 1
    segmented: bool = False

    @property
    def owner(self) -> str:
        """The team that answers for it."""
        return f"team-{self.name}"


class Sender:
    """One replica of a model's service.

    Args:
        subject: the model.
        replica: which one of its replicas, from 0.
    """

    def __init__(self, subject: Subject, replica: int) -> None:
        self._subject = subject
        self._service = f"{subject.name}-{replica}"
        self._random = np.random.default_rng([*subject.name.encode(), replica])
        self._number = 0
        self._stretch: tuple[Stretch, Batch, UpstreamBatch] | None = None
        self._truths: list[tuple[Floats, tuple[str, ...], Mask]] = []

    def step(self, start: float, seconds: float) -> Decoded:
        """What it sends in [start, start + seconds), which lies within a stretch."""
        begins = start % STRETCH_SECONDS == 0
        if begins:
            self._begin(start)
        assert self._stretch
        stretch, batch, calls = self._stretch
        first, last = np.searchsorted(stretch.times, (start, start + seconds)).tolist()
        rows = np.arange(first, last)
        return Decoded(
            batches=(take_rows(batch, rows),) if len(rows) else (),
            upstreams=(_calls_of(calls, slice(first, last)),) if len(rows) else (),
            outcomes=tuple(self._told(start + seconds)) if (start + seconds) % TRUTH_EVERY_SECONDS == 0 else (),
            events=tuple(self._events(start)) if begins else (),
        )

    def _begin(self, start: float) -> None:
        """Draw the next stretch."""
        subject = self._subject
        fault = subject.fault if subject.fault and subject.fault.active(start - EPOCH) else None
        rate = subject.rate / subject.replicas * (fault.rate() if fault else 1)
        stretch = people(self._random, start, arrivals(self._random, start, STRETCH_SECONDS, rate))
        if fault:
            fault.population(stretch)
        decide_truth(stretch)
        if fault:
            fault.truth(stretch)
            fault.seen(stretch)
        answer(stretch)
        if fault:
            fault.answered(stretch)
        ids = self._ids(stretch)
        self._stretch = stretch, self._batch(stretch, ids), self._calls(stretch)
        followed = np.flatnonzero([bool(one) for one in ids] & ~stretch.failed)
        delays = np.minimum(self._random.exponential(TRUTH_SECONDS, len(followed)), 6 * TRUTH_SECONDS)
        due = stretch.times[followed] + delays
        order = np.argsort(due)
        named = tuple(ids[row] for row in followed[order].tolist())
        self._truths.append((due[order], named, stretch.truth[followed[order]]))

    @property
    def _first_key(self) -> int:
        """Of the stretch at hand: no two predictions of any service have the same one, nor one of 0."""
        return (crc32(self._service.encode()) << 31) + (self._number << 20) + 1

    def _ids(self, stretch: Stretch) -> list[str]:
        """Ids of the predictions that are followed; the others have none."""
        self._number += 1
        followed = self._random.random(stretch.rows) < self._subject.followed
        return [f"{self._service}-{self._number}-{row}" if one else "" for row, one in enumerate(followed.tolist())]

    def _batch(self, stretch: Stretch, ids: list[str]) -> Batch:
        failed = Words(np.where(stretch.failed, 0, -1).astype(np.int32), ("timeout",))
        return Batch(
            model=self._subject.name,
            version=stretch.version,
            service=self._service,
            origin=Origin.LOG,
            times=stretch.times,
            keys=np.where([bool(one) for one in ids], self._first_key + np.arange(stretch.rows), 0),
            ids=tuple(ids),
            latency_seconds=stretch.latency,
            errors=failed,
            columns=columns(stretch),
            context=context(stretch),
        )

    def _calls(self, stretch: Stretch) -> UpstreamBatch:
        return UpstreamBatch(
            model=self._subject.name,
            service=self._service,
            upstreams=Words(np.zeros(stretch.rows, np.int32), ("feature-store",)),
            duration_seconds=stretch.upstream,
            failed=stretch.upstream_failed,
            keys=np.zeros(stretch.rows, np.int64),
        )

    def _told(self, until: float) -> Iterator[Outcome]:
        """Truths that are known before `until`."""
        kept = []
        for due, ids, truth in self._truths:
            now = int(np.searchsorted(due, until))
            for name, fraud in zip(ids[:now], truth[:now].tolist(), strict=True):
                yield Outcome(self._subject.name, name, None, FRAUD if fraud else LEGIT)
            if now < len(due):
                kept.append((due[now:], ids[now:], truth[now:]))
        self._truths = kept

    def _events(self, start: float) -> Iterator[Event]:
        fault = self._subject.fault
        since = start - EPOCH
        if not (fault and fault.stops_pipeline and fault.active(since)):
            yield Event(self._subject.name, "pipeline", "", "devices", start)
        if fault and fault.deploys and since == fault.starts:
            yield Event(self._subject.name, "deployment", fault.deploys, "", start)


def _calls_of(calls: UpstreamBatch, rows: slice) -> UpstreamBatch:
    return replace(
        calls,
        upstreams=Words(calls.upstreams.codes[rows], calls.upstreams.words),
        duration_seconds=calls.duration_seconds[rows],
        failed=calls.failed[rows],
        keys=calls.keys[rows],
    )
