"""The series of calls of language models."""

from typing import Final

from model_exporter.expose import call_catalogue as catalogue
from model_exporter.expose.metric import Labels
from model_exporter.expose.text import HistogramBlock, Lines
from model_exporter.window.snapshot import CallsSnapshot

_WHOLE: Final = ("input", "output")
"""Kinds of tokens that add up; the others are among them."""


def write_calls(lines: Lines, version: Labels, calls: CallsSnapshot) -> None:
    """Add what calls of a model version, whose names are `version`, used."""
    for kind, count in calls.tokens:
        metric = catalogue.TOKENS if kind in _WHOLE else catalogue.TOKEN_DETAILS
        lines.sample(metric, (*version, kind), count)
    if calls.tokens:
        lines.sample(catalogue.METERED, version, calls.metered)
    if calls.first_token:
        HistogramBlock(catalogue.FIRST_TOKEN, version).write(lines, calls.first_token)
    for reason, count in calls.finish_reasons:
        lines.sample(catalogue.FINISH_REASONS, (*version, reason), count)
