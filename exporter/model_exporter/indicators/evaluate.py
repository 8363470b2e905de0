"""An expression over the rows of some columns.

Everything is an array of numbers in which NaN stands for what is not known: a missing value, a comparison with it, a
division by zero, a number that is not finite or larger than `LARGEST`. Truth values are 1 and 0. Logic has three values
(Kleene's): `false and unknown` is false, `true or unknown` is true, the rest with an unknown operand is unknown.

A number equals a number, true is 1 and false is 0; a text equals the same text, and differs from any number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Column, Words
from model_exporter.indicators.syntax import (
    ARITHMETIC,
    EQUALITY,
    Binary,
    Expression,
    Field,
    FieldName,
    Literal,
    Minus,
    Node,
    Not,
    Operator,
)

LARGEST: Final = 1e100
"""Numbers beyond it count as not known: their squares could not be summed."""

Columns = Mapping[FieldName, Column]
"""The columns of the fields that an expression reads, all of the same rows. One that is not there is not known."""
_Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Operand:
    """One side of an equality: per row a number, or a text (`numbers` is NaN there), or neither."""

    numbers: _Numbers
    texts: Words | None = None


def evaluate(expression: Expression, columns: Columns, rows: int, *, truth: bool = False) -> _Numbers:
    """The value of `expression` in each of `rows` rows: float64[rows], NaN where it is not known.

    With `truth` a lone field is read as true or false, and as not known where it is neither.
    """
    with np.errstate(all="ignore"):  # what overflows or divides by zero is not known, and comes out as NaN
        evaluator = _Evaluator(columns, rows)
        return evaluator.truth(expression.root) if truth or expression.is_truth else evaluator.number(expression.root)


class _Evaluator:
    def __init__(self, columns: Columns, rows: int) -> None:
        self._columns = columns
        self._rows = rows

    def number(self, node: Node) -> _Numbers:
        match node:
            case Literal(value):
                return np.full(self._rows, np.nan if isinstance(value, str) else float(value))
            case Field(name):
                return self._field(name)
            case Minus(operand):
                return -self.number(operand)
            case Binary(operator, left, right) if operator in ARITHMETIC:
                return _known(_compute(operator, self.number(left), self.number(right)))
        return self.truth(node)

    def truth(self, node: Node) -> _Numbers:
        match node:
            case Not(operand):
                return 1.0 - self.truth(operand)
            case Binary(Operator.AND, left, right):
                a, b = self.truth(left), self.truth(right)
                return np.where((a == 0) | (b == 0), 0.0, a * b)
            case Binary(Operator.OR, left, right):
                a, b = self.truth(left), self.truth(right)
                return np.where((a == 1) | (b == 1), 1.0, np.maximum(a, b))
            case Binary(operator, left, right) if operator in EQUALITY:
                equal = _equal(self._operand(left), self._operand(right))
                return equal if operator is Operator.EQUAL else 1.0 - equal
            case Binary(operator, left, right):
                return _ordered(operator, self.number(left), self.number(right))
        values = self.number(node)  # a field, or a literal
        return np.where((values == 0) | (values == 1), values, np.nan)

    def _field(self, name: FieldName) -> _Numbers:
        column = self._columns.get(name)
        return np.full(self._rows, np.nan) if column is None else _known(column.numbers)

    def _operand(self, node: Node) -> _Operand:
        if isinstance(node, Literal) and isinstance(node.value, str):
            return _Operand(np.full(self._rows, np.nan), Words(np.zeros(self._rows, np.int32), (node.value,)))
        if isinstance(node, Field):
            column = self._columns.get(node.name)
            return _Operand(self._field(node.name), column.texts if column else None)
        return _Operand(self.number(node))


def _known(values: _Numbers) -> _Numbers:
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


def _compute(operator: Operator, a: _Numbers, b: _Numbers) -> _Numbers:
    match operator:
        case Operator.PLUS:
            return a + b
        case Operator.MINUS:
            return a - b
        case Operator.TIMES:
            return a * b
    return a / b


def _ordered(operator: Operator, a: _Numbers, b: _Numbers) -> _Numbers:
    match operator:
        case Operator.BELOW:
            holds = a < b
        case Operator.AT_MOST:
            holds = a <= b
        case Operator.ABOVE:
            holds = a > b
        case _:
            holds = a >= b
    return np.where(np.isnan(a) | np.isnan(b), np.nan, holds)


def _equal(a: _Operand, b: _Operand) -> _Numbers:
    equal = np.where(np.isnan(a.numbers) | np.isnan(b.numbers), np.nan, a.numbers == b.numbers)
    if a.texts is None and b.texts is None:
        return equal
    text_a, text_b = _has_text(a), _has_text(b)
    mixed = (text_a & ~np.isnan(b.numbers)) | (text_b & ~np.isnan(a.numbers))
    equal = np.where(mixed, 0.0, equal)
    if a.texts is None or b.texts is None:
        return equal
    index = {word: code for code, word in enumerate(a.texts.words)}
    codes = np.array([index.get(word, -2) for word in b.texts.words] or [-2], np.int32)  # -2 is no code of `a`
    return np.where(text_a & text_b, a.texts.codes == codes[b.texts.codes], equal)


def _has_text(operand: _Operand) -> NDArray[np.bool_]:
    if operand.texts is None:
        return np.zeros(len(operand.numbers), np.bool_)
    return operand.texts.codes >= 0
