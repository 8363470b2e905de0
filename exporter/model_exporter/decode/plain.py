"""Predictions in JSON whose records are plain: a column at a time."""

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any, Final

import msgspec
import numpy as np

from model_exporter.batch.columns import ABSENT
from model_exporter.config.settings import Limits
from model_exporter.decode.aliases import Field
from model_exporter.decode.identity import Source, keys_of_ids
from model_exporter.decode.layouts import picker
from model_exporter.decode.plain_layouts import Cells, PlainLayout, PlainLayouts
from model_exporter.decode.records import LATENCIES, PREDICTION, RecordReader, group_of
from model_exporter.decode.rows import MAX_BATCH_ROWS, Block, Group, Ledger
from model_exporter.decode.sides import CellColumns, Values
from model_exporter.decode.tally import RecordError
from model_exporter.decode.values import error_of, is_empty, unix_seconds, unix_seconds_of
from model_exporter.errors import DecodeError
from model_exporter.json_text import parse_json

_BETWEEN: Final = re.compile(rb"\}\s*,\s*\{")
"""Where an object of an array ends, unless one within it does."""
_FEW: Final = 6
"""Fewer records are read sooner one by one."""
_PATIENCE: Final = 32
"""Records that are not plain, beyond those that are, after which the rest of a body is read one by one."""
_NOWHERE: Final = Source()

_Pick = Callable[[Sequence[Any]], tuple[Any, ...]]
"""Takes some rows' values out of those of all, whatever their type."""


class PlainReader:
    """Reads the predictions of one request into a ledger, the plain ones by columns and the others through `reader`.

    Whatever the records are, it comes to what `reader` alone would make of them.

    Args:
        layouts: of the door.
        limits: of a record.
        ledger: of the request.
        reader: reads a record by itself.
        defaults: what records have that lack it.
    """

    def __init__(
        self,
        *,
        layouts: PlainLayouts,
        limits: Limits,
        ledger: Ledger,
        reader: RecordReader,
        defaults: Mapping[int, str],
    ) -> None:
        self._layouts = layouts
        self._limits = limits
        self._ledger = ledger
        self._reader = reader
        self._defaults = defaults
        self._layout: PlainLayout | None = None  # of those that wait
        self._waiting: list[tuple[str, dict[str, object], msgspec.Struct]] = []
        self._patience = _PATIENCE

    def read_alike(self, body: bytes) -> int | None:
        """Read the records of `body` if all are plain and alike. None when there are no more, else how many were read.

        Then the others are objects, too.
        """
        text = body.lstrip()
        in_array = text.startswith(b"[")
        first = _first_of_array(text) if in_array else text[: text.find(b"\n") + 1]
        expected = len(text) // len(first) if first else 0
        if expected < _FEW:
            return 0
        try:
            record = parse_json(first)
        except DecodeError:
            return 0
        if not isinstance(record, dict):
            return 0
        for layout in (self._layouts.find(record, expected), self._layouts.latest):
            rows = _parsed(text, layout, in_array=in_array)
            if layout and rows:
                return self._add_all(layout, rows)
        return 0

    def _add_all(self, layout: PlainLayout, rows: Sequence[msgspec.Struct]) -> int | None:
        """Add `rows` as far as all are plain. None when they are, else how many were added."""
        for start in range(0, len(rows), MAX_BATCH_ROWS):
            if not self._add(layout, rows[start : start + MAX_BATCH_ROWS]):
                return start
        return None

    def read(self, record: dict[str, object], where: str) -> None:
        """Read one record, now or with the next ones like it; `where` names it to its sender."""
        row = self._row(record) if self._patience else None
        if row is None or not self._names_model():  # what waits must not be refused after what comes behind it
            self._patience = max(0, self._patience - 1)
            self.finish()
            self._reader.read_native(PREDICTION, record, where=where)
            return
        self._patience = min(_PATIENCE, self._patience + 1)
        self._waiting.append((where, record, row))
        if len(self._waiting) >= MAX_BATCH_ROWS:
            self.finish()

    def finish(self) -> None:
        """Read the records that wait."""
        waiting, self._waiting = self._waiting, []
        if len(waiting) >= _FEW and self._layout and self._add(self._layout, [row for _, _, row in waiting]):
            return
        for where, record, _ in waiting:
            self._reader.read_native(PREDICTION, record, where=where)

    def _row(self, record: dict[str, object]) -> msgspec.Struct | None:
        """The record by its layout, before which those of another one are read; None when it is not plain."""
        row = _converted(record, self._layout)
        if row is None:
            layout = self._layouts.find(record, 1)
            if layout is not self._layout:
                row = _converted(record, layout)
                if row is not None:
                    self.finish()
                    self._layout = layout
        return row

    def _names_model(self) -> bool:
        """Whether the records of the present layout say what model they are of, or it is known."""
        return bool(self._layout and Field.MODEL in self._layout.fields) or not is_empty(
            self._defaults.get(Field.MODEL)
        )

    def _add(self, layout: PlainLayout, rows: Sequence[msgspec.Struct]) -> bool:
        """Add rows of one layout to the ledger; False, and nothing done, when one of them needs a rule of its own."""
        blocks = self._blocks(layout, layout.columns(rows), len(rows))
        if blocks is None or not self._ledger.add_blocks(blocks):
            return False
        self._layouts.latest = layout
        return True

    def _blocks(self, layout: PlainLayout, columns: Sequence[Sequence[object]], rows: int) -> list[Block] | None:
        """The rows of each group, in the order of their first ones; None when one needs a rule of its own."""
        limit = self._limits.name_length
        told = {field: columns[place] for field, place in layout.fields.items()}
        heads = list(zip(self._told(told, Field.MODEL, rows), self._told(told, Field.VERSION, rows), strict=True))
        times = _times(told.get(Field.TIME) or (None,) * rows)
        if is_empty(heads[0][0]) or times is None or _has_ranking(layout.outputs, columns):
            return None
        try:
            groups = _groups(heads, limit)
        except RecordError:
            return None
        ids = ["" if told_id is None else str(told_id) for told_id in told.get(Field.ID) or (None,) * rows]
        errors = [error_of(error, limit) for error in told.get(Field.ERROR) or (None,) * rows]
        facts = times, ids, _latencies(told, rows), errors
        return [_block(group, pick, facts, layout, columns) for group, pick in groups.items()]

    def _told(self, told: Mapping[int, Sequence[object]], field: int, rows: int) -> Sequence[object]:
        """What the records tell of `field`, or else what is known of all of them."""
        default = self._defaults.get(field)
        values = told.get(field)
        if values is None:
            return (default,) * rows
        return values if default is None else [default if is_empty(value) else value for value in values]


