"""Layouts of plain records: those that a typed parser checks while it parses, so that no row is looked at.

A record is plain when `RecordReader`, which has the rules, would keep all of it: each field is there once and of its
usual type, and what is nested has the same keys as in the records beside it. It may lack some of their features.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from msgspec.structs import astuple

from model_exporter.batch.columns import ABSENT
from model_exporter.config.settings import Limits
from model_exporter.decode.aliases import FEATURE_PREFIX, NATIVE_FIELDS, SEGMENT_PREFIX, VALUE_PREFIX, Field

Shape = tuple[tuple[str | int, "Shape | int"], ...]
"""Keys of a map or indices of an array, each with the shape of what stands there, or `_SCALAR` or `_BOOLEAN`."""
Cells = tuple[tuple[str, ...], tuple[int, ...]]
"""Names of some cells, and their places among the values of a record."""

_Kind = Any
"""Any form of type, for which Python has no name."""

_FIELDS: Final = {alias: field for field, aliases in NATIVE_FIELDS.items() for alias in aliases}
_FLAT_FEATURES: Final = 0
"""Stands for a field, as the next one does: features that have keys of their own."""
_UNREAD: Final = -1
"""What nobody asks a prediction for."""
_UNREAD_FIELDS: Final = frozenset({Field.VALUES, Field.CHANGE, Field.SOURCE, Field.REQUEST})
_INPUTS: Final = (Field.FEATURES, _FLAT_FEATURES)
_OUTPUTS: Final = (Field.PREDICTION, Field.SCORE, Field.PROBABILITIES)
_CONTEXT: Final = (Field.SEGMENTS, Field.FLAT_SEGMENTS, Field.LOWER, Field.UPPER, Field.NAIVE, Field.HORIZON)
_NAMES: Final = {Field.LOWER: "lower", Field.UPPER: "upper", Field.NAIVE: "naive", Field.HORIZON: "horizon"}
_LISTED: Final = frozenset({Field.FEATURES, Field.PROBABILITIES})
"""Fields whose arrays are spread out by position."""
_RIVALS: Final = ((Field.SEGMENTS, Field.FLAT_SEGMENTS), (Field.LATENCY_MILLISECONDS, Field.LATENCY_SECONDS))

_LARGEST: Final = sys.float_info.max
_INT64_DIGITS: Final = 20
_Int64: Final = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
_Duration: Final = Annotated[float, msgspec.Meta(ge=0, le=_LARGEST)]
_Number: Final = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
_Scalar: Final = None | float | str
_Cell: Final = None | float | str | list

_SCALAR: Final = 0
_BOOLEAN: Final = 1

_SIGHTS: Final = 16
"""Records of a shape that come before a layout is made of it, which takes as long as reading twenty of them."""
_MAX_SIGHTS: Final = 1024
_MAX_PLACES: Final = 16_384
"""Values of all layouts together; a place takes about half a kilobyte."""


@dataclass(frozen=True, slots=True)
class _Optional:
    """The type of a member that need not be there."""

    kind: _Kind


class _NotPlainError(Exception):
    """Records of this shape must be read one by one."""


@dataclass(frozen=True, slots=True)
class PlainLayout:
    """How to parse records of one shape, and what their values mean.

    Attributes:
        record: the type of a record, to convert a map into.
        parse_lines: makes a record of each line; raises what msgspec does when one of them is not of this shape.
        parse_array: the same for an array.
        fields: places of the fields that are no cells.
        inputs: places of the features.
        outputs: places of what the model said.
        context: places of what stands beside them.
        booleans: places where a number may be a boolean.
    """

    record: type[msgspec.Struct]
    parse_lines: Callable[[bytes], list[msgspec.Struct]]
    parse_array: Callable[[bytes], list[msgspec.Struct]]
    fields: Mapping[int, int]
    inputs: Cells
    outputs: Cells
    context: Cells
    booleans: frozenset[int]

    @staticmethod
    def columns(rows: Iterable[msgspec.Struct]) -> list[tuple[object, ...]]:
        """The values of `rows`, at least one of this layout, by place."""
        return list(_columns(map(astuple, rows)))


class PlainLayouts:
    """Finds the layouts of records. What it keeps is a bounded cache, safe to share by threads.

    Attributes:
        latest: the one that records were read by last.
    """

    def __init__(self, limits: Limits) -> None:
        self.latest: PlainLayout | None = None
        self._limits = limits
        self._sights: dict[int, int] = {}  # by the hash of a shape
        self._layouts: dict[Shape, PlainLayout | None] = {}
        self._room = _MAX_PLACES

    def find(self, record: Mapping[str, object], sights: int) -> PlainLayout | None:
        """The layout of `record`, of whose shape `sights` have come; None when it is not plain, or not worth it yet."""
        shape = _shape_of_record(record, self._limits.nesting)
        if shape in self._layouts:
            return self._layouts[shape]
        mark = hash(shape)
        if len(self._sights) >= _MAX_SIGHTS:
            self._sights.clear()
        self._sights[mark] = sights = sights + self._sights.get(mark, 0)
        if sights < _SIGHTS:
            return None
        try:
            layout = _Draft(self._limits).layout(shape)
        except _NotPlainError:
            layout = None
        self._keep(shape, layout)
        return layout

    def _keep(self, shape: Shape, layout: PlainLayout | None) -> None:
        size = 1 + _places(shape)
        if size > self._room:
            self._layouts.clear()
            self._room = _MAX_PLACES
        if size <= self._room:
            self._layouts[shape] = layout
            self._room -= size


class _Draft:
    """Works out one layout."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._leaves: list[tuple[int, str]] = []  # the field and the name of each value
        self._booleans: list[int] = []
        self._may_lack = False  # a record need not have each feature, because it has an output
        self._name = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.name_length)]
        identifier = None | Annotated[str, msgspec.Meta(max_length=limits.name_length)]
        if limits.name_length >= _INT64_DIGITS:
            identifier |= _Int64
        self._types: dict[int, _Kind] = {
            Field.MODEL: self._name,
            Field.VERSION: identifier,
            Field.ID: identifier,
            Field.TIME: None | _Number | str,
            Field.LATENCY_MILLISECONDS: None | _Duration,
            Field.LATENCY_SECONDS: None | _Duration,
            Field.ERROR: None | bool | str,
            Field.LOWER: _Number,
            Field.UPPER: _Number,
            Field.NAIVE: _Number,
            Field.HORIZON: _Number | Annotated[str, msgspec.Meta(min_length=1)],
        }

    def layout(self, shape: Shape) -> PlainLayout:
        """The layout of records of `shape`.

        Raises:
            _NotPlainError: they have none.
        """
        told = [field for key, _ in shape if (field := _field_of(str(key))) > 0]
        if any(told.count(field) > 1 for field in told if field != Field.FLAT_SEGMENTS):
            raise _NotPlainError
        if any(set(told).issuperset(rivals) for rivals in _RIVALS):
            raise _NotPlainError
        if Field.REQUEST in told:  # which would stand for an id
            if Field.ID not in told:
                raise _NotPlainError
            self._types[Field.ID] = self._name
        self._may_lack = not {Field.PREDICTION, Field.SCORE, Field.PROBABILITIES}.isdisjoint(told)
        record = _struct((str(key), self._member(str(key), inner, told)) for key, inner in shape)
        inputs, outputs, context = (self._cells(fields) for fields in (_INPUTS, _OUTPUTS, _CONTEXT))
        count = len(inputs[0]) + len(outputs[0]) + len(context[0])
        if count > self._limits.record_attributes or not (inputs[0] or outputs[0]):
            raise _NotPlainError
        return PlainLayout(
            record,
            msgspec.json.Decoder(record).decode_lines,
            msgspec.json.Decoder(list[record]).decode,  # type: ignore[valid-type]  # made just now
            {field: place for place, (field, name) in enumerate(self._leaves) if not name},
            inputs,
            outputs,
            context,
            frozenset(self._booleans),
        )

    def _member(self, key: str, inner: Shape | int, told: list[int]) -> _Kind:
        """The type of the member `key`, whose values are noted."""
        field = _field_of(key)
        if field in _INPUTS:
            return self._input(field, key, inner)
        if field in _OUTPUTS:
            return self._output(field, inner, told)
        if field in (Field.SEGMENTS, Field.FLAT_SEGMENTS):
            return self._segments(field, key, inner)
        if field == _UNREAD or field in _UNREAD_FIELDS:
            return self._leaf(_UNREAD, "", Any, _SCALAR)
        if field not in self._types or not isinstance(inner, int):
            raise _NotPlainError
        return self._leaf(field, _NAMES.get(field, ""), self._types[field], _SCALAR)

    def _input(self, field: int, key: str, inner: Shape | int) -> _Kind:
        if field == _FLAT_FEATURES:
            return self._optional(self._cell(field, key.removeprefix(FEATURE_PREFIX), inner), inner)
        if isinstance(inner, int):
            raise _NotPlainError
        return self._map(field, "", inner)

    def _optional(self, kind: _Kind, inner: Shape | int) -> _Kind:
        """The type of a feature that a record may lack, as far as it may."""
        return _Optional(kind) if self._may_lack and isinstance(inner, int) else kind

    def _output(self, field: int, inner: Shape | int, told: list[int]) -> _Kind:
        if field == Field.PREDICTION:
            return self._cell(field, "prediction", inner, _Scalar)  # an array is a ranking
        if field == Field.SCORE:
            return self._cell(field, "score", inner)
        if not isinstance(inner, int):
            return self._map(field, "probabilities.", inner)
        return self._leaf(_UNREAD if Field.SCORE in told else field, "score", _Scalar, inner)

    def _segments(self, field: int, key: str, inner: Shape | int) -> _Kind:
        if field == Field.FLAT_SEGMENTS:
            return self._segment(field, key, inner)
        if isinstance(inner, int):
            raise _NotPlainError
        return _struct((str(name), self._segment(field, f"{SEGMENT_PREFIX}{name}", of)) for name, of in inner)

    def _cell(self, field: int, name: str, inner: Shape | int, scalar: object = _Cell, depth: int = 1) -> _Kind:
        if isinstance(inner, int):
            return self._leaf(field, name, scalar, inner)
        if depth > self._limits.nesting or len(name) > self._limits.name_length:
            raise _NotPlainError
        return self._map(field, f"{name}.", inner, depth + 1)

    def _map(self, field: int, prefix: str, shape: Shape, depth: int = 1) -> _Kind:
        if not shape:
            raise _NotPlainError
        cells = [(key, self._cell(field, f"{prefix}{key}", inner, depth=depth)) for key, inner in shape]
        if isinstance(shape[0][0], int):
            return tuple[tuple(kind for _, kind in cells)]  # type: ignore[misc]  # made just now
        if field == Field.FEATURES and depth == 1:
            cells = [(key, self._optional(kind, inner)) for (key, kind), (_, inner) in zip(cells, shape, strict=True)]
        return _struct((str(key), kind) for key, kind in cells)

    def _segment(self, field: int, name: str, inner: Shape | int) -> _Kind:
        if name == SEGMENT_PREFIX:
            raise _NotPlainError
        return self._leaf(field, name, _Cell, inner)

    def _leaf(self, field: int, name: str, kind: _Kind, inner: Shape | int) -> _Kind:
        """Note the next value; its type is `kind`, or that and a boolean."""
        if not isinstance(inner, int):
            raise _NotPlainError
        if inner == _BOOLEAN:
            self._booleans.append(len(self._leaves))
        self._leaves.append((field, name))
        return kind | bool if inner == _BOOLEAN else kind

    def _cells(self, fields: tuple[int, ...]) -> Cells:
        """The cells of `fields`, in the order of these."""
        found = [(name, place) for field in fields for place, (of, name) in enumerate(self._leaves) if of == field]
        names = tuple(name for name, _ in found)
        if len(set(names)) < len(names) or any(not 0 < len(name) <= self._limits.name_length for name in names):
            raise _NotPlainError
        return names, tuple(place for _, place in found)


