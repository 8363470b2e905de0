"""What is refused, left out, or bounded."""

import pytest

from model_exporter.batch import Batch
from model_exporter.decode import rows as row_module
from otlp_messages import decode_logs, inputs, log_record, outputs, prediction


def test_a_model_name_that_is_too_long_rejects_its_record_only() -> None:
    """A name of 10 kB is told by its length, never quoted back."""
    decoded = decode_logs(prediction("m" * 10_240, score=1), prediction(score=1))
    assert decoded.accepted == 1
    (rejection,) = decoded.rejections
    assert (rejection.reason, rejection.records) == ("model_name", 1)
    assert rejection.message == "10240 characters, the limit is 200"


def test_a_model_name_must_be_text() -> None:
    """A number there is a mistake that no one would find again as a label."""
    (rejection,) = decode_logs(prediction(5, score=1)).rejections
    assert (rejection.reason, rejection.message) == ("model_name", "the model's name is not text but int")


def test_a_service_that_stands_for_the_model_is_bounded_as_well() -> None:
    """`service.name` becomes the model's name when the record has none."""
    (rejection,) = decode_logs(log_record({"score": 1}), resource={"service.name": "s" * 300}).rejections
    assert rejection.reason == "model_name"


def test_quotes_and_newlines_in_names_are_no_matter_of_the_decoder() -> None:
    """Exposition escapes them."""
    assert decode_logs(prediction('a"b\nc', score=1)).batches[0].model == 'a"b\nc'


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"prediction.id": "i" * 201}, "prediction_id"),
        ({"prediction.id": True}, "prediction_id"),
        ({"prediction.id": {"a": 1}}, "prediction_id"),
        ({"model.version": "v" * 201}, "model_version"),
        ({"model.version": [1]}, "model_version"),
    ],
)
def test_identifiers_are_scalars_of_bounded_length(attributes: dict[str, object], reason: str) -> None:
    """An id or version that is neither text nor number, or too long, rejects its record only."""
    decoded = decode_logs(log_record({"model.name": "m", "score": 1, **attributes}), prediction(score=1))
    assert decoded.accepted == 1
    assert [rejection.reason for rejection in decoded.rejections] == [reason]


def test_what_a_record_is_refused_for_does_not_hang_on_the_one_before() -> None:
    """1 and True are equal in Python, but only one of them is a version."""
    decoded = decode_logs(prediction(model__version=1, score=1), prediction(model__version=True, score=1))
    assert [(batch.version, batch.rows) for batch in decoded.batches] == [("1", 1)]
    assert [rejection.reason for rejection in decoded.rejections] == ["model_version"]


def test_an_explicit_prediction_without_content_is_rejected() -> None:
    """There is nothing to count but the sender's mistake."""
    (rejection,) = decode_logs(prediction(), prediction(features={})).rejections
    assert (rejection.reason, rejection.records) == ("empty_record", 2)


def test_rejections_are_counted_by_reason_with_one_example() -> None:
    """The message for the sender stays short, however many records are bad."""
    decoded = decode_logs(*[prediction() for _ in range(50)], prediction(5, score=1))
    assert decoded.rejected == 51
    assert decoded.message == (
        "50 x empty_record: a prediction without any feature, output or error; "
        "1 x model_name: the model's name is not text but int"
    )


def test_values_beyond_the_limit_are_left_out() -> None:
    """The first inputs and all outputs stay, and so does the record."""
    decoded = decode_logs(
        prediction(features={f"f{index}": index for index in range(10)}, score=0.5), record_attributes=4
    )
    assert inputs(decoded) == {"f0": 0.0, "f1": 1.0, "f2": 2.0}
    assert outputs(decoded) == {"score": 0.5}
    assert decoded.dropped_values == {"attribute_limit": 7}


def test_outputs_are_bounded_too() -> None:
    """A million classes are no reason to grow."""
    decoded = decode_logs(prediction(probabilities=[0.0] * 10, feature__a=1), record_attributes=4)
    assert len(outputs(decoded)) == 4
    assert inputs(decoded) == {}
    assert decoded.dropped_values == {"attribute_limit": 7}


