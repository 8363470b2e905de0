"""The renderer of pictures, without its packages: what it asks and where it puts panels."""

import subprocess
from pathlib import Path

from e2e.programs import require

PICTURES = Path(__file__).parents[1] / "pictures"


def test_variables_steps_and_places() -> None:
    """Its own tests pass; they need Node.js alone."""
    done = subprocess.run(
        [require("node"), "--test", "data/data.test.mjs"],
        cwd=PICTURES,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
