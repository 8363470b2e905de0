"""Where the files of the pack are: beside the package in a checkout, within it once it is installed."""

from pathlib import Path
from typing import Final

_INSTALLED: Final = Path(__file__).parent / "files"
_CHECKOUT: Final = Path(__file__).parents[3]


def shipped(folder: str) -> Path:
    """The folder of that name at the top of the repository, such as `alertmanager`, wherever it is installed."""
    installed = _INSTALLED / folder
    return installed if installed.is_dir() else _CHECKOUT / folder
