"""The bound on the allocator's pools, and giving back what is free."""

import os
import platform
import re
import subprocess
import sys

import pytest

from model_exporter.allocator import ARENAS, give_back, limit_arenas

_IS_GLIBC = platform.libc_ver()[0] == "glibc"
_PROGRAM = """
import ctypes, os, threading
from model_exporter.allocator import limit_arenas
limit_arenas(os.environ)
together = threading.Barrier(6)
def allocate():
    together.wait()
    kept = ctypes.CDLL(None).malloc(1000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
ctypes.CDLL(None).malloc_stats()
"""
_HOLES = """
import os
from model_exporter.allocator import give_back
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
blocks = [bytearray(20_000) for _ in range(1_000)]
del blocks[::2]
before = resident()
given = give_back()
print(given, before - resident())
"""


def _arenas(**environment: str) -> int:
    """Pools of a process of six threads, as glibc tells them."""
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=os.environ | environment, check=True, capture_output=True, text=True
    )
    return len(re.findall(r"^Arena \d+:", run.stderr, re.MULTILINE))


@pytest.mark.skipif(not _IS_GLIBC, reason="glibc only")
def test_threads_share_few_pools_unless_the_environment_says_how_many() -> None:
    """The user's word counts more."""
    assert _arenas() <= ARENAS
    assert _arenas(MALLOC_ARENA_MAX="5") == 5
    assert _arenas(GLIBC_TUNABLES="glibc.malloc.arena_max=4") == 4


@pytest.mark.parametrize(
    "environment", [{"MALLOC_ARENA_MAX": "8"}, {"GLIBC_TUNABLES": "glibc.malloc.check=1:glibc.malloc.arena_max=8"}]
)
def test_what_the_environment_says_is_left_alone(environment: dict[str, str]) -> None:
    """Nothing is done then."""
    assert limit_arenas(environment) is False


def test_other_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Musl and macOS have no such setting."""
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert limit_arenas({}) is False
    assert give_back() is False


@pytest.mark.skipif(not _IS_GLIBC, reason="glibc only")
def test_what_is_free_between_what_is_used_goes_back() -> None:
    """Half of 20 MB is freed in holes, which stay resident until then."""
    run = subprocess.run([sys.executable, "-c", _HOLES], check=True, capture_output=True, text=True)
    given, bytes_ = run.stdout.split()
    assert given == "True"
    assert int(bytes_) > 5_000_000