def test_columns_of_a_batch_are_bounded() -> None:
    """Records that each bring other features cannot make a batch wider than one record may be."""
    decoded = decode_logs(*(prediction(features={f"f{index}": 1, "x": 2}) for index in range(10)), record_attributes=5)
    assert [column.name for column in decoded.batches[0].columns] == ["f0", "x", "f1", "f2", "f3"]
    assert decoded.accepted == 10
    assert decoded.dropped_values == {"attribute_limit": 6}


def test_long_and_empty_names_are_left_out() -> None:
    """A label value must be bounded, and an empty one is no label."""
    decoded = decode_logs(
        prediction(features={"n" * 201: 1, "": 2, "ok": 3, "m" * 200: 4}), prediction(features={"": 1})
    )
    assert list(inputs(decoded)) == ["ok", "m" * 200]
    assert inputs(decoded, row=1) == {}
    assert decoded.dropped_values == {"name_too_long": 1, "empty_name": 2}


def test_a_bad_name_does_not_hide_later_values() -> None:
    """Rows stay aligned with their columns when a name is left out of every row."""
    decoded = decode_logs(*(prediction(features={"": 0, "a": index, "b": -index}) for index in range(3)))
    assert [inputs(decoded, row) for row in range(3)] == [{"a": float(i), "b": float(-i)} for i in range(3)]


def test_maps_may_nest_up_to_the_limit() -> None:
    """Deeper ones are left out and counted, each once."""
    decoded = decode_logs(prediction(features={"a": {"b": 1}, "c": {"d": {"e": 1}}}), nesting=1)
    assert inputs(decoded) == {"a.b": 1.0}
    assert decoded.dropped_values == {"nesting_limit": 1}


def test_long_names_do_not_multiply_in_nested_maps() -> None:
    """A name that is too long is not prefixed to every one of its members."""
    decoded = decode_logs(prediction(features={"n" * 201: {"a": {"b": 1, "c": 2}}, "x": 1}))
    assert inputs(decoded) == {"x": 1.0}
    assert decoded.dropped_values == {"name_too_long": 1}


def test_error_types_are_cut() -> None:
    """An exception's type is short; a stack trace put there by mistake must not become a label."""
    (word,) = decode_logs(prediction(error_type="E" * 5000)).batches[0].errors.words
    assert word == "E" * 200


def test_one_request_cannot_tell_of_endless_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each model of a request costs a batch; there is room for a bounded number."""
    monkeypatch.setattr(row_module, "MAX_GROUPS", 3)
    decoded = decode_logs(*(prediction(f"m{index}", score=1) for index in range(5)), prediction("m0", score=1))
    assert [batch.model for batch in decoded.batches] == ["m0", "m1", "m2"]
    assert decoded.accepted == 4
    assert [(r.reason, r.records) for r in decoded.rejections] == [("too_many_models", 2)]


def test_records_without_common_features_cannot_use_up_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns are dense: records that share nothing would need the square of their number in cells."""
    monkeypatch.setattr(row_module, "MAX_CELLS", 1000)
    decoded = decode_logs(*(prediction(features={f"f{index}": 1}) for index in range(100)))
    assert sum(_cells(batch) for batch in decoded.batches) <= 1100
    assert decoded.accepted + decoded.rejected == 100
    assert [rejection.reason for rejection in decoded.rejections] == ["too_sparse"]


def test_a_small_request_cannot_make_large_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells are in proportion to the values that came, beyond a few that may be empty."""
    monkeypatch.setattr(row_module, "SPARE_CELLS", 200)
    sparse = decode_logs(*(prediction(features={f"f{index}": 1}, score=1) for index in range(100)))
    assert sum(_cells(batch) for batch in sparse.batches) <= 200 + row_module.SPARSITY * 2 * 50
    assert [rejection.reason for rejection in sparse.rejections] == ["too_sparse"]
    dense = decode_logs(*(prediction(features={f"f{index}": 1 for index in range(50)}) for _ in range(100)))
    assert (dense.accepted, dense.rejected) == (100, 0)


def test_ten_thousand_features_are_bounded() -> None:
    """10,000 distinct features over the records of one request end at the limit of one record."""
    decoded = decode_logs(
        *(prediction(features={f"f{i}": 1 for i in range(k, k + 100)}) for k in range(0, 10_000, 100))
    )
    assert len(decoded.batches[0].columns) == 2000
    assert decoded.accepted == 100
    assert decoded.dropped_values == {"attribute_limit": 8000}


def _cells(batch: Batch) -> int:
    return batch.rows * len(batch.columns)
