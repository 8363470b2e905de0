"""What the writer does with a batch of columns, and how long it is held: `python tests/benchmarks/bench_update.py`.

Processor time. A record has 20 numbers, 4 categories, a score, a class, an id and a latency. Costs are given as ratios
to bare binning in the same run: the numbers of a batch put in a matrix, compared with 17 edges each and counted with
one `bincount`. `--json` prints the figures for `tests/benchmarks` to read.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.model import Baseline
from model_exporter.batch import Batch, Column, Kind, Origin, Role, Words
from model_exporter.chores import Chore
from model_exporter.config.settings import Learn, Limits, ModelSettings, Settings
from model_exporter.decode import Decoded, Decoder
from model_exporter.join import SqliteStore, StoreLimits
from model_exporter.joining import Joiner
from model_exporter.pairing import Exchanges
from model_exporter.pipeline import Pipeline
from model_exporter.queueing import BoundedQueue
from model_exporter.route import Router
from model_exporter.telemetry import Telemetry
from model_exporter.window.anomaly import low_confidence
from model_exporter.window.fleet import Fleet

if TYPE_CHECKING:
    from model_exporter.window.deferred import Work

NUMBERS: Final = 20
CATEGORIES: Final = 4
WORDS: Final = tuple(f"word {place}" for place in range(8))
EDGES: Final = 17
BASELINE_ROWS: Final = 10_000
BATCHES: Final = (1, 64, 512, 4096)
START: Final = 1_800_000_000.0
REPEATS: Final = 60
_PICTURES, _CHECKPOINTS = "a turn of pictures", "a turn of checkpoints"
_EVERY: Final = {_PICTURES: 5, _CHECKPOINTS: 16}
"""Seconds of simulated time."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one step costs at one batch size: microseconds a batch, and as a ratio to bare binning of that batch."""

    step: str
    rows: int
    microseconds: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Holds:
    """How long the writer is away from its queue: milliseconds of processor time, of so many turns of a kind."""

    fleet: str
    turn: str
    turns: int
    median: float
    p99: float
    longest: float


def records(
    rows: int, rng: np.random.Generator, *, model: str = "m", numbers: int = NUMBERS, categories: int = CATEGORIES
) -> Batch:
    """A batch of predictions, each with an id of its own."""
    is_number, is_text = (np.full(rows, kind, np.uint8) for kind in (Kind.NUMBER, Kind.TEXT))
    matrix = rng.normal(size=(numbers, rows))
    matrix[::3] = np.round(10 * matrix[::3])
    columns = [Column(f"x{place}", Role.INPUT, is_number, row) for place, row in enumerate(matrix)]
    columns += [_texts(f"c{place}", Role.INPUT, is_text, WORDS, rng) for place in range(categories)]
    columns.append(Column("score", Role.OUTPUT, is_number, rng.random(rows)))
    columns.append(_texts("prediction", Role.OUTPUT, is_text, ("no", "yes"), rng))
    keys = rng.integers(1, 1 << 62, rows)
    return Batch(
        model=model,
        version="1",
        service="service",
        origin=Origin.LOG,
        times=np.full(rows, START),
        keys=keys,
        ids=tuple(map(str, keys.tolist())),
        latency_seconds=rng.exponential(0.01, rows),
        errors=Words(np.full(rows, -1, np.int32), ()),
        columns=tuple(columns),
    )


def baseline_of(numbers: int, *, categories: int = CATEGORIES) -> Baseline:
    """A baseline of such records."""
    rows = records(BASELINE_ROWS, np.random.default_rng(1), numbers=numbers, categories=categories)
    return build_baseline(rows.columns, model="m", created=START, source="benchmark", span_seconds=None)


