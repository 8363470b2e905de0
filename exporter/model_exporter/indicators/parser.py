"""From an expression's text to its tree.

    expression  = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation    = "not" negation | comparison
    comparison  = sum [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) sum ]
    sum         = product { ( "+" | "-" ) product }
    product     = factor { ( "*" | "/" ) factor }
    factor      = "-" factor | number | text | word | field | "(" expression ")"

A field is `prediction`, `score`, `outcome`, `feature.NAME`, `segment.NAME` or `value.NAME`; a NAME of other characters
than letters, digits, `_` and `.` is quoted. Any other word is a text, and `true` and `false` are truth values.
"""

import math
from collections.abc import Callable
from difflib import get_close_matches
from typing import Final

from model_exporter.indicators.lexer import ExpressionError, Token, TokenKind, tokens
from model_exporter.indicators.syntax import (
    ARITHMETIC,
    EQUALITY,
    LOGIC,
    NAMED,
    ORDER,
    Binary,
    Expression,
    Field,
    FieldName,
    Literal,
    Minus,
    Node,
    Not,
    Operator,
    Source,
)

MAX_DEPTH: Final = 30
"""Operands within operands."""

_SOURCES: Final = {source.value: source for source in Source}
_OPERATORS: Final = {operator.value: operator for operator in Operator}
_TRUTHS: Final = {"true": True, "false": False}
_KEYWORDS: Final = frozenset({"and", "or", "not"})
_SIGNS: Final = {
    "sum": frozenset({Operator.PLUS, Operator.MINUS}),
    "product": frozenset({Operator.TIMES, Operator.OVER}),
}


def parse(text: str) -> Expression:
    """The expression in `text`.

    Raises:
        ExpressionError: it is none, is too long or too deep, or combines what cannot be combined.
    """
    return _Parser(text).parse()


