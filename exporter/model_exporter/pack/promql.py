"""What the checks of the pack need to know of a PromQL expression: its tokens, selectors, clauses and calls.

This is no parser: Prometheus decides on syntax. Whatever is read here stands in the text word for word, so nothing is
lost when an expression uses a feature that this module has never heard of.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from model_exporter.config.durations import parse_duration


class Kind(Enum):
    """What a token is."""

    STRING = "string"
    DURATION = "duration"
    NUMBER = "number"
    NAME = "name"
    COMPARISON = "comparison"
    MATCHER = "matcher"
    PUNCTUATION = "punctuation"


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an expression, with its place in the text."""

    kind: Kind
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher, such as `role="input"`."""

    label: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric that an expression reads.

    Attributes:
        metric: its name; empty when only matchers select.
        range_seconds: width of the range, None for an instant selector. Of a subquery only the inner selector counts.
        within: the functions and aggregations around it, innermost first.
    """

    metric: str
    matchers: tuple[Matcher, ...]
    range_seconds: float | None
    within: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """A list of labels after a keyword, such as `by (model, version)`."""

    keyword: str
    labels: tuple[str, ...]


AGGREGATIONS: Final = frozenset({
    "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values",
    "limitk", "limit_ratio",
})  # fmt: skip
_CHOOSING: Final = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that return some of their series as they are."""
_CLAUSES: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS: Final = _CLAUSES | {"and", "or", "unless", "atan2", "bool", "offset", "start", "end", "inf", "nan"}

_STRING: Final = r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`"""
_DURATION: Final = r"(?:[0-9]+(?:ms|[smhdwy]))+(?![A-Za-z0-9_])"
_NUMBER: Final = r"(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
_TOKEN: Final = re.compile(
    rf"""(?P<skip>\s+|\#[^\n]*)
    |(?P<STRING>{_STRING})
    |(?P<DURATION>{_DURATION})
    |(?P<NUMBER>{_NUMBER})
    |(?P<NAME>[A-Za-z_][A-Za-z0-9_]*(?::[A-Za-z0-9_:]*)?|:[A-Za-z_][A-Za-z0-9_:]*)
    |(?P<MATCHER>=~|!~|=(?!=))
    |(?P<COMPARISON>==|!=|>=|<=|>|<)
    |(?P<PUNCTUATION>[-+*/%^(){{}}\[\],:@])""",
    re.VERBOSE,
)


class PromQLError(ValueError):
    """A text that cannot be an expression."""


def tokenize(expression: str) -> tuple[Token, ...]:
    """The tokens of `expression`, without white space and comments.

    Raises:
        PromQLError: for a character that no expression has, and for brackets that do not match.

    >>> [token.text for token in tokenize("sum by (model) (rate(x[5m])) > 2")]
    ['sum', 'by', '(', 'model', ')', '(', 'rate', '(', 'x', '[', '5m', ']', ')', ')', '>', '2']
    """
    tokens = []
    place = 0
    while place < len(expression):
        match = _TOKEN.match(expression, place)
        if match is None:
            raise PromQLError(f"{expression[place : place + 20]!r} is no PromQL")
        if match.lastgroup != "skip":
            tokens.append(Token(Kind[str(match.lastgroup)], match.group(), place))
        place = match.end()
    _check_brackets(tokens)
    return tuple(tokens)


def _check_brackets(tokens: Sequence[Token]) -> None:
    closing = {"(": ")", "[": "]", "{": "}"}
    awaited: list[str] = []
    for token in tokens:
        if token.kind is not Kind.PUNCTUATION:
            continue
        if token.text in closing:
            awaited.append(closing[token.text])
        elif token.text in closing.values() and (not awaited or awaited.pop() != token.text):
            raise PromQLError(f"{token.text!r} at character {token.start + 1} closes nothing")
    if awaited:
        raise PromQLError(f"a {awaited[-1]!r} is missing")


def clauses(tokens: Sequence[Token]) -> Iterator[Clause]:
    """Every `by`, `without`, `on`, `ignoring`, `group_left` and `group_right` that has a list of labels."""
    for index, token in enumerate(tokens):
        if token.text.lower() in _CLAUSES and _text(tokens, index + 1) == "(":
            yield Clause(token.text, _list(tokens, index + 1))


def bare_aggregations(tokens: Sequence[Token]) -> Iterator[str]:
    """Aggregations with no `by` and no `without`: they lose every label."""
    for index, token in enumerate(tokens):
        if token.text not in AGGREGATIONS or _text(tokens, index + 1) not in {"(", "by", "without"}:
            continue
        if _text(tokens, index + 1) == "(" and _text(tokens, _after(tokens, index + 1)) not in {"by", "without"}:
            yield token.text


def selectors(tokens: Sequence[Token]) -> Iterator[Selector]:
    """Every metric that is read, in the order of the text."""
    calls: list[str] = []  # what each open parenthesis belongs to; empty for a plain one
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.text.lower() in _CLAUSES and _text(tokens, index + 1) == "(":
            index = _after(tokens, index + 1)
            continue
        if token.text == "(":
            calls.append(_caller(tokens, index))
        elif token.text == ")":
            calls.pop()
        elif token.text == "{" or _is_metric(tokens, index):
            selector, index = _selector(tokens, index, calls)
            yield selector
            continue
        index += 1


