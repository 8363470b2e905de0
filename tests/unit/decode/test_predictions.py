"""Prediction logs in OTLP/protobuf."""

import math

import numpy as np
import pytest

from model_exporter.batch import Kind, Origin, Role
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.decode.rows import MAX_BATCH_ROWS
from model_exporter.ports import Encoding, Signal
from otlp_messages import T0_NS, decode_logs, inputs, log_record, logs_request, outputs, payload, prediction, rows


def test_a_native_record_becomes_one_row() -> None:
    """Everything a `model.prediction` record may say ends up in its place."""
    decoded = decode_logs(
        log_record(
            {
                "model.name": "fraud",
                "model.version": "1.4.2",
                "prediction.id": "p-1",
                "features": {"amount": 12.5, "country": "DE", "known": True},
                "prediction": "approve",
                "score": 0.25,
                "segment.region": "eu",
                "latency_ms": 12,
                "error.type": "Timeout",
            },
            event_name="model.prediction",
            time_ns=T0_NS,
        ),
        resource={"service.name": "scoring"},
    )
    (batch,) = decoded.batches
    assert (batch.model, batch.version, batch.service, batch.origin) == ("fraud", "1.4.2", "scoring", Origin.LOG)
    assert batch.ids == ("p-1",)
    assert batch.times.tolist() == [1_800_000_000.0]
    assert batch.latency_seconds.tolist() == [0.012]
    assert batch.errors.words == ("Timeout",)
    assert inputs(decoded) == {"amount": 12.5, "country": "DE", "known": True}
    assert outputs(decoded) == {"prediction": "approve", "score": 0.25}


def test_what_is_absent_stays_absent() -> None:
    """A record with nothing but a feature has no time, latency, id, error or key."""
    decoded = decode_logs(prediction(feature__a=1.0))
    (batch,) = decoded.batches
    assert np.isnan(batch.times).all()
    assert np.isnan(batch.latency_seconds).all()
    assert batch.ids == ("",)
    assert batch.keys.tolist() == [0]
    assert batch.errors.codes.tolist() == [-1]
    assert decoded.ignored is None
    assert decoded.dropped_values is None


def test_flat_features_and_a_map_are_the_same() -> None:
    """`feature.x` and `features: {x: ...}` name the same input."""
    flat = decode_logs(prediction(feature__a=1.5, feature__b="x"))
    nested = decode_logs(prediction(features={"a": 1.5, "b": "x"}))
    assert rows(flat) == rows(nested)


def test_flat_features_win_over_the_map() -> None:
    """Given in both ways, the flat one counts."""
    assert inputs(decode_logs(prediction(features={"a": 1.0, "b": 2.0}, feature__a=3.0))) == {"a": 3.0, "b": 2.0}


def test_columns_are_in_the_order_first_seen() -> None:
    """Inputs first, then outputs, each in the order in which the records brought them."""
    decoded = decode_logs(prediction(feature__b=1, prediction="x"), prediction(feature__a=1, feature__b=2, score=0.5))
    (batch,) = decoded.batches
    assert [column.name for column in batch.columns] == ["b", "a", "prediction", "score"]


def test_a_missing_key_is_an_absent_cell() -> None:
    """A record without a feature that others have: ABSENT, not NULL; before and after the feature first appears."""
    decoded = decode_logs(prediction(feature__a=1.0), prediction(feature__b=2.0), prediction(feature__a=None))
    (batch,) = decoded.batches
    kinds = {column.name: column.kinds.tolist() for column in batch.columns}
    assert kinds == {"a": [Kind.NUMBER, Kind.ABSENT, Kind.NULL], "b": [Kind.ABSENT, Kind.NUMBER, Kind.ABSENT]}


def test_types_are_merged_by_feature_not_by_record() -> None:
    """A feature flips between int and double from record to record (the JavaScript SDK encodes 3.0 as int 3)."""
    decoded = decode_logs(prediction(feature__a=3), prediction(feature__a=2.5), prediction(feature__a=0))
    (batch,) = decoded.batches
    assert batch.columns[0].numbers.tolist() == [3.0, 2.5, 0.0]
    assert set(batch.columns[0].kinds.tolist()) == {Kind.NUMBER}


