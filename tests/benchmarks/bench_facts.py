"""CPU cost of what joining takes of a batch: the facts of each row, and the groups of its segments.

Microseconds a row, the best of many runs, for a classifier with a score, two segments, and an indicator that keeps one
feature. Run it as `python tests/benchmarks/bench_facts.py`; PYTHONPATH must contain `tests`.
"""

import random
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from batches import T0, batch_of
from model_exporter.batch import Batch
from model_exporter.config.settings import ModelKind, ModelSettings, Segment, SegmentSource
from model_exporter.indicators import Form, Indicator, parse, prediction_columns, sums_of
from model_exporter.window.facts import FactsReader

if TYPE_CHECKING:
    from collections.abc import Callable

BATCHES = (8, 64, 512, 4096)
SECONDS = 1.0
SETTINGS = ModelSettings(
    kind=ModelKind.CLASSIFICATION,
    segments=(
        Segment("region", SegmentSource.ATTRIBUTE, "region"),
        Segment("age", SegmentSource.FEATURE, "age", (18.0, 30.0, 50.0)),
    ),
)
WITH_FIELDS = ModelSettings(
    kind=ModelKind.CLASSIFICATION,
    segments=SETTINGS.segments,
    business=(Indicator("loss", Form.SUM, parse("feature.amount * (outcome == fraud and prediction == approve)")),),
)
AT_ONCE = Indicator("approved", Form.RATIO, parse("prediction == approve and score >= 0.5"))


def batch(rows: int) -> Batch:
    """Predictions of a classifier with ids."""
    rng = random.Random(rows)  # noqa: S311  # no secret
    return batch_of(
        {"age": [rng.gauss(40, 15) for _ in range(rows)], "amount": [rng.expovariate(0.01) for _ in range(rows)]},
        {
            "prediction": [rng.choice(["approve", "reject"]) for _ in range(rows)],
            "score": [rng.random() for _ in range(rows)],
        },
        ids=[f"{rng.getrandbits(128):032x}" for _ in range(rows)],
        times=[T0] * rows,
        context={"segment.region": [rng.choice(["eu", "us", "apac"]) for _ in range(rows)]},
    )


def indicate(data: Batch) -> object:
    """The sums of an indicator over a batch."""
    return sums_of(AT_ONCE.terms(prediction_columns(data, AT_ONCE.fields), data.rows))


def main() -> None:
    """Print the report."""
    print(f"{'batch':>6} {'facts':>8} {'+ field':>8} {'groups':>8} {'indicator':>10}   (us of CPU a row)")
    for rows in BATCHES:
        data, every = batch(rows), np.arange(rows)
        reader, with_fields = FactsReader(SETTINGS), FactsReader(WITH_FIELDS)
        jobs: tuple[Callable[[], object], ...] = (
            partial(reader.read, data, every, T0),
            partial(with_fields.read, data, every, T0),
            partial(reader.segments.groups, data),
            partial(indicate, data),
        )
        best = [float("inf")] * len(jobs)
        end = time.process_time() + SECONDS
        while time.process_time() < end:
            for index, job in enumerate(jobs):
                started = time.process_time()
                job()
                best[index] = min(best[index], time.process_time() - started)
        facts, fields, groups, indicator = (seconds / rows * 1e6 for seconds in best)
        print(f"{rows:6} {facts:8.2f} {fields:8.2f} {groups:8.2f} {indicator:10.2f}")


if __name__ == "__main__":
    main()
