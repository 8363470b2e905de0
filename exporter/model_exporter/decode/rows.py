"""Rows collected one by one, handed on as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from model_exporter.batch import (
    NO_CALL,
    Batch,
    Call,
    Event,
    ModelCalls,
    Origin,
    Outcome,
    Role,
    UpstreamBatch,
    Words,
)
from model_exporter.batch.columns import ABSENT
from model_exporter.config.settings import Limits
from model_exporter.decode.decoded import Decoded
from model_exporter.decode.layouts import NO_CELLS, Row, cells_of, row_of
from model_exporter.decode.sides import NO_COLUMNS, CellColumns, Side, Values
from model_exporter.decode.tally import RecordError, Tally

MAX_BATCH_ROWS: Final = 8192
"""Rows of one batch; more of the same model become further batches. Keeps the Python values of few rows alive."""
MAX_GROUPS: Final = 5_000
"""Distinct models, versions and services of one request."""
MAX_CELLS: Final = 16_000_000
"""Cells of all columns of one request. A value takes at least nine bytes of protobuf, so a request of 64 MiB cannot
reach this unless its records hardly share a feature: then the columns would be all but empty and use up memory."""
SPARE_CELLS: Final = 2_000_000
"""Cells that may be empty whatever a request holds; they take 18 MB."""
SPARSITY: Final = 4
"""Cells that a value makes room for beyond these, so that a small request cannot make large columns."""


class Group(NamedTuple):
    """What the rows of one batch have in common. A tuple, because one is made and hashed for every record."""

    model: str
    version: str
    service: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one group with the same cells, as columns.

    Attributes:
        group: of all of them.
        times: unix seconds, NaN when absent.
        keys: as in `Batch`.
        ids: empty where absent.
        latencies: seconds, NaN when absent.
        errors: empty where there was none.
        inputs: the features.
        outputs: what the model said.
        context: what stands beside them.
    """

    group: Group
    times: Sequence[float]
    keys: Sequence[int]
    ids: Sequence[str]
    latencies: Sequence[float]
    errors: Sequence[str]
    inputs: CellColumns
    outputs: CellColumns
    context: CellColumns

    @property
    def values(self) -> int:
        """Those of its cells that a row has."""
        sides = (self.inputs, self.outputs, self.context)
        return sum(len(values) - _absent(values) for _, side in sides for values in side)

    def part(self, start: int, stop: int) -> "Block":
        """Some of its rows."""
        if start == 0 and stop >= len(self.times):
            return self
        inputs, outputs, context = (
            (names, tuple(values[start:stop] for values in columns))
            for names, columns in (self.inputs, self.outputs, self.context)
        )
        return Block(
            self.group,
            self.times[start:stop],
            self.keys[start:stop],
            self.ids[start:stop],
            self.latencies[start:stop],
            self.errors[start:stop],
            inputs,
            outputs,
            context,
        )


@dataclass(slots=True)
class _Rows:
    """An open batch."""

    group: Group
    times: list[float] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    inputs: Side = field(default_factory=lambda: Side(Role.INPUT))
    outputs: Side = field(default_factory=lambda: Side(Role.OUTPUT))
    context: Side | None = None  # since the first row that has any; most have none
    rankings: list[tuple[str, ...]] | None = None  # the same
    calls: list[Call] | None = None  # the same

    def beside(self) -> Side:
        """The side of what stands beside the outputs, with no cells in the rows so far."""
        if self.context is None:
            self.context = Side(Role.CONTEXT)
            if self.times:
                self.context.extend(NO_COLUMNS, len(self.times))
        return self.context

    def rank(self, ranking: tuple[str, ...]) -> None:
        """Add a row's ranking before the row itself."""
        if self.rankings is None:
            self.rankings = [()] * len(self.times)
        self.rankings.append(ranking)

    def call(self, call: Call) -> None:
        """Add what a row tells as a call of a language model before the row itself."""
        if self.calls is None:
            self.calls = [NO_CALL] * len(self.times)
        self.calls.append(call)

    def extend(self, block: Block) -> None:
        """Add the rows of a block, whose names are known to the sides."""
        rows = len(block.times)
        if block.context[0] or self.context:
            self.beside().extend(block.context, rows)
        if self.rankings is not None:
            self.rankings.extend([()] * rows)
        if self.calls is not None:
            self.calls.extend([NO_CALL] * rows)
        self.inputs.extend(block.inputs, rows)
        self.outputs.extend(block.outputs, rows)
        self.times.extend(block.times)
        self.keys.extend(block.keys)
        self.ids.extend(block.ids)
        self.latencies.extend(block.latencies)
        self.errors.extend(block.errors)

    def close(self) -> Batch:
        return Batch(
            model=self.group.model,
            version=self.group.version,
            service=self.group.service,
            origin=self.group.origin,
            times=np.array(self.times, np.float64),
            keys=np.array(self.keys, np.int64),
            ids=tuple(self.ids),
            latency_seconds=np.array(self.latencies, np.float64),
            errors=Words.from_texts(self.errors),
            columns=(*self.inputs.columns(), *self.outputs.columns()),
            context=tuple(self.context.columns()) if self.context else (),
            rankings=tuple(self.rankings or ()),
            calls=ModelCalls.of(self.calls) if self.calls else None,
        )


