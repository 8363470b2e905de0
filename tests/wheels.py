"""Wheels of a tree, built in this process."""

import os
import shutil
import zipfile
from pathlib import Path
from typing import Final
from unittest import mock

from hatchling.builders.wheel import WheelBuilder

ROOT: Final = Path(__file__).parents[1]
VARIABLE: Final = "MODEL_EXPORTER_BUILD_EXTENSION"


def build_wheel(
    root: Path, directory: Path, *, extension: str = "skip", version: str = "standard", **variables: str
) -> Path:
    """The wheel of the tree at `root`, made in `directory`.

    Nothing is compiled unless `extension` asks for it, as that takes much longer than all the rest.
    """
    with mock.patch.dict(os.environ, {VARIABLE: extension, **variables}):
        (built,) = WheelBuilder(str(root)).build(directory=str(directory), versions=[version])
    return Path(built)


def unpack(wheel: Path, folder: Path) -> Path:
    """`folder` with what the wheel installs."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def copy_tree(target: Path) -> Path:
    """A copy of what the wheel is made of, with nothing in it that was compiled."""
    target.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, target)
    for name in ("exporter", "alertmanager", "rules"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.c"))
    return target
