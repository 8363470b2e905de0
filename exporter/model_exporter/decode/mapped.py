"""Records of other systems, read through mappings."""

from collections.abc import Iterable, Mapping
from typing import Final

from model_exporter.decode import records
from model_exporter.decode.identity import Source, Stamp
from model_exporter.decode.records import RecordReader
from model_exporter.decode.tally import RecordError, Tally
from model_exporter.decode.values import is_empty, unix_seconds
from model_exporter.errors import MappingError, UnknownMappingError
from model_exporter.mapping import Mapping as RecordMapping
from model_exporter.mapping import NativeRow

_EVENTS: Final = {"prediction": records.PREDICTION, "outcome": records.OUTCOME, "event": records.EVENT}
_NOWHERE: Final = Source()
_NEVER: Final = Stamp()


MAX_REQUEST_ROWS: Final = 1_000_000
"""Rows that mappings may make of one request. Native rows are held down by their length, but not those of `[1,1,1]`."""


class MappedRows:
    """Reads records through the first of some mappings that takes each of them.

    Besides the reasons of `RecordReader` records are rejected as `bad_base64`, `bad_capture`, `bad_csv`, `bad_gzip`,
    `bad_json`, `bad_path_value`, `bad_table`, `bad_tensor`, `bad_text`, `no_rows`, `row_mismatch` or `too_many_rows`,
    and ignored as `unwanted`.
    """

    def __init__(self, reader: RecordReader, tally: Tally) -> None:
        self._reader = reader
        self._tally = tally
        self._rows = 0

    def read(
        self,
        candidates: Iterable[RecordMapping],
        record: Mapping[str, object],
        *,
        source: Source = _NOWHERE,
        stamp: Stamp = _NEVER,
        where: str = "",
    ) -> bool:
        """Read `record`, of which besides `source` and `stamp` tell; False, and nothing done, when no mapping takes it.

        Raises:
            RecordError: a value in it that a condition asks for cannot be what it says.
        """
        for mapping in candidates:
            if mapping.takes(record):
                self._read_rows(mapping, record, source, stamp, where)
                return True
        return False

    def _read_rows(
        self, mapping: RecordMapping, record: Mapping[str, object], source: Source, stamp: Stamp, where: str
    ) -> None:
        try:
            if mapping.ignores(record):
                self._tally.ignore("unwanted")
                return
            rows = mapping.rows(record)
        except (MappingError, RecordError) as error:
            self._tally.reject(error.reason, f"{mapping.name}: {error}", where=where)
            return
        except RecursionError:
            self._tally.reject("malformed_record", f"{mapping.name}: nested too deeply", where=where)
            return
        self._rows += len(rows)
        if self._rows > MAX_REQUEST_ROWS:
            told = f"{mapping.name}: this request has more than {MAX_REQUEST_ROWS} rows; send fewer at once"
            self._tally.reject("too_many_rows", told, where=where)
            return
        event = _EVENTS[mapping.event]
        for index, row in enumerate(rows):
            own = stamp if stamp is _NEVER else _own_stamp(stamp, row, index if len(rows) > 1 else None)
            self._reader.read_row(source, own, event, _with_latency(row), where=where)


class MappedReader:
    """Reads the records of one request through the mapping that it names, or the first that takes each of them.

    A record that none takes is read as a native prediction; where the request names a mapping, it is rejected as
    `not_this_mapping`.

    Raises:
        UnknownMappingError: there is no mapping of the name that the request has.
    """

    def __init__(
        self,
        mappings: Mapping[str, RecordMapping],
        named: str = "",
        context: Mapping[str, object] | None = None,
        *,
        reader: RecordReader,
        tally: Tally,
    ) -> None:
        self._candidates = [_named(named, mappings)] if named else list(mappings.values())
        self._is_named = bool(named)
        self._context = dict(context or {})
        self._reader = reader
        self._rows = MappedRows(reader, tally)
        self._tally = tally

    def read(self, record: dict[str, object], where: str) -> None:
        """Read one record; `where` names it to its sender."""
        scope = record if "door" in record or not self._context else {**record, "door": self._context}
        if self._rows.read(self._candidates, scope, where=where):
            return
        if self._is_named:
            name = self._candidates[0].name
            missed = self._candidates[0].missed(scope)
            self._tally.reject("not_this_mapping", f"the mapping {name} takes records where {missed}", where=where)
        else:
            self._reader.read_native(records.PREDICTION, record, where=where)


def _named(name: str, mappings: Mapping[str, RecordMapping]) -> RecordMapping:
    mapping = mappings.get(name)
    if mapping is None:
        raise UnknownMappingError(f"there is no mapping {name[:80]!r}; there are {', '.join(mappings)}")
    return mapping


def _with_latency(row: NativeRow) -> NativeRow:
    """`row` with the latency that its start and end make, when it tells none itself."""
    start, end = unix_seconds(row.pop("start_time", None)), unix_seconds(row.pop("end_time", None))
    if start is not None and end is not None and end >= start:
        row.setdefault("latency_seconds", end - start)
    if end is not None:
        row.setdefault("time", end)
    return row


def _own_stamp(stamp: Stamp, row: NativeRow, index: int | None) -> Stamp:
    """The stamp of one row: of several each has its own, and the time that a row tells goes before the record's."""
    if index is not None:
        stamp = stamp._replace(span_id=b"%b#%d" % (stamp.span_id, index))
    if is_empty(row.get("time")) and is_empty(row.get("end_time")):
        return stamp
    return stamp._replace(time_ns=0, observed_ns=stamp.time_ns or stamp.observed_ns)
