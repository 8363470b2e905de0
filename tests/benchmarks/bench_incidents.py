"""Incidents of a fleet in simulated time: `python tests/benchmarks/bench_incidents.py` writes INCIDENTS.md.

Ten clean days of a model at 200 predictions a second, and eight faults of eight models beside a healthy one. The
exporter is the product's own from decoded records to the text of a scrape; promtool evaluates the shipped rules over
all that it exported. Fixed seeds: the same code gives the same report.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scenarios.sender import Subject
from scenarios.simulation import SCRAPE_SECONDS, simulate
from scenarios.stories import AFTER_SECONDS, BEFORE_SECONDS, FAULT_SECONDS, fleet
from scenarios.story import GROUP_WAIT_SECONDS, Story, metrics_read, tell
from scenarios.traffic import DAY

ROOT: Final = Path(__file__).resolve().parents[2]
CLEAN: Final = Subject("healthy", rate=200.0, followed=0.02, segmented=True)
EXPECTED: Final = {
    "schema-change": "2 + 1: violations of a few minutes are above the objective in the first look",
    "upstream-stale": "30 + 2 + 1: the source may be 45 minutes old and last ran 15 minutes before",
    "bad-deployment": "2 + 1 to 3: outputs move at once; performance waits for outcomes, 2 minutes in the mean",
    "feature-nulls": "2 + 1 to 3: evidence of one slot; the missing ratio of 15 minutes passes 5 % in 75 seconds",
    "population-shift": "2 + 1 to 3: evidence of one or two slots, at each of two replicas",
    "concept-change": "2 + 6 to 10: outcomes 2 minutes late, 4 a second, at an accuracy that falls by a sixth",
    "overload": "2 + 1 to 3: the mean latency of 10 minutes is over 3 times the usual in the first look",
    "segment-broken": "2 + 4 to 8: a quarter of the traffic moves outputs as a whole a little",
}
"""Minutes to a firing incident that could be reckoned beforehand: two that each incident waits, and the evidence's."""
COLUMNS: Final = (
    "fault",
    "first symptom",
    "incident fires",
    "notification",
    "expected, minutes",
    "incidents",
    "cause told",
    "right cause",
    "severity",
    "owner",
    "ends after the fault",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds of the simulation and of promtool."""

    simulation: float
    promtool: float


def run(subjects: Sequence[Subject], *, seconds: float, rules: Path) -> tuple[dict[str, Story], Cost]:
    """What became of `subjects`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.process_time()
        tapes = simulate(subjects, seconds=seconds, names=metrics_read(rules), folder=folder)
        simulated = time.process_time() - started
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        stories = tell(subjects, tapes, rules=rules, folder=folder)
        return stories, Cost(simulated, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)


def clean_report(story: Story, cost: Cost, days: float) -> list[str]:
    """Lines on the clean days."""
    symptoms = [f"{one.labels['category']}/{one.labels['signal']} {one.labels['level']}" for one in story.symptoms]
    counts = [f"{name}: {symptoms.count(name)}" for name in sorted(set(symptoms))]
    rate, followed = story.subject.rate, story.subject.followed
    return [
        f"## Clean days: {days:g}",
        "",
        f"One model, {rate:g} predictions a second in the mean of a day, half as many at night, half as many more in",
        f"the afternoon: {rate * DAY * days / 1e6:,.0f} million. The truth of {followed:.0%} is told.",
        "",
        f"- incidents: **{len(story.spells)}**",
        f"- other alerts that tell anybody: {_listed([one.labels['alertname'] for one in story.warnings])}",
        f"- symptoms of level page or ticket: {_listed(counts)}",
        f"- processor time: {cost.simulation:.0f} s the exporter and its traffic, {cost.promtool:.0f} s the rules;",
        "  it grows with the days (`--days`)",
        "",
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "**none**"


def fault_row(story: Story) -> str:
    """A line of the table of faults."""
    fault = story.subject.fault
    assert fault
    spells = [(begin - fault.starts, end - fault.starts - fault.lasts) for begin, end in story.spells]
    symptoms = story.first_symptoms()
    begin = spells[0][0] if spells else float("nan")
    cells = (
        story.subject.name,
        symptoms[0].replace(" +", ": +") if symptoms else "none",
        f"{begin / 60:.0f} min",
        f"{(begin + GROUP_WAIT_SECONDS) / 60:.1f} min",
        EXPECTED[story.subject.name],
        str(len(spells)),
        ", then ".join(story.told("cause")),
        fault.cause,
        ", then ".join(story.told("severity")),
        ", ".join(story.told("owner")),
        _end(spells[-1][1]) if spells else "",
    )
    return "| " + " | ".join(cells) + " |"


def _end(seconds: float) -> str:
    """When it was over, from the fault's end; what lasts until nobody watches any more has no end."""
    watched = seconds < AFTER_SECONDS - SCRAPE_SECONDS
    return f"{seconds / 60:.0f} min" if watched else f"not within {AFTER_SECONDS / 60:.0f} min"


def fault_report(stories: dict[str, Story], cost: Cost) -> list[str]:
    """Lines on the faults."""
    healthy = stories["healthy"]
    faulty = [story for story in stories.values() if story.subject.fault]
    return [
        "## Eight faults",
        "",
        f"Eight models and a healthy one in one exporter, {healthy.subject.rate:g} predictions a second each; the",
        "population shifts before two replicas, each with an exporter of its own. Every fault begins after",
        f"{BEFORE_SECONDS / 3600:g} hours of health, lasts {FAULT_SECONDS / 60:g} minutes, and is watched for",
        f"{AFTER_SECONDS / 60:g} minutes more. Times are from the begin of the fault, to the minute of the evaluation;",
        "the notification is the firing incident and Alertmanager's `group_wait`.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|---" * len(COLUMNS) + "|",
        *map(fault_row, faulty),
        "",
        f"The healthy model: {len(healthy.spells)} incidents, {len(healthy.symptoms)} symptoms,",
        f"{len(healthy.warnings)} other alerts.",
        "",
        f"Processor time: {cost.simulation:.0f} s the exporters and their traffic, {cost.promtool:.0f} s the rules.",
        "",
        "## In what order symptoms came",
        "",
        *(f"- {story.subject.name}: {', '.join(story.first_symptoms())}" for story in faulty),
        "",
    ]


def head() -> list[str]:
    """What the report is."""
    return [
        "# Incidents in simulated time",
        "",
        "Written by `bench_incidents.py`. A model of fraud with six features, of which two have a daily wave like the",
        "traffic itself, a score, a class, a call for features, a pipeline that runs every quarter of an hour, and",
        "truth that comes two minutes late in the mean. The baseline is of two weeks of it: it knows the hours.",
        "Everything from decoded records to the text of a scrape is the exporter's own, driven by the time of the",
        f"simulation; scrapes and evaluations are {SCRAPE_SECONDS:g} s apart, and promtool evaluates every group,",
        "each after those that it reads. A Prometheus spreads its groups over the interval, which adds up to a minute",
        "for each of the four steps from counters to an alert.",
        "",
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=10.0, help="clean days")
    parser.add_argument("--rules", type=Path, default=ROOT / "rules", help="folder of the rules")
    parser.add_argument("--report", type=Path, default=Path(__file__).with_name("INCIDENTS.md"))
    options = parser.parse_args()
    faults = run(fleet(), seconds=BEFORE_SECONDS + FAULT_SECONDS + AFTER_SECONDS, rules=options.rules)
    clean, cost = run([CLEAN], seconds=options.days * DAY, rules=options.rules)
    lines = [*head(), *clean_report(clean[CLEAN.name], cost, options.days), *fault_report(*faults)]
    options.report.write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    main()
