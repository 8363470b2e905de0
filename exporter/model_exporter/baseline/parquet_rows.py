"""Rows of Parquet files. Imported only when one is read: pyarrow is an extra and takes 120 MB."""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model_exporter.baseline.json_rows import flat_record
from model_exporter.baseline.parts import Part, column_of_words
from model_exporter.batch import Column, Kind, Role, Words, column_from_values
from model_exporter.errors import BaselineError

_CHUNK_ROWS: Final = 65_536

_Array = Any  # pyarrow ships no types


def read_parquet(stream: BinaryIO, *, file: str, progress: Callable[[float], None]) -> Iterator[Part]:
    """Rows of one file.

    Args:
        stream: the file.
        file: its name, for errors.
        progress: told the share of the rows that was read, 0 to 1.

    Raises:
        BaselineError: the file is damaged or not Parquet.
    """
    done = 0
    try:
        content = pq.ParquetFile(stream)
        for batch in content.iter_batches(_CHUNK_ROWS):
            columns = [
                c for name, array in zip(batch.schema.names, batch.columns, strict=True) for c in _read(name, array)
            ]
            yield Part(batch.num_rows, columns)
            done += batch.num_rows
            progress(done / content.metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        raise BaselineError(f"{file}: cannot be read as Parquet: {error}. Write the file again") from error


def _read(name: str, array: _Array) -> list[Column]:
    """The columns that one Parquet column makes: more than one when it is nested."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_nested(kind):
        return _nested(name, array)
    if pa.types.is_boolean(kind):
        return [_numbers(name, array, Kind.BOOLEAN)]
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return [_numbers(name, array, Kind.NUMBER)]
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return [_numbers(name, _unix_microseconds(array), Kind.NUMBER, unit=1e6)]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        kinds = np.where(_is_null(array), np.uint8(Kind.NULL), np.uint8(Kind.NESTED))
        return [Column(name, Role.INPUT, kinds, np.full(len(kinds), np.nan))]
    return [_texts(name, array.cast(pa.string()))]


def _numbers(name: str, array: _Array, kind: int, *, unit: float = 1.0) -> Column:
    null = _is_null(array)
    numbers = array.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False) / unit
    return Column(name, Role.INPUT, np.where(null, np.uint8(Kind.NULL), np.uint8(kind)), numbers)


def _unix_microseconds(array: _Array) -> _Array:
    return array.cast(pa.timestamp("us"), safe=False).cast(pa.int64())


def _texts(name: str, array: _Array) -> Column:
    coded = array.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    return column_of_words(name, Words(codes, tuple(coded.dictionary.to_pylist())))


def _nested(name: str, array: _Array) -> list[Column]:
    """Maps, structs and lists are read row by row, like nested JSON."""
    as_map = pa.types.is_map(array.type)
    rows = [flat_record({name: dict(value) if as_map and value is not None else value}) for value in array.to_pylist()]
    names = dict.fromkeys(key for row in rows for key in row)
    return [column_from_values(key, Role.INPUT, [row.get(key) for row in rows]) for key in names]


def _is_null(array: _Array) -> Any:  # noqa: ANN401  # pyarrow ships no types
    return array.is_null().to_numpy(zero_copy_only=False)
