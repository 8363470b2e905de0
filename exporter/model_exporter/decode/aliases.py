"""What real systems call things: names as data, first match wins."""

from collections.abc import Iterable, Mapping
from typing import Final

Names = tuple[str, ...]


class Field:
    """What a key of a record may say, apart from a feature's value.

    Plain numbers, because naming a member of an enum takes 100 ns (Python 3.11), a dozen times a record.
    """

    EVENT_NAME: Final = 1
    MODEL: Final = 2
    VERSION: Final = 3
    ID: Final = 4
    FEATURES: Final = 5
    PREDICTION: Final = 6
    SCORE: Final = 7
    PROBABILITIES: Final = 8
    LATENCY_MILLISECONDS: Final = 9
    LATENCY_SECONDS: Final = 10
    ERROR: Final = 11
    TIME: Final = 12
    OUTCOME: Final = 13
    VALUES: Final = 14
    CHANGE: Final = 15
    SOURCE: Final = 16
    BENTO: Final = 17
    REQUEST: Final = 18
    SEGMENTS: Final = 19
    LOWER: Final = 20
    UPPER: Final = 21
    INTERVAL: Final = 22
    HORIZON: Final = 23
    NAIVE: Final = 24
    FLAT_SEGMENTS: Final = 25  # the keys with `SEGMENT_PREFIX` under their bare names, as a map
    FLAT_VALUES: Final = 26  # those with `VALUE_PREFIX`


MODEL: Final[Names] = (
    "model.name",
    "model_name",
    "triton.model_name",
    "gen_ai.response.model",
    "gen_ai.request.model",
    "llm.model_name",
)
VERSION: Final[Names] = ("model.version", "model_version", "triton.model_version")

CALLER_MODEL: Final[Names] = ("model.name", "model_name")
"""A CLIENT span's `gen_ai.*` and `llm.*` attributes name the model that is called, not the one that calls."""

LOG_FIELDS: Final[Mapping[int, Names]] = {
    Field.EVENT_NAME: ("event.name",),
    Field.MODEL: MODEL,
    Field.VERSION: VERSION,
    Field.ID: ("prediction.id", "prediction_id", "inference_id"),
    Field.REQUEST: ("request_id", "triton.request_id"),  # all rows of a request share it
    Field.FEATURES: ("features",),
    Field.PREDICTION: ("prediction", "prediction.value"),
    Field.SCORE: ("score",),
    Field.PROBABILITIES: ("probabilities", "prediction_proba", "y_pred_proba"),
    Field.LATENCY_MILLISECONDS: ("latency_ms", "execution_time_ms"),
    Field.LATENCY_SECONDS: ("latency_seconds",),
    Field.ERROR: ("error.type", "error_type", "exception.type"),
    Field.TIME: ("timestamp",),
    Field.OUTCOME: ("outcome", "label"),
    Field.VALUES: ("values",),
    Field.CHANGE: ("change", "event"),
    Field.SOURCE: ("source",),
    Field.BENTO: ("bento_meta",),
    Field.SEGMENTS: ("segments", "segment"),
    Field.LOWER: ("lower", "prediction.lower", "prediction_lower", "lower_bound", "yhat_lower"),
    Field.UPPER: ("upper", "prediction.upper", "prediction_upper", "upper_bound", "yhat_upper"),
    Field.INTERVAL: ("interval", "prediction.interval", "prediction_interval"),
    Field.HORIZON: ("horizon", "prediction.horizon", "forecast_horizon"),
    Field.NAIVE: ("naive", "prediction.naive", "naive_forecast"),
}
"""Keys of an OTLP LogRecord's attributes and body."""

_SHORT: Final[Mapping[int, Names]] = {
    Field.MODEL: ("model",),
    Field.VERSION: ("version",),
    Field.ID: ("id",),
    Field.ERROR: ("error",),
    Field.TIME: ("time",),
}

