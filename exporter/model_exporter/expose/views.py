"""A snapshot as people read it: what page and API show, once for both.

Floats that are NaN mean that there is no value; JSON has null in their stead.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from model_exporter.expose import catalogue
from model_exporter.expose.feature_views import feature_at
from model_exporter.expose.series import learned_share
from model_exporter.expose.status import ServiceStatus
from model_exporter.expose.text import clean
from model_exporter.expose.verdict_views import (
    Alarm,
    AnomalyView,
    LevelView,
    NamedFeature,
    PairsView,
    alarm_of,
    strongest_evidence,
    strongest_first,
    view_anomaly,
    view_levels,
    view_pairs,
)
from model_exporter.telemetry import TelemetrySnapshot
from model_exporter.window.snapshot import ModelSnapshot, Snapshot, VersionSnapshot

WORST: Final = 5
"""Features shown of a model."""


class State(Enum):
    """Where a model stands."""

    WAITING = "waiting"  # configured, and nothing was heard of it
    SILENT = "silent"  # no predictions for five minutes
    LEARNING = "learning"  # its baseline
    READY = "ready"


@dataclass(frozen=True, slots=True)
class LearningView:
    """How far the learning of a baseline has come; `share` is 0 to 1."""

    rows: int
    rows_needed: int
    seconds: float
    seconds_needed: float
    share: float


@dataclass(frozen=True, slots=True)
class BaselineView:
    """What a model is compared with."""

    digest: str
    source: str
    rows: int
    created: float
    stable: bool


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model at a glance.

    `active_version` is None before the first prediction, `last_prediction` too (unix seconds). `predictions` are
    those of all versions since the exporter started, `windows` those of all versions in each window. `drift` is the
    gravest alarm of the active version, None while nothing was judged; `verdicts` are those behind it, and
    `worst_features` the version's features with the strongest evidence. `other_alarms` are those of other versions.
    """

    name: str
    state: State
    drift: Alarm | None
    kind: str | None
    owner: str
    versions: tuple[str, ...]
    active_version: str | None
    predictions: int
    last_prediction: float | None
    windows: dict[str, int]
    learning: LearningView | None
    baseline: BaselineView | None
    verdicts: tuple[LevelView, ...]
    pairs: tuple[PairsView, ...]
    anomaly: AnomalyView | None
    worst_features: tuple[NamedFeature, ...]
    other_alarms: dict[str, Alarm]


@dataclass(frozen=True, slots=True)
class StatusView:
    """The service at a glance; times in unix seconds. What the snapshot tells is None before the first one."""

    version: str
    started_at: float
    config_file: str
    ready: bool
    not_ready_because: str
    doors: dict[str, str]
    snapshot_at: float | None
    models: int | None
    series: int | None
    series_limit: int | None
    warnings: tuple[str, ...]


def view_status(status: ServiceStatus, telemetry: TelemetrySnapshot, snapshot: Snapshot | None) -> StatusView:
    """The service, with what an operator should look at."""
    reason = why_not_ready(status, snapshot)
    return StatusView(
        version=status.version,
        started_at=status.started_at,
        config_file=clean(status.config_file),
        ready=not reason,
        not_ready_because=reason,
        doors={clean(name): clean(address) for name, address in status.doors},
        snapshot_at=snapshot.at if snapshot else None,
        models=len(snapshot.models) if snapshot else None,
        series=snapshot.series if snapshot else None,
        series_limit=snapshot.series_limit if snapshot else None,
        warnings=_warnings(telemetry),
    )


def why_not_ready(status: ServiceStatus, snapshot: Snapshot | None) -> str:
    """Why a probe should be told to wait; empty when everything is ready."""
    if not status.ready:
        return clean(status.reason) or "not every door is open"
    return "" if snapshot else "no snapshot has been taken yet"


def view_model(model: ModelSnapshot) -> ModelView:
    """One model."""
    active = active_version(model)
    seen = [version.last_prediction for version in model.versions if version.last_prediction is not None]
    windows: dict[str, int] = {}
    for version in model.versions:
        for window in version.windows:
            windows[window.name] = windows.get(window.name, 0) + window.predictions
    return ModelView(
        name=clean(model.name),
        state=_state(model, windows),
        drift=alarm_of(active) if active else None,
        kind=model.settings.kind.value if model.settings.kind else None,
        owner=clean(model.settings.owner),
        versions=tuple(clean(version.version) for version in model.versions),
        active_version=clean(active.version) if active else None,
        predictions=sum(version.predictions for version in model.versions),
        last_prediction=max(seen, default=None),
        windows=windows,
        learning=_learning(model),
        baseline=view_baseline(model),
        verdicts=view_levels(active, model.settings) if active else (),
        pairs=view_pairs(active) if active else (),
        anomaly=view_anomaly(active) if active else None,
        worst_features=_worst(active) if active else (),
        other_alarms={
            clean(version.version): alarm
            for version in model.versions
            if version is not active and (alarm := alarm_of(version)) not in (None, Alarm.OK)
        },
    )


def active_version(model: ModelSnapshot) -> VersionSnapshot | None:
    """The version that took over last; while none has, the newest. None before the first."""
    return max(model.versions, key=lambda version: (version.active, version.first_seen), default=None)


def _state(model: ModelSnapshot, windows: dict[str, int]) -> State:
    if not model.versions:
        return State.WAITING
    if not windows.get("5m"):
        return State.SILENT
    return State.LEARNING if model.learning else State.READY


def _learning(model: ModelSnapshot) -> LearningView | None:
    now = model.learning
    if now is None:
        return None
    return LearningView(now.rows, now.rows_needed, now.seconds, now.seconds_needed, learned_share(now))


def view_baseline(model: ModelSnapshot) -> BaselineView | None:
    """What the model is compared with; None while it learns."""
    of = model.baseline
    return BaselineView(of.digest, clean(of.source), of.rows, of.created, of.stable) if of else None


def _worst(version: VersionSnapshot) -> tuple[NamedFeature, ...]:
    layout = version.layout
    if layout is None:
        return ()
    evidence = strongest_evidence(version)
    worst = [(feature_at(layout, place), float(evidence[place])) for place in strongest_first(version)[:WORST]]
    return tuple(NamedFeature(clean(feature.name), feature.role.value, held) for feature, held in worst)


def _warnings(telemetry: TelemetrySnapshot) -> tuple[str, ...]:
    """What went wrong since the start, one sentence each."""
    warnings: list[str] = []
    if telemetry.gauges.get((catalogue.RELOAD_SUCCESSFUL.name, ()), 1) == 0:
        warnings.append("The last reload of the configuration failed; the one before is still in force.")
    for metric, sentence in (
        (catalogue.LIMIT_HITS, "The limit {label} turned away {count} rows or values."),
        (catalogue.DROPPED_RECORDS, "{count} accepted records were not counted: {label}."),
        (catalogue.REJECTED_RECORDS, "{count} records were refused: {label}."),
        (catalogue.OUTCOMES_EVICTED, "{count} outcomes were given up before the join: {label}."),
        (catalogue.STORAGE_FAILURES, "{label} could not be kept {count} times."),
    ):
        hits = [(labels[0], count) for (name, labels), count in telemetry.counters.items() if name == metric.name]
        warnings += [sentence.format(label=label, count=f"{count:,.0f}") for label, count in sorted(hits) if count]
    return tuple(warnings)
