"""All that one run of `bench_cost.py` measured, and what of it the targets are about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.cost.doors import ALONE, GRPC, HTTP, LINES, TOGETHER, DoorCost
from benchmarks.cost.growth import Beside, Point
from benchmarks.cost.peers import PeerCost
from benchmarks.cost.scrapes import Scrapes

SOAK: Final = Path(__file__).parents[1] / "data" / "soak_plain.json"
"""Of the soak without versions and outcomes, which is what the target is about."""
Soak = dict[str, Any]
"""What `bench_soak.py` writes."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything measured.

    Attributes:
        doors: cost by door.
        floors: microseconds of processor that a request costs a server that reads nothing of it, by door.
        memory: resident MB at rest, and under load in the first and the second half of the time.
        scrapes: cost of scrapes, and waits of senders.
        evidence: milliseconds of a slot by number of features.
        batches, features, models: curves.
        replicas: exporters side by side.
        peers: what others cost.
        versions: of the peers, or why one is not there.
        profile: microseconds by door and stage; empty without a profiler.
        soak: the last hour's soak; None without one.
    """

    doors: Mapping[str, DoorCost]
    floors: Mapping[str, float]
    memory: tuple[float, float, float]
    scrapes: Scrapes
    evidence: Mapping[int, float]
    batches: list[Point]
    features: list[Point]
    models: list[Point]
    replicas: list[Beside]
    peers: list[PeerCost]
    versions: list[str]
    profile: Mapping[str, Mapping[str, float]]
    soak: Soak | None


@dataclass(frozen=True, slots=True)
class Target:
    """A line of the table of targets: met when the value is at most the limit; None when it was not measured."""

    what: str
    limit: float
    value: float | None
    unit: str
    remark: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it is; None when nobody knows."""
        return None if self.value is None else self.value <= self.limit


def last_soak() -> Soak | None:
    """What the last soak wrote; None when there is none."""
    found: Soak | None = json.loads(SOAK.read_text("utf-8")) if SOAK.exists() else None
    return found


def targets(found: Findings) -> list[Target]:
    """Every target with its limit and what was measured."""
    http, grpc, lines = (found.doors[name] for name in (HTTP, GRPC, LINES))
    alone, together = found.doors[ALONE], found.doors[TOGETHER]
    idle, early, late = found.memory
    largest = found.scrapes.costs[-1]
    scaled = largest.busy * 100_000 / largest.series
    waits = found.scrapes.scraped
    return [
        Target("OTLP/HTTP, batch 512, whole pipeline", 2.0, http.ratio, "x parse", _rounds(http)),
        Target("OTLP/gRPC, batch 512, whole pipeline", 2.5, grpc.ratio, "x parse", _rounds(grpc)),
        Target("OTLP/HTTP, batch 1, one connection", 60, alone.cost, "us", _floor(found.floors[ALONE])),
        Target("OTLP/HTTP, batch 1, 16 connections", 60, together.cost, "us", _floor(found.floors[TOGETHER])),
        Target("JSON lines, batch 512", 5, lines.cost, "us"),
        Target("resident memory at rest", 75, idle, "MB"),
        Target("resident memory, one model, 50 features, load", 100, max(early, late), "MB"),
        *_soaked(found.soak),
        Target("scrape of 100k series", 60, scaled, "ms", f"of {largest.series:,} series, all changed, gzip; scaled"),
        Target("longest wait of a sender beside such scrapes", 50, waits.longest, "ms", _beside(found.scrapes)),
        Target("evidence of 1,000 features a slot", 5, found.evidence[1000], "ms", "all levels together"),
        Target("growth with features, exponent", 1.1, exponent(found.features), "", "of cost; linear is 1"),
        Target("growth with models, exponent", 0.1, exponent(found.models), "", "of cost of a record; flat is 0"),
        Target("growth with records, largest batch", 1.1, _large_batches(found), "", _last_two(found)),
    ]


def _floor(cost: float) -> str:
    return f"of them {cost:.0f} for a server in Python that answers without reading"


def exponent(points: list[Point]) -> float:
    """Slope of the cost against what it grows with, both as logarithms, over the larger half of the points.

    >>> exponent([Point(at=n, cost=3.0 * n, memory=0.0) for n in (1, 10, 100)])
    1.0
    """
    upper = points[len(points) // 2 - (len(points) < 4) :]
    slope, _ = np.polyfit(np.log([point.at for point in upper]), np.log([point.cost for point in upper]), 1)
    return round(float(slope), 3)


def _large_batches(found: Findings) -> float:
    """The cost of a record in the largest batches, as a multiple of that in the next smaller ones."""
    return found.batches[-1].cost / found.batches[-2].cost


def _last_two(found: Findings) -> str:
    large, larger = found.batches[-2:]
    return f"cost of a record in batches of {larger.at:,} : {large.at:,}"


def _soaked(soak: Soak | None) -> list[Target]:
    if soak is None:
        return [Target("resident memory over an hour's soak", 100, None, "MB", "no soak is on file: `bench_soak.py`")]
    everything = soak["all"]
    minutes = len(soak["minutes"])
    return [
        Target(
            f"resident memory over {minutes} minutes of soak, largest",
            100,
            everything["resident_max_bytes"] / 1e6,
            "MB",
            f"50 features; {everything['resident_growth_bytes_per_hour'] / 1e6:+.2f} MB an hour in the second half",
        )
    ]


def _rounds(door: DoorCost) -> str:
    ratios = door.ratios
    return f"{door.cost:.2f} us; rounds {min(ratios):.2f} to {max(ratios):.2f}"


def _beside(scrapes: Scrapes) -> str:
    alone, scraped = scrapes.alone, scrapes.scraped
    told = (f"median {waits.p50:.1f}, p99 {waits.p99:.1f}" for waits in (scraped, alone))
    return f"{'; without scrapes '.join(told)}, longest {alone.longest:.1f}"
