"""The series of one model version: what stays of its lines is kept, the numbers come from each snapshot."""

from collections.abc import Callable, Sequence
from operator import attrgetter, is_
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.config.settings import ModelSettings
from model_exporter.expose import catalogue
from model_exporter.expose.anomaly_series import AnomalyText
from model_exporter.expose.blocks import Block, HistogramBlock
from model_exporter.expose.call_series import CallsText
from model_exporter.expose.metric import Labels, Metric
from model_exporter.expose.pair_series import write_pair_drift
from model_exporter.expose.text import Kept, Lines
from model_exporter.expose.verdict_series import VerdictText
from model_exporter.window.snapshot import (
    INVALID_REASONS,
    LEVELS,
    QUALITY,
    VIOLATIONS,
    WINDOWS,
    BinLayout,
    FeatureName,
    ModelSnapshot,
    VersionSnapshot,
    WindowSnapshot,
)

UNKNOWN_KIND: Final = "unknown"
"""Label `kind` of a model whose kind the configuration does not give."""
_VALUES, _MISSING, _OUTLIERS = (QUALITY.index(column) for column in ("values", "missing", "outliers"))
_INVALID: Final = [QUALITY.index(reason) for reason in INVALID_REASONS]
_DISTANCES: Final[tuple[tuple[Metric, Callable[[WindowSnapshot], NDArray[np.float64]]], ...]] = (
    (catalogue.PSI, attrgetter("psi")),
    (catalogue.PSI_NULL, attrgetter("psi_null")),
    (catalogue.PSI_DEBIASED, attrgetter("psi_debiased")),
    (catalogue.PSI_THRESHOLD, attrgetter("psi_threshold")),
    (catalogue.SHIFT_SCORE, attrgetter("shift_score")),
    (catalogue.JS_DISTANCE, attrgetter("js_distance")),
    (catalogue.KS_DISTANCE, attrgetter("ks_distance")),
    (catalogue.WASSERSTEIN, attrgetter("wasserstein_ratio")),
)


class VersionText:
    """Lines of one version, good for as long as its features and its bins stay the same."""

    def __init__(self, model: ModelSnapshot, version: VersionSnapshot) -> None:
        self._features = model.features
        self._layout = version.layout
        self._names = (model.name, version.version)
        self._duration = HistogramBlock(catalogue.DURATION, self._names)
        self._counts = _CountsText(self._names, model.features, version.layout)
        self._windows = _WindowsText(self._names, version.layout)
        self._verdicts = {level: VerdictText(self._names, _binned(version.layout), level) for level in LEVELS}
        self._anomaly = AnomalyText(self._names)
        self._calls = CallsText(self._names)
        self._kept = Kept(_are_same)

    def fits(self, model: ModelSnapshot, version: VersionSnapshot) -> bool:
        """Whether the lines of `version` still look the same."""
        return self._layout is version.layout and self._features == model.features

    def write(self, lines: Lines, model: ModelSnapshot, version: VersionSnapshot) -> None:
        """Add the series of `version`. Those of the very version that was written last are what they were."""
        self._kept.write(lines, (version, model.settings), lambda fresh: self._write(fresh, model.settings, version))

    def _write(self, lines: Lines, settings: ModelSettings, version: VersionSnapshot) -> None:
        self._write_traffic(lines, settings, version)
        self._counts.write(lines, version)
        self._windows.write(lines, version.windows)
        for drift in version.drift:
            self._verdicts[drift.level].write(lines, drift)
        for pair_drift in version.pair_drift:
            write_pair_drift(lines, self._names, pair_drift)
        if version.anomaly:
            self._anomaly.write(lines, version.anomaly)

    def _write_traffic(self, lines: Lines, settings: ModelSettings, version: VersionSnapshot) -> None:
        kind = settings.kind.value if settings.kind else UNKNOWN_KIND
        lines.sample(catalogue.MODEL_INFO, (*self._names, kind), 1)
        if settings.approved_versions:
            lines.sample(catalogue.VERSION_APPROVED, self._names, version.version in settings.approved_versions)
        lines.sample(catalogue.VERSION_FIRST_SEEN, self._names, version.first_seen)
        if version.last_prediction is not None:
            lines.sample(catalogue.LAST_PREDICTION, self._names, version.last_prediction)
        for error_type, count in version.errors:
            lines.sample(catalogue.ERRORS, (*self._names, error_type), count)
        if version.duration:
            self._duration.write(lines, version.duration)
        for objective, count in version.slow:
            lines.sample(catalogue.SLOW, (*self._names, objective), count)
        if version.calls:
            self._calls.write(lines, version.calls)


