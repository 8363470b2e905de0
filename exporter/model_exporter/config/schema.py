"""What a configuration file may say: every key with its type, range, default and meaning.

These types are the wire schema. `config.convert` checks a file against them, `config.reference` prints them, and
`config.load` turns them into the settings that the rooms use. A default of None or empty text means that something
else decides, which the description tells.
"""

from typing import Annotated, Final

from msgspec import Meta, field

from model_exporter.baseline.model import FeatureType
from model_exporter.batch.columns import MAX_TEXT
from model_exporter.config.durations import Duration
from model_exporter.config.file_schema import FileKeys
from model_exporter.config.forward_schema import ForwardKeys
from model_exporter.config.keys import ContradictionError, Keys, Name
from model_exporter.config.outcome_schema import (
    BusinessKeys,
    Group,
    ModelPrivacyKeys,
    OutcomeKeys,
    PrivacyKeys,
    SegmentKeys,
)
from model_exporter.config.settings import (
    DEFAULT_FAIRNESS_GAP,
    Drift,
    JoinStoreKind,
    Learn,
    Limits,
    ModelKind,
    Settings,
)
from model_exporter.config.threshold_schema import FeatureThresholdKeys, ThresholdKeys
from model_exporter.config.trace_schema import TraceKeys

_LEARN: Final = Learn()
_DRIFT: Final = Drift()
_LIMITS: Final = Limits()

Value = Annotated[str, Meta(max_length=MAX_TEXT, title=f"text of at most {MAX_TEXT} characters")]
Category = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT, title=f"text of 1 to {MAX_TEXT} characters")]
Url = Annotated[str, Meta(pattern=r"^https?://\S+$", title="a web address (http:// or https://)")]
Share = Annotated[float, Meta(gt=0, lt=1)]
ShareOrNone = Annotated[float, Meta(ge=0, lt=1)]
Seconds = Annotated[float, Meta(gt=0)]
Tolerance = Annotated[float, Meta(ge=0, le=10)]
Weight = Annotated[float, Meta(gt=0, le=1000)]
Rows = Annotated[int, Meta(ge=100, le=10_000_000)]
Count = Annotated[int, Meta(ge=1, le=10**12, title="a whole number from 1 to 10^12")]
Depth = Annotated[int, Meta(ge=1, le=100)]
RecordMapping = Annotated[object, Meta(title="a mapping of records")]
Tier = Annotated[int, Meta(ge=1, le=5)]


class LearnKeys(Keys, frozen=True):
    """`learn`."""

    rows: Annotated[Rows, Meta(description="Predictions to watch before a baseline is frozen.")] = _LEARN.rows
    stable_for: Annotated[
        Duration,
        Meta(
            description="Time that those predictions must span at least, during which they did not change. From 7d on "
            "hours of the day get baselines of their own, as far as there are 1,000 rows for each."
        ),
    ] = Duration(_LEARN.stable_for_seconds)


class ModelLearnKeys(Keys, frozen=True):
    """`models.NAME.learn`."""

    rows: Annotated[Rows | None, Meta(description="As `learn.rows`, which it overrides.", examples=[5000])] = None
    stable_for: Annotated[Duration | None, Meta(description="As `learn.stable_for`, which it overrides.")] = None


class DriftKeys(Keys, frozen=True):
    """`drift`."""

    false_pages: Annotated[
        Duration, Meta(description="Time between two false pages of one model, in the mean and at least.")
    ] = Duration(_DRIFT.page.patience_seconds)
    false_tickets: Annotated[
        Duration, Meta(description="Time between two false tickets of one model, in the mean and at least.")
    ] = Duration(_DRIFT.ticket.patience_seconds)
    page_tolerance: Annotated[
        Tolerance,
        Meta(
            description="Divergence from the baseline not worth a page: a mean shift of d sd has d squared. A daily "
            "rhythm is drift unless the baseline knows the hours (7 days and more), or its divergence is below this."
        ),
    ] = _DRIFT.page.tolerance
    ticket_tolerance: Annotated[Tolerance, Meta(description="Divergence from the baseline not worth a ticket.")] = (
        _DRIFT.ticket.tolerance
    )
    pairs: Annotated[
        bool, Meta(description="Whether a change of the dependence between two numeric features is told.")
    ] = _DRIFT.pairs