def bare_binning(batch: Batch) -> Callable[[], NDArray[np.int64]]:
    """Counts of the numbers of `batch` by feature and bin, and nothing else."""
    numbers = [column.numbers for column in batch.columns[:NUMBERS]]
    rng = np.random.default_rng(2)
    edges = np.sort(rng.normal(size=(EDGES, NUMBERS, 1)), axis=0)
    first = np.arange(NUMBERS)[:, None] * (EDGES + 1)

    def count() -> NDArray[np.int64]:
        matrix = np.concatenate(numbers).reshape(NUMBERS, -1)
        above = (matrix > edges).view(np.uint8)
        places = np.add.reduce(above, axis=0, dtype=np.uint8) + first
        return np.bincount(places.ravel(), minlength=NUMBERS * (EDGES + 1)).astype(np.int64, copy=False)

    return count


def costs(batches: Sequence[int] = BATCHES, *, repeats: int = REPEATS) -> list[Cost]:
    """What each step of the writer costs, and all of them: with a baseline from a file, and while one is learned."""
    baseline = baseline_of(NUMBERS)
    return [cost for rows in batches for cost in _costs(rows, baseline, repeats)]


def _costs(rows: int, baseline: Baseline, repeats: int) -> list[Cost]:
    rng = np.random.default_rng(rows)
    batch = records(rows, rng)
    compared, learning = _fleet(ModelSettings(baseline=baseline)), _fleet(ModelSettings())
    for fleet in (compared, learning):
        fleet.predict("m", batch, START)
    model = compared._models["m"]
    version, schema = model._versions["1"], model._schema
    counts = schema.count(batch)
    fresh: Iterator[Batch] = (replace(batch, keys=rng.integers(1, 1 << 62, rows)) for _ in iter(int, 1))
    steps: dict[str, Callable[[], object]] = {
        "bare binning": bare_binning(batch),
        "new keys (not the writer's)": lambda: next(fresh),
        "duplicates": lambda: compared._recent.first_seen(rng.integers(1, 1 << 62, rows)),
        "clock skew": lambda: compared._count_clock_skew(batch, START),
        "errors and latencies": lambda: model._count_traffic(version, batch),
        "columns to counts": lambda: schema.count_known(batch),
        "windows and pairs": lambda: version.count_features(counts, START),
        "confidence": lambda: low_confidence(batch, None),
        "all, with a baseline": lambda: compared.predict("m", next(fresh), START),
        "all, learning one": lambda: learning.predict("m", next(fresh), START),
    }
    taken = _interleaved(steps, repeats)
    bare = taken["bare binning"]
    return [Cost(step, rows, 1e6 * seconds, seconds / bare) for step, seconds in taken.items()]


def holds(*, seconds: int = 50) -> list[Holds]:
    """How long the writer is held by one wide model, and by many models, over simulated time."""
    wide = Settings(limits=_ROOMY, models={"m0": ModelSettings(learn=Learn(rows=BASELINE_ROWS, stable_for_seconds=20))})
    many = {f"m{place}": ModelSettings(baseline=baseline_of(50)) for place in range(50)}
    return [
        *_holds("1 model of 1,000 features, learned on the way", wide, numbers=1000, rows=512, seconds=seconds),
        *_holds(
            "50 models of 50 features",
            Settings(limits=_ROOMY, models=many),
            numbers=50,
            rows=80,
            seconds=seconds,
        ),
    ]


_ROOMY: Final = Limits(features_per_model=2_000, series=10_000_000, learning_cells=50_000_000)


