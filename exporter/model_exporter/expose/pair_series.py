"""The series of changed dependence between features."""

from math import isfinite

from model_exporter.expose import catalogue
from model_exporter.expose.metric import Labels
from model_exporter.expose.text import Lines
from model_exporter.window.snapshot import PairDriftSnapshot


def write_pair_drift(lines: Lines, names: Labels, drift: PairDriftSnapshot) -> None:
    """Add the series of `drift` of the model and version `names`. Where nothing was judged nothing is told."""
    if isfinite(drift.log_evidence):
        lines.sample(catalogue.MULTIVARIATE_EVIDENCE, (*names, drift.level), drift.log_evidence)
        lines.sample(catalogue.MULTIVARIATE_DETECTED, (*names, drift.level), drift.detected)
    for (feature, role), (other, other_role), evidence in drift.pairs:
        labels = (*names, feature, role.value, other, other_role.value, drift.level)
        lines.sample(catalogue.PAIR_EVIDENCE, labels, evidence)
