"""Rows of JSON lines: a record on each line, or an array of records."""

import json
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from model_exporter.baseline.naming import FEATURE_PREFIX, PROBABILITIES, SCORE
from model_exporter.baseline.parts import Part
from model_exporter.batch import Role, column_from_values
from model_exporter.batch.columns import ABSENT
from model_exporter.errors import BaselineError

_CHUNK_ROWS: Final = 8192
_FEATURES: Final = "features"
_DECODER: Final = msgspec.json.Decoder()

Record = dict[str, object]


def read_json(lines: Iterable[bytes], *, file: str) -> Iterator[Part]:
    """Rows of one file, by the names that `flat_record` gives. Blank lines are passed over.

    Args:
        lines: the file's lines, in UTF-8.
        file: its name, for errors.

    Raises:
        BaselineError: a line is not JSON or holds no record; the message has its number.
    """
    rows: list[Record] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.extend(map(flat_record, _records(line)))
        except (ValueError, RecursionError) as error:
            raise BaselineError(f"{file}: line {number}: is not a JSON record: {error}. Mend the line") from error
        if len(rows) >= _CHUNK_ROWS:
            yield _part(rows)
            rows = []
    if rows:
        yield _part(rows)


def flat_record(record: Record) -> Record:
    """`record` with its nested parts spread out under dotted names.

    The members of `features` are named `feature.<name>`, also when it is an array; the values of `probabilities`
    `probabilities.<class>`, while a single number there is the `score`. A plain name wins over a nested one.

    >>> flat_record({"features": {"a": 1, "b": {"c": 2}}, "probabilities": [0.2, 0.8], "prediction": "x"})
    {'prediction': 'x', 'feature.a': 1, 'feature.b.c': 2, 'probabilities.0': 0.2, 'probabilities.1': 0.8}
    """
    if PROBABILITIES not in record and {dict, list}.isdisjoint(map(type, record.values())):
        return record
    flat: Record = {}
    nested: Record = {}
    for name, value in record.items():
        if name in {_FEATURES, PROBABILITIES} and isinstance(value, list):
            value = {str(place): item for place, item in enumerate(value)}  # noqa: PLW2901  # an array is a map by position
        if name == PROBABILITIES and not isinstance(value, dict):
            nested[SCORE] = value
        elif isinstance(value, dict) and value:
            _spread(FEATURE_PREFIX if name == _FEATURES else f"{name}.", value, nested)
        else:
            flat[name] = value
    return flat | {name: value for name, value in nested.items() if name not in flat}


def _spread(prefix: str, values: dict[str, object], into: Record) -> None:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            _spread(f"{prefix}{name}.", value, into)
        else:
            into[f"{prefix}{name}"] = value


def _records(line: bytes) -> list[Record]:
    """The records on one line.

    Raises:
        ValueError: it is not JSON, or holds something else.
    """
    try:
        content = _DECODER.decode(line)
    except msgspec.DecodeError:
        content = json.loads(line)  # Python writes NaN and Infinity into its JSON, which the standard does not know
    records = content if isinstance(content, list) else [content]
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a record is an object with a value for each name")
    return records


def _part(rows: list[Record]) -> Part:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = [column_from_values(name, Role.INPUT, [row.get(name, ABSENT) for row in rows]) for name in names]
    return Part(len(rows), columns)
