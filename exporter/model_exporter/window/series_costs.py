"""How many series what a model shows takes, reserved before any of them exists, under a bound that all models share."""

from collections.abc import Iterable
from itertools import accumulate, takewhile
from typing import Final

from model_exporter.baseline.model import Baseline
from model_exporter.batch import TOKENS
from model_exporter.config.settings import ModelSettings
from model_exporter.window.business_signals import MAX_INDICATORS
from model_exporter.window.calls import MAX_FINISH_REASONS
from model_exporter.window.layout import Layout, binned_features
from model_exporter.window.pair_drift import MAX_NAMED
from model_exporter.window.snapshot import (
    LATENCY_BUCKETS,
    LEVELS,
    QUALITY,
    SHAPES,
    SIGNALS,
    VIOLATIONS,
    WINDOWS,
    FeatureName,
)

CALLS: Final = len(TOKENS) + 1 + (len(LATENCY_BUCKETS) + 3) + MAX_FINISH_REASONS + 1
"""What calls of a language model take in one version: tokens, times to the first one, reasons to finish."""

FEATURE: Final = len(QUALITY)
"""What one feature takes in one version, with a baseline or without."""

_VERSION: Final = 8 + (len(LATENCY_BUCKETS) + 3) + len(VIOLATIONS) + len(WINDOWS) + 3 * len(LEVELS) + (1 + len(SIGNALS))
"""What one version is and does, its latencies, violations, windows, verdicts and anomalies; error types come on top."""
_BINNED: Final = 9 * len(WINDOWS) + (3 + len(SHAPES)) * len(LEVELS)
"""Four distances, three figures on how large PSI may be, the score and the size, per window; verdicts per level."""
_PAIRS: Final = (2 + MAX_NAMED) * len(LEVELS)
"""What the alarms on pairs take, and the pairs that they name."""


def of_version(*, error_types: int, settings: ModelSettings, features: int, layout: Layout | None) -> int:
    """One version with so many error types (and one for the rest) and features, of a model with `settings`.

    Each latency objective counts what is slower, and the first business indicators may contribute to an anomaly.
    """
    configured = len(settings.latency_objectives) + min(len(settings.business), MAX_INDICATORS)
    return _VERSION + configured + error_types + 1 + FEATURE * features + _of_bins(layout)


def of_thresholds(settings: ModelSettings, features: Iterable[FeatureName]) -> int:
    """The thresholds of a model and of those of its `features` that have their own."""
    return len(settings.thresholds) + sum(len(settings.feature_thresholds.get(name, ())) for name, _ in features)


def of_layout(layout: Layout | None, versions: int) -> int:
    """The bins of a baseline, its own and those of so many versions; 0 without one."""
    return 2 * layout.width + versions * _of_bins(layout) if layout else 0


def fitting(baseline: Baseline, *, versions: int, left: int, pairs: bool) -> tuple[tuple[int, ...], int]:
    """Which features get bins when so many series are `left`: the first ones that fit.

    Args:
        baseline: what has bins.
        versions: of the model.
        left: series.
        pairs: whether pairs of features are watched.

    Returns:
        Their indices in the baseline, and how many others go without.
    """
    wanted = binned_features(baseline)
    room = left - (versions * _PAIRS if baseline.pairs and pairs else 0)
    each = ((2 + versions) * len(baseline.features[index].bins) + versions * _BINNED for index in wanted)
    fits = wanted[: sum(1 for _ in takewhile(lambda total: total <= room, accumulate(each)))]
    return fits, len(wanted) - len(fits)


def _of_bins(layout: Layout | None) -> int:
    if not layout:
        return 0
    return layout.width + _BINNED * len(layout.place) + (_PAIRS if layout.pairs else 0)
