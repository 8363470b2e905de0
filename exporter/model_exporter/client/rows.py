"""The rows of a batch, in whatever a service holds them: maps, tables, arrays."""

from collections.abc import Iterable, Mapping, Sequence

from model_exporter.client.values import UnsendableError, fields_of, sequence

Named = Mapping[object, object]


def row_of(features: object, names: Sequence[str]) -> Named:
    """The features of one prediction by name.

    Args:
        features: a map, an object with fields, a table of one row, or an array.
        names: of the features that come as an array; without them they are called by their places, "0", "1", ...

    Raises:
        UnsendableError: it is none of these, or holds several rows.
    """
    if features is None:
        return {}
    table = _table(features)
    if table is not None:
        if len(table) != 1:
            raise UnsendableError("row_mismatch", f"{len(table)} rows where one was expected; log_batch takes several")
        return table[0]
    named = fields_of(features)
    if named is not None:
        return named
    cells = sequence(features)
    if getattr(features, "ndim", 1) == 2:  # noqa: PLR2004  # a matrix
        if len(cells) != 1:
            raise UnsendableError("row_mismatch", f"{len(cells)} rows where one was expected; log_batch takes several")
        cells = sequence(cells[0])
    return _by_place(cells, names)


def rows_of(data: object, names: Sequence[str]) -> list[Named]:
    """The rows of a batch.

    Args:
        data: a table (pandas, polars, pyarrow), a map of columns, a matrix, or any iterable of what `row_of` takes.
        names: as `row_of` takes them.

    Raises:
        UnsendableError: it is none of these, or its columns differ in length.
    """
    table = _table(data)
    if table is not None:
        return table
    if isinstance(data, Mapping):
        columns = {name: sequence(values) for name, values in data.items()}
        if len({len(values) for values in columns.values()}) > 1:
            raise UnsendableError("row_mismatch", "the columns differ in length")
        return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return [row_of(row, names) for row in sequence(data)]


def _table(data: object) -> list[Named] | None:
    """The rows of a table of pandas, polars or pyarrow, None for anything else."""
    columns = getattr(data, "columns", None)
    if columns is not None and hasattr(data, "itertuples"):
        labels = [_label(label) for label in columns]
        return [dict(zip(labels, cells, strict=True)) for cells in data.itertuples(index=False, name=None)]
    for method in ("to_dicts", "to_pylist"):
        if hasattr(data, method):
            rows = getattr(data, method)()
            return rows if isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows) else None
    return None


def _label(label: object) -> str:
    """The name of a column; of several levels, joined by dots."""
    return ".".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _by_place(cells: Iterable[object], names: Sequence[str]) -> Named:
    listed = list(cells)
    if names and len(names) != len(listed):
        raise UnsendableError("row_mismatch", f"{len(listed)} features where the model has {len(names)} names")
    return dict(zip(names or map(str, range(len(listed))), listed, strict=True))
