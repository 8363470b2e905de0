"""Cells of any kind as cells of the type that their feature has.

Shared by the building of baselines and by the windows that are compared with them, so that the same cell means the
same on both sides. Each row of a result is exactly one of: usable, missing, of a bad type, non-finite.
"""

from dataclasses import dataclass
from math import isfinite, nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Column, Kind, Words

_NO_TEXTS: Final[frozenset[str]] = frozenset()
_BOOLEAN_TEXTS: Final = {"false": 0.0, "true": 1.0}
_EXACT_INTEGERS: Final = 2.0**53
_Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Numeric:
    """Cells of a numeric feature.

    Attributes:
        values: float64[n], finite where usable, NaN elsewhere.
        usable: bool[n].
        missing: bool[n], absent, null or a text that stands for a missing value.
        bad_type: bool[n], nested, or a text that is no number.
        nonfinite: bool[n], NaN or infinite, or a text that says so.
    """

    values: NDArray[np.float64]
    usable: _Mask
    missing: _Mask
    bad_type: _Mask
    nonfinite: _Mask


@dataclass(frozen=True, slots=True)
class Boolean:
    """Cells of a boolean feature; the masks are those of `Numeric`. `values` is bool[n], False where not usable."""

    values: _Mask
    usable: _Mask
    missing: _Mask
    bad_type: _Mask
    nonfinite: _Mask


def coerce_numeric(column: Column, missing: frozenset[str] = _NO_TEXTS) -> Numeric:
    """Read cells as numbers: booleans are 0 and 1, and a text is the number that it spells.

    Args:
        column: the cells.
        missing: texts that stand for a missing value.

    >>> from model_exporter.batch import Role, column_from_values
    >>> cells = coerce_numeric(column_from_values("x", Role.INPUT, [1, True, "2.5", "n/a", None]))
    >>> cells.values.tolist(), cells.bad_type.tolist()
    ([1.0, 1.0, 2.5, nan, nan], [False, False, False, True, False])
    """
    finite = np.isfinite(column.numbers)
    if finite.all():  # then every cell is a number or a boolean: all others carry NaN
        return Numeric(column.numbers, finite, *_nothing(len(finite)))
    numbers = column.numbers
    is_missing, bad_type = column.kinds <= Kind.NULL, column.kinds == Kind.NESTED
    if column.texts is not None:
        said = _NumberWords(column.texts, missing)
        texts = column.kinds == Kind.TEXT
        numbers = np.where(texts, said.numbers, numbers)
        finite = np.isfinite(numbers)
        is_missing |= texts & said.missing
        bad_type |= texts & said.bad_type
    nonfinite = ~(finite | is_missing | bad_type)
    return Numeric(np.where(finite, numbers, np.nan), finite, is_missing, bad_type, nonfinite)


def coerce_boolean(column: Column, missing: frozenset[str] = _NO_TEXTS) -> Boolean:
    """Read cells as truth values: booleans, the numbers 0 and 1, the texts true and false in any case.

    Args:
        column: the cells.
        missing: texts that stand for a missing value.

    >>> from model_exporter.batch import Role, column_from_values
    >>> cells = coerce_boolean(column_from_values("x", Role.INPUT, [True, 0, "TRUE", 2, "yes"]))
    >>> cells.values.tolist(), cells.usable.tolist()
    ([True, False, True, False, False], [True, True, True, False, False])
    """
    numbers = column.numbers
    is_missing = column.kinds <= Kind.NULL
    if column.texts is not None:
        texts = column.kinds == Kind.TEXT
        said, gone = _truth_words(column.texts, missing)
        numbers = np.where(texts, said, numbers)
        is_missing |= texts & gone
    usable = (numbers == 0) | (numbers == 1)
    nonfinite = (column.kinds == Kind.NUMBER) & ~np.isfinite(column.numbers)
    return Boolean(usable & (numbers == 1), usable, is_missing, ~(usable | is_missing | nonfinite), nonfinite)


