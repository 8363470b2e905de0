"""A record's features and outputs as flat cells."""

from typing import Final

from model_exporter.config.settings import Limits
from model_exporter.decode.aliases import Field
from model_exporter.decode.layouts import Found, Row, cells_of, row_of
from model_exporter.decode.tally import Tally
from model_exporter.decode.values import Elements, is_empty
from model_exporter.errors import DecodeError
from model_exporter.json_text import parse_json

Cells = dict[str, object]

_JSON_STARTS: Final = ("{", "[")


class CellReader:
    """Makes cells of the fields of a record, within limits; what it leaves out is counted."""

    def __init__(self, *, limits: Limits, tally: Tally) -> None:
        self._limits = limits
        self._tally = tally

    def inputs(self, found: Found, flat: Row) -> Row:
        """Cells of all inputs: those of the field `features`, and `flat` ones, which win.

        `features` is a map; or an array, named by position; or either as JSON text, to which users resort whose SDK
        drops nested attributes.
        """
        value = found.get(Field.FEATURES)
        row = flat
        if value is not None:
            cells = self._named(value)
            row = row_of(cells | cells_of(flat) if flat[0] else cells)
        return self._flatten(row) if dict in map(type, row[1]) else row

    def outputs(self, found: Found) -> Row:
        """Cells of all outputs: `prediction`, `score`, and `probabilities.<class>` from a map or an array."""
        cells: Cells = {}
        if Field.PREDICTION in found:
            cells["prediction"] = found[Field.PREDICTION]
        if Field.SCORE in found:
            cells["score"] = found[Field.SCORE]
        if Field.PROBABILITIES in found:
            value = found[Field.PROBABILITIES]
            if isinstance(value, dict):
                cells.update((f"probabilities.{name}", share) for name, share in value.items())
            elif isinstance(value, list | Elements):
                cells.update((f"probabilities.{index}", share) for index, share in enumerate(value))
            else:  # a single number is the probability of the positive class
                cells.setdefault("score", value)
        row = row_of(cells)
        return self._flatten(row) if dict in map(type, row[1]) else row

    def cut(self, row: Row, room: int) -> Row:
        """The first `room` cells of `row`; a record may not have more values."""
        names, values = row
        if len(names) <= room:
            return row
        self._tally.drop("attribute_limit", len(names) - room)
        return names[:room], values[:room]

    def _flatten(self, row: Row) -> Row:
        """`row` with nested maps spread out under dotted names; an empty map stays one cell."""
        flat: Cells = {}
        for name, value in zip(*row, strict=True):
            self._spread(name, value, 1, flat)
        return row_of(flat)

    def _spread(self, name: str, value: object, depth: int, into: Cells) -> None:
        if not isinstance(value, dict) or not value:
            into[name] = value
        elif depth > self._limits.nesting:
            self._tally.drop("nesting_limit")
        elif len(name) > self._limits.name_length:  # and so would all names under it be
            self._tally.drop("name_too_long")
        else:
            for key, item in value.items():
                self._spread(f"{name}.{key}", item, depth + 1, into)

    def _named(self, value: object) -> Cells:
        if isinstance(value, str) and value.startswith(_JSON_STARTS):
            try:
                value = parse_json(value.encode())
            except DecodeError:
                value = ""
                self._tally.drop("bad_features")
        if isinstance(value, dict):
            return value
        if isinstance(value, list | Elements):
            return {str(index): item for index, item in enumerate(value)}
        if not is_empty(value):
            self._tally.drop("bad_features")
        return {}
