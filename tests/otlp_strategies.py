"""OTLP log records as hypothesis makes them up: what a sender might mean, and what no one would."""

from collections.abc import Mapping

from hypothesis import strategies as st

from otlp_messages import log_record

texts = st.text(max_size=6)
broken_texts = texts | st.sampled_from(["\ud800", "a\udfffb"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | texts
    | st.binary(max_size=4)
    | st.text("x", min_size=20, max_size=30)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
keys = (
    st.sampled_from(
        [
            "model.name",
            "model_name",
            "model.version",
            "prediction.id",
            "request_id",
            "features",
            "feature.a",
            "feature.b",
            "feature.",
            "prediction",
            "prediction.value",
            "score",
            "probabilities",
            "y_pred_proba",
            "latency_ms",
            "latency_seconds",
            "error.type",
            "exception.type",
            "timestamp",
            "outcome",
            "label",
            "values",
            "value.kpi",
            "segment.a",
            "segments",
            "lower",
            "upper",
            "interval",
            "horizon",
            "naive",
            "change",
            "event",
            "source",
            "event.name",
            "bento_meta",
            "service.name",
        ]
    )
    | texts
)
names = st.sampled_from(["m", "n"])
schemas = st.dictionaries(
    st.sampled_from(["feature.a", "score", "x"]),
    st.fixed_dictionaries({"role": st.sampled_from(["feature", "prediction", "target", "other"])}) | scalars,
    max_size=3,
)
sensible = st.fixed_dictionaries(
    {},
    optional={
        "model.name": names,
        "model.version": names | st.integers(0, 3),
        "prediction.id": names,
        "features": st.dictionaries(names, scalars, max_size=2),
        "feature.a": scalars,
        "score": scalars,
        "probabilities": st.lists(scalars, max_size=2) | st.dictionaries(names, scalars, max_size=2),
        "outcome": scalars | st.lists(names, max_size=2) | st.dictionaries(names, scalars, max_size=2),
        "prediction": scalars | st.lists(names, max_size=3),
        "segment.a": scalars,
        "interval": st.lists(scalars, max_size=2),
        "value.kpi": scalars,
        "change": st.sampled_from(["deployment", "Pipeline", "schema", "other"]),
        "timestamp": st.floats(0, 1e20) | st.datetimes().map(str),
        "bento_meta": st.fixed_dictionaries({"schema": schemas, "monitor_name": names, "bento_version": names}),
    },
)
"""What a sender might well mean, against `chaos`, which no one would."""
chaos = st.dictionaries(keys, values, max_size=4)
attributes: st.SearchStrategy[Mapping[str, object]] = sensible | chaos | st.builds(dict.__or__, sensible, chaos)
times = st.just(0) | st.integers(0, 2**64 - 1)
trace_ids = st.just(b"") | st.binary(min_size=16, max_size=16)
span_ids = st.just(b"") | st.binary(min_size=8, max_size=8)
event_names = st.sampled_from(["", "", "model.prediction", "model.prediction", "model.outcome", "model.event", "other"])

log_records = st.builds(
    log_record,
    attributes,
    body=st.none() | values | attributes,
    event_name=event_names,
    time_ns=times,
    observed_ns=times,
    trace_id=trace_ids,
    span_id=span_ids,
)

scopes = st.sampled_from(["", "bentoml_monitor_data"])

plain_records = st.builds(
    log_record,
    st.fixed_dictionaries(
        {"model.name": st.sampled_from(["a", "b"])},
        optional={
            "features": st.dictionaries(st.sampled_from("xyz"), scalars | st.dictionaries(texts, scalars, max_size=2)),
            "feature.x": scalars,
            "score": scalars,
            "prediction.id": st.sampled_from(["1", "2"]),
            "model.version": st.sampled_from(["1", "2"]),
        },
    ),
    event_name=st.just("model.prediction"),
    time_ns=times,
    trace_id=trace_ids,
    span_id=span_ids,
)

usual_values = (
    st.floats()
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.sampled_from(["red", "green", "é", "", "x" * 130])
)
common = st.fixed_dictionaries(
    {"model.name": st.sampled_from(["a", "a", "b"]), "feature.x": st.floats()},
    optional={
        "model.version": st.sampled_from(["1", "2"]),
        "prediction.id": st.sampled_from(["1", "2", "é", "x" * 24]),
        **{f"feature.{name}": usual_values for name in ("y", "z", "a" * 24)},
        "prediction": usual_values,
        "score": st.floats(),
        "segment.region": usual_values,
        "latency_ms": st.floats(0, 1e6) | st.integers(0, 9),
        "error.type": st.sampled_from(["Timeout", ""]),
        "http.route": usual_values | st.lists(texts, max_size=2) | st.dictionaries(texts, texts, max_size=2),
    },
)
"""What most senders write."""
rare_values: Mapping[str, st.SearchStrategy[object]] = {
    "model.name": st.sampled_from(["", "x" * 25]) | scalars,
    "model_name": names,
    "model.version": st.integers(0, 3) | scalars,
    "prediction.id": st.just("x" * 25) | scalars,
    "prediction_id": names,
    "request_id": st.sampled_from(["1", "2"]) | scalars,
    "segments": st.dictionaries(st.sampled_from(["region", "", "a" * 17]), scalars, max_size=2) | scalars,
    "probabilities": st.dictionaries(names | st.just(""), scalars, max_size=2)
    | scalars
    | st.lists(st.floats(), max_size=2),
    "feature.map": st.dictionaries(st.sampled_from("ab"), st.floats(), max_size=1) | st.lists(st.floats()),
    "feature.": st.floats(),
    "feature." + "x" * 25: st.floats(),
    "features": st.dictionaries(st.sampled_from("xyz"), usual_values, max_size=3),
    "prediction": values | st.sampled_from(["[1, 2]", '["a"]']),
    "prediction.value": usual_values,
    "score": values,
    "segment.region": values,
    "segment.": usual_values,
    "value.gain": st.floats(),
    "latency_ms": st.floats() | st.just("5") | st.just(-1),
    "latency_seconds": st.floats() | st.integers(-1, 9),
    "error.type": st.just("x" * 30) | values,
    "timestamp": st.sampled_from(["2026-01-01", "never", ""]) | st.integers(0, 2**40),
    "event.name": st.sampled_from(["model.prediction", "model.outcome", "other", ""]) | st.just(0),
    "outcome": st.sampled_from(["yes", ""]) | st.none(),
    "bento_meta": st.just({}),
    "source": texts,
}
"""What they may write, too, once in a while."""
usual_attributes = st.builds(
    lambda usual, rare, is_reversed: dict(reversed((usual | rare).items())) if is_reversed else usual | rare,
    common,
    st.sampled_from([*[""] * 40, *rare_values]).flatmap(
        lambda key: st.fixed_dictionaries({key: rare_values[key]}) if key else st.just({})
    ),
    st.booleans(),
)

usual_records = st.builds(
    log_record,
    usual_attributes,
    body=st.none() | st.none() | texts | st.lists(texts, max_size=2),
    event_name=st.sampled_from([*["model.prediction"] * 20, *[""] * 5, "model.outcome", "other"]),
    time_ns=st.integers(10**16, 2 * 10**18),
    observed_ns=st.just(0) | st.integers(10**16, 2 * 10**18),
    trace_id=trace_ids,
    span_id=span_ids,
)
"""Records of which most are as most senders write them."""
client_records = st.builds(
    log_record,
    st.just({}) | st.just({"thread": "main"}) | st.just({"event.name": "model.prediction"}),
    body=st.fixed_dictionaries(
        {"model.name": names, "features": st.dictionaries(st.sampled_from(["x", "y", "a" * 24]), usual_values)},
        optional={
            "prediction.id": names,
            "prediction": usual_values,
            "probabilities": st.dictionaries(st.sampled_from(["yes", "no", "a" * 10]), st.floats()),
            "segments": st.dictionaries(st.sampled_from(["region", "a" * 16]), usual_values),
            "latency_seconds": st.floats(0, 9),
            "thread": texts,
        },
    )
    | usual_attributes,
    event_name=st.sampled_from(["model.prediction", "model.prediction", ""]),
    time_ns=st.integers(10**16, 2 * 10**18),
)
"""Records as the client of this project writes them: a body, in which features are a map."""
odd_records = st.builds(
    log_record,
    usual_attributes,
    body=usual_attributes,
    event_name=event_names,
    time_ns=times,
    observed_ns=times,
)
