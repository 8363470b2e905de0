"""Where the microseconds go: a sampling profile of a running exporter, by stage.

py-spy looks from outside at the stacks of the exporter's threads and stops none, so that it runs as it always does.
What the kernel says that a thread used is spread over the stages of the thread's samples, each that of its innermost
frame that has one. Samples of a thread that waits do not count: it waits for a core at most. Threads without any
Python, which are those of gRPC, count for the server. Time within compiled code counts for the line of Python that
called it.
"""

import os
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.bench_peers import ROOT
from benchmarks.cost.clients import Source
from benchmarks.cost.doors import ALONE, DOORS, GRPC, HTTP, LINES, requests_of
from benchmarks.cost.measure import Scraper, drive, fed_exporter, pid_of, warm
from benchmarks.cost.plan import Plan, tell

PROGRAM: Final = ROOT / ".venv-peers" / "profile" / "bin" / "py-spy"
PROFILED: Final = (HTTP, GRPC, LINES, ALONE)
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
_WAITS: Final = re.compile(r"(?:[\w<>]+\.)*(?:wait|wait_for|select|poll|_worker|_serve) \(")
"""Innermost frames of threads that wait."""
_THREAD: Final = re.compile(r"thread \((\d+)\)")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
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
        (
            r"model_exporter/(stats(?!/(plain_)?kernel)|window/(verdicts|anomaly|share_evidence|alarm_shares))",
            "evidence",
        ),
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
            before = thread_seconds(pid)
            with _watched(pid, plan.profile_seconds) as stacks:
                drive(pid, client, source, seconds=plan.profile_seconds, scraper=Scraper(exporter))
            used = {thread: seconds - before.get(thread, 0.0) for thread, seconds in thread_seconds(pid).items()}
            shares = shares_by_stage(stacks, used)
            client.close()
        found[door.name] = {stage: share * cost for stage, share in shares.items()}
        tell(f"profile of {door.name}: {', '.join(f'{k} {v:.2f}' for k, v in found[door.name].items())}")
    return found


def thread_seconds(pid: int) -> dict[int, float]:
    """Processor seconds that each thread of a process has used, by the thread's id."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        user, system = (task / "stat").read_text("utf-8").rpartition(")")[2].split()[11:13]
        found[int(task.name)] = (int(user) + int(system)) / _TICKS
    return found


@contextmanager
def _watched(pid: int, seconds: float) -> Iterator[list[str]]:
    """Stacks of a process, for so long at most; they are there when the block is left.

    Raises:
        OSError: the profiler failed.
    """
    stacks: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stacks"
        command: list[str | Path] = [
            *(PROGRAM, "record", "--pid", str(pid), "--duration", str(int(seconds)), "--rate", str(RATE)),
            *("--nonblocking", "--threads", "--format", "raw", "--output", file),
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as profiler:
            yield stacks
            _, said = profiler.communicate()
        if profiler.returncode:
            raise OSError(f"py-spy failed: {said.decode(errors='replace')}")
        stacks += file.read_text("utf-8").splitlines()


def shares_by_stage(stacks: Iterable[str], used: Mapping[int, float]) -> dict[str, float]:
    """The share of each stage in what threads used.

    Args:
        stacks: lines `thread (ID): name;frame;frame;... count`, innermost last.
        used: processor seconds by thread.

    >>> shares = shares_by_stage(["thread (7): door;wait (threading.py:331) 90",
    ...     "thread (7): door;run (threading.py:1);decode (model_exporter/decode/decoder.py:9) 1"], {7: 3.0, 8: 1.0})
    >>> {stage: share for stage, share in shares.items() if share}
    {'server': 0.25, 'decode': 0.75}
    """
    at_work: defaultdict[int, Counter[str]] = defaultdict(Counter)
    waiting: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for line in stacks:
        stack, _, number = line.rpartition(" ")
        name, *frames = stack.split(";")
        thread = _THREAD.match(name)
        if thread and frames:
            samples = waiting if _WAITS.match(frames[-1]) else at_work
            samples[int(thread[1])][_stage(reversed(frames))] += int(number)
    seconds = dict.fromkeys(STAGES, 0.0)
    for thread_id, spent in used.items():
        of_thread = at_work[thread_id] or waiting[thread_id] or Counter({"server": 1})
        for stage, number_of in of_thread.items():
            seconds[stage] += spent * number_of / of_thread.total()
    total = sum(used.values()) or 1.0
    return {stage: seconds[stage] / total for stage in STAGES}


def _stage(frames: Iterable[str]) -> str:
    for frame in frames:
        for pattern, stage in _RULES:
            if pattern.search(frame):
                return stage
    return "other"
