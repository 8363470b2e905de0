"""What opening a dashboard costs a Prometheus: `python tests/benchmarks/bench_dashboards.py` writes DASHBOARDS.md.

The drifting state of `tests/timelapse`, raw and recorded series of six hours, is multiplied: each model many times
under other names, each with as many features as asked for. Only metrics that a dashboard reads are kept, because a
query finds its series by name and sees no others. Samples of features are kept for all six hours of the model that
pages are opened for, and for the last minutes of all others. A real Prometheus serves the result from blocks and is
asked everything that a page asks when it is opened, one query after the other; times are its own.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from dashboard_queries import Answer, Page, Question, Server, Variables, resolve
from model_exporter.demo.processes import HOST, fetch, free_port, running, wait_until
from model_exporter.pack.promql import selectors, tokenize
from timelapse.recording import Floats, Recording, is_moment
from timelapse.server import record
from timelapse.states import HISTORY_SECONDS

DASHBOARDS: Final = Path(__file__).parents[2] / "dashboards"
REPORT_PATH: Final = Path(__file__).with_name("DASHBOARDS.md")
BLOCK_SECONDS: Final = 7200
STEP_SECONDS: Final = 240
"""Between samples: less than the five minutes after which Prometheus forgets one."""
RECENT: Final = 2
"""Samples of the features of models that no page is opened for."""
ONE_REPLICA: Final = re.compile(r"model-exporter-[1-9]")
METRIC: Final = re.compile(r"[a-zA-Z_:][\w:]*")
LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
VIEWED: Final = "fraud-check-0"
"""The model that pages about one model are opened for."""


# -- data --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Size:
    """Models, and features of each."""

    models: int
    features: int

    def __str__(self) -> str:
        return f"{self.models} models x {self.features} features"


def read_metrics(pages: Sequence[Page]) -> set[str]:
    """Names of all metrics that the dashboards read."""
    names: set[str] = set()
    for page in pages:
        for question in page.questions():
            names |= {one.metric for one in selectors(tokenize(re.sub(r"\$__\w+", "1m", question.expr)))}
        for definition in page.definitions:
            if definition["type"] == "query":
                names |= set(METRIC.findall(definition["query"]["query"]))
    return names


@dataclass
class Base:
    """A series to be multiplied: what stands before and after the names in its key, and its samples by block."""

    name: str
    labels: dict[str, str]
    samples: dict[int, list[bytes]]

    def key(self, **changed: str) -> bytes:
        """The series with other labels."""
        labels = ",".join(f'{name}="{value}"' for name, value in {**self.labels, **changed}.items())
        return f"{self.name}{{{labels}}}".encode()


def bases(recording: Recording, metrics: set[str], begin: float) -> Iterator[Base]:
    """The series of one replica that dashboards read, as if the first moment had been `begin`."""
    until = round(HISTORY_SECONDS / recording.step) + 1
    for key, values in recording.rows():
        name = key.partition("{")[0]
        labels = dict(LABEL.findall(key))
        if name in metrics and not ONE_REPLICA.match(labels.get("instance", "")):
            told = values[:until] + begin if is_moment(name) else values[:until]
            yield Base(name, labels, _samples(told, begin, recording.step))


def _samples(values: Floats, begin: float, step: float) -> dict[int, list[bytes]]:
    """What stands behind the key in each line, by the block that it falls into."""
    found: dict[int, list[bytes]] = defaultdict(list)
    for row in np.flatnonzero(~np.isnan(values)).tolist():
        moment = begin + step * row
        found[int(moment // BLOCK_SECONDS)].append(b" %.9g %.0f\n" % (values[row], moment))
    return found


class Blocks:
    """Files in OpenMetrics, one for each block of time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[int, BinaryIO] = {}
        self.series = 0
        self.samples = 0

    def add(self, key: bytes, samples: Mapping[int, Sequence[bytes]], *, recent: bool) -> None:
        """Write a series; with `recent` only its last samples."""
        self.series += 1
        for block in [max(samples)] if recent and samples else samples:
            lines = samples[block][-RECENT:] if recent else samples[block]
            self.samples += len(lines)
            self._file(block).write(key + key.join(lines))

    def build(self, data: Path) -> None:
        """Make a database of them."""
        for file in self._files.values():
            file.write(b"# EOF\n")
            file.close()
            command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", file.name, str(data)]
            subprocess.run(command, check=True, capture_output=True)
            Path(file.name).unlink()

    def _file(self, block: int) -> BinaryIO:
        if block not in self._files:
            self._files[block] = (self._folder / f"{block}.om").open("wb", buffering=1 << 20)
        return self._files[block]