def test_falsy_values_keep_their_type() -> None:
    """0, 0.0, -0.0, False and the empty text are not confused with each other or with absence."""
    found = inputs(decode_logs(prediction(features={"i": 0, "d": 0.0, "n": -0.0, "b": False, "s": "", "none": None})))
    assert found == {"i": 0.0, "d": 0.0, "n": 0.0, "b": False, "s": None, "none": None}
    assert math.copysign(1, found["n"]) == -1


def test_non_finite_numbers_are_kept_as_numbers() -> None:
    """NaN and infinities are NUMBER cells: the window counts them as non-finite."""
    found = inputs(decode_logs(prediction(features={"nan": math.nan, "inf": math.inf})))
    assert math.isnan(found["nan"])
    assert found["inf"] == math.inf


def test_numeric_text_stays_text() -> None:
    """The Python SDK turns numpy scalars into text ("0.5"); whether that is a number is for the schema to say."""
    assert inputs(decode_logs(prediction(feature__a="0.5"))) == {"a": "0.5"}


def test_arrays_and_bytes_are_nested_cells() -> None:
    """No scalar can be made of them."""
    assert inputs(decode_logs(prediction(features={"a": [1.0, 2.0], "b": b"\x00", "empty": []}))) == {
        "a": ...,
        "b": ...,
        "empty": ...,
    }


def test_nested_maps_get_dotted_names() -> None:
    """OTLP allows maps in any attribute since 1.9.0; an empty map has no scalar in it, but is there."""
    found = inputs(decode_logs(prediction(features={"user": {"age": 41, "home": {"city": "Ulm"}}, "none": {}})))
    assert found == {"user.age": 41.0, "user.home.city": "Ulm", "none": ...}


def test_features_may_be_an_array() -> None:
    """Features without names are named by their position."""
    assert inputs(decode_logs(prediction(features=[5.1, "x"]))) == {"0": 5.1, "1": "x"}


def test_features_may_be_json_text() -> None:
    """Python SDKs before 1.39 drop nested attributes, so people log `json.dumps(features)`."""
    assert inputs(decode_logs(prediction(features='{"a": 1, "b": {"c": "x"}}'))) == {"a": 1.0, "b.c": "x"}
    assert math.isnan(inputs(decode_logs(prediction(features='{"a": NaN}')))["a"])


@pytest.mark.parametrize("features", ["{broken", "just text", 5, "[" * 5000])
def test_features_of_no_use_are_counted(features: object) -> None:
    """Features that are neither map nor array are left out, with a count; the prediction is kept."""
    decoded = decode_logs(prediction(features=features, prediction="a"))
    assert decoded.accepted == 1
    assert decoded.dropped_values == {"bad_features": 1}


def test_probabilities_by_class() -> None:
    """A map gives one output a class."""
    assert outputs(decode_logs(prediction(probabilities={"yes": 0.75, "no": 0.25}))) == {
        "probabilities.yes": 0.75,
        "probabilities.no": 0.25,
    }


@pytest.mark.parametrize("name", ["probabilities", "prediction_proba", "y_pred_proba"])
def test_probabilities_as_an_array(name: str) -> None:
    """An array gives one output a position."""
    found = outputs(decode_logs(prediction(**{name: [0.75, 0.25]})))
    assert found == {"probabilities.0": 0.75, "probabilities.1": 0.25}


def test_a_single_probability_is_a_score() -> None:
    """NannyML's `y_pred_proba` of a binary model is one number."""
    assert outputs(decode_logs(prediction(y_pred_proba=0.75))) == {"score": 0.75}


def test_a_prediction_may_be_a_map() -> None:
    """Its members become outputs under dotted names."""
    assert outputs(decode_logs(prediction(prediction={"label": "a", "n": 2}))) == {
        "prediction.label": "a",
        "prediction.n": 2.0,
    }


@pytest.mark.parametrize(
    "attributes",
    [{"prediction": "x"}, {"prediction.value": 1}, {"score": 0.5}, {"probabilities": [0.5]}, {"feature.a": 1}],
)
def test_a_record_without_event_name_is_a_prediction_by_what_it_carries(attributes: dict[str, object]) -> None:
    """Plain loggers set no event name; one telling key is enough, in the attributes or in the body."""
    assert decode_logs(log_record(attributes)).accepted == 1
    assert decode_logs(log_record(body=attributes)).accepted == 1


