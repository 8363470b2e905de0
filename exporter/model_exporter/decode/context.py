"""What a prediction's record says beside its features and outputs: segments, an interval, a horizon, a ranking."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from model_exporter.decode.aliases import INTERVAL_ENDS, ITEM, SEGMENT_PREFIX, Field, first
from model_exporter.decode.layouts import NO_CELLS, Found, Row, row_of
from model_exporter.decode.tally import Tally
from model_exporter.decode.values import Elements, is_empty, number_of, plain_text, text_of
from model_exporter.errors import DecodeError
from model_exporter.json_text import parse_json

MAX_ITEMS: Final = 100
"""Items of one ranking, and relevant items of one outcome, that are kept."""

Ranking = tuple[str, ...]
"""Items, best first."""

_CONTEXT: Final = frozenset(
    {Field.FLAT_SEGMENTS, Field.SEGMENTS, Field.LOWER, Field.UPPER, Field.INTERVAL, Field.HORIZON, Field.NAIVE}
)
_NUMBERS: Final = ((Field.LOWER, "lower"), (Field.UPPER, "upper"), (Field.NAIVE, "naive"))
_PAIR: Final = 2


class ContextReader:
    """Reads what stands beside the features and outputs of a record; what it leaves out is counted."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def context(self, found: Found) -> Row:
        """Cells `segment.NAME`, `lower`, `upper`, `naive` and `horizon`, of those that `found` tells.

        Nested maps within them are not spread out.
        """
        if _CONTEXT.isdisjoint(found):
            return NO_CELLS
        cells: dict[str, object] = {}
        segments = {**self._segments(found.get(Field.SEGMENTS)), **as_map(found.get(Field.FLAT_SEGMENTS))}
        cells.update((f"{SEGMENT_PREFIX}{name}", value) for name, value in segments.items() if name)
        ends = self._interval(found.get(Field.INTERVAL))
        for field, name in _NUMBERS:
            value = found.get(field)
            value = ends.get(field) if is_empty(value) else value
            if not is_empty(value):
                number = number_of(value)
                if number is None:
                    self._tally.drop("bad_context")
                else:
                    cells[name] = number
        horizon = found.get(Field.HORIZON)
        if not is_empty(horizon):
            cells["horizon"] = horizon
        return row_of(cells)

    def ranking(self, found: Found) -> Ranking:
        """The items of a prediction that is a list of them, which is then taken out of `found`; empty for any other.

        Items are texts, whole numbers, or maps that name one: a list with anything else is no ranking but, for
        example, a list of probabilities.
        """
        value = found.get(Field.PREDICTION)
        if type(value) is str:
            if value[:1] != "[":
                return ()
            value = parsed(value)
        if not isinstance(value, list | Elements):
            return ()
        items = _items(islice(value, MAX_ITEMS))
        if items:
            del found[Field.PREDICTION]
            self._count_further(len(value))
        return items

    def relevant(self, value: object) -> tuple[tuple[str, float], ...] | None:
        """The relevant items of an outcome, each with its gain: of a list, or a map from items to gains.

        Items with a gain of 0 or less are left out. None when `value` is neither list nor map, also as JSON text.
        """
        if isinstance(value, str) and value[:1] in {"[", "{"}:
            value = parsed(value)
        if isinstance(value, list | Elements):
            items = _items(islice(value, MAX_ITEMS))
            if not items and len(value):
                return None
            gains = dict.fromkeys(items, 1.0)
        elif isinstance(value, dict):
            gains = {}
            for name, gain in islice(value.items(), MAX_ITEMS):
                number = float(gain) if isinstance(gain, bool) else number_of(gain)
                if number is None:
                    self._tally.drop("bad_value")
                elif number > 0:
                    gains[plain_text(name)] = number
        else:
            return None
        self._count_further(len(value))
        return tuple(gains.items())

    def _count_further(self, items: int) -> None:
        if items > MAX_ITEMS:
            self._tally.drop("ranking_limit", items - MAX_ITEMS)

    def _segments(self, value: object) -> dict[str, object]:
        """Segments by name, of a map or of one as JSON text."""
        if is_empty(value):
            return {}
        value = parsed(value) if isinstance(value, str) else value
        if isinstance(value, dict):
            return value
        self._tally.drop("bad_context")
        return {}

    def _interval(self, value: object) -> dict[int, object]:
        """The ends of an interval, of a map, a pair, or either as JSON text."""
        if is_empty(value):
            return {}
        value = parsed(value) if isinstance(value, str) else value
        if isinstance(value, dict):
            return {field: first(value, names) for field, names in INTERVAL_ENDS.items()}
        if isinstance(value, list | Elements) and len(value) == _PAIR:
            return dict(zip((Field.LOWER, Field.UPPER), value, strict=True))
        self._tally.drop("bad_context")
        return {}


def as_map(value: object) -> Mapping[str, object]:
    """`value` when it is a map, else an empty one."""
    return value if isinstance(value, dict) else {}


def parsed(text: str) -> object:
    """The JSON value in `text`; None when there is none."""
    try:
        return parse_json(text.encode("utf-8", "backslashreplace"))
    except DecodeError:
        return None


def _items(values: Iterable[object]) -> Ranking:
    """Each of `values` as text; empty when one of them is no item."""
    items: list[str] = []
    for value in values:
        told = first(value, ITEM) if isinstance(value, dict) else value
        if isinstance(told, float) and not told.is_integer():
            return ()
        text = text_of(told)
        if not text:
            return ()
        items.append(plain_text(text))
    return tuple(items)
