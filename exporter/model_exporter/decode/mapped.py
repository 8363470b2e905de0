"""Records of other systems, read through mappings."""

from collections.abc import Mapping
from typing import Final

from model_exporter.decode import records
from model_exporter.decode.records import RecordReader
from model_exporter.decode.tally import Tally
from model_exporter.decode.values import unix_seconds
from model_exporter.errors import DecodeError, MappingError
from model_exporter.mapping import Mapping as RecordMapping
from model_exporter.mapping import NativeRow
from model_exporter.ports import Payload

_EVENTS: Final = {"prediction": records.PREDICTION, "outcome": records.OUTCOME, "event": records.EVENT}


class MappedReader:
    """Reads the records of one request through the mapping that it names, or the first that takes each of them.

    A record that none takes is read as a native prediction. Besides the reasons of `RecordReader` records are rejected
    as `bad_base64`, `bad_capture`, `bad_csv`, `bad_gzip`, `bad_json`, `bad_path_value`, `bad_table`, `bad_tensor`,
    `bad_text`, `no_rows`, `not_this_mapping`, `row_mismatch` or `too_many_rows`, and ignored as `unwanted`.

    Raises:
        DecodeError: there is no mapping of the name that the request has.
    """

    def __init__(
        self, mappings: Mapping[str, RecordMapping], payload: Payload, *, reader: RecordReader, tally: Tally
    ) -> None:
        self._candidates = [_named(payload.mapping, mappings)] if payload.mapping else list(mappings.values())
        self._is_named = bool(payload.mapping)
        self._context = dict(payload.context)
        self._reader = reader
        self._tally = tally

    def read(self, record: dict[str, object], where: str) -> None:
        """Read one record; `where` names it to its sender."""
        scope = record if "door" in record or not self._context else {**record, "door": self._context}
        mapping = next((mapping for mapping in self._candidates if mapping.takes(scope)), None)
        if mapping is not None:
            self._read_rows(mapping, scope, where)
        elif self._is_named:
            name = self._candidates[0].name
            self._tally.reject("not_this_mapping", f"the mapping {name} does not take it", where=where)
        else:
            self._reader.read_native(records.PREDICTION, record, where=where)

    def _read_rows(self, mapping: RecordMapping, scope: Mapping[str, object], where: str) -> None:
        try:
            if mapping.ignores(scope):
                self._tally.ignore("unwanted")
                return
            rows = mapping.rows(scope)
        except MappingError as error:
            self._tally.reject(error.reason, f"{mapping.name}: {error}", where=where)
            return
        for row in rows:
            self._reader.read_native(_EVENTS[mapping.event], _with_latency(row), where=where)


def _named(name: str, mappings: Mapping[str, RecordMapping]) -> RecordMapping:
    mapping = mappings.get(name)
    if mapping is None:
        raise DecodeError("unknown_mapping", f"there is no mapping {name[:80]!r}; there are {', '.join(mappings)}")
    return mapping


def _with_latency(row: NativeRow) -> NativeRow:
    """`row` with the latency that its start and end make, when it tells none itself."""
    start, end = unix_seconds(row.pop("start_time", None)), unix_seconds(row.pop("end_time", None))
    if start is not None and end is not None and end >= start:
        row.setdefault("latency_seconds", end - start)
    if end is not None:
        row.setdefault("time", end)
    return row
