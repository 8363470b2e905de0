"""Why a verdict stands: effect, evidence, sample sizes and onset, for a model and the features behind its verdict.

Floats that are NaN mean that there is no value; JSON has null in their stead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import MISSING, FeatureBaseline, FeatureType
from model_exporter.config.convert import did_you_mean
from model_exporter.errors import ModelExporterError
from model_exporter.expose.feature_views import FeatureView, feature_at, view_features
from model_exporter.expose.series import learned_share
from model_exporter.expose.text import clean
from model_exporter.expose.truth_views import PerformanceView, view_performance
from model_exporter.expose.verdict_views import (
    Alarm,
    AnomalyView,
    LevelView,
    PairsView,
    alarm_of,
    strongest_first,
    view_anomaly,
    view_levels,
    view_pairs,
)
from model_exporter.expose.views import BaselineView, active_version, view_baseline
from model_exporter.stats.distances import psi_terms
from model_exporter.stats.effect import NO_MOVE, Move, move
from model_exporter.window.snapshot import BinLayout, ModelSnapshot, VersionSnapshot

TOLD: Final = 10
"""Features explained at most when none is asked for; the others that an alarm names are listed."""
_STRONGEST: Final = 3
"""Features explained of a model whose alarms name none."""
_LISTED: Final = 20


class UnknownError(ModelExporterError):
    """There is no such model, version or feature; the message lists those that there are."""


@dataclass(frozen=True, slots=True)
class BinMove:
    """How a bin's share of the rows moved, and what that adds to PSI."""

    bin: str
    name: str
    baseline: float
    window: float
    psi: float


@dataclass(frozen=True, slots=True)
class Effect:
    """How a feature differs from its baseline in the window shown.

    Attributes:
        shift: of a number's mean, in standard deviations of the baseline, as far as bins can tell.
        shift_error: its standard error, if rows are independent of each other.
        spread: a number's standard deviation over that of the baseline, from bins.
        baseline_mean: of a number, in its own unit.
        window_mean: the same in the window, from bins.
        bins: all bins, those that add most to PSI first.
    """

    shift: float
    shift_error: float
    spread: float
    baseline_mean: float
    window_mean: float
    bins: tuple[BinMove, ...]


