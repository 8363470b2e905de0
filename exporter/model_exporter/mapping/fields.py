"""What a mapping may fill in."""

from typing import Final

FIELDS: Final = (
    "model",
    "version",
    "id",
    "features",
    "prediction",
    "score",
    "probabilities",
    "latency_ms",
    "latency_seconds",
    "error",
    "time",
    "start_time",
    "end_time",
    "outcome",
    "segments",
    "values",
    "lower",
    "upper",
    "horizon",
    "naive",
    "change",
    "source",
)
"""Native fields, as the JSON doors call them; `start_time` and `end_time` together make the latency."""

MAPS: Final = frozenset({"features", "segments", "values"})
"""Fields that hold a value for each of several names."""

EVENTS: Final = ("prediction", "outcome", "event")
"""What a record can be about."""