def _first_of_array(text: bytes) -> bytes:
    """The first of several elements; empty when it is not easily told."""
    end = _BETWEEN.search(text)
    return text[1 : end.start() + 1] if end else b""


def _parsed(text: bytes, layout: PlainLayout | None, *, in_array: bool) -> Sequence[msgspec.Struct]:
    """The records in `text`; none when not all of them are of `layout`."""
    if layout is None:
        return ()
    try:
        return layout.parse_array(text) if in_array else layout.parse_lines(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def _converted(record: dict[str, object], layout: PlainLayout | None) -> msgspec.Struct | None:
    """The record by `layout`; None when it is not of it."""
    if layout is None:
        return None
    try:
        return msgspec.convert(record, layout.record)
    except (msgspec.ValidationError, RecursionError):
        return None


def _groups(heads: Sequence[tuple[object, object]], limit: int) -> dict[Group, _Pick | None]:
    """What picks the rows of each model and version; None for all of them.

    Raises:
        RecordError: one of them is too long.
    """
    if heads.count(heads[0]) == len(heads):
        return {group_of(*heads[0], _NOWHERE, limit): None}
    known = {head: group_of(*head, _NOWHERE, limit) for head in dict.fromkeys(heads)}
    members: dict[Group, list[int]] = {group: [] for group in known.values()}
    for row, head in enumerate(heads):
        members[known[head]].append(row)
    return {group: picker(rows) for group, rows in members.items()}


def _block(
    group: Group,
    pick: _Pick | None,
    facts: tuple[Sequence[float], Sequence[str], Sequence[float], Sequence[str]],
    layout: PlainLayout,
    columns: Sequence[Sequence[object]],
) -> Block:
    times, ids, latencies, errors = facts if pick is None else map(pick, facts)

    def cells(part: Cells) -> CellColumns:
        found: dict[str, Values] = {}
        for name, place in zip(*part, strict=True):
            values = columns[place] if pick is None else pick(columns[place])
            if values[0] is not ABSENT or any(value is not ABSENT for value in values):
                found[name] = values if place in layout.booleans else _packed(values)
        return tuple(found), tuple(found.values())

    keys = keys_of_ids(group.model, group.service, ids)
    inputs, outputs, context = map(cells, (layout.inputs, layout.outputs, layout.context))
    return Block(group, times, keys, ids, latencies, errors, inputs, outputs, context)


def _packed(values: Sequence[object]) -> Values:
    """An array when `values`, none of them a boolean, are all numbers: five times as fast as numpy makes one."""
    try:
        return np.frombuffer(struct.pack(f"{len(values)}d", *values), np.float64)
    except struct.error:
        return values


def _has_ranking(outputs: Cells, columns: Sequence[Sequence[object]]) -> bool:
    """Whether a prediction is text that may be a list of items."""
    predictions = [columns[place] for name, place in zip(*outputs, strict=True) if name == "prediction"]
    return any(isinstance(value, str) and value[:1] == "[" for values in predictions for value in set(values))


def _times(values: Sequence[Any]) -> list[float] | None:
    """Unix seconds, NaN where absent; None when one cannot be read."""
    if set(map(type, values)) == {float}:
        return unix_seconds_of(values)
    times: list[float] = []
    for value in values:
        seconds = nan if is_empty(value) else unix_seconds(value)
        if seconds is None:
            return None
        times.append(seconds)
    return times


def _latencies(told: Mapping[int, Sequence[object]], rows: int) -> list[float]:
    """Seconds, NaN where absent."""
    for field, unit in LATENCIES:
        if field in told:
            return list((np.array(told[field], np.float64) / unit).tolist())  # None becomes NaN
    return [nan] * rows
