"""What a prediction costs: `make bench-cost` writes COST.md and `pictures/` beside this file.

`cost/` measures, `peers/cost_*.py` ask other tools in their environments, DROPPED.md is kept by hand and becomes the
end of the report. Linux only: processor time of another process is read from the kernel.
"""

import argparse
import importlib.util
import os
import platform
import re
import subprocess
import time
from pathlib import Path
from typing import Final

from benchmarks.cost import charts, peers, stages
from benchmarks.cost.doors import BATCH, measure_doors
from benchmarks.cost.evidence import measure_evidence
from benchmarks.cost.findings import Findings, last_soak
from benchmarks.cost.floor import measure_floor
from benchmarks.cost.growth import by_batch, by_features, by_models, memory_under_load, side_by_side
from benchmarks.cost.plan import FULL, QUICK, Plan, tell
from benchmarks.cost.records import Table, otlp_request
from benchmarks.cost.report import Circumstances, render
from benchmarks.cost.scrapes import measure_scrapes

HERE: Final = Path(__file__).parent


def measure(plan: Plan) -> Findings:
    """Everything, one after another: nothing else should want the machine meanwhile."""
    costs, versions = peers.measure_peers(plan)
    return Findings(
        doors=measure_doors(plan),
        floors=measure_floor(plan),
        memory=memory_under_load(plan),
        scrapes=measure_scrapes(plan),
        evidence=measure_evidence(),
        batches=by_batch(plan),
        features=by_features(plan),
        models=by_models(plan),
        replicas=side_by_side(plan),
        peers=costs,
        versions=versions,
        profile=stages.profile(plan) if stages.is_installed() else {},
        soak=last_soak(),
    )


def processor() -> str:
    """The name of the processor and the number of cores."""
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return f"{os.cpu_count()} cores of {names[0] if names else platform.machine()}"


def commit() -> str:
    """The commit that is checked out, marked when files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"], cwd=HERE, stdout=subprocess.PIPE, check=True
    )
    return told.stdout.decode().strip()


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer points, shorter runs: about six minutes")
    quick = parser.parse_args().quick
    load, state, started = os.getloadavg()[0], commit(), time.monotonic()
    found = measure(QUICK if quick else FULL)
    where = Circumstances(
        machine=processor(),
        python=platform.python_version(),
        compiled=importlib.util.find_spec("model_exporter.decode._scanner") is not None,
        commit=state,
        length="quickly" if quick else "in full",
        minutes=(time.monotonic() - started) / 60,
        load=load,
    )
    text = render(
        found,
        where,
        size=otlp_request(Table.drawn(BATCH, 0)).size / BATCH,
        rows=peers.ROWS,
        rate=stages.RATE,
        dropped=(HERE / "DROPPED.md").read_text("utf-8"),
    )
    (HERE / "COST.md").write_text(text, "utf-8")
    if charts.can_draw():
        charts.draw(found, HERE / "pictures")
    else:
        tell("no pictures: `.ci/setup-peers pictures` brings what draws them")
    print(text)


if __name__ == "__main__":
    main()
