"""Filters of the path language: what a value becomes when a path says `|NAME`."""

import base64
import binascii
import csv
import io
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from itertools import islice
from math import prod
from typing import Final

from model_exporter.errors import DecodeError, MappingError
from model_exporter.json_text import parse_json
from model_exporter.mapping.monitor import monitored

MAX_WIDTH: Final = 2_000
"""Columns of a tensor that become features; wider ones are embeddings or pictures, which nobody watches by number."""
MAX_ROWS: Final = 10_000
"""Rows of one record."""
MAX_TEXT: Final = 16 * 1024 * 1024
"""Bytes or characters within a record that are parsed, and to which they are decompressed."""
_MAX_DIMENSIONS: Final = 32
"""Of a tensor; numpy has no more either."""
_GZIP: Final = 16 + zlib.MAX_WBITS


def elements_of(value: object) -> Sequence[object] | None:
    """The elements of a list, tuple or lazy array; None for anything else."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, str | bytes | dict) or not isinstance(value, Sized) or not isinstance(value, Iterable):
        return None
    return list(value)


def check_rows(rows: int) -> None:
    """Let a record have `rows` rows, before anything is made of them.

    Raises:
        MappingError: they are more than `MAX_ROWS`.
    """
    if rows > MAX_ROWS:
        raise MappingError("too_many_rows", f"{rows} rows, the limit is {MAX_ROWS}")


def _json(value: object) -> object:
    """The JSON in text or bytes; other values are taken for parsed already."""
    if not isinstance(value, str | bytes):
        return value
    if len(value) > MAX_TEXT:
        raise MappingError("bad_json", f"{len(value)} characters of JSON, the limit is {MAX_TEXT}")
    try:
        return parse_json(value if isinstance(value, bytes) else value.encode("utf-8", "backslashreplace"))
    except DecodeError as error:
        raise MappingError("bad_json", f"the text is not JSON: {error}") from error


def _json_lines(value: object) -> object:
    """The values of JSON lines."""
    lines = [line for line in _text(value, "bad_json").splitlines() if line.strip()]
    check_rows(len(lines))
    return [_json(line) for line in lines]


def _csv(value: object) -> list[list[object]]:
    """The rows of CSV without a header, each a list of cells; numbers are numbers, empty cells are missing."""
    return [[_cell(cell) for cell in row] for row in _csv_rows(value)]


def _csv_header(value: object) -> list[dict[str, object]]:
    """The rows of CSV under its header."""
    rows = _csv_rows(value)
    if not rows:
        return []
    header = rows[0]
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise MappingError("bad_csv", f"line {number} has {len(row)} cells, the header {len(header)}")
    return [dict(zip(header, map(_cell, row), strict=True)) for row in rows[1:]]


def _csv_rows(value: object) -> list[list[str]]:
    text = _text(value, "bad_csv")
    try:
        rows = (row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row)
        found = list(islice(rows, MAX_ROWS + 2))  # a header may stand before the rows, and one more is too many
    except csv.Error as error:
        raise MappingError("bad_csv", f"the text is not CSV: {error}") from error
    check_rows(len(found) - 1)
    return found


def _cell(text: str) -> object:
    """A cell as number, text, or None when it is empty; `nan` stays a number that is not finite."""
    text = text.strip()
    if not text:
        return None
    try:
        return float(text) if "_" not in text else text
    except ValueError:
        return text


def _base64(value: object) -> bytes:
    """The bytes that base64 stands for, in either alphabet."""
    text = _text(value, "bad_base64").strip()
    try:
        return base64.b64decode(text.translate(_STANDARD_ALPHABET), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MappingError("bad_base64", f"the text is not base64: {error}") from error


def _gunzip(value: object) -> bytes:
    """Bytes decompressed, as far as `MAX_TEXT`."""
    if not isinstance(value, bytes):
        raise MappingError("bad_gzip", f"expected bytes, got {type(value).__name__}")
    inflater = zlib.decompressobj(_GZIP)
    try:
        plain = inflater.decompress(value, MAX_TEXT)
    except zlib.error as error:
        raise MappingError("bad_gzip", "the bytes are not gzip") from error
    if not inflater.eof:
        raise MappingError("bad_gzip", f"the bytes are cut off, or more than {MAX_TEXT} when decompressed")
    return plain


def _tensors(value: object) -> list[object]:
    """The rows of tensors in the open inference protocol (V2): `[{"name", "shape", "datatype", "data"}, ...]`.

    A row is a map by tensor: a value of a tensor with one column, `NAME.0`, `NAME.1`, ... of one with several. A
    single tensor makes rows without names: values, or lists of them. TensorFlow's form, a map of columns, is taken.
    """
    if isinstance(value, dict):
        return list(_columnar(value))
    tensors = elements_of(value)
    if not tensors:
        raise MappingError("bad_tensor", "expected a list of tensors")
    columns = [_tensor(tensor) for tensor in tensors]
    lengths = {len(rows) for _, _, rows in columns}
    if len(lengths) > 1:
        raise MappingError("bad_tensor", f"tensors of one request have {sorted(lengths)} rows")
    if len(columns) == 1:
        _, width, rows = columns[0]
        return [row[0] for row in rows] if width == 1 else list(rows)
    result: list[object] = []
    for index in range(lengths.pop()):
        row: dict[str, object] = {}
        for name, width, rows in columns:
            cells = rows[index]
            if width == 1:
                row[name] = cells[0]
            else:
                row.update((f"{name}.{column}", cell) for column, cell in enumerate(cells))
        result.append(row)
    return result


def _tensor(tensor: object) -> tuple[str, int, list[Sequence[object]]]:
    """Name, width and rows of one tensor; a wide one has no cells."""
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        raise MappingError("bad_tensor", "a tensor is an object with name, shape and data")
    name, data, shape = tensor["name"], elements_of(tensor.get("data")), elements_of(tensor.get("shape"))
    if data is None:
        raise MappingError("bad_tensor", f"the tensor {name[:80]!r} has no data")
    if shape is None or not all(isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in shape):
        raise MappingError("bad_tensor", f"the tensor {name[:80]!r} has no shape")
    if len(shape) > _MAX_DIMENSIONS:
        raise MappingError("bad_tensor", f"a tensor of {len(shape)} dimensions, the limit is {_MAX_DIMENSIONS}")
    sizes = [int(str(size)) for size in shape]
    cells = _flat(data, len(sizes))
    if prod(sizes) != len(cells):
        raise MappingError("bad_tensor", f"the tensor {name[:80]!r} has {len(cells)} values, its shape {prod(sizes)}")
    rows = sizes[0] if sizes else 1
    check_rows(rows)
    width = len(cells) // rows if rows else 1
    if width > MAX_WIDTH:
        return name, 0, [()] * rows
    return name, width, [cells[at * width : (at + 1) * width] for at in range(rows)]


def _flat(data: Sequence[object], depth: int) -> Sequence[object]:
    """The values of an array that may be written nested, at most `depth` deep."""
    for _ in range(depth):
        if not data or elements_of(data[0]) is None:
            return data
        data = [cell for part in data for cell in (elements_of(part) or ())]
    return data


def _split(value: object) -> list[dict[str, object]]:
    """The rows of a pandas frame in its split orientation: `{"columns": [...], "data": [[...], ...]}`."""
    columns = elements_of(value.get("columns")) if isinstance(value, dict) else None
    rows = elements_of(value.get("data")) if isinstance(value, dict) else None
    if columns is None or rows is None:
        raise MappingError("bad_table", "expected an object with columns and data")
    check_rows(len(rows))
    names = [str(column) for column in columns]
    return [_named(names, row) for row in rows]


def _named(names: Sequence[str], row: object) -> dict[str, object]:
    cells = elements_of(row)
    if cells is None or len(cells) != len(names):
        raise MappingError("bad_table", f"a row has {len(cells or ())} values for {len(names)} columns")
    return dict(zip(names, cells, strict=True))


def _columnar(value: object) -> list[dict[str, object]]:
    """The rows of a map of columns: `{"a": [1, 2], "b": [3, 4]}`; single values make one row."""
    if not isinstance(value, dict) or not value:
        raise MappingError("bad_table", "expected an object of columns")
    columns = {name: elements_of(column) for name, column in value.items()}
    if all(column is None for column in columns.values()):
        return [value]
    lengths = {-1 if column is None else len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise MappingError("bad_table", "the columns are not of one length")
    check_rows(max(lengths))
    return [
        dict(zip(columns, cells, strict=True))
        for cells in zip(*(column or () for column in columns.values()), strict=True)
    ]


def _seldon(value: object) -> list[object]:
    """The rows of data in Seldon's protocol, under its names if it has any."""
    rows = _ndarray(value)
    names = elements_of(value.get("names")) if isinstance(value, dict) else None
    return [_named([str(name) for name in names], row) for row in rows] if names else rows


