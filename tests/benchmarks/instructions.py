"""Instructions that fixed work takes, counted by valgrind: `make instructions` renews `instructions.json` beside this.

A count does not depend on how busy the machine is. It does depend on the version of Python, and on whether the compiled
decoder is there, so the file has counts for each; `tests/contract/test_instructions.py` compares with them.
"""

import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
TESTS: Final = HERE.parent
FILE: Final = HERE / "instructions.json"
TOLERANCE: Final = 1.15
"""What a count may be of the one on file. Two runs differ by less than a hundredth; other processors' libraries choose
other loops for some of the work."""
SECONDS: Final = 600.0
_NAME: Final = re.compile(r"^desc: Trigger: Client Request: (.+)$", re.MULTILINE)
_TOTAL: Final = re.compile(r"^totals: (\d+)$", re.MULTILINE)

Counts = Mapping[str, int]


def why_not() -> str | None:
    """Why nothing can be counted here; None when it can."""
    if not shutil.which("valgrind"):
        return "valgrind is not installed: .ci/install-tools"
    if not shutil.which("cc"):
        return "no C compiler for marks.c: .ci/install-tools"
    return None


def variant() -> str:
    """The kind of installation that counts are for."""
    compiled = importlib.util.find_spec("model_exporter.decode._scanner") is not None
    python = f"{platform.machine()}, Python {sys.version_info.major}.{sys.version_info.minor}"
    return f"{python}, {'compiled' if compiled else 'pure Python'}"


def known() -> Mapping[str, Counts]:
    """The counts on file, by variant."""
    found: Mapping[str, Counts] = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    return found


def count() -> Counts:
    """Run the jobs of `instruction_jobs.py` under valgrind; instructions by job.

    Raises:
        CalledProcessError: the compiler or the program failed; their message is on standard error.
        TimeoutExpired: it took more than ten minutes: of 20 seconds of processor time.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        marks = folder / "marks.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", marks, HERE / "marks.c"], check=True)
        command: list[str | Path] = [
            *("valgrind", "--tool=callgrind", "--quiet", "--instr-atstart=no"),
            f"--callgrind-out-file={folder / 'counts'}",
            *(sys.executable, HERE / "instruction_jobs.py", marks),
        ]
        # Hashes that are the same in every run; one thread, because others would be counted when they happen to run.
        fixed = {
            "PYTHONHASHSEED": "0",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(["exporter", "tests"]),
        }
        subprocess.run(command, env=os.environ | fixed, cwd=TESTS.parent, check=True, timeout=SECONDS)
        return dict(_read(file) for file in sorted(folder.glob("counts.*"), key=lambda file: int(file.suffix[1:])))


def _read(file: Path) -> tuple[str, int]:
    """The job that a file of valgrind's is about, and its instructions.

    Raises:
        ValueError: it is about none.
    """
    text = file.read_text("utf-8")
    name, total = _NAME.search(text), _TOTAL.search(text)
    if name is None or total is None:
        raise ValueError(f"no job in {file}")
    return name[1], int(total[1])


def main() -> None:
    """Count, and put the counts in the place of those on file for this variant."""
    if reason := why_not():
        raise SystemExit(f"error: {reason}")
    before, counts = known(), count()
    old = before.get(variant(), {})
    print(variant())
    for job, instructions in counts.items():
        told = f"{instructions / old[job]:8.3f} of before" if job in old else ""
        print(f"  {job:<40}{instructions:>14,}{told}")
    FILE.write_text(json.dumps({**before, variant(): counts}, indent=2, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
