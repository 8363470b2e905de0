"""Every metric the exporter can expose, named once.

Other rooms count by these names through `Telemetry`; rules, dashboards and documentation are checked against them.
Labels stand in the order in which `Telemetry` and the writers give their values.
"""

from functools import partial
from typing import Final

from model_exporter.expose import call_catalogue, file_catalogue, forward_catalogue, truth_catalogue
from model_exporter.expose.metric import Group, Metric, MetricType, each
from model_exporter.ports import Door, Signal

_COUNTER, _GAUGE, _HISTOGRAM = MetricType.COUNTER, MetricType.GAUGE, MetricType.HISTOGRAM
_MODEL: Final = ("model",)
_VERSION: Final = ("model", "version")
_FEATURE: Final = (*_VERSION, "feature", "role")
_WINDOW: Final = (*_FEATURE, "window")
_BASELINE_BIN: Final = ("model", "feature", "role", "baseline", "bin")
_LEVEL: Final = (*_VERSION, "level")
_FEATURE_LEVEL: Final = (*_FEATURE, "level")

_identity = partial(Metric, group=Group.IDENTITY)
MODEL_INFO: Final = _identity(
    "model_info", MetricType.INFO, "A model version that the exporter keeps series of.", (*_VERSION, "kind")
)
OWNERSHIP: Final = _identity(
    "model_ownership_timestamp_seconds",
    _GAUGE,
    "When the running configuration, which says whose the model is, was loaded; a label that it says nothing of is "
    "empty.",
    ("model", "owner", "tier", "environment", "runbook_url"),
)
CHANGE: Final = _identity(
    "model_change_timestamp_seconds", _GAUGE, "When something about the model last changed.", ("model", "change")
)
VERSION_APPROVED: Final = _identity(
    "model_version_approved", _GAUGE, "Whether the configuration approves of the version.", _VERSION
)
VERSION_ACTIVE: Final = _identity(
    "model_version_active", _GAUGE, "Whether the version most recently took over the traffic.", _VERSION
)
VERSION_FIRST_SEEN: Final = _identity(
    "model_version_first_seen_timestamp_seconds", _GAUGE, "When the version was first seen.", _VERSION
)
THRESHOLD: Final = _identity(
    "model_threshold",
    _GAUGE,
    "Threshold of a signal, in the signal's own unit, that the rules compare with.",
    ("model", "signal", "severity"),
)
FEATURE_THRESHOLD: Final = _identity(
    "model_feature_threshold",
    _GAUGE,
    "Threshold of a signal of one feature, in the signal's own unit, in the place of the model's.",
    ("model", "feature", "role", "signal", "severity"),
)

_traffic = partial(Metric, group=Group.TRAFFIC)
PREDICTIONS: Final = _traffic(
    "model_predictions_total", _COUNTER, "Predictions, failed ones included, duplicates left out.", _VERSION
)
ERRORS: Final = _traffic(
    "model_prediction_errors_total",
    _COUNTER,
    "Predictions that failed, by type of error; they are among all predictions too.",
    (*_VERSION, "error_type"),
)
DURATION: Final = _traffic("model_prediction_duration_seconds", _HISTOGRAM, "Time that predictions took.", _VERSION)
SLOW: Final = _traffic(
    "model_slow_predictions_total",
    _COUNTER,
    "Predictions slower than the latency objective of a quantile, out of those whose duration is known; a reload that "
    "moves the objective does not begin them anew.",
    (*_VERSION, "objective"),
)
LAST_PREDICTION: Final = _traffic(
    "model_last_prediction_timestamp_seconds", _GAUGE, "Event time of the newest prediction.", _VERSION
)
UPSTREAM_DURATION: Final = _traffic(
    "model_upstream_duration_seconds",
    _HISTOGRAM,
    "Time that calls of the model's service to others took.",
    ("model", "upstream"),
)
UPSTREAM_ERRORS: Final = _traffic(
    "model_upstream_errors_total",
    _COUNTER,
    "Calls of the model's service to others that failed.",
    ("model", "upstream"),
)

