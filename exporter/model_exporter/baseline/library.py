"""Learned baselines on disk, one file a model, so that a restart does not learn anew."""

import logging
import re
from hashlib import sha256
from pathlib import Path

from model_exporter.baseline.file import read_baseline, write_baseline
from model_exporter.baseline.model import Baseline
from model_exporter.errors import BaselineError

log = logging.getLogger(__name__)


class BaselineLibrary:
    """A folder of learned baselines.

    Args:
        folder: where they are; it is made when absent.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.set_aside: list[Path] = []

    def load(self) -> dict[str, Baseline]:
        """All baselines by model. A file that cannot be read is renamed to `*.corrupt` and added to `set_aside`."""
        baselines = {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                baseline = read_baseline(path)
            except BaselineError as error:
                aside = path.with_suffix(".corrupt")
                path.replace(aside)
                self.set_aside.append(aside)
                log.warning("a learned baseline was set aside", extra={"file": str(aside), "error": str(error)})
                continue
            baselines[baseline.model] = baseline
        return baselines

    def save(self, baseline: Baseline) -> Path:
        """Write `baseline`, replacing the model's earlier one; returns the file.

        Raises:
            BaselineError: the disk refuses.
        """
        path = self._folder / _file_name(baseline.model)
        write_baseline(baseline, path)
        return path


def _file_name(model: str) -> str:
    """A readable name that two models never share, whatever characters theirs have."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", model)[:60].strip(".-")
    return f"{readable}-{sha256(model.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}.json"
