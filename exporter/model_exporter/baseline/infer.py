"""Which type a feature has, judged by its values."""

from typing import Final

import numpy as np

from model_exporter.baseline.coerce import is_quantity, parse_number
from model_exporter.baseline.model import FeatureType
from model_exporter.batch import Column, Kind

NUMERIC_SHARE: Final = 0.99
"""Share of the usable cells that must be numbers; the rest are mistakes or a missing value's texts."""
IDENTIFIER_ROWS: Final = 100
"""Usable rows from which on a feature may be called an identifier."""
IDENTIFIER_SHARE: Final = 0.5
"""A categorical feature whose categories seen exactly once exceed this share of its rows is an identifier."""


def infer_type(column: Column, missing: frozenset[str] = frozenset()) -> FeatureType | None:
    """Type of a feature from all of its baseline cells; None when not one of them is usable.

    Boolean when every cell is a boolean; numeric when at least 99 % are numbers, booleans among them, or texts that
    spell quantities (and one is a number, or all of the texts spell quantities: a column of codes is not numeric for
    having digits in most of them); else categorical. Non-finite numbers and `missing` texts have no say. Whether a
    categorical feature is an identifier shows when its categories are counted: `is_identifier`.

    >>> from model_exporter.batch import Role, column_from_values
    >>> infer_type(column_from_values("zip", Role.INPUT, ["01067", "80331"]))
    <FeatureType.CATEGORICAL: 'categorical'>
    """
    numbers = int(np.count_nonzero((column.kinds == Kind.NUMBER) & np.isfinite(column.numbers)))
    booleans = int(np.count_nonzero(column.kinds == Kind.BOOLEAN))
    quantities, other_texts = _count_texts(column, missing)
    usable = numbers + booleans + quantities + other_texts
    if not usable:
        return None
    if booleans == usable:
        return FeatureType.BOOLEAN
    numeric = numbers + booleans + quantities
    if numeric >= NUMERIC_SHARE * usable and (numbers or not other_texts):
        return FeatureType.NUMERIC
    return FeatureType.CATEGORICAL


def is_identifier(*, rows: int, singletons: int) -> bool:
    """Whether a categorical feature with `singletons` categories seen once in `rows` usable rows is an identifier."""
    return rows >= IDENTIFIER_ROWS and singletons > IDENTIFIER_SHARE * rows


def _count_texts(column: Column, missing: frozenset[str]) -> tuple[int, int]:
    """Cells whose text spells a quantity, and cells with another text that has a say."""
    if column.texts is None:
        return 0, 0
    codes = column.texts.codes
    rows = np.bincount(codes[codes >= 0], minlength=len(column.texts.words)).tolist()
    quantities = others = 0
    for word, count in zip(column.texts.words, rows, strict=True):
        if is_quantity(word):
            quantities += 0 if word in missing else count
        elif word not in missing and not _is_nonfinite(word):
            others += count
    return quantities, others


def _is_nonfinite(word: str) -> bool:
    number = parse_number(word)
    return number is not None and not np.isfinite(number)
