"""What NannyML says of the streams in a directory: `python ask_nannyml.py DIRECTORY` prints it as JSON.

`UnivariateDriftCalculator` with its own method and thresholds for numbers and categories, `MissingValuesCalculator` for
missing values. Every column is a feature of one table.
"""

import json
import sys
from pathlib import Path

import nannyml
import numpy as np
import pandas as pd
from numpy.typing import NDArray

CHUNKS = (1000, 10_000)
ROWS = 40_000


def table(rows: NDArray[np.float32], kind: str) -> pd.DataFrame:
    """The columns as features of their kind."""
    frame = pd.DataFrame(rows, columns=[f"f{number}" for number in range(rows.shape[1])])
    return frame.astype("int64").astype("category") if kind == "category" else frame


def alerts(old: pd.DataFrame, new: pd.DataFrame, kind: str, size: int) -> NDArray[np.bool_]:
    """Whether each chunk of each column is an alert, bool[chunks, R]."""
    columns = list(old.columns)
    if kind == "missing":
        calculator = nannyml.MissingValuesCalculator(column_names=columns, chunk_size=size)
        told = calculator.fit(old).calculate(new).filter(period="analysis").to_df()
        return np.column_stack([told[(column, "alert")].to_numpy(bool) for column in columns])
    calculator = nannyml.UnivariateDriftCalculator(column_names=columns, chunk_size=size)
    told = calculator.fit(old).calculate(new).filter(period="analysis").to_df()
    return np.column_stack([told[(column, "jensen_shannon", "alert")].to_numpy(bool) for column in columns])


def ends(alert: NDArray[np.bool_], size: int) -> list[int | None]:
    """Rows of each column up to the end of the first chunk with an alert."""
    return [(int(column.argmax()) + 1) * size if column.any() else None for column in alert.T]


def answer(directory: Path, size: int) -> dict[str, object]:
    """Observed rows and alarms without a change by kind, and the delays by change."""
    about = json.loads((directory / "streams.json").read_text("utf-8"))
    clean, delays = {}, {}
    old = {kind: table(np.load(directory / f"baseline-{kind}.npy"), kind) for kind in about["kinds"]}
    for kind in about["kinds"]:
        rows = np.load(directory / f"clean-{kind}.npy")[:ROWS]
        first = ends(alerts(old[kind], table(rows, kind), kind, size), size)
        clean[kind] = [sum(ROWS if at is None else at for at in first), sum(at is not None for at in first)]
    for name, kind in about["changes"].items():
        rows = np.load(directory / f"changed-{name}.npy")
        before = [int(phase * size) for phase in about["phases"]]
        starts = [about["before"] - part for part in before]
        aligned = np.column_stack([column[at : at + ROWS] for column, at in zip(rows.T, starts, strict=True)])
        first = ends(alerts(old[kind], table(aligned, kind), kind, size), size)
        delays[name] = [None if at is None else at - part for at, part in zip(first, before, strict=True)]
    return {"clean": clean, "delays": delays}


def main() -> None:
    """Ask for chunks of each size."""
    directory = Path(sys.argv[1])
    print(json.dumps({f"NannyML, chunks of {size:,}": answer(directory, size) for size in CHUNKS}))


if __name__ == "__main__":
    main()
