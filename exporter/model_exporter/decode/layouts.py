"""Where a record's features and fields stand, worked out once for all records with the same keys."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from model_exporter.decode.aliases import FEATURE_PREFIX, PREFIXED, Names, first

Found = dict[int, object]
"""What the fields of a record hold, by `aliases.Field`."""
Row = tuple[tuple[str, ...], tuple[object, ...]]
"""Names and values of some cells; names are distinct."""

NO_CELLS: Final[Row] = ((), ())

_CACHE_BYTES: Final = 4 * 1024 * 1024
_KEY_BYTES: Final = 100  # what a key takes besides its characters, about


class Layout:
    """How to take apart the maps that have exactly the keys `keys`.

    Args:
        keys: in the order of the map.
        fields: field by alias.
        names: the aliases of each field, in order of precedence.
    """

    __slots__ = ("_contested", "_features", "_fields", "_pick", "_prefixed")

    def __init__(self, keys: tuple[str, ...], fields: Mapping[str, int], names: Mapping[int, Names]) -> None:
        features = [key for key in keys if key.startswith(FEATURE_PREFIX)]
        self._features = tuple(key.removeprefix(FEATURE_PREFIX) for key in features)
        self._pick = picker(features)
        self._fields = tuple((fields[key], key) for key in keys if key in fields)
        told = [field for field, _ in self._fields]
        prefixed = (
            (field, prefix, [key for key in keys if key.startswith(prefix)]) for field, prefix in PREFIXED.items()
        )
        self._prefixed = tuple(
            (field, tuple((key.removeprefix(prefix), key) for key in told)) for field, prefix, told in prefixed if told
        )
        self._contested = tuple((field, names[field]) for field in dict.fromkeys(told) if told.count(field) > 1)

    def found(self, scope: Mapping[str, object]) -> Found:
        """The fields of `scope`, each by its first alias that holds anything."""
        found = {field: scope[key] for field, key in self._fields}
        for field, names in self._contested:
            found[field] = first(scope, names)
        for field, keys in self._prefixed:
            found[field] = {name: scope[key] for name, key in keys}
        return found

    def features(self, scope: Mapping[str, object]) -> Row:
        """The flat features of `scope` under their bare names."""
        return self._features, self._pick(scope)


class Vocabulary:
    """Knows the aliases of one kind of record. The layouts it keeps are a bounded cache, safe to share by threads.

    Args:
        names: the aliases of each field, in order of precedence.
    """

    def __init__(self, names: Mapping[int, Names]) -> None:
        self._names = names
        self._fields = {alias: field for field, aliases in names.items() for alias in aliases}
        self._layouts: dict[tuple[str, ...], Layout] = {}
        self._room = _CACHE_BYTES

    def layout(self, scope: Mapping[str, object]) -> Layout:
        """How to take `scope` apart."""
        keys = tuple(scope)
        layout = self._layouts.get(keys)
        if layout is None:
            layout = Layout(keys, self._fields, self._names)
            self._keep(keys, layout)
        return layout

    def _keep(self, keys: tuple[str, ...], layout: Layout) -> None:
        size = sum(map(len, keys)) + _KEY_BYTES * (len(keys) + 1)
        if size > _CACHE_BYTES // 8:
            return
        if size > self._room:
            self._layouts.clear()
            self._room = _CACHE_BYTES
        self._layouts[keys] = layout
        self._room -= size


def cells_of(row: Row) -> dict[str, object]:
    """The cells of `row` by name."""
    return dict(zip(*row, strict=True))


def row_of(cells: Mapping[str, object]) -> Row:
    """The same, the other way round."""
    return tuple(cells), tuple(cells.values())


def picker(keys: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """What takes the values of `keys` out of a map, or out of a sequence those at these places."""
    if not keys:
        return _nothing
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda scope: (scope[keys[0]],)


def _nothing(_: object) -> tuple[object, ...]:
    return ()
