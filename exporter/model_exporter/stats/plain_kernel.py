"""What is done for every cell of a batch, in numpy: where there was no compiler, and to hold `_kernel` to.

Columns have n rows. Tables that are counted into begin with whatever they hold; n and the number of columns may be 0.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.copula import LEVELS

ABSENT, NULL, NUMBER, NESTED = 0, 1, 2, 5
"""Of `batch.Kind`."""
_VALUES, _MISSING, _TYPE, _RANGE, _CATEGORY, _NONFINITE, _OUTLIERS = range(7)
"""Columns of a matrix of quality, as `window.snapshot.QUALITY`."""
BAD_TYPE, OUT_OF_RANGE, OUTLIER = 1, 2, 4
"""Flags of a cell of the line of numbers: its numbers are of a wrong type, not allowed, or outside of the fences."""

_WAYS: Final = 16
_FEW: Final = 8
"""Up to so many keys are faster one by one: an array of one costs as much as one of a hundred."""
_SMALL: Final = 256
"""Cells that a byte can number."""
_COMPARED_AT_ONCE: Final = 1 << 17
"""Results of comparisons that stay in the processor's cache until they are added up."""
_WORD: Final = 64
_ROWS_AT_ONCE: Final = 1024
"""Few enough for their sets to stay in the cache, and for sixteen bits to hold their number."""

_Integers = NDArray[np.int64]
_Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Ruler:
    """Lines of numbers, one for each of F features, each cut into K + 1 cells; one more cell is for what is not finite.

    Attributes:
        cuts: float64[F, K], ascending: cell i holds cuts[i-1] < x <= cuts[i]. Padded with infinity.
        places: int64[F, K+2], the place among all bins of each cell.
        flags: uint8[F, K+2], `BAD_TYPE`, `OUT_OF_RANGE` and `OUTLIER`, added.
        levels_of: uint8[F, K+2], the level of each cell.
        level_rows: int64[F], the row of each feature in a matrix of levels; -1 for one without.
        quality_rows: int64[F], its row in a matrix of quality.
    """

    cuts: NDArray[np.float64]
    places: _Integers
    flags: _Bytes
    levels_of: _Bytes
    level_rows: _Integers
    quality_rows: _Integers


def count_kinds(kinds: list[_Bytes], quality: _Integers, absent: _Integers, wrong: _Bytes) -> list[int]:
    """Count what the kinds of cells tell.

    Args:
        kinds: of C columns, of `batch.Kind`.
        quality: int64[C, 7], whose values, missing and nested ones are set.
        absent: int64[C], set to the cells whose record lacks the key.
        wrong: uint8[n], set to 1 for rows with a nested value.

    Returns:
        Cells of each column that hold no scalar: missing or nested.
    """
    if not kinds:
        return []
    matrix = np.concatenate(kinds).reshape(len(kinds), -1)
    absent[:] = np.count_nonzero(matrix == ABSENT, axis=1)
    quality[:, _MISSING] = absent + np.count_nonzero(matrix == NULL, axis=1)
    quality[:, _VALUES] = len(wrong) - quality[:, _MISSING]
    nested = matrix == NESTED
    quality[:, _TYPE] = np.count_nonzero(nested, axis=1)
    wrong |= nested.any(axis=0)
    silent: list[int] = (quality[:, _MISSING] + quality[:, _TYPE]).tolist()
    return silent


