"""Bodies of inference requests and responses: JSON, or JSON with raw tensors after it.

The open inference protocol's binary extension: each tensor with `parameters.binary_data_size` has its bytes after the
JSON, in order. The header that tells the length of the JSON does not reach payload loggers: it is where the JSON ends.
"""

import json
from collections.abc import Sequence
from itertools import islice
from math import prod
from typing import Final

import numpy as np

from model_exporter.errors import DecodeError
from model_exporter.json_text import parse_json

_TYPES: Final = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
_LENGTH_BYTES: Final = 4
_WIDEST: Final = 2_000
"""Values a row beyond which a tensor is left in its bytes: nobody watches a picture by its pixels."""
_MAX_DIMENSIONS: Final = 32
_LARGEST: Final = 1 << 31
_JSON: Final = json.JSONDecoder()


def parse_body(body: bytes) -> object:
    """What `body` says; tensors that follow it as bytes are put where JSON would have their `data`.

    Raises:
        DecodeError: it is neither; `reason` is one of `parse_json`'s or `bad_tensor`.
    """
    try:
        return parse_json(body)
    except DecodeError:
        if body[:1] != b"{":
            raise
        text = body.decode("latin-1")  # a character a byte, whatever the bytes are
        try:
            _, end = _JSON.raw_decode(text)
        except (ValueError, RecursionError):
            end = 0
        if not end:
            raise
    head = parse_json(body[:end])
    if isinstance(head, dict):
        _fill(head, memoryview(body)[end:])
    return head


def _fill(message: dict[str, object], raw: memoryview) -> None:
    """Give the tensors of `message` their data out of `raw`."""
    for name in ("inputs", "outputs"):
        tensors = message.get(name)
        for tensor in tensors if isinstance(tensors, list) else ():
            size = _binary_size(tensor)
            if size is None:
                continue
            if size > len(raw):
                raise DecodeError("bad_tensor", f"a tensor of {size} bytes, and {len(raw)} bytes are left")
            _read(tensor, raw[:size])
            raw = raw[size:]


def _binary_size(tensor: object) -> int | None:
    parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None


def _read(tensor: dict[str, object], raw: memoryview) -> None:
    kind, shape = tensor.get("datatype"), tensor.get("shape")
    if not isinstance(shape, list) or not 1 <= len(shape) <= _MAX_DIMENSIONS or not all(map(_is_size, shape)):
        raise DecodeError("bad_tensor", "a tensor has no shape")
    if prod(islice(shape, 1, None)) > _WIDEST:
        tensor["shape"], tensor["data"] = [shape[0], 0], []
    elif kind == "BYTES":
        tensor["data"] = _texts(raw)
    elif kind in _TYPES and len(raw) % _TYPES[str(kind)].itemsize == 0:
        tensor["data"] = np.frombuffer(raw, _TYPES[str(kind)]).tolist()
    else:
        raise DecodeError("bad_tensor", f"{len(raw)} bytes are no tensor of {str(kind)[:40]!r}")


def _is_size(size: object) -> bool:
    return isinstance(size, int) and 0 <= size <= _LARGEST


def _texts(raw: memoryview) -> Sequence[str]:
    """Elements of a BYTES tensor, each after its length."""
    texts = []
    while raw:
        size = int.from_bytes(raw[:_LENGTH_BYTES], "little")
        if len(raw) < _LENGTH_BYTES + size:
            raise DecodeError("bad_tensor", "an element of a BYTES tensor is cut off")
        texts.append(bytes(raw[_LENGTH_BYTES : _LENGTH_BYTES + size]).decode("utf-8", "backslashreplace"))
        raw = raw[_LENGTH_BYTES + size :]
    return texts
