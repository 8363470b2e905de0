"""Thresholds of a model and of its features, from checked keys."""

from collections.abc import Iterator

from msgspec import structs

from model_exporter.config.keys import Keys
from model_exporter.config.settings import Threshold


def thresholds(keys: Keys) -> Iterator[Threshold]:
    """The thresholds in `thresholds` of a model or of a feature, in the order of the table of signals."""
    for signal, levels in structs.asdict(keys).items():
        for severity, value in structs.asdict(levels).items() if levels else ():
            if value is not None:
                yield Threshold(signal, severity, value)