def coerce_categorical(column: Column, missing: frozenset[str] = _NO_TEXTS) -> tuple[Words, _Mask, _Mask]:
    """Read cells as category names: numbers and booleans become text as `number_text` spells them.

    A non-finite number counts as missing: it is how data frames write a missing text.

    Args:
        column: the cells.
        missing: texts that stand for a missing value.

    Returns:
        the categories, coded -1 where there is none; bool[n] of missing cells; bool[n] of cells of a bad type.

    >>> from model_exporter.batch import Role, column_from_values
    >>> words, *_ = coerce_categorical(column_from_values("x", Role.INPUT, ["DE", 3, 3.0, 0.5, True, None]))
    >>> [words.words[code] if code >= 0 else None for code in words.codes]
    ['DE', '3', '3', '0.5', 'true', None]
    """
    kinds, texts = column.kinds, column.texts
    vocabulary: dict[str, int] = {}
    if texts is None:
        codes = np.full(len(kinds), -1, np.int32)
    elif missing.isdisjoint(texts.words) and (texts.codes >= 0).all():
        return texts, *_nothing(len(kinds))[:2]
    else:
        vocabulary, codes = _without(texts, missing)
    _code_numbers(column, codes, vocabulary)
    bad_type = kinds == Kind.NESTED
    return Words(codes, tuple(vocabulary)), (codes < 0) & ~bad_type, bad_type


def number_text(number: float) -> str:
    """A finite number as a category name: whole numbers without a decimal point.

    >>> number_text(3.0), number_text(-0.0), number_text(0.5), number_text(1e300)
    ('3', '0', '0.5', '1e+300')
    """
    return str(int(number)) if number.is_integer() and abs(number) < _EXACT_INTEGERS else repr(number)


def parse_number(text: str) -> float | None:
    """The number, finite or not, that `text` spells; None when it spells none.

    >>> parse_number(" 2.50 "), parse_number("1_000"), parse_number("1e999"), parse_number("DE")
    (2.5, None, inf, None)
    """
    if not text.isascii() or "_" in text:  # float() takes 1_000 and digits of any script
        return None
    try:
        return float(text)
    except ValueError:
        return None


def is_quantity(text: str) -> bool:
    """Whether `text` spells a finite number that may be meant as a quantity: "007" is a code.

    >>> [is_quantity(text) for text in ("3", "-0.5", "0", "007", "-01", "nan", "DE")]
    [True, True, True, False, False, False, False]
    """
    number = parse_number(text)
    if number is None or not isfinite(number):
        return False
    digits = text.strip().lstrip("+-")
    return not (digits[0] == "0" and digits[1:2].isdigit())


class _NumberWords:
    """The texts of a column as numbers, each distinct one parsed once: three arrays over the rows."""

    def __init__(self, texts: Words, missing: frozenset[str]) -> None:
        parsed = [None if word in missing else parse_number(word) for word in texts.words]
        # One more entry for rows without a text, which carry code -1.
        gone = np.array([*(word in missing for word in texts.words), True])
        wrong = np.array([*(number is None for number in parsed), False]) & ~gone
        self.numbers = np.array([*(nan if number is None else number for number in parsed), nan])[texts.codes]
        self.missing = gone[texts.codes]
        self.bad_type = wrong[texts.codes]


def _truth_words(texts: Words, missing: frozenset[str]) -> tuple[NDArray[np.float64], _Mask]:
    """Truth values (0, 1, or NaN for none) of the rows' texts, and which of them stand for a missing value."""
    said = [nan if word in missing else _BOOLEAN_TEXTS.get(word.strip().lower(), nan) for word in texts.words]
    gone = [word in missing for word in texts.words]
    return np.array([*said, nan])[texts.codes], np.array([*gone, True])[texts.codes]


def _without(texts: Words, missing: frozenset[str]) -> tuple[dict[str, int], NDArray[np.int32]]:
    """Vocabulary and codes of `texts` once the words of `missing` are taken out."""
    vocabulary: dict[str, int] = {}
    table = [-1 if word in missing else vocabulary.setdefault(word, len(vocabulary)) for word in texts.words]
    return vocabulary, np.array([*table, -1], np.int32)[texts.codes]


def _code_numbers(column: Column, codes: NDArray[np.int32], vocabulary: dict[str, int]) -> None:
    """Enter the numbers and booleans of `column` into `codes`, and their names into `vocabulary`."""
    for kind in (Kind.NUMBER, Kind.BOOLEAN):
        cells = np.flatnonzero((column.kinds == kind) & np.isfinite(column.numbers))
        if not cells.size:
            continue
        distinct, positions = np.unique(column.numbers[cells], return_inverse=True)
        names = (
            ["true" if value else "false" for value in distinct]
            if kind is Kind.BOOLEAN
            else [number_text(value) for value in distinct.tolist()]
        )
        table = [vocabulary.setdefault(name, len(vocabulary)) for name in names]
        codes[cells] = np.array(table, np.int32)[positions]


def _nothing(rows: int) -> tuple[_Mask, _Mask, _Mask]:
    """Three masks without a row; one array serves for all, since results are not written to."""
    none = np.zeros(rows, np.bool_)
    return none, none, none
