"""What a record costs Evidently: `python cost_evidently.py BASELINE RECORDS`."""

import pandas as pd
from cost_records import answer, cost, frames
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main() -> None:
    """A report of drift on all records at once, with the tests that the preset chooses, and with PSI alone."""
    old, new = frames()
    texts = [name for name in new.columns if new[name].dtype == object]
    numbers = [name for name in new.columns if name not in texts]

    def dataset(table: pd.DataFrame) -> Dataset:
        definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
        return Dataset.from_pandas(table, definition)

    baseline = dataset(old)

    def judge(preset: DataDriftPreset) -> None:
        Report([preset]).run(dataset(new), baseline).json()

    answer(
        {
            "Evidently, preset of drift": cost(lambda: judge(DataDriftPreset()), len(new)),
            "Evidently, PSI only": cost(lambda: judge(DataDriftPreset(method="psi")), len(new)),
        }
    )


if __name__ == "__main__":
    main()
