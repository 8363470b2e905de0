"""A recording as OpenMetrics with timestamps, as `promtool tsdb create-blocks-from openmetrics` reads it."""

from pathlib import Path
from typing import Final

import numpy as np

from timelapse.recording import Floats, Recording, is_moment

SPARSE_SECONDS: Final = 120.0
"""How far apart samples may be where nothing changes: half as many, and still two in any window of five minutes."""


def write_openmetrics(recording: Recording, begin: float, path: Path) -> None:
    """Write `recording` as if its first moment had been `begin`, unix seconds."""
    times = begin + recording.step * np.arange(recording.values.shape[1])
    stamps = [f" {time:.3f}\n" for time in times.tolist()]
    sparse = 2 * recording.step <= SPARSE_SECONDS
    with path.open("w") as file:
        for key, values in recording.rows():
            moved = values + begin if is_moment(key.partition("{")[0]) else values
            told = ~np.isnan(values) & ~(_repeated(values) if sparse else False)
            rows = np.flatnonzero(told).tolist()
            file.writelines(
                f"{key} {value!r}{stamps[row]}" for row, value in zip(rows, moved[rows].tolist(), strict=True)
            )
        file.write("# EOF\n")


def _repeated(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Every other value that is the same as the one before it and the one after it."""
    same = np.zeros(len(values), np.bool_)
    same[1:-1] = (values[1:-1] == values[:-2]) & (values[1:-1] == values[2:])
    same[::2] = False
    return same
