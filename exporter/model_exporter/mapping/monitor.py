"""Rows of BentoML's monitor in files, whose columns a file beside them describes."""

from functools import lru_cache
from math import isfinite
from typing import Final

from model_exporter.errors import DecodeError, MappingError
from model_exporter.json_text import parse_json

_CATEGORICAL: Final = "categorical"
_NUMERICAL: Final = "numerical"
_SEQUENCE: Final = "numerical_sequence"
_EXACT: Final = 1 << 53  # from here on not every whole number is a float


def monitored(value: object) -> dict[str, object]:
    """What a row says, by native fields, as `door.schema` of the record `value` describes its columns.

    The schema is a line of BentoML's `schema/schema.WORKER.log`: `{"columns": [{"name", "role", "type"}, ...]}`. As
    over OTLP, a number beside a predicted class is its score, and sequences among the features are embeddings that
    nobody watches by number. Of several predictions the first counts.

    Raises:
        MappingError: there is no schema, or it does not describe columns; `bad_json` or `bad_table`.
    """
    door = value.get("door") if isinstance(value, dict) else None
    text = door.get("schema") if isinstance(door, dict) else None
    if not isinstance(value, dict) or not isinstance(text, str):
        raise MappingError("bad_table", "nothing tells what the columns are: `door.schema` is missing")
    columns = _columns(text)
    has_class = any(role == "prediction" and kind == _CATEGORICAL for _, role, kind in columns)
    features: dict[str, object] = {}
    segments: dict[str, object] = {}
    told: dict[str, object] = {"features": features, "segments": segments}
    for name, role, kind in columns:
        if name not in value:
            continue
        cell = _typed(value[name], kind)
        if role == "feature" and kind != _SEQUENCE:
            features[name] = cell
        elif role == "segment":
            segments[name] = cell
        elif role == "target":
            told.setdefault("outcome", cell)
        elif role == "prediction":
            told.setdefault(_output(kind, has_class=has_class), cell)
    return told


def _output(kind: str, *, has_class: bool) -> str:
    if kind == _SEQUENCE:
        return "probabilities"
    return "score" if has_class and kind == _NUMERICAL else "prediction"


@lru_cache(maxsize=64)
def _columns(text: str) -> tuple[tuple[str, str, str], ...]:
    """Name, role and type of each column."""
    try:
        schema = parse_json(text.encode("utf-8", "backslashreplace"))
    except DecodeError as error:
        raise MappingError("bad_json", f"the schema is not JSON: {error}") from error
    columns = schema.get("columns") if isinstance(schema, dict) else None
    if not isinstance(columns, list) or not all(isinstance(column, dict) for column in columns):
        raise MappingError("bad_table", "the schema is no object with a list of columns")
    return tuple((str(column.get("name")), str(column.get("role")), str(column.get("type"))) for column in columns)


def _typed(cell: object, kind: str) -> object:
    """`cell` as its type has it: a category that is a number stays a category, a number that is text a number."""
    if kind == _CATEGORICAL and isinstance(cell, bool):
        return "true" if cell else "false"
    if kind == _CATEGORICAL and isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT else repr(cell) if isfinite(cell) else None
    if kind == _CATEGORICAL and isinstance(cell, int):
        return str(cell)
    if kind == _NUMERICAL and isinstance(cell, str):
        try:
            return float(cell)
        except ValueError:
            return cell
    return cell
