"""The frozen picture of all models that exposition reads. It computes nothing."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import Baseline
from model_exporter.batch import Role
from model_exporter.config.settings import ModelSettings
from model_exporter.stats.fairness import Alarm, Gap
from model_exporter.stats.measure import Measure

WINDOWS: Final = {"5m": 300.0, "1h": 3600.0, "1d": 86_400.0}
"""Rolling windows by the value of the label `window`, in seconds."""

QUALITY: Final = ("values", "missing", "type", "range", "category", "nonfinite", "outliers")
"""Columns of a quality matrix. `values` counts the cells that held anything, usable or not; `missing` those that
were absent or null; `type`, `range`, `category` and `nonfinite` are reasons of invalid values; `outliers` are usable
numbers outside the baseline's fences."""
INVALID_REASONS: Final = ("type", "range", "category", "nonfinite")

VIOLATIONS: Final = ("missing_feature", "unexpected_feature", "type")
"""Reasons of schema violations, each counted once per record and feature."""

LEVELS: Final = ("page", "ticket")
"""Levels of a verdict: one wakes somebody, the other waits for the morning."""
SHAPES: Final = ("up", "down", "wider", "narrower", "bin", "missing", "other")
"""Kinds of change that evidence is earned by: values moved up or down, spread wider or narrower, a single bin or
category grew or shrank, more or fewer are missing (or unseen, or out of range), or another shape."""

SIGNALS: Final = ("low_confidence", "missing", "errors", "latency", "throughput")
"""Operational signals that are judged together, and with them the first indicators of a model: `business:NAME`."""

LATENCY_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the latency histograms, seconds; one more bucket is unbounded."""

COHORTS: Final = {"1h": 3600.0, "1d": 86_400.0, "7d": 604_800.0}
"""Windows of performance by the value of the label `window`, in seconds: of the time of prediction, not of truth."""

ESTIMATED: Final = ("1h", "1d")
"""Those of them for which performance is estimated before the truth is known, up to now."""

DELAY_BUCKETS: Final = (1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0, 604_800.0)
"""Upper bounds of the histograms of outcomes' delays, seconds; one more bucket is unbounded."""


class FeatureName(NamedTuple):
    """A feature or output of a model."""

    name: str
    role: Role