def has_comparison(tokens: Sequence[Token]) -> bool:
    """Whether anything is compared, or set against other series, so that not every series of a metric counts."""
    words = {"and", "unless", "absent", "absent_over_time"}
    return any(
        token.kind is Kind.COMPARISON or token.text in words for token in tokens if token.kind is not Kind.STRING
    )


def replaced_labels(tokens: Sequence[Token]) -> Iterator[str]:
    """Labels that `label_replace`, `label_join` and `count_values` set."""
    for index, token in enumerate(tokens):
        if token.text in {"label_replace", "label_join"}:
            yield from (unquote(text) for text in _arguments(tokens, index + 1)[1:2])
        elif token.text == "count_values":
            opened = next((at for at in range(index, len(tokens)) if tokens[at].kind is Kind.STRING), None)
            if opened is not None:
                yield unquote(tokens[opened].text)


def outer_labels(tokens: Sequence[Token]) -> tuple[str, ...] | None:
    """The labels of a result that is one aggregation with `by` and nothing after it; None for any other result."""
    if not tokens or tokens[0].text not in AGGREGATIONS - _CHOOSING or _text(tokens, 1) != "by":
        return None
    closed = _after(tokens, _after(tokens, 2))
    return _list(tokens, 2) if closed == len(tokens) else None


def unquote(text: str) -> str:
    """The value of a string token; escapes other than of quotes and backslashes stay."""
    if text[0] == "`":
        return text[1:-1]
    return re.sub(r"\\([\\\"'])", r"\1", text[1:-1])


def _text(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].text if 0 <= index < len(tokens) else ""


def _after(tokens: Sequence[Token], index: int) -> int:
    """The place behind the bracket that closes the one at `index`."""
    depth = 0
    for at in range(index, len(tokens)):
        if tokens[at].kind is Kind.PUNCTUATION:
            depth += (tokens[at].text in "([{") - (tokens[at].text in ")]}")
        if depth == 0:
            return at + 1
    return len(tokens)


def _list(tokens: Sequence[Token], index: int) -> tuple[str, ...]:
    return tuple(token.text for token in tokens[index + 1 : _after(tokens, index) - 1] if token.text != ",")


def _arguments(tokens: Sequence[Token], index: int) -> list[str]:
    """The first token of each argument of a call whose parenthesis is at `index`."""
    arguments, at, end = [_text(tokens, index + 1)], index + 1, _after(tokens, index) - 1
    while at < end:
        if tokens[at].text in {"(", "[", "{"}:
            at = _after(tokens, at)
            continue
        if tokens[at].text == ",":
            arguments.append(_text(tokens, at + 1))
        at += 1
    return arguments


def _caller(tokens: Sequence[Token], index: int) -> str:
    """Whose parenthesis opens at `index`: the function or aggregation before it, over a clause if there is one."""
    before = index - 1
    if _text(tokens, before) == ")":
        opened = _opened(tokens, before)
        if _text(tokens, opened - 1) in {"by", "without"}:
            before = opened - 2
    token = tokens[before] if before >= 0 else None
    return token.text if token and token.kind is Kind.NAME and token.text not in _WORDS else ""


def _opened(tokens: Sequence[Token], index: int) -> int:
    """The place of the bracket that is closed at `index`."""
    depth = 0
    for at in range(index, -1, -1):
        if tokens[at].kind is Kind.PUNCTUATION:
            depth += (tokens[at].text in ")]}") - (tokens[at].text in "([{")
        if depth == 0:
            return at
    return 0


def _is_metric(tokens: Sequence[Token], index: int) -> bool:
    token = tokens[index]
    following = _text(tokens, index + 1)
    if token.kind is not Kind.NAME or following == "(" or token.text.lower() in _WORDS:
        return False
    return not (token.text in AGGREGATIONS and following in {"by", "without"})


def _selector(tokens: Sequence[Token], index: int, calls: Sequence[str]) -> tuple[Selector, int]:
    """The selector that begins at `index`, and the place behind it."""
    metric, matchers = "", tuple[Matcher, ...]()
    if tokens[index].text != "{":
        metric, index = tokens[index].text, index + 1
    if _text(tokens, index) == "{":
        end = _after(tokens, index)
        matchers, index = tuple(_matchers(tokens[index + 1 : end - 1])), end
    seconds = None
    if _text(tokens, index) == "[":
        end = _after(tokens, index)
        subquery = any(token.text == ":" for token in tokens[index:end])
        seconds, index = None if subquery else _seconds(_text(tokens, index + 1)), end
    within = tuple(call for call in reversed(calls) if call)
    return Selector(metric, matchers, seconds, within), index


def _matchers(tokens: Sequence[Token]) -> Iterator[Matcher]:
    for label, operator, value in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if label.kind in {Kind.NAME, Kind.STRING} and operator.text in {"=", "!=", "=~", "!~"}:
            yield Matcher(label.text.strip('"'), operator.text, unquote(value.text))


def _seconds(text: str) -> float | None:
    try:
        return parse_duration(text)
    except ValueError:
        return None