class ModelDriftKeys(Keys, frozen=True):
    """`models.NAME.drift`."""

    false_pages: Annotated[
        Duration | None, Meta(description="As `drift.false_pages`, which it overrides.", examples=["180d"])
    ] = None
    false_tickets: Annotated[
        Duration | None, Meta(description="As `drift.false_tickets`, which it overrides.", examples=["7d"])
    ] = None
    page_tolerance: Annotated[
        Tolerance | None, Meta(description="As `drift.page_tolerance`, which it overrides.", examples=[0.02])
    ] = None
    ticket_tolerance: Annotated[
        Tolerance | None, Meta(description="As `drift.ticket_tolerance`, which it overrides.", examples=[0.005])
    ] = None
    pairs: Annotated[bool | None, Meta(description="As `drift.pairs`, which it overrides.", examples=[False])] = None


class LimitKeys(Keys, frozen=True):
    """`limits`."""

    request_bytes: Annotated[
        Count, Meta(description="Bytes of one request, as sent and again after decompression.")
    ] = _LIMITS.request_bytes
    queue_rows: Annotated[
        Count, Meta(description="Records that wait for the writer; beyond it senders are told to come back.")
    ] = _LIMITS.queue_rows
    queue_bytes: Annotated[Count, Meta(description="Request bytes of the records that wait for the writer.")] = (
        _LIMITS.queue_bytes
    )
    record_attributes: Annotated[
        Count, Meta(description="Values of one record; the rest of them are dropped and counted.")
    ] = _LIMITS.record_attributes
    nesting: Annotated[Depth, Meta(description="Maps within maps in one record.")] = _LIMITS.nesting
    name_length: Annotated[Count, Meta(description="Characters of a model, version, feature or prediction id.")] = (
        _LIMITS.name_length
    )
    models: Annotated[Count, Meta(description="Models, the configured ones included.")] = _LIMITS.models
    versions_per_model: Annotated[
        Count, Meta(description="Versions of one model that have series at the same time.")
    ] = _LIMITS.versions_per_model
    features_per_model: Annotated[Count, Meta(description="Features and outputs of one model.")] = (
        _LIMITS.features_per_model
    )
    upstreams_per_model: Annotated[
        Count, Meta(description="Upstream services of one model, and as many data sources.")
    ] = _LIMITS.upstreams_per_model
    error_types_per_model: Annotated[
        Count, Meta(description="Error types of one model; further ones are counted together.")
    ] = _LIMITS.error_types_per_model
    groups_per_segment: Annotated[
        Count, Meta(description="Groups of one segment; further ones are counted together.")
    ] = _LIMITS.groups_per_segment
    series: Annotated[
        Count, Meta(description="Series of all models together; each takes about 650 bytes of memory.")
    ] = _LIMITS.series
    series_per_model: Annotated[
        Count, Meta(description="Series of one model, so that a wide one leaves room for the others.")
    ] = _LIMITS.series_per_model
    monitor_schemas: Annotated[Count, Meta(description="Schemas of BentoML's monitors that are remembered.")] = (
        _LIMITS.monitor_schemas
    )
    learning_cells: Annotated[
        Count, Meta(description="Values that all models together hold while they learn a baseline: rows x features.")
    ] = _LIMITS.learning_cells
    recent_ids: Annotated[
        Count, Meta(description="Predictions remembered, so that one sent twice is counted once.")
    ] = _LIMITS.recent_ids
    outcomes: Annotated[
        Count, Meta(description="Outcomes that wait for their prediction; beyond it the oldest are given up.")
    ] = _LIMITS.outcomes
    remembered_predictions: Annotated[
        Count,
        Meta(description="Predictions remembered for their outcomes; beyond it a sample of them that fits is kept."),
    ] = _LIMITS.remembered_predictions
    exchanges: Annotated[
        Count, Meta(description="Requests and responses of payload loggers that wait for each other.")
    ] = _LIMITS.exchanges
    exchange_bytes: Annotated[Count, Meta(description="Bytes that those take.")] = _LIMITS.exchange_bytes
    remembered_bytes: Annotated[
        Count, Meta(description="Bytes on disk of those predictions and outcomes; the sample is made to fit here too.")
    ] = _LIMITS.remembered_bytes
    followed_files: Annotated[Count, Meta(description="Log files that are followed at the same time.")] = (
        _LIMITS.followed_files
    )
    expire_after: Annotated[
        Duration,
        Meta(
            description="Silence after which the series of a model version are dropped; those of its performance stay "
            "while outcomes of its predictions may come."
        ),
    ] = Duration(_LIMITS.expire_after_seconds)


