"""OTLP traces by the compiled scanner as far as it goes; what it does not take is left to the readers in Python.

The scanner finds what a span is judged by; the reader in Python judges one of those that are told alike, and what it
says holds for the others.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError as ProtobufError
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from model_exporter.config.settings import Limits
from model_exporter.decode import _spans, aliases
from model_exporter.decode.call_names import SIGNS, TELLING
from model_exporter.decode.decoded import Decoded
from model_exporter.decode.identity import Source
from model_exporter.decode.mlflow import SCOPE
from model_exporter.decode.otlp_protobuf import separate_spans, shared_part, span_of
from model_exporter.decode.placed import remember
from model_exporter.decode.rows import Ledger
from model_exporter.decode.spans import CLIENT_NAMES, SERVER_NAMES
from model_exporter.decode.traces import TraceReader, looks_within
from model_exporter.errors import DecodeError

_MAX_SIGNATURES: Final = 512
"""Of one scope that are remembered, each of up to two thousand bytes."""
_MAX_REMEMBERED_BYTES: Final = 4_000_000
"""Of all signatures."""
_SIGNATURE_BYTES: Final = 200
"""That a signature takes besides its own."""

_NAMES_OF_PATHS: Final = aliases.URL_PATH[1:]
"""Where a path is looked for when there is none under the first name: addresses that often differ."""


class _Place(NamedTuple):
    """What the spans of an instrumentation scope have in common.

    `known` is what was made of signatures: as by `SpanReader.judged`, but False for nothing.
    """

    source: Source
    scope: str
    what: int
    known: dict[bytes, object]


class CompiledTraces:
    """Decodes ExportTraceServiceRequests. Safe to use from many threads: each call has a scanner to itself.

    Args:
        limits: `name_length` bounds what one span may bring.
        is_mapped: whether mappings may take the spans of a scope, told as by `shared_scope`.
    """

    def __init__(self, limits: Limits, is_mapped: Callable[[Mapping[str, object]], bool]) -> None:
        self._limits = limits
        self._is_mapped = is_mapped
        self._seed = secrets.randbits(63)
        self._idle: list[_spans.SpanScanner] = []
        self._places: dict[tuple[bytes, bytes], _Place | None] = {}
        self._remembered = 0

    def decode(self, body: bytes, reader_into: Callable[[Ledger], TraceReader]) -> Decoded | None:
        """The spans in `body`; None when it is for the decoder in Python.

        Args:
            body: an ExportTraceServiceRequest.
            reader_into: what reads single spans into a ledger.
        """
        try:
            scanner = self._idle.pop()
        except IndexError:
            scanner = self._scanner()
        ledger = Ledger(self._limits)
        try:
            self._read(scanner, body, reader_into(ledger), ledger)
        except (ValueError, DecodeError, ProtobufError, RecursionError):
            return None  # the other decoder will say what is wrong, and save what is not
        finally:
            scanner.finish()
            self._idle.append(scanner)
        return ledger.decoded()

    def _read(self, scanner: "_spans.SpanScanner", body: bytes, reader: TraceReader, ledger: Ledger) -> None:
        """Read the spans in `body`.

        Raises:
            ValueError: it is for the other decoder; the same goes for all other errors.
        """
        scanner.begin(body)
        places: list[_Place] = []

        def place_of(scope: int) -> tuple[int, dict[bytes, object]]:
            if scope >= len(places):
                self._find_places(scanner, places)
            return places[scope].what, places[scope].known

        add, tally = reader.spans.add, ledger.tally
        for found, of_other_kinds, others in iter(lambda: scanner.spans(place_of), None):
            if of_other_kinds:
                tally.ignore("span_kind", of_other_kinds)
            if others:
                tally.ignore("not_a_prediction", others)
            odd = _messages_of(found)
            for judged, *told in found:
                if judged is None:
                    scope, signature, _ = told
                    self._read_odd(next(odd), places[scope], signature, reader)
                else:
                    add(judged, *told)
        self._find_places(scanner, places)
        resources, scopes, _ = scanner.parts()
        for unused in set(range(len(resources))).difference(map(itemgetter(0), scopes)):
            self._place(resources[unused], b"")

    def _read_odd(self, message: SpanMessage, place: _Place, signature: bytes | None, reader: TraceReader) -> None:
        """Read a span that is odd, or the first with its signature."""
        span = span_of(message, place.scope, within=looks_within(place.scope))
        if span is None:
            reader.ignore_kind()
            return
        if signature is None:
            reader.read(place.source, span)
            return
        judged = reader.spans.read(place.source, span)  # no other reader would take it
        if judged is None or signature in place.known:
            return  # all that are refused are so one by one
        self._remembered += len(signature) + _SIGNATURE_BYTES
        if self._remembered > _MAX_REMEMBERED_BYTES:
            self._places.clear()
            self._remembered = 0
        if len(place.known) >= _MAX_SIGNATURES:
            place.known.clear()
        place.known[signature] = judged

    def _find_places(self, scanner: "_spans.SpanScanner", places: list[_Place]) -> None:
        """Tell of the scopes met so far.

        Raises:
            DecodeError: a resource or scope cannot be read.
            ValueError: other readers may take the spans.
        """
        resources, scopes, _ = scanner.parts()
        places.extend(self._place(resources[resource], scope) for resource, scope in scopes[len(places) :])

    def _place(self, resource: bytes, scope: bytes) -> _Place:
        key = resource, scope
        try:
            found = self._places[key]
        except KeyError:
            source, shared = shared_part(resource, scope)
            found = None if self._is_mapped(shared) else _place_of(source)
            remember(self._places, key, found, len(resource) + len(scope))
        if found is None:
            raise ValueError("other readers may take these spans")
        return found

    def _scanner(self) -> "_spans.SpanScanner":
        scanner = _spans.SpanScanner({}, name_length=1, record_attributes=1, seed=self._seed)
        scanner.tell({name.encode(): _what(name) for name in SERVER_NAMES | CLIENT_NAMES | SIGNS})
        return scanner


def _messages_of(found: Sequence[tuple[Any, ...]]) -> Iterator[SpanMessage]:
    """The spans that are to be read of all that were found."""
    odd = [told[-1] for told in found if told[0] is None]
    return iter(separate_spans(odd) if odd else ())


def _place_of(source: Source) -> _Place:
    if source.scope.startswith(SCOPE):
        what = _spans.UNUSUAL
    else:
        what = _spans.LOOKED_INTO if looks_within(source.scope) else _spans.PLAIN
    return _Place(source._replace(scope=""), source.scope, what, {})


def _what(name: str) -> tuple[int, int]:
    """What the key does in SERVER and in CLIENT spans: sums of what `_spans` calls so."""
    both = (_spans.SIGN if name in SIGNS else 0) | (_spans.TELLING if name in TELLING else 0)
    server, client = both, both
    if name in SERVER_NAMES:
        server |= _spans.SPARE if name in _NAMES_OF_PATHS else _spans.READ
    if name in CLIENT_NAMES:
        client |= _spans.READ
    if name == aliases.URL_PATH[0]:
        server |= _spans.NAMING
    if name in aliases.UPSTREAM:
        client |= _spans.NAMING
    elif name in aliases.URL_FULL:
        client = both | _spans.SPARE
    return server, client
