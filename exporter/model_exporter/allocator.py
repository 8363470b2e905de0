"""How many pools of memory the C library's allocator may keep."""

import ctypes
import platform
from collections.abc import Mapping
from typing import Final

ARENAS: Final = 2
"""Pools for all threads. One makes them wait for each other, and gRPC costs up to twice as much."""
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
