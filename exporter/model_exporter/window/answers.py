"""What a classifier said in each row of a batch, as arrays: the same as the facts of its predictions say."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Batch, Column, Kind, Role, class_of
from model_exporter.config.settings import ModelKind, ModelSettings
from model_exporter.config.templates import POSITIVE

_PREDICTION, _SCORE, _PROBABILITIES = "prediction", "score", "probabilities."
_TWO: Final = 2
_HALF: Final = 0.5

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_Rows = NDArray[np.intp]


class AnswerReader:
    """Reads the predicted class and the score that goes with it.

    Args:
        settings: of the model.
        classes: names of the classes, as `class_of` makes them.
        positive: whether the score is that of the positive class; else it is that of the predicted one.
    """

    def __init__(self, settings: ModelSettings, classes: tuple[str, ...], *, positive: bool) -> None:
        self._codes = {name: code for code, name in enumerate(classes)}
        self._wholes = [(float(name), code) for name, code in self._codes.items() if _is_whole(name)]
        self._positive = settings.outcome.positive or POSITIVE
        self._decides = settings.kind is ModelKind.CLASSIFICATION and self._positive == POSITIVE
        self._of_positive = positive

    def read(self, batch: Batch, rows: _Rows) -> tuple[Codes, Floats]:
        """The code of the predicted class, int64[n], and the score, float64[n], of the rows at intp[n] `rows`.

        -1 where no class is predicted, the number of classes for one that has no code; NaN where there is no score.
        """
        outputs = {column.name: column for column in batch.columns if column.role is Role.OUTPUT}
        codes, told, broken = self._predicted(outputs.get(_PREDICTION), rows)
        scores = _numbers(outputs.get(_SCORE), rows)
        shares = {
            name.removeprefix(_PROBABILITIES): np.where(np.isfinite(one := column.numbers[rows]), one, np.nan)
            for name, column in outputs.items()
            if name.startswith(_PROBABILITIES)
        }
        if shares:
            codes, scores = self._with_shares(shares, codes, told, scores)
        elif self._decides:
            decided = np.where(scores >= _HALF, self._codes.get("1", len(self._codes)), self._codes.get("0", -2))
            codes = np.where(~told & (scores >= 0) & (scores <= 1), decided, codes)
        return codes, np.where(np.isnan(scores), broken, scores)

    def _predicted(self, column: Column | None, rows: _Rows) -> tuple[Codes, Flags, Floats]:
        """The code of the class, whether the cell told anything, and the broken number that stands for a score."""
        codes = np.full(len(rows), -1, np.int64)
        if column is None:
            return codes, np.zeros(len(rows), np.bool_), np.full(len(rows), np.nan)
        numbers = column.numbers[rows]
        finite = np.isfinite(numbers)
        told = finite
        whole = finite & (numbers == np.floor(numbers))
        codes[whole] = len(self._codes)
        for number, code in self._wholes:
            codes[numbers == number] = code
        if column.texts:
            other = len(self._codes)
            of_word = [-1 if (name := class_of(word)) is None else self._codes.get(name, other)
                       for word in column.texts.words]  # fmt: skip
            words = column.texts.codes[rows]
            codes = np.where(words >= 0, np.array([*of_word, -1], np.int64)[words], codes)
            told = finite | (words >= 0)
        return codes, told, np.where(finite & ~whole, numbers, np.nan)

    def _with_shares(
        self, shares: Mapping[str, Floats], codes: Codes, told: Flags, scores: Floats
    ) -> tuple[Codes, Floats]:
        """The same with what the probabilities of the classes add: a score, and the likeliest class."""
        names = list(shares)
        by_place = len(names) == _TWO and set(names) == {"0", "1"} and self._positive not in names
        positive = "1" if by_place else self._positive
        if positive in shares:
            scores = np.where(np.isnan(scores), shares[positive], scores)
        table = np.column_stack(list(shares.values()))
        other = len(self._codes)
        if not by_place:
            known = ~np.isnan(table).any(axis=1)
            of_name = np.array([self._codes.get(class_of(name) or "", other) for name in names], np.int64)
            likeliest = of_name[np.argmax(np.nan_to_num(table), axis=1)]
            codes = np.where(~told & known, likeliest, codes)
        if self._of_positive or len(names) <= _TWO:
            return codes, scores
        column_of = {self._codes[name]: place for place, name in enumerate(names) if name in self._codes}
        place = np.array([column_of.get(code, -1) for code in range(other)] + [-1, -1], np.int64)[codes]
        own = np.where(place >= 0, table[np.arange(len(codes)), place], np.nan)
        return codes, np.where(np.isnan(own), scores, own)


def _numbers(column: Column | None, rows: _Rows) -> Floats:
    if column is None:
        return np.full(len(rows), np.nan)
    numbers = column.numbers[rows]
    return np.where((column.kinds[rows] == Kind.NUMBER) & np.isfinite(numbers), numbers, np.nan)


def _is_whole(name: str) -> bool:
    """Whether a number is of this class."""
    return name.removeprefix("-").isdecimal() and name.isascii() and class_of(float(name)) == name