def _ndarray(value: object) -> list[object]:
    """The rows of data in Seldon's protocol: `{"ndarray": [...]}` or `{"tensor": {"shape", "values"}}`."""
    if not isinstance(value, dict):
        raise MappingError("bad_tensor", "expected an object with ndarray or tensor")
    if isinstance(value.get("tensor"), dict):
        tensor = value["tensor"]
        _, width, rows = _tensor({"name": "tensor", "shape": tensor.get("shape"), "data": tensor.get("values")})
        return [row[0] for row in rows] if width == 1 else list(rows)
    array = elements_of(value.get("ndarray"))
    if array is None:
        raise MappingError("bad_tensor", "expected an object with ndarray or tensor")
    check_rows(len(array))
    return list(array)


def _single(value: object) -> object:
    """The only element of a list; other values stay, and lists of several are none."""
    elements = elements_of(value)
    if elements is None:
        return value
    return elements[0] if len(elements) == 1 else None


def _capture(value: object) -> object:
    """What SageMaker captured of a request or response: `{"observedContentType", "encoding", "data"}`."""
    if not isinstance(value, Mapping) or not isinstance(value.get("data"), str):
        raise MappingError("bad_capture", "expected an object with encoding and data")
    data, encoding = value["data"], str(value.get("encoding", "")).upper()
    content = str(value.get("observedContentType") or "").partition(";")[0].strip().lower()
    if encoding == "BASE64":
        plain = _text(_base64(data), "bad_capture")
    elif encoding in {"CSV", "JSON"}:
        plain, content = data, content or encoding.lower()
    else:
        raise MappingError("bad_capture", f"the encoding {encoding[:40]!r} is none of CSV, JSON and BASE64")
    if "jsonlines" in content or "ndjson" in content or "jsonl" in content:
        return _json_lines(plain)
    if "json" in content or (not content and plain.lstrip()[:1] in {"{", "["}):
        return _json(plain)
    return _csv(plain)


