"""The report COST.md, from what was measured."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.cost.doors import DOORS, HTTP
from benchmarks.cost.findings import Findings, Target, targets
from benchmarks.cost.growth import Point
from benchmarks.cost.stages import PROFILED, STAGES

_MARKS: Final = {True: "met", False: "**not met**", None: "not measured"}
_EXPLAINED: Final = {
    "socket": "reading and writing bytes",
    "server": "HTTP, hand-over between threads",
    "decode": "bytes to columns",
    "queue": "waiting rooms, the writer's loop",
    "duplicates": "ids that were seen before",
    "bins": "checks of values, numbers to bins",
    "categories": "texts to codes and bins",
    "pairs": "dependence between features",
    "windows": "counters and rings of slots, versions, models",
    "evidence": "bets, verdicts",
    "snapshot": "the frozen picture once a second, distances of windows",
    "exposition": "scrapes",
    "other": "interpreter, logging, what no rule names",
}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where and how it was measured.

    Attributes:
        machine: processor and number of cores.
        python: version.
        compiled: whether the compiled decoder was there.
        commit: of the source.
        length: "in full" or "quickly".
        minutes: that it took.
        load: of the machine when it began, processes that want a core.
    """

    machine: str
    python: str
    compiled: bool
    commit: str
    length: str
    minutes: float
    load: float


HEAD: Final = """# What a prediction costs

Written by `make bench-cost`, measured {length} in {minutes:.0f} minutes, of commit {commit}, with the {decoder},
Python
{python}, on {machine}; when it began, {load:.1f} processes wanted a core. Figures of one run may be compared with
each other, and not with those of another machine.

The exporter is a real process. Clients of this benchmark feed it over loopback as fast as it answers, with records
that are all different; only the exporter's processor time is counted, all threads, by the kernel's clock of the
process, until everything is worked off. A record has 26 values and {size:.0f} bytes of OTLP protobuf. "x parse" is a
multiple of what `ExportLogsServiceRequest.FromString` (upb) takes for the same bytes in the same minute, {parse:.2f}
us a record here, without one value being read. There is a baseline; windows, pairs of features and evidence are on;
it is scraped every 15 seconds of load.

## Targets

| what | limit | measured | | |
|---|---|---|---|---|
{targets}

## Beside others

![Multiples of upb's parse, by tool](pictures/peers.svg)

| what | us a record | x parse | resident MB |
|---|---|---|---|
{peers}

The monitoring packages have the same records **in memory**, as the whole data frame or the lists that they are made
for, {rows:,} rows at once, with a baseline of as many: nothing is received, decoded, kept in windows or served, and
each is given its own bulk form. Their memory holds two such tables. The Collector receives what the exporter
receives, over the same doors, and hands it to an exporter that does nothing. With {versions}.

## Growth

![Records a second by batch](pictures/batch.svg)
![Records a second by features](pictures/features.svg)
![Records a second by models](pictures/models.svg)
![Records a second by exporters](pictures/replicas.svg)
![Scrape by series](pictures/scrape.svg)

OTLP/HTTP. Records a second are those that one core is good for: one second by the processor time of a record. Wide
records come in smaller batches, of about 12,000 values; models are asked in turns, a batch of 512 each.

{batches}

{features}

{models}

{replicas}

{scrapes}
{soak}
## Where the microseconds go

By {rate} looks a second at the stacks of the running exporter's threads, and what the kernel says that each thread
used; shares, times the cost measured without the profiler; microseconds a record.

{profile}

"""

SOAK: Final = """
## An hour

![Memory](pictures/soak-memory.svg)
![Acknowledgements](pictures/soak-latency.svg)

By `bench_soak.py --plain`, on commit {commit}: {minutes} minutes, a model of {features} features, through several
doors at once. Largest resident memory {largest:.1f} MB; in the second half it changed by {growth:+.2f} MB an hour.
Acknowledgement over the whole run, milliseconds:

| stream | p50 | p99 | p99.9 | longest |
|---|---|---|---|---|
{streams}
"""


