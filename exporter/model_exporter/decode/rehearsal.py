"""What would become of records, told one by one: for the author of a mapping, nothing is counted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from model_exporter.config.settings import Limits
from model_exporter.decode import otlp_json
from model_exporter.decode.aliases import NATIVE_FIELDS
from model_exporter.decode.decoded import Rejection
from model_exporter.decode.layouts import Vocabulary
from model_exporter.decode.mapped import MappedReader, MappedRows
from model_exporter.decode.records import RecordReader
from model_exporter.decode.rows import Ledger
from model_exporter.decode.schemas import Schemas
from model_exporter.decode.tally import RecordError, Tally
from model_exporter.errors import DecodeError, MappingError
from model_exporter.json_text import parse_json
from model_exporter.mapping import Mapping as RecordMapping
from model_exporter.mapping import NativeRow
from model_exporter.ports import Signal

_OTLP: Final = {"resourceLogs": Signal.LOGS, "resourceSpans": Signal.TRACES}
_SCOPES: Final = {Signal.LOGS: "logs", Signal.TRACES: "spans", Signal.RECORDS: "records"}


class Fate(Enum):
    """What becomes of a record."""

    MAPPED = "mapped"
    NATIVE = "native"
    """No mapping takes it, and the exporter can read it without."""
    UNMAPPED = "unmapped"
    """No mapping takes it; it is read as OTLP without a mapping, which is not tried here."""
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of one record.

    Attributes:
        where: its place, as `line 3`.
        mapping: which one takes it; empty when none does.
        rows: what the mapping makes of it.
        refusals: why it, or rows of it, would be refused.
        left_out: values that would be left out of rows that are kept, by reason.
        empty: fields of the mapping at whose paths nothing stands, in no row.
        missed: by mapping, which condition does not hold, when no mapping takes it.
    """

    where: str
    fate: Fate
    mapping: str = ""
    rows: Sequence[NativeRow] = ()
    refusals: Sequence[Rejection] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    empty: Sequence[str] = ()
    missed: Mapping[str, str] = field(default_factory=dict)


class Rehearsal:
    """Tries records on mappings.

    Args:
        mappings: as the decoder has them.
        limits: the same.
        name: of the only mapping to try; empty for all.
        context: what stands under `door`.
    """

    def __init__(
        self,
        mappings: Mapping[str, RecordMapping],
        limits: Limits,
        name: str = "",
        context: Mapping[str, str] | None = None,
    ) -> None:
        self._mappings = {name: mappings[name]} if name else mappings
        self._limits = limits
        self._name = name
        self._context = dict(context or {})
        self._schemas = Schemas(limit=limits.monitor_schemas)
        self._names = Vocabulary(NATIVE_FIELDS)

    def try_text(self, text: bytes, where: str) -> Iterator[Trial]:
        """What would become of the record, the list of records or the OTLP/JSON request in `text`."""
        try:
            value = parse_json(text)
        except DecodeError as error:
            yield Trial(where, Fate.REFUSED, refusals=[Rejection("malformed_record", 1, str(error))])
            return
        if isinstance(value, list):
            for number, record in enumerate(value, 1):
                yield self._try_value(record, f"record {number}")
            return
        signal = next((signal for key, signal in _OTLP.items() if isinstance(value, dict) and key in value), None)
        if signal is None:
            yield self._try_value(value, where)
            return
        try:
            yield from self._try_otlp(text, signal, where)
        except DecodeError as error:
            yield Trial(where, Fate.REFUSED, refusals=[Rejection(error.reason, 1, str(error))])

    def _try_value(self, value: object, where: str) -> Trial:
        if not isinstance(value, dict):
            told = f"expected an object, got {'null' if value is None else type(value).__name__}"
            return Trial(where, Fate.REFUSED, refusals=[Rejection("not_an_object", 1, told)])
        candidates = {name: mapping for name, mapping in self._mappings.items() if "records" in mapping.scopes}
        if self._name and not candidates:
            return Trial(where, Fate.REFUSED, refusals=[Rejection("not_this_mapping", 1, self._elsewhere())])
        ledger = Ledger(self._limits)
        reader = RecordReader(vocabulary=self._names, limits=self._limits, ledger=ledger, schemas=self._schemas)
        MappedReader(candidates, self._name, self._context, reader=reader, tally=ledger.tally).read(value, "")
        scope = value if "door" in value or not self._context else {**value, "door": self._context}
        return _told(where, ledger, candidates, scope)

    def _elsewhere(self) -> str:
        return f"the mapping {self._name} reads {', '.join(sorted(self._mappings[self._name].scopes))} only"

    def _try_otlp(self, text: bytes, signal: Signal, where: str) -> Iterator[Trial]:
        candidates = {name: mapping for name, mapping in self._mappings.items() if _SCOPES[signal] in mapping.scopes}
        tally = Tally()
        for number, record in enumerate(otlp_json.scopes_of(text, signal, tally), 1):
            ledger = Ledger(self._limits)
            reader = RecordReader(vocabulary=self._names, limits=self._limits, ledger=ledger, schemas=self._schemas)
            place = f"{where}, {_SCOPES[signal].removesuffix('s')} {number}"
            try:
                if MappedRows(reader, ledger.tally).read(candidates.values(), record):
                    yield _told(place, ledger, candidates, record)
                else:
                    yield Trial(place, Fate.UNMAPPED, missed=_missed(candidates, record))
            except RecordError as error:
                yield Trial(place, Fate.REFUSED, refusals=[Rejection(error.reason, 1, str(error))])
        if tally.rejections:
            yield Trial(where, Fate.REFUSED, refusals=tally.rejections)


def _told(where: str, ledger: Ledger, candidates: Mapping[str, RecordMapping], scope: Mapping[str, object]) -> Trial:
    decoded = ledger.decoded()
    mapping = next((mapping for mapping in candidates.values() if mapping.takes(scope)), None)
    if mapping is None:
        fate = Fate.REFUSED if decoded.rejections else Fate.NATIVE
        left_out = decoded.dropped_values or {}
        missed = _missed(candidates, scope)
        return Trial(where, fate, refusals=decoded.rejections, left_out=left_out, missed=missed)
    if decoded.ignored:
        return Trial(where, Fate.IGNORED, mapping.name)
    rows = _rows(mapping, scope)
    return Trial(
        where,
        Fate.REFUSED if decoded.rejections else Fate.MAPPED,
        mapping.name,
        rows,
        decoded.rejections,
        decoded.dropped_values or {},
        [name for name in mapping.fields if rows and not any(_tells(row, name) for row in rows)],
    )


def _rows(mapping: RecordMapping, scope: Mapping[str, object]) -> list[NativeRow]:
    """The rows of a record, none of one that is refused."""
    try:
        return mapping.rows(scope)
    except (MappingError, RecordError):
        return []


def _missed(candidates: Mapping[str, RecordMapping], scope: Mapping[str, object]) -> dict[str, str]:
    return {name: str(mapping.missed(scope)) for name, mapping in candidates.items()}


def _tells(row: NativeRow, name: str) -> bool:
    """Whether `row` holds what the field `name` found; a prediction may stand under the names of what it holds."""
    return name in row or (name == "prediction" and not row.keys().isdisjoint({"probabilities", "score"}))