def count_numbers(
    numbers: list[NDArray[np.float64]],
    kinds: list[_Bytes],
    ruler: Ruler,
    *,
    bins: _Integers,
    quality: _Integers,
    levels: _Bytes,
    wrong: _Bytes,
) -> None:
    """Count numbers by the cell of their feature's line that they fall in, and what is not finite by a cell of its own.

    Args:
        numbers: of F columns.
        kinds: theirs.
        ruler: what they are held to.
        bins: int64, counted into.
        quality: int64[C, 7], counted into: what is of a wrong type, out of range, an outlier or not finite.
        levels: uint8[columns, n], set.
        wrong: uint8[n], set to 1 for rows with a number of a wrong type.
    """
    features, cells = ruler.places.shape
    if not features:
        return
    matrix = np.concatenate(numbers).reshape(features, -1)
    finite = np.isfinite(matrix)
    read = _cells_of(matrix, ruler.cuts)
    if not finite.all():
        read[~finite] = cells - 1
        broken = ~finite & (np.concatenate(kinds).reshape(features, -1) == NUMBER)
        quality[ruler.quality_rows, _NONFINITE] += np.count_nonzero(broken, axis=1)
    flat = read + np.arange(0, features * cells, cells)[:, None]
    found = np.bincount(flat.ravel(), minlength=features * cells)
    bins += np.bincount(ruler.places.ravel(), found, len(bins)).astype(np.int64)
    by_feature = found.reshape(features, cells)
    bad = (by_feature * (ruler.flags & BAD_TYPE)).sum(axis=1)
    quality[ruler.quality_rows, _TYPE] += bad
    quality[ruler.quality_rows, _RANGE] += (by_feature * ((ruler.flags & OUT_OF_RANGE) > 0)).sum(axis=1)
    quality[ruler.quality_rows, _OUTLIERS] += (by_feature * ((ruler.flags & OUTLIER) > 0)).sum(axis=1)
    if bad.any():
        wrong |= (ruler.flags & BAD_TYPE).ravel()[flat].any(axis=0)
    levelled = np.flatnonzero(ruler.level_rows >= 0)
    if levelled.size:
        levels[ruler.level_rows[levelled]] = ruler.levels_of.ravel().take(flat[levelled])


def count_codes(
    codes: list[NDArray[np.int32]], places: list[list[int]], starts: list[int], bins: _Integers, rows: int
) -> list[list[int]]:
    """Count codes of words, -1 for none of them.

    Args:
        codes: of C columns.
        places: of each, the place of code -1, of code 0 and so on among its bins.
        starts: where among `bins` those begin.
        bins: int64, counted into.
        rows: n.

    Returns:
        By column, rows with code -1, with code 0 and so on.
    """
    if not codes:
        return []
    sizes = np.array([len(of) for of in places])
    ends = np.cumsum(sizes)
    matrix = np.concatenate(codes).reshape(len(codes), rows) + (ends - sizes + 1)[:, None]
    found = np.bincount(matrix.ravel(), minlength=ends[-1])
    into = np.concatenate(places).astype(np.intp) + np.repeat(starts, sizes)
    bins += np.bincount(into, found, len(bins)).astype(np.int64)
    return [part.tolist() for part in np.split(found, ends[:-1])]


def count_pairs(levels: _Bytes, pairs: _Integers, tables: _Integers) -> None:
    """Count the rows in each cell of each pair.

    Each level of a feature is a set of rows, a bit a row, and a cell the number of rows in two such sets.

    Args:
        levels: uint8[F, n], the rows of a feature one after another.
        pairs: int64[P, 2], their features.
        tables: int64[P, 25], counted into.
    """
    first, second = np.ascontiguousarray(pairs.T)
    counts = np.zeros((LEVELS, LEVELS, len(pairs)), np.int64)
    for start in range(0, levels.shape[1], _ROWS_AT_ONCE):
        sets = _sets_of_rows(levels[:, start : start + _ROWS_AT_ONCE])
        of_first, of_second = sets.take(first, axis=2), sets.take(second, axis=2)
        for level in range(LEVELS):
            in_both = np.bitwise_count(of_first[:, level, None] & of_second)
            counts[level] += np.add.reduce(in_both, axis=0, dtype=np.uint16)
    tables += counts.reshape(LEVELS * LEVELS, -1).T


