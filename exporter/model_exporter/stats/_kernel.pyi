import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.plain_kernel import Ruler

def count_kinds(
    kinds: list[NDArray[np.uint8]], quality: NDArray[np.int64], absent: NDArray[np.int64], wrong: NDArray[np.uint8]
) -> list[int]: ...
def count_numbers(
    numbers: list[NDArray[np.float64]],
    kinds: list[NDArray[np.uint8]],
    ruler: Ruler,
    *,
    bins: NDArray[np.int64],
    quality: NDArray[np.int64],
    levels: NDArray[np.uint8],
    wrong: NDArray[np.uint8],
) -> None: ...
def count_codes(
    codes: list[NDArray[np.int32]], places: list[list[int]], starts: list[int], bins: NDArray[np.int64], rows: int
) -> list[list[int]]: ...
def count_pairs(levels: NDArray[np.uint8], pairs: NDArray[np.int64], tables: NDArray[np.int64]) -> None: ...
def first_seen(
    keys: NDArray[np.int64],
    cells: NDArray[np.uint64],
    following: NDArray[np.uint8],
    shift: int,
    fresh: NDArray[np.uint8],
) -> int: ...
