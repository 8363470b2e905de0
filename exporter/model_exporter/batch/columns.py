"""One feature's values over the rows of a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from hashlib import blake2b
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

MAX_TEXT: Final = 128
"""Characters of a text value that are kept; a longer one keeps its head and a digest of the whole."""
_DIGEST_BYTES: Final = 8


class Role(Enum):
    """Whether a column went into the model or came out of it."""

    INPUT = "input"
    OUTPUT = "output"


class Kind(IntEnum):
    """What one cell holds. Only NUMBER, BOOLEAN and TEXT are usable values."""

    ABSENT = 0  # the record has no such key
    NULL = 1  # the key is there, its value is empty
    NUMBER = 2  # finite or not
    BOOLEAN = 3
    TEXT = 4
    NESTED = 5  # a map, a list, bytes: no scalar


@dataclass(frozen=True, slots=True)
class Words:
    """Text over rows, each distinct text stored once: `words[codes[i]]`, or nothing where `codes[i]` is -1."""

    codes: NDArray[np.int32]
    words: tuple[str, ...]

    @classmethod
    def from_texts(cls, texts: Sequence[str | None]) -> Self:
        """Code `texts`; None and the empty text become -1."""
        words = tuple(dict.fromkeys(text for text in texts if text))
        index: dict[str | None, int] = {word: code for code, word in enumerate(words)}
        return cls(np.fromiter((index.get(text, -1) for text in texts), np.int32, len(texts)), words)


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


ABSENT: Final = object()
"""Marks a row without the key in the values given to `column_from_values`."""


def column_from_values(name: str, role: Role, values: Sequence[object]) -> Column:
    """Build a column from Python values: float, int, bool, str, None, `ABSENT`; anything else is NESTED.

    The empty text is NULL, as most loggers write it for a missing value. Integers too large for a float become
    infinite, hence non-finite.
    """
    types = set(map(type, values))
    if types <= {float, int}:
        return Column(name, role, np.full(len(values), Kind.NUMBER, np.uint8), _numbers(values))
    kinds = np.fromiter(map(_kind, values), np.uint8, len(values))
    numbers = np.full(len(values), np.nan)
    numeric = (kinds == Kind.NUMBER) | (kinds == Kind.BOOLEAN)
    numbers[numeric] = _numbers([value for value, keep in zip(values, numeric.tolist(), strict=True) if keep])
    texts = None
    if str in types:
        texts = Words.from_texts([_bounded(value) if isinstance(value, str) else None for value in values])
    return Column(name, role, kinds, numbers, texts)


def _kind(value: object) -> Kind:
    if value is ABSENT:
        return Kind.ABSENT
    if value is None or value == "":
        return Kind.NULL
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, int | float):
        return Kind.NUMBER
    return Kind.TEXT if isinstance(value, str) else Kind.NESTED


def _numbers(values: Sequence[object]) -> NDArray[np.float64]:
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return np.array([_as_float(value) for value in values], np.float64)


def _as_float(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # callers pass int and float only
    except OverflowError:
        return np.inf


def _bounded(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{text[: MAX_TEXT - len(digest) - 1]}~{digest}"