@pytest.mark.parametrize(
    "record",
    [
        log_record({"code.function": "main"}, body="Worker failed to reload"),
        log_record({"prediction": "x"}, event_name="gen_ai.evaluation.result"),
        log_record({"prediction": "x", "event.name": "feature_flag.evaluation"}),
        log_record({"feature_flag.key": "k"}),
        log_record(),
    ],
)
def test_other_records_are_ignored_and_counted(record: object) -> None:
    """Auto-instrumented services log a lot besides; that is no fault of the sender."""
    decoded = decode_logs(record)  # type: ignore[arg-type]  # parametrize hides the type
    assert (decoded.accepted, decoded.rejected) == (0, 0)
    assert decoded.ignored == {"not_a_prediction": 1}


def test_the_event_name_may_be_an_attribute() -> None:
    """`event.name` was an attribute before OTLP 1.5 gave it a field."""
    assert decode_logs(log_record({"event.name": "model.prediction", "feature.a": 1})).accepted == 1


def test_attributes_come_before_the_body_and_the_body_before_the_resource() -> None:
    """A field is taken from where it is said most specifically."""
    decoded = decode_logs(
        log_record({"model.name": "a", "feature.x": 1}, body={"model.name": "b", "model.version": "2", "feature.x": 2}),
        resource={"model.name": "c", "model.version": "3", "service.name": "s"},
    )
    (batch,) = decoded.batches
    assert (batch.model, batch.version, batch.service) == ("a", "2", "s")
    assert inputs(decoded) == {"x": 1.0}


def test_the_resource_names_the_model_of_all_its_records() -> None:
    """A service of one model may say so once."""
    decoded = decode_logs(log_record({"feature.x": 1}), resource={"model.name": "c", "model.version": "3"})
    assert (decoded.batches[0].model, decoded.batches[0].version) == ("c", "3")


def test_the_first_alias_that_says_something_wins() -> None:
    """KServe sends `model_version: null` beside other names."""
    decoded = decode_logs(
        log_record(
            {"llm.model_name": "c", "model_name": "", "gen_ai.request.model": "b", "model_version": None, "score": 1}
        )
    )
    assert (decoded.batches[0].model, decoded.batches[0].version) == ("b", "")


def test_versions_and_ids_may_be_numbers() -> None:
    """Triton's `triton.model_version` is an int."""
    decoded = decode_logs(
        log_record({"triton.model_name": "m", "triton.model_version": 3, "request_id": 17, "score": 1})
    )
    assert decoded.batches[0].version == "3"
    assert decoded.batches[0].ids == ("17",)


def test_service_version_is_not_the_model_version() -> None:
    """MLServer and BentoML put the version of the server there."""
    decoded = decode_logs(prediction(score=1), resource={"service.version": "1.7.0"})
    assert decoded.batches[0].version == ""


@pytest.mark.parametrize(("resource", "service"), [({"service.name": "svc"}, "svc"), ({}, "unknown_service")])
def test_without_a_model_the_service_stands_for_it(resource: dict[str, object], service: str) -> None:
    """The specification's default for a missing service.name is unknown_service."""
    decoded = decode_logs(log_record({"score": 1}), resource=resource)
    assert (decoded.batches[0].model, decoded.batches[0].service) == ("", service)


def test_one_batch_a_model_version_and_service() -> None:
    """Batches come in the order in which their first record came."""
    decoded = decode_logs(
        prediction("b", score=1),
        prediction("a", score=2),
        prediction("b", score=3),
        prediction("b", score=4, model__version="2"),
    )
    assert [(batch.model, batch.version, batch.rows) for batch in decoded.batches] == [
        ("b", "", 2),
        ("a", "", 1),
        ("b", "2", 1),
    ]


def test_of_duplicate_keys_the_last_one_wins() -> None:
    """OTLP forbids them, senders produce them; most parsers agree on the last."""
    record = prediction(feature__a=1.0)
    record.attributes.add(key="feature.a").value.double_value = 2.0
    assert inputs(decode_logs(record)) == {"a": 2.0}


@pytest.mark.parametrize(
    ("record", "time"),
    [
        (log_record({"score": 1, "timestamp": 5.0}, time_ns=T0_NS, observed_ns=1), 1_800_000_000.0),
        (log_record({"score": 1, "timestamp": 1_700_000_000.5}, observed_ns=T0_NS), 1_700_000_000.5),
        (log_record({"score": 1}, body={"timestamp": "2026-01-01T00:00:00Z"}), 1_767_225_600.0),
        (log_record({"score": 1}, observed_ns=T0_NS), 1_800_000_000.0),
    ],
)
def test_the_time_of_a_record(record: object, time: float) -> None:
    """The record's time, else its `timestamp`, else when it was observed (Python's SDK may leave the time out)."""
    assert decode_logs(record).batches[0].times.tolist() == [time]  # type: ignore[arg-type]  # parametrize hides it


