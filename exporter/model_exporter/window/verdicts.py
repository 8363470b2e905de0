"""Whether a model has drifted: evidence against its baseline, at each level."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import FeatureBaseline, FeatureType
from model_exporter.config.settings import Drift, DriftLevel, ModelSettings
from model_exporter.stats.dictionary import Allowance, Label
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.model_evidence import ModelEvidence
from model_exporter.stats.portfolio import build_seasonal_tables
from model_exporter.stats.tables import Tables
from model_exporter.window.layout import Layout
from model_exporter.window.rolling import SLOT_SECONDS, Counts
from model_exporter.window.snapshot import LEVELS, SHAPES, DriftSnapshot

RHO: Final = 0.001
"""Correlation of predictions within a slot where nothing is known of it: two quiet slots differ by 0.03 sd."""
SMALL_BASELINE: Final = 5_000
"""Baseline rows below which the allowance for the baseline's own error is `SMALL_Z` standard errors and not `Z`."""
Z: Final = 3.0
SMALL_Z: Final = 2.0

_KINDS: Final = {
    FeatureType.NUMERIC: Kind.NUMERIC,
    FeatureType.CATEGORICAL: Kind.CATEGORICAL,
    FeatureType.BOOLEAN: Kind.BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class _Level:
    """The bets at one level, which all versions share."""

    name: str
    patience_seconds: float
    tables: tuple[Tables, ...]


class Bets:
    """What is bet against a baseline, at each level. Built once for a baseline and its settings.

    Args:
        layout: the bins.
        settings: of the model.
    """

    def __init__(self, layout: Layout, settings: ModelSettings) -> None:
        baseline = layout.public.baseline
        binned = [baseline.features[index] for index in layout.public.features]
        bins = [_bins(feature) for feature in binned]
        z = SMALL_Z if baseline.rows < SMALL_BASELINE else Z
        self.levels = tuple(
            _Level(
                name,
                level.patience_seconds,
                build_seasonal_tables([bins], Allowance(tolerance=level.tolerance, z=z), rho=RHO),
            )
            for name, level in zip(LEVELS, _levels(settings.drift), strict=True)
        )
        weights = [settings.features[f.name].weight if f.name in settings.features else 1.0 for f in binned]
        self.prior = np.array(weights, np.float64)


class Verdicts:
    """The evidence of one version of a model.

    Attributes:
        snapshot: the verdicts after the last slot, in the order of `LEVELS`; empty before the first.
        slots: how many it has taken.
    """

    def __init__(self, bets: Bets) -> None:
        self._evidence = [
            (
                level.name,
                ModelEvidence(level.tables, patience_seconds=level.patience_seconds, prior=bets.prior),
            )
            for level in bets.levels
        ]
        self.snapshot: tuple[DriftSnapshot, ...] = ()
        self.slots = 0

    def take_slot(self, start: float, counts: Counts) -> None:
        """Take the counts int64[B] of a slot that is over."""
        for _, evidence in self._evidence:
            evidence.update(counts, start=start, seconds=SLOT_SECONDS)
        self.snapshot = tuple(_frozen(level, evidence) for level, evidence in self._evidence)
        self.slots += 1


def _frozen(level: str, evidence: ModelEvidence) -> DriftSnapshot:
    verdict = evidence.verdict()
    return DriftSnapshot(
        level=level,
        detected=verdict.detected,
        log_evidence=verdict.log_evidence if np.isfinite(verdict.log_evidence) else np.nan,
        onset=verdict.onset,
        feature_detected=verdict.named,
        feature_log_evidence=_finite(verdict.feature_log_evidence),
        feature_onset=verdict.feature_onset,
        shares=verdict.shares,
    )


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """No wealth yet is no evidence: absent, not minus infinity."""
    return np.where(np.isfinite(values), values, np.nan)


def _levels(drift: Drift) -> tuple[DriftLevel, ...]:
    return drift.page, drift.ticket


def _bins(feature: FeatureBaseline) -> FeatureBins:
    return FeatureBins(_KINDS[feature.type], np.array(feature.counts, np.int64))


assert tuple(label.name.lower() for label in Label) == SHAPES  # noqa: S101  # columns of `shares`