def _rows(value: object) -> list[object]:
    """The rows of features in a request's body, whatever server of models it is for.

    Takes MLflow's `dataframe_records`, `dataframe_split`, `instances` and `inputs`, lists of rows, a list of values as
    one row, a map as one row, and lists of any of these as JSON text.
    """
    value = _json(value) if isinstance(value, str) else value
    if isinstance(value, dict):
        for name, read in _WRAPPERS.items():
            if name in value:
                return read(value[name])
        return [value]
    elements = elements_of(value)
    if elements is None:
        raise MappingError("no_rows", f"expected rows of features, got {type(value).__name__}")
    check_rows(len(elements))
    if all(isinstance(element, str) and element.lstrip()[:1] in {"{", "["} for element in elements):
        return [row for element in elements for row in _rows(element)]
    is_table = any(isinstance(element, dict) or elements_of(element) is not None for element in elements)
    return list(elements) if is_table or not elements else [elements]


def _instances(value: object) -> list[object]:
    """Rows of a request's list, each of which may be a single value."""
    elements = elements_of(value)
    return _rows(value) if elements is None else list(elements)


def _inputs(value: object) -> list[object]:
    """Rows of `inputs`: tensors of the open inference protocol, a map of columns, or rows."""
    elements = elements_of(value)
    if isinstance(value, dict) or (elements and isinstance(elements[0], dict) and "shape" in elements[0]):
        return _tensors(value)
    return _instances(value)


_WRAPPERS: Final[Mapping[str, Callable[[object], list[object]]]] = {
    "dataframe_records": _instances,
    "dataframe_split": lambda value: list(_split(value)),
    "instances": _instances,
    "inputs": _inputs,
}


def _predictions(value: object) -> list[object]:
    """The predictions in a response's body, one a row: a list, `predictions` or `outputs`, JSON text of either."""
    value = _json(value) if isinstance(value, str) else value
    if isinstance(value, dict):
        for name in ("predictions", "outputs"):
            if name in value:
                return _inputs(value[name]) if name == "outputs" else _predictions(value[name])
        return [value]
    elements = elements_of(value)
    if elements is None:
        return [value]
    check_rows(len(elements))
    return [
        _json(element) if isinstance(element, str) and element[:1] in {"{", "["} else element for element in elements
    ]


def _first(value: object) -> object:
    elements = elements_of(value)
    return elements[0] if elements else None


def _last(value: object) -> object:
    elements = elements_of(value)
    return elements[-1] if elements else None


def _number(value: object) -> object:
    """The number that text stands for; None for what is none."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _plain_text(value: object) -> object:
    return _text(value, "bad_text") if isinstance(value, bytes) else str(value)


def _text(value: object, reason: str) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        raise MappingError(reason, f"expected text, got {type(value).__name__}")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise MappingError(reason, "the bytes are not UTF-8") from error


_STANDARD_ALPHABET: Final = str.maketrans("-_", "+/")

FILTERS: Final[Mapping[str, Callable[[object], object]]] = {
    "base64": _base64,
    "capture": _capture,
    "columnar": _columnar,
    "csv": _csv,
    "csv_header": _csv_header,
    "first": _first,
    "gunzip": _gunzip,
    "json": _json,
    "json_lines": _json_lines,
    "last": _last,
    "lower": _lower,
    "monitor": monitored,
    "ndarray": _ndarray,
    "number": _number,
    "predictions": _predictions,
    "rows": _rows,
    "seldon": _seldon,
    "single": _single,
    "split": _split,
    "tensors": _tensors,
    "text": _plain_text,
}