def test_an_unreadable_time_is_counted() -> None:
    """The record is kept without a time."""
    decoded = decode_logs(prediction(score=1, timestamp="yesterday"))
    assert np.isnan(decoded.batches[0].times).all()
    assert decoded.dropped_values == {"bad_time": 1}


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [({"latency_ms": 250}, 0.25), ({"execution_time_ms": "12.5"}, 0.0125), ({"latency_seconds": 0.5}, 0.5)],
)
def test_latency(attributes: dict[str, object], seconds: float) -> None:
    """Milliseconds or seconds, as numbers or as the text that the Python SDK makes of numpy scalars."""
    assert decode_logs(prediction(score=1, **attributes)).batches[0].latency_seconds.tolist() == [seconds]


@pytest.mark.parametrize("value", [-1, "fast", math.nan, math.inf, True])
def test_an_impossible_latency_is_counted(value: object) -> None:
    """The record is kept without a latency."""
    decoded = decode_logs(prediction(score=1, latency_ms=value))
    assert np.isnan(decoded.batches[0].latency_seconds).all()
    assert decoded.dropped_values == {"bad_latency": 1}


@pytest.mark.parametrize(
    ("value", "words"), [("Timeout", ("Timeout",)), (500, ("500",)), (True, ("error",)), (False, ()), ("", ())]
)
def test_error_types(value: object, words: tuple[str, ...]) -> None:
    """Text or numbers as they are; a bare true is some error; false and the empty text are none."""
    assert decode_logs(prediction(score=1, error_type=value)).batches[0].errors.words == words


def test_a_failed_prediction_needs_no_output() -> None:
    """A model that raised has nothing to show but the error."""
    decoded = decode_logs(log_record({"exception.type": "ValueError"}, event_name="model.prediction"))
    assert decoded.batches[0].errors.words == ("ValueError",)


def test_unknown_attributes_are_no_columns() -> None:
    """Segments, code locations and the like are left out silently."""
    decoded = decode_logs(prediction(score=1, segment__region="eu", code__lineno=3, deployment__environment="x"))
    assert [column.name for column in decoded.batches[0].columns] == ["score"]


def test_many_rows_come_as_several_batches() -> None:
    """A batch is bounded; nothing is lost at the seam."""
    count = MAX_BATCH_ROWS + 1
    decoded = decode_logs(*(prediction(feature__a=index) for index in range(count)))
    assert [batch.rows for batch in decoded.batches] == [MAX_BATCH_ROWS, 1]
    assert np.concatenate([batch.columns[0].numbers for batch in decoded.batches]).tolist() == list(range(count))


def test_an_empty_request_is_a_success() -> None:
    """OTLP: a request without data SHOULD succeed."""
    decoder = Decoder(Limits())
    assert decoder.decode(payload(Signal.LOGS, Encoding.PROTOBUF, b"")).accepted == 0
    assert decoder.decode(payload(Signal.TRACES, Encoding.PROTOBUF, logs_request().SerializeToString())).accepted == 0


def test_metrics_are_ignored_unread() -> None:
    """Auto-instrumented clients send metrics to the same endpoint; whatever they are is answered with success."""
    decoded = Decoder(Limits()).decode(payload(Signal.METRICS, Encoding.PROTOBUF, b"\xff\xff"))
    assert (decoded.accepted, decoded.ignored) == (0, {"metrics": 1})


def test_roles_do_not_share_names() -> None:
    """An input may be called like an output."""
    decoded = decode_logs(prediction(feature__score=1.0, score=2.0))
    assert [(column.name, column.role) for column in decoded.batches[0].columns] == [
        ("score", Role.INPUT),
        ("score", Role.OUTPUT),
    ]


def test_rows_that_share_a_request_id_are_told_apart() -> None:
    """Services log several rows of one request under its id; only the same row again is a duplicate."""
    rows = [log_record({"model.name": "m", "request_id": "r", "feature.x": x}, time_ns=5) for x in (1, 2, 1)]
    keys = decode_logs(*rows).batches[0].keys.tolist()
    assert keys[0] == keys[2]
    assert keys[0] != keys[1]
    assert 0 not in keys