class JoinKeys(Keys, frozen=True):
    """`join`."""

    store: Annotated[
        JoinStoreKind | None,
        Meta(
            description="Where predictions and outcomes wait for each other: in a file, or in a server that replicas "
            "share which get outcomes of each other's predictions. Without this key, as `url` says.",
            examples=["sqlite"],
        ),
    ] = None
    url: Annotated[
        str,
        Meta(
            title="the address of a server",
            description="The server, for all but sqlite. It may hold a password and is never told.",
            examples=["redis://127.0.0.1:6379/0"],
        ),
    ] = ""


class VersionKeys(Keys, frozen=True):
    """`models.NAME.versions`."""

    approved: Annotated[
        tuple[Name, ...],
        Meta(description="Versions that may serve. Others are shown as not approved.", examples=[["1.4.2"]]),
    ] = ()


class FeatureKeys(Keys, frozen=True):
    """`models.NAME.features.NAME`, inputs and outputs alike."""

    type: Annotated[
        FeatureType | None,
        Meta(description="How values are read and compared. Without this key, the type that the baseline holds."),
    ] = None
    min: Annotated[float | None, Meta(description="Smallest valid number.", examples=[0])] = None
    max: Annotated[float | None, Meta(description="Largest valid number.", examples=[100])] = None
    categories: Annotated[
        Annotated[tuple[Category, ...], Meta(min_length=1)] | None,
        Meta(description="The valid categories; any other is invalid.", examples=[["yes", "no"]]),
    ] = None
    required: Annotated[
        bool | None,
        Meta(
            description="Whether a record without it violates the schema. Without this key, the baseline decides.",
            examples=[True],
        ),
    ] = None
    missing: Annotated[
        tuple[Value, ...], Meta(description="Texts that stand for a missing value.", examples=[["N/A"]])
    ] = ()
    weight: Annotated[
        Weight | None,
        Meta(
            description="Part of the model's false alarms that it may have, relative to other features, which have 1.",
            examples=[2],
        ),
    ] = None
    thresholds: Annotated[
        FeatureThresholdKeys,  # type: ignore[valid-type]  # made from the table of signals
        Meta(description="Where this feature's signals alarm, in the place of the model's thresholds."),
    ] = field(default_factory=FeatureThresholdKeys)

    def __post_init__(self) -> None:
        """Refuse keys that contradict each other."""
        for key, value in (("min", self.min), ("max", self.max)):
            if value is not None and self.type not in {FeatureType.NUMERIC, None}:
                raise ContradictionError(
                    key,
                    problem=f"a feature of type {self.type.value} has no {key}",
                    remedy=f"Remove {key}, or write `type: numeric`",
                )
            if value is not None and self.categories is not None:
                raise ContradictionError(
                    key, problem=f"a feature has {key} or categories, not both", remedy="Remove one of the two"
                )
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ContradictionError(
                "max",
                problem=f"{self.max:g} is not above min, {self.min:g}",
                remedy="Write a larger max or a smaller min",
            )
        if self.categories is not None and self.type not in {FeatureType.CATEGORICAL, None}:
            raise ContradictionError(
                "categories",
                problem=f"a feature of type {self.type.value} has no categories",
                remedy="Remove categories, or write `type: categorical`",
            )


