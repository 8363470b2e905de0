"""The outcomes of one model: which predictions wait for theirs, and what becomes of them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import Baseline
from model_exporter.batch import Awaited, Batch, Joined
from model_exporter.config.settings import ModelSettings
from model_exporter.window.budget import Budget
from model_exporter.window.facts import RANKS, FactsReader
from model_exporter.window.kept import KeptVersion
from model_exporter.window.performance import FIXED_SERIES, Performance
from model_exporter.window.performance_reference import Learned, PerformanceReference
from model_exporter.window.skew import made_at
from model_exporter.window.snapshot import DUPLICATE, LOST, UNMATCHED, Fault, TruthSnapshot

MODEL_SERIES: Final = 23
"""Outcomes and predictions that came to nothing, by reason, what waits in the store, and the reference."""

_DIGEST_BYTES: Final = 16

Refuse = Callable[[str, str, int], None]
"""Tell that (limit, what) was refused, for so many rows."""


class Truth:
    """Outcomes of one model's predictions.

    A model joins from the start when its configuration speaks of outcomes, else from its first outcome on: whoever
    sends none pays nothing. What predictions alone tell of segments, indicators and recommended items is told from
    the start.

    Args:
        settings: of the model.
        groups_per_segment: as in `Limits`.
        series: the bound on the series of all models.
        refuse: hears what there was no room for.
        learned: hears when the outcomes are complete that performance is compared with.
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        groups_per_segment: int,
        series: Budget,
        refuse: Refuse,
        learned: Learned = lambda *_: None,
    ) -> None:
        self._settings = settings
        self._learned = learned
        self._reference = PerformanceReference(settings, learned)
        self._groups_per_segment = groups_per_segment
        self._reader = FactsReader(settings, groups_per_segment=groups_per_segment)
        self._series = series
        self._refuse = refuse
        self._joins = False
        self._tells = False
        self._versions: dict[str, Performance] = {}
        self._reserved: dict[str, int] = {}
        self._unmatched: Counter[str] = Counter(dict.fromkeys(UNMATCHED, 0))
        self._lost: Counter[str] = Counter(dict.fromkeys(LOST, 0))
        self._duplicates = 0
        self._early = 0
        self._pending = 0
        self._outcomes_waiting = 0
        self._rate = 1.0
        self._begin_as_configured()

    @property
    def joins(self) -> bool:
        """Whether predictions wait for their outcomes."""
        return self._joins

    def begin(self) -> None:
        """Let predictions wait for their outcomes from now on."""
        self._joins = True
        self._tell()

    def expect(self, version: str, batch: Batch, baseline: Baseline | None, now: float) -> list[Awaited]:
        """Count the predictions of `batch`, all of them new; returns those that can be joined, as they wait.

        A failed prediction has no outcome. One without an id has one that nobody can find: it counts as predicted.
        """
        if not self._tells or not batch.rows:
            return []
        rows = np.flatnonzero(batch.errors.codes < 0)
        told = replace(batch, version=version, times=made_at(batch.times, now))
        performance = self._performance(version, baseline, len(rows), now)
        grouped = self._reader.segments.groups(told) if self._settings.segments else None
        awaited = self._reader.read(told, rows, now, grouped) if self._joins else []
        if performance and len(rows):
            performance.expect(told.times[rows] if self._joins else np.zeros(0), now)
            performance.expect_answers(told, rows, now)
            performance.count_business(told, rows)
            performance.count_items(self._reader.items(told, rows), now)
            if grouped:
                performance.expect_groups(grouped, self._reader.calls(told, rows))
            self._reserve(version, performance, len(rows))
        if grouped and grouped.refused:
            self._refuse("groups_per_segment", "a group's own series", grouped.refused)
        return awaited

    def realise(
        self, joined: Sequence[Joined], baseline: Baseline | None, now: float, *, has_room: Callable[[str], bool]
    ) -> None:
        """Add predictions with their outcomes; `has_room` says whether the model has, or can have, their version."""
        by_version: defaultdict[str, list[Joined]] = defaultdict(list)
        for one in joined:
            by_version[one.prediction.version].append(one)
        for version, pairs in by_version.items():
            there = has_room(version)
            performance = self._performance(version, baseline, len(pairs), now) if there else None
            if performance is None:
                self._unmatched[Fault.NO_VERSION.value] += len(pairs)
                continue
            for fault, outcomes in performance.realise(pairs, now).items():
                self._unmatched[fault.value] += outcomes
            self._reserve(version, performance, len(pairs))

    def recent_business(self) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Sums of the indicators by version, of what has been counted since the last call; see `Business`."""
        for version, performance in self._versions.items():
            recent = performance.recent_business()
            if recent is not None:
                yield version, recent

    def count_unmatched(self, reason: str, outcomes: int) -> None:
        """Count outcomes that met no prediction; those told before, with the same value, are counted apart."""
        if reason == DUPLICATE:
            self._duplicates += outcomes
        else:
            self._unmatched[reason] += outcomes

    def count_lost(self, reason: str, predictions: int) -> None:
        """Count predictions that waited in vain."""
        self._lost[reason] += predictions

    def count_early(self, outcomes: int) -> None:
        """Count outcomes that were there before their predictions."""
        self._early += outcomes

    def see_store(self, *, pending: int, outcomes: int, rate: float) -> None:
        """Take note of how many predictions and outcomes wait, and of the share of predictions that is kept."""
        self._pending, self._outcomes_waiting, self._rate = pending, outcomes, rate

    def advance(self, now: float) -> None:
        """Let time pass."""
        for performance in self._versions.values():
            performance.advance(now)

    def drop(self, version: str) -> None:
        """Forget a version."""
        self._versions.pop(version, None)
        self._series.give_back(self._reserved.pop(version, 0))

    def awaits(self, version: str, now: float) -> bool:
        """Whether outcomes of the version's predictions may still come."""
        performance = self._versions.get(version)
        return performance is not None and performance.awaited_until is not None and performance.awaited_until > now

    def keep(self, kept: KeptVersion) -> KeptVersion:
        """`kept` with what outcomes tell of the version, as far as it outlives a restart."""
        performance = self._versions.get(kept.version)
        known = performance.keep(kept, self._rests_on) if performance else kept
        return replace(known, reference=self._reference.checkpoint())

    def restore(self, kept: KeptVersion, baseline: Baseline | None, now: float) -> bool:
        """Have the performance of a version go on; False when some of what was kept does not fit and is let go."""
        if kept.awaited_until is not None or kept.reference:
            self.begin()
        fits = self._reference.restore(kept.reference)
        if not kept.sums:
            return fits
        performance = self._performance(kept.version, baseline, 1, now)
        if performance is None:
            return fits  # and that there is no room was told
        try:
            fits &= performance.restore(kept, self._rests_on)
        except ValueError:
            self.drop(kept.version)
            return False
        self._reserve(kept.version, performance, 1)
        return fits

    def close(self) -> None:
        """Give back everything that counts against a shared bound."""
        for version in list(self._versions):
            self.drop(version)
        if self._tells:
            self._series.give_back(MODEL_SERIES)
        self._joins = self._tells = False

    def reconfigure(self, settings: ModelSettings) -> None:
        """Take over changed settings. Where they change what outcomes mean, performance begins anew."""
        before, self._settings = self._settings, settings
        if _meaning(before) != _meaning(settings):
            self._reader = FactsReader(settings, groups_per_segment=self._groups_per_segment)
            self._reference = PerformanceReference(settings, self._learned)
            for version in list(self._versions):
                self.drop(version)
        elif (before.drift, before.objectives) != (settings.drift, settings.objectives):
            self._reference.reconfigure(settings)
        for performance in self._versions.values():
            performance.adjust(settings)
        self._begin_as_configured()

    def snapshot(self, now: float) -> TruthSnapshot | None:
        """Freeze the state as of the last `advance`; None for a model that has nothing to tell."""
        if not self._tells:
            return None
        return TruthSnapshot(
            early=self._early,
            duplicates=self._duplicates,
            pending=self._pending,
            outcomes_waiting=self._outcomes_waiting,
            rate=self._rate,
            unmatched=tuple(self._unmatched.items()),
            lost=tuple(self._lost.items()),
            performance=tuple(
                performance.snapshot(now)
                for version, performance in self._versions.items()
                if self._reserved[version] >= performance.series
            ),
            reference=self._reference.snapshot(),
        )

    @property
    def _rests_on(self) -> str:
        """The digest of the settings that sums kept over a restart must agree with."""
        return blake2b(repr(_meaning(self._settings)).encode(), digest_size=_DIGEST_BYTES).hexdigest()

    def _begin_as_configured(self) -> None:
        if self._settings.outcome.expected:
            self.begin()
        settings = self._settings
        if settings.segments or settings.business or settings.kind in RANKS:
            self._tell()

    def _tell(self) -> None:
        if not self._tells:
            self._tells = True
            self._series.give_back(-MODEL_SERIES)

    def _performance(self, version: str, baseline: Baseline | None, rows: int, now: float) -> Performance | None:
        """The state of a version, begun where there is none; None without room for it."""
        if version not in self._versions:
            if not self._series.take(FIXED_SERIES):
                self._refuse(self._series.binding, f"the performance of version {version}", rows)
                return None
            self._reserved[version] = FIXED_SERIES
            self._versions[version] = Performance(
                version,
                self._settings,
                baseline,
                now,
                reader=self._reader,
                groups_per_segment=self._groups_per_segment,
                reference=self._reference,
            )
        return self._versions[version]

    def _reserve(self, version: str, performance: Performance, rows: int) -> None:
        """Take the series that have been added; without room for them nothing of the version is shown."""
        more = performance.series - self._reserved[version]
        if more <= 0 or self._series.take(more):
            self._reserved[version] += max(more, 0)
        else:
            self._refuse(self._series.binding, f"the performance of version {version}", rows)


def _meaning(settings: ModelSettings) -> tuple[object, ...]:
    """What decides how outcomes and groups are read."""
    return settings.kind, settings.outcome, settings.segments, settings.business
