"""What the rules cost a Prometheus: `python tests/benchmarks/bench_rules.py` writes RULES.md.

A real Prometheus scrapes replicas that show what an exporter shows: the same writer, all families, seventeen bins a
feature, one version of each model. An hour of history comes first, as scrapes with timestamps of the past. Then rules
are loaded, all groups with the same interval: the small profile of drift alone, the full one alone, the full one with
all other files of `rules/`. Processor time is the Prometheus process's own; durations are on a wall clock, on cores
shared with the replicas and with whatever else runs, so that they are upper bounds.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from model_exporter.demo.processes import HOST, Child, fetch, free_port, running, wait_until
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format
from model_exporter.telemetry import TelemetrySnapshot
from model_exporter.window.snapshot import Snapshot
from snapshots import categorical, model, numeric, snapshot

RULES: Final = Path(__file__).parents[2] / "rules"
REPORT_PATH: Final = Path(__file__).with_name("RULES.md")
INNER_BINS: Final = 14
"""Of a number between its ends; seventeen with `_below`, `_above` and `_missing`, as many as a category has here."""
BINS: Final = INNER_BINS + 3
HISTORY_SECONDS: Final = 3300.0
"""Less than an hour, because Prometheus takes no sample that is an hour behind the newest."""
HISTORY_STEP: Final = 150.0
DOUBLING_SECONDS: Final = 7200.0
"""Time in which a counter grows by what it began with."""
DRIFT: Final = "model-drift"
DRIFT_SECONDS: Final = 120.0
"""Interval of that group."""
CPU: Final = "process_cpu_seconds_total"
EVALUATIONS: Final = "prometheus_rule_group_duration_seconds_count"
_COUNTER: Final = re.compile(rb"^(\w+(?:_total|_bucket|_count|_sum))\b")


@dataclass(frozen=True)
class Size:
    """A fleet: models, features of each, replicas of each exporter."""

    models: int
    features: int
    replicas: int

    def __str__(self) -> str:
        return f"{self.models} models x {self.features} features x {self.replicas} replicas"


def fleet(size: Size) -> Snapshot:
    """What one replica shows: a fifth of the features are categories."""
    described = [
        categorical(f"category_{i}", [f"value_{j}" for j in range(INNER_BINS)])
        if i % 5 == 0
        else numeric(f"number_{i}", ordinals=INNER_BINS)
        for i in range(size.features)
    ]
    return snapshot(*(model(f"model_{i}", described, seed=i) for i in range(size.models)))


class Page:
    """A page of metrics whose counters grow with time, all by the same share of themselves."""

    def __init__(self, text: bytes) -> None:
        self._parts: list[bytes | tuple[bytes, float]] = []
        still: list[bytes] = []
        for line in text.removesuffix(b"\n").split(b"\n"):  # a label's value may hold what else ends a line
            if not _COUNTER.match(line):
                still.append(line + b"\n")
                continue
            if still:
                self._parts.append(b"".join(still))
                still = []
            name, _, value = line.rpartition(b" ")
            self._parts.append((name, float(value)))
        self._parts.append(b"".join(still))

    def at(self, seconds: float, stamp: float | None = None) -> bytes:
        """The page after so many seconds; with a `stamp` in unix seconds its counters alone, with that timestamp."""
        grown = 1 + seconds / DOUBLING_SECONDS
        end = b"\n" if stamp is None else b" %d\n" % (1000 * stamp)
        return b"".join(
            b"%b %.9g%b" % (part[0], int(part[1] * grown), end)
            if isinstance(part, tuple)
            else (part if stamp is None else b"")
            for part in self._parts
        )


class Replica:
    """One target: tells the past step by step, a scrape each, and then the present."""

    def __init__(self, page: Page, began: float) -> None:
        self._page, self._began, self._told = page, began, began
        self._lock = threading.Lock()
        self.live = False

    def scrape(self) -> bytes:
        """What the next scrape gets."""
        with self._lock:
            self._told += HISTORY_STEP
            if self.live or self._told >= time.time():
                self.live = True
                return self._page.at(time.time() - self._began)
            return self._page.at(self._told - self._began, self._told)


@contextmanager
def serving(replica: Replica) -> Iterator[int]:
    """Serve the replica on a loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = replica.scrape()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that the base class gives
            del format, args

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A scrape that Prometheus gave up when its configuration changed."""

    server = Server((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class Prometheus:
    """A running Prometheus whose rules and scrape interval can be changed."""

    def __init__(self, port: int, folder: Path, targets: list[int]) -> None:
        self._port, self._folder, self._targets = port, folder, targets

    def configure(self, *, scrape_seconds: int, rules_seconds: int, rules: Path | None) -> None:
        """Write the configuration; `reload` makes it count."""
        addresses = ", ".join(f"'{HOST}:{target}'" for target in self._targets)
        self.config.write_text(
            f"global: {{scrape_interval: {scrape_seconds}s, scrape_timeout: {scrape_seconds}s, "
            f"evaluation_interval: {rules_seconds}s}}\n"
            f"rule_files: [{'' if rules is None else f'{rules}/*.yml'}]\n"
            f"scrape_configs:\n  - job_name: model_exporter\n    static_configs: [{{targets: [{addresses}]}}]\n",
            "utf-8",
        )

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self._folder / "prometheus.yml"

    def reload(self) -> None:
        """Let the configuration count."""
        connection = HTTPConnection(HOST, self._port, timeout=300)  # waits for scrapes that are under way
        connection.request("POST", "/-/reload")
        reply = connection.getresponse()
        told = reply.read().decode()
        connection.close()
        if reply.status != 200:
            raise RuntimeError(told)

    def ready(self) -> bool:
        """Whether it answers."""
        return fetch(self._port, "/-/ready")[0] == 200

    def own(self) -> dict[str, float]:
        """Its own metrics by name and labels."""
        _, text = fetch(self._port, "/metrics", seconds=60)
        lines = (line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#")
        return {name: float(value) for name, _, value in lines}

    def value(self, expression: str) -> float:
        """Value of a query that has one; 0 without."""
        _, text = fetch(self._port, f"/api/v1/query?query={quote(expression)}", seconds=60)
        result = json.loads(text)["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0

    def groups(self) -> list[dict[str, Any]]:  # Any: JSON
        """What it tells of its groups of rules."""
        _, text = fetch(self._port, "/api/v1/rules", seconds=60)
        told: list[dict[str, Any]] = json.loads(text)["data"]["groups"]
        return told


@dataclass(frozen=True)
class Group:
    """The longest evaluation of a group: wall seconds, series that it gave, wall seconds of each rule."""

    seconds: float
    series: float
    rules: tuple[tuple[str, float], ...]


Groups = dict[str, Group]


@dataclass(frozen=True)
class Phase:
    """What was measured while one set of rules was loaded.

    Attributes:
        name: of the rules.
        cores: processor seconds a second, of which `scrape_cores` were spent before there were rules.
        scrape_cores: the same without rules.
        rounds: evaluations of a group, the mean over groups.
        seconds: that it lasted.
        head: series in memory.
        scraped: series of all targets.
        rss: bytes of memory.
        groups: by name.
    """

    name: str
    cores: float
    scrape_cores: float
    rounds: float
    seconds: float
    head: float
    scraped: float
    rss: float
    groups: Groups

    @property
    def round_seconds(self) -> float:
        """Processor seconds of evaluating every group once."""
        return max(self.cores - self.scrape_cores, 0.0) * self.seconds / self.rounds


@dataclass(frozen=True)
class Pace:
    """Evaluations of each group that are measured, seconds between them, seconds between scrapes."""

    rounds: int
    interval: int
    scrape: int

    def options(self, measured: "Measured") -> str:
        """The command line's options that give it."""
        fleets = " ".join(f"{size.models}x{size.features}x{size.replicas}" for size, _ in measured)
        return f"--fleets {fleets} --rounds {self.rounds} --interval {self.interval} --scrape {self.scrape}"


