import numpy as np
import pytest

from baselines import column
from model_exporter.baseline.coerce import (
    coerce_boolean,
    coerce_categorical,
    coerce_numeric,
    is_quantity,
    number_text,
    parse_number,
)
from model_exporter.batch import Words
from model_exporter.batch.columns import ABSENT

NOTHING: list[object] = [ABSENT, None, ""]


def _words(words: Words) -> list[str | None]:
    return [words.words[code] if code >= 0 else None for code in words.codes.tolist()]


def test_numbers_pass_through_without_a_copy() -> None:
    """A column of finite numbers, the usual case, costs one look at each number."""
    cells = column([1.0, 2.0])
    assert coerce_numeric(cells).values is cells.numbers


def test_numeric_cells_are_judged_one_by_one() -> None:
    """Each kind of cell lands in its own mask, and only usable ones have a value."""
    values = [1, True, " 2.5 ", "nan", float("inf"), "1e999", "abc", "1_000", [1], "N/A", *NOTHING]
    found = coerce_numeric(column(values), frozenset({"N/A"}))
    assert found.usable.tolist() == [True] * 3 + [False] * 10
    assert found.values[:3].tolist() == [1.0, 1.0, 2.5]
    assert np.isnan(found.values[3:]).all()
    assert np.flatnonzero(found.nonfinite).tolist() == [3, 4, 5]
    assert np.flatnonzero(found.bad_type).tolist() == [6, 7, 8]
    assert np.flatnonzero(found.missing).tolist() == [9, 10, 11, 12]


def test_a_number_that_stands_for_missing_is_one_as_text_only() -> None:
    """A configured text does not catch the number that it spells: senders who mean a text send one."""
    found = coerce_numeric(column(["-999", -999]), frozenset({"-999"}))
    assert found.missing.tolist() == [True, False]
    assert found.usable.tolist() == [False, True]


def test_boolean_cells_are_judged_one_by_one() -> None:
    """Booleans, 0, 1 and the words true and false are truth values; anything else present is of a bad type."""
    values = [True, False, 1, 0.0, "TRUE", "False", 2, "yes", {}, float("nan"), "?", *NOTHING]
    found = coerce_boolean(column(values), frozenset({"?"}))
    assert found.values.tolist() == [True, False] * 3 + [False] * 8
    assert np.flatnonzero(found.usable).tolist() == [0, 1, 2, 3, 4, 5]
    assert np.flatnonzero(found.bad_type).tolist() == [6, 7, 8]
    assert np.flatnonzero(found.nonfinite).tolist() == [9]
    assert np.flatnonzero(found.missing).tolist() == [10, 11, 12, 13]


def test_texts_pass_through_without_a_copy() -> None:
    """A column of texts only is not recoded."""
    cells = column(["DE", "AT"])
    assert coerce_categorical(cells)[0] is cells.texts


def test_categorical_cells_are_judged_one_by_one() -> None:
    """Numbers and booleans become text, so that 3, 3.0 and "3" are one category."""
    values = ["3", 3, 3.0, 0.5, True, False, [1], float("nan"), "N/A", *NOTHING]
    words, missing, bad_type = coerce_categorical(column(values), frozenset({"N/A"}))
    assert _words(words) == ["3", "3", "3", "0.5", "true", "false", *[None] * 6]
    assert len(set(words.words)) == len(words.words)
    assert np.flatnonzero(bad_type).tolist() == [6]
    assert np.flatnonzero(missing).tolist() == [7, 8, 9, 10, 11]


def test_no_rows_make_no_cells() -> None:
    """An empty column is empty under every type."""
    empty = column([])
    assert len(coerce_numeric(empty).values) == len(coerce_boolean(empty).values) == 0
    assert len(coerce_categorical(empty)[0].codes) == 0


@pytest.mark.parametrize(
    ("number", "text"),
    [(3.0, "3"), (-0.0, "0"), (0.1, "0.1"), (1e300, "1e+300"), (2.0**53, "9007199254740992.0"), (-17.0, "-17")],
)
def test_a_number_as_text_is_short_and_exact(number: float, text: str) -> None:
    """Whole numbers lose their point; those beyond 2^53 keep the float's own spelling, which is bounded."""
    assert number_text(number) == text
    assert float(text) == number


@pytest.mark.parametrize("text", ["", " ", "1_000", "0x10", "٣", "1,5", "--1", "DE"])
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    """Underscores and digits of other scripts, which Python's float takes, are no number here."""
    assert parse_number(text) is None


@pytest.mark.parametrize(("text", "quantity"), [("0.5", True), ("-3", True), (" 7 ", True), ("0", True), ("1e5", True)])
def test_numbers_may_be_quantities(text: str, quantity: object) -> None:
    """Ordinary numbers are quantities."""
    assert is_quantity(text) is quantity


@pytest.mark.parametrize("text", ["007", "-01", "00", "inf", "nan", "1_0", "", "x"])
def test_codes_are_no_quantities(text: str) -> None:
    """A leading zero marks a code, such as a postal code; non-finite values are no quantity either."""
    assert not is_quantity(text)
