"""What Evidently says of the streams in a directory: `python ask_evidently.py DIRECTORY` prints it as JSON.

The test and its threshold are those that `DataDriftPreset` chooses by itself. A report of the preset takes half a
second a column, so two are made, to see that the test called directly gives the same; the others call the test. Missing
values are left out by the preset, so a change of their share is not expressed.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.legacy.core import ColumnType
from evidently.presets import DataDriftPreset
from numpy.typing import NDArray

CHUNKS = (1000, 10_000)
CLEAN_CHUNKS = 40
TYPES = {"number": ColumnType.Numerical, "category": ColumnType.Categorical}


def drifted(old: "pd.Series[float]", new: "pd.Series[float]", kind: str) -> bool:
    """Whether the default test says so at its default threshold."""
    return bool(get_stattest(old, new, TYPES[kind], None)(old, new, TYPES[kind], None).drifted)


def check_against_preset(directory: Path) -> None:
    """See that the preset reports the test and the value that `drifted` rests on.

    Raises:
        ValueError: it does not.
    """
    for kind, column_type in TYPES.items():
        old = pd.DataFrame({"x": np.load(directory / f"baseline-{kind}.npy")[:, 0]})
        new = pd.DataFrame({"x": np.load(directory / f"clean-{kind}.npy")[:1000, 0]})
        columns = ["x"]
        definition = (
            DataDefinition(numerical_columns=columns)
            if kind == "number"
            else DataDefinition(categorical_columns=columns)
        )
        current, reference = (Dataset.from_pandas(frame, definition) for frame in (new, old))
        metrics = json.loads(Report([DataDriftPreset()]).run(current, reference).json())["metrics"]
        told = next(metric for metric in metrics if "ValueDrift" in metric["metric_name"])
        test = get_stattest(old["x"], new["x"], column_type, None)
        ours = test(old["x"], new["x"], column_type, None)
        same = abs(told["value"] - ours.drift_score) < 1e-9 and told["config"]["method"] == test.display_name
        if not same or told["config"]["threshold"] != ours.actual_threshold:
            raise ValueError(f"the preset says {told}, the test {test.display_name} {ours}")


def first_chunk(old: "pd.Series[float]", values: NDArray[np.float32], kind: str, size: int) -> int | None:
    """Rows up to the end of the first chunk that has drifted."""
    for end in range(size, len(values) + 1, size):
        if drifted(old, pd.Series(values[end - size : end]), kind):
            return end
    return None


def answer(directory: Path, size: int) -> dict[str, object]:
    """Observed rows and alarms without a change by kind, and the delays by change."""
    about = json.loads((directory / "streams.json").read_text("utf-8"))
    clean: dict[str, list[int]] = {}
    delays: dict[str, list[int | None]] = {}
    baselines = {
        kind: [pd.Series(column) for column in np.load(directory / f"baseline-{kind}.npy").T] for kind in TYPES
    }
    for kind, olds in baselines.items():
        rows = np.load(directory / f"clean-{kind}.npy")[: CLEAN_CHUNKS * size]
        first = [first_chunk(old, column, kind, size) for old, column in zip(olds, rows.T, strict=True)]
        clean[kind] = [sum(len(rows) if at is None else at for at in first), sum(at is not None for at in first)]
    for name, kind in about["changes"].items():
        if kind in TYPES:
            rows = np.load(directory / f"changed-{name}.npy")
            delays[name] = []
            for old, column, phase in zip(baselines[kind], rows.T, about["phases"], strict=True):
                before = int(phase * size)
                at = first_chunk(old, column[about["before"] - before :], kind, size)
                delays[name].append(None if at is None else at - before)
    return {"clean": clean, "delays": delays}


def main() -> None:
    """Ask for chunks of each size."""
    directory = Path(sys.argv[1])
    check_against_preset(directory)
    print(json.dumps({f"Evidently, chunks of {size:,}": answer(directory, size) for size in CHUNKS}))


if __name__ == "__main__":
    main()
