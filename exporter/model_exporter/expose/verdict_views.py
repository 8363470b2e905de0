"""Verdicts as people read them: where the evidence leaves a model and its features.

Floats that are NaN mean that there is no value; JSON has null in their stead.
"""

from dataclasses import dataclass
from enum import Enum
from math import exp, isnan

import numpy as np
from numpy.typing import NDArray

from model_exporter.config.settings import ModelSettings
from model_exporter.expose.anomaly_series import NAMED_FROM
from model_exporter.expose.text import clean
from model_exporter.expose.verdict_series import level_rules
from model_exporter.expose.words import moment
from model_exporter.window.snapshot import LEVELS, SHAPES, DriftSnapshot, VersionSnapshot


class Alarm(Enum):
    """The gravest alarm that is on."""

    PAGE = "page"
    TICKET = "ticket"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class NamedFeature:
    """A feature with its log evidence."""

    feature: str
    role: str
    evidence: float


@dataclass(frozen=True, slots=True)
class LevelView:
    """The verdict on a version at one level.

    Attributes:
        level: one of `LEVELS`.
        detected: whether the alarm is on.
        evidence: log evidence; an alarm begins at 0.
        onset: when the change began, by estimate, ISO 8601; None unless the alarm is on.
        onset_unix: the same in unix seconds.
        patience_seconds: least mean time between false alarms at this level.
        least_mean_seconds: least mean time that evidence this high takes to come about by chance alone.
        tolerance: chi-squared divergence from the baseline that does not matter.
        named: the features that the alarm names, strongest first.
    """

    level: str
    detected: bool
    evidence: float
    onset: str | None
    onset_unix: float
    patience_seconds: float
    least_mean_seconds: float
    tolerance: float
    named: tuple[NamedFeature, ...]


@dataclass(frozen=True, slots=True)
class FeatureVerdict:
    """What a level's evidence says of one feature.

    Attributes:
        level: one of `LEVELS`.
        detected: whether the alarm names the feature.
        evidence: log evidence; at 0 the feature alone gives the model's alarm.
        onset: when its change began, by estimate, ISO 8601; None unless detected.
        onset_unix: the same in unix seconds.
        shapes: of a detected feature, which share of its evidence each kind of change has earned, largest first.
    """

    level: str
    detected: bool
    evidence: float
    onset: str | None
    onset_unix: float
    shapes: dict[str, float]


@dataclass(frozen=True, slots=True)
class PairView:
    """Two features whose dependence has changed, with the log evidence of it."""

    feature: str
    role: str
    other: str
    other_role: str
    evidence: float


@dataclass(frozen=True, slots=True)
class PairsView:
    """The verdict on the dependence between numeric features at one level, which is an alarm of its own.

    `pairs` are those that the alarm names, strongest first.
    """

    level: str
    detected: bool
    evidence: float
    pairs: tuple[PairView, ...]


@dataclass(frozen=True, slots=True)
class AnomalyView:
    """How unusual the operational signals of the last slot with predictions are together.

    `evidence` is the log of T2 over its limit; `contributions` are the signals' parts in it, largest first, below 0 for
    a signal that is lower than usual, and empty while there is nothing to explain.
    """

    evidence: float
    contributions: dict[str, float]


def alarm_of(version: VersionSnapshot) -> Alarm | None:
    """The gravest alarm of `version`; None when nothing has been judged yet."""
    on = {drift.level for drift in version.drift if drift.detected}
    on |= {pairs.level for pairs in version.pair_drift if pairs.detected}
    if on:
        return next(Alarm(level) for level in LEVELS if level in on)
    return Alarm.OK if any(np.isfinite(drift.log_evidence) for drift in version.drift) else None


