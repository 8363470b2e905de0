"""What a record costs river's detectors of drift: `python cost_river.py BASELINE RECORDS`. They take numbers only."""

from cost_records import answer, cost, frames
from river.base import DriftDetector
from river.drift import ADWIN, PageHinkley

ROWS = 2000


def main() -> None:
    """A detector for each column of numbers, given one value after another."""
    _, records = frames()
    columns = [records[name].tolist()[:ROWS] for name in records.columns if records[name].dtype != object]

    def watch(detector: type[DriftDetector]) -> None:
        for values in columns:
            watching = detector()
            for value in values:
                watching.update(value)

    answer(
        {
            f"river, ADWIN on {len(columns)} columns": cost(lambda: watch(ADWIN), ROWS),
            f"river, PageHinkley on {len(columns)} columns": cost(lambda: watch(PageHinkley), ROWS),
        }
    )


if __name__ == "__main__":
    main()
