"""A baseline compiled for counting and measuring: flat arrays over the bins of all features."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import Baseline, FeatureBaseline, FeatureType
from model_exporter.config.settings import FeatureSettings
from model_exporter.stats.distances import js_distance, ks_distance, observations, psi, wasserstein_ratio
from model_exporter.stats.features import FeatureBins, flatten
from model_exporter.stats.gauges import ShiftScore, psi_null, psi_threshold
from model_exporter.window.assess import Assessor
from model_exporter.window.pair_drift import PairLayout
from model_exporter.window.snapshot import BinLayout, FeatureName
from model_exporter.window.verdicts import KINDS

MIN_OBSERVATIONS: Final = 100
"""Rows that both the window and the baseline need before a distance between them is shown."""

_DEFAULT: Final = FeatureSettings()


@dataclass(frozen=True, slots=True)
class Distances:
    """Distances of a window from the baseline, float64[F], NaN where there is none to show.

    `psi_null` is the mean of PSI without drift, and `psi_threshold` what PSI seldom exceeds within the tolerance.
    `shift_score` is over 1 in at most one window of a hundred by chance alone, see `ShiftScore`.
    """

    observations: NDArray[np.int64]
    psi: NDArray[np.float64]
    psi_null: NDArray[np.float64]
    psi_threshold: NDArray[np.float64]
    shift_score: NDArray[np.float64]
    js_distance: NDArray[np.float64]
    ks_distance: NDArray[np.float64]
    wasserstein_ratio: NDArray[np.float64]


class Layout:
    """The bins of a baseline's features, one after another.

    Args:
        baseline: where the bins come from.
        settings: configuration by feature name.
        features: indices into `baseline.features` of those that get bins, in order.
        tolerance: divergence from the baseline that does not matter; at least its wave for each feature, because
            distances are from all rows of the baseline, whatever the hour.
        pairs: whether the baseline's pairs of features are watched.
    """

    def __init__(
        self,
        baseline: Baseline,
        settings: Mapping[str, FeatureSettings],
        features: tuple[int, ...],
        *,
        tolerance: float,
        pairs: bool = True,
    ) -> None:
        binned = [baseline.features[index] for index in features]
        starts = np.array([0, *accumulate(len(feature.bins) for feature in binned)], np.int64)
        counts = np.array([count for feature in binned for count in feature.counts], np.int64)
        self.public = BinLayout(baseline, features, starts, counts)
        self.place: dict[FeatureName, slice] = {
            FeatureName(feature.name, feature.role): slice(start, start + len(feature.bins))
            for feature, start in zip(binned, starts.tolist(), strict=False)
        }
        self.pairs = PairLayout.of(baseline, features) if pairs else None
        levels = self.pairs.levels if self.pairs else {}
        self.assessors: dict[FeatureName, Assessor] = {
            (name := FeatureName(feature.name, feature.role)): Assessor(
                feature if index in set(features) else _unbinned(feature),
                settings.get(feature.name, _DEFAULT),
                levels=levels.get(name),
            )
            for index, feature in enumerate(baseline.features)
        }
        self._ordinal = np.array([flag for feature in binned for flag in _ordinal(feature)], np.bool_)
        self._positions = np.array([x for feature in binned for x in _positions(feature)], np.float64)
        self._tolerance = np.array([max(tolerance, feature.wave or 0.0) for feature in binned], np.float64)
        self._shift = ShiftScore(
            flatten([FeatureBins(KINDS[f.type], np.array(f.counts, np.int64), phi=f.phi or 1.0) for f in binned])
        )
        self._sd = np.array([f.numeric.sd if f.numeric else np.nan for f in binned], np.float64)

    @property
    def width(self) -> int:
        """Bins of all features together."""
        return int(self.public.starts[-1])

    def measure(self, bins: NDArray[np.int64]) -> Distances:
        """Distances of the window with counts int64[B] `bins` from the baseline."""
        baseline, starts = self.public.baseline_counts, self.public.starts
        rows = observations(bins, starts)
        enough = (rows >= MIN_OBSERVATIONS) & (observations(baseline, starts) >= MIN_OBSERVATIONS)
        # The ordered distances leave missing values out, so they need enough rows without them.
        on_scale = observations(np.where(self._ordinal, bins, 0), starts) >= MIN_OBSERVATIONS
        ks = ks_distance(baseline, bins, starts, self._ordinal)
        ratio = wasserstein_ratio(baseline, bins, starts, self._ordinal, self._positions, self._sd)
        threshold = psi_threshold(baseline, bins, starts, tolerance=self._tolerance)
        return Distances(
            observations=rows,
            psi=_where(enough, psi(baseline, bins, starts)),
            psi_null=_where(enough, psi_null(baseline, bins, starts)),
            psi_threshold=_where(enough, threshold),
            shift_score=_where(enough, self._shift.score(bins)),
            js_distance=_where(enough, js_distance(baseline, bins, starts)),
            ks_distance=_where(enough & on_scale, ks),
            wasserstein_ratio=_where(enough & on_scale, ratio),
        )


def binned_features(baseline: Baseline) -> tuple[int, ...]:
    """Indices of the features of `baseline` that have bins."""
    return tuple(index for index, feature in enumerate(baseline.features) if feature.bins)


def _unbinned(feature: FeatureBaseline) -> FeatureBaseline | None:
    """Identifiers keep their baseline, which asks for their presence; a feature left out for want of room has none."""
    return feature if feature.type is FeatureType.IDENTIFIER else None


def _ordinal(feature: FeatureBaseline) -> list[bool]:
    if feature.numeric is None:
        return [False] * len(feature.bins)
    return [True] * (len(feature.bins) - 1) + [False]


def _positions(feature: FeatureBaseline) -> list[float]:
    if feature.numeric is None:
        return [0.0] * len(feature.bins)
    return [*feature.numeric.positions, 0.0]


def _where(shown: NDArray[np.bool_], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(shown, distance, np.nan)
