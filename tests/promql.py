"""What a PromQL expression names: metrics, and the labels that it aggregates by and matches on.

Only tokens are read, which is enough to check names; whether the syntax is right, promtool says.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""
      (?P<skip>   \s+ | \#[^\n]* )
    | (?P<string> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `[^`]*` )
    | (?P<number> (?:[0-9]|\.[0-9])(?:[eE][+-]|[\w.])* )       # durations too
    | (?P<name>   [a-zA-Z_:][\w:]* )
    | (?P<sign>   [=!<>]=|=~|!~|[-+*/%^<>=@(){}\[\],:] )
    """,
    re.VERBOSE,
)
_LISTS: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS: Final = _LISTS | {"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"}
_AGGREGATIONS: Final = frozenset({
    "avg", "bottomk", "count", "count_values", "group", "max", "min", "quantile", "stddev", "stdvar", "sum", "topk",
})  # fmt: skip


class Token(NamedTuple):
    """A token: `kind` is string, number, name or sign."""

    kind: str
    text: str


class Clause(NamedTuple):
    """Labels in parentheses after `keyword`, one of by, without, on, ignoring, group_left and group_right."""

    keyword: str
    labels: tuple[str, ...]


def metric_names(expression: str) -> set[str]:
    """Names of the metrics that `expression` selects, by name or by `__name__=`.

    Raises:
        ValueError: a character is no part of PromQL.

    >>> sorted(metric_names('sum by (model) (rate(a:b_total{x="y"}[5m] offset 1d)) > on (model) bool c or absent(d)'))
    ['a:b_total', 'c', 'd']
    >>> sorted(metric_names('{__name__="e", x="f"} * 1e-3 # of g'))
    ['e']
    """
    tokens = _tokens(expression)
    found: set[str] = set()
    place = 0
    while place < len(tokens):
        token = tokens[place]
        follows = tokens[place + 1].text if place + 1 < len(tokens) else ""
        if token.text == "{":
            end = _closing(tokens, place, "}")
            found.update(_named(tokens[place + 1 : end]))
            place = end
        elif token.text == "[":
            place = _closing(tokens, place, "]")
        elif token.kind == "name" and token.text.lower() in _LISTS and follows == "(":
            place = _closing(tokens, place, ")")
        elif token.kind == "name" and _is_metric(token.text, follows):
            found.add(token.text)
        place += 1
    return found


def clauses(expression: str) -> list[Clause]:
    """Every list of labels in `expression`, in order. `group_left` without a list has none.

    >>> clauses("sum by (model, le) (a) / on (model) group_left () b and on(job) c")
    [Clause(keyword='by', labels=('model', 'le')), Clause(keyword='on', labels=('model',)), \
Clause(keyword='group_left', labels=()), Clause(keyword='on', labels=('job',))]
    """
    tokens = _tokens(expression)
    found = []
    for place, (token, following) in enumerate(pairwise(tokens)):
        if token.kind == "name" and token.text.lower() in _LISTS and following.text == "(":
            listed = tokens[place + 2 : _closing(tokens, place, ")")]
            found.append(Clause(token.text.lower(), tuple(one.text for one in listed if one.kind == "name")))
    return found


def _tokens(expression: str) -> list[Token]:
    found, place = [], 0
    while place < len(expression):
        match = _TOKEN.match(expression, place)
        if match is None:
            raise ValueError(f"{expression[place : place + 20]!r} is no PromQL")
        if match.lastgroup != "skip":
            found.append(Token(str(match.lastgroup), match.group()))
        place = match.end()
    return found


def _closing(tokens: Sequence[Token], place: int, sign: str) -> int:
    """Index of the first `sign` from `place` on; lists, matchers and ranges do not nest."""
    return next(index for index in range(place, len(tokens)) if tokens[index].text == sign)


def _named(matchers: Sequence[Token]) -> Iterator[str]:
    """The metric that matchers name, if they do so exactly."""
    for label, sign, value in zip(matchers, matchers[1:], matchers[2:], strict=False):
        if label.text == "__name__" and sign.text == "=":
            yield value.text[1:-1]


def _is_metric(name: str, follows: str) -> bool:
    """Whether `name` is a metric's and no word of the language, function or aggregation, given the token after it.

    An aggregation may have its labels between name and parenthesis, a function has its parenthesis at once.
    """
    return follows != "(" and name.lower() not in _WORDS and not (name in _AGGREGATIONS and follows in _LISTS)
