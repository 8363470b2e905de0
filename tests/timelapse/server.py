"""Builds states, keeps what was built, and serves them from a Prometheus."""

import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from model_exporter.demo import processes
from model_exporter.demo.processes import fetch, free_port, wait_until
from timelapse.evaluation import evaluate_rules
from timelapse.openmetrics import write_openmetrics
from timelapse.recording import Recording
from timelapse.simulation import simulate
from timelapse.states import STATES

ROOT: Final = Path(__file__).resolve().parents[2]
RULES: Final = ROOT / "rules"
CACHE: Final = ROOT / ".timelapse"
ORDER: Final = (
    "identity",
    "traffic",
    "quality",
    "drift",
    "evidence",
    "performance",
    "slo",
    "symptoms",
    "incidents",
    "exporter",
    "alerts",
)
_WITHOUT: Final = frozenset({"cli", "demo", "pack"})
"""Parts of the exporter that no simulation runs."""
EVALUATE_EVERY: Final = 2
"""Rules run at every so manieth scrape."""
_START_SECONDS: Final = 60.0


def rule_files(folder: Path) -> list[Path]:
    """The rule files of `folder`, each after those that it reads."""
    return [folder / f"{name}.yml" for name in ORDER if (folder / f"{name}.yml").exists()]


def record(name: str, rules: Path = RULES, cache: Path = CACHE) -> Recording:
    """What Prometheus would hold of the state `name`: from the cache, if it was built there of the same parts."""
    files = rule_files(rules)
    # Both names before the work begins: it takes minutes, in which files may change.
    scraped_path = cache / f"{name}-scraped-{_digest(_sources())}.npz"
    made_path = cache / f"{name}-{_digest([*_sources(), *files])}.npz"
    scraped = _kept(scraped_path, lambda folder: simulate(STATES[name], folder))
    made = _kept(made_path, lambda folder: evaluate_rules(files, scraped.thinned(EVALUATE_EVERY), folder))
    return scraped.joined(made)


def build_blocks(recording: Recording, begin: float, folder: Path) -> None:
    """Write `recording`, whose first moment becomes `begin`, as blocks to `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        text = Path(scratch) / "samples.om"
        write_openmetrics(recording, begin, text)
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(text), str(folder)]
        subprocess.run(command, check=True, capture_output=True)


def recent_blocks(name: str, rules: Path = RULES, cache: Path = CACHE) -> Path:
    """Folder of the blocks of the state `name`, written so lately that most of its last hour is still to come."""
    state = STATES[name]
    begin = round(time.time() - state.history)
    stem = f"{name}-{_digest([*_sources(), *rule_files(rules)])}-blocks-"
    for kept in cache.glob(f"{name}-*-blocks-*"):
        age = begin - int(kept.name.rpartition("-")[2])
        if age > 2 * state.lead:
            shutil.rmtree(kept)
        elif kept.name.startswith(stem) and age <= state.lead / 2:
            return kept
    recording = record(name, rules, cache)
    begin = round(time.time() - state.history)
    folder = cache / f"{stem}{begin}"
    with _scratch(cache) as scratch:
        build_blocks(recording, begin, scratch / "blocks")
        (scratch / "blocks").rename(folder)
    return folder


@contextmanager
def running(name: str, *, rules: Path = RULES, cache: Path = CACHE, port: int = 0) -> Iterator[str]:
    """Serve the state `name` from a Prometheus on loopback while the block lasts; yields its address.

    Now is a moment of the last hour of the state, so that the server can be asked for at least half an hour.
    """
    blocks = recent_blocks(name, rules, cache)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(blocks, folder / "data")  # Prometheus changes what it serves
        (folder / "prometheus.yml").write_text("global: {}\n")
        port = port or free_port()
        with processes.running("prometheus", _command(folder, port), folder) as child:
            wait_until(
                lambda: fetch(port, "/-/ready")[0] == 200, what="Prometheus", seconds=_START_SECONDS, child=child
            )
            yield f"http://127.0.0.1:{port}"


def _command(folder: Path, port: int) -> list[str]:
    return [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]


@contextmanager
def _scratch(beside: Path) -> Iterator[Path]:
    """A folder on the disk of `beside`, so that what was made there is whole where it is moved to."""
    with tempfile.TemporaryDirectory(dir=beside) as folder:
        yield Path(folder)


def _kept(path: Path, make: Callable[[Path], Recording]) -> Recording:
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        with _scratch(path.parent) as scratch:
            make(scratch).write(scratch / path.name)
            (scratch / path.name).rename(path)
    return Recording.read(path)


def _sources() -> list[Path]:
    """Everything that a recording is made of, beside the rules."""
    exporter = ROOT / "exporter" / "model_exporter"
    files = [*exporter.rglob("*.py"), *(ROOT / "tests" / "scenarios").rglob("*.py")]
    files = [path for path in files if not _WITHOUT & set(path.relative_to(ROOT).parts)]
    own = ("evaluation", "recording", "service", "simulation", "states", "trades", "watched")
    return sorted([*files, *(Path(__file__).with_name(f"{name}.py") for name in own)])


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