def multiply(found: Sequence[Base], size: Size, blocks: Blocks) -> None:
    """Write so many models with so many features each."""
    plain = [base for base in found if "model" not in base.labels]
    for base in plain:
        blocks.add(base.key(), base.samples, recent=False)
    by_model: dict[str, list[Base]] = defaultdict(list)
    for base in found:
        if "model" in base.labels:
            by_model[base.labels["model"]].append(base)
    origins = [name for name in sorted(by_model) if not name.startswith("search-ranking-")]
    origins.sort(key=lambda name: not VIEWED.startswith(name))
    for number in range(size.models):
        origin = origins[number % len(origins)]
        _one_model(by_model[origin], f"{origin}-{number // len(origins)}", size.features, blocks)


def _one_model(found: Sequence[Base], model: str, features: int, blocks: Blocks) -> None:
    inputs = sorted({base.labels["feature"] for base in found if base.labels.get("role") == "input"})
    for base in found:
        feature = base.labels.get("feature")
        if feature not in inputs:
            blocks.add(base.key(model=model), base.samples, recent=False)
            continue
        for number in range(inputs.index(feature), features, len(inputs)):
            key = base.key(model=model, feature=f"{feature}_{number}")
            blocks.add(key, base.samples, recent=model != VIEWED)


# -- measuring ---------------------------------------------------------------------------------------------------------
@dataclass
class Cost:
    """What a page costs: its queries with their answers, and seconds of reading the lists of its variables."""

    title: str
    lists: int
    list_seconds: float
    loaded: list[tuple[Question, Answer]] = field(default_factory=list)
    opened: list[tuple[Question, Answer]] = field(default_factory=list)

    def row(self) -> str:
        """Its line of the table."""
        slowest, answer = max(self.loaded, key=lambda pair: pair[1].seconds)
        worst = f"{answer.seconds:.2f} ({slowest.name})"
        loaded = f"{len(self.loaded)} | {_seconds(self.loaded):.2f} | {worst} | {_samples_read(self.loaded):,}"
        opened = f"{len(self.opened)} | {_seconds(self.opened):.2f}"
        return f"| {self.title} | {self.lists} | {self.list_seconds:.2f} | {loaded} | {opened} |"


def _seconds(pairs: Sequence[tuple[Question, Answer]]) -> float:
    return sum(answer.seconds for _, answer in pairs)


def _samples_read(pairs: Sequence[tuple[Question, Answer]]) -> int:
    return sum(answer.samples for _, answer in pairs)


def cost(page: Page, server: Server, end: float) -> Cost:
    """Open a page, and then its rows."""
    within = page.range(end)
    began = time.monotonic()
    variables: Variables = resolve(page.definitions, server, within, page.wanted)
    lists = sum(definition["type"] == "query" for definition in page.definitions)
    told = Cost(page.dashboard["title"].removeprefix("Models / "), lists, time.monotonic() - began)
    for question, filled in page.asked(variables):
        answer = page.ask(question, server, filled, within)
        (told.opened if question.collapsed else told.loaded).append((question, answer))
    return told