def first_seen(keys: _Integers, cells: NDArray[np.uint64], following: _Bytes, shift: int, fresh: _Bytes) -> int:
    """Tell which keys are new, one after the other, and remember them.

    A key's upper bits choose its bucket, in which it takes the place of the oldest. Key 0 is always new and never
    remembered.

    Args:
        keys: int64[n].
        cells: uint64[buckets, 16], 0 where empty.
        following: uint8[buckets], the cell that each bucket fills next.
        shift: 64 less the bits that choose a bucket.
        fresh: uint8[n], set to 1 for new keys and to 0 for others.

    Returns:
        How many cells that were empty have been filled.
    """
    hashes = keys.view(np.uint64)
    if len(hashes) <= _FEW:
        return _first_seen_one_by_one(hashes.tolist(), cells, following, shift, fresh)
    order = hashes.argsort(kind="stable")  # rows of a bucket stand together then, and those of a key
    ordered = hashes[order]
    new = ~are_among(ordered, cells, shift)
    new[1:] &= ordered[1:] != ordered[:-1]
    keyed = ordered != 0
    fresh[order] = new | ~keyed
    return _remember(ordered[new & keyed], cells, following, shift)


def are_among(hashes: NDArray[np.uint64], cells: NDArray[np.uint64], shift: int) -> NDArray[np.bool_]:
    """Mask bool[n] of the hashes that are remembered."""
    found: NDArray[np.bool_] = (cells[hashes >> np.uint64(shift)] == hashes[:, None]).any(axis=1)
    return found


def _first_seen_one_by_one(
    hashes: list[int], cells: NDArray[np.uint64], following: _Bytes, shift: int, fresh: _Bytes
) -> int:
    filled = 0
    for row, key in enumerate(hashes):
        bucket = key >> shift
        held = cells[bucket].tolist()
        fresh[row] = key == 0 or key not in held
        if key and fresh[row]:
            cell = int(following[bucket])
            filled += held[cell] == 0
            cells[bucket, cell] = key
            following[bucket] = (cell + 1) % _WAYS
    return filled


def _remember(ordered: NDArray[np.uint64], cells: NDArray[np.uint64], following: _Bytes, shift: int) -> int:
    """Put distinct keys, in ascending order, into their buckets; how many cells that were empty they fill."""
    if not len(ordered):
        return 0
    buckets = ordered >> np.uint64(shift)
    places = np.arange(len(ordered))
    begins = np.ones(len(ordered), np.bool_)
    begins[1:] = buckets[1:] != buckets[:-1]
    within = places - np.maximum.accumulate(np.where(begins, places, 0))
    into = (following[buckets] + within) % _WAYS
    filled = int(np.count_nonzero(cells[buckets, into] == 0))
    cells[buckets, into] = ordered
    following[buckets] = (into + 1) % _WAYS  # the last assignment to a bucket holds
    return filled


def _cells_of(numbers: NDArray[np.float64], cuts: NDArray[np.float64]) -> NDArray[np.intp]:
    """How many `cuts` float64[F, K] of its feature each of `numbers` float64[F, n] exceeds, intp[F, n]."""
    features, rows = numbers.shape
    size = cuts.shape[1]
    above_all = cuts.T[:, :, None]
    cell = np.empty((features, rows), np.uint8 if size + 1 < _SMALL else np.intp)
    step = max(1, _COMPARED_AT_ONCE // max(1, size * rows))
    for start in range(0, features, step):
        some = slice(start, start + step)
        above = np.greater(numbers[some], above_all[:, some])
        np.add.reduce(above.view(np.uint8), axis=0, dtype=cell.dtype, out=cell[some])
    return cell.astype(np.intp)


def _sets_of_rows(levels: _Bytes) -> NDArray[np.uint64]:
    """The rows with each level of each feature, a bit a row, uint64[words, LEVELS, F]."""
    features, rows = levels.shape
    words = -(-rows // _WORD)
    padded = np.full((features, words * _WORD), LEVELS, np.uint8)
    padded[:, :rows] = levels
    has_level = padded == np.arange(LEVELS, dtype=np.uint8)[:, None, None]
    return np.ascontiguousarray(np.packbits(has_level, axis=2).view(np.uint64).transpose(2, 0, 1))