def _holds(name: str, settings: Settings, *, numbers: int, rows: int, seconds: int) -> list[Holds]:
    """Let a pipeline live through `seconds`, in each of which every model has a batch; see how long each turn takes."""
    rng = np.random.default_rng(numbers)
    batches = [records(rows, rng, numbers=numbers) for _ in range(4)]
    works: list[Work] = []
    clock = [START]
    with TemporaryDirectory() as folder:
        pipeline, fleet = _pipeline(settings, Path(folder), lambda: clock[0])
        fleet.defer_to(works.append)
        chores = {
            _PICTURES: Chore(pipeline._draw_picture, every=0.0, share=1.0),
            _CHECKPOINTS: Chore(pipeline._make_checkpoint, every=0.0, share=1.0),
        }
        taken: dict[str, list[float]] = {name: [] for name in ("requests", *chores, "taking over", "(beside it: work)")}
        for second in range(seconds):
            clock[0] = START + second
            due = [
                replace(batches[(second + place) % 4], model=model, keys=rng.integers(1, 1 << 62, rows))
                for place, model in enumerate(settings.models)
            ]
            taken["requests"].append(_seconds(lambda: pipeline._apply([Decoded(batches=tuple(due))])))  # noqa: B023
            for chore, told in chores.items():
                if second % _EVERY[chore] == 0:
                    taken[chore] += _turns(told)
            for work in [*works]:
                works.remove(work)
                endings: list[Callable[[], None]] = []
                taken["(beside it: work)"].append(_seconds(lambda: endings.append(work())))  # noqa: B023
                taken["taking over"].append(_seconds(endings[0]))
    return [
        Holds(name, turn, len(times), *(1e3 * float(figure) for figure in (median(times), _p99(times), max(times))))
        for turn, times in taken.items()
        if times
    ]


def _turns(chore: Chore) -> Iterator[float]:
    """Seconds of each turn of a chore, until it is done."""
    yield _seconds(chore.go_on)
    while chore.under_way:
        yield _seconds(chore.go_on)


def _pipeline(settings: Settings, folder: Path, clock: Callable[[], float]) -> tuple[Pipeline, Fleet]:
    telemetry, limits = Telemetry(), settings.limits
    fleet = Fleet(settings, learned={}, recorder=telemetry, notify=lambda _: None, now=START)
    store = SqliteStore(folder / "join.db", StoreLimits(predictions=1000, size=1 << 30, outcomes=1000))
    pipeline = Pipeline(
        decoder=Decoder(limits),
        settings=settings,
        queue=BoundedQueue(rows=limits.queue_rows, size=limits.queue_bytes),
        router=Router(limit=limits.models, configured=settings.models),
        fleet=fleet,
        joiner=Joiner(store, fleet, telemetry),
        exchanges=Exchanges(entries=100, size=1 << 20, wait_seconds=60.0),
        keep=lambda *_: None,
        telemetry=telemetry,
        clock=clock,
        on_failure=lambda _: None,
    )
    return pipeline, fleet


def _fleet(model: ModelSettings) -> Fleet:
    settings = Settings(models={"m": model})
    return Fleet(settings, learned={}, recorder=Telemetry(), notify=lambda _: None, now=START)


def _texts(name: str, role: Role, kinds: NDArray[np.uint8], words: Sequence[str], rng: np.random.Generator) -> Column:
    drawn = rng.choice(np.array(words), len(kinds)).tolist()
    return Column(name, role, kinds, np.full(len(kinds), np.nan), Words.from_texts(drawn))


def _interleaved(steps: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each step, all of them in turn, so that a loaded machine slows them alike."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            taken[name].append(_seconds(step))
    return {name: median(times) for name, times in taken.items()}


def _seconds(step: Callable[[], object]) -> float:
    started = time.thread_time()
    step()
    return time.thread_time() - started


def _p99(times: Sequence[float]) -> float:
    return float(np.quantile(np.array(times), 0.99))


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--json", action="store_true", help="print figures instead of tables")
    if options.parse_args().json:
        print(json.dumps({"costs": [asdict(one) for one in costs()], "holds": [asdict(one) for one in holds()]}))
        return
    print(f"{'rows':>5} {'us a batch':>10} {'us a record':>11} {'ratio':>6}")
    for one in costs():
        print(
            f"{one.rows:>5} {one.microseconds:>10.0f} {one.microseconds / one.rows:>11.2f} {one.ratio:>6.2f} {one.step}"
        )
    print(f"\n{'turns':>5} {'median ms':>9} {'p99':>7} {'longest':>7}")
    for hold in holds():
        print(f"{hold.turns:>5} {hold.median:>9.1f} {hold.p99:>7.1f} {hold.longest:>7.1f} {hold.fleet}: {hold.turn}")


if __name__ == "__main__":
    main()