Measured = list[tuple[Size, list[Phase]]]


def loaded(rules: Path, folder: Path, interval: int) -> dict[str, Path]:
    """Copies of the rule files by what is loaded together, with one interval for every group."""
    others = [path for path in sorted(rules.glob("*.yml")) if path.name != "drift.yml"]
    full = rules / "full" / "drift.yml"
    sets = {"drift, small": [rules / "drift.yml"], "drift, full": [full]}
    if others:
        sets["all, full"] = [full, *others]
    made: dict[str, Path] = {}
    for name, files in sets.items():
        made[name] = folder / f"rules-{len(made)}"
        made[name].mkdir()
        for path in files:
            text = re.sub(r"(?m)^(\s+interval:).*$", rf"\1 {interval}s", path.read_text("utf-8"))
            (made[name] / path.name).write_text(text, "utf-8")
    return made


def observe(prometheus: Prometheus, name: str, pace: Pace, scrape_cores: float) -> Phase:
    """Wait until every group was evaluated once, and then so many times more; tell what the latter took."""
    groups: Groups = {}
    ended: dict[str, set[float]] = {}
    _poll(prometheus, ended, groups, 1, pace)
    before, since = prometheus.own(), time.monotonic()
    _poll(prometheus, ended, groups, 1 + pace.rounds, pace)
    after, seconds = prometheus.own(), time.monotonic() - since
    return Phase(
        name=name,
        cores=(after[CPU] - before[CPU]) / seconds,
        scrape_cores=scrape_cores,
        rounds=(after[EVALUATIONS] - before[EVALUATIONS]) / len(ended),
        seconds=seconds,
        head=after["prometheus_tsdb_head_series"],
        scraped=prometheus.value("sum(scrape_samples_scraped)"),
        rss=after["process_resident_memory_bytes"],
        groups=groups,
    )