class _Parser:
    """One run over the tokens of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._token = next(self._tokens)
        self._depth = 0
        self._fields: dict[FieldName, None] = {}

    def parse(self) -> Expression:
        root = self._expression()
        if self._token.kind is not TokenKind.END:
            raise self._unexpected()
        if _is_text(root):
            raise ExpressionError(1, "this is a text, which counts nothing", "Compare it with a field")
        return Expression(self._text, root, tuple(self._fields), _is_truth(root))

    def _expression(self) -> Node:
        return self._chain(self._conjunction, frozenset({Operator.OR}))

    def _conjunction(self) -> Node:
        return self._chain(self._negation, frozenset({Operator.AND}))

    def _negation(self) -> Node:
        token = self._token
        if not self._take("not"):
            return self._comparison()
        with_column = self._token.column
        self._deeper(token)
        operand = self._negation()
        self._depth -= 1
        _need_truth(operand, with_column)
        return Not(operand)

    def _comparison(self) -> Node:
        left_column = self._token.column
        left = self._sum()
        token, operator = self._token, self._operator(EQUALITY | ORDER)
        if operator is None:
            return left
        right_column = self._token.column
        right = self._sum()
        if operator in ORDER:
            _need_number(left, left_column)
            _need_number(right, right_column)
        elif not _reads_field(left) and not _reads_field(right):
            raise ExpressionError(token.column, "no field is compared", "Name a field, such as `prediction`")
        if self._is_sign(EQUALITY | ORDER):
            raise ExpressionError(
                self._token.column, "comparisons cannot be chained", "Write two of them with `and` between"
            )
        return Binary(operator, left, right)

    def _sum(self) -> Node:
        return self._chain(self._product, _SIGNS["sum"])

    def _product(self) -> Node:
        return self._chain(self._factor, _SIGNS["product"])

    def _chain(self, operand: Callable[[], Node], operators: frozenset[Operator]) -> Node:
        """Operands of one precedence, combined from the left."""
        column = self._token.column
        node = operand()
        levels = 0
        while operator := self._operator(operators):
            self._deeper(self._token)  # the tree grows to the left with every operand
            levels += 1
            need = _need_truth if operator in LOGIC else _need_number
            need(node, column)
            right_column = self._token.column
            right = operand()
            need(right, right_column)
            node = Binary(operator, node, right)
        self._depth -= levels
        return node

    def _factor(self) -> Node:
        token = self._token
        if self._take("-"):
            self._deeper(token)
            column = self._token.column
            operand = self._factor()
            self._depth -= 1
            _need_number(operand, column)
            return Minus(operand)
        if self._take("("):
            self._deeper(token)
            node = self._expression()
            self._depth -= 1
            if not self._take(")"):
                raise self._unexpected("Close the bracket of column " + str(token.column))
            return node
        if token.kind is TokenKind.NUMBER:
            self._next()
            return Literal(_number(token))
        if token.kind is TokenKind.TEXT:
            self._next()
            return Literal(token.text)
        if token.kind is TokenKind.WORD and not (token.text in _KEYWORDS and token.name is None):
            self._next()
            return self._word(token)
        raise self._unexpected()

    def _word(self, token: Token) -> Node:
        source = _SOURCES.get(token.text)
        if source is None:
            if token.name is not None:
                raise _no_field(token)
            return Literal(_TRUTHS.get(token.text, token.text))
        if (source in NAMED) != (token.name is not None):
            if token.name is None:
                problem, remedy = f"{token.text} needs a name", f"Write {token.text}.NAME, or quote the word"
            else:
                problem, remedy = f"{token.text} has no parts", f"Write {token.text} alone"
            raise ExpressionError(token.column, problem, remedy)
        if token.name == "":
            raise ExpressionError(token.column, "the name is empty", f"Write {token.text}.NAME")
        name = FieldName(source, token.name or "")
        self._fields[name] = None
        return Field(name)

    def _operator(self, among: frozenset[Operator]) -> Operator | None:
        if not self._is_sign(among):
            return None
        operator = _OPERATORS[self._token.text]
        self._next()
        return operator

    def _is_sign(self, among: frozenset[Operator]) -> bool:
        token = self._token
        return (
            token.kind in {TokenKind.SIGN, TokenKind.WORD}
            and token.name is None
            and _OPERATORS.get(token.text) in among
        )

    def _take(self, text: str) -> bool:
        token = self._token
        if token.kind not in {TokenKind.SIGN, TokenKind.WORD} or token.text != text or token.name is not None:
            return False
        self._next()
        return True

    def _next(self) -> None:
        self._token = next(self._tokens)

    def _deeper(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(token.column, f"it is deeper than {MAX_DEPTH} levels", "Simplify the expression")

    def _unexpected(self, remedy: str = "") -> ExpressionError:
        token = self._token
        if token.kind is TokenKind.END:
            return ExpressionError(token.column, "the expression ends too early", remedy or "Add what is missing")
        problem = f"{token.text!r} is not expected here"
        return ExpressionError(token.column, problem, remedy or "Write an operator between two values, or remove it")


def _number(token: Token) -> float:
    number = float(token.text)
    if not math.isfinite(number):
        raise ExpressionError(token.column, f"{token.text} is too large", "Write a smaller number")
    return number


def _no_field(token: Token) -> ExpressionError:
    known = [source.value for source in Source if source in NAMED]
    close = get_close_matches(token.text, known, n=1)
    written = ", ".join(f"{source}.NAME" for source in known)
    remedy = f"Did you mean {close[0]}.{token.name}?" if close else f"Write one of {written}, or put the text in quotes"
    return ExpressionError(token.column, f"there is no field {token.text}.{token.name}", remedy)


def _is_text(node: Node) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, str)


def _is_truth(node: Node) -> bool | None:
    match node:
        case Literal(value):
            return isinstance(value, bool)
        case Field():
            return None
        case Not():
            return True
        case Binary(operator):
            return operator not in ARITHMETIC
    return False


def _need_number(node: Node, column: int) -> None:
    """Refuse a text where a number is computed or compared by order. A truth value counts as 1 or 0."""
    if isinstance(node, Literal) and isinstance(node.value, str):
        word = node.value
        raise ExpressionError(column, f"{word!r} is a text, not a number", f"Did you mean feature.{word}?")


def _need_truth(node: Node, column: int) -> None:
    if _is_truth(node) is False:
        raise ExpressionError(column, "this is neither true nor false", "Compare it with something")


def _reads_field(node: Node) -> bool:
    match node:
        case Field():
            return True
        case Not(operand) | Minus(operand):
            return _reads_field(operand)
        case Binary(_, left, right):
            return _reads_field(left) or _reads_field(right)
    return False
