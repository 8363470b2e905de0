"""One mapping, compiled: which records it takes, and what native records they make."""

import re
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from model_exporter.errors import MappingError
from model_exporter.mapping.fields import SHARED_ROOTS
from model_exporter.mapping.filters import elements_of
from model_exporter.mapping.path import Path

NativeRow = dict[str, object]
"""What one row tells, by the names of `fields.FIELDS`; what is not known is not there."""

_MAX_ID: Final = 1_000
"""Characters of an id; each row of a record gets a copy of it."""
_MAX_SEARCHED: Final = 10_000
"""Characters of a text in which a pattern is searched."""

_CLASS: Final = ("prediction", "predictions", "predict", "predicted", "predicted_label", "label", "class", "output")
_SHARES: Final = ("probabilities", "probability", "predict_proba", "proba", "scores")
_SCORE: Final = ("score", "predicted_score", "confidence")
_OUTPUTS: Final = (("prediction", _CLASS), ("probabilities", _SHARES), ("score", _SCORE))
"""Names under which a prediction that is a map tells what, first match wins."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`path` holds something; or, with `values`, one of them."""

    path: Path
    values: tuple[object, ...] = ()

    def __str__(self) -> str:
        """As its author would say it."""
        wanted = f" is {' or '.join(map(repr, self.values))}" if self.values else ""
        return f"`{self.path.text}`{wanted}" if wanted else f"`{self.path.text}` holds something"

    def holds(self, record: object) -> bool:
        """Whether it does in `record`. What cannot be read does not."""
        try:
            value = self.path.value(record)
        except MappingError:
            return False
        return value in self.values if self.values else not _is_empty(value)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field's value comes from.

    Attributes:
        paths: the first that holds anything counts.
        constant: the value when none does.
        pattern: the value is its only group, searched in the text found.
        translation: what stands for the value found, by its text; other values stay.
    """

    paths: tuple[Path, ...] = ()
    constant: object = None
    pattern: re.Pattern[str] | None = None
    translation: Map[str, object] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_starred(self) -> bool:
        """Whether it has a value for each row."""
        return any(path.is_starred for path in self.paths)

    def value(self, record: object) -> object:
        """The value; for a starred path a `_Rows` with one for each row. None where there is none.

        Raises:
            MappingError: what stands there cannot be read.
        """
        for path in self.paths:
            value = path.value(record)
            if _is_empty(value):
                continue
            if path.is_starred and isinstance(value, list):
                return _Rows(tuple(self._refined(item) for item in value))
            return self._refined(value) if self.pattern is not None or self.translation else value
        return self.constant

    def _refined(self, value: object) -> object:
        if self.pattern is not None:
            found = self.pattern.search(value, 0, _MAX_SEARCHED) if isinstance(value, str) else None
            value = found[1] if found else None
        if self.translation and isinstance(value, str | int | float | bool):
            value = self.translation.get(word_of(value), value)
        return value


@dataclass(frozen=True, slots=True)
class _Rows:
    """A value for each row."""

    values: tuple[object, ...]


Sources = Source | Map[str, Source]
"""Of a field: one source, or one for each name of a map."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Data that says how a kind of record is read.

    Attributes:
        name: what users and counters call it.
        event: `prediction`, `outcome` or `event`: what its records are about.
        when: all of them must hold for a record to be of this kind.
        ignore: a record in which one of them is true is none to count.
        fields: by native field.
        columns: names of features that come as an array, by position.
        scopes: which of `fields.SCOPES` its records come from.
    """

    name: str
    event: str
    when: tuple[Condition, ...]
    ignore: tuple[Path, ...]
    fields: Map[str, Sources]
    columns: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset({"records"})
    _is_starred: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find out once whether a record can have several rows."""
        sources = [
            source
            for told in self.fields.values()
            for source in ([told] if isinstance(told, Source) else told.values())
        ]
        object.__setattr__(self, "_is_starred", any(source.is_starred for source in sources))

    def takes(self, record: object) -> bool:
        """Whether `record` is of this mapping's kind; one without conditions takes any."""
        return all(condition.holds(record) for condition in self.when)

    def missed(self, record: object) -> Condition | None:
        """The first condition that does not hold in `record`; None when all do."""
        return next((condition for condition in self.when if not condition.holds(record)), None)

    def may_take_any_with(self, shared: object) -> bool:
        """Whether a record may be of this kind that has `shared` in common with others of one OTLP scope."""
        return all(condition.holds(shared) for condition in self.when if condition.path.root in SHARED_ROOTS)

    def ignores(self, record: object) -> bool:
        """Whether `record` says of itself that it should not count."""
        return any(Condition(path).holds(record) and bool(path.value(record)) for path in self.ignore)

    def rows(self, record: object) -> list[NativeRow]:
        """The rows that `record` tells of, at least one.

        Raises:
            MappingError: it does not hold what the mapping says; `reason` is one of the filters' and `row_mismatch`,
                `no_rows`, `too_many_rows`, `bad_path_value`.
        """
        if not self._is_starred:  # the same as below, at half the cost
            return [self._only_row(record)]
        found = {name: self._found(sources, record) for name, sources in self.fields.items()}
        lengths = {
            len(value.values) for values in found.values() for value in values.values() if isinstance(value, _Rows)
        }
        if len(lengths) > 1:
            raise MappingError("row_mismatch", f"fields of one record have {sorted(lengths)} rows")
        rows = lengths.pop() if lengths else None
        if rows == 0:
            raise MappingError("no_rows", "the record holds a list of no rows")
        return [self._row(found, index, shared=rows is None or rows == 1) for index in range(rows or 1)]

    def _only_row(self, record: object) -> NativeRow:
        row: NativeRow = {}
        for name, sources in self.fields.items():
            if isinstance(sources, Source):
                value = sources.value(record)
            else:
                told = ((key, source.value(record)) for key, source in sources.items())
                value = {key: cell for key, cell in told if cell is not None}
            if value is not None:
                row[name] = value
        return self._finished(row)

    def _found(self, sources: Sources, record: object) -> dict[str, object]:
        """The values of a field by name; the name is empty for a field that is one value."""
        if isinstance(sources, Source):
            return {"": sources.value(record)}
        return {name: source.value(record) for name, source in sources.items()}

    def _row(self, found: Map[str, dict[str, object]], index: int, *, shared: bool) -> NativeRow:
        row: NativeRow = {}
        for name, values in found.items():
            cells = {key: value.values[index] if isinstance(value, _Rows) else value for key, value in values.items()}
            value = cells[""] if "" in cells else {key: cell for key, cell in cells.items() if cell is not None}
            if value is None:
                continue
            if name == "id" and not shared and not isinstance(values.get(""), _Rows):
                value = f"{_id_of(value)}#{index}"
            row[name] = value
        return self._finished(row)

    def _finished(self, row: NativeRow) -> NativeRow:
        """`row` with its features under their names, and its prediction as the fields that it tells."""
        if "features" in row:
            row["features"] = self._named(row["features"])
        if "prediction" in row:
            row.update(_outputs(row.pop("prediction"), row))
        return row

    def _named(self, features: object) -> object:
        """Features that come as an array, or as a single value, under the names of their columns."""
        if isinstance(features, dict | str):
            return features
        cells = elements_of(features)
        if cells is None:
            cells = (features,)
        if not self.columns:
            return {str(index): cell for index, cell in enumerate(cells)}
        if len(cells) != len(self.columns):
            raise MappingError("row_mismatch", f"{len(cells)} features for {len(self.columns)} columns")
        return dict(zip(self.columns, cells, strict=True))


