"""What river's detectors say of the streams in a directory: `python ask_river.py DIRECTORY` prints it as JSON.

They take numbers, so a category is watched as whether it is the one that grows, and missing values as whether a value
is missing; KSWIN compares values and takes neither. A detector that has alarmed starts anew by itself.
"""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from river.base import DriftDetector
from river.drift import ADWIN, KSWIN, PageHinkley

KSWIN_RUNS = 8
KSWIN_BEFORE = 500
"""Its window is 100 values, and it takes a millisecond for each."""


def watched(rows: NDArray[np.float32], kind: str, growing: int) -> NDArray[np.float64]:
    """What a detector is given."""
    if kind == "number":
        return rows.astype(np.float64)
    seen: NDArray[np.bool_] = np.isnan(rows) if kind == "missing" else rows == growing
    return seen.astype(np.float64)


def first_alarm(detector: DriftDetector, values: Iterable[float]) -> int | None:
    """After how many values it alarms first."""
    for number, value in enumerate(values, start=1):
        detector.update(value)
        if detector.drift_detected:
            return number
    return None


def delay(detector: DriftDetector, before: Iterable[float], after: Iterable[float]) -> int | None:
    """After how many values after the change it alarms."""
    for value in before:
        detector.update(value)
    return first_alarm(detector, after)


def answer(make: Callable[[], DriftDetector], directory: Path, *, runs: int | None, before: int) -> dict[str, object]:
    """Observed values and alarms without a change by kind, and the delays by change; for the first `runs`."""
    about = json.loads((directory / "streams.json").read_text("utf-8"))
    kinds = ["number"] if runs else about["kinds"]
    clean, delays = {}, {}
    for kind in kinds:
        rows = watched(np.load(directory / f"clean-{kind}.npy")[:, :runs], kind, about["growing"])
        first = [first_alarm(make(), column.tolist()) for column in rows.T]
        clean[kind] = [sum(len(rows) if at is None else at for at in first), sum(at is not None for at in first)]
    for name, kind in about["changes"].items():
        if kind in kinds:
            rows = watched(np.load(directory / f"changed-{name}.npy")[:, :runs], kind, about["growing"])
            change = about["before"]
            delays[name] = [
                delay(make(), column[change - before : change].tolist(), column[change:].tolist()) for column in rows.T
            ]
    return {"clean": clean, "delays": delays}


def main() -> None:
    """Ask all detectors, with the settings that they have by themselves."""
    directory = Path(sys.argv[1])
    answers = {
        "river ADWIN": answer(ADWIN, directory, runs=None, before=10_000),
        "river PageHinkley": answer(PageHinkley, directory, runs=None, before=10_000),
        "river KSWIN": answer(lambda: KSWIN(seed=1), directory, runs=KSWIN_RUNS, before=KSWIN_BEFORE),
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
