"""What a checkpoint of one version's performance costs: `python tests/benchmarks/bench_checkpoint.py`.

Writes CHECKPOINT.md. Every slot of two weeks has predictions with their outcomes, so that no version can have more. The
writer's time is that of its thread, the best of many; the disk is left out. PYTHONPATH must contain `tests`.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from batches import T0
from model_exporter.batch import Awaited, Facts, Joined, Outcome, Scalar
from model_exporter.config.settings import (
    DAY,
    ModelKind,
    ModelSettings,
    OutcomeSettings,
    Segment,
    SegmentSource,
)
from model_exporter.journal.frame import pack
from model_exporter.window.facts import FactsReader, layout_of
from model_exporter.window.kept import KeptVersion
from model_exporter.window.performance import Performance

RUNS: Final = 20
CLASSES: Final = [f"c{n}" for n in range(20)]
HORIZONS: Final = [f"{n}h" for n in range(20)]
GROUPS: Final = [f"g{n}" for n in range(20)]
SEGMENTS: Final = tuple(Segment(name, SegmentSource.ATTRIBUTE, name) for name in ("a", "b", "c"))
RANDOM: Final = np.random.default_rng(1)

Row = tuple[Facts, Scalar]


class Case(NamedTuple):
    """A kind of model and its traffic."""

    name: str
    settings: ModelSettings
    rows: int  # a slot
    row: Callable[[str], Row]


def two_classes(layout: str) -> Row:
    """A class, its score, and a group in each segment where there are any."""
    score = round(RANDOM.uniform(), 6)
    groups = tuple(RANDOM.choice(GROUPS, len(SEGMENTS)).tolist()) if layout else ()
    return Facts(str(int(score > 0.5)), score, groups=groups, layout=layout), str(int(RANDOM.uniform() < score))


def many_classes(_: str) -> Row:
    """A class without order."""
    return Facts(str(RANDOM.choice(CLASSES)), RANDOM.uniform()), str(RANDOM.choice(CLASSES))


def forecast(_: str) -> Row:
    """A number some hours ahead: sums that are no whole numbers."""
    number = RANDOM.normal(50, 10)
    return Facts(number + RANDOM.normal(), horizon=str(RANDOM.choice(HORIZONS)), naive=number + 1), number


BINARY: Final = ModelSettings(kind=ModelKind.CLASSIFICATION, outcome=OutcomeSettings(positive="1"))
CASES: Final = (
    Case("two classes, few predictions", BINARY, 5, two_classes),
    Case("two classes, many", BINARY, 200, two_classes),
    Case(
        "the same, three segments of 20 groups",
        ModelSettings(kind=BINARY.kind, outcome=BINARY.outcome, segments=SEGMENTS),
        200,
        two_classes,
    ),
    Case("20 classes", ModelSettings(kind=ModelKind.CLASSIFICATION), 100, many_classes),
    Case("forecasts, 20 horizons", ModelSettings(kind=ModelKind.FORECASTING), 40, forecast),
)


def full(case: Case) -> Performance:
    """A state with something in every slot that it can have."""
    performance = Performance("1", case.settings, None, T0 - 20 * DAY, reader=FactsReader(case.settings))
    performance.advance(T0)
    layout = layout_of(case.settings)
    spans = ((15, 600, 15), (600, 7200, 300), (7200, 43_200, 900), (43_200, int(14 * DAY), 3600))
    for age in np.concatenate([np.arange(*span) for span in spans]).tolist():
        rows = [case.row(layout) for _ in range(case.rows)]
        performance.expect(np.full(case.rows, T0 - age), T0)
        performance.realise(
            [
                Joined("m", Awaited("p", T0 - age, "1", facts.encode()), Outcome("m", "p", None, value), None, 1.0)
                for facts, value in rows
            ],
            T0,
        )
    return performance


def best(job: Callable[[], object]) -> float:
    """Milliseconds of this thread, the best of many runs."""
    seconds = []
    for _ in range(RUNS):
        started = time.thread_time()
        job()
        seconds.append(time.thread_time() - started)
    return min(seconds) * 1e3


def line(case: Case) -> str:
    """One row of the report."""
    performance = full(case)
    kept = performance.keep(KeptVersion("m", "1", "", T0, T0, T0, (), (), b"", b"", T0), "")
    state = kept.sums

    def restore() -> None:
        Performance("1", case.settings, None, T0, reader=FactsReader(case.settings)).restore(kept, "")

    cells = (
        case.name,
        f"{len(state) / 1e6:.2f}",
        f"{len(pack([kept])) / 1e6:.2f}",
        f"{best(lambda: performance.keep(kept, '')):.1f}",
        f"{best(lambda: pack([kept])):.1f}",
        f"{best(restore):.1f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write the report."""
    report = [
        "# Checkpoints of performance",
        "",
        "Written by `python tests/benchmarks/bench_checkpoint.py`; see there for the set-up. One version with",
        "something in every slot of two weeks, the most that it can have: MB, and ms of processor time.",
        "",
        "| model | state, MB | on disk, MB | writer, ms | thread of the disk, ms | start, ms |",
        "| --- | --- | --- | --- | --- | --- |",
        *map(line, CASES),
    ]
    Path(__file__).with_name("CHECKPOINT.md").write_text("\n".join(report) + "\n", "utf-8")


if __name__ == "__main__":
    main()