def word_of(value: object) -> str:
    """A value as a key of a translation, and as YAML writes it: `true`, `200`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _id_of(value: object) -> str:
    """An id that several rows share, as text."""
    if isinstance(value, str | int | float) and len(word := word_of(value)) <= _MAX_ID:
        return word
    raise MappingError("bad_path_value", f"an id is text of at most {_MAX_ID} characters")


def _outputs(prediction: object, row: NativeRow) -> NativeRow:
    """A prediction as the native fields that it tells, leaving those that `row` has.

    An array of several numbers holds the probabilities of classes; a map tells under names that models use, or is the
    prediction when it has one entry.
    """
    if isinstance(prediction, dict):
        told = {
            field: next(prediction[name] for name in names if name in prediction)
            for field, names in _OUTPUTS
            if any(name in prediction for name in names)
        }
        told = told or {"prediction": next(iter(prediction.values())) if len(prediction) == 1 else prediction}
    else:
        told = {"prediction": prediction}
    value = told.get("prediction")
    elements = elements_of(value)
    if elements is not None and len(elements) == 1:
        told["prediction"] = elements[0]
    elif elements is not None and _is_numeric(elements) and "probabilities" not in row | told:
        told["probabilities"] = list(elements)
        del told["prediction"]
    return {field: value for field, value in told.items() if field not in row and value is not None}


def _is_numeric(values: Sequence[object]) -> bool:
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _is_empty(value: object) -> bool:
    return value is None or value == ""