_quality = partial(Metric, group=Group.QUALITY)
VALUES: Final = _quality(
    "model_feature_values_total", _COUNTER, "Values of the feature that held anything, usable or not.", _FEATURE
)
MISSING: Final = _quality(
    "model_feature_missing_total", _COUNTER, "Predictions whose feature was absent or null.", _FEATURE
)
INVALID: Final = _quality(
    "model_feature_invalid_total", _COUNTER, "Values of the feature that cannot be right.", (*_FEATURE, "reason")
)
OUTLIERS: Final = _quality(
    "model_feature_outliers_total", _COUNTER, "Usable numbers outside the fences of the baseline.", _FEATURE
)
VIOLATIONS: Final = _quality(
    "model_schema_violations_total",
    _COUNTER,
    "Deviations from the schema, one a record and feature.",
    (*_VERSION, "reason"),
)
VIOLATING: Final = _quality(
    "model_violating_predictions_total",
    _COUNTER,
    "Predictions that deviate from the schema, each counted once.",
    _VERSION,
)
DUPLICATES: Final = _quality(
    "model_duplicate_predictions_total", _COUNTER, "Predictions that had been counted before.", _VERSION
)
SOURCE: Final = _quality(
    "model_source_timestamp_seconds", _GAUGE, "When a data source of the model last ran.", ("model", "source")
)

_distribution = partial(Metric, group=Group.DISTRIBUTION)
BIN_OBSERVATIONS: Final = _distribution(
    "model_feature_bin_observations_total",
    _COUNTER,
    "Predictions by the bin of the baseline that their value fell in.",
    (*_FEATURE, "baseline", "bin"),
)
BASELINE_BIN: Final = _distribution("model_baseline_bin_observations", _GAUGE, "Baseline rows by bin.", _BASELINE_BIN)
BASELINE_UPPER: Final = _distribution(
    "model_baseline_bin_upper_bound", _GAUGE, "Inclusive upper bound of a bin of numbers.", _BASELINE_BIN
)
BASELINE_WAVE: Final = _distribution(
    "model_baseline_wave",
    _GAUGE,
    "Largest divergence (chi-squared) of an hour of the day from all rows of the baseline, where hours were measured.",
    ("model", "feature", "role", "baseline"),
)
BASELINE_ROWS: Final = _distribution(
    "model_baseline_rows", _GAUGE, "Rows that the baseline was built from.", ("model", "baseline")
)
BASELINE_CREATED: Final = _distribution(
    "model_baseline_created_timestamp_seconds", _GAUGE, "When the baseline was built.", ("model", "baseline")
)
BASELINE_STABLE: Final = _distribution(
    "model_baseline_stable",
    _GAUGE,
    "Whether the rows of a learned baseline agreed with each other; 1 for a built one.",
    ("model", "baseline"),
)
LEARNING: Final = _distribution(
    "model_baseline_learning_ratio", _GAUGE, "Share of the learning of a baseline that is done.", _MODEL
)

