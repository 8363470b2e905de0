"""What is kept of predictions until their outcomes are known."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import repeat
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Awaited, Batch, Column, Facts, Kind, Outcome, Role, Scalar, Words, class_of
from model_exporter.config.settings import Limits, ModelKind, ModelSettings, OutcomeSettings
from model_exporter.config.templates import POSITIVE, template_of
from model_exporter.indicators import kept_fields, prediction_columns
from model_exporter.window.segments import Grouped, SegmentReader

RANKS: Final = frozenset({ModelKind.RANKING, ModelKind.RECOMMENDATION})
"""Kinds of model whose predictions are lists of items."""

_PROBABILITIES: Final = "probabilities."
_LAYOUT_BYTES: Final = 2
_TWO: Final = 2
_HALF: Final = 0.5
_Rows = NDArray[np.intp]
_T = TypeVar("_T")
_LIMIT: Final = Limits().groups_per_segment


class Calls(NamedTuple):
    """What was predicted in some rows of a batch.

    Attributes:
        rows: intp[n], their indices.
        made_at: float64[n], unix seconds.
        predicted: n of them, None where there is none that an outcome could be compared with.
    """

    rows: NDArray[np.intp]
    made_at: NDArray[np.float64]
    predicted: Sequence[Scalar]


class FactsReader:
    """Takes the facts of predictions out of their batch. One model's; for one thread.

    Args:
        settings: of the model.
        groups_per_segment: as in `Limits`.
    """

    def __init__(self, settings: ModelSettings, *, groups_per_segment: int = _LIMIT) -> None:
        self.segments = SegmentReader(settings.segments, limit=groups_per_segment)
        self._template = template_of(settings.kind)
        self._positive = settings.outcome.positive or POSITIVE
        # Without a name for the positive class, nor any other class, a score can still tell true from false.
        self._decides = settings.kind is ModelKind.CLASSIFICATION and self._positive == POSITIVE
        self._ranks = settings.kind in RANKS
        self._fields = kept_fields(settings.business)
        self.layout = layout_of(settings)

    def read(self, batch: Batch, rows: _Rows, now: float, grouped: Grouped | None = None) -> list[Awaited]:
        """The predictions of `batch` at the indices `rows`, as they wait for their outcomes.

        A row without an id cannot be found again, and is left out. A prediction is made when its record says, or `now`
        (unix seconds) when it says nothing, and never later than `now`. The version is the batch's, empty when absent.
        `grouped` is what `segments.groups(batch)` said, for whoever has asked already.
        """
        ids = batch.ids
        rows = rows[[bool(ids[row]) for row in rows.tolist()]] if rows.size else rows
        if not rows.size:
            return []
        facts = map(Facts.encode, self._facts(batch, rows, grouped))
        times = np.fmin(batch.times[rows], now)  # of a NaN and a number it takes the number
        return list(map(Awaited, (ids[row] for row in rows.tolist()), times.tolist(), repeat(batch.version), facts))

    def calls(self, batch: Batch, rows: _Rows) -> Calls:
        """What was predicted in the rows of `batch` at the indices `rows`; their times are known."""
        predicted = self._answers(_outputs(batch), rows).predicted
        return Calls(rows, batch.times[rows], predicted or [None] * len(rows))

    def items(self, batch: Batch, rows: _Rows) -> list[tuple[str, ...]]:
        """The items that the predictions at the indices `rows` list, empty for one without; none of other models."""
        if not (self._ranks or (self._template.items and batch.rankings)):
            return []
        return self._items(batch, rows, self._answers(_outputs(batch), rows).predicted)

    def _facts(self, batch: Batch, rows: _Rows, grouped: Grouped | None) -> Iterable[Facts]:
        """The facts of `rows`, field by field; a field that no row has costs nothing."""
        told = self._template
        outputs = _outputs(batch)
        beside = {column.name: column for column in batch.context}
        answers = self._answers(outputs, rows)
        lower, upper = (told.intervals and _numbers(beside.get(name), rows) for name in ("lower", "upper"))
        items = self._items(batch, rows, answers.predicted) if told.items else None
        return map(
            Facts,
            answers.predicted or repeat(None),
            answers.scores or repeat(None),
            answers.probabilities or repeat(None),
            lower or repeat(None),
            upper or repeat(None),
            (told.forecasts and _texts(beside.get("horizon"), rows)) or repeat(None),
            (told.forecasts and _numbers(beside.get("naive"), rows)) or repeat(None),
            items or repeat(()),
            self._groups(batch, rows, grouped),
            self._kept(batch, rows),
            repeat(self.layout, len(rows)),
        )

    def _items(self, batch: Batch, rows: _Rows, predicted: list[Scalar]) -> list[tuple[str, ...]]:
        """The rankings of `rows`; a single prediction of a model that ranks is a list of one."""
        items = [batch.rankings[row] for row in rows.tolist()] if batch.rankings else []
        if predicted and self._ranks:
            ones = [(told,) if (told := class_of(value)) else () for value in predicted]
            items = [item or one for item, one in zip(items, ones, strict=True)] if items else ones
        return items

    def _answers(self, outputs: Mapping[str, Column], rows: _Rows) -> "_Answers":
        """What the model said."""
        predicted: list[Scalar] = []
        for name in self._template.predicted:
            told = _scalars(outputs.get(name), rows)
            predicted = _filled(predicted, told) if predicted and told else predicted or told
        scores = _numbers(outputs.get("score"), rows)
        if not self._template.classes:
            return _Answers(predicted, scores, [])
        shares = {
            name.removeprefix(_PROBABILITIES): column.numbers[rows]
            for name, column in outputs.items()
            if name.startswith(_PROBABILITIES)
        }
        if shares:
            return self._with_shares(shares, predicted, scores)
        if self._decides and scores:
            decided: list[Scalar] = [
                score >= _HALF if score is not None and 0 <= score <= 1 else None for score in scores
            ]
            predicted = _filled(predicted, decided) if predicted else decided
        return _Answers(predicted, scores, [])

    def _with_shares(
        self, shares: Mapping[str, NDArray[np.float64]], predicted: list[Scalar], scores: list[float | None]
    ) -> "_Answers":
        """The same with what the probabilities of the classes add: a score of the positive one, the likeliest one."""
        names = list(shares)
        by_place = len(names) == _TWO and set(names) == {"0", "1"} and self._positive not in names
        positive = "1" if by_place else self._positive
        if positive in shares:
            scores = _filled(scores, _floats(shares[positive])) if scores else _floats(shares[positive])
        if not by_place:  # else nobody said what the two are called
            table = np.column_stack(list(shares.values()))
            likeliest = np.where(np.isnan(table).any(axis=1), -1, np.argmax(np.nan_to_num(table), axis=1))
            told: list[Scalar] = [names[place] if place >= 0 else None for place in likeliest.tolist()]
            predicted = _filled(predicted, told) if predicted else told
        if len(names) <= _TWO:
            return _Answers(predicted, scores, [])
        by_row = zip(*map(_floats, shares.values()), strict=True)
        kept = [{name: share for name, share in zip(names, row, strict=True) if share is not None} for row in by_row]
        return _Answers(predicted, scores, [row or None for row in kept])

    def _groups(self, batch: Batch, rows: _Rows, grouped: Grouped | None) -> Iterable[tuple[str, ...]]:
        if not self.segments.segments:
            return repeat(())
        told = grouped or self.segments.groups(batch)
        return zip(*(_words(groups, rows) for groups in told.groups), strict=True)

    def _kept(self, batch: Batch, rows: _Rows) -> Iterable[tuple[Scalar, ...]]:
        if not self._fields:
            return repeat(())
        columns = prediction_columns(batch, self._fields)
        nothing: list[Scalar] = [None] * len(rows)
        return zip(*(_scalars(columns.get(field), rows) or nothing for field in self._fields), strict=True)


class _Answers(NamedTuple):
    """What a model said in each row; an empty list where it never does."""

    predicted: list[Scalar]
    scores: list[float | None]
    probabilities: list[dict[str, float] | None]


def layout_of(settings: ModelSettings) -> str:
    """Names the order of a model's groups and kept fields: facts of another layout have others. Empty without any."""
    order = [f"{segment}" for segment in settings.segments] + [f"{field}" for field in kept_fields(settings.business)]
    if not order:
        return ""
    return blake2b("\n".join(order).encode(), digest_size=_LAYOUT_BYTES).hexdigest()


