"""Rows of batches and columns: some of them, or several one after another."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch.calls import NO_CALL, ModelCalls
from model_exporter.batch.columns import Column, Kind, Role, Words
from model_exporter.batch.records import Batch


def take_rows(batch: Batch, rows: NDArray[np.intp]) -> Batch:
    """The rows of `batch` at the indices `rows`, in that order."""
    return replace(
        batch,
        times=batch.times[rows],
        keys=batch.keys[rows],
        ids=tuple(map(batch.ids.__getitem__, rows.tolist())),
        latency_seconds=batch.latency_seconds[rows],
        errors=replace(batch.errors, codes=batch.errors.codes[rows]),
        columns=tuple(take_cells(column, rows) for column in batch.columns),
        context=tuple(take_cells(column, rows) for column in batch.context),
        rankings=tuple(map(batch.rankings.__getitem__, rows.tolist())) if batch.rankings else (),
        calls=batch.calls and _take_calls(batch.calls, rows),
    )


def _take_calls(calls: ModelCalls, rows: NDArray[np.intp]) -> ModelCalls:
    return ModelCalls(
        calls.tokens[rows],
        calls.first_token_seconds[rows],
        replace(calls.finish_reasons, codes=calls.finish_reasons.codes[rows]),
        calls.within[rows],
        calls.answers[rows],
    )


def take_cells(column: Column, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Column:
    """The cells of `column` at the indices or under the mask `rows`."""
    texts = column.texts and replace(column.texts, codes=column.texts.codes[rows])
    return replace(column, kinds=column.kinds[rows], numbers=column.numbers[rows], texts=texts)


def concatenate(columns: Sequence[Column]) -> Column:
    """One column out of the cells of `columns`, at least one, all of one name and role."""
    first = columns[0]
    if len(columns) == 1:
        return first
    texts = None
    if any(column.texts for column in columns):
        texts = _concatenate_words([column.texts or _no_words(len(column.kinds)) for column in columns])
    return Column(
        first.name,
        first.role,
        np.concatenate([column.kinds for column in columns]),
        np.concatenate([column.numbers for column in columns]),
        texts,
    )


def join_batches(batches: Sequence[Batch]) -> Batch:
    """One batch out of the rows of `batches`, at least one, all of one model, version and origin.

    A column that some of them lack is ABSENT in their rows. The service is the first one's.
    """
    first = batches[0]
    if len(batches) == 1:
        return first
    return replace(
        first,
        times=np.concatenate([batch.times for batch in batches]),
        keys=np.concatenate([batch.keys for batch in batches]),
        ids=tuple(chain.from_iterable(batch.ids for batch in batches)),
        latency_seconds=np.concatenate([batch.latency_seconds for batch in batches]),
        errors=_concatenate_words([batch.errors for batch in batches]),
        columns=tuple(_join_columns(batches, [batch.columns for batch in batches])),
        context=tuple(_join_columns(batches, [batch.context for batch in batches])),
        rankings=_join_rankings(batches),
        calls=_join_calls(batches),
    )


def _join_rankings(batches: Sequence[Batch]) -> tuple[tuple[str, ...], ...]:
    if not any(batch.rankings for batch in batches):
        return ()
    return tuple(chain.from_iterable(batch.rankings or ((),) * batch.rows for batch in batches))


def _join_calls(batches: Sequence[Batch]) -> ModelCalls | None:
    if not any(batch.calls for batch in batches):
        return None
    parts = [batch.calls or ModelCalls.of([NO_CALL] * batch.rows) for batch in batches]
    return ModelCalls(
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.first_token_seconds for part in parts]),
        _concatenate_words([part.finish_reasons for part in parts]),
        np.concatenate([part.within for part in parts]),
        np.concatenate([part.answers for part in parts]),
    )


def _join_columns(batches: Sequence[Batch], parts: Sequence[tuple[Column, ...]]) -> Iterator[Column]:
    by_name = [{(column.role, column.name): column for column in columns} for columns in parts]
    every: dict[tuple[Role, str], Column] = {}
    for columns in by_name:
        every |= columns
    for key, like in every.items():
        yield concatenate(
            [
                columns[key] if key in columns else absent_cells(like, batch.rows)
                for batch, columns in zip(batches, by_name, strict=True)
            ]
        )


def absent_cells(like: Column, rows: int) -> Column:
    """`rows` cells that are ABSENT, under the name and role of `like`."""
    return Column(like.name, like.role, np.full(rows, Kind.ABSENT, np.uint8), np.full(rows, np.nan))


def words_in_use(words: Words) -> Words:
    """The same texts without the words that no row has."""
    return _concatenate_words([words])


def _concatenate_words(parts: Sequence[Words]) -> Words:
    """Recode each part into one vocabulary that holds only the words still in use."""
    vocabulary: dict[str, int] = {}
    codes = []
    for part in parts:
        table = np.full(len(part.words) + 1, -1, np.int32)  # the last entry serves code -1
        for code in set(part.codes.tolist()) - {-1}:
            table[code] = vocabulary.setdefault(part.words[code], len(vocabulary))
        codes.append(table[part.codes])
    return Words(np.concatenate(codes), tuple(vocabulary))


def _no_words(rows: int) -> Words:
    return Words(np.full(rows, -1, np.int32), ())
