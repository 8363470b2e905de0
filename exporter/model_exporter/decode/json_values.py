"""Values of OTLP/JSON."""

import binascii
from collections.abc import Iterable
from math import inf, nan
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from model_exporter.decode.tally import RecordError
from model_exporter.decode.values import Elements

Number = int | float | str | None

_SPECIAL: Final = {"NaN": nan, "Infinity": inf, "-Infinity": -inf}
_MAX_NANOSECONDS: Final = (1 << 64) - 1


class AnyValue(Struct, rename="camel", gc=False):
    """`opentelemetry.proto.common.v1.AnyValue`. A member may be there and null, which is not the same as absent."""

    double_value: Number | UnsetType = UNSET
    string_value: str | UnsetType | None = UNSET
    int_value: Number | UnsetType = UNSET
    bool_value: bool | UnsetType | None = UNSET
    kvlist_value: "_KeyValueList | UnsetType | None" = UNSET
    array_value: "_ArrayValue | UnsetType | None" = UNSET
    bytes_value: str | UnsetType | None = UNSET


class KeyValue(Struct, gc=False):
    """`opentelemetry.proto.common.v1.KeyValue`."""

    key: str | None = None
    value: AnyValue | None = None


class _KeyValueList(Struct, gc=False):
    values: list[KeyValue] | None = None


class _ArrayValue(Struct, gc=False):
    values: list[AnyValue | None] | None = None


def mapping_of(pairs: Iterable[KeyValue] | None) -> dict[str, object]:
    """The pairs as Python values; of equal keys the last one wins.

    Raises:
        RecordError: one of them cannot be what it says.
    """
    return {pair.key or "": value_of(pair.value) for pair in pairs or ()}


def value_of(value: AnyValue | None) -> object:
    """The Python value: float, int, str, bool, None, bytes, dict or `Elements`.

    Raises:
        RecordError: it cannot be what it says.
    """
    if value is None:
        return None
    if value.double_value is not UNSET:
        return _double(value.double_value)
    if value.string_value is not UNSET:
        return value.string_value
    if value.int_value is not UNSET:
        return _integer(value.int_value)
    if value.bool_value is not UNSET:
        return value.bool_value
    return _compound(value)


def nanoseconds_of(value: Number) -> int:
    """A moment in unix nanoseconds, 0 when absent.

    Raises:
        RecordError: it is none.
    """
    moment = _integer(value)
    if moment is None:
        return 0
    if not 0 <= moment <= _MAX_NANOSECONDS:  # NaN is not, either
        raise RecordError("malformed_record", "a time is not a number of nanoseconds")
    return int(moment)


def _compound(value: AnyValue) -> object:
    if isinstance(value.kvlist_value, _KeyValueList):
        return mapping_of(value.kvlist_value.values)
    if isinstance(value.array_value, _ArrayValue):
        return Elements(value.array_value.values or (), value_of)
    return _bytes(value.bytes_value) if isinstance(value.bytes_value, str) else None


def _double(value: Number | UnsetType) -> float:
    """A double; null is how the JavaScript exporter writes one that is not finite."""
    if isinstance(value, float):
        return value
    if value is None or value is UNSET:
        return nan
    number = _SPECIAL.get(value) if isinstance(value, str) else None
    try:
        return float(value) if number is None else number
    except OverflowError:
        return inf if isinstance(value, int) and value > 0 else -inf
    except ValueError as error:
        raise RecordError("malformed_record", "a doubleValue is not a number") from error


def _integer(value: Number | UnsetType) -> int | float | None:
    """An integer, which may be written as text, or with an exponent as JavaScript does when it is large."""
    if isinstance(value, int | float) or value is None or value is UNSET:
        return None if value is UNSET else value
    try:
        return int(value)
    except ValueError:
        return _double(value)


def _bytes(text: str) -> bytes:
    """Base64, in either alphabet, with or without its padding."""
    plain = text.translate(_STANDARD_ALPHABET).rstrip("=")
    try:
        return binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise RecordError("malformed_record", "a bytesValue is not base64") from error


_STANDARD_ALPHABET: Final = str.maketrans("-_", "+/")
