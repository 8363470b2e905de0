"""Frozen settings, with every default. Values only: reading files is `config.load`'s work."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from model_exporter.baseline.model import Baseline, FeatureType
from model_exporter.config.paths import PathPattern
from model_exporter.indicators import Indicator
from model_exporter.mapping import Mapping as RecordMapping

MIB: Final = 1024 * 1024
DAY: Final = 86_400.0


class ModelKind(Enum):
    """What a model predicts."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    FORECASTING = "forecasting"
    RECOMMENDATION = "recommendation"
    RANKING = "ranking"


@dataclass(frozen=True, slots=True)
class Learn:
    """When live traffic has been watched for long enough to become a baseline."""

    rows: int = 10_000
    stable_for_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class DriftLevel:
    """What it takes for drift to be told at one level.

    Attributes:
        patience_seconds: mean time between false alarms of one model, at least, over all of its features, their
            pairs and its performance.
        tolerance: divergence from the baseline (chi-squared) that does not matter; a mean shift of d standard
            deviations has about d squared.
    """

    patience_seconds: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Drift:
    """The two levels: a page wakes somebody, a ticket waits for the morning.

    `pairs` says whether the dependence between numeric features is watched too.
    """

    page: DriftLevel = DriftLevel(365 * DAY, 0.01)
    ticket: DriftLevel = DriftLevel(30 * DAY, 0.0025)
    pairs: bool = True


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """What the configuration says of a feature; None leaves it to the baseline."""

    type: FeatureType | None = None
    minimum: float | None = None
    maximum: float | None = None
    categories: frozenset[str] | None = None
    required: bool | None = None
    missing: frozenset[str] = frozenset()  # texts that stand for a missing value, such as "N/A"
    weight: float = 1.0  # its part, relative to the other features', of the false alarms that the model may have


@dataclass(frozen=True, slots=True)
class OutcomeSettings:
    """How the truth arrives.

    Attributes:
        expected: whether the configuration speaks of outcomes; else predictions wait only once an outcome was seen.
        positive: text of the outcome that counts as positive, of two classes; None leaves it to what is sent.
        wait_seconds: how long a prediction waits for its outcome, and an outcome for its prediction.
        reference: how many of the first outcomes are what performance is compared with from then on.
    """

    expected: bool = False
    positive: str | None = None
    wait_seconds: float = 7 * DAY
    reference: int = 1_000


class SegmentSource(Enum):
    """Where a prediction's group comes from."""

    FEATURE = "feature"
    ATTRIBUTE = "segment"  # the record's own `segment.NAME`


@dataclass(frozen=True, slots=True)
class Segment:
    """Groups of predictions that are compared with each other.

    Attributes:
        name: of the segment, as `region`.
        source: what tells the group.
        field: name of the feature or attribute.
        edges: ascending; a number's group is the range between two of them. Empty for values that are groups.
    """

    name: str
    source: SegmentSource
    field: str
    edges: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Privacy:
    """Which values are not kept as they were sent: they are dropped or hashed at the door.

    A name also stands for all that is nested under it, as `address` for `address.street`.

    Attributes:
        drop: sources and names of values that are removed.
        hash: of values that are replaced by a keyed hash, which still tells equal ones from others.
        secret: the key; empty when nothing is hashed. It stands in no representation and no log.
    """

    drop: frozenset[tuple[SegmentSource, str]] = frozenset()
    hash: frozenset[tuple[SegmentSource, str]] = frozenset()
    secret: bytes = field(default=b"", repr=False)

    def __bool__(self) -> bool:
        """Whether anything is concealed."""
        return bool(self.drop or self.hash)


def is_named(field: tuple[SegmentSource, str], names: Collection[tuple[SegmentSource, str]]) -> bool:
    """Whether `names` holds `field`, or something that it is nested under."""
    source, name = field
    return any(source is other and (name == named or name.startswith(f"{named}.")) for other, named in names)