def _poll(prometheus: Prometheus, ended: dict[str, set[float]], groups: Groups, rounds: int, pace: Pace) -> None:
    """Wait until so many evaluations of each group have ended; `ended` gets their times, `groups` the longest."""
    deadline = time.monotonic() + 20 * pace.interval * rounds
    while not ended or min(map(len, ended.values())) < rounds:
        if time.monotonic() > deadline:
            raise RuntimeError("the rules take too long")
        time.sleep(1)
        own = prometheus.own()
        for group in prometheus.groups():
            label = f'{{rule_group="{group["file"]};{group["name"]}"}}'
            at = own.get(f"prometheus_rule_group_last_evaluation_timestamp_seconds{label}", 0.0)
            ended.setdefault(label, set()).update({at} - {0.0})
            seconds = own.get(f"prometheus_rule_group_last_duration_seconds{label}", 0.0)
            series = own.get(f"prometheus_rule_group_last_evaluation_samples{label}", 0.0)
            rules = tuple((rule["name"], float(rule["evaluationTime"])) for rule in group["rules"])
            if at and (group["name"] not in groups or seconds > groups[group["name"]].seconds):
                groups[group["name"]] = Group(seconds, series, rules)


def measure(size: Size, program: str, rules: Path, pace: Pace) -> list[Phase]:
    """Run a Prometheus against a fleet of that size."""
    rendered = Renderer().render(fleet(size), TelemetrySnapshot({}, {}), Format.TEXT)
    page, began = Page(rendered), time.time() - HISTORY_SECONDS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        replicas = [Replica(page, began) for _ in range(size.replicas)]
        targets = [stack.enter_context(serving(replica)) for replica in replicas]
        port = free_port()
        prometheus = Prometheus(port, folder, targets)
        prometheus.configure(scrape_seconds=max(2, pace.scrape // 4), rules_seconds=pace.interval, rules=None)
        child = stack.enter_context(running("prometheus", command(program, port, prometheus.config), folder))
        wait_until(prometheus.ready, what="Prometheus", seconds=60, child=child)
        wait_until(lambda: all(replica.live for replica in replicas), what="the history", seconds=900, child=child)
        return _phases(prometheus, child, loaded(rules, folder, pace.interval), pace)


def _phases(prometheus: Prometheus, child: Child, sets: dict[str, Path], pace: Pace) -> list[Phase]:
    """Scrapes alone, then with each of the sets of rules."""
    prometheus.configure(scrape_seconds=pace.scrape, rules_seconds=pace.interval, rules=None)
    prometheus.reload()
    time.sleep(pace.scrape)  # every replica has told its series once
    before, since = prometheus.own()[CPU], time.monotonic()
    time.sleep(pace.scrape)
    scrape_cores = (prometheus.own()[CPU] - before) / (time.monotonic() - since)
    phases = []
    for name, files in sets.items():
        prometheus.configure(scrape_seconds=pace.scrape, rules_seconds=pace.interval, rules=files)
        prometheus.reload()
        phases.append(observe(prometheus, name, pace, scrape_cores))
        child.require_running()
        print(phase_row("", phases[-1]), file=sys.stderr, flush=True)
    return phases


def command(program: str, port: int, config: Path) -> list[str]:
    """The command line of Prometheus."""
    return [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={config.parent / 'data'}",
        f"--web.listen-address={HOST}:{port}",
        "--web.enable-lifecycle",
        "--log.level=warn",
    ]


def phase_row(size: object, phase: Phase) -> str:
    """A line of the table of fleets."""
    recorded = sum(group.series for group in phase.groups.values())
    return (
        f"| {size} | {phase.name} | {phase.scraped:,.0f} | {recorded:,.0f} | {phase.head:,.0f} | {phase.rss / 1e9:.1f} "
        f"| {phase.scrape_cores:.2f} | {phase.round_seconds:.1f} |"
    )


def group_rows(measured: Measured) -> list[str]:
    """Lines of the table of groups: drift with either profile, everything else once."""
    told: dict[tuple[str, str], list[Group | None]] = {}
    for place, (_, phases) in enumerate(measured):
        for phase in phases:
            for name, group in phase.groups.items():
                profile = phase.name if name == DRIFT else ""
                told.setdefault((name, profile), [None] * len(measured))[place] = group
    told = {key: groups for key, groups in told.items() if key != (DRIFT, "all, full")}
    return [
        f"| {name}{profile.removeprefix('drift')} | {_group_cells(groups)} |"
        for (name, profile), groups in told.items()
    ]


def _group_cells(groups: list[Group | None]) -> str:
    return " | ".join(f"{group.seconds:.2f} | {group.series:,.0f}" if group else " | " for group in groups)


def rule_rows(measured: Measured) -> list[str]:
    """Lines of the table of the drift group's rules, with the full profile."""
    columns = [dict(_drift(phases, "drift, full").rules) for _, phases in measured]
    return [f"| `{name}` | {' | '.join(f'{column[name]:.2f}' for column in columns)} |" for name in columns[0]]


def _drift(phases: list[Phase], name: str) -> Group:
    return next(phase.groups[DRIFT] for phase in phases if phase.name == name)


def needs(measured: Measured) -> list[str]:
    """Lines of what a Prometheus needs for a thousand features, from the phases of drift alone."""
    lines = []
    for size, phases in measured:
        thousands = size.models * size.features / 1000
        for phase in phases[:2]:
            recorded, taken = phase.groups[DRIFT].series / thousands, phase.round_seconds / thousands
            lines.append(
                f"| {size} | {phase.name} | {phase.scraped / thousands:,.0f} | {recorded:,.0f} "
                f"| {phase.rss / thousands / 1e9:.2f} | {taken:.1f} | {taken / DRIFT_SECONDS:.1%} "
                f"| {1000 * DRIFT_SECONDS / 2 / max(taken, 0.01):,.0f} |"
            )
    return lines


REPORT: Final = """# What the rules cost

Written by `bench_rules.py {options}`; see there for the set-up.
Prometheus {version}, {bins} bins a feature, one version of each model, {cores} cores with a load average of {load:.0f}
at the end. Processor time is a mean over {rounds} evaluation(s) of each group. It varies: the last row of a fleet
evaluates the group of the row before it and others, and need not have taken longer.

## Fleets

*Series scraped* are all that exporters show, *recorded* those of the rules. *Processor s* is what it takes to evaluate
all groups once, whatever their interval; the cores that scrapes alone take are in the column before. Memory is that of
the process, with what the garbage collector leaves to itself; each row also holds the series of the rows above.

| fleet | rules | series scraped | recorded | in memory | memory, GB | cores, scrapes | processor s |
|---|---|---|---|---|---|---|---|
{fleets}

## For each 1,000 features

*Of a core* is the drift group's share at its interval of {interval:.0f} s. A group is evaluated rule by rule, on one
core mostly, so it bears no more features than it gets through in its interval; *features* are those that take half of
it. Beyond, give each Prometheus a part of the models. A longer interval would bear no more: a series is found for five
minutes after the time of its evaluation, so the interval and what an evaluation takes have to stay below that together.
No alarm waits for this group, because verdicts are the exporter's.

| fleet | rules | series scraped | recorded | memory, GB | processor s | of a core | features |
|---|---|---|---|---|---|---|---|
{needs}

## Groups

Wall seconds of the longest evaluation, and the series that it gave.

| group | {twice} |
|---|{dashes}|
{groups}

## The rules of the drift group, profile full

Wall seconds of each rule in that evaluation.

| rule | {columns} |
|---|{rule_dashes}|
{rules}
"""


def report(measured: Measured, *, version: str, pace: Pace) -> str:
    """The report."""
    sizes = [str(size) for size, _ in measured]
    return REPORT.format(
        version=version,
        options=pace.options(measured),
        rounds=pace.rounds,
        cores=os.cpu_count(),
        load=os.getloadavg()[0],
        bins=BINS,
        interval=DRIFT_SECONDS,
        fleets="\n".join(phase_row(size, phase) for size, phases in measured for phase in phases),
        needs="\n".join(needs(measured)),
        twice=" | ".join(f"{size}, s | series" for size in sizes),
        dashes="|".join("---" for _ in 2 * sizes),
        groups="\n".join(group_rows(measured)),
        columns=" | ".join(sizes),
        rule_dashes="|".join("---" for _ in sizes),
        rules="\n".join(rule_rows(measured)),
    )


def main() -> None:
    """Measure the fleets and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fleets", nargs="+", default=["50x50x4", "500x10x4"], help="MODELSxFEATURESxREPLICAS")
    parser.add_argument("--rounds", type=int, default=2, help="evaluations of each group that are measured")
    parser.add_argument("--interval", type=int, default=60, help="seconds between evaluations while measuring")
    parser.add_argument("--scrape", type=int, default=30, help="seconds between scrapes while measuring")
    parser.add_argument("--rules", type=Path, default=RULES, help="folder of the rules")
    parser.add_argument("--dry-run", action="store_true", help="write no report")
    options = parser.parse_args()
    program = shutil.which("prometheus")
    if program is None:
        sys.exit("error: prometheus is not installed")
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = (told.stdout + told.stderr).split()[2]
    measured = []
    pace = Pace(options.rounds, options.interval, options.scrape)
    for spelled in options.fleets:
        size = Size(*map(int, spelled.split("x")))
        print(size, file=sys.stderr, flush=True)
        measured.append((size, measure(size, program, options.rules, pace)))
    text = report(measured, version=version, pace=pace)
    print(text)
    if not options.dry_run:
        REPORT_PATH.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
