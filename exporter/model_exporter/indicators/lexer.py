"""An expression's text as tokens."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from model_exporter.errors import ModelExporterError

MAX_LENGTH: Final = 500
"""Characters of an expression."""


class ExpressionError(ModelExporterError):
    """An expression cannot be understood.

    Attributes:
        column: of the offending character, from 1.
        problem: what is wrong there.
        remedy: what to write instead.
    """

    def __init__(self, column: int, problem: str, remedy: str) -> None:
        super().__init__(f"at column {column}: {problem}. {remedy}")
        self.column = column
        self.problem = problem
        self.remedy = remedy


class TokenKind(Enum):
    """What a token is."""

    NUMBER = "number"
    TEXT = "text"  # quoted
    WORD = "word"
    SIGN = "sign"
    END = "end"


class Token(NamedTuple):
    """A piece of the text. `name` is what follows the dot of a word such as `feature.age`, None without a dot."""

    kind: TokenKind
    text: str
    column: int
    name: str | None = None


_QUOTED: Final = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_PATTERN: Final = re.compile(
    rf"""
    (?P<space>[ \t\r\n]+)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))
  | (?P<text>{_QUOTED})
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)(?:\.(?P<name>{_QUOTED}|[A-Za-z0-9_][A-Za-z0-9_.]*))?
  | (?P<sign>==|!=|<=|>=|[-+*/()<>])
    """,
    re.VERBOSE,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_INSTEAD: Final = {
    "=": "Write == to compare",
    "&": "Write `and`",
    "|": "Write `or`",
    "!": "Write `not`, or != to compare",
    '"': "Close the quotes",
    "'": "Close the quotes",
}
_REMEDY: Final = "Put text in quotes; the signs are + - * / == != < <= > >= ( )"


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text`, and one of kind END after the last.

    Raises:
        ExpressionError: it is too long, or something in it is no token.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            MAX_LENGTH + 1, f"{len(text)} characters are more than {MAX_LENGTH}", "Shorten the expression"
        )
    at = 0
    while at < len(text):
        match = _PATTERN.match(text, at)
        if match is None:
            problem = f"{text[at]!r} has no meaning here"
            raise ExpressionError(at + 1, problem, _INSTEAD.get(text[at], _REMEDY))
        if match["space"] is None:
            yield _token(match, at + 1)
        at = match.end()
    yield Token(TokenKind.END, "", at + 1)


def _token(match: re.Match[str], column: int) -> Token:
    if match["number"] is not None:
        return Token(TokenKind.NUMBER, match["number"], column)
    if match["text"] is not None:
        return Token(TokenKind.TEXT, _unquoted(match["text"]), column)
    if match["word"] is None:
        return Token(TokenKind.SIGN, match["sign"], column)
    name = match["name"]
    if name is not None and name[0] in "\"'":
        name = _unquoted(name)
    return Token(TokenKind.WORD, match["word"], column, name)


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(r"\1", text[1:-1])