@dataclass(frozen=True, slots=True)
class Objective:
    """A service-level objective, exported as a threshold for the rules."""

    signal: str
    value: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a signal of `config.signals` becomes a page or a ticket, exported for the rules.

    `severity` is `page` or `ticket`; `value` is in the signal's unit.
    """

    signal: str
    severity: str
    value: float


LATENCY_QUANTILES: Final = ("p50", "p90", "p95", "p99")
"""Quantiles that may have an objective on the latency: `latency_pNN_seconds` is its signal."""
FAIRNESS_GAP: Final = "fairness_gap"
"""Signal of the objective on how far groups may be apart."""
DEFAULT_FAIRNESS_GAP: Final = 0.05
"""Its value for models with segments."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What the configuration says of one model.

    `feature_thresholds` are by the name of the feature. They stand apart from `features`, which evidence rests on: a
    threshold changes how it is read, not what it is.
    """

    kind: ModelKind | None = None
    owner: str = ""
    tier: int | None = None
    runbook_url: str = ""
    baseline: Baseline | None = None
    baseline_file: str = ""
    learn: Learn = Learn()
    drift: Drift = Drift()
    approved_versions: tuple[str, ...] = ()
    features: Mapping[str, FeatureSettings] = field(default_factory=lambda: MappingProxyType({}))
    objectives: tuple[Objective, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    feature_thresholds: Mapping[str, tuple[Threshold, ...]] = field(default_factory=lambda: MappingProxyType({}))
    outcome: OutcomeSettings = OutcomeSettings()
    segments: tuple[Segment, ...] = ()
    business: tuple[Indicator, ...] = ()
    catalogue: int | None = None  # items that there are to recommend
    privacy: Privacy = Privacy()

    @property
    def fairness_gap(self) -> float:
        """How far groups may be apart: a difference of rates, or a share of the mean absolute error."""
        told = (objective.value for objective in self.objectives if objective.signal == FAIRNESS_GAP)
        return next(told, DEFAULT_FAIRNESS_GAP)

    @property
    def latency_objectives(self) -> dict[str, float]:
        """The latency that a share of the predictions must keep, seconds, by the quantiles that have an objective."""
        told = {objective.signal: objective.value for objective in self.objectives}
        signals = {quantile: f"latency_{quantile}_seconds" for quantile in LATENCY_QUANTILES}
        return {quantile: told[signal] for quantile, signal in signals.items() if signal in told}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on everything that input can make grow. Each has a metric that shows it being hit."""

    request_bytes: int = 64 * MIB  # as sent, and again after decompression
    queue_rows: int = 200_000  # records waiting for the writer
    queue_bytes: int = 64 * MIB  # request bytes of the records that wait
    record_attributes: int = 2_000  # values of one record
    nesting: int = 16  # maps within maps
    name_length: int = 200  # characters of a model, version, feature or prediction id
    models: int = 100
    versions_per_model: int = 10
    features_per_model: int = 500
    upstreams_per_model: int = 20
    error_types_per_model: int = 20
    groups_per_segment: int = 20  # further ones are counted together
    series: int = 200_000  # of all models together
    series_per_model: int = 100_000
    monitor_schemas: int = 1_000  # what the columns of BentoML's monitors are, remembered between records
    learning_cells: int = 4_000_000  # values held by all models that learn a baseline
    recent_ids: int = 200_000  # predictions remembered to tell a duplicate
    outcomes: int = 1_000_000  # that wait for their prediction
    remembered_predictions: int = 10_000_000  # for the join with their outcomes
    exchanges: int = 50_000  # requests or responses of payload loggers that wait for the other
    exchange_bytes: int = 64 * MIB  # what they take
    remembered_bytes: int = 4096 * MIB  # what they and the outcomes take on disk
    followed_files: int = 10_000
    expire_after_seconds: float = 86_400.0  # series of a model version that went silent


class JoinStoreKind(Enum):
    """Where predictions and outcomes wait for each other."""

    SQLITE = "sqlite"
    REDIS = "redis"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True)
class JoinSettings:
    """The store of the join; `url` is the server's, without which the store is a file. It may hold a password."""

    store: JoinStoreKind = JoinStoreKind.SQLITE
    url: str = field(default="", repr=False)


class ForwardedSignal(Enum):
    """What can be passed on: the signals of OTLP."""

    LOGS = "logs"
    TRACES = "traces"
    METRICS = "metrics"


class ForwardCompression(Enum):
    """How bodies are compressed that are passed on."""

    NONE = "none"
    GZIP = "gzip"


class WhenFull(Enum):
    """What becomes of a request when too many wait to be passed on."""

    DROP = "drop"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class ForwardSettings:
    """Where OTLP requests are passed on to.

    Attributes:
        endpoint: `http[s]://host[:port][/path]` or `grpc[s]://host:port`; empty when nothing is passed on.
        headers: of every request, names in lower case. They may hold a password.
        authorities: certificates in PEM that the target's is checked against; empty for those of the system.
        timeout_seconds: for one attempt.
        retry_seconds: after this time since its arrival a request is given up.
        queue_bytes: of requests that wait.
    """

    endpoint: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    authorities: bytes = field(default=b"", repr=False)
    compression: ForwardCompression = ForwardCompression.NONE
    timeout_seconds: float = 10.0
    retry_seconds: float = 300.0
    queue_bytes: int = 64 * MIB
    on_full: WhenFull = WhenFull.DROP
    signals: frozenset[ForwardedSignal] = frozenset(ForwardedSignal)


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """Which SERVER spans are requests for predictions.

    Attributes:
        paths: of such requests, tried before `BUILT_IN_PATHS`.
        other_paths: whether POST and PUT to any other path that is no probe's count as well.
    """

    paths: tuple[PathPattern, ...] = ()
    other_paths: bool = True


@dataclass(frozen=True, slots=True)
class LogFiles:
    """Files that are followed.

    Attributes:
        pattern: the glob as its author wrote it; a label value.
        glob: the same from the root folder.
        mapping: name of the mapping that reads their lines; empty for native predictions.
        model: of records that name none.
        version: of records that name none.
        from_end: those that are there at the very first start begin at their end.
    """

    pattern: str
    glob: str
    mapping: str = ""
    model: str = ""
    version: str = ""
    from_end: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration. `models` are the configured ones; others are registered as they appear.

    `mappings` are those of the file; there are built-in ones besides.
    """

    environment: str = ""
    learn: Learn = Learn()
    drift: Drift = Drift()
    limits: Limits = Limits()
    join: JoinSettings = JoinSettings()
    pairing_wait_seconds: float = 60.0  # of a request for its response
    traces: TraceSettings = TraceSettings()
    files: tuple[LogFiles, ...] = ()
    mappings: Mapping[str, RecordMapping] = field(default_factory=dict)
    forward: ForwardSettings = ForwardSettings()
    models: Mapping[str, ModelSettings] = field(default_factory=lambda: MappingProxyType({}))

    def model(self, name: str) -> ModelSettings:
        """Settings of `name`: the configured ones, or the defaults."""
        return self.models.get(name) or ModelSettings(learn=self.learn, drift=self.drift)
