"""Rolling state of one model: its features, its baseline, its versions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import Baseline
from model_exporter.batch import Awaited, Batch, Event, Joined, ModelCalls, Origin, UpstreamBatch, Words, take_rows
from model_exporter.config.settings import Limits, ModelSettings
from model_exporter.stats.tables import Tables
from model_exporter.window import memory_costs
from model_exporter.window import series_costs as costs
from model_exporter.window.anomaly import low_confidence
from model_exporter.window.budget import Budget, Part
from model_exporter.window.deferred import Defer, Ending, at_once
from model_exporter.window.kept import KeptVersion
from model_exporter.window.layout import Layout
from model_exporter.window.learning import Finding, Learned, Learner, Restarted
from model_exporter.window.notices import BaselineLearned, LearningRestarted, Notify, PerformanceLearned
from model_exporter.window.retired import Retired
from model_exporter.window.schema import Schema, columns_by_room
from model_exporter.window.snapshot import FeatureName, ModelSnapshot, UpstreamSnapshot, VersionSnapshot
from model_exporter.window.traffic import OVERFLOW, Durations, rows_of
from model_exporter.window.truth import Truth
from model_exporter.window.verdicts import Bets
from model_exporter.window.version import VersionState

UNKNOWN_VERSION: Final = "unknown"
"""Version of predictions that name none."""

AHEAD_SECONDS: Final = 600.0
"""How long before a season its tables are built."""

Refuse = Callable[[str, str, str, int], None]
"""Tell that (limit, model, what) was refused, for so many rows or values."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all models have in common. `defer` is for what takes long."""

    limits: Limits
    series: Budget
    learning_cells: Budget
    notify: Notify
    refuse: Refuse
    defer: Defer = at_once


