"""The series of one model version: what stays of its lines is kept, the numbers come from each snapshot."""

from typing import Final

from model_exporter.config.settings import ModelSettings
from model_exporter.expose import catalogue
from model_exporter.expose.anomaly_series import AnomalyText
from model_exporter.expose.call_series import write_calls
from model_exporter.expose.metric import Labels
from model_exporter.expose.pair_series import write_pair_drift
from model_exporter.expose.text import Block, HistogramBlock, Lines, SparseBlock, number
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


class VersionText:
    """Lines of one version, good for as long as its features and its bins stay the same."""

    def __init__(self, model: ModelSnapshot, version: VersionSnapshot) -> None:
        self._features = model.features
        self._layout = version.layout
        self._names = (model.name, version.version)
        self._active = Block(catalogue.VERSION_ACTIVE, [self._names])
        self._first_seen = Block(catalogue.VERSION_FIRST_SEEN, [self._names])
        self._last_prediction = Block(catalogue.LAST_PREDICTION, [self._names])
        self._predictions = Block(catalogue.PREDICTIONS, [self._names])
        self._duplicates = Block(catalogue.DUPLICATES, [self._names])
        self._duration = HistogramBlock(catalogue.DURATION, self._names)
        self._violating = Block(catalogue.VIOLATING, [self._names])
        self._violations = Block(catalogue.VIOLATIONS, [(*self._names, reason) for reason in VIOLATIONS])
        self._quality = _QualityText(self._names, model.features, version.layout)
        self._bins = Block(catalogue.BIN_OBSERVATIONS, _bin_labels(self._names, version.layout))
        self._written: tuple[VersionSnapshot, ModelSettings, Lines] | None = None
        self._windows = {window: _WindowText(self._names, window, version.layout) for window in WINDOWS}
        self._verdicts = {level: VerdictText(self._names, _binned(version.layout), level) for level in LEVELS}
        self._anomaly = AnomalyText(self._names)

    def fits(self, model: ModelSnapshot, version: VersionSnapshot) -> bool:
        """Whether the lines of `version` still look the same."""
        return self._layout is version.layout and self._features == model.features

    def write(self, lines: Lines, model: ModelSnapshot, version: VersionSnapshot) -> None:
        """Add the series of `version`. Those of the very version that was written last are what they were."""
        if self._written is None or self._written[0] is not version or self._written[1] is not model.settings:
            fresh = Lines()
            self._write(fresh, model.settings, version)
            self._written = version, model.settings, fresh
        lines.extend(self._written[2])

    def _write(self, lines: Lines, settings: ModelSettings, version: VersionSnapshot) -> None:
        self._write_traffic(lines, settings, version)
        self._violating.write(lines, [version.violating])
        self._violations.write(lines, version.violations.tolist())
        self._quality.write(lines, version)
        self._bins.write(lines, version.bins.tolist())
        for window in version.windows:
            self._windows[window.name].write(lines, window)
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
        self._active.write(lines, [int(version.active)])
        self._first_seen.write(lines, [number(version.first_seen)])
        if version.last_prediction is not None:
            self._last_prediction.write(lines, [number(version.last_prediction)])
        self._predictions.write(lines, [version.predictions])
        self._duplicates.write(lines, [version.duplicates])
        for error_type, count in version.errors:
            lines.sample(catalogue.ERRORS, (*self._names, error_type), count)
        if version.duration:
            self._duration.write(lines, version.duration)
        for objective, count in version.slow:
            lines.sample(catalogue.SLOW, (*self._names, objective), count)
        if version.calls:
            write_calls(lines, self._names, version.calls)


class _QualityText:
    """Lines of the quality matrix."""

    def __init__(self, names: Labels, features: tuple[FeatureName, ...], layout: BinLayout | None) -> None:
        labels = [(*names, feature.name, feature.role.value) for feature in features]
        self._numeric = numeric_rows(features, layout)
        self._values = Block(catalogue.VALUES, labels)
        self._missing = Block(catalogue.MISSING, labels)
        self._invalid = Block(catalogue.INVALID, [(*row, reason) for row in labels for reason in INVALID_REASONS])
        self._outliers = Block(catalogue.OUTLIERS, [labels[row] for row in self._numeric])

    def write(self, lines: Lines, version: VersionSnapshot) -> None:
        quality = version.quality
        self._values.write(lines, quality[:, _VALUES].tolist())
        self._missing.write(lines, quality[:, _MISSING].tolist())
        self._invalid.write(lines, quality[:, _INVALID].ravel().tolist())
        self._outliers.write(lines, quality[self._numeric, _OUTLIERS].tolist())


class _WindowText:
    """Lines of one window."""

    def __init__(self, names: Labels, window: str, layout: BinLayout | None) -> None:
        labels = [(*names, *feature, window) for feature in _binned(layout)]
        self._predictions = Block(catalogue.WINDOW_PREDICTIONS, [(*names, window)])
        self._observations = Block(catalogue.WINDOW_OBSERVATIONS, labels)
        self._psi = SparseBlock(catalogue.PSI, labels)
        self._psi_null = SparseBlock(catalogue.PSI_NULL, labels)
        self._psi_debiased = SparseBlock(catalogue.PSI_DEBIASED, labels)
        self._psi_threshold = SparseBlock(catalogue.PSI_THRESHOLD, labels)
        self._shift_score = SparseBlock(catalogue.SHIFT_SCORE, labels)
        self._js_distance = SparseBlock(catalogue.JS_DISTANCE, labels)
        self._ks_distance = SparseBlock(catalogue.KS_DISTANCE, labels)
        self._wasserstein = SparseBlock(catalogue.WASSERSTEIN, labels)

    def write(self, lines: Lines, window: WindowSnapshot) -> None:
        self._predictions.write(lines, [window.predictions])
        self._observations.write(lines, window.observations.tolist())
        self._psi.write(lines, window.psi)
        self._psi_null.write(lines, window.psi_null)
        self._psi_debiased.write(lines, window.psi_debiased)
        self._psi_threshold.write(lines, window.psi_threshold)
        self._shift_score.write(lines, window.shift_score)
        self._js_distance.write(lines, window.js_distance)
        self._ks_distance.write(lines, window.ks_distance)
        self._wasserstein.write(lines, window.wasserstein_ratio)


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
