"""promtool and amtool, which know best what Prometheus and Alertmanager take, where they are installed."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

_TIMEOUT_SECONDS: Final = 120.0
_CONTENT: Final = re.compile(r"^Checking [^:]+$|\bSUCCESS\b|^FAILED:$")
"""Lines of promtool and amtool around complaints that are none: about other files, or without words of their own."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a program said.

    Attributes:
        installed: whether it could be asked at all.
        complaints: its output when it was not content; empty when it was.
    """

    installed: bool
    complaints: tuple[str, ...] = ()


def ask(program: str, *arguments: str) -> Verdict:
    """Run `program`, found on PATH; what it prints about mistakes are complaints when it fails."""
    path = shutil.which(program)
    if path is None:
        return Verdict(installed=False)
    command = [path, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)  # noqa: S603  # a program of the user's own PATH
    except subprocess.TimeoutExpired:
        return Verdict(installed=True, complaints=(f"no answer within {_TIMEOUT_SECONDS:g} seconds",))
    if done.returncode == 0:
        return Verdict(installed=True)
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    wrong = [line for line in said if not _CONTENT.search(line)]
    return Verdict(installed=True, complaints=tuple(wrong or said) or (f"exit code {done.returncode}",))


def program_version(program: str) -> tuple[int, int] | None:
    """Major and minor version of `program`; None when it is not installed or does not tell."""
    path = shutil.which(program)
    if path is None:
        return None
    done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)  # noqa: S603  # the same
    found = re.search(r"version (\d+)\.(\d+)", done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if found else None