_verdict = partial(Metric, group=Group.VERDICTS)
DRIFT_EVIDENCE: Final = _verdict(
    "model_drift_evidence",
    _GAUGE,
    "Log evidence that the version's traffic has drifted from the baseline by more than the tolerance; 0 is the alarm.",
    _LEVEL,
)
DRIFT_DETECTED: Final = _verdict(
    "model_drift_detected", _GAUGE, "Whether the alarm of the level is on; it ends well below where it began.", _LEVEL
)
DRIFT_ONSET: Final = _verdict(
    "model_drift_onset_timestamp_seconds", _GAUGE, "When the detected drift began, by estimate.", _LEVEL
)
FEATURE_DRIFT_EVIDENCE: Final = _verdict(
    "model_feature_drift_evidence",
    _GAUGE,
    "Log evidence of the feature; at 0 this feature alone gives the model's alarm.",
    _FEATURE_LEVEL,
)
FEATURE_DRIFT_DETECTED: Final = _verdict(
    "model_feature_drift_detected", _GAUGE, "Whether the alarm of the level names the feature.", _FEATURE_LEVEL
)
FEATURE_DRIFT_ONSET: Final = _verdict(
    "model_feature_drift_onset_timestamp_seconds",
    _GAUGE,
    "When the detected drift of the feature began, by estimate.",
    _FEATURE_LEVEL,
)
FEATURE_DRIFT_SHAPE: Final = _verdict(
    "model_feature_drift_shape_ratio",
    _GAUGE,
    "Share of a detected feature's evidence that bets on one kind of change have earned.",
    (*_FEATURE_LEVEL, "shape"),
)
DRIFT_PATIENCE: Final = _verdict(
    "model_drift_patience_seconds",
    _GAUGE,
    "Least mean time between false alarms of the level: of features, their pairs, performance and business indicators.",
    ("model", "level"),
)
DRIFT_TOLERANCE: Final = _verdict(
    "model_drift_tolerance",
    _GAUGE,
    "Divergence from the baseline (chi-squared) that does not matter; a shift of the mean by d standard deviations has "
    "about the square of d.",
    ("model", "level"),
)
MULTIVARIATE_EVIDENCE: Final = _verdict(
    "model_multivariate_drift_evidence",
    _GAUGE,
    "Log evidence that numeric features depend on each other otherwise than in the baseline; 0 is the alarm.",
    _LEVEL,
)
MULTIVARIATE_DETECTED: Final = _verdict(
    "model_multivariate_drift_detected",
    _GAUGE,
    "Whether the alarm of the level on the dependence between features is on.",
    _LEVEL,
)
PAIR_EVIDENCE: Final = _verdict(
    "model_pair_drift_evidence",
    _GAUGE,
    "Log evidence of a pair of features that the alarm on their dependence names; at most 20 of a version and level.",
    (*_FEATURE, "other", "other_role", "level"),
)
ANOMALY_EVIDENCE: Final = _verdict(
    "model_anomaly_evidence",
    _GAUGE,
    "How unusual the operational signals of the last slot are together: log of T2 over its limit; 0 is the alarm.",
    _VERSION,
)
ANOMALY_CONTRIBUTION: Final = _verdict(
    "model_anomaly_contribution",
    _GAUGE,
    "Part of the anomaly that the signal makes; below 0 for a signal that is lower than usual.",
    (*_VERSION, "signal"),
)

_drift = partial(Metric, group=Group.DRIFT)
PSI: Final = _drift(
    "model_drift_psi", _GAUGE, "Population stability index of the window against the baseline, in nats.", _WINDOW
)
PSI_NULL: Final = _drift(
    "model_drift_psi_null",
    _GAUGE,
    "Mean that the index has without drift, for so many rows in the window and in the baseline.",
    _WINDOW,
)
PSI_DEBIASED: Final = _drift(
    "model_drift_psi_debiased",
    _GAUGE,
    "Population stability index less its mean without drift; may be below 0.",
    _WINDOW,
)
PSI_THRESHOLD: Final = _drift(
    "model_drift_psi_threshold",
    _GAUGE,
    "Index that one window of a hundred exceeds while the divergence is within the tolerance of tickets.",
    _WINDOW,
)
SHIFT_SCORE: Final = _drift(
    "model_drift_shift_score",
    _GAUGE,
    "Difference of the window from the baseline, over what chance gives in one window of a hundred; 1 is the limit.",
    _WINDOW,
)
JS_DISTANCE: Final = _drift(
    "model_drift_js_distance", _GAUGE, "Jensen-Shannon distance of the window from the baseline.", _WINDOW
)
KS_DISTANCE: Final = _drift(
    "model_drift_ks_distance", _GAUGE, "Kolmogorov-Smirnov distance of the window from the baseline.", _WINDOW
)
WASSERSTEIN: Final = _drift(
    "model_drift_wasserstein_ratio",
    _GAUGE,
    "Wasserstein distance of the window from the baseline, in standard deviations of the baseline.",
    _WINDOW,
)
WINDOW_OBSERVATIONS: Final = _drift(
    "model_window_observations", _GAUGE, "Predictions in the window that the feature was binned for.", _WINDOW
)
WINDOW_PREDICTIONS: Final = _drift(
    "model_window_predictions", _GAUGE, "Predictions in the window.", (*_VERSION, "window")
)