def measure(size: Size, paths: Sequence[Path]) -> tuple[list[Cost], Blocks, float]:
    """Costs of all pages, what the database holds, and bytes of memory of its Prometheus afterwards."""
    pages = [_page(path) for path in paths]
    recording = record("drifting")
    recording = recording.thinned(round(STEP_SECONDS / recording.step))
    end = time.time() // BLOCK_SECONDS * BLOCK_SECONDS
    begin = end - HISTORY_SECONDS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        blocks = Blocks(folder)
        multiply(list(bases(recording, read_metrics(pages), begin)), size, blocks)
        print(f"{blocks.series:,} series, {blocks.samples:,} samples", file=sys.stderr, flush=True)
        blocks.build(folder / "data")
        (folder / "prometheus.yml").write_text("global: {}\n", "utf-8")
        port = free_port()
        command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--web.listen-address={HOST}:{port}"]
        command += [f"--storage.tsdb.path={folder / 'data'}", "--storage.tsdb.retention.time=100y", "--log.level=warn"]
        child = stack.enter_context(running("prometheus", command, folder))
        wait_until(lambda: fetch(port, "/-/ready")[0] == 200, what="Prometheus", seconds=300, child=child)
        costs = [cost(page, Server(port), end) for page in pages]
        return costs, blocks, _memory(port)


def _page(path: Path) -> Page:
    page = Page.read(path, scrape=STEP_SECONDS)
    single = any(one["name"] == "model" and not one["multi"] for one in page.definitions)
    return Page.read(path, scrape=STEP_SECONDS, wanted={"model": VIEWED} if single else {})


def _memory(port: int) -> float:
    _, text = fetch(port, "/metrics", seconds=60)
    return float(re.findall(r"^process_resident_memory_bytes (\S+)", text, re.MULTILINE)[0])


# -- report ------------------------------------------------------------------------------------------------------------
REPORT: Final = """# What opening a dashboard costs

Written by `make bench-dashboards`; see `bench_dashboards.py` for the set-up. Prometheus {version}, {size}, one
replica: {series:,} series that dashboards read, {samples:,} samples, one each {step} s over six hours;
with a sample each 60 s queries over time would read four times as many. The process had {memory:.1f} GB of memory
afterwards. Every page opened with its own time range (a day on Incidents, of which six hours have data) and, about one
model, for one of the {models}. Seconds are those of evaluation, on two cores shared with whatever else ran, added up as
if one query waited for the other; a browser sends six at a time. *Lists* are those that a reader chooses from, queries
include those of annotations, *samples read* is what Prometheus counts.

| page | lists | seconds | queries on load | seconds | slowest, s | samples read | in closed rows | seconds |
|---|---|---|---|---|---|---|---|---|
{rows}

## The ten slowest queries

| page | query | seconds | samples read |
|---|---|---|---|
{slowest}
"""


def slowest_rows(costs: Sequence[Cost], count: int = 10) -> list[str]:
    """Lines of the table of single queries."""
    every = [(one.title, question, answer) for one in costs for question, answer in [*one.loaded, *one.opened]]
    every.sort(key=lambda told: -told[2].seconds)
    return [
        f"| {title} | {question.name}{', in a closed row' if question.collapsed else ''} | {answer.seconds:.2f} "
        f"| {answer.samples:,} |"
        for title, question, answer in every[:count]
    ]


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--dry-run", action="store_true", help="write no report")
    options = parser.parse_args()
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        sys.exit("error: prometheus and promtool are not installed")
    told = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    size = Size(options.models, options.features)
    costs, blocks, memory = measure(size, sorted(DASHBOARDS.glob("*.json")))
    text = REPORT.format(
        version=(told.stdout + told.stderr).split()[2],
        size=size,
        models=size.models,
        series=blocks.series,
        samples=blocks.samples,
        step=STEP_SECONDS,
        memory=memory / 1e9,
        rows="\n".join(one.row() for one in costs),
        slowest="\n".join(slowest_rows(costs)),
    )
    print(text)
    if not options.dry_run:
        REPORT_PATH.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
