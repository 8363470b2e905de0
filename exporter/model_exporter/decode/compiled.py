"""OTLP logs by the compiled scanner as far as it goes; what it does not take is left to the readers in Python."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar

import numpy as np
from google.protobuf.message import DecodeError as ProtobufError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from model_exporter.batch import Batch, Origin, join_batches, take_rows
from model_exporter.config.settings import Limits
from model_exporter.decode import _scanner, rows
from model_exporter.decode.aliases import LOG_FIELDS, Field
from model_exporter.decode.bento import SCOPE as MONITORS
from model_exporter.decode.decoded import Decoded
from model_exporter.decode.identity import Source, model_of, version_of
from model_exporter.decode.otlp_protobuf import read_record, separate_records, shared_part, value_of
from model_exporter.decode.records import RecordReader
from model_exporter.decode.rows import Group, Ledger
from model_exporter.decode.scanned import Part, fewest_values, parts_of
from model_exporter.decode.tally import RecordError
from model_exporter.errors import DecodeError

_ROLES: Final[Mapping[int, str]] = {
    Field.EVENT_NAME: "EVENT_NAME",
    Field.MODEL: "MODEL",
    Field.VERSION: "VERSION",
    Field.ID: "ID",
    Field.REQUEST: "REQUEST",
    Field.FEATURES: "FEATURES",
    Field.PROBABILITIES: "PROBABILITIES",
    Field.SEGMENTS: "SEGMENTS",
    Field.PREDICTION: "PREDICTION",
    Field.SCORE: "SCORE",
    Field.LATENCY_MILLISECONDS: "LATENCY_MILLISECONDS",
    Field.LATENCY_SECONDS: "LATENCY_SECONDS",
    Field.ERROR: "ERROR",
    Field.TIME: "TIME",
    Field.VALUES: "UNREAD",  # these say something of outcomes and of events only
    Field.CHANGE: "UNREAD",
    Field.SOURCE: "UNREAD",
}
"""What the scanner makes of a field; a record that has another one is odd."""

_NOT_A_PREDICTION: Final = "not_a_prediction"
_NO_ROWS: Final = np.empty(0, np.intp)

_USUAL: Final = frozenset({str, int, type(None)})
"""Types of the models and versions that a resource names."""
_MAX_ODD: Final = 4096
"""Odd records of one request; with more of them, or more than half, Python reads all at once."""
_MAX_KNOWN: Final = 256
"""Scopes, and groups, that are remembered between requests, and the bytes of each."""
_MAX_KNOWN_BYTES: Final = 16_384

_Odd = tuple[int, int, bytes]
"""Number of an odd record in its scan, its scope, and itself."""
Place = tuple[int, int]
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class CompiledLogs:
    """Decodes ExportLogsServiceRequests. Safe to use from many threads: each call has a scanner to itself.

    Args:
        limits: `record_attributes` and `name_length` bound what one record may bring.
        is_mapped: whether mappings may take the records of a scope, told as by `shared_scope`.
    """

    def __init__(self, limits: Limits, is_mapped: Callable[[Mapping[str, object]], bool]) -> None:
        self._limits = limits
        self._is_mapped = is_mapped
        self._seed = secrets.randbits(63)
        self._idle: list[_scanner.Scanner] = []
        self._sources: dict[tuple[bytes, bytes], Source | None] = {}
        self._groups: dict[tuple[Source, bytes, bytes], Group] = {}

    def decode(self, body: bytes, reader_into: Callable[[Ledger], RecordReader]) -> Decoded | None:
        """The records in `body`; None when it is for the decoder in Python.

        Args:
            body: an ExportLogsServiceRequest.
            reader_into: what reads single records into a ledger.
        """
        try:
            scanner = self._idle.pop()
        except IndexError:
            scanner = self._scanner()
        try:
            return self._decode(scanner, body, reader_into)
        except (ValueError, DecodeError, RecordError, ProtobufError):
            return None  # the other decoder will say what is wrong, and save what is not
        finally:
            scanner.finish()
            self._idle.append(scanner)

    def _decode(self, scanner: _scanner.Scanner, body: bytes, reader_into: Callable[[Ledger], RecordReader]) -> Decoded:
        """The records in `body`.

        Raises:
            ValueError: it is for the other decoder; the same goes for all other errors.
        """
        scanner.begin(body)
        scans = list(iter(scanner.scan, None))
        records = sum(scan.records_seen for scan in scans)
        odd = sum(len(scan.odd) for scan in scans)
        if odd > min(records // 2, _MAX_ODD) or _is_sparse(scans, records):
            raise ValueError("too many records are odd, or too many cells empty")
        resources, scopes, heads = scanner.parts()
        if len(heads) + odd > rows.MAX_GROUPS:
            raise ValueError("there are perhaps too many groups")
        for unused in set(range(len(resources))).difference(map(itemgetter(0), scopes)):
            self._source(resources[unused], b"")
        sources = [self._source(resources[resource], scope) for resource, scope in scopes]
        groups = [self._group(sources[scope], model, version) for scope, model, version in heads]
        parts = [list(parts_of(scan, groups)) for scan in scans]
        ignored = sum(scan.ignored for scan in scans)
        if not odd:
            batches = tuple(part.batch for of_scan in parts for part in of_scan)
            return Decoded(batches, ignored={_NOT_A_PREDICTION: ignored} if ignored else None)
        ledger = _PlacedLedger(self._limits)
        if ignored:
            ledger.tally.ignore(_NOT_A_PREDICTION, ignored)
        reader = reader_into(ledger)
        for number, scan in enumerate(scans):
            for scope, told in groupby(scan.odd, itemgetter(1)):
                _read_odd(number, list(told), sources[scope], reader, ledger)
        decoded = ledger.decoded()
        return replace(decoded, batches=self._within_limits(_together(parts, decoded.batches, ledger.places), records))

    def _within_limits(self, batches: Iterable[Batch], records: int) -> tuple[Batch, ...]:
        """All `batches`, of a request of so many records.

        Raises:
            ValueError: they have more columns than is sure to be allowed.
        """
        found = tuple(batches)
        columns = Counter(role for role, _ in {(c.role, c.name) for b in found for c in (*b.columns, *b.context)})
        if max(columns.values(), default=0) > self._limits.record_attributes or columns.total() * records > min(
            rows.SPARE_CELLS, rows.MAX_CELLS
        ):
            raise ValueError("odd records have columns of their own, too many")
        return found

    def _scanner(self) -> "_scanner.Scanner":
        keys = {
            name.encode(): getattr(_scanner, _ROLES.get(field, "STRANGE"))
            for field, names in LOG_FIELDS.items()
            for name in names
        }
        return _scanner.Scanner(
            keys,
            name_length=self._limits.name_length,
            record_attributes=self._limits.record_attributes,
            seed=self._seed,
        )

    def _source(self, resource: bytes, scope: bytes) -> Source:
        """What all records of a scope have in common.

        Raises:
            DecodeError: resource or scope cannot be read.
            ValueError: other readers may take the records.
        """
        place = resource, scope
        try:
            found = self._sources[place]
        except KeyError:
            source, shared = shared_part(resource, scope)
            is_usual = type(source.model) in _USUAL and type(source.version) in _USUAL and source.scope != MONITORS
            found = source if is_usual and not self._is_mapped(shared) else None
            _remember(self._sources, place, found, len(resource) + len(scope))
        if found is None:
            raise ValueError("other readers may take these records")
        return found

    def _group(self, source: Source, model: bytes, version: bytes) -> Group:
        """The batch of the rows that say so.

        Raises:
            RecordError: they name no model as it has to be.
            ProtobufError: they say nothing that can be read.
        """
        place = source, model, version
        group = self._groups.get(place)
        if group is None:
            limit = self._limits.name_length
            name, service = model_of(value_of(AnyValue.FromString(model)), source, limit)
            group = Group(name, version_of(value_of(AnyValue.FromString(version)), source, limit), service, Origin.LOG)
            _remember(self._groups, place, group, len(model) + len(version))
        return group


def _read_odd(scan: int, odd: Sequence[_Odd], source: Source, reader: RecordReader, ledger: "_PlacedLedger") -> None:
    """Read odd records of one scope."""
    messages = separate_records([message for _, _, message in odd])
    for (record, _, _), message in zip(odd, messages, strict=True):
        ledger.place = scan, record
        read_record(message, source, reader)


class _PlacedLedger(Ledger):
    """A ledger that knows where its rows came from.

    Attributes:
        place: of the record that is read: which scan, and which of its records.
        places: of the rows of each batch.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.place: Place = (0, 0)
        self.places: dict[Group, list[Place]] = {}

    def add_prediction(self, group: Group, **row: Any) -> None:  # noqa: ANN401  # those of the ledger
        """Add a row, and its place."""
        super().add_prediction(group, **row)
        self.places.setdefault(group, []).append(self.place)


