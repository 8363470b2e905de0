"""What a record costs NannyML: `python cost_nannyml.py BASELINE RECORDS`."""

import nannyml
from cost_records import answer, cost, frames

CHUNK = 1000


def main() -> None:
    """The calculator of drift on all records in chunks, its baseline fitted before."""
    old, new = frames()
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(old.columns),
        chunk_size=CHUNK,
        continuous_methods=["kolmogorov_smirnov"],
        categorical_methods=["chi2"],
    ).fit(old)
    answer({f"NannyML, KS and chi2, chunks of {CHUNK:,}": cost(lambda: calculator.calculate(new), len(new))})


if __name__ == "__main__":
    main()
