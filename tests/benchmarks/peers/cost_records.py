"""The records of `make bench-cost` as a data frame, and how time spent on them is told; for the peers' environments."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

SECONDS = 2.0
MOST = 5


def frame(file: Path) -> pd.DataFrame:
    """The features and the score of the records that an archive of numpy holds, with the categories as texts."""
    with np.load(file) as archive:
        columns = {name: archive[name] for name in archive.files}
    return pd.DataFrame(
        {name: values.astype(object) if values.dtype.kind == "U" else values for name, values in columns.items()}
    )


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The baseline and the records, from the archives that the command line names."""
    return frame(Path(sys.argv[1])), frame(Path(sys.argv[2]))


def cost(work: Callable[[], object], rows: int) -> float:
    """Median microseconds of processor a record of doing `work` on so many rows, a few times within two seconds."""
    work()
    taken: list[float] = []
    while not taken or (sum(taken) < SECONDS and len(taken) < MOST):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return 1e6 * sorted(taken)[len(taken) // 2] / rows


def answer(costs: dict[str, float]) -> None:
    """Print what was measured and the resident megabytes of this process, as the last line."""
    status = Path("/proc/self/status").read_text("ascii").split()
    print(json.dumps({"costs": costs, "memory": int(status[status.index("VmRSS:") + 1]) * 1024 / 1e6}))
