"""What holds of indicators whatever the expression and the rows."""

import math
from dataclasses import dataclass
from operator import add, eq, ge, gt, le, lt, mul, ne, sub, truediv

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from model_exporter.batch import Role, column_from_values
from model_exporter.indicators import (
    SUMS,
    Columns,
    Expression,
    ExpressionError,
    FieldName,
    Form,
    Indicator,
    Source,
    evaluate,
    parse,
    sums_of,
)
from model_exporter.indicators.evaluate import LARGEST

FIELDS = (
    FieldName(Source.PREDICTION),
    FieldName(Source.FEATURE, "a"),
    FieldName(Source.FEATURE, "b"),
    FieldName(Source.VALUE, "v"),
)
Value = float | str | bool | None
Row = dict[FieldName, Value]

cells = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3).map(float)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from(["x", "y", "1", "true"])
)
rows = st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, cells)), min_size=1, max_size=8)


@dataclass(frozen=True)
class Case:
    """An expression as text, with what it should be in one row, worked out the plain way: None where not known."""

    text: str
    value: object  # Row -> Value
    kind: str  # number, truth, field or text

    def of(self, row: Row) -> Value:
        """What it should be in `row`."""
        return self.value(row)  # type: ignore[operator, no-any-return]  # a function; dataclasses would bind its type


def known(value: Value) -> Value:
    """None for what is not finite or too large."""
    return None if isinstance(value, float) and not abs(value) <= LARGEST else value


def number(value: Value) -> float | None:
    """As a number."""
    value = known(value)
    return None if value is None or isinstance(value, str) else float(value)


def truth(value: Value) -> bool | None:
    """As a truth value."""
    value = number(value)
    return {0.0: False, 1.0: True}.get(value) if value is not None else None


def equal(a: Value, b: Value) -> bool | None:
    """Whether two cells are equal."""
    a, b = known(a), known(b)
    if a is None or b is None:
        return None
    return isinstance(a, str) == isinstance(b, str) and a == b


def arithmetic(symbol: str, left: Case, right: Case) -> Case:
    """Two numbers combined."""
    does = {"+": add, "-": sub, "*": mul, "/": truediv}[symbol]

    def value(row: Row) -> Value:
        a, b = number(left.of(row)), number(right.of(row))
        try:
            return None if a is None or b is None else known(float(does(a, b)))
        except (ZeroDivisionError, OverflowError):
            return None

    return Case(f"({left.text} {symbol} {right.text})", value, "number")


def comparison(symbol: str, left: Case, right: Case) -> Case:
    """Two values compared."""
    does = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}[symbol]

    def value(row: Row) -> Value:
        if symbol in {"==", "!="}:
            told = equal(left.of(row), right.of(row))
            return None if told is None else told == (symbol == "==")
        a, b = number(left.of(row)), number(right.of(row))
        return None if a is None or b is None else bool(does(a, b))

    return Case(f"({left.text} {symbol} {right.text})", value, "truth")


def logic(symbol: str, left: Case, right: Case) -> Case:
    """Two truth values combined, of three values."""

    def value(row: Row) -> Value:
        told = {truth(left.of(row)), truth(right.of(row))}
        decisive = symbol == "or"
        if decisive in told:
            return decisive
        return None if None in told else not decisive

    return Case(f"({left.text} {symbol} {right.text})", value, "truth")


fields = st.sampled_from(FIELDS).map(lambda name: Case(str(name), lambda row: row[name], "field"))
literals = st.sampled_from([0.0, 1.0, 2.5, 1e60]).map(lambda value: Case(repr(value), lambda _: value, "number"))
words = st.sampled_from(["x", "y", "1"]).map(lambda value: Case(f"'{value}'", lambda _: value, "text"))


def combined(below: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    """Cases made of others."""
    numbers = below.filter(lambda case: case.kind != "text")
    truths = below.filter(lambda case: case.kind in {"truth", "field"})
    return (
        st.builds(arithmetic, st.sampled_from("+-*/"), numbers, numbers)
        | st.builds(comparison, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), fields, numbers)
        | st.builds(comparison, st.sampled_from(["==", "!="]), fields, words | fields)
        | st.builds(logic, st.sampled_from(["and", "or"]), truths, truths)
        | truths.map(
            lambda case: Case(
                f"(not {case.text})",
                lambda row: None if (told := truth(case.of(row))) is None else not told,
                "truth",
            )
        )
        | numbers.map(
            lambda case: Case(
                f"(-{case.text})", lambda row: None if (told := number(case.of(row))) is None else -told, "number"
            )
        )
    )


cases = st.recursive(fields | literals, combined, max_leaves=8)


def columns_of(given_rows: list[Row]) -> Columns:
    """The rows as columns."""
    return {name: column_from_values(str(name), Role.INPUT, [row[name] for row in given_rows]) for name in FIELDS}


@settings(deadline=None, max_examples=400)
@given(case=cases, given_rows=rows)
def test_evaluation_agrees_with_a_plain_evaluator(case: Case, given_rows: list[Row]) -> None:
    """Row by row, whatever is missing, mixed, infinite or divided by zero; nothing warns."""
    expression = parse(case.text)
    found = evaluate(expression, columns_of(given_rows), len(given_rows))
    wanted = [number(case.of(row)) for row in given_rows]
    assert_allclose(found, [np.nan if value is None else value for value in wanted], rtol=1e-12)


@settings(deadline=None)
@given(case=cases, given_rows=rows, cut=st.integers(0, 8), to=cases)
def test_sums_add_up(case: Case, to: Case, given_rows: list[Row], cut: int) -> None:
    """The sums of two parts are those of the whole, and none is NaN or infinite."""
    indicator = Indicator("i", Form.RATIO, parse(case.text), parse(to.text))
    parts = [part for part in (given_rows[:cut], given_rows[cut:]) if part]
    whole, *rest = (sums_of(indicator.terms(columns_of(part), len(part))) for part in (given_rows, *parts))
    assert whole.shape == (len(SUMS),)
    assert np.isfinite(whole).all()
    scale = max(1.0, float(np.abs(whole).max()))
    assert_allclose(np.sum(rest, axis=0) / scale, whole / scale, atol=1e-9)
    value = indicator.value(whole)
    assert value is None or not math.isnan(value)


tokens = (
    *(
        "prediction",
        "score",
        "feature.",
        "feature.a",
        "outcome",
        "'x'",
        '"',
        "true",
        "1",
        ".5",
        "1e9",
        "and",
        "or",
        "not",
    ),
    *("(", ")", "+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "="),
)


def parsed(text: str) -> Expression | ExpressionError:
    """The expression in `text`, or why there is none."""
    try:
        return parse(text)
    except ExpressionError as error:
        return error


@settings(deadline=None, max_examples=500)
@given(text=st.text(max_size=40) | st.lists(st.sampled_from(tokens), max_size=25).map(" ".join))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """In the one way it may be, with a column within the text or just after it; what is parsed can be evaluated."""
    found = parsed(text)
    if isinstance(found, Expression):
        assert evaluate(found, {}, 2).shape == (2,)
    else:
        assert 1 <= found.column <= len(text) + 1
        assert found.problem
        assert found.remedy
