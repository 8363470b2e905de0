import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def test_every_import_follows_the_map() -> None:
    """The contracts of import-linter in pyproject.toml hold: data flows one way."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT / "exporter")}
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