class ModelState:
    """One model.

    Args:
        name: the value of the label `model`.
        settings: its configuration.
        baseline: the frozen baseline, None to learn one.
        shared: bounds and ways out.
        now: unix seconds.
    """

    def __init__(
        self, name: str, settings: ModelSettings, *, baseline: Baseline | None, shared: Shared, now: float
    ) -> None:
        self.name = name
        self.settings = settings
        self._shared = shared
        self._series = Part(shared.series, shared.limits.series_per_model, "series_per_model")
        self._schema = Schema(settings.features)
        self._layout: Layout | None = None
        self._bets: Bets | None = None
        self._builds = False  # whether the tables of a season are being built
        self._wanted: object | None = None  # stands for the baseline whose layout is being made
        self._learner: Learner | None = None
        self._versions: dict[str, VersionState] = {}
        self._current = ""  # the version that took over last
        self._from_logs: set[str] = set()  # traffic signals that prediction logs carry: spans then do not count
        self._upstreams: dict[str, tuple[Durations, int]] = {}
        self._changes: dict[str, float] = {}
        self._sources: dict[str, float] = {}
        self._outcomes = 0
        self._thresholds = 0  # series that they take
        self.truth = Truth(
            settings,
            groups_per_segment=shared.limits.groups_per_segment,
            series=self._series,
            refuse=lambda limit, what, rows: self._shared.refuse(limit, name, what, rows),
            learned=lambda *told: self._shared.notify(PerformanceLearned(name, *told)),
        )
        self._retired = Retired(self.truth)
        self.last_seen = now
        self._learner = Learner(settings.learn, shared.learning_cells, now)
        if baseline:
            self.compare_with(baseline, now)
        self._count_thresholds()

    @property
    def baseline(self) -> Baseline | None:
        """The frozen baseline."""
        return self._layout.public.baseline if self._layout else None

    @property
    def binding_limit(self) -> str:
        """Name of the limit that leaves the least room for more series."""
        return self._series.binding

    @property
    def versions(self) -> int:
        """How many versions it holds, also those of which only the performance is left."""
        return len(self._versions) + len(self._retired)

    def compare_with(self, baseline: Baseline, now: float) -> None:
        """Freeze `baseline`: as soon as its layout is there, rows fall into its bins, which begin at 0."""
        settings, (fitting, _) = self.settings, self._fitting(baseline)
        in_use = bool(self._versions)
        self._wanted = wanted = object()

        def work() -> Ending:
            layout = Layout(
                baseline,
                settings.features,
                fitting,
                tolerance=settings.drift.ticket.tolerance,
                pairs=settings.drift.pairs,
            )
            bets = Bets(layout.public, settings)
            if in_use:
                bets.prepare()
            return lambda: self._take_over(wanted, layout, bets, now)

        self._shared.defer(work)

    def checkpoint(self) -> list[KeptVersion]:
        """What of its versions outlives a restart."""
        held = [*self._retired, *(version.checkpoint(self.name) for version in self._versions.values())]
        return [self.truth.keep(kept) for kept in held]

    def restore(self, kept: KeptVersion, now: float) -> bool:
        """Have a version go on from what an earlier run kept of it, its counts at 0.

        Returns False when its evidence does not fit what it is compared with now, and begins anew.
        """
        if self._bets and not self._bets.are_ready:
            self._bets.prepare()
        version = self._begin(kept.version, now)
        if version is None:
            self._shared.refuse(self._series.binding, self.name, f"the evidence kept of version {kept.version}", 1)
            return True
        return version.restore(kept, self._bets, now)

    def restore_performance(self, kept: KeptVersion, now: float) -> bool:
        """Have the performance of a version go on from what was kept of it; False when that does not fit.

        A version that is not here any more is only its performance, for as long as outcomes may come.
        """
        fits = self.truth.restore(kept, self.baseline, now)
        if kept.version not in self._versions:
            self._retired.take(kept, now)
        return fits

    def reconfigure(self, settings: ModelSettings, now: float) -> None:
        """Take over changed settings. A configured baseline replaces a learned one; taking it away keeps it."""
        before = self._version_series(error_types=0)
        previous, self.settings = self.settings, settings
        self._changes["config"] = now
        self.truth.reconfigure(settings)
        self._series.give_back((before - self._version_series(error_types=0)) * len(self._versions))
        self._count_thresholds()
        for version in self._versions.values():
            version.hold_to(settings.latency_objectives)
            if settings.business != previous.business:
                version.watch_business(settings.business)
        baseline = settings.baseline or self.baseline
        changed = settings.features != previous.features or settings.drift != previous.drift
        if baseline and (changed or baseline != self.baseline):
            same = self.baseline is not None and baseline.digest == self.baseline.digest
            self.compare_with(baseline, self._changes.get("baseline", now) if same else now)
            return
        if self._learner and settings.learn != previous.learn:
            self._learner.discard()
            self._learner = Learner(settings.learn, self._shared.learning_cells, now)
        self._schema.compare_with(self._layout, settings.features)

    def share(self, shared: Shared) -> None:
        """Take over changed bounds."""
        self._shared = shared
        self._series.limit = shared.limits.series_per_model

    def predict(self, batch: Batch, fresh: NDArray[np.bool_], now: float) -> list[Awaited] | None:
        """Count `batch`, whose rows outside the mask bool[n] `fresh` repeat earlier ones.

        Returns what waits for its outcome, and None when there was no room for the version: then nothing was counted.
        """
        self.last_seen = now
        version = self._version(batch, now)
        if version is None:
            return None
        version.let_pass(now)
        rows = np.flatnonzero(fresh)
        duplicates = batch.rows - len(rows)
        if duplicates:
            batch = take_rows(batch, rows)
        predictions = self._count_traffic(version, batch)
        if predictions:
            self._activate(version, now)
        version.count_traffic(predictions=predictions, duplicates=duplicates, now=now)
        if batch.calls and batch.rows:
            self._count_calls(version, batch.calls)
        if predictions:
            version.saw_prediction(batch.times, now)
        if not batch.rows or batch.origin is not Origin.LOG:
            return []
        self._count_features(version, batch, now)
        awaited = self.truth.expect(version.version, batch, self.baseline, now)
        self._watch_business()
        return awaited

    def call_upstreams(self, calls: UpstreamBatch, fresh: NDArray[np.bool_]) -> None:
        """Count calls to others, but those outside the mask bool[n] `fresh`; beyond the limit they share one name."""
        names = Words(np.where(fresh, calls.upstreams.codes, -1), calls.upstreams.words)
        for name, rows in rows_of(names):
            mine = names.codes == names.words.index(name)
            label = name
            if name not in self._upstreams and len(self._upstreams) >= self._shared.limits.upstreams_per_model:
                self._shared.refuse("upstreams_per_model", self.name, f"a series of its own to upstream {name}", rows)
                label = OVERFLOW
            durations, errors = self._upstreams.get(label) or (Durations(), 0)
            seconds = calls.duration_seconds[mine]
            durations.add(seconds[np.isfinite(seconds)])
            self._upstreams[label] = durations, errors + int(np.count_nonzero(calls.failed[mine]))

    def count_outcomes(self, outcomes: int) -> None:
        """Count outcomes."""
        self._outcomes += outcomes

    def realise(self, joined: Sequence[Joined], now: float) -> None:
        """Add predictions with their outcomes. A version that is gone comes back for them if there is room."""
        self.last_seen = now
        self.truth.realise(
            joined,
            self.baseline,
            now,
            has_room=lambda version: version in self._retired or self._revive(version, now),
        )
        self._watch_business()

    def note(self, event: Event, now: float) -> None:
        """Remember when something changed; an event from the future happened now."""
        at = min(event.time, now) if event.time is not None else now
        self._changes[event.change] = max(at, self._changes.get(event.change, at))
        if not event.source:
            return
        if event.source not in self._sources and len(self._sources) >= self._shared.limits.upstreams_per_model:
            self._shared.refuse("upstreams_per_model", self.name, f"a series to source {event.source}", 1)
            return
        self._sources[event.source] = max(at, self._sources.get(event.source, at))

    def advance(self, now: float) -> None:
        """Let time pass: windows move, and a stretch of traffic may have become a baseline."""
        for version in self._versions.values():
            version.advance(now)
        self.truth.advance(now)
        learner = self._learner if self._wanted is None else None
        study = learner.study(self.name, self.settings, now) if learner else None
        if learner and study:
            self._shared.defer(lambda: partial(self._conclude, learner, study.work_out()))
        self._build_ahead(now)

    def expire(self, before: float, now: float) -> list[str]:
        """Drop the versions that were last seen before then; returns their names.

        The performance of a version stays for as long as outcomes of its predictions may come.
        """
        over = self._retired.expire(now)
        gone = [name for name, version in self._versions.items() if version.last_seen < before]
        for name in gone:
            self._retired.take(self._drop_state(name).checkpoint(self.name), now)
        return [*gone, *over]

    def close(self) -> None:
        """Give back everything that counts against a shared bound."""
        for name in list(self._versions):
            self._drop(name)
        self._retired.clear()
        self._release_layout()
        self._series.give_back(self._thresholds)
        self.truth.close()
        self._wanted = None
        if self._learner:
            self._learner.discard()
            self._learner = None

    def freezing(self, now: float) -> Iterator[ModelSnapshot | None]:
        """Freeze the state as of the last `advance` in steps: nothing, and at last the snapshot."""
        versions: list[VersionSnapshot] = []
        layout, features = self._layout, self._schema.features
        for version in list(self._versions.values()):
            for frozen in version.freezing(features=len(features)):
                if frozen is None:
                    yield None
                else:
                    versions.append(frozen)
        if layout is not self._layout:  # it has got another baseline meanwhile
            features = self._schema.features
            versions = [version.snapshot(features=len(features)) for version in self._versions.values()]
        yield self._snapshot(now, features, versions)

    def _snapshot(
        self, now: float, features: tuple[FeatureName, ...], versions: Sequence[VersionSnapshot]
    ) -> ModelSnapshot:
        return ModelSnapshot(
            name=self.name,
            settings=self.settings,
            features=features,
            baseline=self.baseline,
            learning=self._learner.progress(now) if self._learner else None,
            changes=tuple(self._changes.items()),
            sources=tuple(self._sources.items()),
            versions=tuple(versions),
            upstreams=tuple(
                UpstreamSnapshot(name, durations.snapshot(), errors)
                for name, (durations, errors) in self._upstreams.items()
            ),
            outcomes=self._outcomes,
            truth=self.truth.snapshot(now),
            series=self._series.used,
            estimated_bytes=memory_costs.of_model(
                series=self._series.used,
                pairs=len(self._layout.pairs.pairs) if self._layout and self._layout.pairs else 0,
                versions=len(self._versions),
            ),
        )

    def _take_over(self, wanted: object, layout: Layout, bets: Bets, now: float) -> None:
        """Compare with a baseline from now on, unless another one has been wanted since."""
        if wanted is not self._wanted:
            return
        self._wanted = None
        baseline = layout.public.baseline
        fitting, without = self._fitting(baseline)
        if fitting != layout.public.features:  # room came or went meanwhile
            self.compare_with(baseline, now)
            return
        if without:
            what = f"bins to {without} of {len(fitting) + without} features"
            self._shared.refuse(self._series.binding, self.name, what, without)
        if self._learner:
            self._learner.discard()
            self._learner = None
        self._release_layout()
        self._layout, self._bets = layout, bets
        self._series.give_back(-costs.of_layout(layout, len(self._versions)))
        known = len(self._schema)
        self._schema.compare_with(layout, self.settings.features)
        self._series.give_back(-costs.FEATURE * (len(self._schema) - known) * len(self._versions))
        self._count_thresholds()
        for version in self._versions.values():
            version.compare_with(layout, self._ready_bets)
        if self._versions:
            self._prepare_bets()
        self._changes["baseline"] = now

    @property
    def _ready_bets(self) -> Bets | None:
        return self._bets if self._bets and self._bets.are_ready else None

    def _prepare_bets(self) -> None:
        """Have the bets made ready if they are not; the versions begin to be judged then."""
        bets = self._bets
        if bets is None or bets.are_ready:
            return

        def work() -> Ending:
            bets.prepare()
            return lambda: self._begin_judging(bets)

        self._shared.defer(work)

    def _build_ahead(self, now: float) -> None:
        """Have the tables built of the season that it is and of the one that comes: a slot should find them there."""
        bets = self._ready_bets
        if bets is None or self._builds:
            return
        season = next((one for at in (now, now + AHEAD_SECONDS) if (one := bets.unbuilt(at)) is not None), None)
        if season is None:
            return
        self._builds = True

        def work() -> Ending:
            built = bets.build(season)
            return lambda: self._keep_built(bets, season, built)

        self._shared.defer(work)

    def _keep_built(self, bets: Bets, season: int, built: Sequence[Tables]) -> None:
        self._builds = False
        bets.keep(season, built)

    def _begin_judging(self, bets: Bets) -> None:
        if bets is self._bets:
            for version in self._versions.values():
                version.begin_judging(bets)

    def _conclude(self, learner: Learner, finding: Finding) -> None:
        """Take over a baseline that was learned, unless the model has got another one meanwhile."""
        if learner is not self._learner or self._wanted is not None:
            return
        match learner.conclude(finding):
            case Learned(baseline, doubt):
                self.compare_with(baseline, finding.now)
                self._shared.notify(BaselineLearned(baseline, doubt))
            case Restarted(reason):
                self._shared.notify(LearningRestarted(self.name, reason))

    def _count_traffic(self, version: VersionState, batch: Batch) -> int:
        """Count errors and latencies; returns how many predictions the rows tell of.

        Logs and spans may tell of the same predictions. What logs carry is taken from them alone. A failed request
        seldom gets as far as a log, so while logs carry no errors a failed span is a prediction of its own.
        """
        failed = int(np.count_nonzero(batch.errors.codes >= 0))
        timed = bool(np.isfinite(batch.latency_seconds).any())
        carried = {"predictions": batch.rows, "errors": failed, "latency": timed}
        if batch.origin is Origin.LOG:
            self._from_logs |= {signal for signal, present in carried.items() if present}
            counts = set(carried)
        else:
            counts = carried.keys() - self._from_logs
        if "errors" in counts and failed:
            overflowed = version.count_errors(batch)
            if overflowed:
                self._shared.refuse(
                    "error_types_per_model", self.name, "a series of its own to an error type", overflowed
                )
        if "latency" in counts and timed:
            version.count_durations(batch.latency_seconds)
        if "predictions" in counts:
            return batch.rows
        return failed if "errors" in counts else 0

    def _count_calls(self, version: VersionState, calls: ModelCalls) -> None:
        if not version.is_called and not self._series.take(costs.CALLS):
            self._shared.refuse(self._series.binding, self.name, "tokens and the like", len(calls.within))
            return
        overflowed = version.count_calls(calls)
        if overflowed:
            what = "a series of its own to a reason to finish"
            self._shared.refuse("finish_reasons_per_version", self.name, what, overflowed)

    def _watch_business(self) -> None:
        """Hand the signals of each version what its indicators have counted since."""
        for name, sums in self.truth.recent_business():
            if name in self._versions:
                self._versions[name].count_business(sums)

    def _count_features(self, version: VersionState, batch: Batch, now: float) -> None:
        counts = self._schema.count_known(batch)
        if counts is None:
            batch = self._admit_features(batch, now)
            counts = self._schema.count(batch)
        version.count_features(counts, now)
        version.count_confidence(*low_confidence(batch, self.settings.kind))
        if self._learner and batch.columns and not self._learner.add(batch, now):
            self._shared.refuse("learning_cells", self.name, "rows to the baseline being learned", batch.rows)

    def _admit_features(self, batch: Batch, now: float) -> Batch:
        """Register new features and leave out those there is no room for."""
        cost = costs.FEATURE * len(self._versions)
        known = len(self._schema)
        by_count = self._shared.limits.features_per_model - known
        by_series = self._series.left // cost
        kept, refused = columns_by_room(batch, self._schema, room=min(by_count, by_series))
        for column in kept:
            feature = FeatureName(column.name, column.role)
            if feature not in self._schema:
                self._series.take(cost)
                if self._schema.add(feature):
                    self._changes["schema"] = now
        if len(self._schema) > known:
            self._count_thresholds()
        if refused:
            limit = "features_per_model" if by_count <= by_series else self._series.binding
            what = f"{len(refused)} features, {refused[0].name} first"
            self._shared.refuse(limit, self.name, what, sum(len(column.kinds) for column in refused))
            batch = replace(batch, columns=tuple(kept))
        return batch

    def _version(self, batch: Batch, now: float) -> VersionState | None:
        """The state of the batch's version; spans that name none belong to the current one."""
        name = batch.version or (self._current if batch.origin is Origin.SPAN else "") or UNKNOWN_VERSION
        if name in self._versions:
            return self._versions[name]
        self._retired.give_back(name)
        if self.versions >= self._shared.limits.versions_per_model:
            oldest = self._retired.drop_oldest() if self._retired else self._drop_oldest()
            self._shared.refuse("versions_per_model", self.name, f"version {oldest} any longer", 1)
        return self._begin(name, now)

    def _revive(self, name: str, now: float) -> bool:
        """Have a state for a version whose outcomes come; False when there is no room for it."""
        full = self.versions >= self._shared.limits.versions_per_model
        version = self._versions.get(name) or (None if full else self._begin(name, now))
        if version is None:
            return False
        version.last_seen = now
        return True

    def _begin(self, name: str, now: float) -> VersionState | None:
        """A new version; None when there is no room for its series."""
        error_types = self._shared.limits.error_types_per_model
        if not self._series.take(self._version_series(error_types)):
            return None
        self._versions[name] = VersionState(
            name,
            now=now,
            error_types=error_types,
            features=len(self._schema),
            layout=self._layout,
            bets=self._ready_bets,
            indicators=self.settings.business,
            latency_objectives=self.settings.latency_objectives,
        )
        self._prepare_bets()
        return self._versions[name]

    def _activate(self, version: VersionState, now: float) -> None:
        """Tell a change of version from a canary beside the current one: only a version that was idle takes over."""
        if version.version in (self._current, UNKNOWN_VERSION) or version.active:
            return
        if self._current:
            self._changes["version"] = now
        self._current = version.version

    def _drop(self, version: str) -> None:
        self._drop_state(version)
        self.truth.drop(version)

    def _drop_oldest(self) -> str:
        oldest = min(self._versions, key=lambda name: self._versions[name].last_seen)
        self._drop(oldest)
        return oldest

    def _drop_state(self, version: str) -> VersionState:
        """Drop all of a version but its performance."""
        gone = self._versions.pop(version)
        self._series.give_back(self._version_series(gone.error_types) + costs.CALLS * gone.is_called)
        return gone

    def _fitting(self, baseline: Baseline) -> tuple[tuple[int, ...], int]:
        """Indices of the features whose bins fit among the series that are left, and how many others there are."""
        return costs.fitting(
            baseline,
            versions=len(self._versions),
            left=self._series.left + costs.of_layout(self._layout, len(self._versions)),
            pairs=self.settings.drift.pairs,
        )

    def _release_layout(self) -> None:
        self._series.give_back(costs.of_layout(self._layout, len(self._versions)))
        self._layout = None

    def _count_thresholds(self) -> None:
        """Reserve the series of thresholds, without asking: the configuration bounds them."""
        thresholds = costs.of_thresholds(self.settings, self._schema.features)
        self._series.give_back(self._thresholds - thresholds)
        self._thresholds = thresholds

    def _version_series(self, error_types: int) -> int:
        """Series that one version takes now."""
        return costs.of_version(
            error_types=error_types,
            settings=self.settings,
            features=len(self._schema),
            layout=self._layout,
        )