_LIMITS_HIT: Final = (
    "series",
    "models",
    "features_per_model",
    "versions_per_model",
    "upstreams_per_model",
    "error_types_per_model",
    "finish_reasons_per_version",
    "groups_per_segment",
    "learning_cells",
    "exchanges",
    "monitor_schemas",
    "followed_files",
)
_RECORDS_BEGUN: Final = tuple(
    (door.value, signal.value, outcome)
    for door, signals in (
        (Door.OTLP_GRPC, (Signal.LOGS, Signal.TRACES)),
        (Door.OTLP_HTTP, (Signal.LOGS, Signal.TRACES)),
        (Door.HTTP, (Signal.PREDICTIONS, Signal.OUTCOMES, Signal.EVENTS, Signal.RECORDS)),
        (Door.CLOUD_EVENTS, (Signal.EXCHANGES,)),
        (Door.AZURE_ML, (Signal.EXCHANGES,)),
        (Door.FILE, (Signal.PREDICTIONS,)),
    )
    for signal in signals
    for outcome in ("accepted", "rejected")
)
BUILD_INFO: Final = Metric(
    "model_exporter_build_info", _GAUGE, "The exporter and the Python that runs it.", ("version", "python_version")
)
REQUESTS: Final = Metric(
    "model_exporter_requests_total", _COUNTER, "Requests by what became of them.", ("door", "signal", "outcome")
)
REQUEST_BYTES: Final = Metric(
    "model_exporter_request_bytes_total",
    _COUNTER,
    "Bytes of request bodies as sent.",
    ("door",),
    each(*(door.value for door in Door)),
)
RECORDS: Final = Metric(
    "model_exporter_records_total",
    _COUNTER,
    "Records by what became of them: accepted, rejected or ignored.",
    ("door", "signal", "outcome"),
    _RECORDS_BEGUN,
)
REJECTED_RECORDS: Final = Metric(
    "model_exporter_rejected_records_total", _COUNTER, "Records refused one by one, by reason.", ("reason",)
)
DROPPED_RECORDS: Final = Metric(
    "model_exporter_dropped_records_total",
    _COUNTER,
    "Records accepted but not counted, by reason.",
    ("reason",),
    each("model_limit", "series_limit", "queue_full"),
)
DROPPED_VALUES: Final = Metric(
    "model_exporter_dropped_values_total",
    _COUNTER,
    "Values left out of records that were kept, by reason.",
    ("reason",),
)
IGNORED_RECORDS: Final = Metric(
    "model_exporter_ignored_records_total", _COUNTER, "Records that are not about predictions, by reason.", ("reason",)
)
UNPAIRED: Final = Metric(
    "model_exporter_unpaired_events_total",
    _COUNTER,
    "Events of payload loggers whose other half, the response or the request, did not come.",
    ("door", "half", "reason"),
    tuple(
        (door.value, half, reason)
        for door in (Door.CLOUD_EVENTS, Door.AZURE_ML)
        for half in ("request", "response")
        for reason in ("timeout", "no_room", "shutdown")
    ),
)
REPEATED_EVENTS: Final = Metric(
    "model_exporter_repeated_events_total",
    _COUNTER,
    "Events of payload loggers that had come before.",
    ("door",),
    each(Door.CLOUD_EVENTS.value, Door.AZURE_ML.value),
)
CLOCK_SKEW: Final = Metric(
    "model_exporter_clock_skew_records_total",
    _COUNTER,
    "Records whose time was too far from the exporter's clock and was replaced by it.",
    ("direction",),
    each("future", "past"),
)
LIMIT: Final = Metric("model_exporter_limit", _GAUGE, "A configured limit, in its own unit.", ("limit",))
LIMIT_USAGE: Final = Metric(
    "model_exporter_limit_usage", _GAUGE, "How much of a limit is taken, in its own unit.", ("limit",)
)
LIMIT_HITS: Final = Metric(
    "model_exporter_limit_hits_total",
    _COUNTER,
    "Rows or values that a limit turned away.",
    ("limit",),
    each(*_LIMITS_HIT),
)
QUEUE_ROWS: Final = Metric("model_exporter_queue_rows", _GAUGE, "Records that wait for the writer.")
QUEUE_CAPACITY: Final = Metric("model_exporter_queue_capacity_rows", _GAUGE, "Records that may wait for the writer.")
SERIES: Final = Metric("model_exporter_series", _GAUGE, "Series that all models take together.")
MODEL_SERIES: Final = Metric(
    "model_exporter_model_series", _GAUGE, "Series that one model takes, reserved ones included.", ("model",)
)
MODEL_MEMORY: Final = Metric(
    "model_exporter_model_memory_bytes",
    _GAUGE,
    "Memory that one model takes with full windows, estimated from its series and pairs of features.",
    ("model",),
)
MODELS: Final = Metric("model_exporter_models", _GAUGE, "Models that the exporter keeps series of.")
SNAPSHOT_TIMESTAMP: Final = Metric(
    "model_exporter_snapshot_timestamp_seconds", _GAUGE, "When the exposed picture of the models was taken."
)
SNAPSHOT_DURATION: Final = Metric(
    "model_exporter_snapshot_duration_seconds", _GAUGE, "Time that taking the last picture of the models took."
)
WRITER_CPU: Final = Metric(
    "model_exporter_writer_cpu_seconds_total", _COUNTER, "Processor time spent on adding records to windows.", (), ((),)
)
SCRAPE_DURATION: Final = Metric(
    "model_exporter_scrape_duration_seconds", _GAUGE, "Time that writing the last scrape took.", ("format",)
)
RELOAD_SUCCESSFUL: Final = Metric(
    "model_exporter_config_last_reload_successful", _GAUGE, "Whether the last load of the configuration succeeded."
)
RELOAD_TIMESTAMP: Final = Metric(
    "model_exporter_config_last_reload_success_timestamp_seconds", _GAUGE, "When the configuration was last loaded."
)
OUTCOMES_KEPT: Final = Metric("model_exporter_outcomes_kept", _GAUGE, "Outcomes kept for the join with predictions.")
OUTCOMES_EVICTED: Final = Metric(
    "model_exporter_outcomes_evicted_total",
    _COUNTER,
    "Outcomes given up before the join, by reason.",
    ("reason",),
    each("limit"),
)
STORAGE_FAILURES: Final = Metric(
    "model_exporter_storage_failures_total",
    _COUNTER,
    "Times that records were refused because they could not be kept.",
    ("store",),
    each("outcomes", "positions"),
)
CORRUPT_STATE: Final = Metric(
    "model_exporter_corrupt_state_total",
    _COUNTER,
    "Files of kept state that could not be read and were set aside.",
    ("store",),
    each("baseline", "outcomes", "checkpoint", "schemas", "positions"),
)
CHECKPOINT_TIMESTAMP: Final = Metric(
    "model_exporter_checkpoint_timestamp_seconds",
    _GAUGE,
    "When the evidence that is on disk was taken; a restart goes on from there.",
)
CHECKPOINT_SIZE: Final = Metric(
    "model_exporter_checkpoint_size_bytes", _GAUGE, "Size of evidence and performance on disk."
)
CHECKPOINT_FAILURES: Final = Metric(
    "model_exporter_checkpoint_failures_total",
    _COUNTER,
    "Times that evidence and performance could not be written.",
    (),
    ((),),
)
SCHEMA_WRITE_FAILURES: Final = Metric(
    "model_exporter_schema_write_failures_total",
    _COUNTER,
    "Times that what monitors tell of their columns could not be written.",
    (),
    ((),),
)

_process = partial(Metric, group=Group.PROCESS)
PROCESS_CPU: Final = _process("process_cpu_seconds_total", _COUNTER, "Processor time used, user and system.")
PROCESS_RESIDENT: Final = _process("process_resident_memory_bytes", _GAUGE, "Resident memory.")
PROCESS_VIRTUAL: Final = _process("process_virtual_memory_bytes", _GAUGE, "Virtual memory.")
PROCESS_OPEN_FDS: Final = _process("process_open_fds", _GAUGE, "Open file descriptors.")
PROCESS_MAX_FDS: Final = _process("process_max_fds", _GAUGE, "File descriptors that may be open.")
PROCESS_START: Final = _process("process_start_time_seconds", _GAUGE, "When the process started.")

_ALL: Final = (
    *call_catalogue.METRICS,
    *truth_catalogue.METRICS,
    *(value for value in tuple(globals().values()) if isinstance(value, Metric)),
    *forward_catalogue.METRICS,
    *file_catalogue.METRICS,
)
CATALOGUE: Final = tuple(sorted(_ALL, key=lambda metric: list(Group).index(metric.group)))
"""All of the above and of the modules beside this one, in the order of exposition."""
BY_NAME: Final = {metric.name: metric for metric in CATALOGUE}
