"""What a record costs whylogs: `python cost_whylogs.py BASELINE RECORDS`."""

from cost_records import answer, cost, frames
from whylogs.core import DatasetProfile

ROWS_ONE_BY_ONE = 300


def main() -> None:
    """Profile a whole data frame, and rows one by one."""
    _, records = frames()
    rows = records.head(ROWS_ONE_BY_ONE).to_dict("records")

    def one_by_one() -> None:
        profile = DatasetProfile()
        for row in rows:
            profile.track(row)

    answer(
        {
            "whylogs, whole data frame": cost(lambda: DatasetProfile().track(records), len(records)),
            "whylogs, row by row": cost(one_by_one, len(rows)),
        }
    )


if __name__ == "__main__":
    main()
