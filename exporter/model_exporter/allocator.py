"""How many pools of memory the C library's allocator may keep, and giving back what it holds free."""

import ctypes
import platform
from collections.abc import Mapping
from typing import Final

ARENAS: Final = 2
"""Pools for all threads. One makes them wait for each other, and gRPC costs up to twice as much."""
TRIM_SECONDS: Final = 5.0
"""How often what is free goes back. A trim costs faults for the pages that are used again: few, at this pace; low
`M_TRIM_THRESHOLD` and `M_MMAP_THRESHOLD` would make each large request pay them."""
_M_ARENA_MAX: Final = -8  # malloc.h of glibc
_VARIABLE: Final = "MALLOC_ARENA_MAX"
_TUNABLE: Final = "glibc.malloc.arena_max"


def limit_arenas(environment: Mapping[str, str]) -> bool:
    """Let glibc's allocator keep no more than `ARENAS` pools; True when that is done now.

    By default it makes up to eight a core, one for each thread that asks, and what a thread has freed after a burst
    mostly stays in its pool. Other C libraries are left alone, and so is a process whose `environment` says how many
    pools there shall be. To be called before threads are started; child processes do not inherit it.
    """
    if platform.libc_ver()[0] != "glibc" or _VARIABLE in environment:
        return False
    if _TUNABLE in environment.get("GLIBC_TUNABLES", ""):
        return False
    return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS))


def give_back() -> bool:
    """Let glibc's allocator give pages that nobody uses back to the system; True when there were any.

    After a burst free pages stay within its pools, in the midst of what is in use, because by itself it gives back
    only what lies at an end. Other threads run on meanwhile, unless they ask for memory. Other C libraries are left
    alone.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).malloc_trim(0))