def is_positive(value: Scalar, settings: OutcomeSettings) -> bool | None:
    """Whether a prediction or an outcome is the positive class of two; None where it is no class."""
    told = class_of(value)
    return None if told is None else told == (settings.positive or POSITIVE)


def relevant_items(outcome: Outcome) -> tuple[tuple[str, float], ...] | None:
    """The items of a ranking that proved relevant, with their gains: those told, or the one that the outcome names.

    Empty when the outcome says that none did (false, or an empty list); None when it says nothing of items.
    """
    if outcome.items:
        return outcome.items
    if outcome.value is None:
        return None
    if outcome.value is False:
        return ()
    named = None if outcome.value is True else class_of(outcome.value)
    return None if named is None else ((named, 1.0),)


def _outputs(batch: Batch) -> dict[str, Column]:
    return {column.name: column for column in batch.columns if column.role is Role.OUTPUT}


def _scalars(column: Column | None, rows: _Rows) -> list[Scalar]:
    """The values of the cells at `rows`, None where there is none; an empty list for no column."""
    if column is None:
        return []
    kinds = column.kinds[rows]
    numbers: list[Scalar] = list(_floats(column.numbers[rows]))
    if (kinds == Kind.NUMBER).all():
        return numbers
    texts = _words(column.texts, rows) if column.texts else [""] * len(rows)
    return [
        text or (number if kind == Kind.NUMBER else bool(number) if kind == Kind.BOOLEAN else None)
        for text, number, kind in zip(texts, numbers, kinds.tolist(), strict=True)
    ]


def _numbers(column: Column | None, rows: _Rows) -> list[float | None]:
    """The numbers of the cells at `rows`, None where there is none; an empty list for no column."""
    return [] if column is None else _floats(np.where(column.kinds[rows] == Kind.NUMBER, column.numbers[rows], np.nan))


def _texts(column: Column | None, rows: _Rows) -> list[str | None]:
    return [class_of(value) for value in _scalars(column, rows)]


def _floats(values: NDArray[np.float64]) -> list[float | None]:
    """Finite numbers, None for the others."""
    finite = np.isfinite(values)
    numbers: list[float | None] = values.tolist()
    for row in np.flatnonzero(~finite).tolist():
        numbers[row] = None
    return numbers


def _words(texts: Words, rows: _Rows) -> list[str]:
    """The text at each of `rows`, empty where there is none."""
    words = (*texts.words, "")  # the last serves code -1
    return [words[code] for code in texts.codes[rows].tolist()]


def _filled(values: Sequence[_T], others: Sequence[_T]) -> list[_T]:
    """`values`, with those of `others` where there are none."""
    return [b if a is None else a for a, b in zip(values, others, strict=True)]
