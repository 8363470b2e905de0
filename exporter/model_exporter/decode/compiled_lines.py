"""Predictions in JSON by the compiled scanner as far as it goes; the rest is left to the readers in Python."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import msgspec

from model_exporter.config.settings import Limits
from model_exporter.decode import _lines, _scanner, rows
from model_exporter.decode.aliases import NATIVE_FIELDS, Field
from model_exporter.decode.compiled import scanner_keys
from model_exporter.decode.decoded import Decoded
from model_exporter.decode.identity import Source
from model_exporter.decode.native import place_of, take_objects, values_of_lines
from model_exporter.decode.placed import MAX_ODD, Place, PlacedLedger, is_sparse, remember, together, within_limits
from model_exporter.decode.records import PREDICTION, RecordReader, group_of
from model_exporter.decode.rows import Group, Ledger
from model_exporter.decode.scanned import parts_of
from model_exporter.decode.tally import RecordError
from model_exporter.decode.values import is_empty
from model_exporter.errors import DecodeError
from model_exporter.json_text import parse_json

_LINES: Final = msgspec.json.Decoder()
_CUT_OFF: Final = "Input data was truncated"
"""What msgspec says of a value that might go on in the next line."""
_NOWHERE: Final = Source()


class _Odd(NamedTuple):
    """A record that readers in Python take.

    Attributes:
        place: which scan, and which of its records.
        number: among all records, from 1 on.
        line: the number of its line, from 1 on.
        text: its JSON, with what else is in the line.
    """

    place: Place
    number: int
    line: int
    text: bytes


class CompiledLines:
    """Decodes predictions in JSON. Safe to use from many threads: each call has a scanner to itself.

    Args:
        limits: `record_attributes`, `nesting` and `name_length` bound what one record may bring.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seed = secrets.randbits(63)
        self._idle: list[_lines.LineScanner] = []
        self._groups: dict[tuple[bytes, bytes, str, str], Group] = {}

    def decode(
        self, body: bytes, reader_into: Callable[[Ledger], RecordReader], defaults: Mapping[int, str]
    ) -> Decoded | None:
        """The records in `body`; None when it is for the decoder in Python.

        Args:
            body: JSON without a byte order mark: an object a line, or an array of objects.
            reader_into: what reads single records into a ledger.
            defaults: what records have that lack it: model, version.
        """
        try:
            scanner = self._idle.pop()
        except IndexError:
            scanner = self._scanner()
        try:
            return self._decode(scanner, body, reader_into, defaults)
        except (ValueError, DecodeError, RecordError, RecursionError):
            return None  # the other decoder will say what is wrong, and save what is not
        finally:
            scanner.finish()
            self._idle.append(scanner)

    def _decode(
        self,
        scanner: _lines.LineScanner,
        body: bytes,
        reader_into: Callable[[Ledger], RecordReader],
        defaults: Mapping[int, str],
    ) -> Decoded:
        """The records in `body`.

        Raises:
            ValueError: it is for the other decoder; the same goes for all other errors.
        """
        scanner.open(body, bool(defaults.get(Field.MODEL)))
        scans = list(iter(scanner.scan, None))
        records = sum(scan.records_seen for scan in scans)
        odd = sum(len(scan.odd) for scan in scans)
        if not records or odd > min(records // 2, MAX_ODD) or is_sparse(scans, records):
            raise ValueError("no records, or too many odd ones or empty cells")
        _, _, heads = scanner.parts()
        if len(heads) + odd > rows.MAX_GROUPS:
            raise ValueError("there are perhaps too many groups")
        groups = [self._group(model, version, defaults) for _, model, version in heads]
        parts = [list(parts_of(scan, groups)) for scan in scans]
        if not odd:
            return Decoded(tuple(part.batch for of_scan in parts for part in of_scan))
        ledger = PlacedLedger(self._limits)
        _read_odd(_odd_of(scans), body, records, reader_into(ledger), ledger, in_array=scanner.is_array)
        decoded = ledger.decoded()
        batches = together(parts, decoded.batches, ledger.places)
        return replace(decoded, batches=within_limits(batches, records, self._limits))

    def _scanner(self) -> _lines.LineScanner:
        scanner = _lines.LineScanner(
            scanner_keys(NATIVE_FIELDS),
            name_length=self._limits.name_length,
            record_attributes=self._limits.record_attributes,
            seed=self._seed,
        )
        scanner.nesting = self._limits.nesting
        return scanner

    def _group(self, model: bytes, version: bytes, defaults: Mapping[int, str]) -> Group:
        """The batch of the rows that say so, in JSON or not at all.

        Raises:
            RecordError: they name model or version as it cannot be.
            ValueError: they are no JSON.
        """
        place = model, version, defaults.get(Field.MODEL, ""), defaults.get(Field.VERSION, "")
        group = self._groups.get(place)
        if group is None:
            name, told = _told(model, place[2]), _told(version, place[3])
            group = group_of(name, told, _NOWHERE, self._limits.name_length)
            remember(self._groups, place, group, len(model) + len(version))
        return group


def _value(text: bytes) -> object:
    """The value of some JSON, which may not be there; None then.

    Raises:
        DecodeError: it is none.
    """
    return parse_json(text, lenient=False) if text else None


def _told(text: bytes, default: str) -> object:
    """The value of some JSON, or `default` where that says nothing.

    Raises:
        DecodeError: it is none.
    """
    value = _value(text)
    return default if is_empty(value) else value


def _odd_of(scans: Sequence[_scanner.Scan]) -> list[_Odd]:
    found: list[_Odd] = []
    before = 0
    for number, scan in enumerate(scans):
        found += (_Odd((number, record), before + record + 1, line, text) for record, line, text in scan.odd)
        before += scan.records_seen
    return found


def _read_odd(
    odd: Sequence[_Odd], body: bytes, records: int, reader: RecordReader, ledger: PlacedLedger, *, in_array: bool
) -> None:
    """Read the odd ones of all `records` in `body`.

    Raises:
        ValueError: only all of it can tell where they end; also a DecodeError.
    """
    places = iter([record.place for record in odd])

    def read(value: dict[str, object], where: str) -> None:
        reader.read_native(PREDICTION, value, where=where)

    for value in _values(odd, body, records, in_array=in_array):
        ledger.place = next(places)
        take_objects([value], read, ledger.tally)


def _values(odd: Sequence[_Odd], body: bytes, records: int, *, in_array: bool) -> list[tuple[str, object]]:
    """The odd records with their places for the sender's eyes, as `native` would name them.

    Raises:
        ValueError: only all of the body can tell where they end.
        DecodeError: the array that they are in is none.
    """
    if in_array:
        values = [_value(record.text) for record in odd]
    else:
        try:
            values = [_only(_LINES.decode_lines(record.text)) for record in odd]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _doubtful_values(odd, error)
    place = place_of(body, records)
    return [(f"{place} {record.number}", value) for record, value in zip(odd, values, strict=True)]


def _doubtful_values(odd: Sequence[_Odd], error: Exception) -> list[tuple[str, object]]:
    """The same where one is no JSON.

    Then all of the body is none, for the same reason in the same place, unless the value goes on in the next line. Nor
    is it one value of the lenient kind, unless that begins in the first line and does not end there.

    Raises:
        ValueError: that may be so.
    """
    if _CUT_OFF in str(error):
        raise ValueError("a value may go on in the next line") from error
    values = list(values_of_lines((record.line, record.text) for record in odd))
    if len(values) < len(odd) or (odd[0].number == 1 and isinstance(values[0][1], DecodeError)):
        raise ValueError("there are lines of another kind") from error
    return values


def _only(values: Sequence[object]) -> object:
    """The value of a line.

    Raises:
        ValueError: there are more of them.
    """
    (value,) = values
    return value