def render(found: Findings, where: Circumstances, *, size: float, rows: int, rate: int, dropped: str) -> str:
    """The text of the report.

    Args:
        found: what was measured.
        where: and where.
        size: bytes of a record.
        rows: records that the peers were given.
        rate: looks a second of the profile.
        dropped: the section about what was tried and dropped.
    """
    text = HEAD.format(
        length=where.length,
        minutes=where.minutes,
        commit=where.commit,
        decoder="compiled decoder" if where.compiled else "decoder in Python",
        python=where.python,
        machine=where.machine,
        load=where.load,
        size=size,
        parse=sorted(found.doors[HTTP].parses)[len(found.doors[HTTP].parses) // 2],
        targets="\n".join(_target(target) for target in targets(found)),
        peers="\n".join(_peers(found)),
        rows=rows,
        versions=", ".join(found.versions),
        batches=_curve("records of a request", found.batches),
        features=_curve("features", found.features),
        models=_curve("models", found.models),
        replicas=_replicas(found),
        scrapes=_scrapes(found),
        soak=_soak(found),
        rate=rate,
        profile=_profile(found.profile),
    )
    return _wrapped(text) + dropped.strip() + "\n"


def _wrapped(text: str) -> str:
    """The text with its paragraphs filled anew; tables, pictures and headings stay."""
    paragraphs = (
        paragraph if paragraph.startswith(("|", "!", "#")) else textwrap.fill(paragraph, 120, break_on_hyphens=False)
        for paragraph in text.split("\n\n")
    )
    return "\n\n".join(paragraphs)


def _target(target: Target) -> str:
    value = "-" if target.value is None else f"{_number(target.value)} {target.unit}"
    limit = f"{target.limit:g} {target.unit}".strip()
    return f"| {target.what} | {limit} | {value.strip()} | {_MARKS[target.met]} | {target.remark} |"


def _peers(found: Findings) -> Iterable[str]:
    memory = max(found.memory)
    for door in DOORS:
        cost = found.doors[door.name]
        yield f"| **model_exporter, {door.name}** | {_number(cost.cost)} | {_number(cost.ratio)} | {memory:.0f} |"
    for peer in found.peers:
        yield f"| {peer.name} | {_number(peer.cost)} | {_number(peer.ratio)} | {peer.memory:.0f} |"


def _curve(what: str, points: Sequence[Point]) -> str:
    rows = ((f"{p.at:,}", f"{p.rate:,.0f}", _number(p.cost), f"{p.memory:.0f}") for p in points)
    return _table((what, "records a second", "us a record", "resident MB"), rows)


def _replicas(found: Findings) -> str:
    rows = (
        (str(b.exporters), f"{b.rate:,.0f}", _number(b.cost), f"{b.sent:,}", f"{b.counted:,.0f}")
        for b in found.replicas
    )
    table = _table(("exporters", "records a second, by the clock", "us a record", "sent", "sum of counters"), rows)
    return f"{table}\n\nClients and exporters share the cores here: the clock shows less than two cores are good for."


def _scrapes(found: Findings) -> str:
    rows = ((f"{c.series:,}", f"{c.kilobytes:,.0f}", f"{c.busy:.1f}", f"{c.quiet:.1f}") for c in found.scrapes.costs)
    return _table(("series", "kB, compressed", "ms, every model had traffic", "ms, none had"), rows)


def _soak(found: Findings) -> str:
    if found.soak is None:
        return "\n## An hour\n\nNo soak is on file: `bench_soak.py` makes one.\n"
    about, everything = found.soak["about"], found.soak["all"]
    streams = (
        f"| {name} | " + " | ".join(f"{1e3 * told[key]:.1f}" for key in ("p50", "p99", "p999", "max")) + " |"
        for name, told in everything["acknowledgement_seconds"].items()
        if told
    )
    return SOAK.format(
        commit=about["commit"],
        minutes=len(found.soak["minutes"]),
        features=about["features"],
        largest=everything["resident_max_bytes"] / 1e6,
        growth=everything["resident_growth_bytes_per_hour"] / 1e6,
        streams="\n".join(streams),
    )


def _profile(profile: Mapping[str, Mapping[str, float]]) -> str:
    if not profile:
        return "No profiler is installed: `.ci/setup-peers profile`."
    doors = [name for name in PROFILED if name in profile]
    rows = [
        (stage, *(_number(profile[door][stage]) for door in doors), _EXPLAINED[stage])
        for stage in STAGES
        if any(profile[door][stage] > 0 for door in doors)
    ]
    total = ("all", *(_number(sum(profile[door].values())) for door in doors), "")
    return _table(("stage", *doors, ""), [*rows, total])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float) -> str:
    """Three significant digits, none of them after a point when there are so many before it."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