class LatencyKeys(Keys, frozen=True):
    """`models.NAME.slo.latency_seconds`."""

    p50: Annotated[Seconds | None, Meta(description="Objective for half of the predictions.", examples=[0.05])] = None
    p90: Annotated[Seconds | None, Meta(description="Objective for 90 % of them.", examples=[0.1])] = None
    p95: Annotated[Seconds | None, Meta(description="Objective for 95 % of them.", examples=[0.15])] = None
    p99: Annotated[Seconds | None, Meta(description="Objective for 99 % of them.", examples=[0.2])] = None


class ObjectiveKeys(Keys, frozen=True):
    """`models.NAME.slo`. Each objective is exported as a `model_threshold` series."""

    availability: Annotated[
        Share | None, Meta(description="Share of predictions that must not fail.", examples=[0.999])
    ] = None
    latency_seconds: Annotated[
        LatencyKeys, Meta(description="Latency that a share of the predictions must keep, by quantile.")
    ] = field(default_factory=LatencyKeys)
    schema_violations: Annotated[
        ShareOrNone | None, Meta(description="Share of predictions that may violate the schema.", examples=[0.01])
    ] = None
    performance: Annotated[
        dict[str, float],
        Meta(description="Objective of each metric of performance, as `accuracy: 0.9`; the kind says which there are."),
    ] = field(default_factory=dict)
    fairness_gap: Annotated[
        Share | None,
        Meta(
            description="Largest difference of a rate between two groups; of an error, in parts of the mean absolute "
            f"error. {DEFAULT_FAIRNESS_GAP:g} for a model with segments.",
            examples=[0.05],
        ),
    ] = None


class ModelKeys(Keys, frozen=True):
    """`models.NAME`."""

    kind: Annotated[ModelKind | None, Meta(description="What the model predicts.")] = None
    owner: Annotated[
        Name,
        Meta(description="The team that answers for the model; alerts are routed by it.", examples=["payments-ml"]),
    ] = ""
    tier: Annotated[Tier | None, Meta(description="How much depends on the model; 1 is the most.", examples=[2])] = None
    runbook_url: Annotated[
        Url, Meta(description="Where its runbook is.", examples=["https://wiki.example.org/fraud"])
    ] = ""
    baseline: Annotated[
        str,
        Meta(
            min_length=1,
            title="a path",
            description="File that `model_exporter baseline build` wrote, relative to the configuration file.",
            examples=["baselines/fraud.json"],
        ),
    ] = ""
    learn: Annotated[
        ModelLearnKeys, Meta(description="When to learn the baseline from live traffic. Excludes `baseline`.")
    ] = field(default_factory=ModelLearnKeys)
    drift: Annotated[ModelDriftKeys, Meta(description="What it takes for drift to be told.")] = field(
        default_factory=ModelDriftKeys
    )
    versions: Annotated[VersionKeys, Meta(description="Which versions are expected.")] = field(
        default_factory=VersionKeys
    )
    features: Annotated[dict[str, FeatureKeys], Meta(description="What is known of features and outputs, by name.")] = (
        field(default_factory=dict)
    )
    outcome: Annotated[OutcomeKeys, Meta(description="How the truth arrives.")] = field(default_factory=OutcomeKeys)
    segments: Annotated[
        dict[str, Group | SegmentKeys],
        Meta(description="Groups to compare with each other, by name: `feature.NAME`, `segment.NAME`, or a mapping."),
    ] = field(default_factory=dict)
    slo: Annotated[ObjectiveKeys, Meta(description="Service-level objectives.")] = field(default_factory=ObjectiveKeys)
    thresholds: Annotated[
        ThresholdKeys,  # type: ignore[valid-type]  # made from the table of signals
        Meta(
            description="Where signals alarm, in the place of what the rules have built in. Exported as "
            "`model_threshold` series, those of features as `model_feature_threshold`."
        ),
    ] = field(default_factory=ThresholdKeys)
    catalogue: Annotated[
        Count | None,
        Meta(
            description="Items that there are to recommend, for the share of them that is recommended.",
            examples=[5000],
        ),
    ] = None
    business: Annotated[
        dict[str, BusinessKeys],
        Meta(
            description="Business indicators, by name. Expressions read `prediction`, `score`, `outcome`, "
            "`feature.NAME`, `segment.NAME` and `value.NAME`; they have numbers, texts, `+ - * /`, "
            "`== != < <= > >=`, `and`, `or`, `not` and brackets. A value that is not known counts nowhere."
        ),
    ] = field(default_factory=dict)
    privacy: Annotated[ModelPrivacyKeys, Meta(description="Values that are not kept as they were sent.")] = field(
        default_factory=ModelPrivacyKeys
    )


