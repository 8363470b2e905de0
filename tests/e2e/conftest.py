"""Fixtures: a running exporter, a Prometheus that scrapes it, the JavaScript SDK."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.exporters import Exporter, run_exporter
from e2e.programs import require

NODE = Path(__file__).parent / "node"
INSTALL_SECONDS = 240


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below this folder starts real processes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Exporter]:
    """An exporter without any configuration."""
    with run_exporter(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder with the JavaScript client, its packages installed as its lock file says."""
    require("node")
    npm = require("npm")
    stamp = NODE / "node_modules" / ".installed"
    lock = (NODE / "package-lock.json").read_text("utf-8")
    if not stamp.exists() or stamp.read_text("utf-8") != lock:
        done = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--silent"],
            cwd=NODE,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"npm ci failed:\n{done.stdout}{done.stderr}"
        stamp.write_text(lock, "utf-8")
    return NODE