NATIVE_FIELDS: Final[Mapping[int, Names]] = {
    field: (*_SHORT.get(field, ()), *names)
    for field, names in LOG_FIELDS.items()
    if field not in (Field.EVENT_NAME, Field.BENTO)
}
"""Keys of a record posted to `/v1/predictions`, `/v1/outcomes` or `/v1/events`, where short names cannot clash."""

FEATURE_PREFIX: Final = "feature."
VALUE_PREFIX: Final = "value."
SEGMENT_PREFIX: Final = "segment."

PREFIXED: Final[Mapping[int, str]] = {Field.FLAT_SEGMENTS: SEGMENT_PREFIX, Field.FLAT_VALUES: VALUE_PREFIX}
"""Fields that are all keys with a prefix, apart from features."""

INTERVAL_ENDS: Final[Mapping[int, Names]] = {
    Field.LOWER: ("lower", "low", "min"),
    Field.UPPER: ("upper", "high", "max"),
}
"""Keys of an interval that is a map; one that is an array has the lower end first."""

ITEM: Final[Names] = ("item", "item_id", "id")
"""Keys of a ranking's item that is a map, such as `{"item": "a", "score": 0.9}`."""

HTTP_METHOD: Final[Names] = ("http.request.method", "http.method")
HTTP_STATUS: Final[Names] = ("http.response.status_code", "http.status_code")
URL_PATH: Final[Names] = ("url.path", "http.target", "http.url", "url.full")
URL_FULL: Final[Names] = ("url.full", "http.url")
RPC_SYSTEM: Final[Names] = ("rpc.system.name", "rpc.system")
RPC_SERVICE: Final[Names] = ("rpc.service",)
RPC_METHOD: Final[Names] = ("rpc.method",)
RPC_STATUS: Final[Names] = ("rpc.grpc.status_code", "rpc.response.status_code", "rpc.status_code")
ERROR_TYPE: Final[Names] = ("error.type",)
EXCEPTION_TYPE: Final[Names] = ("exception.type",)
UPSTREAM: Final[Names] = (
    "peer.service",
    "server.address",
    "net.peer.name",
    "db.system.name",
    "db.system",
    "rpc.service",
)

PREDICTING_METHODS: Final = frozenset({"POST", "PUT"})
BODILESS_METHODS: Final = frozenset({"HEAD", "OPTIONS"})
"""Methods that are never answered by a prediction, whatever the configuration says of their path."""
SIDE_ENDPOINTS: Final = frozenset(
    {
        "health",
        "healthy",
        "healthz",
        "live",
        "liveness",
        "livez",
        "metrics",
        "ping",
        "readiness",
        "ready",
        "readyz",
        "status",
    }
)
"""Last segments of the paths that probes and scrapers ask for."""
SIDE_RPC_SERVICES: Final = ("grpc.health.", "grpc.reflection.")
"""Prefixes of gRPC services that predict nothing."""
SIDE_RPC_METHODS: Final = frozenset(
    {
        "ServerLive",
        "ServerReady",
        "ModelReady",
        "ServerMetadata",
        "ModelMetadata",
        "ModelStatistics",
        "RepositoryIndex",
        "RepositoryModelLoad",
        "RepositoryModelUnload",
    }
)
"""Methods of the open inference protocol (V2) that predict nothing."""
BLIND_SCOPES: Final = frozenset({"opentelemetry.instrumentation.grpc"})
"""Python's gRPC instrumentation gives a call whose handler raised the code 0 and no status, but an event `exception`;
its caller gets the code UNKNOWN."""
INNER_SCOPES: Final = frozenset({"triton-server"})
"""Triton gives the kind SERVER to the whole request, to each model and to each computation (server/src/tracer.cc);
only the spans that carry a model are predictions."""


def first(attributes: Mapping[str, object], names: Iterable[str]) -> object:
    """The value of the first of `names` that `attributes` holds with anything in it; None when there is none."""
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value
    return None
