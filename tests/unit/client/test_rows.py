"""Rows of whatever a service holds them in."""

from collections import UserDict

import numpy as np
import pyarrow as pa
import pytest

from model_exporter.client.rows import row_of, rows_of
from model_exporter.client.values import UnsendableError

ROWS = [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]


class Frame:
    """As much of a pandas table as is used of one; tests/e2e/test_python_client_service.py has the real one."""

    columns = ("x", ("y", "z"))

    def __init__(self, *rows: tuple[object, ...]) -> None:
        self._rows = rows

    def itertuples(self, *, index: bool, name: str | None) -> list[tuple[object, ...]]:
        """The rows."""
        assert not index
        assert name is None
        return list(self._rows)


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        tuple(ROWS),
        iter(ROWS),
        {"x": [1, 2], "y": ["a", "b"]},
        {"x": np.array([1, 2]), "y": ("a", "b")},
        pa.table({"x": [1, 2], "y": ["a", "b"]}),
        [UserDict(row) for row in ROWS],
    ],
    ids=lambda data: type(data).__name__,
)
def test_rows_of_named_cells(data: object) -> None:
    """Lists of maps, maps of columns and tables say the same."""
    assert [dict(row) for row in rows_of(data, ())] == ROWS


def test_a_frame_has_its_labels() -> None:
    """Labels of several levels are joined by dots."""
    assert rows_of(Frame((1, 2), (3, 4)), ()) == [{"x": 1, "y.z": 2}, {"x": 3, "y.z": 4}]


def test_a_matrix_has_given_names_or_places() -> None:
    """An array knows no names."""
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert rows_of(matrix, ("a", "b")) == [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]
    assert rows_of(matrix, ()) == [{"0": 1.0, "1": 2.0}, {"0": 3.0, "1": 4.0}]
    assert rows_of([[1, 2]], ("a", "b")) == [{"a": 1, "b": 2}]


def test_one_row() -> None:
    """A matrix or table of one row is a row; an array is, too; nothing is a row without features."""
    assert row_of(np.array([[1.0, 2.0]]), ("a", "b")) == {"a": 1.0, "b": 2.0}
    assert row_of(np.array([1.0]), ()) == {"0": 1.0}
    assert row_of(Frame((1, 2)), ()) == {"x": 1, "y.z": 2}
    assert row_of(pa.table({"x": [1]}), ()) == {"x": 1}
    assert row_of(None, ("a",)) == {}


@pytest.mark.parametrize("data", [Frame((1, 2), (3, 4)), np.zeros((2, 2)), [1, 2, 3]], ids=["frame", "matrix", "names"])
def test_what_is_not_one_row(data: object) -> None:
    """Several rows, or more cells than names, are told as such."""
    with pytest.raises(UnsendableError, match=r"rows|names") as caught:
        row_of(data, ("a", "b"))
    assert caught.value.reason == "row_mismatch"


@pytest.mark.parametrize(
    "data", ["text", 5, object(), {"x": [1], "y": [1, 2]}, {"x": 1}], ids=lambda data: type(data).__name__
)
def test_what_is_no_batch(data: object) -> None:
    """Anything else is refused."""
    with pytest.raises(UnsendableError):
        rows_of(data, ())
