"""What the operating system says of this process, where it says it as Linux does."""

import os
import re
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_MAX_OPEN_FILES: Final = re.compile(r"^Max open files\s+(\S+)", re.MULTILINE)
_BOOT_TIME: Final = re.compile(r"^btime (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """Resources of a process; times in seconds, `started_at` in unix seconds, sizes in bytes."""

    cpu_seconds: float
    resident_bytes: int
    virtual_bytes: int
    open_fds: int
    max_fds: float
    started_at: float


def read_process(proc: Path = _PROC) -> ProcessUsage | None:
    """Usage of this process, None on systems without Linux's /proc (proc(5))."""
    try:
        # The program's name stands in brackets and may hold anything; the numbers come after the last one.
        fields = (proc / "self/stat").read_text().rpartition(")")[2].split()
        limits = _MAX_OPEN_FILES.search((proc / "self/limits").read_text())
        boot = _BOOT_TIME.search((proc / "stat").read_text())
        open_fds = len(os.listdir(proc / "self/fd"))  # noqa: PTH208  # a name is all that is needed of each
    except OSError:
        return None
    if not limits or not boot:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    return ProcessUsage(
        cpu_seconds=(int(fields[11]) + int(fields[12])) / ticks,
        resident_bytes=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        virtual_bytes=int(fields[20]),
        open_fds=open_fds,
        max_fds=inf if limits[1] == "unlimited" else int(limits[1]),
        started_at=int(boot[1]) + int(fields[19]) / ticks,
    )
