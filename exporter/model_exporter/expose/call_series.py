"""The series of calls of language models."""

from typing import Final

from model_exporter.expose import call_catalogue as catalogue
from model_exporter.expose.blocks import HistogramBlock
from model_exporter.expose.metric import Labels
from model_exporter.expose.text import Lines
from model_exporter.window.snapshot import CallsSnapshot

_WHOLE: Final = ("input", "output")
"""Kinds of tokens that add up; the others are among them."""


class CallsText:
    """Lines of what calls of a model version used; `names` are those of model and version."""

    def __init__(self, names: Labels) -> None:
        self._names = names
        self._first_token: HistogramBlock | None = None

    def write(self, lines: Lines, calls: CallsSnapshot) -> None:
        """Add the series of `calls`."""
        for kind, count in calls.tokens:
            metric = catalogue.TOKENS if kind in _WHOLE else catalogue.TOKEN_DETAILS
            lines.sample(metric, (*self._names, kind), count)
        if calls.tokens:
            lines.sample(catalogue.METERED, self._names, calls.metered)
        if calls.first_token:
            self._first_token = self._first_token or HistogramBlock(catalogue.FIRST_TOKEN, self._names)
            self._first_token.write(lines, calls.first_token)
        for reason, count in calls.finish_reasons:
            lines.sample(catalogue.FINISH_REASONS, (*self._names, reason), count)
