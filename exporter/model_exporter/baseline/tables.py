"""Rows for a baseline, read from files.

`.csv`, `.jsonl`, `.ndjson` and `.json` (all of them also with `.gz` behind) and `.parquet`. Several files are read one
after another; a column that one of them lacks is absent from its rows.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.csv_rows import read_csv
from model_exporter.baseline.json_rows import read_json
from model_exporter.baseline.model import FeatureType
from model_exporter.baseline.naming import OUTPUTS, TIMES, assign_roles, bare_name
from model_exporter.baseline.parts import Gathering, Part
from model_exporter.baseline.times import read_times
from model_exporter.batch import Column, Role
from model_exporter.errors import BaselineError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CSV: Final = (".csv",)
_JSON: Final = (".jsonl", ".ndjson", ".json")
_PARQUET: Final = (".parquet", ".pq")
_AS_TEXT: Final = (FeatureType.CATEGORICAL, FeatureType.IDENTIFIER)
_BUFFER: Final = 1 << 20
_NO_TYPES: Final[Mapping[str, FeatureType]] = MappingProxyType({})
_NO_TEXTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({})

Progress = Callable[[int], None]
"""Is told how many bytes have been read so far, of all files together."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of some files.

    Attributes:
        columns: features and outputs, each with a cell for every row.
        rows: number of rows.
        span_seconds: time from the earliest row to the latest; None when the rows have no time.
        times: float64[rows], unix seconds of each row, NaN where there is none; None when the rows have no time.
        time: name of the column that told the time; empty without one.
        ignored: names of the columns that were left out.
    """

    columns: tuple[Column, ...]
    rows: int
    span_seconds: float | None
    times: NDArray[np.float64] | None
    time: str
    ignored: tuple[str, ...]


def total_bytes(paths: Sequence[Path]) -> int:
    """Size of all files together, which the progress of `read_tables` ends at.

    Raises:
        BaselineError: one of them is not there.
    """
    return sum(_size(path) for path in paths)


def read_tables(
    paths: Sequence[Path],
    *,
    outputs: Collection[str] = OUTPUTS,
    ignore: Collection[str] = (),
    time: str = "",
    types: Mapping[str, FeatureType] = _NO_TYPES,
    missing: Mapping[str, frozenset[str]] = _NO_TEXTS,
    progress: Progress | None = None,
) -> Table:
    """The rows of all files.

    Args:
        paths: the files.
        outputs: columns that came out of the model; a name that ends in `.*` stands for all that begin so.
        ignore: columns to leave out, besides `naming.BOOKKEEPING`.
        time: the column with the time of each row; when empty, one of `naming.TIMES` whose values are times.
        types: configured types by name. A categorical column keeps its texts as they are, and a column with a type is
            a feature, whatever its name.
        missing: texts that stand for a missing value, by name.
        progress: called now and then while files are read.

    Raises:
        BaselineError: a file is not there, of no known kind, or damaged (with its line); there are no rows; or `time`
            is no column of times.
    """
    reader = _Reader(types, missing, progress or _no_progress)
    gathering = Gathering()
    for path in paths:
        for part in reader.parts(path):
            gathering.add(part)
    if not gathering.rows:
        raise BaselineError(f"{', '.join(map(str, paths))}: there are no rows. Give at least one file with rows")
    columns = gathering.columns()
    times = _times(columns, time, keep=types)
    roles = assign_roles((c.name for c in columns), outputs=outputs, ignore={*ignore, *times}, keep=types)
    seconds = next(iter(times.values()), None)
    return Table(
        columns=_features(columns, roles),
        rows=gathering.rows,
        span_seconds=None if seconds is None else float(np.nanmax(seconds) - np.nanmin(seconds)),
        times=seconds,
        time=next(iter(times), ""),
        ignored=tuple(column.name for column in columns if column.name not in roles and column.name not in times),
    )


class _Reader:
    """Reads one file after another and keeps account of the bytes."""

    def __init__(
        self, types: Mapping[str, FeatureType], missing: Mapping[str, frozenset[str]], progress: Progress
    ) -> None:
        self._types = types
        self._missing = missing
        self._progress = progress
        self._done = 0

    def parts(self, path: Path) -> Iterator[Part]:
        """Rows of the file `path`."""
        size = _size(path)
        try:
            with path.open("rb", buffering=0) as raw:
                yield from self._parts(path, raw, size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BaselineError(f"{path}: is not whole as gzip: {error}. Copy or compress the file again") from error
        except OSError as error:
            raise _unreadable(path, error) from error
        self._done += size

    def _parts(self, path: Path, raw: io.FileIO, size: int) -> Iterator[Part]:
        name = path.name.lower()
        if name.endswith(_PARQUET):
            yield from self._parquet(path, raw, size)
            return
        counted = io.BufferedReader(_Counted(raw, self._advance), _BUFFER)
        lines: BinaryIO = counted
        if name.endswith(".gz"):
            name = name.removesuffix(".gz")
            lines = gzip.GzipFile(fileobj=counted)  # type: ignore[assignment]  # a reader of bytes, but no BinaryIO
        if name.endswith(_CSV):
            yield from read_csv(lines, file=str(path), missing=self._missing_of, stays_text=self._stays_text)
        elif name.endswith(_JSON):
            yield from read_json(lines, file=str(path))
        else:
            raise BaselineError(
                f"{path}: is of no known kind. Name it .csv, .jsonl, .ndjson or .json (with or without .gz) or .parquet"
            )

    def _parquet(self, path: Path, raw: io.FileIO, size: int) -> Iterator[Part]:
        try:
            from model_exporter.baseline.parquet_rows import read_parquet  # noqa: PLC0415  # pyarrow is an extra
        except ModuleNotFoundError as error:
            raise BaselineError(
                f"{path}: reading Parquet takes pyarrow. Install it with: pip install 'model_exporter[parquet]'"
            ) from error
        yield from read_parquet(raw, file=str(path), progress=lambda share: self._advance(int(share * size)))

    def _advance(self, done: int) -> None:
        """Report `done` bytes of the file at hand."""
        self._progress(self._done + done)

    def _missing_of(self, name: str) -> frozenset[str]:
        return self._missing.get(bare_name(name), frozenset())

    def _stays_text(self, name: str) -> bool:
        return self._types.get(bare_name(name)) in _AS_TEXT


class _Counted(io.RawIOBase):
    """A file that tells how far it has been read."""

    def __init__(self, raw: io.FileIO, advance: Progress) -> None:
        self._raw = raw
        self._advance = advance
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        count = self._raw.readinto(buffer)
        self._done += count
        self._advance(self._done)
        return count


def _times(columns: Sequence[Column], time: str, *, keep: Collection[str]) -> dict[str, NDArray[np.float64]]:
    """Columns that hold times, and the unix seconds of their cells."""
    named = {column.name: column for column in columns}
    if time and time not in named:
        raise BaselineError(f"there is no column {time!r} to take the time from. The columns are: {', '.join(named)}")
    times = {}
    for name in [time] if time else [name for name in TIMES if name in named and name not in keep]:
        seconds = read_times(named[name], must=bool(time))
        if seconds is not None:
            times[name] = seconds
        elif time:
            raise BaselineError(
                f"the column {time!r} does not hold times only. Give a column in ISO 8601 or unix seconds"
            )
    return times


def _features(columns: Sequence[Column], roles: Mapping[str, tuple[Role, str]]) -> tuple[Column, ...]:
    """The columns that have a role, under their own names."""
    features: dict[tuple[Role, str], Column] = {}
    for column in columns:
        if column.name not in roles:
            continue
        role, name = roles[column.name]
        if (role, name) in features:
            raise BaselineError(f"two columns stand for {role.value} {name!r}. Rename or ignore one of them")
        features[role, name] = replace(column, role=role, name=name)
    return tuple(features.values())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> BaselineError:
    return BaselineError(f"{path}: cannot be read: {error.strerror or error}. Check the path and its permissions")


def _no_progress(_: int) -> None:
    """Tell nobody."""
