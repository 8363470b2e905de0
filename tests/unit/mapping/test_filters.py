"""What filters make of values."""

import base64
import gzip

import pytest

from model_exporter.errors import MappingError
from model_exporter.mapping import parse_path
from model_exporter.mapping.filters import FILTERS, MAX_ROWS, MAX_TEXT


def filtered(name: str, value: object) -> object:
    """`value` after the filter `name`."""
    return parse_path(f"v|{name}").value({"v": value})


def tensor(name: str, shape: list[int], data: list[object]) -> dict[str, object]:
    """A tensor of the open inference protocol."""
    return {"name": name, "shape": shape, "datatype": "FP32", "data": data}


@pytest.mark.parametrize(
    ("tensors", "rows"),
    [
        ([tensor("a", [2], [1, 2])], [1, 2]),
        ([tensor("a", [2, 1], [1, 2])], [1, 2]),
        ([tensor("a", [2, 2], [1, 2, 3, 4])], [[1, 2], [3, 4]]),
        ([tensor("a", [2, 2], [[1, 2], [3, 4]])], [[1, 2], [3, 4]]),
        ([tensor("a", [2], [1, 2]), tensor("b", [2, 1], ["x", "y"])], [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        (
            [tensor("a", [1], [1]), tensor("b", [1, 2], [3, 4])],
            [{"a": 1, "b.0": 3, "b.1": 4}],
        ),
        ([tensor("a", [], [7])], [7]),
    ],
)
def test_tensors_become_rows(tensors: list[object], rows: list[object]) -> None:
    """The first dimension of a tensor counts rows."""
    assert filtered("tensors", tensors) == rows


def test_a_wide_tensor_makes_rows_without_values() -> None:
    """A picture is no row of features, and the row still counts."""
    wide = tensor("image", [2, 3_000], [0.0] * 6_000)
    assert filtered("tensors", [wide, tensor("a", [2], [1, 2])]) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "tensors",
    [
        [],
        "text",
        [tensor("a", [3], [1, 2])],
        [tensor("a", [2], [1, 2]), tensor("b", [3], [1, 2, 3])],
        [{"name": "a", "shape": [1]}],
        [{"name": "a", "data": [1]}],
        [{"name": "a", "shape": [-1], "data": [1]}],
        [{"shape": [1], "data": [1]}],
        [{"name": "a", "shape": ["1"], "data": [1]}],
    ],
)
def test_tensors_that_lie_are_refused(tensors: object) -> None:
    """A shape that its data does not have is no tensor."""
    with pytest.raises(MappingError) as caught:
        filtered("tensors", tensors)
    assert caught.value.reason == "bad_tensor"


@pytest.mark.parametrize(
    ("capture", "value"),
    [
        ({"encoding": "CSV", "data": "1,b,\n2,c,3", "observedContentType": "text/csv"}, [[1, "b", None], [2, "c", 3]]),
        ({"encoding": "JSON", "data": '{"p": [1]}', "observedContentType": "application/json"}, {"p": [1]}),
        ({"encoding": "BASE64", "data": base64.b64encode(b'{"p": 1}').decode()}, {"p": 1}),
        (
            {"encoding": "BASE64", "data": base64.b64encode(b"1,2").decode(), "observedContentType": "text/csv"},
            [[1, 2]],
        ),
        (
            {"encoding": "JSON", "data": '{"p":1}\n{"p":2}', "observedContentType": "application/jsonlines"},
            [{"p": 1}, {"p": 2}],
        ),
    ],
)
def test_captures_are_read_by_their_encoding_and_type(capture: object, value: object) -> None:
    """What SageMaker captured comes as CSV, JSON or base64 of either."""
    assert filtered("capture", capture) == value


@pytest.mark.parametrize("capture", ["x", {}, {"data": "1", "encoding": "XML"}, {"data": 3, "encoding": "CSV"}])
def test_captures_that_are_none_are_refused(capture: object) -> None:
    """A capture has an encoding that is known, and text."""
    with pytest.raises(MappingError) as caught:
        filtered("capture", capture)
    assert caught.value.reason == "bad_capture"


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("split", {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}, [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
        ("columnar", {"a": [1, 2], "b": [3, 4]}, [{"a": 1, "b": 3}, {"a": 2, "b": 4}]),
        ("columnar", {"a": 1}, [{"a": 1}]),
        ("csv_header", "a,b\n1,x\n,y\n", [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]),
        ("csv", 'a,"b, c"\n', [["a", "b, c"]]),
        ("json_lines", "1\n\n2", [1, 2]),
        ("gunzip", gzip.compress(b"plain", mtime=0), b"plain"),
        ("first", [1, 2], 1),
        ("last", [1, 2], 2),
        ("first", [], None),
        ("number", "1.5", 1.5),
        ("number", "x", None),
        ("lower", "ABC", "abc"),
        ("text", 5, "5"),
        ("text", b"abc", "abc"),
    ],
)
def test_filters_make_tables_and_values(name: str, value: object, result: object) -> None:
    """Each filter makes what its name says."""
    assert filtered(name, value) == result


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("split", {"columns": ["a"], "data": [[1, 2]]}, "bad_table"),
        ("split", [], "bad_table"),
        ("columnar", {"a": [1], "b": [1, 2]}, "bad_table"),
        ("columnar", {"a": [1], "b": 2}, "bad_table"),
        ("csv_header", "a,b\n1\n", "bad_csv"),
        ("csv", '"open', "bad_csv"),
        ("csv", 5, "bad_csv"),
        ("json_lines", "{", "bad_json"),
        ("gunzip", b"plain", "bad_gzip"),
        ("gunzip", gzip.compress(b"plain", mtime=0)[:-4], "bad_gzip"),
        ("text", b"\xff", "bad_text"),
        ("base64", "a===", "bad_base64"),
    ],
)
def test_filters_refuse_by_reason(name: str, value: object, reason: str) -> None:
    """What a filter cannot read has a bounded reason."""
    with pytest.raises(MappingError) as caught:
        filtered(name, value)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tensors", [{"name": "x", "shape": [10**9, 0], "data": []}]),
        ("tensors", [{"name": "x", "shape": [MAX_ROWS + 1], "data": [0] * (MAX_ROWS + 1)}]),
        ("csv", "1\n" * (MAX_ROWS + 5)),
        ("csv_header", "a\n" + "1\n" * (MAX_ROWS + 5)),
        ("json_lines", "1\n" * (MAX_ROWS + 1)),
        ("columnar", {"a": [0] * (MAX_ROWS + 1)}),
        ("split", {"columns": ["a"], "data": [[0]] * (MAX_ROWS + 1)}),
    ],
)
def test_rows_are_counted_before_they_are_made(name: str, value: object) -> None:
    """What a record says of its size costs nothing."""
    with pytest.raises(MappingError) as caught:
        FILTERS[name](value)
    assert caught.value.reason == "too_many_rows"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("tensors", [{"name": "x", "shape": [1] * 33, "data": [0]}], "bad_tensor"),
        ("json", " " * (MAX_TEXT + 1), "bad_json"),
        ("gunzip", gzip.compress(b"0" * (MAX_TEXT + 1)), "bad_gzip"),
    ],
)
def test_what_would_be_too_much_work_is_refused(name: str, value: object, reason: str) -> None:
    """Shapes of a hundred dimensions, and bombs."""
    with pytest.raises(MappingError) as caught:
        FILTERS[name](value)
    assert caught.value.reason == reason
