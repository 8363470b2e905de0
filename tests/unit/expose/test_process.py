import os
import resource
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from model_exporter.expose.process import read_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def test_usage_is_that_of_this_process() -> None:
    """Each figure agrees with what the standard library says in another way."""
    usage = read_process()
    assert usage
    assert usage.cpu_seconds == pytest.approx(sum(os.times()[:2]), abs=0.5)
    assert 1e6 < usage.resident_bytes < usage.virtual_bytes
    assert 0 < usage.open_fds <= usage.max_fds
    assert usage.max_fds == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert time.time() - 7200 < usage.started_at <= time.time() + 1


def test_open_files_are_counted() -> None:
    """Opening ten files makes ten more."""
    before = read_process()
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(Path(__file__).open())
        after = read_process()
    assert before
    assert after
    assert after.open_fds - before.open_fds == 10


def test_a_system_without_proc_has_no_usage(tmp_path: Path) -> None:
    """Absence is None, not zero."""
    assert read_process(tmp_path) is None


def proc(path: Path, *, name: str, limit: str) -> Path:
    """A /proc with one process called `name`."""
    numbers = " ".join(str(i) for i in range(50))
    (path / "self/fd").mkdir(parents=True)
    (path / "self/stat").write_text(f"1 ({name}) S {numbers}\n")
    (path / "self/limits").write_text(f"Limit Soft Hard Units\nMax open files            {limit}    9 files\n")
    (path / "stat").write_text("cpu 1 2 3\nbtime 1760000000\n")
    return path


def test_a_program_may_have_any_name(tmp_path: Path) -> None:
    """Brackets and spaces in it do not shift the numbers, and a limit may be `unlimited`."""
    usage = read_process(proc(tmp_path, name="a) S 1 2 (b", limit="unlimited"))
    ticks = os.sysconf("SC_CLK_TCK")
    assert usage
    assert usage.cpu_seconds == (10 + 11) / ticks
    assert usage.virtual_bytes == 19
    assert usage.resident_bytes == 20 * os.sysconf("SC_PAGE_SIZE")
    assert usage.started_at == 1_760_000_000 + 18 / ticks
    assert usage.max_fds == float("inf")


def test_a_proc_that_says_something_else_has_no_usage(tmp_path: Path) -> None:
    """Without the lines that are looked for there is no usage rather than a made-up one."""
    (proc(tmp_path, name="x", limit="5") / "stat").write_text("cpu 1 2 3\n")
    assert read_process(tmp_path) is None
