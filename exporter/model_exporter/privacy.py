"""Takes sensitive values out of a batch, or puts keyed hashes in their place."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from itertools import repeat
from typing import Final

from model_exporter.batch import Batch, Column, Kind, Role, column_from_values
from model_exporter.batch.columns import ABSENT
from model_exporter.config.settings import Privacy, SegmentSource, is_named

_HASH_BYTES: Final = 8
_SOURCES: Final = {Role.INPUT: SegmentSource.FEATURE, Role.CONTEXT: SegmentSource.ATTRIBUTE}
_ATTRIBUTE: Final = "segment."
_EMPTY: Final[dict[int, object]] = {Kind.ABSENT: ABSENT, Kind.NULL: None, Kind.NESTED: ()}


def conceal(batch: Batch, privacy: Privacy) -> Batch:
    """`batch` without the features and attributes that are dropped, and with hashes for those that are hashed.

    A hashed value is a text of 16 hexadecimal digits, the same for the same value of the same field under the same
    secret, so that it still is a category or a group. Missing values stay missing. Doing it twice hashes twice.
    """
    if not privacy:
        return batch
    return replace(
        batch,
        columns=tuple(_concealed(batch.columns, privacy)),
        context=tuple(_concealed(batch.context, privacy)),
    )


def _concealed(columns: Sequence[Column], privacy: Privacy) -> Iterator[Column]:
    for column in columns:
        field = _field(column)
        if field is None or not is_named(field, privacy.drop):
            yield _hashed(column, privacy.secret) if field and is_named(field, privacy.hash) else column


def _field(column: Column) -> tuple[SegmentSource, str] | None:
    """What the configuration calls the values of `column`; None for outputs and the like, which are never concealed."""
    source = _SOURCES.get(column.role)
    if source is None or (source is SegmentSource.ATTRIBUTE and not column.name.startswith(_ATTRIBUTE)):
        return None
    return source, column.name.removeprefix(_ATTRIBUTE) if source is SegmentSource.ATTRIBUTE else column.name


def _hashed(column: Column, secret: bytes) -> Column:
    """`column` with a hash for every text, number and truth value. Each distinct value is hashed once."""
    space = f"{column.role.value}\0{column.name}\0"

    @cache
    def digest(value: str) -> str:
        return blake2b(f"{space}{value}".encode(), key=secret, digest_size=_HASH_BYTES).hexdigest()

    if not ((column.kinds == Kind.NUMBER) | (column.kinds == Kind.BOOLEAN)).any():
        return replace(
            column, texts=column.texts and replace(column.texts, words=tuple(map(digest, column.texts.words)))
        )
    values: list[object] = []
    words = (*(column.texts.words if column.texts else ()), "")
    codes = column.texts.codes.tolist() if column.texts else repeat(-1)
    for kind, number, code in zip(column.kinds.tolist(), column.numbers.tolist(), codes, strict=False):
        text = words[code] or _text(kind, number)
        values.append(digest(text) if text else _EMPTY[kind])
    return column_from_values(column.name, column.role, values)


def _text(kind: int, number: float) -> str:
    """A number or truth value as text, whole numbers without a point; empty for other kinds."""
    if kind == Kind.BOOLEAN:
        return "true" if number else "false"
    if kind != Kind.NUMBER:
        return ""
    return str(int(number)) if number.is_integer() else repr(number)
