"""The signals that may have thresholds of their own: the one table that schema, reference and rules go by."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from model_exporter.baseline.model import FeatureType


class Unit(Enum):
    """What a signal is measured in, which says what a threshold may be."""

    SHARE = "share"  # 0 to 1
    INDEX = "index"  # of population stability: above 0, in nats
    TIMES = "times"  # the usual: above 1
    SECONDS = "seconds"  # above 0


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that the rules compare with a threshold.

    Attributes:
        name: label `signal` of the threshold's series, and key in the configuration.
        unit: of its values.
        meaning: as a sentence.
        lower_is_worse: it alarms below its threshold, others above.
        per_feature: each feature has its own values, and may have its own threshold.
        of: the only type of feature that has it; None for all types.
    """

    name: str
    unit: Unit
    meaning: str
    lower_is_worse: bool = False
    per_feature: bool = False
    of: FeatureType | None = None


SIGNALS: Final = (
    Signal("psi", Unit.INDEX, "Population stability index of a feature against its baseline.", per_feature=True),
    Signal(
        "missing_ratio",
        Unit.SHARE,
        "Share of predictions without the feature, beyond the share that the baseline has.",
        per_feature=True,
    ),
    Signal("invalid_ratio", Unit.SHARE, "Share of a feature's values that cannot be right.", per_feature=True),
    Signal(
        "outlier_ratio",
        Unit.SHARE,
        "Share of a feature's values outside the fences of the baseline.",
        per_feature=True,
        of=FeatureType.NUMERIC,
    ),
    Signal(
        "unseen_ratio",
        Unit.SHARE,
        "Share of predictions with a category that the baseline does not know, beyond the share that it has of them.",
        per_feature=True,
        of=FeatureType.CATEGORICAL,
    ),
    Signal("upstream_error_ratio", Unit.SHARE, "Share of the calls to an upstream that fail."),
    Signal("upstream_latency_ratio", Unit.TIMES, "Mean time of calls to an upstream, over its usual one."),
    Signal("latency_ratio", Unit.TIMES, "Mean time of predictions, over the usual one."),
    Signal("source_age_seconds", Unit.SECONDS, "Time since a data source of the model last ran."),
    Signal("duplicate_ratio", Unit.SHARE, "Share of predictions that had been counted before."),
    Signal(
        "label_coverage_ratio",
        Unit.SHARE,
        "Share of predictions whose outcome is known; lower is worse.",
        lower_is_worse=True,
    ),
    Signal("baseline_age_seconds", Unit.SECONDS, "Time since the baseline was built."),
    Signal("silence_seconds", Unit.SECONDS, "Time without predictions."),
)
FEATURE_SIGNALS: Final = tuple(signal for signal in SIGNALS if signal.per_feature)
BY_NAME: Final = {signal.name: signal for signal in SIGNALS}


def is_reached_first(signal: Signal, one: float, other: float) -> bool:
    """Whether a signal that gets worse reaches the threshold `one` before `other`."""
    return one > other if signal.lower_is_worse else one < other
