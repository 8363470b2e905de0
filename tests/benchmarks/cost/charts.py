"""The pictures of the report, drawn by matplotlib in an environment of its own."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.bench_peers import python_of
from benchmarks.cost.doors import GRPC, HTTP
from benchmarks.cost.findings import Findings, Soak
from benchmarks.cost.growth import Point

SCRIPT: Final = Path(__file__).parents[1] / "peers" / "draw_cost.py"
ENVIRONMENT: Final = "pictures"
MINUTES_OF_LEARNING: Final = 1

Chart = dict[str, Any]
"""As `draw_cost.py` says."""


def can_draw() -> bool:
    """Whether matplotlib is there."""
    return python_of(ENVIRONMENT).exists()


def draw(found: Findings, folder: Path) -> None:
    """Write every picture into `folder`."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "charts.json"
        file.write_text(json.dumps(charts(found)), "utf-8")
        environment = os.environ | {"MPLCONFIGDIR": name}
        subprocess.run([python_of(ENVIRONMENT), SCRIPT, file, folder], env=environment, check=True)


def charts(found: Findings) -> list[Chart]:
    """All that is drawn."""
    drawn = [
        _rates(
            "batch.svg", "Records a second of one core, by records of a request", "records of a request", found.batches
        ),
        _rates(
            "features.svg",
            "Records a second of one core, by features of a record",
            "features",
            found.features,
            reference=lambda at: found.features[-1].rate * found.features[-1].at / at,
        ),
        _rates("models.svg", "Records a second of one core, by models in turns", "models", found.models, log="x"),
        _replicas(found),
        _scrapes(found),
        _peers(found),
    ]
    return drawn + (_soak(found.soak) if found.soak else [])


def _rates(
    file: str,
    title: str,
    x: str,
    points: Sequence[Point],
    *,
    log: str = "xy",
    reference: Callable[[int], float] | None = None,
) -> Chart:
    at = [point.at for point in points]
    lines: list[Chart] = [{"name": "measured", "x": at, "y": [point.rate for point in points]}]
    if reference:
        lines.append({"name": "linear growth of cost", "x": at, "y": [reference(one) for one in at], "dashed": True})
    return {"file": file, "title": title, "x": x, "y": "records a second", "log": log, "lines": lines}


def _replicas(found: Findings) -> Chart:
    at = [beside.exporters for beside in found.replicas]
    first = found.replicas[0]
    return {
        "file": "replicas.svg",
        "title": "Records a second by exporters side by side",
        "x": "exporters",
        "y": "records a second",
        "log": "",
        "lines": [
            {
                "name": "good for, one core each",
                "x": at,
                "y": [1e6 / beside.cost * beside.exporters for beside in found.replicas],
            },
            {"name": "measured here, clients on the same two cores", "x": at, "y": [b.rate for b in found.replicas]},
            {"name": "multiples of one", "x": at, "y": [1e6 / first.cost * n for n in at], "dashed": True},
        ],
    }


def _scrapes(found: Findings) -> Chart:
    costs = found.scrapes.costs
    at = [cost.series for cost in costs]
    return {
        "file": "scrape.svg",
        "title": "Processor time of a scrape, by series",
        "x": "series",
        "y": "milliseconds",
        "log": "xy",
        "lines": [
            {"name": "every model had traffic", "x": at, "y": [cost.busy for cost in costs]},
            {"name": "none had", "x": at, "y": [cost.quiet for cost in costs]},
            {"name": "limit: 60 ms of 100,000", "x": at, "y": [60e-5 * one for one in at], "dashed": True},
        ],
    }


def _peers(found: Findings) -> Chart:
    ours = [
        {"name": f"model_exporter, {name}", "value": found.doors[name].ratio, "ours": True} for name in (HTTP, GRPC)
    ]
    return {
        "file": "peers.svg",
        "title": "Processor time of the same record",
        "x": "multiples of upb's parse",
        "bars": [*ours, *({"name": peer.name, "value": peer.ratio} for peer in found.peers)],
    }


def _soak(soak: Soak) -> list[Chart]:
    minutes = soak["minutes"]
    at = [row["minute"] for row in minutes]
    memory = {
        "file": "soak-memory.svg",
        "title": "Memory over the soak",
        "x": "minutes",
        "y": "MB",
        "log": "",
        "lines": [
            {"name": "resident", "x": at, "y": [row["resident_bytes"] / 1e6 for row in minutes]},
            {"name": "limit", "x": at, "y": [100.0] * len(at), "dashed": True},
        ],
    }
    rows = minutes[MINUTES_OF_LEARNING:] or minutes
    lines: list[Chart] = []
    for stream in ("http", "one"):
        for percentile in ("p50", "p99", "p999"):
            known = [
                (row["minute"], 1e3 * row["acknowledgement_seconds"][stream][percentile])
                for row in rows
                if percentile in row["acknowledgement_seconds"].get(stream, {})
            ]
            if known:
                lines.append(
                    {"name": f"{stream}, {percentile}", "x": [m for m, _ in known], "y": [ms for _, ms in known]}
                )
    late = [1e3 * row["generator_late_seconds"]["max"] for row in rows]
    lines.append(
        {
            "name": "machine: longest delay of the sender's own clock",
            "x": [r["minute"] for r in rows],
            "y": late,
            "dashed": True,
        }
    )
    waits = {
        "file": "soak-latency.svg",
        "title": "Time to the acknowledgement over the soak",
        "x": "minutes",
        "y": "milliseconds",
        "log": "y",
        "lines": lines,
    }
    return [memory, waits]