class PairingKeys(Keys, frozen=True):
    """`pairing`."""

    wait: Annotated[
        Duration,
        Meta(
            description="How long a request that a payload logger told of waits for its response before it counts as "
            "failed. Longer than the slowest answer of a model."
        ),
    ] = Duration(Settings().pairing_wait_seconds)


class RootKeys(Keys, frozen=True):
    """The whole file."""

    environment: Annotated[
        Name, Meta(description="Where this runs; stands on the ownership series.", examples=["production"])
    ] = ""
    learn: Annotated[
        LearnKeys, Meta(description="When a model without a baseline has been watched for long enough to get one.")
    ] = field(default_factory=LearnKeys)
    drift: Annotated[DriftKeys, Meta(description="What it takes for drift to be told, for every model.")] = field(
        default_factory=DriftKeys
    )
    join: Annotated[JoinKeys, Meta(description="How predictions meet their outcomes.")] = field(
        default_factory=JoinKeys
    )
    pairing: Annotated[
        PairingKeys, Meta(description="How requests and responses of payload loggers meet (KServe, Seldon, Azure ML).")
    ] = field(default_factory=PairingKeys)
    forward: Annotated[
        ForwardKeys, Meta(description="Another OTLP endpoint that gets every OTLP request too, such as a Collector.")
    ] = field(default_factory=ForwardKeys)
    limits: Annotated[LimitKeys, Meta(description="Bounds on what input can make grow; a metric counts each hit.")] = (
        field(default_factory=LimitKeys)
    )
    privacy: Annotated[PrivacyKeys, Meta(description="The secret that hashes of sensitive values are keyed by.")] = (
        field(default_factory=PrivacyKeys)
    )
    traces: Annotated[TraceKeys, Meta(description="Which spans are requests for predictions.")] = field(
        default_factory=TraceKeys
    )
    files: Annotated[
        tuple[FileKeys, ...],
        Meta(
            description="Log files to follow, besides those of `--logs.file`. Lines count once, across rotation, "
            "truncation and restarts, as scrapes of Prometheus see them."
        ),
    ] = ()
    mappings: Annotated[
        dict[str, RecordMapping],
        Meta(
            description="How records of other shapes are read, by name: conditions (`when`) and a path for each native "
            "field (`fields`). `model_exporter mapping --help` tells the language, `mapping show NAME` prints those "
            "built in, which one of the same name replaces."
        ),
    ] = field(default_factory=dict)
    models: Annotated[
        dict[str, ModelKeys], Meta(description="Models by name. Others are registered as they appear.")
    ] = field(default_factory=dict)