@dataclass(slots=True)
class _Calls:
    """An open batch of calls to upstreams."""

    upstreams: list[str] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    failed: list[bool] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)

    def close(self, model: str, service: str) -> UpstreamBatch:
        return UpstreamBatch(
            model=model,
            service=service,
            upstreams=Words.from_texts(self.upstreams),
            duration_seconds=np.array(self.durations, np.float64),
            failed=np.array(self.failed, np.bool_),
            keys=np.array(self.keys, np.int64),
        )


class Ledger:
    """Everything that one request turns out to hold.

    Attributes:
        tally: what was not simply kept.
        outcomes: outcomes in the order they came.
        events: events in the order they came.
        told_with_predictions: how many of the outcomes stood on a prediction's record.
        told_twice: spans that are a prediction of the model that is called and a call of the service that calls.
    """

    def __init__(self, limits: Limits) -> None:
        self.tally = Tally()
        self.outcomes: list[Outcome] = []
        self.events: list[Event] = []
        self.told_with_predictions = 0
        self.told_twice = 0
        self._limits = limits
        self._open: dict[Group, _Rows] = {}
        self._closed: list[Batch] = []
        self._calls: dict[tuple[str, str], _Calls] = {}
        self._cells = 0
        self._values = 0  # cells that hold something

    def add_prediction(
        self,
        group: Group,
        *,
        time: float,
        key: int,
        prediction_id: str,
        latency_seconds: float,
        error: str,
        inputs: Row,
        outputs: Row,
        context: Row = NO_CELLS,
        ranking: tuple[str, ...] = (),
        call: Call | None = None,
    ) -> None:
        """Add a row. Cells with a name that is empty, too long, or one too many are left out and counted.

        Raises:
            RecordError: the request holds too many models, or records that hardly share a feature.
        """
        if self._is_sparse(self._cells):
            raise RecordError("too_sparse", "the records of this request share too few features; send fewer at once")
        rows = self._open.get(group)
        if rows is None:
            self._make_room()
            rows = self._open[group] = _Rows(group)
        inputs = self._admit(inputs, rows.inputs, len(rows.times))
        outputs = self._admit(outputs, rows.outputs, len(rows.times))
        self._cells += len(rows.inputs.names) + len(rows.outputs.names)
        self._values += len(inputs[0]) + len(outputs[0])
        if context[0] or rows.context:
            beside = rows.beside()
            context = self._admit(context, beside, len(rows.times))
            beside.add(context)
            self._cells += len(beside.names)
            self._values += len(context[0])
        if ranking or rows.rankings:
            rows.rank(ranking)
        if call or rows.calls:
            rows.call(call or NO_CALL)
        rows.times.append(time)
        rows.keys.append(key)
        rows.ids.append(prediction_id)
        rows.latencies.append(latency_seconds)
        rows.errors.append(error)
        rows.inputs.add(inputs)
        rows.outputs.add(outputs)
        if len(rows.times) >= MAX_BATCH_ROWS:
            self._closed.append(self._open.pop(group).close())

    def add_blocks(self, blocks: Sequence[Block]) -> bool:
        """Add blocks, one a group; False, and nothing done, when `add_prediction` might refuse anything of them."""
        new = sum(block.group not in self._open for block in blocks)
        sizes = [self._size(block) for block in blocks]
        if None in sizes or new + len(self._open) + len(self._calls) > MAX_GROUPS:
            return False
        cells, values = sum(size or 0 for size in sizes), [block.values for block in blocks]
        # Blocks that leave no cell empty make room, whatever goes before; of the others each row might come first.
        full = sum(filled for filled, size in zip(values, sizes, strict=True) if filled == size)
        if self._is_sparse(self._cells + cells - full) or self._cells + cells > MAX_CELLS:
            return False
        self._cells += cells
        self._values += sum(values)
        for block in blocks:
            self._add_block(block)
        return True

    def _add_block(self, block: Block) -> None:
        start = 0
        while start < len(block.times):
            rows = self._open.setdefault(block.group, _Rows(block.group))
            part = block.part(start, start + MAX_BATCH_ROWS - len(rows.times))
            rows.extend(part)
            start += len(part.times)
            if len(rows.times) >= MAX_BATCH_ROWS:
                self._closed.append(self._open.pop(block.group).close())

    def _size(self, block: Block) -> int | None:
        """The cells that come with a block; None when a name of it would be refused."""
        rows = self._open.get(block.group) or _Rows(block.group)
        limit, size = self._limits.record_attributes, 0
        for side, (names, _) in (
            (rows.inputs, block.inputs),
            (rows.outputs, block.outputs),
            (rows.context or Side(Role.CONTEXT), block.context),
        ):
            fresh = [name for name in names if name not in side.names]
            if len(side.names) + len(fresh) > limit or any(self._fault(name, {}) for name in fresh):
                return None
            size += (len(side.names) + len(fresh)) * len(block.times) + len(fresh) * len(rows.times)
        return size

    def add_call(self, *, model: str, service: str, upstream: str, seconds: float, failed: bool, key: int) -> None:
        """Add a call to an upstream.

        Raises:
            RecordError: the request holds too many models.
        """
        calls = self._calls.get((model, service))
        if calls is None:
            self._make_room()
            calls = self._calls[model, service] = _Calls()
        calls.upstreams.append(upstream)
        calls.durations.append(seconds)
        calls.failed.append(failed)
        calls.keys.append(key)

    def decoded(self) -> Decoded:
        """All of it. Nothing may be added afterwards."""
        return Decoded(
            batches=(*self._closed, *(rows.close() for rows in self._open.values())),
            upstreams=tuple(calls.close(*place) for place, calls in self._calls.items()),
            outcomes=tuple(self.outcomes),
            events=tuple(self.events),
            rejections=self.tally.rejections,
            ignored=self.tally.ignored,
            dropped_values=self.tally.dropped,
            told_with_predictions=self.told_with_predictions,
            told_twice=self.told_twice,
        )

    def _is_sparse(self, cells: int) -> bool:
        """Whether so many cells are too many for the values that are known to be in them."""
        return cells > min(MAX_CELLS, SPARE_CELLS + SPARSITY * self._values)

    def _make_room(self) -> None:
        if len(self._open) + len(self._calls) >= MAX_GROUPS:
            raise RecordError("too_many_models", f"one request may tell of {MAX_GROUPS} models, versions and services")

    def _admit(self, row: Row, side: Side, rows: int) -> Row:
        """`row` without the cells that may not be added to a side of `rows` rows; their names are known afterwards."""
        if row[0] == side.shape:
            return row
        names = side.names
        refused = set()
        for name in row[0]:
            if name not in names:
                reason = self._fault(name, names)
                if reason:
                    refused.add(name)
                    self.tally.drop(reason)
                else:
                    names[name] = None
                    self._cells += rows
        if not refused:
            return row
        return row_of({name: value for name, value in cells_of(row).items() if name not in refused})

    def _fault(self, name: str, names: Mapping[str, None]) -> str:
        if not name:
            return "empty_name"
        if len(name) > self._limits.name_length:
            return "name_too_long"
        return "attribute_limit" if len(names) >= self._limits.record_attributes else ""


def _absent(values: Values) -> int:
    """How many of the values of a cell are none."""
    return 0 if isinstance(values, np.ndarray) else values.count(ABSENT)
