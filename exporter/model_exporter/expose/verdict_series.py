"""The series of verdicts: what the evidence says of one model version, and the rules it is judged by."""

from math import isfinite
from typing import Final

import numpy as np

from model_exporter.config.settings import Drift, DriftLevel
from model_exporter.expose import catalogue
from model_exporter.expose.blocks import Block
from model_exporter.expose.metric import Labels
from model_exporter.expose.text import Lines
from model_exporter.window.snapshot import LEVELS, SHAPES, DriftSnapshot

ALARM: Final = 0.0
"""Log evidence at which an alarm begins, at every level."""
SIGNAL: Final = "drift_evidence"
"""Label `signal` of that threshold."""


def level_rules(drift: Drift) -> dict[str, DriftLevel]:
    """What it takes for drift to be told, by the names of the levels."""
    return dict(zip(LEVELS, (drift.page, drift.ticket), strict=True))


def write_rules(lines: Lines, model: str, drift: Drift) -> None:
    """Add what the verdicts on `model` are judged by."""
    for level, rules in level_rules(drift).items():
        lines.sample(catalogue.THRESHOLD, (model, SIGNAL, level), ALARM)
        lines.sample(catalogue.DRIFT_PATIENCE, (model, level), rules.patience_seconds)
        lines.sample(catalogue.DRIFT_TOLERANCE, (model, level), rules.tolerance)


class VerdictText:
    """Lines of one version's verdict at one level.

    Args:
        names: of model and version.
        features: name and role of each feature with bins, in the order of the snapshot's arrays.
        level: one of `LEVELS`.
    """

    def __init__(self, names: Labels, features: list[Labels], level: str) -> None:
        self._names = (*names, level)
        self._features = [(*names, *feature, level) for feature in features]
        self._evidence = Block((catalogue.FEATURE_DRIFT_EVIDENCE, self._features))
        self._detected = Block((catalogue.FEATURE_DRIFT_DETECTED, self._features))

    def write(self, lines: Lines, drift: DriftSnapshot) -> None:
        """Add the series of `drift`. Where there is no evidence nothing was judged, and nothing is told."""
        if isfinite(drift.log_evidence):
            lines.sample(catalogue.DRIFT_EVIDENCE, self._names, drift.log_evidence)
            lines.sample(catalogue.DRIFT_DETECTED, self._names, drift.detected)
        if isfinite(drift.onset):
            lines.sample(catalogue.DRIFT_ONSET, self._names, drift.onset)
        judged = np.isfinite(drift.feature_log_evidence)
        self._evidence.write(lines, drift.feature_log_evidence)
        self._detected.write_flags(lines, drift.feature_detected, where=judged)
        for place in drift.feature_detected.nonzero()[0].tolist():
            self._write_detected(lines, drift, place)

    def _write_detected(self, lines: Lines, drift: DriftSnapshot, place: int) -> None:
        labels = self._features[place]
        onset = float(drift.feature_onset[place])
        if isfinite(onset):
            lines.sample(catalogue.FEATURE_DRIFT_ONSET, labels, onset)
        for shape, share in zip(SHAPES, drift.shares[place].tolist(), strict=True):
            if isfinite(share):
                lines.sample(catalogue.FEATURE_DRIFT_SHAPE, (*labels, shape), share)