@dataclass(frozen=True)
class BinLayout:
    """Where each feature's bins stand in the flat arrays of counts.

    Attributes:
        baseline: the baseline that the bins come from.
        features: index into `baseline.features` of each binned feature, in the order of the flat arrays.
        starts: int64[F+1]; the bins of feature f are flat[starts[f]:starts[f+1]].
        baseline_counts: int64[B], flat.
    """

    baseline: Baseline
    features: tuple[int, ...]
    starts: NDArray[np.int64]
    baseline_counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in the buckets of `LATENCY_BUCKETS` or `DELAY_BUCKETS`, one more than bounds, and the sum in seconds."""

    buckets: NDArray[np.int64]  # not cumulated
    total_seconds: float


@dataclass(frozen=True, slots=True)
class WindowSnapshot:
    """One rolling window of one model version.

    Arrays named after a distance are float64[F] over the layout's features, NaN where the window or the baseline
    has too few rows, or the distance is not defined for the feature's type. Without a baseline they are empty.
    `psi_null` is the mean of PSI without drift, `psi_debiased` what is left without it, and `psi_threshold` what PSI
    exceeds in one window of a hundred while the divergence is within the tolerance of the level `ticket`. `shift_score`
    is over 1 where the window differs from the baseline by more than chance gives in one window of a hundred.
    """

    name: str
    predictions: int
    duplicates: int
    violations: NDArray[np.int64]  # [len(VIOLATIONS)]
    quality: NDArray[np.int64]  # [features of the model, len(QUALITY)]
    bins: NDArray[np.int64]  # [B] flat
    observations: NDArray[np.int64]  # [F] rows in the bins of each feature
    psi: NDArray[np.float64]
    psi_null: NDArray[np.float64]
    psi_debiased: NDArray[np.float64]
    psi_threshold: NDArray[np.float64]
    shift_score: NDArray[np.float64]
    js_distance: NDArray[np.float64]
    ks_distance: NDArray[np.float64]
    wasserstein_ratio: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DriftSnapshot:
    """What the evidence says of one model version at one level, as of the last slot that closed.

    Log evidence is 0 for an alarm; NaN where there is none yet. Arrays are over the layout's features.
    """

    level: str  # one of LEVELS
    detected: bool  # whether the model's alarm is on
    log_evidence: float
    onset: float  # when the change began, unix seconds; NaN unless the alarm is on
    feature_detected: NDArray[np.bool_]
    feature_log_evidence: NDArray[np.float64]
    feature_onset: NDArray[np.float64]  # NaN for features that are not detected
    shares: NDArray[np.float64]  # [F, len(SHAPES)] of the feature's evidence that each kind of bet earned, or NaN


class PairSnapshot(NamedTuple):
    """Two features whose dependence has changed; the evidence is 0 if this pair alone gives the alarm."""

    feature: FeatureName
    other: FeatureName
    log_evidence: float


@dataclass(frozen=True, slots=True)
class PairDriftSnapshot:
    """What the evidence says of the dependence between one model version's features at one level.

    Log evidence is 0 for an alarm; NaN where there is none yet.
    """

    level: str  # one of LEVELS
    detected: bool
    log_evidence: float
    pairs: tuple[PairSnapshot, ...]  # named by the alarm, those with the most evidence first


@dataclass(frozen=True, slots=True)
class AnomalySnapshot:
    """How unusual the last slot with predictions was, by the operational signals of one model version together.

    `evidence` is the logarithm of T2 over its limit: 0 is the alarm. `contributions` are float64[len(signals)], the
    signals' parts in it, whose absolute values sum to 1: positive for a signal above its usual, negative for one below,
    0 for one that deviates no more than the others let expect, NaN for one that does not take part.
    """

    evidence: float
    contributions: NDArray[np.float64]
    signals: tuple[str, ...] = SIGNALS


@dataclass(frozen=True, slots=True)
class CallsSnapshot:
    """What calls of one version of a language model used since the exporter started, as far as they tell."""

    tokens: tuple[tuple[str, int], ...]  # by those of `batch.TOKENS` that any call told
    metered: int  # calls that told of any tokens
    first_token: Histogram | None  # None until a call told
    finish_reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class VersionSnapshot:
    """Counts of one version of a model since the exporter started, and its windows."""

    version: str
    first_seen: float  # unix seconds
    last_prediction: float | None  # event time of the newest prediction, never in the future; None before the first
    active: bool  # whether it made a prediction within the shortest window
    predictions: int
    duplicates: int
    errors: tuple[tuple[str, int], ...]  # by error type
    duration: Histogram | None  # None until a record carried a latency
    slow: tuple[tuple[str, int], ...]  # predictions slower than the latency objective of a quantile, as ("p99", 3)
    violating: int  # predictions with any violation
    violations: NDArray[np.int64]  # [len(VIOLATIONS)]
    quality: NDArray[np.int64]  # [features of the model, len(QUALITY)]
    layout: BinLayout | None  # None until the model has a baseline
    bins: NDArray[np.int64]  # [B] flat, empty without a layout
    windows: tuple[WindowSnapshot, ...]  # in the order of WINDOWS
    drift: tuple[DriftSnapshot, ...]  # in the order of LEVELS; empty until a slot with a baseline has closed
    pair_drift: tuple[PairDriftSnapshot, ...]  # in the order of LEVELS; empty until then, and without pairs
    anomaly: AnomalySnapshot | None  # None until the history is long enough
    calls: CallsSnapshot | None = None  # None but for a language model


class Fault(Enum):
    """Why an outcome whose prediction is known told nothing of performance; values of the label `reason`."""

    TYPE = "type"  # text where a number was predicted, or no class
    NO_OUTPUT = "no_output"  # the prediction's record held nothing to compare with
    NO_VERSION = "no_version"  # the model's version is gone, and there is no room for it
    FORMAT = "format"  # what was kept of the prediction cannot be read any more
    NO_VALUE = "no_value"  # only business values were told


UNMATCHED: Final = (
    "no_prediction",  # it waited in vain
    "sampled_out",  # its prediction, if there was one, is not in the sample that is kept
    "ambiguous",  # it names a request that holds several predictions
    "limit",  # too many outcomes wait
    "outdated",  # a newer one was told before
    *(fault.value for fault in Fault),
)
"""Reasons for which an outcome tells nothing."""
DUPLICATE: Final = "duplicate"
"""The reason for which it tells nothing new: it was told before, with the same value."""
LOST: Final = ("timed_out", "sampled_out", "storage_failure")
"""Reasons for which a prediction leaves without an outcome."""


class Counter(Enum):
    """Sums over first outcomes that are told as counters."""

    CONFUSION = "confusion"  # labels: actual, predicted
    SCORE_BIN = "score_bin"  # actual, bin
    ABSOLUTE_ERROR = "absolute_error"
    SQUARED_ERROR = "squared_error"


class Counted(NamedTuple):
    """One counter."""

    counter: Counter
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class CohortSnapshot:
    """Performance over one window of the time of prediction, as far as the truth is known."""

    name: str  # one of COHORTS
    predicted: float
    labelled: float
    coverage: float  # share of the predictions whose outcome is known; NaN without predictions
    provisional: bool  # whether what is known may be of a biased few; without labels it says nothing
    measures: tuple[Measure, ...]  # those that there are enough outcomes for


@dataclass(frozen=True, slots=True)
class PerformanceDriftSnapshot:
    """What outcomes say of one model version at one level, as of the last slot of 15 seconds in which some arrived."""

    level: str  # one of LEVELS
    detected: bool  # whether the alarm is on
    log_evidence: float  # 0 for an alarm; NaN where there is none yet
    onset: float  # when outcomes began to be worse, unix seconds of their arrival; NaN unless the alarm is on
    metric: str  # that has most of the evidence; empty unless the alarm is on


@dataclass(frozen=True, slots=True)
class ReferenceSnapshot:
    """What the performance of a model is compared with."""

    outcomes: int | None  # that the reference holds, or has so far; None where objectives take its place
    values: tuple[tuple[str, float], ...]  # metric and value; none while the reference is not complete


class EstimateError(NamedTuple):
    """Estimate less realised value of a metric, for predictions whose outcomes are known."""

    metric: str
    label: str
    value: float


@dataclass(frozen=True, slots=True)
class EstimateSnapshot:
    """Performance of all predictions of a window up to now, estimated from their scores."""

    name: str  # one of ESTIMATED
    measures: tuple[Measure, ...]
    withdrawn: str  # why there are none; empty otherwise
    errors: tuple[EstimateError, ...]  # of predictions old enough to have outcomes


@dataclass(frozen=True, slots=True)
class GroupSnapshot:
    """Counts of one group since the start; those of outcomes are of first ones, and None where they have no meaning."""

    group: str
    predictions: int
    positives: float | None = None  # predictions of the positive class
    confusion: tuple[float, ...] | None = None  # true positives, missed ones, false positives, true negatives
    outcomes: float | None = None
    absolute_error: float | None = None


@dataclass(frozen=True, slots=True)
class SegmentWindow:
    """Groups over one window of the time of prediction; none below its minimum size."""

    name: str  # one of COHORTS
    measures: tuple[Measure, ...]  # labelled by group
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class SegmentSnapshot:
    """The groups of one segment.

    `detected` says by metric, where groups can be compared, whether any two of them are too far apart; `alarms` are
    these, those furthest apart first, and `worst` for each metric the group furthest from all others, if too far.
    """

    name: str
    groups: tuple[GroupSnapshot, ...]
    windows: tuple[SegmentWindow, ...]
    detected: tuple[tuple[str, bool], ...] = ()
    alarms: tuple[Alarm, ...] = ()
    worst: tuple[Alarm, ...] = ()


class IndicatorWindow(NamedTuple):
    """A business indicator over one window of the time of prediction."""

    name: str  # one of COHORTS
    value: float
    lower: float  # NaN for a sum, which has no bounds
    upper: float


class ShareVerdict(NamedTuple):
    """What the evidence says of a share at one level; log evidence is 0 for an alarm, NaN where there is none yet."""

    level: str  # one of LEVELS
    detected: bool
    log_evidence: float


@dataclass(frozen=True, slots=True)
class IndicatorSnapshot:
    """A business indicator since the start, above and below 0 apart, and in the windows that tell of enough rows."""

    name: str
    value: float  # what is summed, where it is above 0
    negative_value: float  # and below, without sign
    events: float  # what it is divided by: predictions, unless it says otherwise
    negative_events: float
    windows: tuple[IndicatorWindow, ...]
    is_share: bool  # of predictions for which something is true: nothing of it is below 0
    verdicts: tuple[ShareVerdict, ...] = ()  # on a share, in the order of LEVELS; empty while it is learned


@dataclass(frozen=True, slots=True)
class PerformanceSnapshot:
    """What outcomes tell of one version of a model."""

    version: str
    joined: int  # predictions that met their outcome
    corrections: int  # outcomes that replaced earlier ones; the counters keep the first
    delay: Histogram  # from the prediction to the arrival of its outcome, in `DELAY_BUCKETS`
    lag: float  # seconds before now at which the windows end; NaN until enough delays are known
    windows: tuple[CohortSnapshot, ...]  # in the order of COHORTS
    counters: tuple[Counted, ...]
    segments: tuple[SegmentSnapshot, ...] = ()
    business: tuple[IndicatorSnapshot, ...] = ()
    recommended: tuple[tuple[str, Measure], ...] = ()  # by window of the time of prediction, which ends now
    drift: tuple[PerformanceDriftSnapshot, ...] = ()  # in the order of LEVELS; empty until a slot was judged
    estimates: tuple[EstimateSnapshot, ...] = ()  # in the order of ESTIMATED; empty without a reference with scores


@dataclass(frozen=True, slots=True)
class TruthSnapshot:
    """What became of one model's outcomes, and of the predictions that wait for theirs."""

    early: int  # outcomes that were there before their predictions
    duplicates: int  # outcomes told before, with the same value
    pending: int  # predictions that wait
    outcomes_waiting: int  # for their prediction
    rate: float  # share of the predictions that are kept until their outcome comes, in (0, 1]
    unmatched: tuple[tuple[str, int], ...]  # outcomes that told nothing, by reason
    lost: tuple[tuple[str, int], ...]  # predictions that left without an outcome, by reason
    performance: tuple[PerformanceSnapshot, ...]
    reference: ReferenceSnapshot | None = None  # None before an outcome that performance could be compared by


