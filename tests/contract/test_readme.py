"""What the README says exists, exists: metrics, flags, endpoints, targets of make."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from model_exporter.expose.catalogue import BY_NAME

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = ["README.md", "CHANGELOG.md", "exporter/README.md"]
PARTS_OF_HISTOGRAMS = ("_bucket", "_sum", "_count")
NOT_METRICS = {"model_exporter"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_metric_is_in_the_catalogue(document: str) -> None:
    """A renamed metric is renamed in the documents too."""
    named = set(re.findall(r"\bmodel_[a-z0-9_]+", (ROOT / document).read_text("utf-8"))) - NOT_METRICS
    unknown = {
        name for name in named if name not in BY_NAME and re.sub("|".join(PARTS_OF_HISTOGRAMS), "", name) not in BY_NAME
    }
    assert unknown == set()


def test_every_flag_exists() -> None:
    """The table of flags is that of `serve --help`."""
    command = [sys.executable, "-m", "model_exporter", "serve", "--help"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    documented = set(re.findall(r"--[a-z]+\.[a-z-]+", README))
    assert documented == set(re.findall(r"--[a-z]+\.[a-z-]+", printed))


def test_every_target_of_make_exists() -> None:
    """`make X` in the documents is a target, and the help lists it."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"`(?:\$ )?make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE), target


def test_the_map_shows_every_room() -> None:
    """A room without a row on the map would be a room nobody finds."""
    package = ROOT / "exporter" / "model_exporter"
    rooms = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    shown = set(re.findall(r"`([a-z_]+)/?`", (ROOT / "exporter" / "README.md").read_text("utf-8")))
    assert rooms - {"__init__"} - shown == set()
