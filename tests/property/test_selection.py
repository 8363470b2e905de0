"""Rows of columns and batches, taken apart and put together."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from batches import batch_of
from model_exporter.batch import Batch, Column, join_batches, take_rows

values = st.one_of(st.none(), st.floats(allow_nan=False), st.booleans(), st.sampled_from(["a", "b", "", "c"]))
rows = st.lists(st.tuples(values, values), min_size=1, max_size=30)


def batch(part: Sequence[tuple[object, object]], *names: str) -> Batch:
    """A batch of two features."""
    first, second = zip(*part, strict=True)
    ids = [f"id{index}" for index in range(len(part))]
    return batch_of({names[0]: first, names[1]: second}, ids=ids, errors=["E" if x == "a" else None for x in first])


def cells(column: Column) -> list[object]:
    """What a person would read in each cell."""
    texts = column.texts
    return [
        (kind, texts.words[texts.codes[row]] if texts and texts.codes[row] >= 0 else None, repr(number))
        for row, (kind, number) in enumerate(zip(column.kinds.tolist(), column.numbers.tolist(), strict=True))
    ]


@given(rows, st.integers(0, 30))
def test_joined_parts_are_the_whole(stream: list[tuple[object, object]], cut: int) -> None:
    """Taking a batch apart and joining the parts gives the same cells, ids and errors."""
    whole = batch(stream, "x", "y")
    indices = np.arange(len(stream))
    joined = join_batches([take_rows(whole, indices[:cut]), take_rows(whole, indices[cut:])])
    assert joined.ids == whole.ids
    assert [cells(column) for column in joined.columns] == [cells(column) for column in whole.columns]
    assert [joined.errors.words[code] if code >= 0 else None for code in joined.errors.codes] == [
        whole.errors.words[code] if code >= 0 else None for code in whole.errors.codes
    ]


@given(rows, rows)
def test_a_column_that_a_part_lacks_is_absent_there(
    first: list[tuple[object, object]], second: list[tuple[object, object]]
) -> None:
    """Joining records of two shapes gives the columns of both, absent where a record had none."""
    joined = join_batches([batch(first, "x", "y"), batch(second, "y", "z")])
    assert [column.name for column in joined.columns] == ["x", "y", "z"]
    assert joined.columns[0].kinds[len(first) :].tolist() == [0] * len(second)
    assert joined.columns[2].kinds[: len(first)].tolist() == [0] * len(first)
    assert joined.rows == len(first) + len(second)
