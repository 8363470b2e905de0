"""The series of business indicators."""

from math import isnan

from model_exporter.expose import truth_catalogue as catalogue
from model_exporter.expose.metric import Labels
from model_exporter.expose.text import Lines
from model_exporter.window.snapshot import IndicatorSnapshot


def write_indicator(lines: Lines, version: Labels, told: IndicatorSnapshot) -> None:
    """Add the series of an indicator of a model version, whose names are `version`."""
    names = (*version, told.name)
    lines.sample(catalogue.BUSINESS_VALUE, names, told.value)
    lines.sample(catalogue.BUSINESS_EVENTS, names, told.events)
    if not told.is_share:
        lines.sample(catalogue.BUSINESS_NEGATIVE, (*names, "value"), told.negative_value)
        lines.sample(catalogue.BUSINESS_NEGATIVE, (*names, "events"), told.negative_events)
    for verdict in told.verdicts:
        labels = (*names, verdict.level)
        if not isnan(verdict.log_evidence):
            lines.sample(catalogue.BUSINESS_EVIDENCE, labels, verdict.log_evidence)
        lines.sample(catalogue.BUSINESS_DETECTED, labels, verdict.detected)
    for window in told.windows:
        labels = (*names, window.name)
        lines.sample(catalogue.BUSINESS_KPI, labels, window.value)
        if not isnan(window.lower):
            lines.sample(catalogue.BUSINESS_KPI_LOWER, labels, window.lower)
            lines.sample(catalogue.BUSINESS_KPI_UPPER, labels, window.upper)