def view_levels(version: VersionSnapshot, settings: ModelSettings) -> tuple[LevelView, ...]:
    """The verdicts on `version`, gravest level first; empty while there are none."""
    rules = level_rules(settings.drift)
    return tuple(
        LevelView(
            level=drift.level,
            detected=drift.detected,
            evidence=drift.log_evidence,
            onset=moment(drift.onset),
            onset_unix=drift.onset,
            patience_seconds=rules[drift.level].patience_seconds,
            # R - t/T is a supermartingale, so the first time at which R >= e^x has a mean of at least T e^x.
            least_mean_seconds=rules[drift.level].patience_seconds * exp(drift.log_evidence),
            tolerance=rules[drift.level].tolerance,
            named=_named(version, drift),
        )
        for drift in version.drift
    )


def feature_verdicts(version: VersionSnapshot, place: int) -> tuple[FeatureVerdict, ...]:
    """The verdicts on the feature that stands at `place` in the layout of `version`."""
    return tuple(
        FeatureVerdict(
            level=drift.level,
            detected=bool(drift.feature_detected[place]),
            evidence=float(drift.feature_log_evidence[place]),
            onset=moment(float(drift.feature_onset[place])),
            onset_unix=float(drift.feature_onset[place]),
            shapes=_shapes(drift, place),
        )
        for drift in version.drift
    )


def view_pairs(version: VersionSnapshot) -> tuple[PairsView, ...]:
    """The verdicts on the dependence between features; empty where it is not watched, or not judged yet."""
    return tuple(
        PairsView(
            level=drift.level,
            detected=drift.detected,
            evidence=drift.log_evidence,
            pairs=tuple(
                PairView(
                    clean(pair.feature.name),
                    pair.feature.role.value,
                    clean(pair.other.name),
                    pair.other.role.value,
                    pair.log_evidence,
                )
                for pair in drift.pairs
            ),
        )
        for drift in version.pair_drift
    )


def view_anomaly(version: VersionSnapshot) -> AnomalyView | None:
    """What is unusual about the operational signals of `version`; None while there is no history to tell."""
    anomaly = version.anomaly
    if anomaly is None:
        return None
    parts: dict[str, float] = {}
    if anomaly.evidence >= NAMED_FROM:
        told = zip(anomaly.signals, anomaly.contributions.tolist(), strict=True)
        parts = {signal: part for signal, part in sorted(told, key=lambda one: -abs(one[1])) if not isnan(part)}
    return AnomalyView(anomaly.evidence, parts)


def strongest_evidence(version: VersionSnapshot) -> NDArray[np.float64]:
    """Log evidence of each feature at the level where it is strongest, float64[F]; -inf where there is none."""
    evidence = np.array([drift.feature_log_evidence for drift in version.drift])
    strongest: NDArray[np.float64] = np.where(np.isfinite(evidence), evidence, -np.inf).max(axis=0, initial=-np.inf)
    return strongest


def strongest_first(version: VersionSnapshot) -> list[int]:
    """Places of the features with evidence: those that the graver alarm names first, then by their evidence."""
    if not version.drift:
        return []
    strongest = strongest_evidence(version)
    named = [drift.feature_detected for drift in version.drift]
    # Evidence is cut at the same height for all, so that alone does not tell the gravest from the others.
    order = np.lexsort((-strongest, *(~of for of in reversed(named))))
    return [place for place in order.tolist() if np.isfinite(strongest[place])]


def _named(version: VersionSnapshot, drift: DriftSnapshot) -> tuple[NamedFeature, ...]:
    layout = version.layout
    places = np.flatnonzero(drift.feature_detected).tolist() if layout else []
    evidence = drift.feature_log_evidence
    features = [(layout.baseline.features[layout.features[place]], place) for place in places] if layout else []
    named = [
        NamedFeature(clean(feature.name), feature.role.value, float(evidence[place])) for feature, place in features
    ]
    return tuple(sorted(named, key=lambda one: -one.evidence))


def _shapes(drift: DriftSnapshot, place: int) -> dict[str, float]:
    if not drift.feature_detected[place]:
        return {}
    shares = dict(zip(SHAPES, drift.shares[place].tolist(), strict=True))
    return dict(sorted(shares.items(), key=lambda shape: -shape[1]))