@dataclass(frozen=True, slots=True)
class FeatureExplanation:
    """One feature; `effect` is None while no window holds rows of it."""

    feature: FeatureView
    effect: Effect | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the verdict on a version stands, as of `at` (unix seconds).

    Attributes:
        drift: the gravest alarm; None while nothing was judged.
        no_verdict: why nothing was judged; empty when something was.
        others: features that an alarm names and that are not among `features`.
        note: why the feature asked for is not compared with the baseline; empty when it is.
        performance: what outcomes tell of the version; None without a version.
    """

    model: str
    version: str | None
    at: float
    drift: Alarm | None
    no_verdict: str
    baseline: BaselineView | None
    verdicts: tuple[LevelView, ...]
    pairs: tuple[PairsView, ...]
    anomaly: AnomalyView | None
    features: tuple[FeatureExplanation, ...]
    others: tuple[str, ...]
    note: str
    performance: PerformanceView | None


def explain(model: ModelSnapshot, *, at: float, version: str | None = None, feature: str | None = None) -> Explanation:
    """Explain the verdict on `model`.

    Args:
        model: the model.
        at: the time of the snapshot, unix seconds.
        version: one of its versions; None for the active one.
        feature: an input or output; None for those that the alarms name, or the strongest if there are none.

    Raises:
        UnknownError: the model has no such version or feature.
    """
    chosen = _version(model, version)
    layout = chosen.layout if chosen else None
    if chosen is None or layout is None:
        places: list[int] = []
        named: list[int] = []
    else:
        places = strongest_first(chosen)
        named = [place for place in places if any(drift.feature_detected[place] for drift in chosen.drift)]
    told, note = named[:TOLD] or places[:_STRONGEST], ""
    if feature is not None:
        told, note = _asked(model, layout, feature)
    return Explanation(
        model=clean(model.name),
        version=clean(chosen.version) if chosen else None,
        at=at,
        drift=alarm_of(chosen) if chosen else None,
        no_verdict=_no_verdict(model, chosen),
        baseline=view_baseline(model),
        verdicts=view_levels(chosen, model.settings) if chosen else (),
        pairs=view_pairs(chosen) if chosen else (),
        anomaly=view_anomaly(chosen) if chosen else None,
        features=explain_features(chosen, told, at=at) if chosen else (),
        others=tuple(clean(feature_at(layout, place).name) for place in named if place not in told) if layout else (),
        note=note,
        performance=view_performance(model, chosen.version) if chosen else None,
    )


def explain_features(version: VersionSnapshot, places: Sequence[int], *, at: float) -> tuple[FeatureExplanation, ...]:
    """Explain the features that stand at `places` in the layout of `version`, as of `at` (unix seconds)."""
    layout = version.layout
    if layout is None:
        return ()
    views = view_features(version, places, at=at)
    return tuple(
        FeatureExplanation(view, _effect(layout, place, view)) for place, view in zip(places, views, strict=True)
    )


def unknown(kind: str, name: str, known: Sequence[str], *, of: str) -> UnknownError:
    """The error that says that `of` has no model, version or feature `name`, and what it has."""
    shown = ", ".join(known[:_LISTED]) or "none"
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return UnknownError(f"{of} has no {kind} {name!r}. {did_you_mean(name, known)}The {kind}s are {shown}{more}")


def _version(model: ModelSnapshot, name: str | None) -> VersionSnapshot | None:
    if name is None:
        return active_version(model)
    found = next((version for version in model.versions if clean(version.version) == name), None)
    if found is None:
        known = [clean(version.version) for version in model.versions]
        raise unknown("version", name, known, of=f"model {clean(model.name)}")
    return found


def _asked(model: ModelSnapshot, layout: BinLayout | None, name: str) -> tuple[list[int], str]:
    """Where the input, the output, or both of that name stand; or why neither does."""
    binned = [clean(feature_at(layout, place).name) for place in range(len(layout.features))] if layout else []
    found = [place for place, own in enumerate(binned) if own == name]
    if found:
        return found, ""
    known = list(dict.fromkeys((*binned, *(clean(feature.name) for feature in model.features))))
    if name not in known:
        raise unknown("feature", name, known, of=f"model {clean(model.name)}")
    if layout is None:
        return [], ""
    types = {clean(feature.name): feature.type for feature in layout.baseline.features}
    if types.get(name) is FeatureType.IDENTIFIER:
        return [], "nearly every value of it is new, so there is no distribution to compare"
    return [], "no room for its bins under limits.series" if name in types else "the baseline does not have it"


def _no_verdict(model: ModelSnapshot, version: VersionSnapshot | None) -> str:
    if version is None:
        return "no predictions have come in yet"
    if model.learning:
        return f"the baseline is still being learned, {learned_share(model.learning):.0%} is done"
    if version.layout is None or not version.layout.features:
        return "there is no baseline with bins to compare it with"
    if not version.drift:
        return "no slot of 15 seconds with predictions has closed yet"
    if alarm_of(version) is None:
        return "there is no evidence: the baseline has too few rows to bet against it, or an alarm has ended just now"
    return ""


def _effect(layout: BinLayout, place: int, view: FeatureView) -> Effect | None:
    window = view.window
    if window is None:
        return None
    feature = feature_at(layout, place)
    before, now = np.array(feature.counts, np.int64), np.array(window.counts, np.int64)
    moved = _move(feature, now)
    mean = feature.numeric.mean if feature.numeric else nan
    return Effect(
        shift=moved.shift,
        shift_error=moved.error,
        spread=moved.spread,
        baseline_mean=mean,
        window_mean=mean + moved.shift * feature.numeric.sd if feature.numeric else nan,
        bins=_moves(view, before, now),
    )


def _move(feature: FeatureBaseline, window: NDArray[np.int64]) -> Move:
    """How a number moved, missing values left out."""
    if feature.numeric is None:
        return NO_MOVE
    inner = feature.bins.index(MISSING)
    positions = np.array(feature.numeric.positions)
    return move(np.array(feature.counts[:inner], np.int64), window[:inner], positions, feature.numeric.sd)


def _moves(view: FeatureView, before: NDArray[np.int64], now: NDArray[np.int64]) -> tuple[BinMove, ...]:
    terms = psi_terms(before, now, np.array([0, len(before)]))
    moves = [
        BinMove(bin_.bin, bin_.name, share_before, share_now, term)
        for bin_, share_before, share_now, term in zip(
            view.bins, _shares(before), _shares(now), terms.tolist(), strict=True
        )
    ]
    return tuple(sorted(moves, key=lambda bin_: -bin_.psi))


def _shares(counts: NDArray[np.int64]) -> list[float]:
    shares: list[float] = (counts / max(int(counts.sum()), 1)).tolist()
    return shares