def _field_of(key: str) -> int:
    if key.startswith(FEATURE_PREFIX):
        return _FLAT_FEATURES
    if key.startswith(SEGMENT_PREFIX):
        return Field.FLAT_SEGMENTS
    if key.startswith(VALUE_PREFIX):
        return Field.FLAT_VALUES
    return _FIELDS.get(key, _UNREAD)


def _struct(members: Iterable[tuple[str, _Kind]]) -> type[msgspec.Struct]:
    """A type of maps with exactly these keys.

    Raises:
        _NotPlainError: msgspec has none for such keys.
    """
    told = list(members)
    fields = [
        (f"f{index}", kind.kind, ABSENT) if isinstance(kind, _Optional) else (f"f{index}", kind)
        for index, (_, kind) in enumerate(told)
    ]
    names = {f"f{index}": key for index, (key, _) in enumerate(told)}
    try:
        return msgspec.defstruct(
            "PlainRecord", fields, rename=names, gc=False, forbid_unknown_fields=True, kw_only=True
        )
    except ValueError as error:  # a quotation mark in it, say
        raise _NotPlainError from error


def _columns(rows: Iterable[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    for column in zip(*rows, strict=True):
        if isinstance(column[0], msgspec.Struct):
            yield from _columns(map(astuple, column))
        elif isinstance(column[0], tuple):
            yield from _columns(column)
        else:
            yield column


def _shape_of_record(record: Mapping[str, object], nesting: int) -> Shape:
    return tuple((key, _shape(value, nesting + 1, listed=_FIELDS.get(key) in _LISTED)) for key, value in record.items())


def _shape(value: object, depth: int, *, listed: bool = False) -> Shape | int:
    """The shape of `value` as deep as `depth` maps, which is deeper than any layout goes."""
    if isinstance(value, dict) and depth:
        return tuple([(key, _shape(item, depth - 1)) for key, item in value.items()])
    if listed and isinstance(value, list):
        return tuple([(index, _shape(item, depth)) for index, item in enumerate(value)])
    return _BOOLEAN if isinstance(value, bool) else _SCALAR


def _places(shape: Shape) -> int:
    return sum(1 if isinstance(inner, int) else _places(inner) for _, inner in shape)
