"""Where the microseconds go: a sampling profile of a running exporter, by stage.

py-spy looks from outside at the stacks of those threads that want a core, and stops none of them, so that the exporter
runs as it always does. A sample counts for the stage of its innermost frame that has one. Shares are then given the
measured cost of a record. Time within compiled code counts for the line of Python that called it, and waking up for
whoever waits there.
"""

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.bench_peers import ROOT
from benchmarks.cost.clients import Source
from benchmarks.cost.doors import ALONE, DOORS, HTTP, LINES, requests_of
from benchmarks.cost.measure import Scraper, drive, fed_exporter, pid_of, warm
from benchmarks.cost.plan import Plan, tell

PROGRAM: Final = ROOT / ".venv-peers" / "profile" / "bin" / "py-spy"
PROFILED: Final = (HTTP, LINES, ALONE)
RATE: Final = 250
"""Looks a second."""

STAGES: Final = (
    "socket",
    "server",
    "decode",
    "queue",
    "duplicates",
    "bins",
    "categories",
    "pairs",
    "windows",
    "evidence",
    "snapshot",
    "exposition",
    "other",
)
_RULES: Final = tuple(
    (re.compile(pattern), stage)
    for pattern, stage in (
        (
            r"\b(recv|recv_into|send|sendmsg|accept|_read_ready\S*|_write_ready|write) \(asyncio/selector_events",
            "socket",
        ),
        (r"model_exporter/window/duplicates", "duplicates"),
        (r"model_exporter/(stats/pairs|stats/pair_|window/pair_drift)", "pairs"),
        (
            r"_(categor|text|word|code|boolean)\w* \(model_exporter/window/|_concatenate_words|\bwords\w* \(",
            "categories",
        ),
        (r"model_exporter/(stats/(bins|scales)|window/(assess|counting|scales|schema))", "bins"),
        (r"model_exporter/window/(layout|snapshot)|model_exporter/stats/(distances|gauges|limits)", "snapshot"),
        (r"_freeze|(_take_snapshot|snapshot) \(model_exporter", "snapshot"),
        (r"model_exporter/(stats|window/(verdicts|anomaly|share_evidence|alarm_shares))", "evidence"),
        (r"model_exporter/expose", "exposition"),
        (r"model_exporter/(decode|mapping|json_text)", "decode"),
        (r"model_exporter/(window|batch|route|privacy|joining|join/)", "windows"),
        (r"model_exporter/(pipeline|queue|chores)", "queue"),
        (r"(model_exporter/(receive|forward|exchanging)|aiohttp|asyncio|concurrent|grpc|selectors)", "server"),
    )
)
"""The first pattern that fits a frame, from the innermost frame outwards, tells the stage."""


def is_installed() -> bool:
    """Whether there is a profiler."""
    return PROGRAM.exists()


def profile(plan: Plan) -> dict[str, dict[str, float]]:
    """Microseconds a record by door and stage."""
    found = {}
    for door in DOORS:
        if door.name not in PROFILED:
            continue
        with fed_exporter() as exporter:
            client = door.connect(exporter)
            teacher = DOORS[0].connect(exporter)
            warm(exporter, teacher, Source(requests_of(DOORS[0]), first=10**11))
            teacher.close()
            source = Source(requests_of(door))
            pid = pid_of(exporter)
            cost = drive(pid, client, source, seconds=plan.profile_seconds / 2, scraper=Scraper(exporter)).cost
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "stacks"
                command: list[str | Path] = [
                    *(PROGRAM, "record", "--pid", str(pid), "--duration", str(int(plan.profile_seconds))),
                    *("--rate", str(RATE), "--nonblocking", "--format", "raw", "--output", file),
                ]
                with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as profiler:
                    drive(pid, client, source, seconds=plan.profile_seconds, scraper=Scraper(exporter))
                    _, said = profiler.communicate()
                if profiler.returncode:
                    raise OSError(f"py-spy failed: {said.decode(errors='replace')}")
                shares = shares_by_stage(file.read_text("utf-8").splitlines())
            client.close()
        found[door.name] = {stage: share * cost for stage, share in shares.items()}
        tell(f"profile of {door.name}: {', '.join(f'{k} {v:.2f}' for k, v in found[door.name].items())}")
    return found


def shares_by_stage(lines: Iterable[str]) -> dict[str, float]:
    """The share of each stage among the samples; of lines `frame;frame;... count`, innermost last.

    >>> shares = shares_by_stage(["run (threading.py:1);decode (model_exporter/decode/decoder.py:9) 3",
    ...     "read (model_exporter/receive/http.py:1);loads (json.py:1) 1"])
    >>> {stage: share for stage, share in shares.items() if share}
    {'server': 0.25, 'decode': 0.75}
    """
    samples: Counter[str] = Counter()
    for line in lines:
        stack, _, number = line.rpartition(" ")
        frames = stack.split(";")[::-1]
        samples[_stage(frames)] += int(number)
    total = max(1, samples.total())
    return {stage: samples[stage] / total for stage in STAGES}


def _stage(frames: Iterable[str]) -> str:
    for frame in frames:
        for pattern, stage in _RULES:
            if pattern.search(frame):
                return stage
    return "other"
