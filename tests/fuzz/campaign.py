"""Fuzzes targets one after the other with the sanitised build, or makes their inputs few again; `make fuzz` runs it.

campaign.py --seconds 600               all targets, ten minutes together
campaign.py --seconds 600 logs traces   two of them
campaign.py --minimise                  keep the inputs that reach something new, in tests/fuzz/corpus
"""

import argparse
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

from fuzz.seeds import seeds
from fuzz.targets import TARGETS

_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parents[1]
_TOOLS: Final = _ROOT / ".tools" / "fuzz"
_CORPUS: Final = _HERE / "corpus"
_ADDRESS_SANITIZER: Final = (
    "detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=32:abort_on_error=0:handle_abort=1"
)
"""No search for leaks: an interpreter never gives back all at its end. Memory that grows hits `-rss_limit_mb`."""
_OLDEST: Final = (1980, 1, 1, 0, 0, 0)
_MOST_BYTES: Final = 4096


def kept(name: str) -> dict[str, bytes]:
    """The committed inputs of a target by name."""
    file = _CORPUS / f"{name}.zip"
    if not file.is_file():
        return {}
    with zipfile.ZipFile(file) as archive:
        return {entry: archive.read(entry) for entry in archive.namelist()}


def main() -> int:
    """Do what the arguments say; the exit code is 1 after a finding."""
    arguments = argparse.ArgumentParser(description="Fuzzes targets one after the other.")
    arguments.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all by default")
    arguments.add_argument("--seconds", type=int, default=600, help="for all of them together")
    arguments.add_argument("--minimise", action="store_true", help="make their inputs few again instead")
    told = arguments.parse_args()
    names = told.targets or list(TARGETS)
    if told.minimise:
        for name in names:
            _minimise(name)
        return 0
    return max([_fuzz(name, max(1, told.seconds // len(names))) for name in names])


def _fuzz(name: str, seconds: int) -> int:
    """Fuzz a target and print a line of what came of it; 1 after a finding."""
    inputs, findings = _inputs(name), _folder("findings", name)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_MOST_BYTES}",
        f"-artifact_prefix={findings}/",
        f"-dict={_dictionary(name)}",
        *("-timeout=20", "-rss_limit_mb=2500", "-print_final_stats=1"),
    ]
    log = _TOOLS / f"{name}.log"
    with log.open("wb") as said:
        code = _run(name, [*options, str(inputs)], said=said.fileno())
    text = log.read_text("utf-8", "replace")
    reached = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", text)[-1:] or [("?", "?", "?")]
    runs = (re.findall(r"stat::number_of_executed_units: (\d+)", text) or re.findall(r"^#(\d+)", text, re.MULTILINE))[
        -1:
    ]
    result = f"FOUND something: {findings}, {log}" if code else "found nothing"
    print(
        f"{name:12} {seconds:6} s {''.join(runs):>9} runs, edges {reached[0][0]}, inputs {reached[0][2]}: {result}",
        flush=True,
    )
    return int(bool(code))


def _minimise(name: str) -> None:
    """Put those inputs of a target into the tree that reach something which smaller ones do not."""
    few = _folder("minimised", name)
    for file in few.iterdir():
        file.unlink()
    log = _TOOLS / f"{name}.merge.log"
    with log.open("wb") as said:
        _run(name, ["-merge=1", f"-max_len={_MOST_BYTES}", str(few), str(_inputs(name))], said=said.fileno())
    _CORPUS.mkdir(exist_ok=True)
    with zipfile.ZipFile(_CORPUS / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(few.iterdir()):
            archive.writestr(zipfile.ZipInfo(file.name, _OLDEST), file.read_bytes(), zipfile.ZIP_DEFLATED)
    print(f"{name:12} {len(list(few.iterdir()))} inputs", flush=True)


def _run(name: str, options: list[str], *, said: int) -> int:
    site = next((_TOOLS / "environment" / "lib").glob("python*/site-packages"))
    environment = {
        **os.environ,
        "ASAN_OPTIONS": _ADDRESS_SANITIZER,
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "LD_PRELOAD": str(site / "asan_with_fuzzer.so"),
        # To merge, libFuzzer starts the script again by its name.
        "PATH": os.pathsep.join([str(_TOOLS / "environment" / "bin"), os.environ["PATH"]]),
        "PYTHONMALLOC": "malloc",  # or the sanitiser would not see where an object ends
        "PYTHONPATH": str(_ROOT / "tests"),
    }
    command: list[str | Path] = [_TOOLS / "environment" / "bin" / "python", _HERE / "run.py", name, *options]
    return subprocess.run(command, cwd=_TOOLS, env=environment, stdout=said, stderr=said, check=False).returncode


def _inputs(name: str) -> Path:
    """The folder of a target's inputs: those committed, those made by hand, and what was found here before."""
    folder = _folder("inputs", name)
    for place, data in [*kept(name).items(), *((f"seed-{n}", data) for n, data in enumerate(seeds(name)))]:
        (folder / place).write_bytes(data)
    return folder


def _dictionary(name: str) -> Path:
    """A file of the words of a target, for libFuzzer."""
    file = _TOOLS / f"{name}.dict"
    words = (word.encode() for word in TARGETS[name].words if 0 < len(word) < 60)
    file.write_text("".join(f'"{_escaped(word)}"\n' for word in words), "ascii")
    return file


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _folder(*names: str) -> Path:
    folder = _TOOLS.joinpath(*names)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())