@dataclass(frozen=True, slots=True)
class UpstreamSnapshot:
    """Calls to one upstream of a model."""

    upstream: str
    duration: Histogram
    errors: int


@dataclass(frozen=True, slots=True)
class LearningSnapshot:
    """How far a model without a baseline has come towards one."""

    rows: int
    rows_needed: int
    seconds: float
    seconds_needed: float


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """One model."""

    name: str
    settings: ModelSettings
    features: tuple[FeatureName, ...]  # in the order of the quality matrices' rows
    baseline: Baseline | None
    learning: LearningSnapshot | None  # None when the model has a baseline
    changes: tuple[tuple[str, float], ...]  # what changed last when: version, schema, config, baseline, deployment, ...
    sources: tuple[tuple[str, float], ...]  # newest run of each data source
    versions: tuple[VersionSnapshot, ...]
    upstreams: tuple[UpstreamSnapshot, ...]
    outcomes: int
    truth: TruthSnapshot | None = None  # None while neither outcomes nor groups, indicators or lists are told of
    series: int = 0  # that it takes, reserved ones included
    estimated_bytes: int = 0  # of memory, with what a scrape keeps of it


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All models at one moment (unix seconds). `number` counts the pictures of a process, from 1."""

    at: float
    environment: str
    configured_at: float  # when the running configuration was loaded
    models: tuple[ModelSnapshot, ...]
    series: int  # series that the models take, counted against the limit
    series_limit: int
    number: int = 0
