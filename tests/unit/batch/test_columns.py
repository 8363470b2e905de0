import math
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pytest

from model_exporter.batch.columns import ABSENT, MAX_TEXT, Column, Kind, Role, Words, column_from_values


def _column(values: Sequence[object]) -> Column:
    return column_from_values("amount", Role.INPUT, values)


def _kinds(column: Column) -> list[int]:
    return [int(kind) for kind in column.kinds]


def _texts(column: Column) -> list[str | None]:
    if column.texts is None:
        return [None] * len(column.kinds)
    return [column.texts.words[code] if code >= 0 else None for code in column.texts.codes.tolist()]


def test_a_column_keeps_name_role_and_dtypes() -> None:
    """The arrays have the documented types, so that rooms after the decoder need no conversion."""
    column = column_from_values("score", Role.OUTPUT, [0.5, None])
    assert (column.name, column.role) == ("score", Role.OUTPUT)
    assert column.kinds.dtype == np.uint8
    assert column.numbers.dtype == np.float64


def test_no_values_make_an_empty_column() -> None:
    """Zero rows are a column of length zero without text."""
    column = _column([])
    assert (len(column.kinds), len(column.numbers), column.texts) == (0, 0, None)


def test_each_python_type_has_its_kind() -> None:
    """A mixed column tells absent, null, numbers, booleans, text and nested values apart."""
    column = _column([ABSENT, None, 1, 2.5, True, "de", "", {"a": 1}, [1], b"x", 1j])
    assert _kinds(column) == [
        Kind.ABSENT,
        Kind.NULL,
        Kind.NUMBER,
        Kind.NUMBER,
        Kind.BOOLEAN,
        Kind.TEXT,
        Kind.NULL,
        Kind.NESTED,
        Kind.NESTED,
        Kind.NESTED,
        Kind.NESTED,
    ]


def test_numbers_are_nan_where_the_cell_is_no_number() -> None:
    """Absence is not zero: only NUMBER and BOOLEAN cells have a value."""
    column = _column([ABSENT, None, 1, 2.5, True, False, "3", "", {}])
    np.testing.assert_array_equal(column.numbers, [math.nan, math.nan, 1, 2.5, 1, 0, math.nan, math.nan, math.nan])


def test_a_boolean_among_numbers_stays_boolean() -> None:
    """A bool is an int to Python, and still not a NUMBER here."""
    assert _kinds(_column([1, True, 0.5])) == [Kind.NUMBER, Kind.BOOLEAN, Kind.NUMBER]


def test_text_that_looks_like_a_number_is_text() -> None:
    """Nothing is parsed: the column says what was sent."""
    column = _column(["1.5", "nan", 2])
    assert _kinds(column) == [Kind.TEXT, Kind.TEXT, Kind.NUMBER]
    np.testing.assert_array_equal(column.numbers, [math.nan, math.nan, 2])


def test_subclasses_count_as_the_scalar_they_derive_from() -> None:
    """The float64 and str_ of numpy, and string enums, are floats and strings like any other."""

    class Colour(StrEnum):
        RED = "red"

    column = _column([np.float64(1.5), np.str_("blue"), Colour.RED])
    assert _kinds(column) == [Kind.NUMBER, Kind.TEXT, Kind.TEXT]
    assert _texts(column) == [None, "blue", "red"]
    assert column.numbers[0] == 1.5


def test_non_finite_numbers_are_numbers() -> None:
    """NaN and infinity keep the kind NUMBER; judging them is the window's work."""
    column = _column([math.nan, math.inf, -math.inf])
    assert set(_kinds(column)) == {Kind.NUMBER}
    np.testing.assert_array_equal(column.numbers, [math.nan, math.inf, -math.inf])


@pytest.mark.parametrize("others", [(), (None,)])
def test_integers_beyond_floats_become_infinite_with_their_sign(others: tuple[object, ...]) -> None:
    """An integer of 400 digits is non-finite, and its neighbours keep their values."""
    column = _column([10**400, -(10**400), 7, *others])
    np.testing.assert_array_equal(column.numbers[:3], [math.inf, -math.inf, 7])


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64, -(2**64), 10**300])
def test_large_integers_are_rounded_as_python_rounds_them(number: int) -> None:
    """No integer wraps around on its way to float64."""
    assert _column([number]).numbers.tolist() == [float(number)]
    assert _column([number, None]).numbers[0] == float(number)


def test_equal_texts_share_a_word() -> None:
    """Each distinct text is stored once, in the order first seen."""
    column = _column(["de", "fr", "de", None])
    assert column.texts is not None
    assert column.texts.words == ("de", "fr")
    assert column.texts.codes.tolist() == [0, 1, 0, -1]


@pytest.mark.parametrize("values", [("",), ("", None), (ABSENT, ""), (1.0, "")])
def test_empty_text_alone_makes_no_words(values: tuple[object, ...]) -> None:
    """A column without a TEXT cell has no texts, even if empty strings were sent."""
    column = column_from_values("a", Role.INPUT, values)
    assert Kind.TEXT not in _kinds(column)
    assert column.texts is None


def test_text_up_to_the_limit_is_kept() -> None:
    """MAX_TEXT characters pass unchanged."""
    assert _texts(_column(["x" * MAX_TEXT])) == ["x" * MAX_TEXT]


def test_longer_text_keeps_its_head_and_a_digest() -> None:
    """Long texts stay within the limit, recognisable, and distinct from each other."""
    first, second, again = _texts(_column(["x" * 1000 + "a", "x" * 1000 + "b", "x" * 1000 + "a"]))
    assert first is not None
    assert len(first) == MAX_TEXT
    assert first.startswith("x" * 100)
    assert first != second
    assert first == again


@pytest.mark.parametrize("text", ["\ud800", "ok\udfff", "\udc80" * 500])
def test_lone_surrogates_become_escapes(text: str) -> None:
    """JSON may carry half a surrogate pair; what leaves the column can be written as UTF-8."""
    (kept,) = _texts(_column([text]))
    assert kept is not None
    kept.encode("utf-8")
    assert len(kept) <= MAX_TEXT
    assert "\\ud" in kept


def test_text_beyond_ascii_is_untouched() -> None:
    """Real characters, astral ones included, are kept as they are."""
    assert _texts(_column(["Österreich", "東京", "👍"])) == ["Österreich", "東京", "👍"]


def test_words_code_nothing_as_minus_one() -> None:
    """None and the empty text have no word."""
    words = Words.from_texts(["a", None, "", "b", "a"])
    assert words.words == ("a", "b")
    assert words.codes.dtype == np.int32
    assert words.codes.tolist() == [0, -1, -1, 1, 0]
