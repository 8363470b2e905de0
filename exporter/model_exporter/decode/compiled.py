"""OTLP logs by the compiled scanner as far as it goes; what it does not take is left to the readers in Python."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Final

from google.protobuf.message import DecodeError as ProtobufError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from model_exporter.batch import Origin
from model_exporter.config.settings import Limits
from model_exporter.decode import _scanner, rows
from model_exporter.decode.aliases import LOG_FIELDS, Field, Names
from model_exporter.decode.bento import SCOPE as MONITORS
from model_exporter.decode.decoded import Decoded
from model_exporter.decode.identity import Source, model_of, version_of
from model_exporter.decode.otlp_protobuf import read_record, separate_records, shared_part, value_of
from model_exporter.decode.placed import MAX_ODD, PlacedLedger, is_sparse, remember, together, within_limits
from model_exporter.decode.records import RecordReader
from model_exporter.decode.rows import Group, Ledger
from model_exporter.decode.scanned import parts_of
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

_USUAL: Final = frozenset({str, int, type(None)})
"""Types of the models and versions that a resource names."""
_NOT_FOR_US: Final = (ValueError, DecodeError, RecordError, ProtobufError)
"""What is raised where the other decoder has to say what is wrong, and save what is not."""
_FEW: Final = 32
"""Odd records, scopes and groups of a request that is read at once: each may take a tenth of a millisecond."""

_Parts = tuple[tuple[bytes, ...], tuple[tuple[int, bytes], ...], tuple[tuple[int, bytes, bytes], ...]]
"""See `Scanner.parts`."""
_Odd = tuple[int, int, bytes]
"""Number of an odd record in its scan, its scope, and itself."""


def scanner_keys(fields: Mapping[int, Names]) -> dict[bytes, int]:
    """What a scanner makes of the names of some fields."""
    return {
        name.encode(): getattr(_scanner, _ROLES.get(field, "STRANGE"))
        for field, names in fields.items()
        for name in names
    }


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
        self._sure: dict[_Parts, None] = {}

    def probe(self, body: bytes) -> tuple[int, int] | None:
        """How many predictions and how many other records a small request holds, if each is sure to be taken.

        Nothing is made of them, which costs a fraction of decoding a request. What is sure of several requests is so
        of all of them put together, as long as these have not more resources, groups or columns than one may have.
        None when only decoding can tell.
        """
        scanner = self._take_scanner()
        try:
            scanner.begin(body)
            found = scanner.probe()
            if found is not None:
                self._check(scanner.parts())
        except _NOT_FOR_US:
            return None
        finally:
            scanner.finish()
            self._idle.append(scanner)
        return found

    def decode(
        self, body: bytes, reader_into: Callable[[Ledger], RecordReader], *, at_once: bool = False
    ) -> Decoded | None:
        """The records in `body`; None when it is for the decoder in Python.

        Args:
            body: an ExportLogsServiceRequest.
            reader_into: what reads single records into a ledger.
            at_once: whether it is for the decoder in Python as soon as more than a little of it would be read there.
        """
        scanner = self._take_scanner()
        try:
            return self._decode(scanner, body, reader_into, _FEW if at_once else MAX_ODD)
        except _NOT_FOR_US:
            return None
        finally:
            scanner.finish()
            self._idle.append(scanner)

    def _decode(
        self, scanner: _scanner.Scanner, body: bytes, reader_into: Callable[[Ledger], RecordReader], most: int
    ) -> Decoded:
        """The records in `body`, with at most so many odd ones, scopes and groups.

        Raises:
            ValueError: it is for the other decoder; the same goes for all other errors.
        """
        scanner.begin(body)
        scans = list(iter(scanner.scan, None))
        records = sum(scan.records_seen for scan in scans)
        odd = sum(len(scan.odd) for scan in scans)
        if odd > min(records // 2, most) or is_sparse(scans, records):
            raise ValueError("too many records are odd, or too many cells empty")
        shared = scanner.parts()
        if max(map(len, shared)) > most:
            raise ValueError("there are many resources, scopes or groups")
        sources, groups = self._read_parts(shared)
        if len(groups) + odd > rows.MAX_GROUPS:
            raise ValueError("there are perhaps too many groups")
        parts = [list(parts_of(scan, groups)) for scan in scans]
        ignored = sum(scan.ignored for scan in scans)
        if not odd:
            batches = tuple(part.batch for of_scan in parts for part in of_scan)
            return Decoded(batches, ignored={_NOT_A_PREDICTION: ignored} if ignored else None)
        ledger = PlacedLedger(self._limits)
        if ignored:
            ledger.tally.ignore(_NOT_A_PREDICTION, ignored)
        reader = reader_into(ledger)
        for number, scan in enumerate(scans):
            for scope, told in groupby(scan.odd, itemgetter(1)):
                _read_odd(number, list(told), sources[scope], reader, ledger)
        decoded = ledger.decoded()
        return replace(
            decoded, batches=within_limits(together(parts, decoded.batches, ledger.places), records, self._limits)
        )

    def _check(self, parts: _Parts) -> None:
        """See whether all that records belong to can be read.

        Raises:
            ValueError: it is for the other decoder; the same goes for all other errors.
        """
        if parts not in self._sure:
            self._read_parts(parts)
            remember(self._sure, parts, None, sum(map(len, parts[0])) + sum(len(scope) for _, scope in parts[1]))

    def _read_parts(self, parts: _Parts) -> tuple[list[Source], list[Group]]:
        """What scopes, and groups of rows, stand for.

        Raises:
            ValueError: it is for the other decoder; the same goes for all other errors.
        """
        resources, scopes, heads = parts
        for unused in set(range(len(resources))).difference(map(itemgetter(0), scopes)):
            self._source(resources[unused], b"")
        sources = [self._source(resources[resource], scope) for resource, scope in scopes]
        return sources, [self._group(sources[scope], model, version) for scope, model, version in heads]

    def _take_scanner(self) -> "_scanner.Scanner":
        try:
            return self._idle.pop()
        except IndexError:
            return self._scanner()

    def _scanner(self) -> "_scanner.Scanner":
        return _scanner.Scanner(
            scanner_keys(LOG_FIELDS),
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
            remember(self._sources, place, found, len(resource) + len(scope))
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
            remember(self._groups, place, group, len(model) + len(version))
        return group


def _read_odd(scan: int, odd: Sequence[_Odd], source: Source, reader: RecordReader, ledger: PlacedLedger) -> None:
    """Read odd records of one scope."""
    messages = separate_records([message for _, _, message in odd])
    for (record, _, _), message in zip(odd, messages, strict=True):
        ledger.place = scan, record
        read_record(message, source, reader)
