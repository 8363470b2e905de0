"""The series of anomalies: how unusual one model version's operational signals are, and which of them make it so."""

from math import log
from typing import Final

from model_exporter.expose import catalogue
from model_exporter.expose.blocks import Block
from model_exporter.expose.metric import Labels
from model_exporter.expose.text import Lines
from model_exporter.window.snapshot import AnomalySnapshot

NAMED_FROM: Final = log(0.5)
"""Evidence (half of the limit) from which on signals are named: below there is nothing that they would explain."""


class AnomalyText:
    """Lines of one version's anomaly; `names` are those of model and version."""

    def __init__(self, names: Labels) -> None:
        self._names = names
        self._signals: tuple[str, ...] = ()
        self._contributions = Block()

    def write(self, lines: Lines, anomaly: AnomalySnapshot) -> None:
        """Add the series of `anomaly`."""
        lines.sample(catalogue.ANOMALY_EVIDENCE, self._names, anomaly.evidence)
        if anomaly.signals != self._signals:
            self._signals = anomaly.signals
            labels = [(*self._names, signal) for signal in anomaly.signals]
            self._contributions = Block((catalogue.ANOMALY_CONTRIBUTION, labels))
        if anomaly.evidence >= NAMED_FROM:
            self._contributions.write(lines, anomaly.contributions)
