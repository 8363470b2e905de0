"""All models of this exporter. One writer owns it; no other thread may touch it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from model_exporter.baseline.model import Baseline
from model_exporter.batch import Awaited, Batch, Event, Joined, UpstreamBatch
from model_exporter.config.settings import Settings
from model_exporter.ports import Recorder
from model_exporter.window.budget import Budget
from model_exporter.window.calls import NestedCalls
from model_exporter.window.deferred import Defer, at_once
from model_exporter.window.duplicates import RecentKeys
from model_exporter.window.kept import KeptVersion
from model_exporter.window.model import ModelState, Shared
from model_exporter.window.notices import (
    BaselineLearned,
    EvidenceDropped,
    Expired,
    LimitHit,
    ModelAppeared,
    Notice,
    Notify,
    PerformanceDropped,
)
from model_exporter.window.skew import skewed_rows
from model_exporter.window.snapshot import ModelSnapshot, Snapshot
from model_exporter.window.truth import Truth


class Fleet:
    """Rolling state of every model.

    Time is the time of arrival, which a wrong clock in a record cannot bend; how many records disagree with it by
    more than `skew` allows is counted.

    Args:
        settings: the configuration.
        learned: baselines learned earlier, by model.
        recorder: counts what was refused.
        notify: hears what the operator should.
        now: unix seconds.
    """

    def __init__(
        self, settings: Settings, *, learned: Mapping[str, Baseline], recorder: Recorder, notify: Notify, now: float
    ) -> None:
        self._settings = settings
        self._configured_at = now
        self._learned = dict(learned)
        self._recorder = recorder
        self._notify = notify
        self._recent = RecentKeys(settings.limits.recent_ids)
        self._nested = NestedCalls(settings.limits.recent_ids)
        self._series = Budget(settings.limits.series, "series")
        self._cells = Budget(settings.limits.learning_cells, "learning_cells")
        self._models: dict[str, ModelState] = {}
        self._warned: set[str] = set()
        self._defer: Defer = at_once
        self._shared = self._share()
        for name in settings.models:
            self._model(name, now)

    def defer_to(self, defer: Defer) -> None:
        """Have done elsewhere what takes long from now on: learning a baseline, and making what compares with one."""
        self._defer = defer
        self._let_share()

    def announce(self, batches: Iterable[Batch]) -> None:
        """Take note of calls of language models before `predict` counts them, of all that arrived together."""
        for batch in batches:
            if batch.calls:
                self._nested.announce(batch.calls, self._recent)

    def predict(self, model: str, batch: Batch, now: float) -> list[Awaited]:
        """Count predictions of `model`, once each; returns those that wait for their outcomes from now on."""
        self._count_clock_skew(batch, now)
        fresh = self._recent.first_seen(batch.keys)
        if batch.calls:
            fresh = self._nested.inner(fresh, batch.keys, batch.calls)
        state = self._model(model, now)
        awaited = state.predict(batch, fresh, now)
        if awaited is None:
            self._refuse(state.binding_limit, model, f"version {batch.version or 'unknown'}", batch.rows)
            self._recorder.count("model_exporter_dropped_records_total", "series_limit", amount=batch.rows)
        return awaited or []

    def call_upstreams(self, model: str, calls: UpstreamBatch, now: float) -> None:
        """Count calls that `model` made to others."""
        self._model(model, now).call_upstreams(calls, self._recent.first_seen(calls.keys))

    def count_outcomes(self, model: str, outcomes: int, now: float) -> None:
        """Count outcomes of `model`."""
        self._model(model, now).count_outcomes(outcomes)

    def begin_joining(self, model: str, now: float) -> None:
        """Let predictions of `model` wait for their outcomes from now on."""
        self._model(model, now).truth.begin()

    def realise(self, joined: Sequence[Joined], now: float) -> None:
        """Add predictions with their outcomes."""
        by_model: defaultdict[str, list[Joined]] = defaultdict(list)
        for one in joined:
            by_model[one.model].append(one)
        for name, pairs in by_model.items():
            self._model(name, now).realise(pairs, now)

    def truth(self, model: str) -> Truth | None:
        """The outcomes of `model`; None when there is no such model, or it does not join."""
        state = self._models.get(model)
        return state.truth if state and state.truth.joins else None

    def waits(self) -> dict[str, float]:
        """How long predictions and outcomes wait for each other, seconds, by model."""
        return {name: model.settings.outcome.wait_seconds for name, model in self._models.items() if model.truth.joins}

    def note(self, model: str, event: Event, now: float) -> None:
        """Take note of an event in the life of `model`."""
        self._model(model, now).note(event, now)

    def refuse_model(self, model: str, rows: int) -> None:
        """Count records of a model there is no room for."""
        self._refuse("models", model, "the model", rows)
        self._recorder.count("model_exporter_dropped_records_total", "model_limit", amount=rows)

    def advance(self, now: float) -> list[str]:
        """Let time pass; returns the models that expired."""
        return [model for gone in self.advancing(now) for model in gone]

    def advancing(self, now: float) -> Iterator[list[str]]:
        """Let time pass, one model after the other; yields those that expired."""
        before = now - self._settings.limits.expire_after_seconds
        for name, model in list(self._models.items()):
            model.advance(now)
            for version in model.expire(before, now):
                self._notify(Expired(name, version))
            gone = model.versions == 0 and model.last_seen < before and name not in self._settings.models
            if gone:
                model.close()
                del self._models[name]
            yield [name] * gone

    def reconfigure(self, settings: Settings, now: float) -> None:
        """Take over a new configuration without losing counts."""
        previous, self._settings = self._settings, settings
        self._configured_at = now
        self._series.limit = settings.limits.series
        self._cells.limit = settings.limits.learning_cells
        self._recent.resize(settings.limits.recent_ids)
        self._nested.resize(settings.limits.recent_ids)
        self._let_share()
        for name, model in self._models.items():
            if settings.model(name) != previous.model(name):
                model.reconfigure(settings.model(name), now)
        for name in settings.models:
            self._model(name, now)

    def checkpoint(self) -> tuple[KeptVersion, ...]:
        """What outlives a restart, as of the last slots that closed."""
        return tuple(kept for of_model in self.checkpoints() for kept in of_model)

    def checkpoints(self) -> Iterator[list[KeptVersion]]:
        """The same, one model after the other; those that are gone meanwhile are left out."""
        for name in list(self._models):
            model = self._models.get(name)
            yield model.checkpoint() if model else []

    def restore(self, kept: Sequence[KeptVersion], *, admit: Callable[[str], bool], now: float) -> None:
        """Begin with the versions of an earlier run, their evidence as it was and their counts at 0.

        An alarm that was on is on at once, before the first prediction. Versions that have been silent for too long
        are left out, but for their performance while outcomes may come, and so are, the longest silent first, those
        that the limits have no room for.

        Args:
            kept: from `checkpoint`.
            admit: whether there is room for the model of this name.
            now: unix seconds.
        """
        limits = self._settings.limits
        silent_before = now - limits.expire_after_seconds
        anew: dict[str, None] = {}
        for version in sorted(kept, key=lambda version: version.last_seen, reverse=True):
            if not version.outlasts(silent_before, now):
                continue
            if not admit(version.model):
                self._refuse("models", version.model, "the evidence kept of the model", 1)
                continue
            model = self._model(version.model, now)
            if model.versions >= limits.versions_per_model:
                self._refuse("versions_per_model", version.model, f"version {version.version} any longer", 1)
                continue
            if version.last_seen >= silent_before and not model.restore(version, now):
                anew[version.model] = None
            if not model.restore_performance(version, now):
                self._notify(PerformanceDropped(version.model, version.version))
        for name in anew:
            self._notify(EvidenceDropped(name))

    def snapshot(self, now: float) -> Snapshot:
        """Freeze everything as of the last `advance`."""
        return self.picture_of([model for model in self.freezing(now) if model], now)

    def freezing(self, now: float) -> Iterator[ModelSnapshot | None]:
        """The same in steps, one model after the other: nothing, or a model when it is done.

        Models that are gone meanwhile are left out.
        """
        for name in list(self._models):
            if model := self._models.get(name):
                yield from model.freezing(now)

    def picture_of(self, models: Sequence[ModelSnapshot], now: float) -> Snapshot:
        """The picture that `models` are in."""
        return Snapshot(
            at=now,
            environment=self._settings.environment,
            configured_at=self._configured_at,
            models=tuple(models),
            series=self._series.used,
            series_limit=self._series.limit,
        )

    def usage(self) -> dict[str, int]:
        """How much of each bound that all models share is used, by the name of the limit."""
        return {
            "models": len(self._models),
            "series": self._series.used,
            "learning_cells": self._cells.used,
            "recent_ids": len(self._recent),
        }

    def _model(self, name: str, now: float) -> ModelState:
        model = self._models.get(name)
        if model is None:
            settings = self._settings.model(name)
            baseline = settings.baseline or self._learned.get(name)
            model = ModelState(name, settings, baseline=baseline, shared=self._shared, now=now)
            self._models[name] = model
            self._notify(ModelAppeared(name, configured=name in self._settings.models))
        return model

    def _let_share(self) -> None:
        """Have all models share what has changed."""
        self._shared = self._share()
        for model in self._models.values():
            model.share(self._shared)

    def _share(self) -> Shared:
        return Shared(self._settings.limits, self._series, self._cells, self._hear, self._refuse, self._defer)

    def _hear(self, notice: Notice) -> None:
        if isinstance(notice, BaselineLearned):
            self._learned[notice.baseline.model] = notice.baseline
        self._notify(notice)

    def _refuse(self, limit: str, model: str, what: str, amount: int) -> None:
        """Count each hit of a limit; say it aloud the first time."""
        self._recorder.count("model_exporter_limit_hits_total", limit, amount=amount)
        if limit not in self._warned:
            self._warned.add(limit)
            self._notify(LimitHit(limit, model, what))

    def _count_clock_skew(self, batch: Batch, now: float) -> None:
        for direction, rows in zip(("future", "past"), skewed_rows(batch.times, now), strict=True):
            if rows:
                self._recorder.count("model_exporter_clock_skew_records_total", direction, amount=rows)