class _CountsText:
    """Lines of what is counted of every version since the start: predictions, quality and bins."""

    def __init__(self, names: Labels, features: tuple[FeatureName, ...], layout: BinLayout | None) -> None:
        labels = [(*names, feature.name, feature.role.value) for feature in features]
        self._numeric = numeric_rows(features, layout)
        self._block = Block(
            (catalogue.VERSION_ACTIVE, [names]),
            (catalogue.PREDICTIONS, [names]),
            (catalogue.DUPLICATES, [names]),
            (catalogue.VIOLATING, [names]),
            (catalogue.VIOLATIONS, [(*names, reason) for reason in VIOLATIONS]),
            (catalogue.VALUES, labels),
            (catalogue.MISSING, labels),
            (catalogue.INVALID, [(*row, reason) for row in labels for reason in INVALID_REASONS]),
            (catalogue.OUTLIERS, [labels[row] for row in self._numeric]),
            (catalogue.BIN_OBSERVATIONS, _bin_labels(names, layout)),
        )

    def write(self, lines: Lines, version: VersionSnapshot) -> None:
        quality = version.quality
        counts = (
            np.array([version.active, version.predictions, version.duplicates, version.violating], np.int64),
            version.violations,
            quality[:, _VALUES],
            quality[:, _MISSING],
            quality[:, _INVALID].ravel(),
            quality[self._numeric, _OUTLIERS],
            version.bins,
        )
        self._block.write(lines, np.concatenate(counts))


class _WindowsText:
    """Lines of all windows."""

    def __init__(self, names: Labels, layout: BinLayout | None) -> None:
        labels = [(*names, *feature, window) for window in WINDOWS for feature in _binned(layout)]
        self._counts = Block(
            (catalogue.WINDOW_PREDICTIONS, [(*names, window) for window in WINDOWS]),
            (catalogue.WINDOW_OBSERVATIONS, labels),
        )
        self._distances = Block(*((metric, labels) for metric, _ in _DISTANCES))

    def write(self, lines: Lines, windows: Sequence[WindowSnapshot]) -> None:
        predictions = [window.predictions for window in windows]
        self._counts.write(lines, np.concatenate((predictions, *(window.observations for window in windows))))
        self._distances.write(lines, np.concatenate([read(window) for _, read in _DISTANCES for window in windows]))


def _are_same(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    return all(map(is_, some, others))


def _binned(layout: BinLayout | None) -> list[Labels]:
    """Name and role of each feature with bins, in the order of the flat arrays."""
    if layout is None:
        return []
    features = [layout.baseline.features[index] for index in layout.features]
    return [(feature.name, feature.role.value) for feature in features]


def _bin_labels(names: Labels, layout: BinLayout | None) -> list[Labels]:
    if layout is None:
        return []
    baseline = layout.baseline
    features = [baseline.features[index] for index in layout.features]
    return [(*names, f.name, f.role.value, baseline.digest, bin_) for f in features for bin_ in f.bins]


def numeric_rows(features: tuple[FeatureName, ...], layout: BinLayout | None) -> list[int]:
    """Rows of the quality matrix that can have outliers: numbers with a baseline, whose fences say what one is."""
    if layout is None:
        return []
    binned = [layout.baseline.features[index] for index in layout.features]
    numeric = {(feature.name, feature.role) for feature in binned if feature.numeric}
    return [row for row, feature in enumerate(features) if (feature.name, feature.role) in numeric]