def _together(
    scans: Sequence[Sequence[Part]], odd: Sequence[Batch], places: Mapping[Group, Sequence[Place]]
) -> Iterator[Batch]:
    """The rows of scans with the odd ones among them, in the order of their records."""
    batches = {Group(batch.model, batch.version, batch.service, batch.origin): batch for batch in odd}
    for number, parts in enumerate(scans):
        left = {
            group: np.array([row for row, (scan, _) in enumerate(told) if scan == number], np.intp)
            for group, told in places.items()
        }
        for part in parts:
            found = left.pop(part.group, _NO_ROWS)
            if not found.size:
                yield part.batch
                continue
            records = [places[part.group][row][1] for row in found.tolist()]
            joined = join_batches([part.batch, take_rows(batches[part.group], found)])
            yield take_rows(joined, np.argsort(np.concatenate([part.records, records]), kind="stable"))
        yield from (take_rows(batches[group], found) for group, found in left.items() if found.size)


def _remember(known: dict[_Key, _Value], key: _Key, value: _Value, size: int) -> None:
    """Keep `value`, unless it is large; forget all others when they are too many."""
    if size <= _MAX_KNOWN_BYTES:
        if len(known) >= _MAX_KNOWN:
            known.clear()
        known[key] = value


def _is_sparse(scans: Sequence[_scanner.Scan], records: int) -> bool:
    """Whether so many records in one batch may leave more cells empty than `rows.Ledger` allows, after any of them."""
    columns = len({column[:2] for scan in scans for column in scan.columns})
    cells = records * columns
    if cells <= min(rows.SPARE_CELLS, rows.MAX_CELLS):
        return False
    return cells > rows.MAX_CELLS or any(
        rows.SPARSITY * least < columns for scan in scans if (least := fewest_values(scan)) is not None
    )
