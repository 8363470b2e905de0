"""Features as people read them: baseline and windows, bin by bin, with distances and verdicts.

Floats that are NaN mean that there is no value; JSON has null in their stead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Final

import numpy as np

from model_exporter.baseline.model import FeatureBaseline
from model_exporter.expose.text import clean
from model_exporter.expose.verdict_views import FeatureVerdict, feature_verdicts
from model_exporter.expose.words import bin_names
from model_exporter.stats.gauges import is_confident
from model_exporter.window.snapshot import WINDOWS, BinLayout, VersionSnapshot, WindowSnapshot

_PREFERRED: Final = ("1h", "1d", "5m")
"""Windows to show a quiet feature by: the first one that has enough rows for a distance."""


@dataclass(frozen=True, slots=True)
class BinView:
    """A bin, with the baseline's rows in it.

    `name` says what it holds. Numbers in it are `above` the one bound and not over `up_to`, None where there is no
    bound, and their baseline rows have this `mean`; for values beyond the baseline's range it is the end of the range.
    """

    bin: str
    name: str
    above: float | None
    up_to: float | None
    mean: float | None
    baseline: int


@dataclass(frozen=True, slots=True)
class FeatureWindow:
    """One window of a feature: rows, distances from the baseline, and rows by bin.

    Attributes:
        window: its name.
        observations: rows.
        psi: population stability index.
        psi_null: its mean without drift, for so many rows in the window and in the baseline.
        psi_debiased: what is left without it; may be below 0.
        psi_threshold: what one window of a hundred exceeds while the divergence is within the tolerance of tickets.
        confident: whether the rows suffice to judge by PSI at all.
        js_distance: Jensen-Shannon distance.
        ks_distance: Kolmogorov-Smirnov distance.
        wasserstein_ratio: Wasserstein distance, in standard deviations of the baseline.
        counts: rows in each of the feature's bins.
    """

    window: str
    observations: int
    psi: float
    psi_null: float
    psi_debiased: float
    psi_threshold: float
    confident: bool
    js_distance: float
    ks_distance: float
    wasserstein_ratio: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FeatureView:
    """One feature of a version.

    `season` says by what hours the feature's evidence is judged, None for the same baseline at all hours: bins and
    distances are those of all hours together.
    `shown` is the window to look at: the longest that began after a detected change did. None when all are empty.
    """

    feature: str
    role: str
    type: str
    baseline_observations: int
    season: str | None
    verdicts: tuple[FeatureVerdict, ...]
    shown: str | None
    bins: tuple[BinView, ...]
    windows: tuple[FeatureWindow, ...]

    @property
    def window(self) -> FeatureWindow | None:
        """The window to look at."""
        return next((window for window in self.windows if window.window == self.shown), None)

    @property
    def detected(self) -> bool:
        """Whether any alarm names it."""
        return any(verdict.detected for verdict in self.verdicts)


def view_features(version: VersionSnapshot, places: Sequence[int], *, at: float) -> tuple[FeatureView, ...]:
    """The features that stand at `places` in the layout of `version`, as of `at` (unix seconds)."""
    layout = version.layout
    return tuple(_feature(version, layout, place, at) for place in places) if layout else ()


def feature_at(layout: BinLayout, place: int) -> FeatureBaseline:
    """The feature that stands at `place` in `layout`."""
    return layout.baseline.features[layout.features[place]]


def _feature(version: VersionSnapshot, layout: BinLayout, place: int, at: float) -> FeatureView:
    feature = feature_at(layout, place)
    verdicts = feature_verdicts(version, place)
    onsets = [verdict.onset_unix for verdict in verdicts if verdict.detected]
    windows = tuple(_window(layout, window, place) for window in version.windows)
    return FeatureView(
        feature=clean(feature.name),
        role=feature.role.value,
        type=feature.type.value,
        baseline_observations=feature.rows,
        season=feature.seasons.value if feature.seasons else None,
        verdicts=verdicts,
        shown=_choose(windows, since=at - max(onsets) if onsets else nan),
        bins=_bins(feature),
        windows=windows,
    )


def _choose(windows: Sequence[FeatureWindow], *, since: float) -> str | None:
    """The window to show a change by that began `since` seconds ago, NaN for none.

    A window that reaches back before the change is diluted by what came before it; one without enough rows for a
    distance is shown only where there is no other.
    """
    by_length = sorted(windows, key=lambda window: -WINDOWS[window.window])
    if isnan(since):
        order = sorted(windows, key=lambda window: _PREFERRED.index(window.window))
    else:
        after = [window for window in by_length if WINDOWS[window.window] <= since]
        order = [*after, *(window for window in reversed(by_length) if window not in after)]
    measured = [window.window for window in order if not isnan(window.psi)]
    filled = [window.window for window in order if window.observations]
    return next(iter((*measured, *filled)), None)


def _window(layout: BinLayout, window: WindowSnapshot, place: int) -> FeatureWindow:
    own = slice(int(layout.starts[place]), int(layout.starts[place + 1]))
    ends = np.array([0, own.stop - own.start])
    return FeatureWindow(
        window=window.name,
        observations=int(window.observations[place]),
        psi=float(window.psi[place]),
        psi_null=float(window.psi_null[place]),
        psi_debiased=float(window.psi_debiased[place]),
        psi_threshold=float(window.psi_threshold[place]),
        confident=bool(is_confident(layout.baseline_counts[own], window.bins[own], ends)[0]),
        js_distance=float(window.js_distance[place]),
        ks_distance=float(window.ks_distance[place]),
        wasserstein_ratio=float(window.wasserstein_ratio[place]),
        counts=tuple(window.bins[own].tolist()),
    )


def _bins(feature: FeatureBaseline) -> tuple[BinView, ...]:
    unknown: tuple[float | None, ...] = (None,) * len(feature.bins)
    lows = highs = means = unknown
    if feature.numeric:
        lows = (None, *feature.edges, None)
        highs = (*feature.edges, None, None)
        means = (*feature.numeric.positions, None)
    return tuple(
        BinView(clean(bin_), name, *bounds)
        for bin_, name, *bounds in zip(
            feature.bins, bin_names(feature), lows, highs, means, feature.counts, strict=True
        )
    )
