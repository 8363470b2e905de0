"""One feature's values over the rows of a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from itertools import repeat
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

MAX_TEXT: Final = 128
"""Characters of a text value that are kept; a longer one keeps its head and a digest of the whole."""
_DIGEST_BYTES: Final = 8


class Role(Enum):
    """Whether a column went into the model, came out of it, or only stood beside it in the record."""

    INPUT = "input"
    OUTPUT = "output"
    CONTEXT = "context"

    # Members are singletons; Enum's own hash is Python code, and every column of every batch is looked up by role.
    __hash__ = object.__hash__


class Kind:
    """What one cell holds. Only NUMBER, BOOLEAN and TEXT are usable values.

    Plain integers: an array is compared with a member of an IntEnum seven times as slowly.
    """

    ABSENT: Final = 0  # the record has no such key
    NULL: Final = 1  # the key is there, its value is empty
    NUMBER: Final = 2  # finite or not
    BOOLEAN: Final = 3
    TEXT: Final = 4
    NESTED: Final = 5  # a map, a list, bytes: no scalar


@dataclass(frozen=True, slots=True)
class Words:
    """Text over rows, each distinct text stored once: `words[codes[i]]`, or nothing where `codes[i]` is -1."""

    codes: NDArray[np.int32]
    words: tuple[str, ...]

    @classmethod
    def from_texts(cls, texts: Sequence[str | None]) -> Self:
        """Code `texts`; None and the empty text become -1."""
        words = tuple(filter(None, dict.fromkeys(texts)))
        if not words:  # as of errors, mostly
            return cls(np.full(len(texts), -1, np.int32), ())
        index: dict[str | None, int] = {word: code for code, word in enumerate(words)}
        return cls(np.fromiter(map(index.get, texts, repeat(-1)), np.int32, len(texts)), words)


@dataclass(frozen=True, slots=True)
class Column:
    """One feature or output over the n rows of a batch.

    Attributes:
        name: as sent.
        role: input or output.
        kinds: uint8[n] of `Kind`.
        numbers: float64[n]; the value of NUMBER and BOOLEAN cells, NaN in all others.
        texts: the text of TEXT cells; None when no cell is TEXT.
    """

    name: str
    role: Role
    kinds: NDArray[np.uint8]
    numbers: NDArray[np.float64]
    texts: Words | None = None


class _Absent:
    """The type of `ABSENT`."""


ABSENT: Final = _Absent()
"""Marks a row without the key in the values given to `column_from_values`."""


class _KindOfType(dict[type, int]):
    """The kind of a value by its exact type, or else by the scalar type that it derives from."""

    def __missing__(self, cls: type) -> int:
        return next((self[base] for base in (int, float, str) if issubclass(cls, base)), Kind.NESTED)


_KINDS: Final = _KindOfType(
    {
        _Absent: Kind.ABSENT,
        type(None): Kind.NULL,
        bool: Kind.BOOLEAN,
        int: Kind.NUMBER,
        float: Kind.NUMBER,
        str: Kind.TEXT,
    }
)


def column_from_values(name: str, role: Role, values: Sequence[object]) -> Column:
    """Build a column from Python values: float, int, bool, str, None, `ABSENT`; anything else is NESTED.

    The empty text is NULL, as most loggers write it for a missing value. Integers too large for a float become
    infinite, hence non-finite. Text that UTF-8 cannot carry (a lone surrogate) keeps its escape instead.
    """
    distinct = set(map(type, values))
    if distinct <= {float, int}:
        return Column(name, role, np.full(len(values), Kind.NUMBER, np.uint8), _numbers(values))
    if distinct == {str} and "" not in values:
        coded = Words.from_texts(values)  # type: ignore[arg-type]  # all of them are text
        bounded = Words(coded.codes, tuple(map(_bounded, coded.words)))
        return Column(name, role, np.full(len(values), Kind.TEXT, np.uint8), np.full(len(values), np.nan), bounded)
    kinds = np.fromiter(map(_KINDS.__getitem__, map(type, values)), np.uint8, len(values))
    texts = None
    if Kind.TEXT in {_KINDS[cls] for cls in distinct}:
        coded = Words.from_texts([value if isinstance(value, str) else None for value in values])
        kinds[(kinds == Kind.TEXT) & (coded.codes < 0)] = Kind.NULL
        if coded.words:
            texts = Words(coded.codes, tuple(map(_bounded, coded.words)))
    numbers = np.full(len(values), np.nan)
    numeric = np.flatnonzero((kinds == Kind.NUMBER) | (kinds == Kind.BOOLEAN))
    if numeric.size:
        numbers[numeric] = _numbers([values[row] for row in numeric.tolist()])
    return Column(name, role, kinds, numbers, texts)


def _numbers(values: Sequence[object]) -> NDArray[np.float64]:
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return np.array([_as_float(value) for value in values], np.float64)


def _as_float(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # callers pass int and float only
    except OverflowError:
        return np.inf if value > 0 else -np.inf  # type: ignore[operator]  # only an int overflows


def _bounded(text: str) -> str:
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) <= MAX_TEXT:
        return text
    digest = blake2b(text.encode("utf-8"), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{text[: MAX_TEXT - len(digest) - 1]}~{digest}"
